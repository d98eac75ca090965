package server

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOutboxIsBounded(t *testing.T) {
	for name, c := range map[string]struct{ frames, size int }{
		"by frames": {maxWaitingFrames, 1},
		"by bytes":  {maxWaitingBytes / 10_000, 10_000},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOutbox(func() {})
			frame := bytes.Repeat([]byte("x"), c.size)
			for i := range c.frames {
				require.True(t, o.push(frame, head{"e", int64(i)}))
			}
			require.False(t, o.push(frame, head{"e", 1000}), "one more drops all")
			require.Empty(t, o.frames)
			require.Zero(t, o.bytes)
			require.True(t, o.push(frame, head{"e", 2000}), "and those after it only move the head")
			require.Empty(t, o.frames)

			_, behind, _ := o.take()
			require.Equal(t, &head{"e", 2000}, behind)
			got, behind, pong := o.take()
			require.Nil(t, got)
			require.Nil(t, behind)
			require.False(t, pong)
			require.True(t, o.push(frame, head{"e", 2001}))
			got, _, _ = o.take()
			require.Equal(t, frame, got, "then it is a queue again")
		})
	}
}

func TestOutboxOfOneHugeFrame(t *testing.T) {
	o := newOutbox(func() {})
	require.False(t, o.push(make([]byte, maxWaitingBytes+1), head{"e", 1}))
	_, behind, _ := o.take()
	require.Equal(t, int64(1), behind.seq)
}

func TestOutboxPongsFirstAndOnce(t *testing.T) {
	o := newOutbox(func() {})
	o.push([]byte("a"), head{})
	for range 1000 {
		o.ping()
	}
	_, _, pong := o.take()
	require.True(t, pong)
	frame, _, pong := o.take()
	require.Equal(t, "a", string(frame))
	require.False(t, pong)
}

func TestBucketsAreBounded(t *testing.T) {
	b := newBuckets(1, 1)
	require.Zero(t, b.wait("first", 0))
	require.NotZero(t, b.wait("first", 0))
	for i := range 3 * bucketsKept {
		b.wait(string(rune(i))+"x", 0)
		require.LessOrEqual(t, len(b.young)+len(b.old), 2*bucketsKept)
	}
	require.Zero(t, b.wait("first", 0), "forgotten while many others called")
}

func TestBucketsKeepWhoCalls(t *testing.T) {
	b := newBuckets(1, 1)
	require.Zero(t, b.wait("busy", 0))
	for i := range 3 * bucketsKept {
		b.wait(string(rune(i))+"x", 0)
		if i%1000 == 0 {
			require.NotZero(t, b.wait("busy", 0))
		}
	}
}

// TestOutboxLetsGoOfWhatItHandedOut: an idle socket keeps no frame in memory.
func TestOutboxLetsGoOfWhatItHandedOut(t *testing.T) {
	o := newOutbox(func() {})
	o.push([]byte("a"), head{})
	o.push([]byte("b"), head{})
	held := o.frames[:2]
	o.take()
	require.Nil(t, held[0])
	require.Equal(t, "b", string(held[1]))
}
