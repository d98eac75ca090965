package replica_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"recents/core"
	"recents/core/replica"
)

// backlogged returns a world whose replica has taken a part of a frame of 80
// changes, and how many that are.
func backlogged(t *testing.T) (w *world, first int) {
	w = newWorld(t)
	w.fill(1)
	w.open()
	w.pass(1000)
	w.pos = 1 << 40 // the test pushes by itself
	for n := range 80 {
		w.message(fmt.Sprintf("f%d", n), strings.Repeat("long ", 200))
	}
	w.handle(replica.Event{Kind: replica.EvFrame, ID: w.socket, Data: core.AppendFrame(nil, w.deltaAfter(1))})
	require.NotEqual(t, "e1.81", w.status["cursor"])
	require.NotEmpty(t, w.updates)
	return w, len(w.updates)
}

// deltaAfter returns the frame of all changes after a seq.
func (w *world) deltaAfter(seq int64) *core.Frame {
	page := w.page(core.SyncRequest{V: 1, Cursor: core.Cursor{Epoch: "e1", Seq: seq}, Limit: 500})
	return &core.Frame{Kind: core.FrameDelta, Epoch: "e1", From: seq, To: page.Next, Rows: page.Rows}
}

// What of a frame is not applied yet is of no use to a tab that follows: it goes
// by what its leader stored.
func TestTheRestOfAFrameIsNotForAFollower(t *testing.T) {
	w, first := backlogged(t)
	w.fenced = true // another tab leads
	w.handle(replica.Event{Kind: replica.EvRole, Code: 0})
	w.run()
	assert.Len(t, w.updates, first)
	assert.Equal(t, fmt.Sprintf("e1.%d", 1+first), w.status["cursor"])

	w.fenced = false
	w.handle(replica.Event{Kind: replica.EvRole, Code: 1})
	w.run()
	w.pass(10_000)
	assert.Equal(t, "e1.81", w.status["cursor"])
	assert.Len(t, w.updates, 80, "each once")
}

// A socket that goes takes nothing back of what came on it; what the next one
// brings again is told once.
func TestTheSocketGoesWhileAFrameIsTaken(t *testing.T) {
	w, _ := backlogged(t)
	w.handle(replica.Event{Kind: replica.EvClosed, ID: w.socket, Code: 1006})
	w.pos = 0
	w.run()
	w.pass(10_000)
	assert.Equal(t, "e1.81", w.status["cursor"])
	assert.Equal(t, "live", w.status["connection"])
	assert.Len(t, w.updates, 80)
}

// A log that was rebuilt while a frame is taken: the rest of it is of the old one.
func TestAResetWhileAFrameIsTaken(t *testing.T) {
	w, _ := backlogged(t)
	socket := w.socket
	w.restore("e2", 2)
	w.handle(replica.Event{Kind: replica.EvFrame, ID: socket, Data: core.AppendFrame(nil, &core.Frame{Kind: core.FrameReset, Epoch: "e2", Head: 2, Reason: core.ResetEpoch})})
	w.run()
	w.pass(10_000)
	assert.Equal(t, "e2.2", w.status["cursor"])
	assert.Equal(t, "live", w.status["connection"])
}

func TestCloseWhileAFrameIsTaken(t *testing.T) {
	w, first := backlogged(t)
	w.handle(replica.Event{Kind: replica.EvClose})
	w.run()
	assert.True(t, w.closed)
	assert.Len(t, w.updates, first)
	assert.EqualValues(t, 1+first, w.disk.meta["cursor"])
}

// Many short frames that come as one event are as much work as a long one.
func TestManyFramesAtOnceAreTakenInParts(t *testing.T) {
	w := newWorld(t)
	w.fill(1)
	w.open()
	w.pos = 1 << 40
	for n := range 80 {
		w.message(fmt.Sprintf("f%d", n), strings.Repeat("long ", 200))
	}
	all := w.deltaAfter(1)
	var data []byte
	for i, row := range all.Rows {
		if i > 0 {
			data = append(data, replica.FrameSeparator)
		}
		data = core.AppendFrame(data, &core.Frame{Kind: core.FrameDelta, Epoch: "e1", From: row.Seq - 1, To: row.Seq, Rows: all.Rows[i : i+1]})
	}
	w.paths = nil
	w.handle(replica.Event{Kind: replica.EvFrame, ID: w.socket, Data: data})
	assert.Less(t, len(w.updates), 40)
	assert.NotEmpty(t, w.updates)
	w.run()
	assert.Len(t, w.updates, 80)
	assert.Equal(t, "e1.81", w.status["cursor"])
	assert.Empty(t, w.paths, "there was no gap")
}
