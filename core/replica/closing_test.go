package replica_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"recents/core"
	"recents/core/replica"
)

// A client is closed while something is still on its way to storage.

func TestACloseWaitsForTheLastSliceOfAList(t *testing.T) {
	w := newWorld(t)
	w.fill(1200)
	w.open(`"slice":1000`)
	w.handle(replica.Event{Kind: replica.EvClose})
	w.run()
	assert.True(t, w.closed)
	require.NotNil(t, w.disk.meta)
	assert.EqualValues(t, 1200, w.disk.meta["cursor"])
}

// closeWith closes a client whose write is on its way to a storage that fails, and
// returns what the write's call was told.
func closeWith(t *testing.T, before func(*world)) *result {
	w := newWorld(t)
	w.fill(2)
	w.open()
	w.pass(5000)
	before(w)
	w.disk.fail, w.held = true, true
	w.pass(150) // the rows that changed are written
	w.setExt("f0", "x")
	w.handle(replica.Event{Kind: replica.EvClose})
	w.held = false
	w.release()
	require.True(t, w.closed)
	require.Empty(t, w.disk.outbox)
	r := w.reply(w.callID)
	require.NotNil(t, r, "each call is answered")
	return r
}

func TestAWriteThatIsLostWithItsClientIsNotSafe(t *testing.T) {
	r := closeWith(t, func(w *world) { w.setOnline(false) })
	assert.Equal(t, core.CodeOffline, r.Code)
}

func TestAWriteBehindRowsThatFailIsAnswered(t *testing.T) {
	r := closeWith(t, func(w *world) { w.message("f1", "x") })
	assert.Equal(t, core.CodeOffline, r.Code)
}
