package sqlite

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"recents/core"
	"recents/core/account"
	"recents/server/sqlstore"
)

var background = context.Background()

// write commits the next seq of an account: a row of its own.
func write(tx account.Tx, name string) error {
	s := tx.Account(name)
	m, err := s.Meta()
	if err != nil {
		return err
	}
	m = account.Meta{Epoch: "e", Seq: m.Seq + 1, LastTime: m.Seq + 1}
	return s.Commit(&account.Change{Meta: m, Put: []account.Record{{Row: core.Row{
		Key: core.Key{Type: core.P2P, ID: fmt.Sprint(m.Seq)}, Seq: m.Seq, UpdateTime: m.Seq}}}})
}

func writing(name string) func(account.Tx) error {
	return func(tx account.Tx) error { return write(tx, name) }
}

// written returns an account's seq after checking that its rows are 1 to seq.
func written(t testing.TB, db *DB, name string) (seq int64) {
	t.Helper()
	require.NoError(t, db.View(background, func(tx account.Tx) error {
		m, err := tx.Account(name).Meta()
		if err != nil {
			return err
		}
		rows, err := tx.Account(name).Changes(0, int(m.Seq)+1)
		if assert.Len(t, rows, int(m.Seq), "rows of %s", name) {
			for i := range rows {
				assert.EqualValues(t, i+1, rows[i].Seq)
			}
		}
		seq = m.Seq
		return err
	}))
	return seq
}

// held keeps the writer in one update until release is called, so that what is
// queued meanwhile waits together.
func held(t *testing.T, db *DB) (release func() error) {
	t.Helper()
	begun, hold, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		done <- db.Update(background, func(account.Tx) error {
			close(begun)
			<-hold
			return nil
		})
	}()
	select {
	case <-begun:
	case err := <-done:
		t.Fatalf("the update that was to hold the writer ended: %v", err)
	}
	return func() error {
		close(hold)
		return <-done
	}
}

// together queues updates behind one that holds the writer, in their order, and
// returns their outcomes.
func together(t *testing.T, db *DB, fns ...func(account.Tx) error) []error {
	t.Helper()
	release := held(t, db)
	errs := make([]error, len(fns))
	var wg sync.WaitGroup
	for i, fn := range fns {
		u := &update{fn: fn, done: make(chan error, 1)}
		require.NoError(t, db.enqueue(background, u))
		wg.Go(func() { errs[i] = <-u.done })
	}
	require.NoError(t, release())
	wg.Wait()
	return errs
}

func TestUpdatesThatWaitShareACommit(t *testing.T) {
	db := open(t, Options{Batch: 8})
	before := db.Stats()
	var fns []func(account.Tx) error
	for range 20 {
		fns = append(fns, writing("alice"))
	}
	for _, err := range together(t, db, fns...) {
		require.NoError(t, err)
	}
	after := db.Stats()
	require.EqualValues(t, 21, after.Updates-before.Updates)
	require.EqualValues(t, 1+3, after.Transactions-before.Transactions, "20 updates, 8 a batch, and the one before")
	require.EqualValues(t, 20, written(t, db, "alice"))
	require.Zero(t, after.Queued)
}

func TestWritesBoundATransaction(t *testing.T) {
	db := open(t, Options{})
	big := func(tx account.Tx) error {
		for i := range maxWrites {
			if err := tx.Account(fmt.Sprintf("m%d", i%50)).Commit(&account.Change{Meta: account.Meta{Epoch: "e", Seq: int64(i)}}); err != nil {
				return err
			}
		}
		return nil
	}
	before := db.Stats()
	for _, err := range together(t, db, big, writing("alice"), writing("alice")) {
		require.NoError(t, err)
	}
	require.EqualValues(t, 1+2, db.Stats().Transactions-before.Transactions, "the big one alone, the two after it together")
}

func TestS3AFailingUpdateHarmsNoOther(t *testing.T) {
	refused := core.BadParam("refused")
	unique := func(tx account.Tx) error { // breaks the rule that seqs differ, after a statement that was fine
		s := tx.Account("carol")
		c := &account.Change{Meta: account.Meta{Epoch: "e", Seq: 1}}
		for _, id := range []string{"a", "b"} {
			c.Put = append(c.Put, account.Record{Row: core.Row{Key: core.Key{Type: core.P2P, ID: id}, Seq: 1, UpdateTime: 1}})
		}
		return s.Commit(c)
	}
	db := open(t, Options{})
	errs := together(t, db,
		writing("alice"),
		func(tx account.Tx) error { return errors.Join(write(tx, "alice"), write(tx, "bob"), refused) },
		func(tx account.Tx) error { assert.NoError(t, write(tx, "alice")); panic("boom") },
		unique,
		func(tx account.Tx) error { assert.Error(t, unique(tx)); return nil }, // and does not mind
		writing("alice"),
	)
	require.NoError(t, errs[0])
	require.ErrorIs(t, errs[1], refused)
	require.ErrorContains(t, errs[2], "panic in an update: a value that is no runtime error")
	require.ErrorContains(t, errs[3], "UNIQUE constraint failed")
	require.ErrorContains(t, errs[4], "UNIQUE constraint failed")
	require.NoError(t, errs[5])
	require.EqualValues(t, 2, written(t, db, "alice"))
	require.Zero(t, written(t, db, "bob"))
	require.Zero(t, written(t, db, "carol"))
	require.EqualValues(t, 4, db.Stats().Failed)
	require.NoError(t, db.Healthy())
	t.Attr("S3", "4 of 6 updates of one transaction fail after a write, 1 by a panic: nothing of theirs stays, the other 2 do")
}

func TestHooksRunAfterTheCommitInOrder(t *testing.T) {
	db := open(t, Options{})
	var seen []string
	hook := func(name string, fails error) func(account.Tx) error {
		return func(tx account.Tx) error {
			tx.AfterCommit(func() {
				seen = append(seen, fmt.Sprint(name, written(t, db, "alice")))
				if name == "c" {
					panic("hook")
				}
			})
			return errors.Join(write(tx, "alice"), fails)
		}
	}
	errs := together(t, db, hook("a", nil), hook("b", errors.New("refused")), hook("c", nil), hook("d", nil))
	require.Equal(t, []string{"a3", "c3", "d3"}, seen, "each hook sees all of the commit")
	require.ErrorContains(t, errs[2], "panic in an update")
	require.NoError(t, errs[3])
}

// endsAt is a context that ends when Done is asked for the nth time.
type endsAt struct {
	context.Context
	n   int
	end func()
}

func newEndsAt(n int) *endsAt {
	ctx, end := context.WithCancel(background)
	return &endsAt{ctx, n, end}
}

func (e *endsAt) Done() <-chan struct{} {
	if e.n--; e.n == 0 {
		e.end()
	}
	return e.Context.Done()
}

func TestContextEndsTheWaitOnly(t *testing.T) {
	db := open(t, Options{Queue: 2}) // what gave up its wait stands in the queue until the writer comes to it
	never := func(account.Tx) error { t.Error("fn ran"); return nil }
	ended, end := context.WithCancel(background)
	end()
	require.ErrorIs(t, db.Update(ended, never), context.Canceled, "ended before the call")
	require.ErrorIs(t, db.View(ended, never), context.Canceled)

	release := held(t, db)
	require.ErrorIs(t, db.Update(newEndsAt(1), never), context.Canceled, "ended in the queue")
	require.Equal(t, 1, db.Stats().Queued)
	require.NoError(t, release())

	ctx, cancel := context.WithCancel(background)
	require.NoError(t, db.Update(ctx, func(tx account.Tx) error {
		cancel() // too late: it has begun
		return write(tx, "alice")
	}))
	require.EqualValues(t, 1, written(t, db, "alice"))
}

// TestS19AFullQueueRefuses: who finds Options.Queue others waiting is told at
// once to come again, and nothing of it happens; those that wait are served.
func TestS19AFullQueueRefuses(t *testing.T) {
	const queue, over = 8, 100
	db := open(t, Options{Queue: queue})
	release := held(t, db)
	var waiting []*update
	for range queue {
		u := &update{fn: writing("alice"), done: make(chan error, 1)}
		require.NoError(t, db.enqueue(background, u))
		waiting = append(waiting, u)
	}
	for range over {
		err := db.Update(background, writing("bob"))
		var refusal *core.Error
		require.ErrorAs(t, err, &refusal)
		require.Equal(t, core.CodeUnavailable, refusal.Code)
		require.Contains(t, refusal.Details, "8 writes wait")
	}
	require.NoError(t, release())
	for _, u := range waiting {
		require.NoError(t, <-u.done)
	}
	require.EqualValues(t, queue, written(t, db, "alice"))
	require.Zero(t, written(t, db, "bob"))
	require.EqualValues(t, over, db.Stats().TurnedAway)
	require.NoError(t, db.Update(background, writing("bob")), "and it goes on")
	t.Attr("S19", fmt.Sprintf("%d writes over a queue of %d refused at once, the %d that waited written", over, queue, queue))
}

func TestS14AFullDiskIsAnErrorAndPasses(t *testing.T) {
	db := open(t, Options{})
	limit := func(pages int64) {
		require.NoError(t, db.Update(background, func(account.Tx) error {
			_, err := db.conns[0].integer(fmt.Sprintf("PRAGMA max_page_count = %d", pages))
			return err
		}))
	}
	used, err := db.conns[0].integer("PRAGMA page_count")
	require.NoError(t, err)
	big := func(name string) func(account.Tx) error {
		return func(tx account.Tx) error {
			return tx.Account(name).Commit(&account.Change{Meta: account.Meta{Epoch: "e", Seq: 1}, Put: []account.Record{
				{Row: core.Row{Key: core.Key{Type: core.P2P, ID: "x"}, Seq: 1, UpdateTime: 1, Msg: make([]byte, 200<<10)}}}})
		}
	}
	limit(used + 10)
	errs := together(t, db, writing("alice"), big("bob"), writing("carol"))
	require.ErrorContains(t, errs[1], "full")
	require.NoError(t, db.Healthy(), "a full disk passes")
	for i, name := range []string{"alice", "bob", "carol"} {
		got := int64(0)
		if errs[i] == nil {
			got = 1
		}
		require.Equal(t, got, written(t, db, name), "%s: %v", name, errs[i])
	}
	limit(used + 1000)
	require.NoError(t, db.Update(background, big("bob")))
	require.NoError(t, db.Update(background, writing("alice")))
}

func TestS14AnotherProgramsLockIsAnErrorAndPasses(t *testing.T) {
	db := open(t, Options{BusyTimeout: time.Millisecond})
	other, err := dial(db.path, nil)
	require.NoError(t, err)
	defer func() { require.NoError(t, other.Close()) }()
	require.NoError(t, other.Exec("BEGIN IMMEDIATE"))
	err = db.Update(background, writing("alice"))
	require.Equal(t, codeBusy, resultCode(err), "%v", err)
	require.NoError(t, db.Healthy())
	require.Zero(t, written(t, db, "alice"), "reading goes on")
	require.NoError(t, other.Exec("ROLLBACK"))
	require.NoError(t, db.Update(background, writing("alice")))
}

// broken fails the first statement of a name with an error of the engine.
type broken struct {
	sqlstore.DB
	query string
	err   error
}

func (b *broken) Exec(query string, args ...any) error {
	if query == b.query {
		b.query = ""
		return b.err
	}
	return b.DB.Exec(query, args...)
}

type engineError int

func (e engineError) Error() string { return fmt.Sprintf("engine error %d", int(e)) }
func (e engineError) Code() int     { return int(e) }

func TestS14AFailedCommit(t *testing.T) {
	const ioerrFsync, ioerrShmSize, full = codeIOErr | 4<<8, codeIOErr | 19<<8, 13
	for code, stops := range map[engineError]bool{
		codeIOErr: true, ioerrFsync: true, codeCorrupt: true, codeNotDB: true,
		ioerrShmSize: false, full: false, codeBusy: false,
	} {
		t.Run(code.Error(), func(t *testing.T) {
			db := open(t, Options{})
			require.NoError(t, db.Update(background, writing("alice")))
			hooked := false
			hook := func(tx account.Tx) error { tx.AfterCommit(func() { hooked = true }); return write(tx, "alice") }
			breakIt := func(account.Tx) error { db.writer.conn.DB = &broken{db.conns[0], "COMMIT", code}; return nil }
			refuse := func(account.Tx) error { return errors.New("refused") }
			for _, err := range together(t, db, breakIt, hook, writing("bob"), refuse) {
				require.ErrorIs(t, err, code, "all of the batch fail")
			}
			require.False(t, hooked)
			require.EqualValues(t, 1, written(t, db, "alice"), "what was committed before can be read")
			require.Zero(t, written(t, db, "bob"))
			if stops {
				require.ErrorIs(t, db.Healthy(), code)
				require.ErrorIs(t, db.Update(background, writing("alice")), code)
				require.EqualValues(t, 1, written(t, db, "alice"))
			} else {
				require.NoError(t, db.Healthy())
				require.NoError(t, db.Update(background, writing("alice")))
				require.EqualValues(t, 2, written(t, db, "alice"))
			}
		})
	}
}

func TestS14ALostTransactionFailsThoseInIt(t *testing.T) {
	db := open(t, Options{})
	errs := together(t, db,
		writing("alice"),
		func(tx account.Tx) error { // what the engine does by itself when a disk is full
			return errors.Join(db.conns[0].Exec("ROLLBACK"), errors.New("gave up"))
		},
		writing("carol"),
	)
	require.ErrorContains(t, errs[0], "the transaction was given up")
	require.ErrorContains(t, errs[1], "gave up")
	require.NoError(t, errs[2], "the next has a transaction of its own")
	require.Zero(t, written(t, db, "alice"))
	require.EqualValues(t, 1, written(t, db, "carol"))
}
