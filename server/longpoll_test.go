package server_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"recents/core/account"
	"recents/server"
)

// waitBubble runs fn in a world of fake time that serves without a network:
// alice has one message, and her log's end is epoch.1.
func waitBubble(t *testing.T, change func(*server.Options), fn func(t *testing.T, w *waitWorld)) {
	synctest.Test(t, func(t *testing.T) {
		w := &waitWorld{world: &world{t: t, accounts: account.NewMemory()}}
		w.metrics.codes = map[int]int{}
		w.clock.Store(time.Now().UnixMilli())
		o := server.Options{Accounts: w.accounts, Keys: server.Keys{ServerKey: serverKey, Secret: []byte(secret)},
			Now: func() int64 { return time.Now().UnixMilli() }, NewID: func() string { return fmt.Sprintf("%032d", w.ids.Add(1)) }, Metrics: &w.metrics}
		if change != nil {
			change(&o)
		}
		h, err := server.New(t.Context(), o)
		require.NoError(t, err)
		w.handler = h
		w.deliver("bob", "alice", "m1", "first")
		w.epoch = w.sync(w.token("alice"), `{}`).ok(t).Get("epoch").Str
		fn(t, w)
		require.NoError(t, h.Close(t.Context()))
	})
}

type waitWorld struct {
	*world
	epoch string
}

func (w *waitWorld) sync(token, body string) answer {
	return serve(w.t, w.handler, newRequest(w.t, http.MethodPost, "/v1/sync", body, "Authorization", "Bearer "+token))
}

// waits starts a sync of alice's at a cursor, and returns once it waits or is
// answered.
func (w *waitWorld) waits(token string, cursor, ms int) chan answer {
	got := make(chan answer, 1)
	body := fmt.Sprintf(`{"epoch":%q,"cursor":%d,"clientId":"c","waitMs":%d}`, w.epoch, cursor, ms)
	go func() { got <- w.sync(token, body) }()
	synctest.Wait()
	return got
}

func TestN11ASyncWaitsForAChange(t *testing.T) {
	t.Run("not while there is one", func(t *testing.T) {
		waitBubble(t, nil, func(t *testing.T, w *waitWorld) {
			start := time.Now()
			data := (<-w.waits(w.token("alice"), 0, 25_000)).ok(t)
			require.EqualValues(t, 1, data.Get("next").Int())
			require.False(t, data.Get("held").Bool(), "it did not have to")
			require.Zero(t, time.Since(start))
		})
	})
	t.Run("and tells it at once", func(t *testing.T) {
		waitBubble(t, nil, func(t *testing.T, w *waitWorld) {
			got := w.waits(w.token("alice"), 1, 25_000)
			time.Sleep(20 * time.Second) // longer than a call may take for the store
			w.deliver("bob", "carol", "other", "of another account")
			synctest.Wait()
			require.Empty(t, got, "no business of alice's")
			start := time.Now()
			w.deliver("bob", "alice", "m2", "second")
			data := (<-got).ok(t)
			require.Zero(t, time.Since(start))
			require.True(t, data.Get("held").Bool())
			require.EqualValues(t, 2, data.Get("next").Int())
			require.Len(t, data.Get("rows").Array(), 1)
			t.Attr("N11", "a waiting sync is answered 0 ms after the commit, having waited 20 s")
		})
	})
	t.Run("no longer than it asked", func(t *testing.T) {
		for _, ms := range []int{1, 25_000} {
			waitBubble(t, nil, func(t *testing.T, w *waitWorld) {
				start := time.Now()
				data := (<-w.waits(w.token("alice"), 1, ms)).ok(t)
				require.Equal(t, time.Duration(ms)*time.Millisecond, time.Since(start))
				require.True(t, data.Get("held").Bool())
				require.EqualValues(t, 1, data.Get("next").Int())
				require.NotEmpty(t, data.Get("digest").Str)
			})
		}
	})
	t.Run("not when it has to list again", func(t *testing.T) {
		waitBubble(t, nil, func(t *testing.T, w *waitWorld) {
			start := time.Now()
			require.True(t, (<-w.waits(w.token("alice"), 99, 25_000)).ok(t).Get("reset").Bool())
			require.Zero(t, time.Since(start))
		})
	})
	t.Run("not where the process is not told of changes", func(t *testing.T) {
		apart := func(o *server.Options) { o.Publish = func([]*account.Delta) {} }
		waitBubble(t, apart, func(t *testing.T, w *waitWorld) {
			start := time.Now()
			require.False(t, (<-w.waits(w.token("alice"), 1, 25_000)).ok(t).Get("held").Bool())
			require.Zero(t, time.Since(start))
		})
	})
}

func TestN11AWaitingSyncEnds(t *testing.T) {
	t.Run("with its token", func(t *testing.T) {
		waitBubble(t, nil, func(t *testing.T, w *waitWorld) {
			token := w.sign(jwt.SigningMethodHS256, []byte(secret), jwt.MapClaims{"sub": "alice", "exp": time.Now().Unix() + 10})
			start := time.Now()
			(<-w.waits(token, 1, 25_000)).refused(t, 302, "expired")
			require.Equal(t, 10*time.Second, time.Since(start))
		})
	})
	t.Run("with the server", func(t *testing.T) {
		waitBubble(t, nil, func(t *testing.T, w *waitWorld) {
			got := w.waits(w.token("alice"), 1, 25_000)
			start := time.Now()
			require.NoError(t, w.handler.Close(t.Context()))
			a := <-got
			a.refused(t, 503, "stopping")
			require.Equal(t, "1", a.header.Get("Retry-After"))
			require.Zero(t, time.Since(start))
			(<-w.waits(w.token("alice"), 1, 25_000)).refused(t, 503, "stopping")
		})
	})
	t.Run("with its caller", func(t *testing.T) {
		waitBubble(t, oneSocket, func(t *testing.T, w *waitWorld) {
			ctx, leave := context.WithCancel(t.Context())
			body := fmt.Sprintf(`{"epoch":%q,"cursor":1,"waitMs":25000}`, w.epoch)
			r := newRequest(t, http.MethodPost, "/v1/sync", body, "Authorization", "Bearer "+w.token("alice")).WithContext(ctx)
			got := make(chan answer, 1)
			go func() { got <- serve(t, w.handler, r) }()
			synctest.Wait()
			leave()
			(<-got).refused(t, 408, "left")
			require.Empty(t, w.waits(w.token("alice"), 1, 1000), "its place is free")
		})
	})
}

func oneSocket(o *server.Options) { o.Limits.AccountSockets = 1 }

func TestN11WaitingSyncsOfAnAccountAreBounded(t *testing.T) {
	waitBubble(t, oneSocket, func(t *testing.T, w *waitWorld) {
		first := w.waits(w.token("alice"), 1, 25_000)
		a := <-w.waits(w.token("alice"), 1, 25_000)
		a.refused(t, 416, "waiting calls")
		require.Equal(t, "11", a.header.Get("Retry-After"))
		require.Empty(t, first)
		w.sync(w.token("alice"), fmt.Sprintf(`{"epoch":%q,"cursor":1}`, w.epoch)).ok(t)
		w.deliver("bob", "alice", "m2", "second")
		(<-first).ok(t)
		require.Empty(t, w.waits(w.token("alice"), 2, 1000), "the next one has its place")
	})
}

func TestN11HowLongASyncMayWait(t *testing.T) {
	w := onMemory(t)
	for body, code := range map[string]int{`{"waitMs":0}`: 200, `{"waitMs":25000}`: 200, `{"waitMs":25001}`: 414, `{"waitMs":-1}`: 414, `{"waitMs":"5"}`: 414, `{"waitMs":1.5}`: 414} {
		require.Equal(t, code, w.user("alice", "/v1/sync", body).code, body)
	}
	w.user("alice", "/v1/sync", `{"waitMs":25001}`).refused(t, 414, "waitMs: 25001 is over 25000")
}
