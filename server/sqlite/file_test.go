package sqlite

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"recents/core"
	"recents/core/account"
)

func TestOneProcessAFile(t *testing.T) {
	db := open(t, Options{})
	_, err := Open(db.path, Options{})
	require.EqualError(t, err, "sqlite: "+db.path+": is open in another process, or in this one already")
	require.NoError(t, db.Update(background, writing("alice")), "the first one is not hurt")
	require.EqualValues(t, 1, written(t, db, "alice"))
}

// makeFile runs statements on a file, without Open.
func makeFile(t *testing.T, path string, queries ...string) {
	t.Helper()
	c, err := dial(path, nil)
	require.NoError(t, err)
	for _, q := range queries {
		require.NoError(t, c.Exec(q), q)
	}
	require.NoError(t, c.Close())
}

// used makes a file of ours that holds something, and returns its bytes.
func used(t *testing.T, path string) []byte {
	t.Helper()
	db, err := Open(path, Options{})
	require.NoError(t, err)
	for range 100 {
		require.NoError(t, db.Update(background, writing("alice")))
	}
	require.NoError(t, db.Close())
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	return b
}

func TestFilesThatAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		make func(t *testing.T, path string)
		want string
	}{
		"text": {func(t *testing.T, path string) {
			require.NoError(t, os.WriteFile(path, bytes.Repeat([]byte("not a database\n"), 500), 0o600))
		}, "is not an SQLite database"},
		"another program's": {func(t *testing.T, path string) {
			makeFile(t, path, "CREATE TABLE notes (text)", "PRAGMA application_id = 7")
		}, "is another program's database: application_id is 0x7, not 0x52434e54"},
		"newer": {func(t *testing.T, path string) {
			used(t, path)
			makeFile(t, path, "UPDATE schema_version SET version = 1000")
		}, "schema version 1000 is newer than 2, the newest that this build knows"},
		"cut": {func(t *testing.T, path string) {
			b := used(t, path)
			require.NoError(t, os.WriteFile(path, b[:len(b)/2], 0o600))
		}, "is damaged"},
		"zeroed schema": {func(t *testing.T, path string) {
			b := used(t, path)
			clear(b[100:4096])
			require.NoError(t, os.WriteFile(path, b, 0o600))
		}, "is damaged"},
		"a directory": {func(t *testing.T, path string) {
			require.NoError(t, os.Mkdir(path, 0o700))
		}, "unable to open database file"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "recents.db")
			c.make(t, path)
			before, _ := os.ReadFile(path)
			_, err := Open(path, Options{})
			require.ErrorContains(t, err, path)
			require.ErrorContains(t, err, c.want)
			after, _ := os.ReadFile(path)
			require.True(t, bytes.Equal(before, after), "the file is as it was")
		})
	}
	_, err := Open(filepath.Join(t.TempDir(), "no", "such", "directory"), Options{})
	require.ErrorContains(t, err, "the lock file: ")
}

func TestPathsWithMeaning(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a b?mode=ro#%20&é漢")
	require.NoError(t, os.Mkdir(dir, 0o700))
	path := filepath.Join(dir, "x%2fy?.db")
	used(t, path)
	require.FileExists(t, path)
	db, err := Open(path, Options{})
	require.NoError(t, err)
	require.EqualValues(t, 100, written(t, db, "alice"))
	require.NoError(t, db.Close())
}

func TestSettings(t *testing.T) {
	db := open(t, Options{})
	for pragma, want := range map[string]int64{"synchronous": 2, "fullfsync": 1, "temp_store": 2, "busy_timeout": 5000} {
		got, err := db.conns[0].integer("PRAGMA " + pragma)
		require.NoError(t, err)
		require.Equal(t, want, got, pragma)
	}
}

// TestVersion1 opens a file as version 1 wrote it. What it holds must be read by
// every later version.
func TestVersion1(t *testing.T) {
	script, err := os.ReadFile(filepath.Join("testdata", "v1.sql"))
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "recents.db")
	makeFile(t, path, strings.Split(strings.TrimSpace(string(script)), ";\n")...)
	db, err := Open(path, Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()

	bob := core.Key{Type: core.P2P, ID: "bob"}
	team := core.Key{Type: core.Team, ID: "t|1"}
	require.NoError(t, db.View(background, func(tx account.Tx) error {
		s := tx.Account("alice")
		m, err := s.Meta()
		assert.NoError(t, err)
		assert.Equal(t, account.Meta{Epoch: "0123456789abcdef", Seq: 4, LastTime: 1700000000003, Floor: 2, Digest: 0xfedcba9876543210}, m)
		all, err := s.Changes(0, 10)
		assert.NoError(t, err)
		assert.Equal(t, []account.Record{
			{Row: core.Row{Key: bob, Seq: 3, UpdateTime: 1700000000001, Ext: "", HasExt: true, ExtSeq: 2, Msg: []byte(`{"uuid":"m1","content":"it's 漢😀"}`)},
				MsgID: "m1", MsgOrder: 18446744073709551615, ChangedAt: 1700000000001},
			{Row: core.Row{Key: team, Seq: 4, UpdateTime: 1700000000003, Revoked: true, Revoke: []byte(`{"message":{"content":null}}`)},
				MsgID: "m2", MsgOrder: 7130316800000000000, ChangedAt: 1700000000004},
		}, all)
		husk, err := s.Row("super_team|9")
		assert.NoError(t, err)
		assert.Equal(t, account.Husk, husk.State)
		c, err := s.Client("c1")
		assert.NoError(t, err)
		assert.Equal(t, account.Client{ID: "c1", LastMid: 5, SeenAt: 1700000000002}, c)
		receipt, err := s.Receipt("m|m1")
		assert.NoError(t, err)
		assert.Equal(t, &account.Receipt{Key: "m|m1", Hash: "h", Answer: `{"serverId":"1"}`, At: 1700000000001}, receipt)
		revoke, err := s.PendingRevoke("m3")
		assert.NoError(t, err)
		assert.Equal(t, &account.PendingRevoke{MsgID: "m3", Body: `{"to":"p2p|bob"}`, At: 1700000000002}, revoke)
		got, err := tx.Team(team)
		assert.Equal(t, &account.Team{Key: team, Owner: "alice", Managers: []string{"bob"}, Members: []string{"alice", "bob", "漢"}}, got)
		return err
	}))
	require.NoError(t, db.Update(background, func(tx account.Tx) error {
		a, err := account.Open("alice", tx.Account("alice"), account.Env{Now: 1700000000005})
		if err != nil {
			return err
		}
		if _, err := a.SetExt(bob, "new", 0); err != nil {
			return err
		}
		_, err = a.Commit()
		return err
	}))
}
