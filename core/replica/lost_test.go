package replica_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"recents/core"
	"recents/core/account"
	"recents/core/replica"
)

// harm makes a stored write unreadable.
func (d *disk) harm(i int) { d.outbox[i].Write = json.RawMessage("null") }

// toldLost checks that a tab was told that its write of f0 came to nothing, and
// lists it no more.
func (w *world) toldLost() {
	w.t.Helper()
	if assert.Len(w.t, w.settled, 1) {
		assert.Equal(w.t, core.CodeConflict, w.settled[0].Code)
		assert.Equal(w.t, core.OutcomeLost, w.settled[0].ErrorDetails)
	}
	assert.NotContains(w.t, string(w.call(replica.CallList, `{"limit":100}`).Data), "mine")
	assert.EqualValues(w.t, 0, w.status["pending"])
}

// Two tabs believe to lead, and one cannot read what the other one stored: its
// number is used up before the other sends it.
func TestAWriteThatAnotherLeaderLostIsToldAsLost(t *testing.T) {
	for name, first := range map[string]func(ts *tabs, a *world){
		"it hears by the answer": func(*tabs, *world) {},
		"its list contains the number before": func(_ *tabs, a *world) {
			a.slow = "/v1/mutate"
		},
		"and its first answer is lost": func(_ *tabs, a *world) {
			refusals := 1
			a.refuseAfter = func(path string) (int64, bool) {
				if path != "/v1/mutate" || refusals == 0 {
					return 0, false
				}
				refusals--
				return 0, true
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			ts := newTabs(t)
			ts.pen.fill(2)
			a := ts.open()
			ts.pass(1000)
			ts.setOnline(false)
			a.queued(a.setExt("f0", "mine"))
			a.disk.harm(0)
			ts.lead = nil
			b := ts.open()
			b.others = nil // nothing that is said between them arrives
			b.setOnline(true)
			ts.pass(2000)
			require.Empty(t, a.settled)
			first(ts, a)
			a.setOnline(true)
			ts.pass(2000)
			a.slow = ""
			for _, ev := range a.heldBack {
				a.later(ev)
			}
			ts.pass(60_000)
			a.toldLost()
		})
	}
}

// A tab that follows has it from its leader.
func TestAWriteThatTheLeaderLostIsToldAsLost(t *testing.T) {
	ts := newTabs(t)
	ts.pen.fill(2)
	a := ts.open()
	ts.pass(1000)
	ts.setOnline(false)
	a.queued(a.setExt("f0", "mine"))
	a.disk.harm(0)
	b := ts.open()
	ts.steal(b)
	ts.setOnline(true)
	ts.pass(5000)
	a.toldLost()
	assert.Empty(t, b.settled)
}

// The tab that made a write still has it when the other one numbers all anew.
func TestAWriteThatWasLostInARenumberingIsSent(t *testing.T) {
	w := newWorld(t)
	w.fill(2)
	w.open()
	w.pass(1000)
	w.setExt("f1", "0")
	w.pass(1000)
	w.setOnline(false)
	a, b := *w, *w
	b.now++
	b.open()
	a.queued(a.setExt("f1", "1"))
	b.queued(b.setExt("f0", "mine"))
	a.now += 100 * 24 * 3600_000
	require.NoError(t, a.update(func(x *account.Account) error { _, err := x.Collect(); return err }))
	b.disk.harm(1)
	a.slow = "/v1/mutate" // the answer that it has to number anew comes
	a.setOnline(true)
	a.pass(2000)
	require.Len(t, a.heldBack, 1)
	a.later(a.heldBack[0])
	a.online = false // and nothing of what it sends then
	a.run()
	require.NotEqual(t, w.client, b.disk.client)
	b.now = a.now
	b.setOnline(true)
	b.pass(20_000)
	_, exts := b.onServer()
	assert.Equal(t, map[string]string{"f0": "mine", "f1": "1"}, exts)
	if assert.Len(t, b.settled, 1) {
		assert.Equal(t, 0, b.settled[0].Code)
	}
	b.checkEqual()
}

// What the rules refused is told, though the answer that said so was lost.
func TestARefusalIsToldThoughItsAnswerWasLost(t *testing.T) {
	w := newWorld(t)
	w.fill(1)
	w.open()
	w.pass(1000)
	w.setOnline(false)
	w.queued(w.setExt("f0", "mine"))
	w.do(func(a *account.Account) error {
		_, err := a.Delete(core.Key{Type: core.P2P, ID: "f0"}, 0, false)
		return err
	})
	w.do(func(a *account.Account) error { // the answer was lost
		_, err := a.Mutate(core.MutateRequest{ClientID: w.client, Muts: []core.Mutation{
			{Mid: 1, Op: core.OpExt, Key: core.Key{Type: core.P2P, ID: "f0"}, Ext: "mine", Base: 1}}})
		return err
	})
	w.setOnline(true)
	w.pass(5000)
	if assert.Len(t, w.settled, 1) {
		assert.Equal(t, core.OutcomeSuperseded, w.settled[0].ErrorDetails)
	}
}

// While it is not answered, a write that the list contains explains nothing that
// comes after it: who deletes the session then is somebody else.
func TestAWriteThatIsNotAnsweredHidesNothing(t *testing.T) {
	w := newWorld(t)
	w.fill(3)
	w.open()
	w.pass(1000)
	w.setOnline(false)
	k := core.Key{Type: core.P2P, ID: "f0"}
	w.queued(w.delete("f0"))
	w.do(func(a *account.Account) error { // the answer was lost
		_, err := a.Mutate(core.MutateRequest{ClientID: w.client, Muts: []core.Mutation{{Mid: 1, Op: core.OpDelete, Key: k}}})
		return err
	})
	w.refuse = func(path string) (int, string, bool) { return 503, "", path == "/v1/mutate" }
	w.setOnline(true)
	w.pass(2000)
	require.Empty(t, w.settled)
	w.message("f0", "back")
	w.pass(100)
	w.deletes = nil
	w.do(func(a *account.Account) error { _, err := a.Delete(k, 0, false); return err })
	w.pass(100)
	assert.Equal(t, []core.Key{k}, w.deletes)
	w.refuse = nil
	w.pass(60_000)
	assert.Len(t, w.settled, 1)
}

// Writes of which nobody waits to hear leave gaps in what is asked about again.
func TestABatchOfWhatIsAskedAgainHasNoGap(t *testing.T) {
	ts := newTabs(t)
	ts.pen.fill(3)
	a := ts.open()
	b := ts.open()
	ts.pass(1000)
	ts.setOnline(false)
	a.queued(a.setExt("f0", "1"))
	b.queued(b.setExt("f1", "2"))
	ts.pass(100)
	a.queued(a.setExt("f2", "3"))
	ts.pass(100)
	a.do(func(x *account.Account) error { // the answer was lost
		ext := func(mid int64, id, ext string) core.Mutation {
			return core.Mutation{Mid: mid, Op: core.OpExt, Key: core.Key{Type: core.P2P, ID: id}, Ext: ext}
		}
		_, err := x.Mutate(core.MutateRequest{ClientID: a.client, Muts: []core.Mutation{ext(1, "f0", "1"), ext(2, "f1", "2"), ext(3, "f2", "3")}})
		return err
	})
	a.refuse = func(path string) (int, string, bool) { return 503, "", path == "/v1/mutate" }
	ts.setOnline(true)
	ts.pass(2000)
	a.refuse = nil
	bodies := a.recordMutates()
	ts.pass(60_000)
	assert.Len(t, a.settled, 2)
	require.NotEmpty(t, *bodies)
	for _, body := range *bodies {
		_, err := core.ParseMutateRequest([]byte(body), core.MaxExt)
		assert.NoError(t, err)
	}
}

// An outbox that was read before it was wiped, and heard of after something was
// stored in the new one, says nothing of that.
func TestAnOutboxThatWasReadBeforeAWipeSettlesNothing(t *testing.T) {
	ts := newTabs(t)
	ts.pen.fill(2)
	ts.open()
	w := ts.open()
	ts.pass(1000)
	ts.setOnline(false)
	w.handle(replica.Event{Kind: replica.EvChanged})
	w.queue = nil // the reading is slow
	w.queued(w.setExt("f0", "mine"))
	w.later(replica.Event{Kind: replica.EvLoad})
	w.later(replica.Event{Kind: replica.EvQueued, Data: []byte(`{"clientId":"wiped","next":9,"writes":[]}`)})
	w.later(replica.Event{Kind: replica.EvLoaded})
	ts.run()
	assert.Empty(t, w.settled)
	ts.setOnline(true)
	ts.pass(5000)
	_, exts := w.onServer()
	assert.Equal(t, map[string]string{"f0": "mine"}, exts)
	if assert.Len(t, w.settled, 1) {
		assert.Equal(t, 0, w.settled[0].Code)
	}
}

// A write that could not be read shows nothing, while its number waits.
func TestAWriteThatCannotBeReadShowsNothing(t *testing.T) {
	w := newWorld(t)
	w.fill(2)
	w.open()
	w.pass(1000)
	w.setOnline(false)
	w.queued(w.setExt("f0", "mine"))
	w.disk.harm(0)
	w.now++
	w.open()
	ids, _, _ := w.list(all).list(t)
	assert.Equal(t, []string{"f1", "f0"}, ids)
}

// What the rules refused of a follower's write is told to it, though the list
// contained its number before the answer came, and when that was lost.
func TestAFollowerHearsOfARefusalThatComesAfterTheList(t *testing.T) {
	for _, lost := range []bool{false, true} {
		w := twoTabsWait(t, 1, lost, func(ts *tabs) {})
		assert.Equal(t, []int{core.CodeConflict}, codesOf(w[1].settled))
		assert.Equal(t, []int{0}, codesOf(w[0].settled))
		assert.Empty(t, w[0].disk.outbox)
	}
}

// So does a leader that follows before the answer came.
func TestALeaderThatStepsDownHearsOfARefusal(t *testing.T) {
	for _, lost := range []bool{false, true} {
		w := twoTabsWait(t, 0, lost, func(ts *tabs) {
			was, next := ts.list[0], ts.list[1]
			next.slow = "/v1/mutate"
			ts.steal(next)
			was.later(replica.Event{Kind: replica.EvChanged}) // as it hears often
			ts.pass(2000)
			require.Empty(t, was.settled)
			next.slow = ""
			if !lost {
				return // it hears by its own answer
			}
			was.later(replica.Event{Kind: replica.EvResponse, ID: was.heldBack[0].ID})
			was.heldBack = nil
			was.later(replica.Event{Kind: replica.EvChanged})
			ts.pass(100)
			require.Empty(t, was.settled)
		})
		assert.Equal(t, []int{core.CodeConflict}, codesOf(w[0].settled))
		assert.Equal(t, []int{0}, codesOf(w[1].settled))
	}
}

// twoTabsWait has a leader, the first, and a follower write offline, of which
// one's is superseded, and holds the answer back until both lists contain them.
// Then something happens, and the answer comes or is lost.
func twoTabsWait(t *testing.T, whose int, lost bool, then func(ts *tabs)) []*world {
	ts := newTabs(t)
	ts.pen.fill(3)
	a, b := ts.open(), ts.open()
	two := []*world{a, b}
	ts.pass(1000)
	ts.setOnline(false)
	two[whose].queued(two[whose].setExt("f0", "mine"))
	ts.pass(100)
	two[1-whose].queued(two[1-whose].setExt("f1", "other"))
	ts.pass(100)
	k := core.Key{Type: core.P2P, ID: "f0"}
	a.do(func(x *account.Account) error { _, err := x.Delete(k, 0, false); return err })
	a.slow = "/v1/mutate"
	ts.setOnline(true)
	ts.pass(3000)
	require.Len(t, a.heldBack, 1)
	require.Empty(t, two[whose].settled)
	then(ts)
	a.slow = ""
	for _, ev := range a.heldBack {
		if lost {
			ev.Code, ev.Data = 0, nil
		}
		a.later(ev)
	}
	ts.pass(100)
	for _, ev := range b.heldBack {
		b.later(ev)
	}
	ts.pass(60_000)
	return two
}

func codesOf(list []settled) (codes []int) {
	for _, s := range list {
		codes = append(codes, s.Code)
	}
	return codes
}

// A server that does not know how a number is used up is asked seldom.
func TestAServerThatKnowsNoLostWritesGetsNoLoop(t *testing.T) {
	w := newWorld(t)
	w.fill(1)
	w.open()
	w.pass(1000)
	w.setOnline(false)
	w.queued(w.setExt("f0", "mine"))
	w.disk.harm(0)
	w.now++
	w.open()
	asked := 0
	w.refuseBody = func(path, body string) (int, string, bool) {
		asked += strings.Count(body, `"lost"`)
		return 400, `{"code":414,"errorDetails":"op: is not ext, delete or skip"}`, strings.Contains(body, `"lost"`)
	}
	w.setOnline(true)
	w.pass(60_000)
	assert.Positive(t, asked)
	assert.Less(t, asked, 20)
	w.refuseBody = nil
	w.pass(60_000)
	assert.Empty(t, w.disk.outbox)
}

// Of two edits that collapsed, both are refused, though the answer was lost and
// they are sent again one by one.
func TestWhatCollapsedIsToldAsWhatTookItsPlace(t *testing.T) {
	w := newWorld(t)
	w.fill(1)
	w.open()
	w.pass(1000)
	w.setOnline(false)
	w.queued(w.setExt("f0", "first"))
	w.queued(w.setExt("f0", "second"))
	w.do(func(a *account.Account) error {
		_, err := a.Delete(core.Key{Type: core.P2P, ID: "f0"}, 0, false)
		return err
	})
	w.slow = "/v1/mutate"
	w.setOnline(true)
	w.pass(2000)
	require.Len(t, w.heldBack, 1)
	w.slow = ""
	w.later(replica.Event{Kind: replica.EvResponse, ID: w.heldBack[0].ID})
	w.pass(60_000)
	assert.Equal(t, []int{core.CodeConflict, core.CodeConflict}, codesOf(w.settled))
}

// A write that was refused after an event showed it is no session when its
// number lands.
func TestARefusedWriteThatWasShownDeletesNothing(t *testing.T) {
	w := newWorld(t)
	w.fill(1)
	w.open()
	w.pass(1000)
	w.refuse = func(path string) (int, string, bool) { return 503, "", path == "/v1/mutate" }
	w.setExt("f0", "mine")
	w.pass(5000)
	w.message("f0", "hi")
	w.pass(100)
	w.refuse = nil
	w.refuseBody = func(_, body string) (int, string, bool) {
		return 400, `{"code":414,"errorDetails":"ext: is too long"}`, strings.Contains(body, `"op":"ext"`)
	}
	w.updates, w.deletes = nil, nil
	w.pass(120_000)
	assert.Equal(t, []int{core.CodeBadParam}, codesOf(w.settled))
	assert.Empty(t, w.deletes)
	assert.Len(t, w.updates, 1)
}

// One that has landed and gets a new number has not landed under that.
func TestALandedWriteThatIsRenumberedWaitsAgain(t *testing.T) {
	w := newWorld(t)
	w.fill(2)
	w.open()
	w.pass(1000)
	w.setExt("f1", "0")
	w.pass(1000)
	w.setOnline(false)
	a, b := *w, *w
	a.queued(a.setExt("f0", "mine"))
	a.do(func(x *account.Account) error { // the answer was lost
		_, err := x.Mutate(core.MutateRequest{ClientID: a.client, Muts: []core.Mutation{{Mid: 2, Op: core.OpExt, Key: core.Key{Type: core.P2P, ID: "f0"}, Ext: "mine"}}})
		return err
	})
	a.refuse = func(path string) (int, string, bool) { return 503, "", path == "/v1/mutate" }
	a.fenced = true // and what it stores is not there yet
	b.now++
	b.open()
	a.setOnline(true)
	a.pass(50)
	far := *w
	far.now += 100 * 24 * 3600_000
	require.NoError(t, far.update(func(x *account.Account) error { _, err := x.Collect(); return err }))
	b.now = a.now
	b.slow = "/v1/mutate"
	b.setOnline(true)
	b.pass(50)
	require.Len(t, b.heldBack, 1)
	b.later(b.heldBack[0])
	b.online = false
	b.run()
	require.NotEqual(t, w.client, b.disk.client, "numbered anew")
	a.fenced = false
	a.handle(replica.Event{Kind: replica.EvChanged})
	a.run()
	assert.EqualValues(t, 1, a.status["pending"], "under its new number it waits")
	a.refuse = nil
	a.pass(120_000)
	assert.Equal(t, []int{0}, codesOf(a.settled))
	assert.Empty(t, a.disk.outbox)
}

// A client is closed while the answer to a write is on its way, whose number the
// base contains already: the rules may have refused it, and did.
func TestAWriteThatIsNotAnsweredIsNotToldAsAppliedAtTheEnd(t *testing.T) {
	for name, waits := range map[string]int64{"its call is open": 0, "its call was answered with 202": 5000} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.fill(2)
			w.open()
			w.pass(1000)
			w.mute = true
			require.NoError(t, w.update(func(a *account.Account) error {
				_, err := a.Delete(core.Key{Type: core.P2P, ID: "f0"}, 0, false)
				return err
			}))
			w.slow = "/v1/mutate"
			w.setExt("f0", "mine")
			call := w.callID
			w.run()
			require.NotEmpty(t, w.heldBack, "the server has it: superseded")
			w.pass(waits)
			w.mute = false
			w.run()
			require.Equal(t, "e1.3", w.status["cursor"])
			w.handle(replica.Event{Kind: replica.EvClose})
			w.run()
			require.True(t, w.closed)
			w.queued(w.reply(call))
			assert.Empty(t, w.settled)

			w.slow = ""
			w.open()
			w.pass(5000)
			assert.Empty(t, w.disk.outbox, "the next tab asked")
			assert.EqualValues(t, 0, w.status["pending"])
			ids, _ := w.onServer()
			assert.Equal(t, []string{"f1"}, ids)
		})
	}
}
