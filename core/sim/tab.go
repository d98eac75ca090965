package sim

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/tidwall/gjson"

	"recents/core"
	"recents/core/account"
	"recents/core/replica"
)

// tab is one replica with an app on top of it, and what js/src/core.ts does for
// it.
type tab struct {
	w       *world
	device  *device
	disk    *disk // the database that it has open; nil: it has none any more
	name    string
	no      int64 // of all tabs
	r       *replica.Replica
	seat    *seat // its place among the device's tabs; nil: it knows of none
	stage   stage
	online  bool
	visible bool
	frozen  bool // nothing of the page runs
	dead    bool
	term    int64 // as which leader it writes
	healed  int   // heals that were counted

	timers map[int64]int64 // due, by id
	writes []*diskOp       // asked for, not done yet
	chunks chunks          // of the batch that will be asked for next
	tasks  []task          // callbacks that wait for their turn
	feed   []replica.Event // what was read from the disk, on its way in
	dialed int64           // the newest socket id
	socket int64           // open, 0: none
	told   int64           // what the socket was told up to; -1 before hello
	client string          // as the hello said

	calls  int64
	wishes map[int64]*wish // calls that are not answered; nil for a list
	status status
	newest map[string]int64 // cursors by epoch, the highest
	listed bool             // it has shown the anchor's session
	app    *app
}

// stage is how far a tab has come: closing ones wait for their last write.
type stage uint8

const (
	booting stage = iota
	reading
	running
	closing
)

// task is a callback of the page's.
type task struct {
	name string
	run  func()
	lock bool // of a lock's request
}

// status is the replica's, as it told it.
type status struct {
	Connection string
	Cursor     string
	Pending    int64
	Leader     bool
	Rests      bool
	Storage    string
}

// wish is a write of the app's.
type wish struct {
	call   int64
	key    core.Key
	ext    string
	remove bool
}

// open adds a tab to a device. It takes part in the election at once; its core
// comes a while later, and then reads what is stored.
func (w *world) open(d *device) *tab {
	d.tabs++
	w.did.Tabs++
	t := &tab{w: w, device: d, disk: d.disk, name: fmt.Sprintf("d%dt%d", d.id, d.tabs), no: int64(w.did.Tabs), r: replica.New(),
		online: w.calm || w.rng.IntN(4) > 0, visible: w.calm || w.rng.IntN(2) == 0,
		timers: map[int64]int64{}, wishes: map[int64]*wish{}, newest: map[string]int64{}}
	t.app = newApp(t)
	w.tabs = append(w.tabs, t)
	w.note("open %s", t.name)
	if d.kind != strangers {
		t.seat = newSeat(t)
	}
	t.later("start", t.start)
	return t
}

// later has a callback wait for its turn.
func (t *tab) later(name string, run func()) {
	t.tasks = append(t.tasks, task{name: name, run: run})
}

// start is Core.load: who leads is asked before storage is read.
func (t *tab) start() {
	leads, online := t.seat == nil || t.seat.leads, t.online
	t.stage = reading
	t.event(replica.Event{Kind: replica.EvStart, Data: fmt.Appendf(nil,
		`{"account":"me","clientId":%q,"seed":%d,"storage":true,"follow":%t,"online":%t,"maxCached":%d,"slice":%d}`,
		t.name, t.w.rng.IntN(1<<30), !leads, online,
		[]int{100, 100_000}[t.w.rng.IntN(2)], // room for the page that is asked for ahead, or none
		1+t.w.rng.IntN(2000))})               // a pause every few rows, or none
	t.read(nil, func() {
		t.stage = running
		if t.seat != nil {
			t.seat.listen(leads)
		}
		if t.online != online {
			t.tellNetwork()
		}
	})
}

// read reads the disk at some later moment, and hands what it held over from
// then on.
func (t *tab) read(known []byte, done func()) {
	t.later("read", func() {
		if t.disk == nil {
			t.feed = []replica.Event{{Kind: replica.EvLoaded, Code: 1}}
		} else {
			t.feed = t.disk.read(known)
		}
		t.later("fed", func() {
			for len(t.feed) > 0 {
				t.feedNext()
			}
			done()
		})
	})
}

func (t *tab) feedNext() {
	ev := t.feed[0]
	t.feed = t.feed[1:]
	t.event(ev)
}

func (t *tab) busy() bool { return len(t.writes) > 0 || !t.frozen && len(t.tasks)+len(t.feed) > 0 }

// work does one thing of those that the tab waits for: its next write, a
// callback, or one record of what was read. The disk goes on for a frozen page.
func (t *tab) work() {
	switch roll := t.w.rng.IntN(4); {
	case len(t.writes) > 0 && (roll < 2 || t.frozen || len(t.tasks)+len(t.feed) == 0):
		t.nextWrite()
	case t.frozen:
	case len(t.feed) > 0 && roll != 3:
		t.feedNext()
	case len(t.tasks) > 0:
		i := 0
		if !t.w.calm && roll == 0 {
			i = t.w.rng.IntN(len(t.tasks))
		}
		if t.tasks[i].lock { // a lock's are never out of order
			i = slices.IndexFunc(t.tasks, func(o task) bool { return o.lock })
		}
		next := t.tasks[i]
		t.tasks = slices.Delete(t.tasks, i, i+1)
		t.w.note("%s %s", t.name, next.name)
		next.run()
	}
}

// crash ends a tab without a word: what it had asked for and was not done is
// not done.
func (w *world) crash(t *tab) {
	w.note("crash %s", t.name)
	w.did.Crashes++
	w.end(t)
}

// end takes a tab out. Its lock falls free.
func (w *world) end(t *tab) {
	if t.dead {
		return
	}
	t.dead = true
	w.countHeals(t)
	w.tabs = slices.DeleteFunc(w.tabs, func(o *tab) bool { return o == t })
	w.flights = slices.DeleteFunc(w.flights, func(f flight) bool { return f.tab == t })
	t.device.lock.drop(t)
	// A write that was not reported as safe may be lost with its tab.
	for _, wish := range t.wishes {
		if wish != nil {
			delete(w.accepted, wish.ext)
		}
	}
	if t.status.Storage == "memory" { // nothing of it was
		for ext, owner := range w.author {
			if owner == t {
				delete(w.accepted, ext)
			}
		}
	}
	w.finishWipe(t.device)
}

// close ends a tab by its app: once what it has asked for is stored.
func (t *tab) close() {
	if t.stage != running {
		t.w.crash(t)
		return
	}
	t.w.note("close %s", t.name)
	t.stage = closing
	t.event(replica.Event{Kind: replica.EvClose})
}

// closed is the end of a close: the tab leaves those of its device.
func (t *tab) closed() {
	if t.seat != nil {
		t.seat.stop()
	}
	t.w.note("closed %s", t.name)
	t.w.end(t)
}

// event hands the replica an event and does what it wants.
func (t *tab) event(ev replica.Event) {
	if t.dead {
		return
	}
	ev.Now = t.w.now
	asked := len(t.writes)
	effects := t.r.Handle(ev)
	for _, fx := range effects {
		t.w.note("%s %d %d %d %s", t.name, fx.Kind, fx.ID, fx.Code, fx.Data)
		t.do(fx)
	}
	t.touched(asked)
	t.app.checkEchoes()
	t.app.lookAgain()
	if ev.Kind != replica.EvRole && ev.Kind != replica.EvClose {
		t.checkRole(effects)
	}
}

// touched tells the writes that an event asked for what waited then.
func (t *tab) touched(asked int) {
	t.app.stale = true
	for _, op := range t.writes[min(asked, len(t.writes)):] {
		op.pending = t.status.Pending
	}
}

func (t *tab) do(fx replica.Effect) {
	w := t.w
	switch fx.Kind {
	case replica.FxReply:
		t.reply(fx)
	case replica.FxUpdates:
		t.app.updates(fx.Data)
	case replica.FxDeletes:
		t.app.deletes(fx.Data)
	case replica.FxSettled:
		t.app.settled(fx.Data)
	case replica.FxStatus:
		t.tellStatus(fx.Data)
	case replica.FxFetch:
		w.flights = append(w.flights, flight{tab: t, kind: request, id: fx.ID, path: fx.Path, data: fx.Data})
	case replica.FxDial:
		t.dialed, t.socket, t.told = fx.ID, 0, -1
		w.flights = append(w.flights, flight{tab: t, kind: dial, id: fx.ID})
	case replica.FxSend:
		w.flights = append(w.flights, flight{tab: t, kind: up, id: fx.ID, data: fx.Data})
	case replica.FxHangup:
		t.dialed = 0
		w.cut(t)
	case replica.FxTimer:
		t.timers[fx.ID] = w.now + fx.Code
	case replica.FxCancel:
		delete(t.timers, fx.ID)
	case replica.FxChunk:
		t.chunks.add(fx)
	case replica.FxStore:
		t.writes = append(t.writes, &diskOp{id: fx.ID, chunks: t.chunks.take(fx.ID), data: fx.Data})
	case replica.FxOutbox:
		t.writes = append(t.writes, &diskOp{id: fx.ID, outbox: true, data: fx.Data})
	case replica.FxPause:
		t.later("go on", func() { t.event(replica.Event{Kind: replica.EvGoOn}) })
	case replica.FxReread:
		t.read(fx.Data, func() {})
	case replica.FxRefused:
		t.post(word{kind: "refused", data: string(fx.Data)})
	case replica.FxClosed:
		t.later("closed", t.closed)
	}
}

// post tells the other tabs of the device something.
func (t *tab) post(m word) {
	if t.seat != nil {
		t.seat.post(m)
	}
}

func (t *tab) nextTimer() bool {
	id, due := int64(-1), int64(0)
	for i, d := range t.timers {
		if id < 0 || d < due || d == due && i < id {
			id, due = i, d
		}
	}
	if id < 0 || t.frozen {
		return false
	}
	delete(t.timers, id)
	t.w.now = max(t.w.now, due)
	t.event(replica.Event{Kind: replica.EvTimer, ID: id})
	return true
}

func (t *tab) setOnline(online bool) {
	if t.online == online {
		return
	}
	t.online = online
	if !online {
		t.w.cut(t)
	}
	if t.stage == running {
		t.tellNetwork()
	}
}

func (t *tab) tellNetwork() {
	code := int64(0)
	if t.online {
		code = 1
	}
	t.event(replica.Event{Kind: replica.EvNetwork, Code: code})
}

// wake is what the page's events do when it is shown again, or resumed.
func (t *tab) wake() {
	if t.stage != running {
		return
	}
	if t.seat != nil {
		t.seat.enter()
	}
	t.event(replica.Event{Kind: replica.EvWake})
}

// call has the app call.
func (t *tab) call(kind int64, params string, wish *wish) {
	t.calls++
	t.wishes[t.calls] = wish
	if wish != nil {
		wish.call = t.calls
		t.app.wants(wish)
	}
	t.event(replica.Event{Kind: replica.EvCall, ID: t.calls, Code: kind, Data: []byte(params)})
}

func (t *tab) reply(fx replica.Effect) {
	wish, open := t.wishes[fx.ID]
	if !open {
		t.w.violate("call %d of %s was answered twice", fx.ID, t.name)
		return
	}
	delete(t.wishes, fx.ID)
	r := gjson.ParseBytes(fx.Data)
	code := r.Get("code").Int()
	switch {
	case wish == nil && code == 0:
		t.takeList(sessionsIn(r), r.Get("complete").Bool())
	case wish == nil || wish.remove && code == 0:
	case code == 0:
		t.app.checkApplied(wish.ext)
	case code != core.CodeQueued:
		t.app.refused(wish)
	case !wish.remove:
		t.app.answeredQueued(wish)
	}
}

// sessionsIn returns the sessions of a reply, as texts.
func sessionsIn(reply gjson.Result) (list []string) {
	for _, s := range reply.Get("data.sessionList").Array() {
		list = append(list, s.Raw)
	}
	return list
}

// tellStatus holds the cursor to rising within an epoch (I3).
func (t *tab) tellStatus(data []byte) {
	if err := json.Unmarshal(data, &t.status); err != nil {
		t.w.violate("a status does not read: %v", err)
		return
	}
	if t.seat != nil {
		t.seat.tell(t.status)
	}
	if t.status.Cursor == "" {
		return
	}
	c, err := core.ParseCursor(t.status.Cursor)
	if err != nil {
		t.w.violate("cursor: %v", err)
		return
	}
	if c.Seq < t.newest[c.Epoch] && !t.device.damaged {
		t.w.violate("I3: the cursor of %s went from %d back to %d", t.name, t.newest[c.Epoch], c.Seq)
	}
	t.newest[c.Epoch] = c.Seq
}

// push tells the open sockets of a change, as the hub does.
func (w *world) push(d *account.Delta) {
	for _, t := range w.tabs {
		if t.socket == 0 || t.told < 0 {
			continue
		}
		f := core.Frame{Kind: core.FrameDelta, Epoch: d.Epoch, From: d.From, To: d.To, Rows: d.Rows, LastMid: w.lastMid(t.client)}
		w.flights = append(w.flights, flight{tab: t, kind: down, id: t.socket, data: core.AppendFrame(nil, &f)})
	}
}

func (w *world) lastMid(client string) (mid int64) {
	w.view(func(a *account.Account) error {
		p, err := a.Sync(core.SyncRequest{V: 1, Cursor: core.Cursor{Epoch: a.Meta().Epoch, Seq: a.Meta().Seq}, ClientID: client, Limit: 1})
		if err == nil {
			mid = p.LastMid
		}
		return err
	})
	return mid
}
