package core_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"recents/core"
)

// contract.md §1: what an account or a group id may be.
func TestCheckID(t *testing.T) {
	good := []string{"a", "bob", "a|b", "a-b", "a_b", "a.b", "__proto__", "constructor", "小明", "😀", strings.Repeat("x", 64), "p2p", " "}
	for _, id := range good {
		assert.NoError(t, core.CheckID("account", id), "%q", id)
	}
	bad := map[string]string{
		"":                       "account: is empty",
		strings.Repeat("x", 65):  "account: 65 bytes is over 64",
		strings.Repeat("x", 300): "account: 300 bytes is over 64",
		"a/b":                    `account: "a/b" holds /`,
		"a\x00b":                 "account: holds the control character U+0000",
		"a\nb":                   "account: holds the control character U+000A",
		"a\u0085b":               "account: holds the control character U+0085",
		"a\xffb":                 "account: is not UTF-8",
	}
	for id, text := range bad {
		assert.EqualError(t, core.CheckID("account", id), text)
	}
}

// contract.md §1 and §3: bare ids, whole keys, and those that contradict.
func TestResolveKey(t *testing.T) {
	key := func(typ core.SessionType, id string) core.Key { return core.Key{Type: typ, ID: id} }
	for _, c := range []struct {
		id, typ string
		want    core.Key
		text    string
	}{
		{id: "bob", typ: "p2p", want: key(core.P2P, "bob")},
		{id: "p2p|bob", typ: "p2p", want: key(core.P2P, "bob")},
		{id: "p2p|bob", want: key(core.P2P, "bob")},
		{id: "super_team|1", typ: "superTeam", want: key(core.SuperTeam, "1")},
		{id: "team|a|b", want: key(core.Team, "a|b")},
		{id: "a|b", typ: "p2p", want: key(core.P2P, "a|b")},
		{id: "p2p|p2p|bob", typ: "p2p", want: key(core.P2P, "p2p|bob")},
		{id: "p2p-bob", typ: "p2p", want: key(core.P2P, "p2p-bob")},
		{id: "__proto__", typ: "team", want: key(core.Team, "__proto__")},
		{id: "team|1", typ: "p2p", text: `sessionId: "team|1" contradicts sessionType p2p`},
		{id: "bob", text: "sessionType: missing, and sessionId has no p2p|, team| or super_team| prefix"},
		{id: "bob", typ: "chatRoom", text: `sessionType: "chatRoom" is not one of p2p, team, superTeam`},
		{id: "bob", typ: "super_team", text: `sessionType: "super_team" is not one of p2p, team, superTeam`},
		{id: "p2p|", typ: "p2p", text: "sessionId: is empty"},
		{id: "p2p|a/b", text: `sessionId: "a/b" holds /`},
	} {
		got, err := core.ResolveKey(c.id, c.typ)
		if c.text != "" {
			assert.EqualError(t, err, c.text)
			continue
		}
		require.NoError(t, err, "%q %q", c.id, c.typ)
		assert.Equal(t, c.want, got)
		again, err := core.ParseKey(got.String())
		require.NoError(t, err)
		assert.Equal(t, got, again, "the key's text reads back")
	}
}

func TestCursor(t *testing.T) {
	for _, c := range []core.Cursor{{Epoch: "e", Seq: 0}, {Epoch: "a.b", Seq: core.MaxSafe}, {}} {
		got, err := core.ParseCursor(c.String())
		require.NoError(t, err)
		assert.Equal(t, c, got)
	}
	for _, s := range []string{"", "e", "e.", "e.-1", "e.x", "e.9007199254740992", strings.Repeat("e", 65) + ".1"} {
		_, err := core.ParseCursor(s)
		assert.Error(t, err, "%q", s)
	}
}

func TestDigest(t *testing.T) {
	a, b := core.Hash("p2p|a", 1), core.Hash("p2p|b", 1)
	assert.NotEqual(t, a, b)
	assert.NotEqual(t, a, core.Hash("p2p|a", 2))
	// Pinned: stored digests must stay good.
	assert.Equal(t, "93385b4e73a0ecb9", a.String())
	got, err := core.ParseDigest(a.String())
	require.NoError(t, err)
	assert.Equal(t, a, got)
	for _, s := range []string{"", "93385b4e73a0ecb", "93385B4E73A0ECB9", "93385b4e73a0ecbx"} {
		_, err := core.ParseDigest(s)
		assert.Error(t, err, "%q", s)
	}
}
