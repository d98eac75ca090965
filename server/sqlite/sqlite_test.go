package sqlite

import (
	"errors"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"recents/core/account"
	"recents/core/storetest"
	"recents/server/sqlstore"
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
	var viewed atomic.Bool
	var wg sync.WaitGroup
	wg.Go(func() {
		assert.NoError(t, db.View(background, func(tx account.Tx) error {
			close(viewing)
			<-look
			_, err := tx.Account("alice").Meta()
			viewed.Store(true)
			return err
		}))
	})
	<-viewing
	wg.Go(func() {
		assert.NoError(t, db.Close())
		assert.True(t, viewed.Load(), "Close waits for a view")
	})
	<-db.closing
	require.ErrorIs(t, db.Update(background, writing("alice")), ErrClosed)
	require.ErrorIs(t, db.View(background, func(account.Tx) error { return nil }), ErrClosed)
	require.ErrorIs(t, db.Healthy(), ErrClosed)
	require.NoError(t, release())
	for _, u := range queued {
		require.NoError(t, <-u.done, "what was queued is done")
	}
	<-db.writer.stopped
	close(look)
	wg.Wait()
	require.NoError(t, db.Close(), "twice")
	require.NoFileExists(t, path+"-wal", "all is in the file")

	db, err = Open(path, Options{})
	require.NoError(t, err)
	require.EqualValues(t, 10, written(t, db, "alice"))
	require.NoError(t, db.Close())
}

func TestQuery(t *testing.T) {
	c := open(t, Options{}).conns[0]
	const three = `SELECT 1, 'a', NULL UNION ALL SELECT 2, '', '' UNION ALL SELECT 3, ?, ?`
	var got []any
	stop := errors.New("stop")
	err := c.Query(func(r sqlstore.Row) error {
		got = append(got, r.Int(0), r.Text(1), r.Text(2), r.Null(2), r.Null(1))
		if r.Int(0) == 2 {
			return stop
		}
		return nil
	}, three, "b", nil)
	require.Same(t, stop, err, "an error of each ends the query")
	require.Equal(t, []any{int64(1), "a", "", true, false, int64(2), "", "", false, false}, got)

	n, err := c.integer("SELECT max(x) FROM (SELECT 1 AS x WHERE ? = 2)", int64(3))
	require.NoError(t, err)
	require.Zero(t, n, "NULL")
	require.ErrorContains(t, c.Query(nil, "SELECT missing"), "no such column: missing")
	require.ErrorContains(t, c.Exec("SELECT ?"), "missing argument")
	require.NoError(t, c.Query(func(sqlstore.Row) error { return nil }, three, "b", int64(4)), "the statement serves again")
}
