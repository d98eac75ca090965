package replica_test

import (
	"encoding/json"
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
