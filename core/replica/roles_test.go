package replica_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"recents/core"
	"recents/core/replica"
)

// hand is a replica whose every event is given by hand.
type hand struct {
	t      *testing.T
	r      *replica.Replica
	fx     []replica.Effect // of the last event
	all    []replica.Effect
	status map[string]any
	calls  int64
}

// newHand starts a replica that follows, or leads, on empty storage.
func newHand(t *testing.T, follow bool) *hand {
	h := &hand{t: t, r: replica.New()}
	h.on(replica.Event{Kind: replica.EvStart, Data: fmt.Appendf(nil, `{"account":"me","clientId":"c","storage":true,"online":true,"follow":%t}`, follow)})
	h.on(replica.Event{Kind: replica.EvLoad})
	h.on(replica.Event{Kind: replica.EvLoaded})
	return h
}

func (h *hand) on(ev replica.Event) {
	h.t.Helper()
	ev.Now = 1_700_000_000_000
	h.fx = h.r.Handle(ev)
	h.all = append(h.all, h.fx...)
	for _, fx := range h.fx {
		if fx.Kind == replica.FxStatus {
			h.status = map[string]any{}
			require.NoError(h.t, json.Unmarshal(fx.Data, &h.status))
		}
	}
}

// find returns the effects of a kind that the last event had.
func (h *hand) find(kind replica.EffectKind) (found []replica.Effect) {
	for _, fx := range h.fx {
		if fx.Kind == kind {
			found = append(found, fx)
		}
	}
	return found
}

// reading is what is stored, as a test has it.
type reading struct {
	cursor, generation, lowest, journal int64
	partial                             bool
	records                             [][]core.Row
	outbox                              string
}

// read has the replica ask for what is stored, and answers.
func (h *hand) read(g reading) {
	h.t.Helper()
	h.on(replica.Event{Kind: replica.EvChanged})
	require.Len(h.t, h.find(replica.FxReread), 1)
	h.answer(g)
}

func (h *hand) answer(g reading) {
	h.t.Helper()
	meta := fmt.Appendf(nil, `{"epoch":"e1","cursor":%d,"generation":%d,"lowest":%d,"asOf":1,"journal":%d,"clientId":"c"}`,
		g.cursor, g.generation, g.lowest, g.journal)
	h.on(replica.Event{Kind: replica.EvLoad, Data: meta, Code: int64(map[bool]int{true: 1}[g.partial])})
	for _, rows := range g.records {
		var texts [][]byte
		for i := range rows {
			texts = append(texts, core.AppendRow(nil, &rows[i]))
		}
		h.on(replica.Event{Kind: replica.EvChunk, Data: replica.EncodeChunk(texts)})
	}
	if g.outbox != "" {
		h.on(replica.Event{Kind: replica.EvQueued, Data: []byte(g.outbox)})
	}
	h.on(replica.Event{Kind: replica.EvLoaded})
}

// says has the leader tell of itself.
func (h *hand) says(cursor string) {
	h.t.Helper()
	h.on(replica.Event{Kind: replica.EvLeader, Data: fmt.Appendf(nil, `{"connection":"live","cursor":%q,"lastError":""}`, cursor)})
}

// list returns the exts that are shown, by session, and whether that is all.
func (h *hand) list() (exts map[string]string, complete bool) {
	h.t.Helper()
	h.calls++
	h.on(replica.Event{Kind: replica.EvCall, ID: h.calls, Code: replica.CallList, Data: []byte(all)})
	if len(h.find(replica.FxReply)) == 0 {
		h.on(replica.Event{Kind: replica.EvTimer, ID: 16 + h.calls})
	}
	require.Len(h.t, h.find(replica.FxReply), 1)
	var r result
	require.NoError(h.t, json.Unmarshal(h.find(replica.FxReply)[0].Data, &r))
	ids, _, _ := r.list(h.t)
	found := extsIn(h.t, &r)
	exts = map[string]string{}
	for _, id := range ids {
		exts[id] = found[id]
	}
	return exts, r.Complete
}

// asked returns how often a path was asked since the start.
func (h *hand) asked(path string) (n int) {
	for _, fx := range h.all {
		if fx.Kind == replica.FxFetch && fx.Path == path {
			n++
		}
	}
	return n
}

func row(id string, seq int64, ext string) core.Row {
	return core.Row{Key: core.Key{Type: core.P2P, ID: id}, Seq: seq, UpdateTime: 1000 + seq, Ext: ext, HasExt: true, ExtSeq: seq}
}

// Of several records the highest seq counts, in whatever order they are read.
func TestOfTheStoredRecordsTheNewestRowCounts(t *testing.T) {
	for _, partial := range []bool{false, true} {
		for _, order := range [][2]int64{{5, 4}, {4, 5}} {
			h := newHand(t, true)
			h.read(reading{cursor: 3, generation: 1, records: [][]core.Row{{row("a", 3, "3")}}})
			h.read(reading{cursor: 5, generation: 1, journal: 2, partial: partial,
				records: [][]core.Row{{row("a", order[0], fmt.Sprint(order[0]))}, {row("a", order[1], fmt.Sprint(order[1]))}}})
			exts, _ := h.list()
			assert.Equal(t, map[string]string{"a": "5"}, exts, "partial %t, records of %v", partial, order)
		}
	}
}

// I3: what is stored may be older than what this tab has of a time when it led.
func TestAFollowerDoesNotStepBackToWhatIsStored(t *testing.T) {
	h := newHand(t, true)
	h.read(reading{cursor: 5, generation: 1, records: [][]core.Row{{row("a", 5, "5")}}})
	h.read(reading{cursor: 4, generation: 2, records: [][]core.Row{{row("a", 4, "4")}}})
	exts, _ := h.list()
	assert.Equal(t, map[string]string{"a": "5"}, exts)
	assert.Equal(t, "e1.5", h.status["cursor"])
	assert.Empty(t, h.find(replica.FxUpdates))
}

// What changes while storage is read may be missing from that reading.
func TestAWordDuringAReadingIsReadAfterIt(t *testing.T) {
	h := newHand(t, true)
	h.on(replica.Event{Kind: replica.EvChanged})
	require.Len(t, h.find(replica.FxReread), 1)
	for range 3 {
		h.on(replica.Event{Kind: replica.EvChanged})
		assert.Empty(t, h.find(replica.FxReread), "one reading at a time")
	}
	h.answer(reading{cursor: 5, generation: 1})
	assert.Len(t, h.find(replica.FxReread), 1, "once for all three")
	h.answer(reading{cursor: 5, generation: 1})
	assert.Empty(t, h.find(replica.FxReread))
}

// A fold is read as a whole: what this tab did itself is no event there either.
func TestAWholeReadingEchoesNoOwnWrite(t *testing.T) {
	h := newHand(t, true)
	h.read(reading{cursor: 5, generation: 1, records: [][]core.Row{{row("a", 5, "5"), row("b", 4, "4")}}})
	h.on(replica.Event{Kind: replica.EvCall, ID: 900, Code: replica.CallUpdate, Data: []byte(`{"sessionId":"a","sessionType":"p2p","ext":"mine"}`)})
	require.Len(t, h.find(replica.FxOutbox), 1)
	asked := h.find(replica.FxOutbox)[0]
	var q struct{ Write json.RawMessage }
	require.NoError(t, json.Unmarshal(asked.Data, &q))
	h.on(replica.Event{Kind: replica.EvQueued, ID: asked.ID, Data: fmt.Appendf(nil, `{"clientId":"c","next":2,"writes":[{"first":1,"count":1,"write":%s}]}`, q.Write)})
	mine := row("a", 6, "mine")
	mine.UpdateTime = 1005
	h.read(reading{cursor: 7, generation: 2, records: [][]core.Row{{mine, row("b", 7, "theirs")}}, outbox: `{"clientId":"c","next":2,"writes":[]}`})
	require.Len(t, h.find(replica.FxUpdates), 1)
	var told []core.RecentSession
	require.NoError(t, json.Unmarshal(h.find(replica.FxUpdates)[0].Data, &told))
	assert.Equal(t, []string{"b"}, idsOf(told))
	require.Len(t, h.find(replica.FxReply), 1, "and it is answered")
}

// What a leader let go of is let go of, since it hears of no delete below it;
// and a list that once ended somewhere does not claim to reach further.
func TestAFollowerReachesNoFurtherDownThanItsLeader(t *testing.T) {
	h := newHand(t, true)
	h.read(reading{cursor: 5, generation: 1, records: [][]core.Row{{row("a", 1, "1"), row("b", 5, "5")}}})
	_, complete := h.list()
	require.True(t, complete)
	h.read(reading{cursor: 6, generation: 1, lowest: 1003, journal: 1, partial: true, records: [][]core.Row{{row("c", 6, "6")}}})
	exts, complete := h.list()
	assert.Equal(t, map[string]string{"b": "5", "c": "6"}, exts)
	assert.False(t, complete)
	h.read(reading{cursor: 7, generation: 1, lowest: 0, journal: 2, partial: true, records: [][]core.Row{{row("c", 7, "7")}}})
	exts, complete = h.list()
	assert.Equal(t, map[string]string{"b": "5", "c": "7"}, exts)
	assert.False(t, complete, "it lacks what it let go of")
}

// A leader that steps down lets go of all that it was at: if it leads again, it
// begins anew, whatever was never answered.
func TestATabThatStepsDownLetsGoOfEverything(t *testing.T) {
	h := newHand(t, false)
	require.Equal(t, 1, h.asked("/v1/snapshot"), "a start from nothing, which is never answered")
	h.on(replica.Event{Kind: replica.EvRole, Code: 0})
	stopped := map[int64]bool{}
	for _, fx := range h.find(replica.FxCancel) {
		stopped[fx.ID] = true
	}
	for id := int64(1); id <= 7; id++ {
		assert.True(t, stopped[id], "timer %d", id)
	}
	assert.Equal(t, false, h.status["leader"])
	assert.Equal(t, "connecting", h.status["connection"], "nothing is known of the other one yet")
	h.on(replica.Event{Kind: replica.EvRole, Code: 1})
	require.Len(t, h.find(replica.FxReread), 1)
	h.on(replica.Event{Kind: replica.EvLoad})
	h.on(replica.Event{Kind: replica.EvLoaded})
	assert.Equal(t, 2, h.asked("/v1/snapshot"), "the first one may never be answered")
}

// A first word is news, even when it is what another leader said long ago.
func TestTheWordOfAnEarlierLeaderIsForgotten(t *testing.T) {
	h := newHand(t, true)
	h.read(reading{cursor: 5, generation: 1, records: [][]core.Row{{row("a", 5, "5")}}})
	h.says("e1.6")
	assert.Empty(t, h.find(replica.FxReread), "it was about to be stored")
	h.on(replica.Event{Kind: replica.EvRole, Code: 1})
	h.answer(reading{cursor: 5, generation: 1, partial: true})
	require.Equal(t, true, h.status["leader"])
	h.on(replica.Event{Kind: replica.EvRole, Code: 0})
	h.says("e1.6")
	assert.Empty(t, h.find(replica.FxReread))
	h.says("e1.6")
	assert.Len(t, h.find(replica.FxReread), 1, "said twice: what was stored was missed")
}

// A leader's rows are stored before another one leads.
func TestATabThatStepsDownStoresWhatItHas(t *testing.T) {
	ts := newTabs(t)
	ts.pen.fill(2)
	a := ts.open()
	b := ts.open()
	ts.pass(1000)
	ts.message("f0", "applied, and not stored yet")
	require.Equal(t, "e1.3", a.status["cursor"])
	require.EqualValues(t, 2, ts.pen.disk.meta["cursor"])
	for _, w := range ts.list {
		w.online = false // nothing comes from the server any more
	}
	a.later(replica.Event{Kind: replica.EvRole, Code: 0})
	ts.lead = nil
	ts.run()
	assert.EqualValues(t, 3, ts.pen.disk.meta["cursor"])
	assert.Equal(t, "e1.3", b.status["cursor"])
	assert.Equal(t, []string{"f0"}, idsOf(b.updates))
}

// A leader whose last write was refused, since another one led meanwhile, does
// not know any more which rows storage lacks: it writes all of them.
func TestALeaderAheadOfStorageWritesAllOfIt(t *testing.T) {
	w := newWorld(t)
	w.fill(3)
	w.open()
	w.pass(1000)
	w.fenced = true
	w.message("f0", "refused by storage")
	w.handle(replica.Event{Kind: replica.EvRole, Code: 0})
	w.run()
	w.fenced = false
	w.handle(replica.Event{Kind: replica.EvRole, Code: 1})
	w.run()
	w.pass(1000)
	require.EqualValues(t, 4, w.disk.meta["cursor"])
	w.online = false
	w.now++
	w.open() // has storage alone
	r := w.list(all)
	ids, _, _ := r.list(t)
	assert.Equal(t, []string{"f0", "f2", "f1"}, ids)
	assert.Contains(t, string(r.Data), "refused by storage")
}

// What the server said to this tab says nothing of the one that leads now.
func TestATabThatStepsDownIsNotUnauthorized(t *testing.T) {
	h := newHand(t, false)
	for id := int64(1); id <= 2; id++ { // once more with a new token
		h.on(replica.Event{Kind: replica.EvResponse, ID: id, Code: 401, Data: []byte(`{"code":302,"errorDetails":"token: expired"}`)})
	}
	require.Equal(t, "unauthorized", h.status["connection"])
	h.on(replica.Event{Kind: replica.EvRole, Code: 0})
	assert.Equal(t, "connecting", h.status["connection"])
}

// A follower that cannot read what its leader wrote has it written anew: the
// leader itself never looks.
func TestAFollowerHasWhatItCannotReadWrittenAnew(t *testing.T) {
	harm := map[string]func(d *disk){
		"a journal record, cut off": func(d *disk) { d.journal[0] = d.journal[0][:20] },
		"a chunk, one bit changed":  func(d *disk) { d.chunks[0][40] ^= 1; d.meta["generation"] = 9.0 },
		"the meta, gone":            func(d *disk) { d.meta = nil },
	}
	for name, harm := range harm {
		t.Run(name, func(t *testing.T) {
			ts := newTabs(t)
			ts.pen.fill(3)
			a := ts.open()
			b := ts.open()
			ts.pass(1000)
			tell := a.others
			a.others = nil // b misses the word of what is harmed before it is read
			ts.message("f0", "harmed")
			ts.pass(1000)
			harm(ts.pen.disk)
			a.others = tell
			heartbeat, err := json.Marshal(a.status)
			require.NoError(t, err)
			for range 3 {
				a.tellOthers(replica.Event{Kind: replica.EvLeader, Data: heartbeat})
				ts.pass(10_000)
			}
			assert.Equal(t, []string{"f0"}, idsOf(b.updates))
			ts.checkAll()
			assert.Zero(t, a.r.Heals()+b.r.Heals())
		})
	}
}

// A tab that can never read, as with another key, does not keep its leader busy.
func TestComplaintsOfWhatCannotBeReadEnd(t *testing.T) {
	h := newHand(t, true)
	complaints := 0
	for range 50 {
		h.on(replica.Event{Kind: replica.EvChanged})
		h.on(replica.Event{Kind: replica.EvLoad, Data: []byte(`{"epoch":"e1","cursor":1,"generation":1,"lowest":0,"asOf":1,"journal":0,"clientId":"c"}`)})
		h.on(replica.Event{Kind: replica.EvChunk, Data: []byte("sealed")})
		h.on(replica.Event{Kind: replica.EvLoaded})
		complaints += len(h.find(replica.FxRefused))
	}
	assert.Equal(t, 5, complaints)
}

// A tab that ends between storing a write and its word of it leaves a write that
// nobody sends: one that read it has the others look, and a leader looks itself
// now and then.
func TestAWriteWhoseWordWasLostIsSent(t *testing.T) {
	for name, witness := range map[string]bool{"seen by a follower": true, "seen by nobody": false} {
		t.Run(name, func(t *testing.T) {
			ts := newTabs(t)
			ts.pen.fill(2)
			a := ts.open()
			b := ts.open()
			ts.pass(1000)
			b.others = nil
			b.setExt("f0", "unheard of")
			ts.gone(b)
			if witness {
				ts.open()
			}
			ts.pass(1000)
			heartbeat, err := json.Marshal(a.status)
			require.NoError(t, err)
			for range 2 {
				a.tellOthers(replica.Event{Kind: replica.EvLeader, Data: heartbeat})
				ts.run()
			}
			ts.pass(map[bool]int64{true: 5000, false: 11 * 60_000}[witness])
			_, exts := ts.pen.onServer()
			assert.Equal(t, map[string]string{"f0": "unheard of"}, exts)
			ts.checkAll()
		})
	}
}

// What was told of a write that waits is made good once it is there: by then
// somebody may have written after it, or deleted what it made.
func TestEventsEndWithWhatIsListed(t *testing.T) {
	f1 := core.Key{Type: core.P2P, ID: "f1"}
	made := core.Key{Type: core.P2P, ID: "made"}
	for name, after := range map[string]struct {
		do      []core.Mutation
		updates map[string]string // the newest of each session
		deletes int
	}{
		"overwritten":      {[]core.Mutation{{Op: core.OpExt, Key: f1, Ext: "theirs"}}, map[string]string{"f1": "theirs", "f2": ""}, 0},
		"deleted":          {[]core.Mutation{{Op: core.OpDelete, Key: f1}}, map[string]string{"f1": "mine", "f2": ""}, 1},
		"made and deleted": {[]core.Mutation{{Op: core.OpDelete, Key: made}}, map[string]string{"f2": ""}, 1},
		"left alone":       {nil, map[string]string{"f2": ""}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.fill(3)
			w.open()
			w.pass(1000)
			w.mute = true // both are applied, and no delta says so
			w.setExt("f1", "mine")
			w.setExt("made", "mine")
			for i := range after.do {
				after.do[i].Mid = int64(i) + 1
				w.mutate(after.do[i])
			}
			w.message("f2", "the last row")
			w.pages = 1 // the changes come one a page
			w.handle(replica.Event{Kind: replica.EvWake})
			w.run()
			w.mute = false
			w.pass(1000)
			told := map[string]string{}
			for _, s := range w.updates {
				told[s.SessionID] = ""
				if s.Ext != nil {
					told[s.SessionID] = *s.Ext
				}
			}
			assert.Equal(t, after.updates, told)
			assert.Len(t, w.deletes, after.deletes)
			assert.EqualValues(t, 0, w.status["pending"])
			_, exts := w.onServer()
			assert.Equal(t, exts, extsIn(t, w.list(all)))
		})
	}
}

// A delete that was kept back, since a message had come, explains no deletion
// that somebody else made.
func TestADeleteThatWasKeptBackHidesNoOther(t *testing.T) {
	w := newWorld(t)
	w.fill(3)
	w.open()
	w.pass(1000)
	w.setOnline(false)
	w.queued(w.delete("f1"))
	w.message("f1", "unseen")
	w.slow = "/v1/mutate"
	w.setOnline(true)
	w.pass(3000)
	require.Equal(t, []string{"f1"}, idsOf(w.updates))
	w.mutate(core.Mutation{Op: core.OpDelete, Key: core.Key{Type: core.P2P, ID: "f1"}, Mid: 1})
	w.run()
	assert.Len(t, w.deletes, 1)
}

// mutate writes as another device.
func (w *world) mutate(m core.Mutation) {
	w.t.Helper()
	body := core.AppendMutateRequest(nil, &core.MutateRequest{ClientID: "other", Muts: []core.Mutation{m}})
	status, answer := w.serve("/v1/mutate", body)
	require.EqualValues(w.t, 200, status, "%s", answer)
}

// R4: a page that is not the last says up to which write the pages after it go.
// Until then the list shows the write, and not what was there before.
func TestAWriteStaysShownUntilTheLastPage(t *testing.T) {
	w := newWorld(t)
	w.fill(3)
	w.open()
	w.pass(1000)
	w.mute, w.slow = true, "/v1/mutate"
	w.setExt("f0", "mine")
	for _, from := range []string{"x0", "x1", "f0"} { // so that its row is the last
		w.message(from, "after it")
	}
	w.pages = 1
	var shown []string
	w.refuse = func(path string) (int, string, bool) {
		if path == "/v1/sync" {
			r := w.cachedList(all)
			shown = append(shown, extsIn(t, &r)["f0"])
		}
		return 503, `{"code":503,"errorDetails":"later"}`, path == "/v1/queryMySessionList"
	}
	w.handle(replica.Event{Kind: replica.EvWake})
	w.run()
	assert.Equal(t, []string{"mine", "mine", "mine"}, shown)
	w.refuse, w.slow, w.mute = nil, "", false
	w.answerHeld()
	w.pass(5000)
	assert.EqualValues(t, 0, w.status["pending"])
}

// The same of a write that was acknowledged below the cursor: what changed after
// it stands further up in the log.
func TestAnAcknowledgedWriteStaysShownUntilTheLastPage(t *testing.T) {
	w := newWorld(t)
	w.fill(3)
	w.open()
	w.pass(1000)
	w.mute = true
	w.slow = "/v1/sync"
	w.setExt("f0", "mine") // applied as 4, acknowledged
	w.message("x0", "5")
	w.message("f0", "6")
	w.pages = 1
	w.handle(replica.Event{Kind: replica.EvWake})
	w.run()
	require.Len(t, w.heldBack, 1)
	w.handle(w.heldBack[0])
	require.Equal(t, "e1.5", w.status["cursor"])
	w.online = false
	r := w.cachedList(all)
	assert.Equal(t, map[string]string{"f0": "mine"}, extsIn(t, &r))
}

// A restored log starts lower: what the old one was told to end at counts no more.
func TestARestoredLogIsNotBehindTheOldOne(t *testing.T) {
	w := newWorld(t)
	w.fill(20)
	w.open()
	w.pass(1000)
	w.restore("e2", 5)
	w.paths = nil
	w.handle(replica.Event{Kind: replica.EvClosed, ID: 1, Code: 1012})
	w.pass(2000)
	assert.Equal(t, "live", w.status["connection"])
	syncs := 0
	for _, p := range w.paths {
		if p == "/v1/sync" {
			syncs++
		}
	}
	assert.Equal(t, 1, syncs, "the end of the new list, and no look for more: %v", w.paths)
}

// A tab whose list is of a newer log than what is stored, since its write was
// refused, takes nothing of the older one (I3): the leader will be reset as well.
func TestALogThatWasLeftIsNotTakenUpAgain(t *testing.T) {
	w := newWorld(t)
	w.fill(3)
	w.open()
	w.pass(1000)
	w.restore("e2", 2)
	w.handle(replica.Event{Kind: replica.EvFrame, ID: 1, Data: core.AppendFrame(nil, &core.Frame{Kind: core.FrameReset, Epoch: "e2", Head: 2, Reason: core.ResetEpoch})})
	w.run()
	require.Equal(t, "e2.2", w.status["cursor"])
	newer, _, _ := w.list(all).list(t)
	w.fenced = true // another tab leads
	w.handle(replica.Event{Kind: replica.EvRole, Code: 0})
	w.run()
	require.Equal(t, "e2.2", w.status["cursor"])
	require.Equal(t, "e1", w.disk.meta["epoch"])
	w.online = false
	ids, _, _ := w.list(all).list(t)
	assert.Equal(t, newer, ids)
}

// Storage that another tab left reaching less far down keeps saying so.
func TestWhatIsStoredNeverClaimsToReachFurther(t *testing.T) {
	w := newWorld(t)
	w.fill(3)
	w.open()
	w.pass(1000)
	other := maps.Clone(w.disk.meta)
	other["cursor"], other["lowest"] = 4.0, 1700000000002.0
	w.disk.meta = other
	w.message("f0", "4")
	w.message("f1", "5")
	w.pass(1000)
	require.EqualValues(t, 5, w.disk.meta["cursor"])
	assert.EqualValues(t, 1700000000002, w.disk.meta["lowest"])
}

// A write that was acknowledged to a tab that then stepped down is in the list
// that another one stored meanwhile: leading again, the tab lets go of it.
func TestAWriteAcknowledgedBeforeAStepDownLands(t *testing.T) {
	w := newWorld(t)
	w.fill(3)
	w.open()
	w.pass(1000)
	w.mute, w.fenced = true, true
	w.setExt("f0", "mine")
	rows := w.page(core.SyncRequest{V: 1, Cursor: core.Cursor{Epoch: "e1", Seq: 3}, Limit: 500, ClientID: w.client}).Rows
	w.disk.meta = maps.Clone(w.disk.meta)
	w.disk.meta["cursor"], w.disk.meta["journal"] = 4.0, 1.0
	w.disk.journal = [][]byte{replica.EncodeChunk([][]byte{core.AppendRow(nil, &rows[0])})}
	w.handle(replica.Event{Kind: replica.EvRole, Code: 0})
	w.run()
	require.Equal(t, "e1.4", w.status["cursor"])
	require.EqualValues(t, 1, w.status["pending"], "the other one has not let go of it")
	w.fenced = false
	w.handle(replica.Event{Kind: replica.EvRole, Code: 1})
	w.run()
	w.pass(5000)
	assert.EqualValues(t, 0, w.status["pending"])
	assert.Empty(t, w.disk.outbox)
}

// What one log acknowledged, another one need not hold: a follower whose leader
// read a restored log sends its write again once it leads.
func TestAnAcknowledgementIsOfItsLogAlone(t *testing.T) {
	w := newWorld(t)
	w.fill(9)
	w.open()
	w.pass(1000)
	w.mute, w.fenced = true, true
	w.setExt("f0", "mine") // as 10 of e1
	w.restore("e2", 2)
	w.disk.meta = maps.Clone(w.disk.meta)
	w.disk.meta["epoch"], w.disk.meta["cursor"], w.disk.meta["generation"] = "e2", 2.0, 77.0
	w.handle(replica.Event{Kind: replica.EvRole, Code: 0})
	w.run()
	require.Equal(t, "e2.2", w.status["cursor"])
	w.mute, w.fenced = false, false
	w.handle(replica.Event{Kind: replica.EvRole, Code: 1})
	w.run()
	w.pass(5000)
	_, exts := w.onServer()
	assert.Equal(t, map[string]string{"f0": "mine"}, exts)
	assert.EqualValues(t, 0, w.status["pending"])
}
