package server_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"recents/core/account"
	"recents/server"
)

func get(w *world, path string) answer { return w.request(http.MethodGet, path, nil) }

func TestProbes(t *testing.T) {
	var mu sync.Mutex
	var store error
	told := make(chan error, 10)
	w := newWorld(t, account.NewMemory(), func(o *server.Options) {
		o.Healthy = func() error { mu.Lock(); defer mu.Unlock(); return store }
		o.Failed = func(err error) { told <- err }
	})
	get(w, "/healthz").ok(t)
	get(w, "/readyz").ok(t)
	mu.Lock()
	store = errors.New("disk I/O error")
	mu.Unlock()
	a := get(w, "/readyz")
	a.refused(t, 503, "store")
	require.Equal(t, "1", a.header.Get("Retry-After"))
	get(w, "/readyz").refused(t, 503)
	get(w, "/healthz").ok(t)
	require.ErrorIs(t, <-told, store)
	require.Empty(t, told, "told once")

	stopping := onMemory(t)
	stopping.handler.Stop()
	get(stopping, "/readyz").refused(t, 503, "stopping")
	stopping.user("alice", queryList, `{}`).ok(t)
}

func TestMetricsPath(t *testing.T) {
	w := newWorld(t, account.NewMemory(), func(o *server.Options) {
		o.Exposition = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("a_metric 1\n")) })
	})
	require.Equal(t, "a_metric 1\n", get(w, "/metrics").body)
}

func TestOpenAPIIsServed(t *testing.T) {
	a := get(onMemory(t), "/openapi.json")
	require.Equal(t, 200, a.status)
	require.True(t, json.Valid([]byte(a.body)))
	require.Equal(t, "application/json; charset=utf-8", a.header.Get("Content-Type"))
}

// broken is a store that panics, or fails, or waits, as a test says.
type broken struct {
	account.Accounts
	view func(context.Context) error
}

func (b *broken) View(ctx context.Context, fn func(account.Tx) error) error {
	if b.view != nil {
		if err := b.view(ctx); err != nil {
			return err
		}
	}
	return b.Accounts.View(ctx, fn)
}

func TestS3APanicIsOneCall(t *testing.T) {
	b := &broken{Accounts: account.NewMemory()}
	w := newWorld(t, b, nil)
	for _, value := range []any{hush, errors.New(hush), 7} {
		b.view = func(context.Context) error { panic(value) }
		w.user("alice", queryList, `{}`).refused(t, 500, "internal error")
		b.view = func(context.Context) error { var m map[string]int; m["x"]++; return nil }
		w.user("alice", queryList, `{}`).refused(t, 500)
		b.view = nil
		w.user("alice", queryList, `{}`).ok(t)
	}
	require.Contains(t, w.log.String(), "assignment to entry in nil map")
	require.Contains(t, w.log.String(), `"stack":"goroutine`)
	t.Attr("S3", "6 panics: 500 each, and the next call works")
}

func TestErrorsOfTheStore(t *testing.T) {
	b := &broken{Accounts: account.NewMemory()}
	w := newWorld(t, b, func(o *server.Options) { o.Timeout = time.Millisecond })
	b.view = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	w.user("alice", queryList, `{}`).refused(t, 408, "1ms")
	b.view = func(ctx context.Context) error { return errors.New("disk I/O error") }
	w.user("alice", queryList, `{}`).refused(t, 500, "internal error")
	require.Contains(t, w.log.String(), "disk I/O error", "told inside")

	sick := newWorld(t, b, func(o *server.Options) { o.Healthy = func() error { return errors.New("read-only") } })
	sick.user("alice", queryList, `{}`).refused(t, 503, "store")
}

func TestCollect(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		for _, name := range []string{"ann", "ben", "cid"} {
			w.send(name, "zoe", name, "")
			w.user(name, remove, `{"sessionList":[{"sessionId":"p2p|zoe"}]}`).ok(t)
		}
		w.clock.Add(31 * 24 * hour * 1000)
		require.NoError(t, w.handler.Collect(t.Context()), "it ends, although too few changes came since for the tombstones to go")
		due, err := w.accounts.Due(t.Context(), 0, w.clock.Load()-24*hour*1000, 10)
		require.NoError(t, err)
		require.Empty(t, due, "no receipt is left")
		require.Empty(t, w.list("ann"))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, memory := w.accounts.(*account.Memory); !memory {
			require.ErrorIs(t, w.handler.Collect(ctx), context.Canceled)
		}
	})
}

// TestOneLineARequest: what a log line holds, and what it never does.
func TestOneLineARequest(t *testing.T) {
	w := onMemory(t)
	w.user("alice", update, ext(`"`+hush+`"`)).ok(t)
	w.user("alice", "/"+hush, `{}`).refused(t, 404)
	w.request(http.MethodPost, update, ext(`"x"`)+hush, "Authorization", "Bearer "+w.token("alice")).refused(t, 414)
	get(w, "/healthz").ok(t)
	lines := strings.Split(strings.TrimSpace(w.log.String()), "\n")
	require.Len(t, lines, 3, "probes are for debug")
	for i, want := range []object{{"path": update, "code": 200.0}, {"path": "other", "code": 404.0}, {"path": update, "code": 414.0}} {
		var line object
		require.NoError(t, json.Unmarshal([]byte(lines[i]), &line))
		require.Subset(t, line, want)
		require.Subset(t, line, object{"msg": "request", "method": "POST"})
		require.Contains(t, line, "ms")
		require.Contains(t, line, "bytes")
		require.NotContains(t, line, "account")
	}
	var debug buffer
	d := newWorld(t, account.NewMemory(), func(o *server.Options) {
		o.Log = slog.New(slog.NewJSONHandler(&debug, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	d.user("alice", queryList, `{}`).ok(t)
	get(d, "/healthz").ok(t)
	require.Contains(t, debug.String(), `"account":"alice"`)
	require.Contains(t, debug.String(), "/healthz")
}
