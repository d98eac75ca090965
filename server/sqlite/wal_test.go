package sqlite

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"recents/core/account"
)

// TestACutLogHoldsAPrefix cuts the log where a crash may leave it: the file
// opens, and holds the first so many commits and nothing of the others.
func TestACutLogHoldsAPrefix(t *testing.T) {
	const commits, cuts = 60, 200
	db := open(t, Options{})
	for range commits {
		require.NoError(t, db.Update(background, func(tx account.Tx) error {
			if err := write(tx, "alice"); err != nil {
				return err
			}
			return write(tx, "bob")
		}))
	}
	file, err := os.ReadFile(db.path)
	require.NoError(t, err)
	wal, err := os.ReadFile(db.path + "-wal")
	require.NoError(t, err)

	path := filepath.Join(t.TempDir(), "cut.db")
	last := int64(-1)
	for i := range cuts + 1 {
		end := len(wal) * i / cuts
		last = max(last, openCut(t, path, file, wal[:end], last))
	}
	require.EqualValues(t, commits, last, "the whole log holds all")
}

// openCut opens a copy with that much of a log and returns how many commits it
// holds: no fewer than a shorter log did.
func openCut(t *testing.T, path string, file, wal []byte, before int64) int64 {
	require.NoError(t, os.WriteFile(path, file, 0o600))
	require.NoError(t, os.WriteFile(path+"-wal", wal, 0o600))
	db, err := Open(path, Options{Readers: 1})
	require.NoError(t, err, "cut at %d", len(wal))
	alice := written(t, db, "alice")
	assert.Equal(t, alice, written(t, db, "bob"), "cut at %d", len(wal))
	assert.GreaterOrEqual(t, alice, before, "cut at %d", len(wal))
	assertSound(t, db)
	require.NoError(t, db.Update(background, writing("alice")), "cut at %d", len(wal))
	require.NoError(t, db.Close())
	return alice
}

func assertSound(t *testing.T, db *DB) {
	t.Helper()
	verdict, err := db.conns[0].text("PRAGMA integrity_check")
	assert.NoError(t, err)
	assert.Equal(t, "ok", verdict)
}
