package server

import (
	"context"
	"sync"
	"time"

	"recents/core"
)

// A page that can have no WebSocket (a proxy that refuses the upgrade) asks
// /v1/sync to wait: the answer comes with the account's next change. Such a call
// is a socket in all but its frames: it has a place among them, a stop ends it,
// and it ends when its token does. It holds no transaction while it waits.

// fullWait is how long a client whose account has no place left is to wait.
const fullWait = 10 * time.Second

// waiting is a call that waits; a stop of the server ends it.
type waiting struct {
	once sync.Once
	over chan struct{}
}

func (w *waiting) end(int, string) { w.cut() }
func (w *waiting) cut()            { w.once.Do(func() { close(w.over) }) }

// longPoll answers a sync at once when there is something to tell, else with
// the account's next change, or with nothing when s.WaitMs are over.
func (h *Handler) longPoll(ctx context.Context, q *request, s core.SyncRequest) (*core.SyncPage, error) {
	name := q.caller.account
	if !h.limits.slots.take(name) {
		return nil, tooMany(q.out, "sockets and waiting calls of one account", fullWait)
	}
	defer h.limits.slots.give(name)
	w := &waiting{over: make(chan struct{})}
	if !h.sockets.add(w) {
		return nil, errStopping
	}
	defer h.sockets.remove(w)
	// Told from before the first read on, so that no change falls in between.
	r := &reader{account: name, bell: make(chan struct{}, 1)}
	h.hub.add(r, s.ClientID)
	defer h.hub.remove(r)
	page, err := h.syncPage(ctx, name, s)
	if err != nil || page.Reset != "" || page.Next > page.From {
		return page, err
	}
	if err := h.await(q, r, w, time.Duration(s.WaitMs)*time.Millisecond); err != nil {
		return nil, err
	}
	// The call's own time limit was for the first read.
	ctx, cancel := context.WithTimeout(q.http.Context(), h.opts.Timeout)
	defer cancel()
	if page, err = h.syncPage(ctx, name, s); err == nil {
		page.Held = true
	}
	return page, err
}

// await returns when r's account changed or the time is over, and why when the
// call has to end without an answer.
func (h *Handler) await(q *request, r *reader, w *waiting, wait time.Duration) error {
	start := time.Now()
	defer func() { q.out.waited = time.Since(start) }()
	good := h.untilExpiry(q.caller)
	timer := time.NewTimer(min(wait, good))
	defer timer.Stop()
	select {
	case <-r.bell:
	case <-timer.C:
		if good <= wait {
			return badToken("expired while the call waited")
		}
	case <-w.over:
		return errStopping
	case <-q.http.Context().Done():
		return q.http.Context().Err()
	}
	return nil
}
