package server

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// silent is a socket whose peer answers nothing.
type silent struct{ codes chan int }

func (s *silent) end(code int, _ string) { s.codes <- code }
func (s *silent) cut()                   {}

// TestNoSocketStartsAfterAStop: one whose handshake was under way when the
// server was stopped is not left open.
func TestNoSocketStartsAfterAStop(t *testing.T) {
	s := newSockets()
	first := &silent{make(chan int, 1)}
	require.True(t, s.add(first))
	closed := make(chan error, 1)
	go func() { closed <- s.close(t.Context()) }()
	require.Equal(t, closeGoingAway, <-first.codes)
	require.False(t, s.add(&silent{}))
	s.remove(first)
	require.NoError(t, <-closed)
}
