// Package server is the session service over HTTP and WebSocket: every path of
// api.md §2 as one http.Handler over account.Accounts.
//
// It holds no storage and no listener, so that the server on a machine and the
// worker at the edge are the same code; for GOOS=js everything but the
// WebSocket's transport is there. The rules of the sessions are those of
// core/account: what is here reads a request, says who may ask, runs one
// transaction and writes the answer.
package server

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"recents/core"
	"recents/core/account"
)

// Options are what a Handler is made of. Accounts, Keys, Now and NewID are
// needed; the zero value of any other field means what it says.
type Options struct {
	Accounts account.Accounts
	Config   account.Config // zero fields: the defaults of core/account
	Keys     Keys
	Now      func() int64  // server time, ms
	NewID    func() string // a fresh random id: 32 hex digits

	Origins    []string      // web origins that may call, exact ("https://a.example"), or "*"
	Dev        bool          // /v1/dev/token, and any loopback origin; every call must come to a loopback host
	TrustProxy bool          // the peer's address is the last one of X-Forwarded-For
	Limits     Limits        // zero fields: no limit of that kind
	Heartbeat  time.Duration // how often a socket's client should ping; 0: 25 s
	Timeout    time.Duration // how long a call may wait for the store; 0: 15 s, NoTimeout: as long as it takes
	Healthy    func() error  // the store's state, nil: always healthy
	Failed     func(error)   // told once, when a call found the store unhealthy
	Log        *slog.Logger  // nil: none
	Metrics    Metrics       // nil: none
	Exposition http.Handler  // what GET /metrics shows; nil: no such path

	Remote      Remote                 // the accounts that Accounts does not hold; nil: it holds all
	OpenSockets func() int             // how many a runtime that holds them itself has open of the caller's account; nil: those of this Handler count
	Publish     func([]*account.Delta) // told of each commit once it is durable; nil: the sockets of this Handler
}

// NoTimeout is for a store that never waits: a call's deadline costs it a timer.
const NoTimeout time.Duration = -1

// Metrics is told what happens, for counting. Its methods are called often and
// from many goroutines. No argument tells of an account.
type Metrics interface {
	Called(path string, code int, took time.Duration) // path is one of the known ones, or "other"
	SocketOpened()
	SocketClosed(code int) // the close code that was sent, 0 when the peer left
	FramePushed(bytes int)
	FellBehind() // a slow reader's frames were dropped
}

// Handler serves the API. It is made by New and ended by Close.
type Handler struct {
	opts     Options
	auth     *authority
	origins  *originList
	limits   *limiter
	hub      *hub
	sockets  *sockets
	routes   map[string]route
	tells    bool // the hub hears of every commit, so a call may wait for one
	stopping atomic.Bool
	failed   sync.Once
	newest   atomic.Int64 // update time given out, ms; written within Accounts.Update
	// order is the newest message's order. Only functions that run inside
	// Accounts.Update touch it, and those run one at a time.
	order uint64
}

// New returns a Handler. It asks the store for the newest time given out, so
// that no message gets an order below one of an earlier process.
func New(ctx context.Context, o Options) (*Handler, error) {
	newest, err := o.Accounts.Newest(ctx)
	if err != nil {
		return nil, err
	}
	o = o.withDefaults()
	h := &Handler{
		opts:    o,
		auth:    newAuthority(o.Keys, o.Now),
		origins: newOriginList(o.Origins, o.Dev),
		limits:  newLimiter(o.Limits),
		hub:     newHub(o.Metrics),
		sockets: newSockets(),
		order:   account.NextOrder(0, newest+1) - 1,
		tells:   o.Publish == nil,
	}
	if h.opts.Publish == nil {
		h.opts.Publish = h.hub.publish
	}
	h.newest.Store(newest)
	h.routes = h.table()
	return h, nil
}

// Ahead returns by how many ms the newest update time given out is ahead of the
// clock. Each of an account's is another, so a burst is ahead by a ms a message
// and the clock catches up; minutes of it are a clock that went back, or stands.
func (h *Handler) Ahead() int64 { return max(h.newest.Load()-h.opts.Now(), 0) }

func (o Options) withDefaults() Options {
	if o.Heartbeat == 0 {
		o.Heartbeat = 25 * time.Second
	}
	if o.Timeout == 0 {
		o.Timeout = 15 * time.Second
	}
	if o.Healthy == nil {
		o.Healthy = func() error { return nil }
	}
	if o.Failed == nil {
		o.Failed = func(error) {}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Metrics == nil {
		o.Metrics = noMetrics{}
	}
	o.Config = o.Config.WithDefaults()
	return o
}

type noMetrics struct{}

func (noMetrics) Called(string, int, time.Duration) {}
func (noMetrics) SocketOpened()                     {}
func (noMetrics) SocketClosed(int)                  {}
func (noMetrics) FramePushed(int)                   {}
func (noMetrics) FellBehind()                       {}

// Stop makes /readyz answer 503 from now on, so that no new caller is sent
// here. Calls still work.
func (h *Handler) Stop() { h.stopping.Store(true) }

// Close stops, closes every socket with 1001 and waits for them to end, until
// ctx ends: then it cuts those that are left, and returns ctx's error.
func (h *Handler) Close(ctx context.Context) error {
	h.Stop()
	return h.sockets.close(ctx)
}

// errStopping refuses what would outlive the server.
var errStopping = &core.Error{Code: core.CodeUnavailable, Details: "the server is stopping"}

// unready says why no new caller should be sent here.
func (h *Handler) unready() error {
	if h.stopping.Load() {
		return errStopping
	}
	if err := h.opts.Healthy(); err != nil {
		h.failed.Do(func() { h.opts.Failed(err) })
		return &core.Error{Code: core.CodeUnavailable, Details: "the store is not available"}
	}
	return nil
}

// collectAccounts is how many more accounts each Due is asked for.
const collectAccounts = 100

// Collect does the housekeeping of all accounts that have any: each in small
// transactions of its own, so that calls go on in between. It ends early when
// ctx does.
func (h *Handler) Collect(ctx context.Context) error {
	cfg := h.opts.Config
	done := map[string]bool{} // Due goes on naming one whose tombstones too few newer changes outlived
	for {
		now := h.opts.Now()
		due, err := h.opts.Accounts.Due(ctx, now-cfg.TombstoneAge, now-cfg.IdempotencyAge, len(done)+collectAccounts)
		if err != nil {
			return err
		}
		before := len(done)
		for _, name := range due {
			if done[name] {
				continue
			}
			done[name] = true
			if err := h.collectAccount(ctx, name); err != nil {
				return err
			}
		}
		if len(done) == before {
			return nil
		}
	}
}

func (h *Handler) collectAccount(ctx context.Context, name string) error {
	for more := true; more; {
		err := h.update(ctx, func(w *work) error {
			a, err := w.open(name)
			if err != nil {
				return err
			}
			more, err = a.Collect()
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// env is what one operation on one account needs from outside.
func (h *Handler) env() account.Env {
	return account.Env{Now: h.opts.Now(), NewEpoch: h.newEpoch(), Config: h.opts.Config}
}

// epochDigits are enough that two epochs of one account never meet.
const epochDigits = 16

func (h *Handler) newEpoch() string {
	id := h.opts.NewID()
	return id[:min(epochDigits, len(id))]
}
