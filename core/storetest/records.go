package storetest

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"recents/core"
	"recents/core/account"
)

func testMeta(t *testing.T, a account.Accounts) {
	for _, m := range []account.Meta{
		{Epoch: "e1", Seq: 1, LastTime: 1700000000000, Floor: 0, Digest: 0},
		{Epoch: "e1", Seq: 2, LastTime: 1700000000001, Floor: 1, Digest: 1 << 63},
		{Epoch: "e2", Seq: core.MaxSafe, LastTime: core.MaxSafe, Floor: core.MaxSafe, Digest: math.MaxUint64},
		{Epoch: strings.Repeat("é", 32), Digest: 0x0123456789abcdef},
	} {
		commit(t, a, "alice", &account.Change{Meta: m})
		view(t, a, "alice", func(s account.Store) {
			got, err := s.Meta()
			assert.NoError(t, err)
			assert.Equal(t, m, got)
		})
	}
}

// full is a record with every field set.
func full(k core.Key, seq int64) account.Record {
	return account.Record{
		Row: core.Row{
			Key: k, Seq: seq, UpdateTime: 1700000000000 + seq,
			Ext: `{"pinned":true}`, HasExt: true, ExtSeq: seq,
			Msg: []byte(`{"uuid":"m1","content":"hi"}`),
		},
		MsgID: "m1", MsgOrder: 7, ChangedAt: 1700000000000 + seq,
	}
}

func testRecords(t *testing.T, a account.Accounts) {
	bob := core.Key{Type: core.P2P, ID: "bob"}
	cases := map[string]func(*account.Record){
		"all set":             func(r *account.Record) {},
		"all zero":            func(r *account.Record) { *r = rec("bob", 2, 1, account.Live) },
		"ext never set":       func(r *account.Record) { r.Ext, r.HasExt, r.ExtSeq = "", false, 0 },
		"ext cleared":         func(r *account.Record) { r.Ext, r.HasExt = "", true },
		"ext in every tongue": func(r *account.Record) { r.Ext = `"'` + "`;--\\%_?\u00e9漢字😀\u2028\u200d\ufeff" },
		"no message":          func(r *account.Record) { r.Msg, r.MsgID = nil, "" },
		"200 KB message": func(r *account.Record) {
			r.Msg = []byte(`{"content":"` + strings.Repeat("漢😀", 200<<10/7) + `"}`)
		},
		"message with quotes": func(r *account.Record) { r.Msg = []byte(`{"content":"it's \"q\" \u0000 \\ ; DROP"}`) },
		"revoked": func(r *account.Record) {
			r.Msg, r.Revoked, r.Revoke = nil, true, []byte(`{"message":{"content":null},"customInfo":"撤回"}`)
		},
		"tombstone":     func(r *account.Record) { *r = rec("bob", 2, 1, account.Tombstone); r.MsgOrder = 9 },
		"husk":          func(r *account.Record) { *r = rec("bob", 2, 1, account.Husk); r.MsgOrder = 9 },
		"order 2^53+1":  func(r *account.Record) { r.MsgOrder = 1<<53 + 1 },
		"order 2^63":    func(r *account.Record) { r.MsgOrder = 1 << 63 },
		"order 2^64-1":  func(r *account.Record) { r.MsgOrder = math.MaxUint64 },
		"times at 2^53": func(r *account.Record) { r.Seq, r.UpdateTime, r.ChangedAt = core.MaxSafe, core.MaxSafe, core.MaxSafe },
		"team":          func(r *account.Record) { r.Key = core.Key{Type: core.Team, ID: "t1"} },
		"superTeam":     func(r *account.Record) { r.Key = core.Key{Type: core.SuperTeam, ID: "9007199254740993"} },
		"id with bars":  func(r *account.Record) { r.Key.ID = "team|a|b" },
		"id of 64":      func(r *account.Record) { r.Key.ID = strings.Repeat("漢", 21) + "x" },
		"proto":         func(r *account.Record) { r.Key.ID = "__proto__" },
	}
	n := 0
	for name, change := range cases {
		t.Run(name, func(t *testing.T) {
			n++
			who := "alice" + strings.Repeat("x", n) // one account each
			want := full(bob, 5)
			change(&want)
			commit(t, a, who, put(want))
			view(t, a, who, func(s account.Store) {
				got, err := s.Row(want.Key.String())
				assert.NoError(t, err)
				assert.Equal(t, &want, got)
				list, err := s.Changes(0, 10)
				assert.NoError(t, err)
				if want.State != account.Husk && assert.Len(t, list, 1) {
					assert.Equal(t, want, list[0])
				}
			})
		})
	}
}

// testReplace puts a bare record over a full one and back: no field of the one
// before may shine through.
func testReplace(t *testing.T, a account.Accounts) {
	k := core.Key{Type: core.P2P, ID: "bob"}
	bare := rec("bob", 6, 3, account.Tombstone)
	for _, want := range []account.Record{full(k, 5), bare, full(k, 7)} {
		commit(t, a, "alice", put(want))
		view(t, a, "alice", func(s account.Store) {
			got, err := s.Row(k.String())
			assert.NoError(t, err)
			assert.Equal(t, &want, got)
			all, err := s.Changes(0, 10)
			assert.NoError(t, err)
			assert.Len(t, all, 1)
		})
	}
}

func testDrop(t *testing.T, a account.Accounts) {
	commit(t, a, "alice", put(rec("a", 1, 1, account.Live), rec("b", 2, 2, account.Tombstone),
		rec("c", 3, 3, account.Husk), rec(`"d'`, 4, 4, account.Live), rec("e", 5, 5, account.Live)))
	commit(t, a, "bob", put(rec("a", 1, 1, account.Live)))
	commit(t, a, "alice", &account.Change{Meta: meta(6), Put: []account.Record{rec("f", 6, 6, account.Live)},
		Drop: []string{"p2p|a", "p2p|b", "p2p|c", `p2p|"d'`, "p2p|unknown"}})
	view(t, a, "alice", func(s account.Store) {
		left, err := s.Changes(0, 10)
		assert.NoError(t, err)
		assert.Equal(t, "e f", ids(left))
		for _, key := range []string{"p2p|a", "p2p|c"} {
			r, err := s.Row(key)
			assert.NoError(t, err)
			assert.Nil(t, r, key)
		}
		free, err := s.FreeTime(1)
		assert.NoError(t, err)
		assert.EqualValues(t, 1, free, "a dropped record's time is free")
	})
	view(t, a, "bob", func(s account.Store) {
		r, err := s.Row("p2p|a")
		assert.NoError(t, err)
		assert.NotNil(t, r, "another account's record of the same key")
	})
}

// shelf is what the reading tests read: times and seqs in different orders, and
// one of each state among them.
func shelf() *account.Change {
	return put(rec("a", 9, 10, account.Live), rec("b", 1, 20, account.Live), rec("c", 2, 30, account.Tombstone),
		rec("d", 7, 40, account.Live), rec("e", 5, 50, account.Husk), rec("f", 3, 60, account.Live))
}

func testList(t *testing.T, a account.Accounts) {
	commit(t, a, "alice", shelf())
	for _, c := range []struct {
		name     string
		min, max int64
		limit    int
		want     string
	}{
		{"all, newest first, the live ones", 0, math.MaxInt64, 10, "f d b a"},
		{"both bounds inclusive", 20, 40, 10, "d b"},
		{"one below and above", 21, 39, 10, ""},
		{"min alone", 40, math.MaxInt64, 10, "f d"},
		{"max alone", 0, 20, 10, "b a"},
		{"one moment", 40, 40, 10, "d"},
		{"a tombstone's moment", 30, 30, 10, ""},
		{"a husk's moment", 50, 50, 10, ""},
		{"limit cuts the oldest", 0, math.MaxInt64, 3, "f d b"},
		{"limit 1", 0, 59, 1, "d"},
		{"limit exact", 0, math.MaxInt64, 4, "f d b a"},
		{"nothing so new", 61, math.MaxInt64, 10, ""},
		{"nothing so old", 0, 9, 10, ""},
	} {
		view(t, a, "alice", func(s account.Store) {
			got, err := s.List(c.min, c.max, c.limit)
			assert.NoError(t, err, c.name)
			assert.Equal(t, c.want, ids(got), c.name)
		})
	}
}

func testChanges(t *testing.T, a account.Accounts) {
	commit(t, a, "alice", shelf())
	for _, c := range []struct {
		name  string
		after int64
		limit int
		want  string
	}{
		{"all, rising, no husk", 0, 10, "b c f d a"},
		{"after is exclusive", 2, 10, "f d a"},
		{"after a husk's seq", 5, 10, "d a"},
		{"limit", 0, 2, "b c"},
		{"at the end", 9, 10, ""},
		{"beyond", 100, 10, ""},
	} {
		view(t, a, "alice", func(s account.Store) {
			got, err := s.Changes(c.after, c.limit)
			assert.NoError(t, err, c.name)
			assert.Equal(t, c.want, ids(got), c.name)
		})
	}
}

func testExpired(t *testing.T, a account.Accounts) {
	changed := func(id string, seq, at int64, st account.State) account.Record {
		r := rec(id, seq, 1000-seq, st)
		r.ChangedAt = at
		return r
	}
	commit(t, a, "alice", put(
		changed("t1", 9, 10, account.Tombstone), changed("t2", 2, 20, account.Tombstone), changed("t3", 5, 30, account.Tombstone),
		changed("h1", 3, 10, account.Husk), changed("h2", 8, 40, account.Husk),
		changed("l1", 1, 10, account.Live)))
	for _, c := range []struct {
		name           string
		state          account.State
		before, maxSeq int64
		limit          int
		want           string
	}{
		{"tombstones, rising by seq", account.Tombstone, 100, 100, 10, "t2 t3 t1"},
		{"before is exclusive", account.Tombstone, 30, 100, 10, "t2 t1"},
		{"maxSeq is inclusive", account.Tombstone, 100, 5, 10, "t2 t3"},
		{"both", account.Tombstone, 21, 8, 10, "t2"},
		{"limit keeps the lowest seqs", account.Tombstone, 100, 100, 2, "t2 t3"},
		{"no seq low enough", account.Tombstone, 100, -991, 10, ""},
		{"husks", account.Husk, 100, 100, 10, "h1 h2"},
		{"live ones", account.Live, 100, 100, 10, "l1"},
	} {
		view(t, a, "alice", func(s account.Store) {
			got, err := s.Expired(c.state, c.before, c.maxSeq, c.limit)
			assert.NoError(t, err, c.name)
			assert.Equal(t, c.want, ids(got), c.name)
		})
	}
}

func testFreeTime(t *testing.T, a account.Accounts) {
	var recs []account.Record
	for seq, time := range []int64{10, 11, 12, 14, 20} {
		recs = append(recs, rec(string(rune('a'+seq)), int64(seq)+1, time, account.State(seq%3)))
	}
	long := int64(1000)
	for i := range int64(300) { // a run longer than any page
		recs = append(recs, rec("r"+core.Itoa(i), 100+i, long+i, account.Live))
	}
	commit(t, a, "alice", put(recs...))
	commit(t, a, "bob", put(rec("x", 1, 13, account.Live)))
	for from, want := range map[int64]int64{
		9: 9, 10: 13, 11: 13, 12: 13, 13: 13, 14: 15, 15: 15, 20: 21, 999: 999, 1000: 1300, 1150: 1300, 1299: 1300, 1300: 1300,
	} {
		view(t, a, "alice", func(s account.Store) {
			got, err := s.FreeTime(from)
			assert.NoError(t, err)
			assert.Equal(t, want, got, "from %d", from)
		})
	}
	require.NotEmpty(t, recs)
}
