package sqlite

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"sync/atomic"

	"recents/core/account"
	"recents/server/sqlstore"
)

// writer is the one goroutine that writes. A sync of the log costs more than
// the statements of many updates, so what waits is committed together.
type writer struct {
	conn    *counter
	queue   chan *update
	batch   int
	stopped chan struct{}

	mover   *checkpointer
	unmoved int // statements that write, since mover was last woken

	transactions, updates, refused, turnedAway atomic.Uint64
	failure                                    atomic.Pointer[error]
}

// counter counts the statements that write.
type counter struct {
	sqlstore.DB
	writes int
}

func (c *counter) Exec(query string, args ...any) error {
	c.writes++
	return c.DB.Exec(query, args...)
}

// update is one call of Update.
type update struct {
	fn    func(account.Tx) error
	taken atomic.Bool
	tx    *sqlstore.Tx
	err   error      // of fn
	done  chan error // takes one
}

// take decides who has the update: the writer, which then runs it, or its
// caller, which then gives it up.
func (u *update) take() bool { return u.taken.CompareAndSwap(false, true) }

func newWriter(db sqlstore.DB, mover *checkpointer, o Options) *writer {
	return &writer{conn: &counter{DB: db}, queue: make(chan *update, o.Queue), batch: o.Batch, stopped: make(chan struct{}), mover: mover}
}

// run commits what is queued until the queue is closed and empty.
func (w *writer) run() {
	defer close(w.stopped)
	for first := range w.queue {
		for waiting := w.gather(first); len(waiting) > 0; {
			waiting = w.transact(waiting)
		}
	}
}

// gather returns the updates that wait now.
func (w *writer) gather(first *update) []*update {
	batch := []*update{first}
	for len(batch) < w.batch {
		select {
		case u, open := <-w.queue:
			if !open {
				return batch
			}
			batch = append(batch, u)
		default:
			return batch
		}
	}
	return batch
}

// transact runs updates in one transaction and answers them. It returns those
// that are left for the next one.
func (w *writer) transact(waiting []*update) (left []*update) {
	if err := w.begin(); err != nil {
		w.answer(slices.DeleteFunc(waiting, func(u *update) bool { return !u.take() }), err)
		return nil
	}
	ran, left, err := w.applyAll(waiting)
	if err == nil {
		err = w.commit()
	}
	if err != nil {
		// The engine may have rolled back by itself, and refuses this then. Had
		// it not, and could it not, the next BEGIN says so.
		_ = w.conn.Exec("ROLLBACK")
	}
	w.answer(ran, err)
	return left
}

func (w *writer) begin() error {
	if err := w.failed(); err != nil {
		return err
	}
	return w.conn.Exec("BEGIN IMMEDIATE")
}

// maxWrites bounds the statements of a transaction that others join: an update
// of a team writes to 2,000 accounts, and whoever waits for the same commit
// waits for all of it.
const maxWrites = 8192

// applyAll runs updates until one breaks the transaction or there are enough
// writes in it.
func (w *writer) applyAll(waiting []*update) (ran, left []*update, err error) {
	w.conn.writes = 0
	for i, u := range waiting {
		if w.conn.writes > maxWrites {
			return ran, waiting[i:], nil
		}
		if !u.take() {
			continue
		}
		ran = append(ran, u)
		if err := w.apply(u); err != nil {
			return ran, waiting[i+1:], err
		}
	}
	return ran, nil, nil
}

// apply runs one update within a savepoint, so that an error of its own leaves
// nothing and the others go on. An error that is returned is one of the whole
// transaction: the engine gives it up by itself on some, a full disk for one.
func (w *writer) apply(u *update) error {
	if err := w.conn.Exec("SAVEPOINT u"); err != nil {
		return err
	}
	u.tx = sqlstore.New(w.conn)
	u.err = protected(func() error { return u.fn(u.tx) })
	if u.err == nil {
		u.err = u.tx.Err()
	}
	if u.err == nil {
		return w.conn.Exec("RELEASE u")
	}
	if err := w.conn.Exec("ROLLBACK TO u"); err != nil {
		return fmt.Errorf("sqlite: the transaction was given up: %w", errors.Join(u.err, err))
	}
	return w.conn.Exec("RELEASE u")
}

// protected turns a panic into an error, which will be logged: the value's text
// is in it for errors of the runtime only, since any other could quote what a
// user sent.
func protected(fn func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			what := "a value that is no runtime error"
			if e, ok := p.(runtime.Error); ok {
				what = e.Error()
			}
			err = fmt.Errorf("sqlite: panic in an update: %s\n%s", what, debug.Stack())
		}
	}()
	return fn()
}

// commit makes the transaction durable. After an I/O error here nobody knows
// what is on the disk: a sync that failed once may report success the next
// time without having written. So nothing is written any more until a restart
// has read the log again.
func (w *writer) commit() error {
	err := w.conn.Exec("COMMIT")
	if err != nil && breaks(extendedCode(err)) {
		err = fmt.Errorf("sqlite: no more writes until a restart, since a commit failed: %w", err)
		w.failure.Store(&err)
	}
	return err
}

// breaks tells the errors that leave the file in doubt. Those of the shared
// memory file (18 to 21 in the second byte) do not: it is made anew at any
// time, and a full disk is one cause.
func breaks(code int) bool {
	switch code & 0xff {
	case codeIOErr:
		return code>>8 < 18 || code>>8 > 21
	case codeCorrupt, codeNotDB:
		return true
	}
	return false
}

func (w *writer) failed() error {
	if err := w.failure.Load(); err != nil {
		return *err
	}
	return nil
}

// answer tells the callers what became of their updates; err is of the whole
// transaction. An update that was refused waits for the commit as well: what
// it was refused for may have been written just before it.
func (w *writer) answer(ran []*update, err error) {
	if err == nil {
		w.committed(ran)
	}
	for _, u := range ran {
		if err != nil {
			u.err = err
		}
		if u.err != nil {
			w.refused.Add(1)
		}
		u.done <- u.err
	}
}

// committed counts, and runs what was left for after the commit.
func (w *writer) committed(ran []*update) {
	n := uint64(0)
	for _, u := range ran {
		if u.err == nil {
			n++
			u.err = protected(func() error { u.tx.Committed(); return nil })
		}
	}
	if n > 0 {
		w.transactions.Add(1)
		w.updates.Add(n)
	}
	w.unmoved = w.mover.committed(w.unmoved + w.conn.writes)
}

// checkpoint moves the log into the file. A program that reads the file just
// now may keep it from that, which loses nothing.
func (w *writer) checkpoint() error { return w.conn.Exec("PRAGMA wal_checkpoint(TRUNCATE)") }
