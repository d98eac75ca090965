package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	_ "modernc.org/sqlite" // the driver that the server has
	"recents/core"
)

// bare is the floor under any server: the same statements on a copy of the
// same file, by the same driver, in a loop of this process, without HTTP,
// tokens, rules or answers.
type bare struct {
	size    size
	readers *sql.DB
	writer  *sql.DB
	sent    atomic.Int64
	run     int64
	queue   chan *bareDelivery
	over    sync.WaitGroup
}

// The pragmas are the server's.
func openBare(dir string, s size) (*bare, error) {
	path := "file:" + filepath.Join(dir, databaseFile) + "?" + strings.Join([]string{"_pragma=busy_timeout(5000)", "_pragma=journal_mode(WAL)",
		"_pragma=synchronous(FULL)", "_pragma=temp_store(MEMORY)"}, "&")
	b := &bare{size: s, run: time.Now().UnixMilli(), queue: make(chan *bareDelivery, 2048)}
	var err error
	if b.readers, err = sql.Open("sqlite", path+"&_pragma=cache_size(-8192)&mode=ro"); err != nil {
		return nil, err
	}
	b.readers.SetMaxOpenConns(4) // as many as the server's, on this machine
	b.readers.SetMaxIdleConns(4)
	if b.writer, err = sql.Open("sqlite", path+"&_pragma=cache_size(-32768)&_pragma=wal_autocheckpoint(16384)"); err != nil {
		return nil, err
	}
	b.writer.SetMaxOpenConns(1)
	b.over.Go(b.commitAll)
	return b, nil
}

func (b *bare) close() error {
	close(b.queue)
	b.over.Wait()
	return errors.Join(b.readers.Close(), b.writer.Close())
}

const bareList = `SELECT key, seq, update_time, ext, ext_seq, msg, msg_id, msg_order, revoke, state, changed_at FROM sessions
	WHERE account = ? AND update_time BETWEEN ? AND ? AND state = 0 ORDER BY update_time DESC LIMIT ?`

func ownCPU() (time.Duration, error) { return cpuOf("self") }

func (b *bare) lists() contender {
	return contender{cpu: ownCPU, callers: func(workers int) (calls []func() error, end func() error, err error) {
		query, err := b.readers.Prepare(bareList)
		if err != nil {
			return nil, nil, err
		}
		for range workers {
			calls = append(calls, func() error { return readAll(query, rand.IntN(b.size.accounts)+1) })
		}
		return calls, query.Close, nil
	}}
}

// readAll reads a list's 100 rows and, as the server does, one more.
func readAll(query *sql.Stmt, account int) error {
	rows, err := query.Query(account, 0, int64(core.MaxSafe), 101)
	if err != nil {
		return err
	}
	n := 0
	for ; rows.Next(); n++ {
		var key, id, order string
		var ext, msg, revoke sql.NullString
		var seq, at, extSeq, state, changed int64
		if err := rows.Scan(&key, &seq, &at, &ext, &extSeq, &msg, &id, &order, &revoke, &state, &changed); err != nil {
			return errors.Join(err, rows.Close())
		}
	}
	if n < 100 {
		return errors.Join(fmt.Errorf("account %d has %d sessions, want 100", account, n), rows.Close())
	}
	return errors.Join(rows.Err(), rows.Close())
}

// bareDelivery is what a delivery writes: both ends' rows and heads, and the
// sender's receipt.
type bareDelivery struct {
	from, to int // from 0 on
	n        int64
	msg      string
	done     chan error
}

func (b *bare) deliveries() contender {
	return contender{cpu: ownCPU, callers: func(workers int) (calls []func() error, end func() error, err error) {
		for range workers {
			done := make(chan error, 1)
			calls = append(calls, func() error {
				n := b.sent.Add(1)
				from := rand.IntN(b.size.accounts)
				d := &bareDelivery{from, b.size.neighbour(from, rand.IntN(b.size.sessions)), n, messageJSON(fmt.Sprint("bare-", n), int(n)), done}
				b.queue <- d
				return <-done
			})
		}
		return calls, func() error { return nil }, nil
	}}
}

// commitAll writes what waits in one transaction, until the queue is closed.
func (b *bare) commitAll() {
	w, err := newBareWriter(b.writer)
	for first := range b.queue {
		batch := b.gather(first)
		if err == nil {
			err = w.commit(b.run, batch)
		}
		for _, d := range batch {
			d.done <- err
		}
	}
}

func (b *bare) gather(first *bareDelivery) []*bareDelivery {
	batch := []*bareDelivery{first}
	for {
		select {
		case d, open := <-b.queue:
			if !open {
				return batch
			}
			batch = append(batch, d)
		default:
			return batch
		}
	}
}

type bareWriter struct {
	conn                   *sql.Conn
	head, session, receipt *sql.Stmt
}

func newBareWriter(db *sql.DB) (*bareWriter, error) {
	conn, err := db.Conn(context.Background())
	if err != nil {
		return nil, err
	}
	w := &bareWriter{conn: conn}
	for _, s := range []struct {
		into **sql.Stmt
		text string
	}{
		{&w.head, `UPDATE accounts SET epoch = ?, seq = ?, last_time = ?, floor = ?, digest = ? WHERE id = ?`},
		{&w.session, `INSERT INTO sessions (account, key, seq, update_time, ext, ext_seq, msg, msg_id, msg_order, revoke, state, changed_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (account, key) DO UPDATE SET seq = excluded.seq, update_time = excluded.update_time,
				ext = excluded.ext, ext_seq = excluded.ext_seq, msg = excluded.msg, msg_id = excluded.msg_id,
				msg_order = excluded.msg_order, revoke = excluded.revoke, state = excluded.state, changed_at = excluded.changed_at`},
		{&w.receipt, `INSERT INTO receipts (account, key, hash, answer, at) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (account, key) DO UPDATE SET hash = excluded.hash, answer = excluded.answer, at = excluded.at`},
	} {
		if *s.into, err = conn.PrepareContext(context.Background(), s.text); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
	}
	return w, nil
}

func (w *bareWriter) commit(run int64, batch []*bareDelivery) error {
	ctx := context.Background()
	if _, err := w.conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	for _, d := range batch {
		if err := w.write(ctx, run+d.n, d); err != nil {
			return err
		}
	}
	_, err := w.conn.ExecContext(ctx, "COMMIT")
	return err
}

// write gives the delivery's number to everything that has to rise.
func (w *bareWriter) write(ctx context.Context, at int64, d *bareDelivery) error {
	for _, end := range [][2]int{{d.from, d.to}, {d.to, d.from}} {
		_, err := w.session.ExecContext(ctx, end[0]+1, "p2p|"+accountName(end[1]), at, at, nil, 0, d.msg, "id", fmt.Sprint(at), nil, 0, at)
		if err != nil {
			return err
		}
		if _, err := w.head.ExecContext(ctx, fmt.Sprintf("%016x", end[0]), at, at, 0, "0123456789abcdef", end[0]+1); err != nil {
			return err
		}
	}
	_, err := w.receipt.ExecContext(ctx, d.from+1, fmt.Sprint("m|", at), strings.Repeat("a", 64), `{"serverId":"7409152000000000000"}`, at)
	return err
}
