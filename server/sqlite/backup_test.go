package sqlite

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"recents/core/account"
)

// epochs returns the epochs of two accounts.
func epochs(t *testing.T, db *DB) (list [2]string) {
	t.Helper()
	require.NoError(t, db.View(background, func(tx account.Tx) error {
		for i, name := range []string{"alice", "bob"} {
			m, err := tx.Account(name).Meta()
			assert.NoError(t, err)
			list[i] = m.Epoch
		}
		return nil
	}))
	return list
}

// TestBackupWhileWriting: the copy is one moment of a file that goes on being
// written, and its restore holds that moment, with new epochs.
func TestBackupWhileWriting(t *testing.T) {
	db := open(t, Options{})
	both := func(tx account.Tx) error {
		if err := write(tx, "alice"); err != nil {
			return err
		}
		return write(tx, "bob")
	}
	for range 200 {
		require.NoError(t, db.Update(background, both))
	}
	stop := make(chan struct{})
	var writing sync.WaitGroup
	writing.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				assert.NoError(t, db.Update(background, both))
			}
		}
	})
	dir := t.TempDir()
	copied := filepath.Join(dir, "backup.db")
	require.NoError(t, Backup(db.path, copied, ignore))
	close(stop)
	writing.Wait()
	require.NoFileExists(t, copied+".part")
	info, err := os.Stat(copied)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), "it holds what users wrote")
	require.ErrorContains(t, Backup(db.path, copied, ignore), "is there already")

	restored := filepath.Join(dir, "new", "recents.db")
	require.NoError(t, os.Mkdir(filepath.Dir(restored), 0o700))
	require.NoError(t, Restore(copied, restored, false, ignore))
	again, err := Open(restored, Options{})
	require.NoError(t, err)
	alice := written(t, again, "alice")
	require.GreaterOrEqual(t, alice, int64(200))
	require.LessOrEqual(t, alice, written(t, db, "alice"))
	require.Equal(t, alice, written(t, again, "bob"), "one moment")
	old, fresh := epochs(t, db), epochs(t, again)
	require.Equal(t, "e", old[0])
	require.Regexp(t, "^[0-9a-f]{16}$", fresh[0])
	require.NotEqual(t, fresh[0], fresh[1], "each its own")
	require.NoError(t, again.Update(background, both))
	require.NoError(t, again.Close())
	t.Attr("S6", fmt.Sprintf("a backup under writes holds one moment, %d commits; restored, each account has a new epoch", alice))
}

// TestRestoreKeepsWhatItReplaces: not without force, not while it is open, and
// with its log aside, which the engine would play into the new file.
func TestRestoreKeepsWhatItReplaces(t *testing.T) {
	dir := t.TempDir()
	path, copied := filepath.Join(dir, "recents.db"), filepath.Join(dir, "backup.db")
	used(t, path) // 100 commits
	require.NoError(t, Backup(path, copied, ignore))
	db, err := Open(path, Options{})
	require.NoError(t, err)
	for range 5 {
		require.NoError(t, db.Update(background, writing("alice")))
	}
	require.ErrorContains(t, Restore(copied, path, true, ignore), "is open in another process")
	file, err := os.ReadFile(path)
	require.NoError(t, err)
	wal, err := os.ReadFile(path + "-wal")
	require.NoError(t, err)
	require.NoError(t, db.Close())
	require.NoError(t, os.WriteFile(path, file, 0o600)) // as a killed process leaves them
	require.NoError(t, os.WriteFile(path+"-wal", wal, 0o600))

	require.ErrorContains(t, Restore(copied, path, false, ignore), "is there already")
	require.NoError(t, Restore(copied, path, true, ignore))
	for name, want := range map[string]int64{path: 100, path + ".replaced": 105} {
		db, err := Open(name, Options{})
		require.NoError(t, err)
		require.Equal(t, want, written(t, db, "alice"), name)
		require.NoError(t, db.Close())
	}
}

// ignore is told of a copy whose steps do not matter.
func ignore(string, int64, int64) {}

// TestACopyTellsHowFarItIs: each step in its turn, and a copy's bytes up to the last.
func TestACopyTellsHowFarItIs(t *testing.T) {
	dir := t.TempDir()
	path, copied, back := filepath.Join(dir, "recents.db"), filepath.Join(dir, "backup.db"), filepath.Join(dir, "back.db")
	used(t, path)
	type step struct {
		name        string
		done, total int64
	}
	var steps []step
	told := func(name string, done, total int64) { steps = append(steps, step{name, done, total}) }
	size := func(path string) int64 {
		info, err := os.Stat(path)
		require.NoError(t, err)
		return info.Size()
	}
	require.NoError(t, Backup(path, copied, told))
	require.Equal(t, step{"copy", 0, size(path)}, steps[0])
	require.Equal(t, step{"check", 0, 0}, steps[len(steps)-1])

	steps = nil
	require.NoError(t, Restore(copied, back, false, told))
	require.Equal(t, step{"check", 0, 0}, steps[0])
	require.Equal(t, step{"copy", size(copied), size(copied)}, steps[len(steps)-1])
}

// TestAGrowingFileIsWatched: what a slow engine wrote is told while it writes.
func TestAGrowingFileIsWatched(t *testing.T) {
	path := filepath.Join(t.TempDir(), "part")
	require.NoError(t, os.WriteFile(path, make([]byte, 300), 0o600))
	sizes := make(chan int64, 1)
	stop := watch(path, 1000, func(_ string, done, _ int64) {
		select {
		case sizes <- done:
		default: // nobody reads any more
		}
	})
	require.Zero(t, <-sizes)
	require.Equal(t, int64(300), <-sizes)
	stop()
}

func TestBackupsThatAreRefused(t *testing.T) {
	dir := t.TempDir()
	path, good := filepath.Join(dir, "recents.db"), filepath.Join(dir, "good.db")
	require.Error(t, Backup(path, good, ignore), "there is nothing")
	require.NoFileExists(t, path, "and none is made")
	used(t, path)
	require.NoError(t, Backup(path, good, ignore))
	bytes, err := os.ReadFile(good)
	require.NoError(t, err)
	bad := filepath.Join(dir, "bad.db")
	target := filepath.Join(dir, "target.db")
	for name, c := range map[string]struct {
		content []byte
		want    string
	}{
		"nothing":   {nil, "is empty"},
		"text":      {[]byte("not a database, and long enough to be looked at as one, which takes a hundred bytes of it and more than that"), "is not an SQLite database"},
		"cut":       {bytes[:len(bytes)/2], "is damaged"},
		"scribbled": {slices.Concat(bytes[:8192], []byte(strings.Repeat("scribble", 1024)), bytes[16384:]), "is damaged"},
	} {
		require.NoError(t, os.WriteFile(bad, c.content, 0o600))
		err := Restore(bad, target, true, ignore)
		require.ErrorContains(t, err, c.want, name)
		require.ErrorContains(t, err, bad, name)
		require.NoFileExists(t, target, name)
		require.NoFileExists(t, target+".part", name)
	}
	require.ErrorContains(t, Restore(filepath.Join(dir, "none.db"), target, true, ignore), "none.db")
}
