package replica_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"recents/core"
	"recents/core/account"
	"recents/core/replica"
)

func (w *world) setExt(id, ext string) *result {
	w.t.Helper()
	return w.call(replica.CallUpdate, fmt.Sprintf(`{"sessionId":%q,"sessionType":"p2p","ext":%q}`, id, ext))
}

func (w *world) delete(ids ...string) *result {
	w.t.Helper()
	var keys []map[string]string
	for _, id := range ids {
		keys = append(keys, map[string]string{"sessionId": id, "sessionType": "p2p"})
	}
	b, _ := json.Marshal(map[string]any{"sessionList": keys})
	return w.call(replica.CallDelete, string(b))
}

func (w *world) queued(r *result) {
	w.t.Helper()
	require.NotNil(w.t, r)
	assert.Equal(w.t, core.CodeQueued, r.Code, r.ErrorDetails)
	assert.True(w.t, r.Pending)
	assert.True(w.t, r.IsSuccess)
}

// server returns the server's live sessions, newest first, with their exts.
func (w *world) onServer() (ids []string, exts map[string]string) {
	exts = map[string]string{}
	require.NoError(w.t, w.update(func(a *account.Account) error {
		rows, _, err := a.List(core.ListRequest{Limit: 100})
		for _, r := range rows {
			ids = append(ids, r.Key.ID)
			if r.HasExt {
				exts[r.Key.ID] = r.Ext
			}
		}
		return err
	}))
	return ids, exts
}

func TestOfflineWritesShowAtOnceAndAreSentInOrder(t *testing.T) {
	w := newWorld(t)
	w.fill(4)
	w.open()
	w.pass(1000)
	w.setOnline(false)
	w.queued(w.setExt("f0", "one"))
	w.queued(w.setExt("f0", "two"))
	w.queued(w.delete("f1", "nobody"))
	w.queued(w.setExt("new", "made"))
	r := w.list(all)
	ids, more, _ := r.list(t)
	assert.Equal(t, []string{"new", "f3", "f2", "f0"}, ids)
	assert.False(t, more)
	assert.True(t, r.Pending)
	assert.Contains(t, string(r.Data), `"ext":"two"`)
	assert.Equal(t, core.CodeNotFound, w.call(replica.CallGet, `{"sessionId":"p2p|f1"}`).Code)
	assert.EqualValues(t, 5, w.status["pending"])
	ids, more, _ = w.list(`{"limit":1}`).list(t)
	assert.Equal(t, []string{"new"}, ids)
	assert.True(t, more)

	w.now++
	w.open() // a reload, still offline
	ids, _, _ = w.list(all).list(t)
	assert.Equal(t, []string{"new", "f3", "f2", "f0"}, ids, "what was reported pending is there")
	assert.EqualValues(t, 5, w.status["pending"])

	w.setOnline(true)
	w.pass(5000)
	ids, exts := w.onServer()
	assert.ElementsMatch(t, []string{"new", "f3", "f2", "f0"}, ids)
	assert.Equal(t, map[string]string{"f0": "two", "new": "made"}, exts)
	assert.EqualValues(t, 0, w.status["pending"])
	assert.Empty(t, w.disk.outbox, "nothing is left to send")
	assert.False(t, w.list(all).Pending)
	w.checkEqual()
}

// checkEqual compares the replica's list with the server's (I1).
func (w *world) checkEqual() {
	w.t.Helper()
	want, _ := w.onServer()
	got, _, _ := w.list(all).list(w.t)
	assert.Equal(w.t, want, got)
	assert.Equal(w.t, "live", w.status["connection"])
}

func TestSettledTellsWhatBecameOfAQueuedWrite(t *testing.T) {
	w := newWorld(t)
	w.fill(3)
	w.open()
	w.pass(1000)
	w.setOnline(false)
	w.queued(w.setExt("f0", "x"))
	w.queued(w.delete("f1"))
	w.queued(w.setExt("f2", "late"))
	w.message("f1", "newer")
	w.do(func(a *account.Account) error {
		_, err := a.Delete(core.Key{Type: core.P2P, ID: "f2"}, 0, false)
		return err
	})
	w.setOnline(true)
	w.pass(5000)
	require.Len(t, w.settled, 3)
	assert.Equal(t, 0, w.settled[0].Code)
	assert.Equal(t, "ext", w.settled[0].Op)
	assert.Equal(t, "f0", w.settled[0].Sessions[0].SessionID)
	assert.Equal(t, core.CodeConflict, w.settled[1].Code)
	assert.Equal(t, core.OutcomeKeptNewer, w.settled[1].ErrorDetails, "S12: the message is not lost")
	assert.Equal(t, core.OutcomeSuperseded, w.settled[2].ErrorDetails, "S13")
	ids, _, _ := w.list(all).list(t)
	assert.Equal(t, []string{"f1", "f0"}, ids)
	w.checkEqual()
}

// The writer that deletes and then sets an ext means both.
func TestDeleteThenExtOffline(t *testing.T) {
	w := newWorld(t)
	w.fill(2)
	w.open()
	w.pass(1000)
	w.setOnline(false)
	w.queued(w.delete("f0"))
	w.queued(w.setExt("f0", "again"))
	w.queued(w.setExt("ghost", "g"))
	w.queued(w.delete("ghost"))
	w.now += 10
	w.queued(w.delete("f1"))
	w.queued(w.setExt("f1", "made again"))
	w.queued(w.delete("f1"))
	ids, _, _ := w.list(all).list(t)
	assert.Equal(t, []string{"f0"}, ids)
	w.setOnline(true)
	w.pass(5000)
	_, exts := w.onServer()
	assert.Equal(t, map[string]string{"f0": "again"}, exts)
	w.checkEqual()
}

// One write that the server will never take does not hold up the others, and
// its number leaves no gap.
func TestARefusedWriteIsSettledAlone(t *testing.T) {
	w := newWorld(t)
	w.fill(3)
	w.open()
	w.pass(1000)
	w.setOnline(false)
	for i, ext := range []string{"a", "bad", "c"} {
		w.queued(w.setExt(fmt.Sprint("f", i), ext))
	}
	w.refuseBody = func(path, body string) (int, string, bool) {
		var q core.MutateRequest
		if path == "/v1/mutate" {
			q, _ = core.ParseMutateRequest([]byte(body), core.MaxExt)
		}
		for _, m := range q.Muts {
			if m.Ext == "bad" {
				return 400, `{"code":414,"errorDetails":"ext: is bad"}`, true
			}
		}
		return 0, "", false
	}
	w.setOnline(true)
	w.pass(30_000)
	_, exts := w.onServer()
	assert.Equal(t, map[string]string{"f0": "a", "f2": "c"}, exts)
	require.Len(t, w.settled, 3)
	codes := map[string]int{}
	for _, s := range w.settled {
		codes[s.Sessions[0].SessionID] = s.Code
	}
	assert.Equal(t, map[string]int{"f0": 0, "f1": 414, "f2": 0}, codes)
	assert.EqualValues(t, 0, w.status["pending"])
	assert.Empty(t, w.disk.outbox)
	w.checkEqual()
}

// Two tabs of one account share the outbox: whoever comes online first sends
// what both wrote, once.
func TestTwoTabsShareOneOutbox(t *testing.T) {
	w := newWorld(t)
	w.fill(3)
	w.open()
	w.pass(1000)
	w.setOnline(false)
	a := *w
	b := *w
	b.now++
	b.open()
	a.queued(a.setExt("f0", "from a"))
	b.queued(b.setExt("f1", "from b"))
	a.queued(a.setExt("f0", "from a again"))
	assert.EqualValues(t, 2, b.status["pending"], "b knows of a's first, stored before its own")
	b.setOnline(true)
	b.pass(5000)
	_, exts := b.onServer()
	assert.Equal(t, map[string]string{"f0": "from a", "f1": "from b"}, exts)
	a.now = b.now
	a.setOnline(true)
	a.pass(5000)
	_, exts = a.onServer()
	assert.Equal(t, map[string]string{"f0": "from a again", "f1": "from b"}, exts)
	assert.EqualValues(t, 0, a.status["pending"])
	assert.Len(t, a.settled, 2)
	a.checkEqual()
	assert.Empty(t, a.disk.outbox)
}

// S20 with storage and two tabs: after the server forgot the client, whoever
// renumbers first counts, and nothing is lost or sent in another order.
func TestRenumberingReachesTheOtherTab(t *testing.T) {
	w := newWorld(t)
	w.fill(2)
	w.open()
	w.pass(1000)
	w.setExt("f0", "0")
	w.pass(1000)
	w.setOnline(false)
	a := *w
	b := *w
	b.now++
	b.open()
	b.online = false
	a.queued(a.setExt("f0", "1"))
	b.queued(b.setExt("f1", "2"))
	a.now += 100 * 24 * 3600_000
	require.NoError(t, a.update(func(x *account.Account) error { _, err := x.Collect(); return err }))
	a.setOnline(true)
	a.pass(20_000)
	_, exts := a.onServer()
	assert.Equal(t, "1", exts["f0"])
	a.queued2(a.setExt("f0", "3"))
	a.pass(5000)
	b.now = a.now
	b.setOnline(true)
	b.pass(20_000)
	_, exts = b.onServer()
	assert.Equal(t, map[string]string{"f0": "3", "f1": "2"}, exts)
	assert.EqualValues(t, 0, b.status["pending"])
	b.checkEqual()
}

// queued2 takes both an immediate and a queued success.
func (w *world) queued2(r *result) {
	w.t.Helper()
	if r != nil {
		assert.True(w.t, r.IsSuccess, r.ErrorDetails)
	}
}

func TestTheOutboxIsBounded(t *testing.T) {
	w := newWorld(t)
	w.fill(1)
	w.open()
	w.pass(1000)
	w.setOnline(false)
	for i := range 1000 {
		w.queued(w.setExt("f0", fmt.Sprint(i)))
	}
	r := w.setExt("f0", "one too many")
	assert.Equal(t, core.CodeTooMany, r.Code)
	assert.Equal(t, "outbox: 1001 writes that wait is over 1000", r.ErrorDetails)
	w.setOnline(true)
	w.pass(20_000)
	_, exts := w.onServer()
	assert.Equal(t, "999", exts["f0"])
	assert.EqualValues(t, 0, w.status["pending"])
}

// A message for a session with a waiting ext is told with that ext (I8), one
// for a session that is being deleted brings it back into the list.
func TestEventsCarryTheWaitingWrites(t *testing.T) {
	w := newWorld(t)
	w.fill(2)
	w.open()
	w.refuse = func(path string) (int, string, bool) {
		return 503, `{"code":503,"errorDetails":"later"}`, path == "/v1/mutate"
	}
	w.setExt("f0", "mine")
	w.delete("f1")
	w.updates = nil
	w.message("f0", "hi")
	w.message("f1", "hello again")
	require.Len(t, w.updates, 2)
	assert.Equal(t, "mine", *w.updates[0].Ext)
	assert.Equal(t, "f1", w.updates[1].SessionID)
	ids, _, _ := w.list(all).list(t)
	assert.Equal(t, []string{"f1", "f0"}, ids)
}

func TestAWriteThatTakesLongIsAnsweredAsQueued(t *testing.T) {
	w := newWorld(t)
	w.fill(1)
	w.open()
	w.refuse = func(path string) (int, string, bool) {
		return 503, `{"code":503,"errorDetails":"later"}`, path == "/v1/mutate"
	}
	require.Nil(t, w.setExt("f0", "x"))
	w.pass(3000)
	w.queued(w.reply(w.callID))
	w.refuse = nil
	w.pass(120_000)
	require.Len(t, w.settled, 1)
	_, exts := w.onServer()
	assert.Equal(t, "x", exts["f0"])
}

// T: storage that fails does not lose the write: it is sent from memory.
func TestOutboxWithoutStorage(t *testing.T) {
	w := newWorld(t)
	w.fill(1)
	w.open()
	w.pass(1000)
	w.disk.fail = true
	r := w.setExt("f0", "x")
	require.NotNil(t, r)
	assert.Equal(t, 0, r.Code, r.ErrorDetails)
	assert.Equal(t, "memory", w.status["storage"])
	_, exts := w.onServer()
	assert.Equal(t, "x", exts["f0"])
}

// The live frame that contains a write may overtake the answer to it, which
// alone says what the rules refused.
func TestTheFrameOvertakesTheAnswer(t *testing.T) {
	w := newWorld(t)
	w.fill(2)
	w.open()
	w.pass(1000)
	w.setOnline(false)
	w.queued(w.setExt("f1", "x"))
	w.queued(w.delete("f0"))
	w.message("f0", "unseen")
	w.slow = "/v1/mutate"
	w.setOnline(true)
	require.Equal(t, "e1.4", w.status["cursor"], "the frame is there")
	assert.Empty(t, w.settled)
	ids, _, _ := w.list(all).list(t)
	assert.Equal(t, []string{"f0", "f1"}, ids, "and the list shows what it says")
	w.queue = append(w.queue, w.heldBack...)
	w.run()
	require.Len(t, w.settled, 2)
	assert.Equal(t, 0, w.settled[0].Code)
	assert.Equal(t, core.OutcomeKeptNewer, w.settled[1].ErrorDetails)
	w.checkEqual()
}

// A restore may take acknowledged writes out of the log: those that the list
// does not contain yet are sent again, and their old places mean nothing.
func TestARestoreBetweenAnswerAndFrame(t *testing.T) {
	w := newWorld(t)
	w.fill(3)
	w.open()
	w.pass(1000)
	w.pos = 1 << 40 // the frame does not come
	w.setExt("f0", "kept")
	require.EqualValues(t, 1, w.status["pending"])
	w.restore("e2", 2) // as it was two messages ago, before the write
	w.handle(replica.Event{Kind: replica.EvWake})
	w.run()
	w.pass(30_000)
	_, exts := w.onServer()
	assert.Equal(t, map[string]string{"f0": "kept"}, exts)
	assert.EqualValues(t, 0, w.status["pending"])
}

// An answer that was asked under the numbers of before counts those, not the
// ones that the waiting writes have now.
func TestAnAnswerUnderOldNumbersForgetsNoWrite(t *testing.T) {
	w := newWorld(t)
	w.fill(2)
	w.open()
	w.pass(1000)
	w.setExt("f0", "1")
	w.pass(1000)
	w.setExt("f0", "2")
	w.pass(1000)
	w.slow = "/v1/sync"
	w.handle(replica.Event{Kind: replica.EvWake})
	w.run()
	require.Len(t, w.heldBack, 1)

	now := w.now
	w.now += 100 * 24 * 3600_000 // the server's clock alone
	require.NoError(t, w.update(func(a *account.Account) error { _, err := a.Collect(); return err }))
	w.now = now
	sent := 0
	w.refuse = func(path string) (int, string, bool) {
		if path != "/v1/mutate" {
			return 0, "", false
		}
		sent++
		return 503, `{"code":503}`, sent > 1 // the first finds the gap
	}
	w.setExt("f1", "under new numbers")
	w.pass(1000)
	require.Greater(t, sent, 1)
	w.slow = ""
	w.release()
	w.refuse = nil
	w.pass(120_000)
	_, exts := w.onServer()
	assert.Equal(t, map[string]string{"f0": "2", "f1": "under new numbers"}, exts)
	assert.EqualValues(t, 0, w.status["pending"])
}
