//go:build !js

package server_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"

	"recents/core"
	"recents/core/account"
	"recents/server/sqlite"
)

// afterWrite is a store in which something happens after an account was
// written, within the transaction.
type afterWrite struct {
	account.Accounts
	do func() error
}

func (f *afterWrite) Update(ctx context.Context, fn func(account.Tx) error) error {
	return f.Accounts.Update(ctx, func(tx account.Tx) error { return fn(&afterWriteTx{tx, f}) })
}

type afterWriteTx struct {
	account.Tx
	f *afterWrite
}

func (tx *afterWriteTx) Account(name string) account.Store {
	return &afterWriteStore{tx.Tx.Account(name), tx.f}
}

type afterWriteStore struct {
	account.Store
	f *afterWrite
}

func (s *afterWriteStore) Commit(c *account.Change) error {
	if err := s.Store.Commit(c); err != nil || s.f.do == nil {
		return err
	}
	return s.f.do()
}

// TestS3AfterAWrite: whatever breaks after an account was written, nothing of
// it stays, nobody is told of it, the answer is 500, and the next call works.
func TestS3AfterAWrite(t *testing.T) {
	breaks := map[string]func() error{
		"an error":           func() error { return errors.New("disk I/O error") },
		"a panic":            func() error { panic(hush) },
		"a panic of runtime": func() error { var m map[string]int; m["x"]++; return nil },
	}
	for name, open := range map[string]func(testing.TB) account.Accounts{
		"memory": func(testing.TB) account.Accounts { return account.NewMemory() }, "sqlite": openSQLite,
	} {
		t.Run(name, func(t *testing.T) {
			store := &afterWrite{Accounts: open(t)}
			w := newWorld(t, store, nil) // which holds its log to be free of hush
			w.populate()
			writes := w.writesSentAgain()
			for _, what := range slices.Sorted(maps.Keys(breaks)) {
				for _, a := range writes {
					before := w.state("alice") + w.state("dave")
					store.do = breaks[what]
					got, err := a.send(w, http.DefaultTransport)
					require.NoError(t, err)
					got.refused(t, 500, "internal error")
					require.NotContains(t, got.body, hush)
					store.do = nil
					require.Equal(t, before, w.state("alice")+w.state("dave"), "%s: %s", what, a.name)
				}
			}
			for _, a := range writes {
				got, err := a.send(w, http.DefaultTransport)
				require.NoError(t, err)
				got.ok(t)
			}
			t.Attr("S3", fmt.Sprintf("%d kinds of writes broken in %d ways after the write: 0 left anything, all work afterwards", len(writes), len(breaks)))
		})
	}
}

// TestS6AnOlderCopyOfTheFiles: the files of a data directory are put back as
// they were. A reader that is further than they are is told to start over; once
// new changes have passed its cursor only the digest can tell, and does.
func TestS6AnOlderCopyOfTheFiles(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "recents.db")
	open := func() *sqlite.DB {
		db, err := sqlite.Open(path, sqlite.Options{})
		require.NoError(t, err)
		return db
	}
	db := open()
	w := newWorld(t, db, nil)
	reopen := func(between func()) {
		w.http.Close()
		require.NoError(t, db.Close())
		between()
		db = open()
		w.accounts = db
		w.restart(nil)
	}
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	for i := range 5 {
		w.send(fmt.Sprint("u", i), "alice", fmt.Sprint("m", i), "")
	}
	copied := w.cursor("alice")
	var backup []byte
	reopen(func() {
		var err error
		backup, err = os.ReadFile(path)
		require.NoError(t, err)
	})
	for i := range 3 {
		w.send(fmt.Sprint("later", i), "alice", fmt.Sprint("l", i), "")
	}
	seen := w.cursor("alice")
	held := w.rows("alice", core.Cursor{Epoch: seen.Epoch})
	reopen(func() { require.NoError(t, os.WriteFile(path, backup, 0o600)) })

	require.Equal(t, copied, w.cursor("alice"), "the epoch is in the files")
	page := w.user("alice", "/v1/sync", object{"epoch": seen.Epoch, "cursor": seen.Seq}).ok(t)
	require.Equal(t, core.ResetAhead, page.Get("reason").Str)
	l := w.dial("alice")
	l.hello(seen, "c")
	require.Equal(t, core.ResetAhead, l.next().Reason)
	l.close()

	for i := range 4 { // past the reader's cursor
		w.send(fmt.Sprint("new", i), "alice", fmt.Sprint("n", i), "")
	}
	page = w.user("alice", "/v1/sync", object{"epoch": seen.Epoch, "cursor": seen.Seq}).ok(t)
	require.Empty(t, page.Get("reason").Str, "the numbers fit")
	maps.Copy(held, w.rows("alice", seen))
	require.Equal(t, page.Get("digest").Str, digestOf(w.rows("alice", core.Cursor{Epoch: seen.Epoch})), "of who starts over")
	require.NotEqual(t, page.Get("digest").Str, digestOf(held), "and the digest does not: R5 has the reader start over")
	t.Attr("S6", "a copy 3 changes older: reset: ahead by HTTP and by WebSocket; after 4 new changes the digest differs")
}

func digestOf(rows map[string]int64) string {
	var d core.Digest
	for k, seq := range rows {
		d ^= core.Hash(k, seq)
	}
	return d.String()
}

// rows returns the live rows' seqs by key that a sync from a cursor tells.
func (w *world) rows(name string, from core.Cursor) map[string]int64 {
	w.t.Helper()
	rows := map[string]int64{}
	page := w.user(name, "/v1/sync", object{"epoch": from.Epoch, "cursor": from.Seq, "limit": 500}).ok(w.t)
	require.False(w.t, page.Get("more").Bool())
	for _, r := range page.Get("rows").Array() {
		rows[r.Get("k").Str] = r.Get("q").Int()
	}
	return rows
}

// TestS8TheServersClockSteps: over a restart too, a clock that goes back, leaps
// or stands breaks no order, and how far the times have run from it is told.
func TestS8TheServersClockSteps(t *testing.T) {
	const year = 365 * 24 * hour * 1000
	onBoth(t, func(t *testing.T, w *world) {
		last, sent := uint64(0), 0
		for _, step := range []int64{0, -500_000, 0, 0, year, -year, 1, 0} {
			w.clock.Add(step)
			for restart := range 2 {
				if restart == 1 {
					w.restart(nil)
				}
				friend := fmt.Sprint("u", sent)
				order := w.send(friend, "alice", friend, "").Get("serverId").Uint()
				require.Greater(t, order, last)
				require.Equal(t, friend, w.list("alice")[0])
				last, sent = order, sent+1
			}
		}
		require.Greater(t, w.handler.Ahead(), int64(year)-1000, "told since the leap")
		w.clock.Add(year + hour*1000)
		require.Zero(t, w.handler.Ahead(), "and over when the clock has caught up")
		t.Attr("S8", fmt.Sprintf("clock -500 s, +1 y, -1 y, frozen, each with a restart: %d messages in order, the drift told", sent))
	})
}

// TestS9ABurstIsAhead: 5,000 messages in one millisecond have 5,000 times, and
// the drift that makes is told and passes.
func TestS9ABurstIsAhead(t *testing.T) {
	const messages = 5000
	w := newWorld(t, openSQLite(t), nil)
	require.Zero(t, w.handler.Ahead())
	var wg sync.WaitGroup
	const senders = 8
	for s := range senders {
		wg.Go(func() {
			for i := s; i < messages; i += senders {
				w.deliver(fmt.Sprint("u", i), "alice", fmt.Sprint("m", i), "")
			}
		})
	}
	wg.Wait()
	times, at := map[int64]bool{}, ""
	for more := true; more; {
		page := w.user("alice", queryList, `{`+at+`"needLastMsg":0}`).ok(t)
		for _, s := range page.Get("sessionList").Array() {
			times[s.Get("updateTime").Int()] = true
		}
		at, more = `"maxTimestamp":`+page.Get("nextMaxTimestamp").Raw+`,`, page.Get("hasMore").Bool()
	}
	require.Len(t, times, messages)
	require.EqualValues(t, messages-1, w.handler.Ahead())
	w.clock.Add(messages)
	require.Zero(t, w.handler.Ahead())
	t.Attr("S9", fmt.Sprintf("%d messages in 1 ms: %d times, and a drift of %.1f s told until the clock caught up", messages, len(times), float64(messages)/1000))
}

// TestS16ManySlowReaders: what sockets that read nothing hold is bounded,
// however much is sent.
func TestS16ManySlowReaders(t *testing.T) {
	const sockets, messages, size = 50, 60, 20_000
	inBubble(t, func(t *testing.T, w *world, c *http.Client) {
		var open []*live
		for range sockets {
			l := w.dialPipe(w.token("alice"), c)
			l.follow(core.Cursor{})
			open = append(open, l)
		}
		before, most := heap(), int64(0)
		for i := range messages {
			w.deliver("bob", "alice", fmt.Sprint("m", i), strings.Repeat("x", size))
			if i%12 == 11 { // about where what waits is dropped
				synctest.Wait()
				most = max(most, heap()-before)
			}
		}
		each := most / sockets
		w.metrics.mu.Lock()
		pushed, behind := w.metrics.frameBytes, w.metrics.behind
		w.metrics.mu.Unlock()
		require.Greater(t, pushed, sockets*messages*size)
		require.Less(t, each, int64(320<<10), "a socket: 256 KiB wait, one frame is on its way")
		require.GreaterOrEqual(t, behind, sockets)
		for _, l := range open {
			require.EqualValues(t, messages, l.until(core.FrameBehind).Head)
			l.close()
		}
		t.Attr("S16", fmt.Sprintf("%d sockets that read nothing of %d MB: %d KB each at most, all told that they are behind", sockets, pushed>>20, each>>10))
	})
}

// heap returns the bytes in use.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

var pagedSessions = flag.Int("paged-sessions", 10_000, "sessions that are paged through under writes")

// TestS17PagingUnderWrites: who walks the pages while messages, deletes and new
// sessions go on sees no session twice, skips none that stood still, and with
// the changes since the start has exactly the server's list (I4).
func TestS17PagingUnderWrites(t *testing.T) {
	const changesAPage = 10
	w := newWorld(t, openSQLite(t), nil)
	for filled := 0; filled < *pagedSessions; filled += 1000 {
		w.fillFrom("alice", filled, min(1000, *pagedSessions-filled))
	}
	token := w.token("alice")
	start := w.cursor("alice")
	listed, pages, changes := map[string]bool{}, 0, 0
	for at, more := "", true; more; pages++ {
		var wg sync.WaitGroup
		wg.Go(func() { w.disturb(t, changes, changesAPage) })
		page := w.as(token, queryList, `{`+at+`"limit":100}`).ok(t)
		wg.Wait()
		changes += changesAPage
		for _, s := range page.Get("sessionList").Array() {
			k := sessionKey(s)
			require.False(t, listed[k], "%s stands on two pages", k)
			listed[k] = true
		}
		at, more = `"maxTimestamp":`+page.Get("nextMaxTimestamp").Raw+`,`, page.Get("hasMore").Bool()
	}
	for k, live := range w.changedSince(token, start) {
		if listed[k] = live; !live {
			delete(listed, k)
		}
	}
	want := map[string]bool{}
	for at, more := "", true; more; {
		page := w.as(token, queryList, `{`+at+`"needLastMsg":0}`).ok(t)
		for _, s := range page.Get("sessionList").Array() {
			want[sessionKey(s)] = true
		}
		at, more = `"maxTimestamp":`+page.Get("nextMaxTimestamp").Raw+`,`, page.Get("hasMore").Bool()
	}
	require.Equal(t, want, listed)
	t.Attr("S17", fmt.Sprintf("%d sessions in %d pages under %d changes: 0 skipped, 0 repeated", *pagedSessions, pages, changes))
}

func sessionKey(s gjson.Result) string {
	return s.Get("sessionType").Str + "|" + s.Get("sessionId").Str
}

// disturb makes n changes from the first on: messages that move sessions of
// anywhere in the list up, new sessions, deletes, and exts.
func (w *world) disturb(t *testing.T, first, n int) {
	token := "Bearer " + w.token("alice")
	call := func(path, body string) {
		serve(t, w.handler, newRequest(t, http.MethodPost, path, body, "Authorization", token)).ok(t)
	}
	for i := first; i < first+n; i++ {
		w.clock.Add(1)
		any := fmt.Sprint("x", i*7919%*pagedSessions)
		switch i % 5 {
		case 0, 1:
			w.deliver(any, "alice", fmt.Sprint("m", i), "")
		case 2:
			w.deliver(fmt.Sprint("new", i), "alice", fmt.Sprint("n", i), "")
		case 3:
			call(remove, `{"sessionList":[{"sessionId":"p2p|`+any+`"}]}`)
		case 4:
			call(update, `{"sessionId":"p2p|`+any+`","sessionType":"p2p","ext":"changed"}`)
		}
	}
}

// changedSince tells of each session that changed after a cursor whether it is
// there.
func (w *world) changedSince(token string, c core.Cursor) map[string]bool {
	w.t.Helper()
	changed := map[string]bool{}
	for more := true; more; {
		page := w.as(token, "/v1/sync", object{"epoch": c.Epoch, "cursor": c.Seq}).ok(w.t)
		for _, r := range page.Get("rows").Array() {
			changed[r.Get("k").Str] = !r.Get("d").Bool()
		}
		c.Seq, more = page.Get("next").Int(), page.Get("more").Bool()
	}
	return changed
}

// TestS19AnOverloadedStore: while more writes wait than the store takes, a call
// is answered 503 with Retry-After and a socket's hello is closed with 1013;
// reading goes on, nothing is logged as broken, and it passes.
func TestS19AnOverloadedStore(t *testing.T) {
	store := &overloaded{Accounts: account.NewMemory()}
	w := newWorld(t, store, nil)
	w.populate()
	writes := w.writesSentAgain()
	before := w.state("alice")
	store.on = true
	for _, a := range writes {
		got, err := a.send(w, http.DefaultTransport)
		require.NoError(t, err)
		got.refused(t, 503, "writes wait")
		require.Equal(t, "1", got.header.Get("Retry-After"))
	}
	l := w.dial("stranger") // whose account has to be made
	l.hello(core.Cursor{}, "c")
	require.EqualValues(t, 1013, l.ended())
	require.Equal(t, before, w.state("alice"))
	require.NotContains(t, w.log.String(), `"level":"ERROR"`)
	store.on = false
	for _, a := range writes {
		got, err := a.send(w, http.DefaultTransport)
		require.NoError(t, err)
		got.ok(t)
	}
	t.Attr("S19", fmt.Sprintf("%d kinds of writes: 503 with Retry-After 1, reading goes on, then all succeed", len(writes)))
}

// overloaded is a store that takes no writes while it is on, with the refusal
// of server/sqlite's.
type overloaded struct {
	account.Accounts
	on bool
}

func (o *overloaded) Update(ctx context.Context, fn func(account.Tx) error) error {
	if o.on {
		return &core.Error{Code: core.CodeUnavailable, Details: "the store: 2048 writes wait, and it takes no more"}
	}
	return o.Accounts.Update(ctx, fn)
}
