package server

import (
	"sync"

	"recents/core"
	"recents/core/account"
)

// hub tells the live readers of an account what changed. Telling never blocks
// and never fails: it fills bounded outboxes.
type hub struct {
	metrics Metrics
	mu      sync.Mutex
	readers map[string]map[*reader]struct{} // by account
}

func newHub(m Metrics) *hub {
	return &hub{metrics: m, readers: map[string]map[*reader]struct{}{}}
}

// reader is one open socket of an account, or a call that waits for a change.
// The hub's lock guards its fields.
type reader struct {
	account  string
	clientID string
	lastMid  int64 // the newest mutation of clientID that is known to be applied
	out      *outbox
	bell     chan struct{} // of a call that waits, which has no outbox: holds one, something changed
}

func (r *reader) ring() {
	select {
	case r.bell <- struct{}{}:
	default:
	}
}

// add has the reader told from now on. A reader that is there starts over with
// another client id.
func (h *hub) add(r *reader, clientID string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.readers[r.account] == nil {
		h.readers[r.account] = map[*reader]struct{}{}
	}
	h.readers[r.account][r] = struct{}{}
	r.clientID, r.lastMid = clientID, 0
}

func (h *hub) remove(r *reader) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.readers[r.account], r)
	if len(h.readers[r.account]) == 0 {
		delete(h.readers, r.account)
	}
}

// applied notes what a read of the store has told about the reader's client.
func (h *hub) applied(r *reader, lastMid int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	r.lastMid = max(r.lastMid, lastMid)
}

// publish tells the readers of each delta's account. The rows are encoded once
// an account; what differs per reader is the frame's tail.
func (h *hub) publish(deltas []*account.Delta) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, d := range deltas {
		readers := h.readers[d.Account]
		if len(readers) == 0 {
			continue
		}
		shared := core.AppendDeltaHead(nil, d.Epoch, d.From, d.To, d.Rows)
		for r := range readers {
			h.push(r, d, shared)
		}
	}
}

func (h *hub) push(r *reader, d *account.Delta, shared []byte) {
	if r.out == nil {
		r.ring()
		return
	}
	if d.Client != "" && d.Client == r.clientID {
		r.lastMid = max(r.lastMid, d.LastMid)
	}
	frame := core.AppendDeltaTail(append(make([]byte, 0, len(shared)+40), shared...), r.lastMid)
	h.metrics.FramePushed(len(frame))
	if !r.out.push(frame, head{d.Epoch, d.To}) {
		h.metrics.FellBehind()
	}
}
