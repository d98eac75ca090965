package sqlite

import (
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"recents/core/account"
	"recents/core/storetest"
)

// open opens a fresh file that is closed when the test ends.
func open(t testing.TB, o Options) *DB {
	t.Helper()
	db, err := Open(filepath.Join(t.TempDir(), "recents.db"), o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

func TestContract(t *testing.T) {
	storetest.Run(t, func(t *testing.T) account.Accounts { return open(t, Options{}) })
}

func TestAViewSeesOneMoment(t *testing.T) {
	db := open(t, Options{})
	require.NoError(t, db.Update(background, writing("alice")))
	require.NoError(t, db.View(background, func(tx account.Tx) error {
		seq := func() int64 {
			m, err := tx.Account("alice").Meta()
			assert.NoError(t, err)
			return m.Seq
		}
		assert.EqualValues(t, 1, seq())
		assert.NoError(t, db.Update(background, writing("alice"))) // readers do not keep the writer
		assert.EqualValues(t, 2, written(t, db, "alice"))
		rows, err := tx.Account("alice").Changes(0, 10)
		assert.Len(t, rows, 1)
		return err
	}))
}

func TestAViewCannotWrite(t *testing.T) {
	db := open(t, Options{Readers: 1})
	require.ErrorContains(t, db.View(background, writing("alice")), "readonly")
	require.Panics(t, func() { _ = db.View(background, func(account.Tx) error { panic("boom") }) })
	require.Zero(t, written(t, db, "alice"), "the one reader is in its place again")
}

func TestClose(t *testing.T) {
	path := filepath.Join(t.TempDir(), "recents.db")
	db, err := Open(path, Options{})
	require.NoError(t, err)

	release := held(t, db)
	var queued []*update
	for range 10 {
		u := &update{fn: writing("alice"), done: make(chan error, 1)}
		require.NoError(t, db.enqueue(background, u))
		queued = append(queued, u)
	}
	viewing, look := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		assert.NoError(t, db.View(background, func(tx account.Tx) error {
			close(viewing)
			<-look
			_, err := tx.Account("alice").Meta()
			return err
		}))
	})
	<-viewing
	wg.Go(func() { assert.NoError(t, db.Close()) })
	<-db.closing
	require.ErrorIs(t, db.Update(background, writing("alice")), ErrClosed)
	require.ErrorIs(t, db.View(background, func(account.Tx) error { return nil }), ErrClosed)
	require.ErrorIs(t, db.Healthy(), ErrClosed)
	require.NoError(t, release())
	for _, u := range queued {
		require.NoError(t, <-u.done, "what was queued is done")
	}
	close(look)
	wg.Wait()
	require.NoError(t, db.Close(), "twice")
	require.NoFileExists(t, path+"-wal", "all is in the file")

	db, err = Open(path, Options{})
	require.NoError(t, err)
	require.EqualValues(t, 10, written(t, db, "alice"))
	require.NoError(t, db.Close())
}
