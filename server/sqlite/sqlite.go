// Package sqlite keeps accounts in one SQLite file: a write-ahead log that is
// synced at every commit, one writer that commits what waits together, and a
// pool of readers that each see one moment.
package sqlite

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"time"

	"recents/core"
	"recents/core/account"
	"recents/server/sqlstore"
)

// ErrClosed is returned by every call after Close.
var ErrClosed = errors.New("sqlite: the database is closed")

// Options tunes a DB. The zero value of each field means its default.
type Options struct {
	Readers     int           // connections that View shares; default 4, or one a CPU
	Queue       int           // updates that wait at most: one more is refused; default 2,048
	Batch       int           // updates in one transaction at most; default 256
	BusyTimeout time.Duration // how long to wait for another program's lock; default 5 s
}

func (o Options) withDefaults() Options {
	o.Readers = orDefault(o.Readers, max(4, runtime.NumCPU()))
	o.Queue = orDefault(o.Queue, 2048)
	o.Batch = orDefault(o.Batch, 256)
	o.BusyTimeout = orDefault(o.BusyTimeout, 5*time.Second)
	return o
}

func orDefault[T comparable](v, def T) T {
	var zero T
	if v == zero {
		return def
	}
	return v
}

// DB is an account.Accounts in a file.
type DB struct {
	path    string
	lock    *conn
	conns   []*conn // the writer's, the checkpointer's and the readers'
	writer  *writer
	mover   *checkpointer
	readers chan *conn // those that no view uses

	mu      sync.RWMutex // held for reading while an update is queued
	closed  bool
	closing chan struct{}
	close   func() error
}

var _ account.Accounts = (*DB)(nil)

// Open opens or makes the file, whose directory must be there, and brings its
// schema up to date. Beside the file it keeps its write-ahead log (-wal, -shm)
// and a lock (.lock), by which a file is open once at a time. Another program's
// file, a damaged one, and one of a newer schema are refused.
func Open(path string, o Options) (*DB, error) {
	o = o.withDefaults()
	db := &DB{path: path, readers: make(chan *conn, o.Readers), closing: make(chan struct{})}
	db.close = sync.OnceValue(db.shutdown)
	if err := db.open(path, o); err != nil {
		return nil, errors.Join(fmt.Errorf("sqlite: %s: %w", path, err), db.release())
	}
	go db.mover.run()
	go db.writer.run()
	return db, nil
}

func (db *DB) open(path string, o Options) (err error) {
	if db.lock, err = lock(path + ".lock"); err != nil {
		return err
	}
	w, err := dial(path, nil, busyTimeout(o))
	if err != nil {
		return err
	}
	db.conns = append(db.conns, w)
	if err := prepareFile(w); err != nil {
		return err
	}
	if db.mover, err = openCheckpointer(path, o); err != nil {
		return err
	}
	db.conns = append(db.conns, db.mover.conn)
	db.writer = newWriter(w, db.mover, o)
	for range o.Readers {
		c, err := dial(path, url.Values{"mode": {"ro"}}, busyTimeout(o), "cache_size = -8192")
		if err != nil {
			return err
		}
		db.conns = append(db.conns, c)
		db.readers <- c
	}
	return nil
}

// View implements account.Accounts.
func (db *DB) View(ctx context.Context, fn func(account.Tx) error) error {
	return db.view(ctx, func(tx *sqlstore.Tx) error { return fn(tx) })
}

// view runs fn in a read transaction: what is committed meanwhile is not seen.
func (db *DB) view(ctx context.Context, fn func(*sqlstore.Tx) error) (err error) {
	c, err := db.reader(ctx)
	if err != nil {
		return err
	}
	defer func() { db.readers <- c }()
	if err := c.Exec("BEGIN"); err != nil {
		return err
	}
	defer func() {
		if e := c.Exec("ROLLBACK"); err == nil {
			err = e
		}
	}()
	return fn(sqlstore.New(c))
}

// reader takes a connection, which the caller puts back.
func (db *DB) reader(ctx context.Context) (*conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case <-db.closing:
		return nil, ErrClosed
	default:
	}
	select {
	case c := <-db.readers:
		return c, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-db.closing:
		return nil, ErrClosed
	}
}

// Update implements account.Accounts. When ctx ends before fn was begun, fn
// never runs and ctx's error is returned; after that Update waits for the
// outcome. A panic of fn is an error. While Options.Queue others wait, Update
// refuses at once with code 503. Update must not be called within fn.
func (db *DB) Update(ctx context.Context, fn func(account.Tx) error) error {
	u := &update{fn: fn, done: make(chan error, 1)}
	if err := db.enqueue(ctx, u); err != nil {
		return err
	}
	select {
	case err := <-u.done:
		return err
	case <-ctx.Done():
		if u.take() {
			return ctx.Err()
		}
		return <-u.done
	}
}

func (db *DB) enqueue(ctx context.Context, u *update) error {
	db.mu.RLock()
	defer db.mu.RUnlock()
	if db.closed {
		return ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case db.writer.queue <- u:
		return nil
	default:
		db.writer.turnedAway.Add(1)
		return overloaded(cap(db.writer.queue))
	}
}

// overloaded refuses an update. What waits holds its caller's request in
// memory, and the callers would go on coming while the writer is behind.
func overloaded(waiting int) error {
	return &core.Error{Code: core.CodeUnavailable, Details: "the store: " + core.Itoa(int64(waiting)) + " writes wait, and it takes no more"}
}

// Due implements account.Accounts.
func (db *DB) Due(ctx context.Context, records, receipts int64, limit int) (due []string, err error) {
	err = db.view(ctx, func(tx *sqlstore.Tx) error {
		due, err = tx.Due(records, receipts, limit)
		return err
	})
	return due, err
}

// Newest implements account.Accounts. It reads the head of every account.
func (db *DB) Newest(ctx context.Context) (newest int64, err error) {
	err = db.view(ctx, func(tx *sqlstore.Tx) error {
		newest, err = tx.Newest()
		return err
	})
	return newest, err
}

// Healthy tells why the DB takes no writes; nil while it does.
func (db *DB) Healthy() error {
	select {
	case <-db.closing:
		return ErrClosed
	default:
		return db.writer.failed()
	}
}

// Stats counts since Open.
type Stats struct {
	Transactions uint64 // committed, each with one sync of the log
	Updates      uint64 // committed in them
	Failed       uint64 // answered with an error
	TurnedAway   uint64 // refused because too many waited
	Queued       int    // waiting now
	Unmoved      uint64 // attempts to move the log into the file that failed; the next one repeats them
}

// Stats returns the counts.
func (db *DB) Stats() Stats {
	w := db.writer
	return Stats{w.transactions.Load(), w.updates.Load(), w.refused.Load(), w.turnedAway.Load(), len(w.queue), db.mover.failed.Load()}
}

// Close lets the updates that are queued end, waits for the views that run,
// moves the log into the file, and gives the file free. A second call returns
// what the first did.
func (db *DB) Close() error { return db.close() }

func (db *DB) shutdown() error {
	db.mu.Lock()
	db.closed = true
	db.mu.Unlock()
	close(db.closing)
	close(db.writer.queue)
	<-db.writer.stopped
	db.mover.stop()
	for range cap(db.readers) {
		<-db.readers
	}
	return errors.Join(db.writer.checkpoint(), db.release())
}

// release closes what is open, the writer after the readers: the last one to go
// removes the log, which a reader may not.
func (db *DB) release() error {
	var errs []error
	for _, c := range slices.Backward(db.conns) {
		errs = append(errs, c.Close())
	}
	if db.lock != nil {
		errs = append(errs, db.lock.Close())
	}
	return errors.Join(errs...)
}

func busyTimeout(o Options) string {
	return "busy_timeout = " + strconv.FormatInt(o.BusyTimeout.Milliseconds(), 10)
}
