package replica_test

import (
	"encoding/json"
	"fmt"
	"math/rand"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"recents/core"
	"recents/core/account"
	"recents/core/replica"
)

func (w *world) tellOthers(ev replica.Event) {
	if w.others != nil {
		w.others(ev)
	}
}

// reread answers an FxReread with what is stored now, as js/src/core.ts does.
func (w *world) reread(fx replica.Effect) {
	w.disk.opened += int(fx.Code)
	if w.disk.fail {
		w.later(replica.Event{Kind: replica.EvLoaded, Code: 1})
		return
	}
	ev := replica.Event{Kind: replica.EvLoad}
	blobs, from := append(append([][]byte{}, w.disk.chunks...), w.disk.journal...), 0
	if w.disk.meta != nil {
		ev.Data, _ = json.Marshal(w.disk.meta)
		var known map[string]any
		if len(fx.Data) > 0 {
			require.NoError(w.t, json.Unmarshal(fx.Data, &known))
		}
		if known != nil && known["epoch"] == w.disk.meta["epoch"] && known["generation"] == w.disk.meta["generation"] {
			ev.Code, from = 1, int(known["journal"].(float64))
			blobs = w.disk.journal[min(from, len(w.disk.journal)):]
		}
		if from > len(w.disk.journal) || w.disk.meta["journal"] != float64(len(w.disk.journal)) {
			blobs = append(blobs[:len(blobs):len(blobs)], nil) // other records than meta tells of
		}
	}
	w.later(ev)
	for _, b := range blobs {
		w.later(replica.Event{Kind: replica.EvChunk, Data: append([]byte{}, b...)})
	}
	if w.disk.client != "" {
		w.client = w.disk.client
		w.later(replica.Event{Kind: replica.EvQueued, Data: w.disk.outboxAfter(0)})
	}
	w.later(replica.Event{Kind: replica.EvLoaded})
}

// tabs are some worlds with one server and one disk, and a word for each other.
type tabs struct {
	t    *testing.T
	pen  *world // writes at the server; no tab itself
	list []*world
	lead *world // who holds the lock
}

func newTabs(t *testing.T) *tabs { return &tabs{t: t, pen: newWorld(t)} }

// open starts a tab, which leads when there is no other.
func (ts *tabs) open(options ...string) *world {
	ts.pen.now++
	w := &world{t: ts.t, now: ts.pen.now, server: ts.pen.server, epoch: ts.pen.epoch, disk: ts.pen.disk, online: ts.pen.online}
	w.others = func(ev replica.Event) {
		for _, o := range ts.list {
			if o != w {
				o.later(ev)
			}
		}
	}
	if ts.lead != nil {
		options = append(options, `"follow":true`)
	} else {
		ts.lead = w
	}
	w.open(options...)
	ts.list = append(ts.list, w)
	ts.lead.later(replica.Event{Kind: replica.EvWake}) // it says hello, and is answered
	for _, o := range ts.list {
		if o != ts.lead && ts.lead.status != nil {
			b, _ := json.Marshal(ts.lead.status)
			o.later(replica.Event{Kind: replica.EvLeader, Data: b})
		}
	}
	ts.run()
	return w
}

// gone takes a tab out without a word, as a crash does, and gives its lock to
// the next.
func (ts *tabs) gone(w *world) {
	for i, o := range ts.list {
		if o == w {
			ts.list = append(ts.list[:i:i], ts.list[i+1:]...)
			break
		}
	}
	if ts.lead == w {
		ts.lead = nil
		if len(ts.list) > 0 {
			ts.elect(ts.list[0])
		}
	}
}

func (ts *tabs) elect(w *world) {
	ts.lead = w
	w.later(replica.Event{Kind: replica.EvRole, Code: 1})
	ts.run()
}

// steal gives the lock to another tab while the leader lives, which hears of it
// at once, or when it thaws.
func (ts *tabs) steal(w *world) {
	was := ts.lead
	was.later(replica.Event{Kind: replica.EvRole, Code: 0})
	ts.elect(w)
}

func (ts *tabs) run() {
	for rest := false; !rest; {
		rest = true
		for _, w := range ts.list {
			w.now = ts.pen.now
			if len(w.queue) > 0 || w.push() {
				w.run()
				rest = false
			}
		}
	}
}

func (ts *tabs) pass(ms int64) {
	for end := ts.pen.now + ms; ts.pen.now < end; ts.run() {
		step := min(50, end-ts.pen.now)
		ts.pen.now += step
		for _, w := range ts.list {
			w.pass(step)
		}
	}
}

func (ts *tabs) setOnline(online bool) {
	for _, w := range ts.list {
		w.setOnline(online)
	}
	ts.run()
}

func (ts *tabs) message(from, text string) {
	ts.t.Helper()
	ts.pen.message(from, text)
	ts.run()
}

// checkAll holds every tab to the server's list (I1), and to one socket.
func (ts *tabs) checkAll() {
	ts.t.Helper()
	want, exts := ts.pen.onServer()
	leaders := 0
	for i, w := range ts.list {
		r := w.list(all)
		got, _, _ := r.list(ts.t)
		assert.Equal(ts.t, want, got, "tab %d", i)
		assert.True(ts.t, r.Fresh, "tab %d", i)
		assert.Equal(ts.t, exts, extsIn(ts.t, r), "tab %d", i)
		assert.Equal(ts.t, "live", w.status["connection"], "tab %d", i)
		assert.EqualValues(ts.t, 0, w.status["pending"], "tab %d", i)
		assert.Equal(ts.t, w.status["leader"] == true, w.socket != 0, "tab %d: a socket is the leader's", i)
		if w.status["leader"] == true {
			leaders++
		}
	}
	assert.Equal(ts.t, 1, leaders)
}

func extsIn(t *testing.T, r *result) map[string]string {
	var l struct{ SessionList []core.RecentSession }
	require.NoError(t, json.Unmarshal(r.Data, &l))
	exts := map[string]string{}
	for _, s := range l.SessionList {
		if s.Ext != nil {
			exts[s.SessionID] = *s.Ext
		}
	}
	return exts
}

func idsOf(events []core.RecentSession) (ids []string) {
	for _, s := range events {
		ids = append(ids, s.SessionID)
	}
	return ids
}

func TestFollowersSeeWhatTheLeaderStores(t *testing.T) {
	ts := newTabs(t)
	ts.pen.fill(300)
	a := ts.open()
	b := ts.open() // before the leader has stored anything
	ts.pass(1000)
	c := ts.open()
	assert.Equal(t, false, c.status["leader"])
	ts.checkAll()
	ts.message("f7", "hi")
	ts.pass(500)
	f9 := core.Key{Type: core.P2P, ID: "f9"}
	ts.pen.do(func(x *account.Account) error { _, err := x.Delete(f9, 0, false); return err })
	ts.pass(500)
	ts.message("f7", "again")
	ts.pass(500)
	for _, w := range ts.list {
		assert.Equal(t, []string{"f7", "f7"}, idsOf(w.updates), "each once (I7)")
		assert.Equal(t, []core.Key{f9}, w.deletes)
	}
	ts.checkAll()
	for _, w := range []*world{b, c} {
		assert.NotContains(t, w.paths, "/v1/snapshot")
		assert.NotContains(t, w.paths, "/v1/sync")
		assert.Zero(t, w.socket)
	}
	assert.NotZero(t, a.socket)
}

// What the leader has and has not stored yet, a follower does not give as fresh.
func TestAFollowerBehindItsLeaderIsNotFresh(t *testing.T) {
	ts := newTabs(t)
	ts.pen.fill(2)
	ts.open()
	b := ts.open()
	ts.pass(1000)
	ts.message("f0", "news")
	r := b.list(all)
	assert.Equal(t, "server", r.Source, "the server knows better")
	ids, _, _ := r.list(t)
	assert.Equal(t, []string{"f0", "f1"}, ids)
	b.online = false // and when that does not answer
	r = b.list(all)
	assert.False(t, r.Fresh)
	b.online = true
	ts.pass(1000)
	assert.Equal(t, "cache", b.list(all).Source)
	ts.checkAll()
}

func TestAFollowersWritesAreSentByTheLeader(t *testing.T) {
	ts := newTabs(t)
	ts.pen.fill(3)
	a := ts.open()
	b := ts.open()
	c := ts.open()
	ts.pass(1000)
	b.setExt("f0", "from b")
	id := b.callID
	ts.pass(1000)
	require.NotNil(t, b.reply(id))
	assert.Equal(t, 0, b.reply(id).Code, b.reply(id).ErrorDetails)
	assert.Empty(t, b.updates, "the own write is not echoed")
	for _, w := range []*world{a, c} {
		require.Equal(t, []string{"f0"}, idsOf(w.updates))
		assert.Equal(t, "from b", *w.updates[0].Ext)
	}
	assert.NotContains(t, b.paths, "/v1/mutate")
	ts.checkAll()

	b.delete("f1")
	ts.pass(1000)
	assert.Equal(t, 0, b.reply(b.callID).Code)
	assert.Empty(t, b.deletes)
	assert.Len(t, a.deletes, 1)
	assert.Len(t, c.deletes, 1)
	assert.Empty(t, ts.pen.disk.outbox)
	ts.checkAll()
}

// What the server said against a follower's write reaches the tab that made it.
func TestAFollowerHearsWhyItsWriteWasRefused(t *testing.T) {
	ts := newTabs(t)
	ts.pen.fill(2)
	a := ts.open()
	b := ts.open()
	ts.pass(1000)
	ts.setOnline(false)
	b.queued(b.delete("f0"))
	b.queued(b.setExt("f1", "fine"))
	ts.message("f0", "unseen")
	ts.setOnline(true)
	ts.pass(5000)
	require.Len(t, b.settled, 2)
	assert.Equal(t, core.OutcomeKeptNewer, b.settled[0].ErrorDetails)
	assert.Equal(t, 0, b.settled[1].Code)
	assert.Empty(t, a.settled, "they were not its own")
	ts.checkAll()
}

func TestWhenTheLeaderGoesAnotherLeads(t *testing.T) {
	for name, leave := range map[string]func(ts *tabs, w *world){
		"closed": func(ts *tabs, w *world) {
			w.handle(replica.Event{Kind: replica.EvClose})
			ts.run()
			require.True(t, w.closed)
			ts.gone(w)
		},
		"crashed": func(ts *tabs, w *world) { ts.gone(w) },
		"let go":  func(ts *tabs, w *world) { ts.steal(ts.list[1]) },
	} {
		t.Run(name, func(t *testing.T) {
			ts := newTabs(t)
			ts.pen.fill(3)
			a := ts.open()
			b := ts.open()
			c := ts.open()
			ts.pass(1000)
			ts.message("f0", "told by the first")
			ts.pass(500)
			ts.message("f1", "not stored by it")
			b.setExt("f2", "from b") // stored, and not sent
			id := b.callID
			leave(ts, a)
			ts.message("f2", "told by the second")
			ts.pass(4000)
			require.NotNil(t, b.reply(id))
			assert.Equal(t, 0, b.reply(id).Code)
			_, exts := ts.pen.onServer()
			assert.Equal(t, map[string]string{"f2": "from b"}, exts)
			assert.Equal(t, true, b.status["leader"])
			assert.ElementsMatch(t, []string{"f0", "f1", "f2"}, idsOf(b.updates))
			ts.checkAll()
			ts.message("f0", "last")
			ts.pass(500)
			assert.Equal(t, "f0", c.updates[len(c.updates)-1].SessionID)
			ts.checkAll()
		})
	}
}

// T3: a frozen leader answers nobody; what a follower writes meanwhile is safe,
// is sent by the one that takes its place, and told once.
// A delete that leaves the session, for a message that it had not seen, is no
// reason to keep silent of what the ext before it hid.
func TestWhatADeleteLeavesIsToldAsItIs(t *testing.T) {
	w := newWorld(t)
	w.fill(2)
	w.open()
	w.pass(1000)
	w.setOnline(false)
	w.queued(w.setExt("f0", "mine"))
	w.queued(w.delete("f0"))
	w.do(func(a *account.Account) error { // the answer was lost
		k := core.Key{Type: core.P2P, ID: "f0"}
		_, err := a.Mutate(core.MutateRequest{ClientID: w.client, Muts: []core.Mutation{
			{Mid: 1, Op: core.OpExt, Key: k, Ext: "mine", Base: 1}, {Mid: 2, Op: core.OpDelete, Key: k}}})
		return err
	})
	w.message("f0", "after all")
	w.message("f1", "on the next page, with which the writes land")
	w.pages = 1
	w.updates = nil
	w.setOnline(true)
	w.pass(5000)
	var told []*string
	for _, s := range w.updates {
		if s.SessionID == "f0" {
			told = append(told, s.Ext)
		}
	}
	mine := "mine"
	assert.Equal(t, []*string{&mine, nil}, told)
	w.checkEqual()
}

// A list shows what other tabs have waiting. When that comes to nothing, because
// somebody deleted the session before this tab had a row of it, an event says so.
func TestWhatAnotherTabMadeAndWasListedIsTakenBack(t *testing.T) {
	ts := newTabs(t)
	a := ts.open()
	b := ts.open()
	ts.pass(1000)
	ts.setOnline(false)
	a.queued(a.setExt("new", "made in a"))
	ts.pass(1000)
	ids, _, _ := b.call(replica.CallList, `{"limit":100}`).list(t)
	require.Equal(t, []string{"new"}, ids)
	a.do(func(account *account.Account) error { // its answer was lost
		k := core.Key{Type: core.P2P, ID: "new"}
		_, err := account.Mutate(core.MutateRequest{ClientID: a.client, Muts: []core.Mutation{{Mid: 1, Op: core.OpExt, Key: k, Ext: "made in a"}}})
		if err == nil {
			_, err = account.Delete(k, 0, false)
		}
		return err
	})
	ts.setOnline(true)
	ts.pass(10_000)
	ids, _, _ = b.call(replica.CallList, `{"limit":100}`).list(t)
	require.Empty(t, ids)
	assert.Equal(t, []core.Key{{Type: core.P2P, ID: "new"}}, b.deletes)
}

func TestAFrozenLeaderIsReplaced(t *testing.T) {
	ts := newTabs(t)
	ts.pen.fill(2)
	a := ts.open()
	b := ts.open()
	ts.pass(1000)
	ts.list = ts.list[1:] // frozen: nothing reaches a
	b.setExt("f0", "meanwhile")
	ts.pass(4000)
	b.queued(b.reply(b.callID))
	ts.message("f1", "unheard")
	ts.elect(b)
	ts.pass(2000)
	_, exts := ts.pen.onServer()
	assert.Equal(t, map[string]string{"f0": "meanwhile"}, exts)
	require.Len(t, b.settled, 1)
	assert.Equal(t, []string{"f1"}, idsOf(b.updates))

	ts.list = append(ts.list, a) // thawed: it learns that it leads no more
	a.later(replica.Event{Kind: replica.EvRole, Code: 0})
	a.later(replica.Event{Kind: replica.EvWake})
	b.later(replica.Event{Kind: replica.EvWake})
	b.later(replica.Event{Kind: replica.EvNetwork, Code: 0})
	b.later(replica.Event{Kind: replica.EvNetwork, Code: 1})
	ts.run()
	ts.pass(2000)
	assert.ElementsMatch(t, []string{"f0", "f1"}, idsOf(a.updates))
	ts.checkAll()
}

// T4: two that both believe to lead do no harm, and what either wrote is applied
// once.
func TestSplitBrainConverges(t *testing.T) {
	ts := newTabs(t)
	ts.pen.fill(3)
	a := ts.open()
	ts.pass(1000)
	ts.lead = nil
	b := ts.open()
	c := ts.open()
	for i := range 5 {
		ts.message(fmt.Sprintf("x%d", i), "1")
		[]*world{a, b, c}[i%3].setExt("f0", fmt.Sprint(i))
		ts.pass(150)
	}
	ts.pass(5000)
	a.later(replica.Event{Kind: replica.EvRole, Code: 0})
	ts.run()
	ts.pass(2000)
	b.later(replica.Event{Kind: replica.EvNetwork, Code: 0})
	b.later(replica.Event{Kind: replica.EvNetwork, Code: 1})
	ts.run()
	ts.pass(2000)
	ts.checkAll()
	assert.Empty(t, ts.pen.disk.outbox)
	assert.Equal(t, "indexeddb", a.status["storage"])
}

func TestOfflineWritesInTwoTabs(t *testing.T) {
	ts := newTabs(t)
	ts.pen.fill(3)
	a := ts.open()
	b := ts.open()
	ts.pass(1000)
	ts.setOnline(false)
	a.queued(a.setExt("f0", "a"))
	ts.run()
	b.queued(b.setExt("f1", "b"))
	ts.run()
	b.queued(b.setExt("f0", "b, later"))
	ts.run()
	for _, w := range ts.list {
		r := w.list(all)
		assert.Equal(t, map[string]string{"f0": "b, later", "f1": "b"}, extsIn(t, r), "all writes show in all tabs")
		assert.True(t, r.Pending)
		assert.EqualValues(t, 3, w.status["pending"])
		assert.Equal(t, "offline", w.status["connection"])
	}
	ts.setOnline(true)
	ts.pass(3000)
	assert.Len(t, a.settled, 1)
	assert.Len(t, b.settled, 2)
	ts.checkAll()
}

// A list that is written anew, folded or read again from the server, is no event
// but for what differs.
func TestAFollowerReadsAWholeListAgain(t *testing.T) {
	ts := newTabs(t)
	ts.pen.fill(300)
	a := ts.open()
	b := ts.open()
	ts.pass(1000)
	unfolded := ts.pen.disk.meta["generation"]
	for range 80 { // until the journal is folded
		ts.message("f0", "x")
		ts.pass(200)
	}
	ts.pass(5000)
	assert.Greater(t, ts.pen.disk.meta["generation"], unfolded)
	assert.Len(t, b.updates, 80)
	b.updates = nil
	ts.list = ts.list[1:] // b alone misses nothing: a is away
	a.updates = nil
	ts.list = append(ts.list, a)
	a.handle(replica.Event{Kind: replica.EvFrame, ID: a.socket, Data: core.AppendFrame(nil, &core.Frame{Kind: core.FrameReset, Epoch: "e1", Head: 1, Reason: "floor"})})
	ts.message("f1", "while the list is read again")
	ts.pass(5000)
	assert.Equal(t, []string{"f1"}, idsOf(b.updates))
	ts.checkAll()
}

// A tab whose storage fails hears of nobody any more, and gets its own socket.
func TestAFollowerWithoutStorageGoesItsOwnWay(t *testing.T) {
	ts := newTabs(t)
	ts.pen.fill(2)
	a := ts.open()
	b := ts.open()
	ts.pass(1000)
	ts.pen.disk.fail = true
	r := b.setExt("f0", "x")
	ts.pass(1000)
	if r == nil {
		r = b.reply(b.callID)
	}
	require.NotNil(t, r)
	assert.Equal(t, 0, r.Code, r.ErrorDetails)
	assert.Equal(t, "memory", b.status["storage"])
	assert.NotZero(t, b.socket)
	b.later(replica.Event{Kind: replica.EvRole, Code: 0})
	ts.run()
	assert.NotZero(t, b.socket, "and keeps it")
	assert.NotZero(t, a.socket)
}

// T6: whatever is said on the channel, nothing but a leader's word counts.
func TestGarbageFromOtherTabsIsIgnored(t *testing.T) {
	ts := newTabs(t)
	ts.pen.fill(2)
	ts.open()
	b := ts.open()
	ts.pass(1000)
	for _, data := range []string{``, `null`, `[]`, `{"connection":7}`, `{"connection":"closed","cursor":"e1.9"}`, `{"connection":"up"}`, `{"cursor":"e1.9"}`, "\xff{"} {
		for _, kind := range []replica.EventKind{replica.EvLeader, replica.EvRefused, replica.EvLoad, replica.EvChunk, replica.EvLoaded, replica.EvQueued} {
			b.later(replica.Event{Kind: kind, Data: []byte(data)})
			ts.run()
			require.Equal(t, "live", b.status["connection"], "%d %q", kind, data)
		}
	}
	ts.checkAll()
}

// Random tabs, opened, closed, crashed, stolen from and offline at any moment:
// in the end all equal the server (I1), and each has told its app of exactly
// what it did not have (I7).
func TestRandomTabs(t *testing.T) {
	for seed := range tabRuns {
		if !t.Run(fmt.Sprint(seed), func(t *testing.T) { randomTabs(t, rand.New(rand.NewSource(int64(seed)))) }) {
			return
		}
	}
}

func randomTabs(t *testing.T, roll *rand.Rand) {
	ts := newTabs(t)
	ts.pen.fill(5)
	models := map[*world]map[string]string{}
	open := func() {
		w := ts.open(`"echoOwn":true`)
		ts.pass(500)
		models[w] = shownIn(t, w.list(all))
		w.updates, w.deletes = nil, nil
	}
	open()
	told := 0
	for range 40 {
		w := ts.list[roll.Intn(len(ts.list))]
		friend := fmt.Sprint("f", roll.Intn(8))
		switch roll.Intn(12) {
		case 0:
			if len(ts.list) < 4 {
				open()
			}
		case 1:
			if len(ts.list) > 1 {
				ts.gone(w)
			}
		case 2:
			if w != ts.lead {
				ts.steal(w)
			}
		case 3, 4:
			w.setExt(friend, fmt.Sprint("ext", told))
			ts.run()
		case 5:
			ts.pen.do(func(a *account.Account) error {
				_, err := a.Delete(core.Key{Type: core.P2P, ID: friend}, 0, false)
				return err
			})
			ts.run()
		case 6, 7, 8:
			ts.message(friend, fmt.Sprint("m", told))
		default:
			ts.pass(int64(roll.Intn(400)))
		}
		told++
	}
	ts.pass(130_000) // whatever waits for a second try has had it
	ts.checkAll()
	for i, w := range ts.list {
		model := models[w]
		for _, s := range w.updates {
			model[s.SessionID] = sessionText(s)
		}
		now := shownIn(t, w.list(all))
		for id := range model {
			if _, live := now[id]; !live {
				assert.Contains(t, w.deletes, core.Key{Type: core.P2P, ID: id}, "tab %d", i)
				delete(model, id)
			}
		}
		assert.Equal(t, now, model, "tab %d was told of all", i)
	}
}

// shownIn returns what of each session an app would see change.
func shownIn(t *testing.T, r *result) map[string]string {
	t.Helper()
	require.NotNil(t, r)
	var l struct{ SessionList []core.RecentSession }
	require.NoError(t, json.Unmarshal(r.Data, &l))
	shown := map[string]string{}
	for _, s := range l.SessionList {
		shown[s.SessionID] = sessionText(s)
	}
	return shown
}

func sessionText(s core.RecentSession) string {
	b, _ := json.Marshal(s)
	return string(b)
}

// T6: a word that was lost is made up for by the leader's next one.
func TestAFollowerThatMissedAWordReadsAgain(t *testing.T) {
	ts := newTabs(t)
	ts.pen.fill(2)
	a := ts.open()
	b := ts.open()
	ts.pass(1000)
	tell := a.others
	a.others = nil
	ts.message("f0", "unheard of")
	ts.pass(1000)
	require.Empty(t, b.updates)
	a.others = tell
	heartbeat, err := json.Marshal(a.status)
	require.NoError(t, err)
	for range 2 {
		a.tellOthers(replica.Event{Kind: replica.EvLeader, Data: heartbeat})
		ts.run()
	}
	assert.Equal(t, []string{"f0"}, idsOf(b.updates))
	ts.checkAll()
}

// A leader that finds its list wrong, and lets go before it has read it anew,
// still has that list when it leads again.
func TestANewLeaderComparesWhatItLeads(t *testing.T) {
	ts := newTabs(t)
	ts.pen.fill(3)
	ts.open()
	ts.pass(5000)
	ts.gone(ts.list[0])
	ts.pen.disk.chunks[0] = replica.WithoutLastRow(ts.pen.disk.chunks[0])
	ts.pen.online = false
	a := ts.open()
	a.slow = "/v1/snapshot"
	a.setOnline(true)
	ts.pass(5000)
	require.NotEmpty(t, a.heldBack, "it reads anew, and is not answered")
	a.later(replica.Event{Kind: replica.EvRole, Code: 0})
	ts.run()
	a.slow = ""
	ts.elect(a)
	ts.pass(5000)
	ts.checkAll()
}

// What a tab wrote is news to its app once an event told that another tab's delete
// took it, and that delete is refused (I7). The server's clock is ahead: the page
// takes what it made for older than the message that the delete has seen.
func TestAnExtThatADeleteTookIsToldWhenThatIsRefused(t *testing.T) {
	ts := newTabs(t)
	ts.pen.fill(2)
	a, b := ts.open(), ts.open()
	ts.pass(3000)
	ts.pen.message("f0", "of a clock ahead")
	ts.pass(3000)
	a.now, b.now = a.now-60_000, b.now-60_000
	a.refuse = func(path string) (int, string, bool) { return 503, "", path == "/v1/mutate" }
	b.held = true // it hears nothing of the two
	a.delete("f0")
	a.setExt("f0", "x")
	b.delete("f0")
	b.held = false
	b.release()
	ts.run()
	a.deletes, a.updates = nil, nil
	ts.pen.do(func(acc *account.Account) error { _, err := acc.Delete(friend("f0"), 0, false); return err })
	ts.run()
	require.Len(t, a.deletes, 1)
	a.refuse = nil
	ts.pass(60_000)
	_, exts := ts.pen.onServer()
	require.Equal(t, map[string]string{"f0": "x"}, exts)
	assert.Equal(t, []string{"f0"}, idsOf(a.updates))
}
