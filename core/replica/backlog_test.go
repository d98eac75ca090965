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
	w.longMessages(80)
	w.handle(replica.Event{Kind: replica.EvFrame, ID: w.socket, Data: core.AppendFrame(nil, w.deltaAfter(1))})
	require.NotEqual(t, "e1.81", w.status["cursor"])
	require.NotEmpty(t, w.updates)
	return w, len(w.updates)
}

// longMessages sends messages of a kilobyte to as many sessions. The test pushes
// their changes by itself.
func (w *world) longMessages(n int) {
	w.pos = 1 << 40
	for i := range n {
		w.message(fmt.Sprintf("f%d", i), strings.Repeat("long ", 200))
	}
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
	w.longMessages(80)
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

// A frame with many changes is taken in parts, between which the page has its
// turn; each part is a whole step of the log.
func TestALongFrameIsTakenInParts(t *testing.T) {
	w := newWorld(t)
	w.fill(1)
	w.open()
	w.longMessages(100)
	rows := w.deltaAfter(1).Rows
	frame := func(from int64, rows []core.Row) replica.Event {
		f := core.Frame{Kind: core.FrameDelta, Epoch: "e1", From: from, To: rows[len(rows)-1].Seq, Rows: rows}
		return replica.Event{Kind: replica.EvFrame, ID: w.socket, Data: core.AppendFrame(nil, &f)}
	}
	w.paths = nil

	w.handle(frame(1, rows[:80]))
	first := len(w.updates)
	assert.Less(t, first, 40)
	assert.Positive(t, first)
	assert.Equal(t, fmt.Sprintf("e1.%d", 1+first), w.status["cursor"])
	assert.Equal(t, "live", w.status["connection"], "as if the rest had not come yet")
	w.handle(frame(81, rows[80:]))
	assert.Len(t, w.updates, first, "the next frame waits behind it")
	w.run()
	assert.Len(t, w.updates, 100)
	assert.Equal(t, "e1.101", w.status["cursor"])
	assert.Equal(t, "live", w.status["connection"])
	assert.Empty(t, w.paths, "there was no gap")
}

// What a frame brings after a part that did not fit is not applied: a pull
// brings all of it.
func TestTheRestOfAFrameThatDoesNotFit(t *testing.T) {
	w := newWorld(t)
	w.fill(1)
	w.open()
	w.longMessages(60)
	f := w.deltaAfter(3) // 2 and 3 were lost
	w.paths = nil
	w.handle(replica.Event{Kind: replica.EvFrame, ID: w.socket, Data: core.AppendFrame(nil, f)})
	assert.Equal(t, "connecting", w.status["connection"])
	assert.Empty(t, w.updates)
	w.run()
	assert.Equal(t, []string{"/v1/sync"}, w.paths)
	assert.Equal(t, "e1.61", w.status["cursor"])
	assert.Len(t, w.updates, 60)
}
