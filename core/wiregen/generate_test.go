package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"recents/core"
	"recents/core/account"
)

const root = "../.."

func TestCheckedInFileIsUpToDate(t *testing.T) {
	want, err := generate(root, false)
	require.NoError(t, err)
	have, err := os.ReadFile(filepath.Join(root, "js/src/wire.gen.ts"))
	require.NoError(t, err)
	assert.Equal(t, string(want), string(have), "run: go run ./core/wiregen > js/src/wire.gen.ts")
}

func TestTypesOnlyHoldsNoValue(t *testing.T) {
	out, err := generate(root, true)
	require.NoError(t, err)
	assert.Contains(t, string(out), "export interface RecentSession {")
	assert.NotContains(t, string(out), "export const")
}

// The message types of the TypeScript union are those that the account takes.
func TestMessageTypesAreTheAccounts(t *testing.T) {
	parse := func(name string) error {
		_, err := account.ParseMessage([]byte(`{"messageType":"`+name+`"}`), "alice", core.Key{Type: core.P2P, ID: "bob"}, 1, false)
		return err
	}
	for _, name := range messageTypes {
		assert.NoError(t, parse(name), name)
	}
	assert.ErrorContains(t, parse("other"), "is not one of "+strings.Join(messageTypes, ", "))
}

// So are the revoke types, in the order of the session types.
func TestRevokeTypesAreTheAccounts(t *testing.T) {
	for i, typ := range []core.SessionType{core.P2P, core.Team, core.SuperTeam} {
		to := core.Key{Type: typ, ID: "there"}
		m, err := account.ParseMessage([]byte(`{"uuid":"u"}`), "alice", to, 1<<22, false)
		require.NoError(t, err)
		assert.Equal(t, `"`+revokeTypes[i]+`"`, string(core.Field(revoked(t, m), "revokeType")))
	}
}

// revoked delivers m to its sender, revokes it, and returns the notification.
func revoked(t *testing.T, m *account.Message) (notification []byte) {
	err := account.NewMemory().Update(context.Background(), func(tx account.Tx) error {
		a, err := account.Open(m.From, tx.Account(m.From), account.Env{Now: 1, NewEpoch: "e"})
		require.NoError(t, err)
		require.NoError(t, a.Deliver(m))
		_, err = a.Commit()
		require.NoError(t, err)

		a, err = account.Open(m.From, tx.Account(m.From), account.Env{Now: 2})
		require.NoError(t, err)
		require.NoError(t, a.Revoke(&account.Revoke{From: m.From, UUID: m.UUID, To: m.To, Operator: m.From}))
		row, err := a.Get(m.To)
		notification = row.Revoke
		return err
	})
	require.NoError(t, err)
	return notification
}

func TestRefusesWhatItCannotSay(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
	for _, tc := range []struct{ file, text, want string }{
		{shapesFile, "package core\ntype T struct { F chan int `json:\"f\"` }", "T: f: no TypeScript type for chan int"},
		{shapesFile, "package core\ntype T struct { F int }", "has no tag"},
		{shapesFile, "package core\ntype T struct {", "expected"},
		{constFiles[0], "package core\nconst (\n\tA = iota\n\tB\n)", "constant"},
		{constFiles[0], "package core\nconst A = other.B", "constant A"},
	} {
		for _, name := range append(constFiles, shapesFile) {
			write(name, "package p")
		}
		write(tc.file, tc.text)
		_, err := generate(dir, false)
		assert.ErrorContains(t, err, tc.want, tc.text)
	}
}
