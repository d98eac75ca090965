package sqlite

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"recents/core/account"
)

var everyCut = flag.Bool("every-cut", false, "cut the log at each of its bytes, which takes minutes")

// TestS15ACutLogHoldsAPrefix cuts the log where a crash may leave it: the file
// opens, and holds the first so many commits and nothing of the others.
func TestS15ACutLogHoldsAPrefix(t *testing.T) {
	const commits = 40
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

	path := filepath.Join(memoryDir(t), "cut.db")
	last := int64(-1)
	offsets := cuts(len(wal))
	for _, end := range offsets {
		last = max(last, openCut(t, path, file, wal[:end], last))
	}
	require.EqualValues(t, commits, last, "the whole log holds all")
	t.Attr("S15", fmt.Sprintf("cut at %d offsets of %d bytes: it opened each time, with a prefix of %d commits", len(offsets), len(wal), commits))
}

// cuts returns where a log of so many bytes is cut, rising: at 900 places over
// its length, and at each byte of its header and around its first and last
// frames' borders, where a reader that counts wrong goes wrong.
func cuts(size int) (offsets []int) {
	const header, frame, spread, around = 32, 24 + 4096, 900, 30
	for i := range size + 1 {
		first, last := i-header-frame, size-frame-i
		if *everyCut || i <= header || max(first, -first) < around || max(last, -last) < around || size-i < around || i%(size/spread) == 0 {
			offsets = append(offsets, i)
		}
	}
	kept := offsets[:0]
	for i, end := range offsets {
		if i%every == 0 || end == size {
			kept = append(kept, end)
		}
	}
	return kept
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

// memoryDir is a directory in memory where there is one: a test that opens a
// thousand files waits for the disk's syncs and nothing else.
func memoryDir(t *testing.T) string {
	const shm = "/dev/shm"
	if _, err := os.Stat(shm); err != nil {
		return t.TempDir()
	}
	dir, err := os.MkdirTemp(shm, "recents-test-")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	return dir
}

func assertSound(t *testing.T, db *DB) {
	t.Helper()
	verdict, err := db.conns[0].text("PRAGMA integrity_check")
	assert.NoError(t, err)
	assert.Equal(t, "ok", verdict)
}
