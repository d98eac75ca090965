package replica_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The server's files are put back: its log ends before what its readers have seen of
// it (reset: ahead), under the same epoch.

func TestS6AFollowerGoesBackWithItsLeader(t *testing.T) {
	ts := newTabs(t)
	ts.pen.fill(5)
	leader, follower := ts.open(), ts.open()
	ts.pass(3000)
	ts.pen.restore("e1", 2)
	leader.server, follower.server = ts.pen.server, ts.pen.server
	leader.drop(1006)
	ts.pass(60_000)
	want, _ := ts.pen.onServer()
	for _, w := range []*world{leader, follower} {
		r := w.list(all)
		ids, _, _ := r.list(t)
		assert.Equal(t, want, ids)
		assert.True(t, r.Fresh)
	}
	assert.EqualValues(t, 2, ts.pen.disk.meta["cursor"])
}

func TestS6WhatIsStoredGoesBack(t *testing.T) {
	w := newWorld(t)
	w.fill(5)
	w.open()
	w.pass(3000)
	w.restore("e1", 2)
	w.drop(1006)
	w.pass(60_000)
	w.message("new", "after")
	w.pass(5000)
	want, _ := w.onServer()
	w.now++
	w.online = false
	w.open()
	ids, _, _ := w.list(all).list(t)
	assert.Equal(t, want, ids)
}

func TestS6ALongPollIsLiveAgain(t *testing.T) {
	w := polling(t, true)
	w.answerPolls()
	w.pass(1000)
	require.Equal(t, "live", w.connection())
	w.restore("e1", 1)
	for range 6 {
		w.answerPolls()
		w.pass(3000)
	}
	assert.Equal(t, "live", w.connection())
	assert.True(t, w.list(all).Fresh)
}
