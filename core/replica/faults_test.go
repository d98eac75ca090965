package replica_test

import (
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"recents/core"
	"recents/core/account"
	"recents/core/replica"
)

// Storage that fails and works again later gives out its numbers a second time:
// those made in memory meanwhile must not be among them.
func TestNumbersMadeWithoutStorageAreNotStoragesOwn(t *testing.T) {
	w := newWorld(t)
	w.fill(2)
	w.open()
	w.pass(1000)
	w.queued2(w.setExt("f0", "stored"))
	w.pass(1000)
	w.disk.fail = true
	w.queued2(w.setExt("f0", "memory"))
	w.queued2(w.setExt("f0", "memory again"))
	w.pass(5000)
	w.disk.fail = false
	w.now++
	w.open()
	w.pass(1000)
	w.queued2(w.setExt("f1", "stored again"))
	w.pass(5000)
	_, exts := w.onServer()
	assert.Equal(t, map[string]string{"f0": "memory again", "f1": "stored again"}, exts)
}

// A stored write that does not read keeps its number as one that does nothing.
func TestAnUnreadableWriteHoldsUpNoOther(t *testing.T) {
	w := newWorld(t)
	w.fill(3)
	w.open()
	w.pass(1000)
	w.setOnline(false)
	for i := range 3 {
		w.queued(w.setExt(fmt.Sprint("f", i), "x"))
	}
	w.disk.outbox[1].Write = json.RawMessage("null")
	w.now++
	w.open()
	assert.Equal(t, "outbox: a write that waited could not be read, and is lost", w.status["lastError"])
	w.setOnline(true)
	w.pass(5000)
	_, exts := w.onServer()
	assert.Equal(t, map[string]string{"f0": "x", "f2": "x"}, exts)
	assert.EqualValues(t, 0, w.status["pending"])
	assert.Empty(t, w.disk.outbox)
}

// A write that is refused for its token, while the socket stays open, is sent
// again soon: nothing else would tell that the token is taken by now.
func TestAWriteRefusedForItsTokenIsNotStuckBehindALiveSocket(t *testing.T) {
	for status, body := range map[int]string{
		403: `{"code":403,"errorDetails":"not yet"}`,
		401: `{"code":302,"errorDetails":"token: is expired"}`,
	} {
		w := newWorld(t)
		w.fill(1)
		w.open()
		w.pass(1000)
		refusals := 2 // a 401 is tried once more at once
		w.refuse = func(path string) (int, string, bool) {
			refusals--
			return status, body, path == "/v1/mutate" && refusals >= 0
		}
		w.setExt("f0", "waits")
		w.pass(5000)
		_, exts := w.onServer()
		assert.Equal(t, map[string]string{"f0": "waits"}, exts, status)
		assert.Equal(t, "live", w.status["connection"], status)
	}
}

// Retry-After wins: neither a new write nor a frame sends the outbox sooner.
func TestWritesWaitAsLongAsTheServerAsks(t *testing.T) {
	w := newWorld(t)
	w.fill(2)
	w.open()
	w.pass(1000)
	var asked []int64
	w.refuseAfter = func(path string) (int64, bool) {
		if path == "/v1/mutate" {
			asked = append(asked, w.now)
		}
		return 7000, path == "/v1/mutate" && len(asked) == 1
	}
	w.setExt("f0", "first")
	w.setExt("f1", "second")
	w.message("f0", "a frame")
	w.pass(6000)
	w.setExt("f1", "third")
	w.pass(5000)
	require.GreaterOrEqual(t, len(asked), 2)
	assert.GreaterOrEqual(t, asked[1]-asked[0], int64(7000))
	_, exts := w.onServer()
	assert.Equal(t, map[string]string{"f0": "first", "f1": "third"}, exts)
}

// What was written is let go of: a page may be open for weeks.
func TestFlushesLeaveNothingBehind(t *testing.T) {
	w := newWorld(t)
	w.fill(100)
	w.open()
	flush := func(times int) uint64 {
		for i := range times {
			w.message(fmt.Sprint("f", i%100), "text")
			w.pass(200)
		}
		w.updates, w.paths = nil, nil
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := flush(100)
	id := w.lastStore
	after := flush(300)
	assert.Greater(t, w.lastStore-id, int64(200), "flushes")
	assert.Less(t, int64(after)-int64(before), int64(2<<20), "bytes more than before; a flush here has 30 KB")
}

// A8: a server whose changes never end gets a rest now and then, and the list is
// there all the while.
func TestA8ChangesWithoutEndAreReadWithRests(t *testing.T) {
	w := newWorld(t)
	w.fill(2)
	w.open()
	w.pass(1000)
	asked, seq := 0, int64(2)
	w.refuseBody = func(path, _ string) (int, string, bool) {
		if path != "/v1/sync" || w.server == nil {
			return 0, "", false
		}
		asked++
		from := seq
		seq++
		return 200, fmt.Sprintf(`{"code":200,"data":{"v":1,"epoch":%q,"from":%d,"next":%d,"head":%d,"more":true,"rows":[{"k":"p2p|f0","q":%d,"t":%d}]}}`,
			w.epoch, from, seq, seq+1000, seq, 5000+seq), true
	}
	w.handle(replica.Event{Kind: replica.EvWake})
	w.run()
	assert.Equal(t, 1000, asked, "pages before a rest")
	w.pass(9000)
	assert.Equal(t, 1000, asked)
	w.pass(2000)
	assert.Equal(t, 2000, asked)
	ids, _, _ := w.list(all).list(t)
	assert.Len(t, ids, 2)
	t.Attr("A8", "changes without end: a rest after each 1,000 pages")
}

// N11: where no socket can be had, requests still do.
func TestWithoutSocketsWritesAreSent(t *testing.T) {
	w := newWorld(t)
	w.fill(2)
	w.noSockets = true
	w.open()
	w.pass(1000)
	w.setExt("f0", "x")
	w.pass(120_000)
	_, exts := w.onServer()
	assert.Equal(t, map[string]string{"f0": "x"}, exts)
	assert.EqualValues(t, 0, w.status["pending"])
}

// A8: a snapshot without an end, or a reset after each hello, makes no loop.
func TestServersThatNeverEndGetNoLoop(t *testing.T) {
	t.Run("a snapshot", func(t *testing.T) {
		for _, next := range []int64{0, 1_700_000_000_000} {
			w := newWorld(t)
			w.fill(3)
			w.refuse = func(path string) (int, string, bool) {
				return 200, fmt.Sprintf(`{"code":200,"data":{"epoch":"e1","asOf":3,"rows":[{"k":"p2p|f0","q":1,"t":1700000000001}],"more":true,"nextMaxTime":%d}}`, next), path == "/v1/snapshot"
			}
			w.open()
			w.pass(60_000)
			assert.Less(t, len(w.paths), 100, "nextMaxTime %d", next)
		}
	})
	t.Run("resets", func(t *testing.T) {
		w := newWorld(t)
		w.fill(3)
		w.alwaysReset = true
		w.open()
		w.pass(60_000)
		assert.Less(t, len(w.paths), 200)
		ids, _, _ := w.cachedNow().list(t)
		assert.Len(t, ids, 3)
	})
}

// A batch over the server's limit is sent one by one, and refused once.
func TestBatchesOverTheLimitAreSplitOnce(t *testing.T) {
	w := newWorld(t)
	w.fill(1)
	w.open()
	w.pass(1000)
	w.setOnline(false)
	for i := range 200 {
		w.queued(w.setExt(fmt.Sprint("s", i), strings.Repeat("x", 1000)))
	}
	refused := 0
	w.refuseBody = func(path, body string) (int, string, bool) {
		over := path == "/v1/mutate" && len(body) > core.MaxBody
		refused += map[bool]int{true: 1}[over]
		return 413, `{"code":413,"errorDetails":"body: is over"}`, over
	}
	w.setOnline(true)
	w.pass(60_000)
	assert.Equal(t, 1, refused)
	assert.EqualValues(t, 0, w.status["pending"])
}

// contract.md §5: what is acknowledged is durable. A write in memory alone is not.
func TestCloseInMemoryAcknowledgesNothingUnsent(t *testing.T) {
	w := newWorld(t)
	w.fill(1)
	w.disk = nil
	w.open()
	w.refuse = func(path string) (int, string, bool) { return 503, "", path == "/v1/mutate" }
	require.Nil(t, w.setExt("f0", "x"))
	w.handle(replica.Event{Kind: replica.EvClose})
	w.run()
	assert.Equal(t, core.CodeOffline, w.reply(w.callID).Code)
	assert.True(t, w.closed)
}

// contract.md §5: shown at once, by every list from then on.
func TestNoAnswerHidesTheWaitingWrites(t *testing.T) {
	w := newWorld(t)
	w.fill(3)
	w.open()
	w.pass(1000)
	w.setOnline(false)
	w.queued(w.delete("f1"))
	w.held = true
	w.setOnline(true) // the socket is on its way, the server could be asked
	w.held = false
	r := w.list(all)
	ids, _, _ := r.list(t)
	assert.Equal(t, []string{"f2", "f0"}, ids)
	assert.True(t, r.Pending)
	assert.False(t, r.Fresh)
}

// The list of a first start is whole nowhere until its changes are in: a session
// that moved up while the pages were read is on none of them.
func TestAFirstListIsNotCompleteBeforeItsEnd(t *testing.T) {
	w := newWorld(t)
	w.fill(700)
	pages := 0
	w.refuse = func(path string) (int, string, bool) {
		if path == "/v1/snapshot" {
			pages++
		}
		return 503, `{"code":503,"errorDetails":"later"}`, path != "/v1/snapshot" || pages > 1
	}
	w.open()
	w.message("f0", "moved up")
	for _, params := range []string{`{"minTimestamp":1700000000600}`, `{"limit":5}`} {
		r := w.cachedList(params)
		_, more, _ := r.list(t)
		assert.False(t, r.Complete, params)
		assert.True(t, more, params)
	}
}

// cachedList asks for a list and lets its patience run out.
func (w *world) cachedList(params string) result {
	w.t.Helper()
	if r := w.call(replica.CallList, params); r != nil {
		return *r
	}
	w.handle(replica.Event{Kind: replica.EvTimer, ID: 16 + w.callID})
	return *w.reply(w.callID)
}

// S12 below the cache: a message that came while the delete waited is not lost.
func TestADeleteBelowTheCacheKeepsWhatIsNewer(t *testing.T) {
	w := newWorld(t)
	w.fill(150)
	w.open(`"maxCached":100`)
	w.pass(1000)
	w.setOnline(false)
	w.queued(w.delete("f0"))
	w.message("f0", "came while the delete waited")
	w.setOnline(true)
	w.pass(5000)
	ids, _ := w.onServer()
	assert.Equal(t, "f0", ids[0])
	require.Len(t, w.settled, 1)
	assert.Equal(t, core.OutcomeKeptNewer, w.settled[0].ErrorDetails)
}

// N10: a gateway that refuses writes alone, token or account, gets no loop of them
// and of pulls.
func TestN10WritesThatAreRefusedForTheirTokenMakeNoLoop(t *testing.T) {
	for code, status := range map[int]int{core.CodeForbidden: 403, core.CodeToken: 401} {
		w := newWorld(t)
		w.fill(2)
		w.open()
		w.pass(1000)
		w.refuse = func(path string) (int, string, bool) {
			return status, fmt.Sprintf(`{"code":%d}`, code), path == "/v1/mutate"
		}
		w.paths = nil
		w.setExt("f0", "x")
		w.pass(600_000)
		assert.LessOrEqual(t, len(w.paths), 100, "%d: in ten minutes", code)
	}
}

// N10: sockets that are refused are no reason to pull sooner than the server asked.
func TestN10AWaitOfAPullIsKeptWhileNoSocketOpens(t *testing.T) {
	w := newWorld(t)
	w.fill(2)
	w.open()
	w.pass(1000)
	w.noSockets = true
	w.refuseAfter = func(path string) (int64, bool) { return 600_000, path == "/v1/sync" }
	w.paths = nil
	w.drop(1012)
	w.pass(590_000)
	assert.Len(t, w.paths, 1)
}

// N10: the wait ends with the socket that opens meanwhile: when that one is lost, a
// pull goes ahead of the polls as ever.
func TestN10AWaitOfAPullEndsWithTheNextSocket(t *testing.T) {
	w := newWorld(t)
	w.fill(2)
	w.open()
	w.pass(1000)
	pulls := 0
	w.refuseAfter = func(path string) (int64, bool) {
		if path == "/v1/sync" {
			pulls++
		}
		return 8000, path == "/v1/sync" && pulls == 1
	}
	w.noSockets = true
	w.drop(1012)
	w.pass(2000)
	w.noSockets = false
	w.pass(60_000)
	w.noSockets = true
	w.drop(1012)
	w.pass(5000)
	w.setExt("f0", "x")
	w.pass(240_000)
	_, exts := w.onServer()
	assert.Equal(t, map[string]string{"f0": "x"}, exts)
}

// A heartbeat that a server asks for is one a second at most.
func TestA8AHeartbeatIsBounded(t *testing.T) {
	w := newWorld(t)
	w.fill(1)
	w.open()
	w.pass(100)
	w.handle(replica.Event{Kind: replica.EvFrame, ID: w.socket, Data: []byte(`{"t":"ready","epoch":"e1","head":1,"heartbeatMs":1}`)})
	assert.EqualValues(t, 1000, w.timers[2]-w.now)
}

// C2: timers sleep with the page. A list that is asked for before one of them runs
// is as old as the newest word of the server's, and does not say that it is fresh.
func TestC2AListAfterASleepIsNotFresh(t *testing.T) {
	w := newWorld(t)
	w.fill(3)
	w.open()
	w.pass(1000)
	w.mute = true // the socket is dead
	w.message("f0", "while asleep")
	w.now += 8 * 3600_000
	w.held = true
	w.handle(replica.Event{Kind: replica.EvWake})
	if r := w.call(replica.CallList, all); r != nil {
		ids, _, _ := r.list(t)
		assert.True(t, !r.Fresh || ids[0] == "f0")
	}
	w.held = false
	w.release()
	ids, _, _ := w.reply(w.callID).list(t)
	assert.Equal(t, "f0", ids[0], "the server was asked")
}

// An ext that is written while the first list is on its way knows the session that
// was shown: it does not bring it back once another device deleted it (I5).
func TestAnExtDuringTheFirstListKnowsItsSession(t *testing.T) {
	w := newWorld(t)
	w.fill(600)
	w.slow = "/v1/sync"
	w.open()
	w.pass(100)
	w.setExt("f300", "mine")
	w.do(func(a *account.Account) error { _, err := a.Delete(friend("f300"), 0, false); return err })
	w.slow = ""
	w.release()
	w.pass(10_000)
	ids, _ := w.onServer()
	assert.NotContains(t, ids, "f300")
	assert.Equal(t, core.CodeConflict, w.reply(w.callID).Code)
}

// A write that is acknowledged stays in the list while a long frame that has its row
// is read in parts.
func TestAnAcknowledgedWriteDoesNotFlickerBetweenTwoParts(t *testing.T) {
	w := newWorld(t)
	w.fill(1)
	w.open()
	w.pass(1000)
	w.mute, w.slow = true, "/v1/sync"
	w.setExt("f0", "mine")
	w.longMessages(60)
	w.message("f0", "again, with mine in it")
	f := w.deltaAfter(1)
	f.LastMid = 1
	w.updates = nil
	w.handle(replica.Event{Kind: replica.EvFrame, ID: w.socket, Data: core.AppendFrame(nil, f)})
	require.True(t, w.reads(), "not all of the frame is read")
	for _, s := range w.updates {
		assert.NotEqual(t, "f0", s.SessionID, "told without its ext")
	}
	w.callID++
	w.handle(replica.Event{Kind: replica.EvCall, ID: w.callID, Code: replica.CallList, Data: []byte(`{}`)})
	assert.Equal(t, map[string]string{"f0": "mine"}, extsIn(t, w.reply(w.callID)))
}
