package replica_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"recents/core/replica"
)

// polling opens a replica that can have no socket, in front of a server that
// holds polls, or one that answers them at once.
func polling(t *testing.T, holds bool) *world {
	w := newWorld(t)
	w.fill(3)
	w.noSockets, w.holds = true, holds
	w.open()
	w.pass(5000)
	return w
}

// answerPolls ends the polls that the server holds, as a change or the end of
// their time does.
func (w *world) answerPolls() {
	w.t.Helper()
	held := w.polls
	w.polls = nil
	for _, fx := range held {
		status, body := w.serve(fx.Path, fx.Data)
		text := strings.Replace(string(body), `,"serverTime"`, `,"held":true,"serverTime"`, 1)
		w.handle(replica.Event{Kind: replica.EvResponse, ID: fx.ID, Code: status, Data: []byte(text)})
	}
	w.run()
}

func (w *world) connection() string { return fmt.Sprint(w.status["connection"]) }

func TestN11WithoutASocketChangesStillCome(t *testing.T) {
	w := polling(t, true)
	require.Len(t, w.polls, 1, "one poll waits at the server")
	assert.Equal(t, 3, w.dialed, "after three sockets")
	w.pass(20_000)
	w.answerPolls() // its time is over
	require.Len(t, w.polls, 1)
	assert.Equal(t, "live", w.connection())
	assert.Empty(t, w.status["lastError"])

	w.updates = nil
	w.message("f1", "again")
	w.pass(1000)
	w.answerPolls()
	require.Len(t, w.updates, 1)
	assert.Equal(t, "f1", w.updates[0].SessionID)
	w.pass(600)
	require.Len(t, w.polls, 1, "and asks again")
	r := w.list(all)
	ids, _, _ := r.list(t)
	assert.Equal(t, []string{"f1", "f2", "f0"}, ids)
	assert.True(t, r.Fresh)
	assert.Equal(t, "cache", r.Source, "a change would be told at once, so nobody has to be asked")

	w.setExt("f0", "x")
	w.answerPolls()
	_, exts := w.onServer()
	assert.Equal(t, map[string]string{"f0": "x"}, exts)
	assert.EqualValues(t, 0, w.status["pending"])
	t.Attr("N11", "3 refused sockets, then live by polls; 1 poll at a time")
}

// What a list says it is, it is: between the polls of a server that does not
// hold them, a change could be there that nobody told.
func TestN11AListBetweenPollsIsAskedFor(t *testing.T) {
	w := polling(t, false)
	assert.Equal(t, "live", w.connection())
	assert.Equal(t, true, w.status["rests"])
	before := len(w.paths)
	w.message("f0", "not told yet")
	r := w.list(all)
	assert.Equal(t, "server", r.Source)
	assert.Contains(t, w.paths[before:], "/v1/queryMySessionList")
	ids, _, _ := r.list(t)
	assert.Equal(t, "f0", ids[0])
	w.updates = nil
	w.pass(25_000)
	assert.Len(t, w.updates, 1, "told within a heartbeat")

	before = len(w.paths)
	w.pass(600_000)
	assert.LessOrEqual(t, len(w.paths)-before, 600_000/25_000+10, "a request each 25 s")
	t.Attr("N11", fmt.Sprintf("a server that holds nothing: %d requests in 10 min", len(w.paths)-before))
}

func TestN11TheSocketIsTriedAgain(t *testing.T) {
	t.Run("every few minutes", func(t *testing.T) {
		w := polling(t, true)
		before := w.dialed
		for range 40 {
			w.pass(25_000)
			w.answerPolls()
		}
		again := w.dialed - before
		assert.True(t, again >= 4 && again <= 8, "%d times in 1,000 s", again)
		assert.Equal(t, "live", w.connection(), "and a refusal changes nothing")
		w.noSockets = false
		w.pass(250_000)
		assert.NotZero(t, w.socket)
		w.message("f0", "by socket")
		assert.Equal(t, "f0", w.updates[len(w.updates)-1].SessionID)
		w.answerPolls()
		w.pass(60_000)
		assert.Empty(t, w.polls, "nobody polls beside a socket")
	})
	t.Run("when the network is back", func(t *testing.T) {
		w := polling(t, true)
		w.setOnline(false)
		assert.Equal(t, "offline", w.connection())
		w.noSockets = false
		w.setOnline(true)
		assert.Equal(t, "live", w.connection())
		assert.NotZero(t, w.socket)
	})
	t.Run("when a server that was gone answers", func(t *testing.T) {
		w := polling(t, false)
		w.refuse = func(string) (int, string, bool) { return 0, "", true }
		w.pass(30_000)
		assert.Equal(t, "offline", w.connection())
		w.noSockets, w.refuse = false, nil
		w.pass(60_000)
		assert.Equal(t, "live", w.connection())
		assert.NotZero(t, w.socket)
	})
}

func TestN11NoPollsWhileTheNetworkIsGone(t *testing.T) {
	w := newWorld(t)
	w.fill(1)
	w.open()
	w.socket, w.noSockets, w.holds = 0, true, true
	w.refuse = func(string) (int, string, bool) { return 0, "", true }
	w.handle(replica.Event{Kind: replica.EvClosed, ID: w.lastDial, Code: 1006})
	w.run()
	w.pass(300_000)
	dialed := w.dialed
	assert.Greater(t, dialed, 5)
	assert.Empty(t, w.polls, "it is not the sockets' fault")
	w.noSockets, w.refuse = false, nil
	w.pass(60_000)
	assert.Equal(t, "live", w.connection(), "the first socket that can be had is taken")
	assert.NotZero(t, w.socket)
}

func TestN11APollThatIsNotAnsweredIsNotLive(t *testing.T) {
	w := polling(t, true)
	w.answerPolls()
	w.pass(1000)
	require.Len(t, w.polls, 1)
	lost := w.polls[0]
	w.polls = nil
	w.handle(replica.Event{Kind: replica.EvResponse, ID: lost.ID})
	w.run()
	assert.Equal(t, "offline", w.connection())
	assert.False(t, w.list(all).Fresh)
	w.pass(1000)
	require.Len(t, w.polls, 1)
	w.answerPolls()
	assert.Equal(t, "live", w.connection())
}

// A poll that waits at a server is not believed after a sleep: the answer to it
// counts no more.
func TestN11AfterASleepThePollIsAskedAnew(t *testing.T) {
	w := polling(t, true)
	w.answerPolls()
	w.pass(1000)
	require.True(t, w.list(all).Fresh)
	old := w.polls[0]
	w.handle(replica.Event{Kind: replica.EvWake})
	w.run()
	require.Len(t, w.polls, 2)
	assert.Equal(t, "server", w.list(all).Source)
	w.handle(replica.Event{Kind: replica.EvResponse, ID: old.ID})
	w.run()
	assert.Equal(t, "live", w.connection())
}

func TestN11AResetByPollListsAgain(t *testing.T) {
	w := polling(t, true)
	w.restore("e2", 1)
	w.refuse = func(path string) (int, string, bool) { return 503, "", path == "/v1/snapshot" }
	w.answerPolls()
	assert.Equal(t, "offline", w.connection())
	w.refuse = nil
	w.pass(5000)
	require.Len(t, w.polls, 1)
	assert.Equal(t, "e2.1", w.status["cursor"])
	assert.Equal(t, "live", w.connection())
}

// A8: a server that holds nothing and says it does, or that has always something
// new to tell, gets no loop.
func TestA8PollsAnsweredInVainMakeNoLoop(t *testing.T) {
	w := polling(t, true)
	asked := 0
	for range 60 {
		asked += len(w.polls)
		w.answerPolls() // at once
		w.pass(100)
	}
	assert.LessOrEqual(t, asked, 14, "in 6 s")
	t.Attr("A8", fmt.Sprintf("%d polls in 6 s at a server that claims to hold and does not", asked))
}

// A tab that follows believes its leader's word, and that must not be more than
// the leader itself could say.
func TestN11AFollowerOfALeaderThatRests(t *testing.T) {
	w := polling(t, false)
	w.pass(5000)
	other := &world{t: t, now: w.now, server: w.server, online: true, epoch: "e1", disk: w.disk}
	other.open(`"follow":true`)
	tell := func(rests bool) {
		other.handle(replica.Event{Kind: replica.EvLeader, Data: []byte(fmt.Sprintf(`{"connection":"live","cursor":"e1.3","lastError":"","rests":%t}`, rests))})
		other.run()
	}
	tell(true)
	assert.Equal(t, "live", other.connection())
	assert.Equal(t, "server", other.list(all).Source)
	tell(false)
	r := other.list(all)
	assert.Equal(t, "cache", r.Source)
	assert.True(t, r.Fresh)
}

// Failures count while they are in a row.
func TestN11AnAnsweredPollEndsTheFailures(t *testing.T) {
	w := polling(t, true)
	fail := func() {
		for _, fx := range w.polls {
			w.handle(replica.Event{Kind: replica.EvResponse, ID: fx.ID})
		}
		w.polls = nil
	}
	for range 12 {
		w.online = false
		fail()
		w.online = true
		w.pass(61_000)
		w.answerPolls()
		w.pass(10_000)
	}
	fail()
	assert.LessOrEqual(t, w.timers[8]-w.now, int64(500), "the first one")
}
