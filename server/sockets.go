package server

import (
	"context"
	"strings"
	"sync"
)

// Close codes of the WebSocket beyond RFC 6455's (sync.md).
const (
	closeGoingAway  = 1001
	closeBadData    = 1003
	closePolicy     = 1008
	closeInternal   = 1011
	closeTryAgain   = 1013
	CloseToken      = 4401 // the token is bad, or expired while open
	closeAccount    = 4403 // the token is good, but the account may not
	closeTooSlow    = 4408 // nothing came for too long, or nothing could be sent
	closeTooMany    = 4429 // too many frames, or too many sockets
	maxCloseDetails = 123  // bytes of a reason
)

// closeReason cuts a text to what a close frame carries.
func closeReason(text string) string {
	return strings.ToValidUTF8(text[:min(len(text), maxCloseDetails)], "")
}

// closer is an open socket as sockets sees it.
type closer interface {
	end(code int, reason string) // sends a close frame and waits a little for the peer's
	cut()                        // at once
}

// sockets are the open ones, so that a stop can close them.
type sockets struct {
	mu     sync.Mutex
	closed bool
	open   map[closer]struct{}
	done   sync.WaitGroup
}

func newSockets() *sockets { return &sockets{open: map[closer]struct{}{}} }

// add reports false when the server stops: no socket may start any more.
func (s *sockets) add(c closer) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.open[c] = struct{}{}
	s.done.Add(1)
	return true
}

func (s *sockets) remove(c closer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, c)
	s.done.Done()
}

// each calls fn for every open socket, each in a goroutine of its own: a
// socket's end waits for its peer, and one must not make the others wait.
func (s *sockets) each(fn func(closer)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for c := range s.open {
		go fn(c)
	}
}

func (s *sockets) close(ctx context.Context) error {
	s.each(func(c closer) { c.end(closeGoingAway, "the server is stopping") })
	gone := make(chan struct{})
	go func() {
		s.done.Wait()
		close(gone)
	}()
	select {
	case <-gone:
		return nil
	case <-ctx.Done():
	}
	s.each(closer.cut)
	<-gone
	return ctx.Err()
}
