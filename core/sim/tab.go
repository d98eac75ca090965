package sim

import (
	"encoding/json"
	"fmt"
	"slices"

	"recents/core"
	"recents/core/account"
	"recents/core/replica"
)

// device is one browser profile: its tabs share a disk.
type device struct {
	id   int
	disk *disk
	tabs int // ever opened
}

// tab is one replica with an app on top of it.
type tab struct {
	w      *world
	device *device
	name   string
	r      *replica.Replica
	online bool
	dead   bool

	timers map[int64]int64 // due, by id
	writes []diskOp        // asked for, not done yet
	dialed int64           // the newest socket id
	socket int64           // open, 0: none
	told   int64           // what the socket was told up to; -1 before hello
	client string          // as the hello said

	calls  int64
	wishes map[int64]*wish // writes that are not answered
	status struct {
		Connection string
		Cursor     string
		Pending    int
		Rests      bool
	}
	epoch  string
	cursor int64
	// view is what an app shows that lists once and goes by the events from then
	// on; nil before it listed.
	view   map[string]string
	listed bool // it has shown the anchor's session
}

// wish is a write of the app's.
type wish struct {
	key    core.Key
	ext    string
	remove bool
}

func (w *world) open(d *device) {
	d.tabs++
	t := &tab{w: w, device: d, name: fmt.Sprintf("d%dt%d", d.id, d.tabs), r: replica.New(), online: w.calm || w.rng.IntN(4) > 0,
		timers: map[int64]int64{}, wishes: map[int64]*wish{}}
	w.tabs = append(w.tabs, t)
	w.note("open %s", t.name)
	t.event(replica.Event{Kind: replica.EvStart, Data: []byte(fmt.Sprintf(
		`{"account":"me","clientId":%q,"seed":%d,"storage":true,"online":%t,"maxCached":%d}`, t.name, w.rng.IntN(1<<30), t.online, 100))})
	t.event(replica.Event{Kind: replica.EvLoad, Data: d.disk.metaJSON()})
	for _, c := range slices.Concat(d.disk.chunks, d.disk.journal) {
		t.event(replica.Event{Kind: replica.EvChunk, Data: slices.Clone(c)})
	}
	if d.disk.client != "" {
		t.event(replica.Event{Kind: replica.EvQueued, Data: d.disk.outboxAfter(0)})
	}
	t.event(replica.Event{Kind: replica.EvLoaded})
}

// crash ends a tab without a word: what it had asked for and was not done is
// not done.
func (w *world) crash(t *tab) {
	w.note("crash %s", t.name)
	t.dead = true
	w.heals += t.r.Heals()
	w.tabs = slices.DeleteFunc(w.tabs, func(o *tab) bool { return o == t })
	w.flights = slices.DeleteFunc(w.flights, func(f flight) bool { return f.tab == t })
	// A write that was not reported as safe may be lost with its tab.
	for _, wish := range t.wishes {
		if wish != nil {
			delete(w.accepted, wish.ext)
		}
	}
}

// wipe clears a device's storage, and its tabs with it.
func (w *world) wipe(d *device) {
	w.note("wipe %d", d.id)
	for _, t := range slices.Clone(w.tabs) {
		if t.device == d {
			w.crash(t)
		}
	}
	d.disk = newDisk()
	for ext, owner := range w.accepted {
		if owner == d {
			delete(w.accepted, ext)
		}
	}
	w.open(d)
}

// event hands the replica an event and does what it wants.
func (t *tab) event(ev replica.Event) {
	if t.dead {
		return
	}
	ev.Now = t.w.now
	for _, fx := range t.r.Handle(ev) {
		t.w.note("%s %d %d %d %s", t.name, fx.Kind, fx.ID, fx.Code, fx.Data)
		t.do(fx)
	}
}

func (t *tab) do(fx replica.Effect) {
	w := t.w
	switch fx.Kind {
	case replica.FxReply:
		t.reply(fx)
	case replica.FxUpdates:
		t.updates(fx.Data)
	case replica.FxDeletes:
		t.deletes(fx.Data)
	case replica.FxSettled:
		t.settled(fx.Data)
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
		w.cut(t)
	case replica.FxTimer:
		t.timers[fx.ID] = w.now + fx.Code
	case replica.FxCancel:
		delete(t.timers, fx.ID)
	case replica.FxStore, replica.FxOutbox:
		t.writes = append(t.writes, diskOp{id: fx.ID, outbox: fx.Kind == replica.FxOutbox, data: fx.Data})
	}
}

func (t *tab) nextTimer() {
	id, due := int64(-1), int64(0)
	for i, d := range t.timers {
		if id < 0 || d < due || d == due && i < id {
			id, due = i, d
		}
	}
	if id < 0 {
		return
	}
	delete(t.timers, id)
	t.w.now = max(t.w.now, due)
	t.event(replica.Event{Kind: replica.EvTimer, ID: id})
}

func (t *tab) setOnline(online bool) {
	if t.online == online {
		return
	}
	t.online = online
	code := int64(0)
	if online {
		code = 1
	} else {
		t.w.cut(t)
	}
	t.event(replica.Event{Kind: replica.EvNetwork, Code: code})
}

func (t *tab) call(kind int64, params string, wish *wish) {
	t.calls++
	id := t.calls
	if wish != nil {
		t.wishes[id] = wish
		if !wish.remove {
			t.w.accepted[wish.ext] = t.device
			t.w.written[wish.ext] = true
		}
	} else {
		t.wishes[id] = nil
	}
	t.event(replica.Event{Kind: replica.EvCall, ID: id, Code: kind, Data: []byte(params)})
}

func (t *tab) reply(fx replica.Effect) {
	wish, open := t.wishes[fx.ID]
	if !open {
		t.w.violate("call %d of %s was answered twice", fx.ID, t.name)
		return
	}
	delete(t.wishes, fx.ID)
	var r struct {
		Code     int
		Data     struct{ SessionList []json.RawMessage }
		Complete bool
	}
	if err := json.Unmarshal(fx.Data, &r); err != nil {
		t.w.violate("a reply does not read: %v", err)
		return
	}
	switch {
	case wish == nil:
		t.takeList(r.Code, r.Data.SessionList, r.Complete)
	case r.Code == 0 || r.Code == core.CodeQueued:
		t.wrote(wish)
	default: // refused: nothing may come of it
		delete(t.w.accepted, wish.ext)
	}
}

// takeList holds a list to what the server ever said (I8), and to the anchor
// (I10).
func (t *tab) takeList(code int, sessions []json.RawMessage, complete bool) {
	if code != 0 {
		return
	}
	anchored := false
	for _, raw := range sessions {
		var s core.RecentSession
		if err := json.Unmarshal(raw, &s); err != nil {
			t.w.violate("a session does not read: %v", err)
			return
		}
		anchored = anchored || s.SessionID == anchor
		known := t.w.history[stateOf(raw)]
		if made := s.LastMsg == nil && s.Ext != nil && t.w.written[*s.Ext]; !known && !made {
			t.w.violate("I8: %s lists what the server never said: %s", t.name, raw)
		}
	}
	if t.listed && !anchored && complete {
		t.w.violate("I10: %s lists without the session that nobody deletes", t.name)
	}
	t.listed = t.listed || anchored
}

func (t *tab) wrote(wish *wish) {
	if t.view == nil {
		return
	}
	if wish.remove {
		delete(t.view, wish.key.ID)
	} else {
		t.view[wish.key.ID] = wish.ext
	}
}

func (t *tab) updates(data []byte) {
	var list []core.RecentSession
	if err := json.Unmarshal(data, &list); err != nil {
		t.w.violate("updates do not read: %v", err)
	}
	for _, s := range list {
		if t.view != nil {
			t.view[s.SessionID] = extOf(&s)
		}
	}
}

func extOf(s *core.RecentSession) string {
	if s.Ext == nil {
		return ""
	}
	return *s.Ext
}

func (t *tab) deletes(data []byte) {
	var keys []struct{ SessionID string }
	if err := json.Unmarshal(data, &keys); err != nil {
		t.w.violate("deletes do not read: %v", err)
	}
	for _, k := range keys {
		delete(t.view, k.SessionID)
	}
}

func (t *tab) settled(data []byte) {
	var s struct {
		Code     int
		Op       string
		Sessions []struct{ SessionID string }
	}
	if err := json.Unmarshal(data, &s); err != nil {
		t.w.violate("settled does not read: %v", err)
	}
}

// tellStatus holds the cursor to rising within an epoch (I3).
func (t *tab) tellStatus(data []byte) {
	if err := json.Unmarshal(data, &t.status); err != nil {
		t.w.violate("a status does not read: %v", err)
		return
	}
	if t.status.Cursor == "" {
		return
	}
	c, err := core.ParseCursor(t.status.Cursor)
	if err != nil {
		t.w.violate("cursor: %v", err)
		return
	}
	if c.Epoch == t.epoch && c.Seq < t.cursor {
		t.w.violate("I3: the cursor of %s went from %d back to %d", t.name, t.cursor, c.Seq)
	}
	t.epoch, t.cursor = c.Epoch, c.Seq
}

// checkTabs is what holds at every step.
func (w *world) checkTabs() {
	for _, t := range w.tabs {
		if n := t.r.Heals(); n > 0 {
			w.violate("I11: the digest of %s had to heal", t.name)
		}
	}
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
