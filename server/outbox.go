package server

import "sync"

// Bounds of what waits for one slow reader (sync.md, WebSocket).
const (
	maxWaitingFrames = 100
	maxWaitingBytes  = 256 << 10
)

// outbox is what waits to be sent on one socket. It never grows past its
// bounds: a frame is state that the client can pull, so over them all are
// dropped and the client is told how far behind it is.
type outbox struct {
	mu     sync.Mutex
	frames [][]byte
	bytes  int
	behind *head // set: frames were dropped, and this is told in their place
	pong   bool
	wake   func() // is called, with mu held, when something waits
}

// head is an account's log end.
type head struct {
	epoch string
	seq   int64
}

func newOutbox(wake func()) *outbox { return &outbox{wake: wake} }

// push queues a frame that takes its reader to a head. It reports false when
// that made the reader fall behind.
func (o *outbox) push(frame []byte, to head) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	defer o.wake()
	if o.behind != nil {
		o.behind = &to
		return true
	}
	if len(o.frames) == maxWaitingFrames || o.bytes+len(frame) > maxWaitingBytes {
		o.frames, o.bytes, o.behind = nil, 0, &to
		return false
	}
	o.frames = append(o.frames, frame)
	o.bytes += len(frame)
	return true
}

// ping asks for one pong. Any number of asks before it is sent are one.
func (o *outbox) ping() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.pong = true
	o.wake()
}

// take returns what is to be sent next: one of the three, or none.
func (o *outbox) take() (frame []byte, behind *head, pong bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.pong:
		o.pong = false
		return nil, nil, true
	case o.behind != nil:
		behind, o.behind = o.behind, nil
		return nil, behind, false
	case len(o.frames) > 0:
		frame, o.frames[0] = o.frames[0], nil // the array would hold on to it
		o.frames = o.frames[1:]
		o.bytes -= len(frame)
		return frame, nil, false
	}
	return nil, nil, false
}
