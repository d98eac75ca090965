package sim

import (
	"cmp"
	"maps"
	"slices"

	"github.com/tidwall/gjson"

	"recents/core"
	"recents/core/replica"
)

// app is what uses a tab, and what it was told.
type app struct {
	t     *tab
	stale bool // something happened since it last looked
	// view is what it shows that lists once and goes by the events from then on;
	// nil before it listed.
	view   map[string]string
	told   map[string]gjson.Result // the newest event of each session
	shows  map[string]string       // like view: all but the ext
	again  []string                // sessions to look at again
	events []gjson.Result          // of this moment
	hopes  map[string]string       // the ext that it set last, by session: shown from then on
	queued map[string][]*wish      // the exts that were answered with 202, by session, in the order of the calls
}

func newApp(t *tab) *app {
	return &app{t: t, told: map[string]gjson.Result{}, hopes: map[string]string{}, queued: map[string][]*wish{}}
}

// wants is a write as the app makes it, which shows at once.
func (a *app) wants(wish *wish) {
	w, id := a.t.w, wish.key.ID
	if wish.remove {
		a.t.device.deletes[id] = true
		for _, t := range w.tabsOf(a.t.device) { // its tabs share their writes
			delete(t.app.hopes, id)
		}
		delete(a.view, id)
		return
	}
	w.accepted[wish.ext] = a.t.device
	w.author[wish.ext] = a.t
	a.hopes[id] = wish.ext
	if a.view != nil {
		a.view[id] = wish.ext
	}
}

// refused is the answer that nothing comes of a write.
func (a *app) refused(wish *wish) {
	delete(a.t.w.accepted, wish.ext)
	a.forget(wish.key.ID)
}

// settled takes what became of writes that were answered as queued. Those of a
// session are told of in their order.
func (a *app) settled(data []byte) {
	s := gjson.ParseBytes(data)
	applied := s.Get("code").Int() == 0
	for _, k := range s.Get("sessions").Array() {
		id := k.Get("sessionId").Str
		if waits := a.queued[id]; s.Get("op").Str == core.OpExt && len(waits) > 0 {
			a.queued[id] = waits[1:]
			if applied {
				a.checkApplied(waits[0].ext)
			}
		}
		if !applied {
			a.forget(id)
		}
	}
}

// answeredQueued remembers a write that is safe, and will be told of.
func (a *app) answeredQueued(wish *wish) {
	waits := a.queued[wish.key.ID]
	at, _ := slices.BinarySearchFunc(waits, wish.call, byCall)
	a.queued[wish.key.ID] = slices.Insert(waits, at, wish)
}

func byCall(w *wish, call int64) int { return cmp.Compare(w.call, call) }

// waits reports whether the app is still to hear what became of a write.
func (a *app) waits() bool {
	for _, wish := range a.t.wishes {
		if wish != nil {
			return true
		}
	}
	for _, waits := range a.queued {
		if len(waits) > 0 {
			return true
		}
	}
	return false
}

// checkApplied holds what an app is told to be applied to have been (I2). After
// a restore, or when the server forgot a client, it may be so no more.
func (a *app) checkApplied(ext string) {
	if w := a.t.w; (w.applied[ext] == 0 || w.denied[ext]) && !w.forsaken[ext] && !w.forgot && !w.restored {
		w.violate("I2: %s is told that %s is applied, and it never was", a.t.name, ext)
	}
}

// forget has the app look again at a session of which it believed its own write.
func (a *app) forget(id string) {
	delete(a.hopes, id)
	if a.view != nil {
		a.again = append(a.again, id)
	}
}

// lookAgain looks at the sessions to be forgotten, once the replica is done with
// what it was at.
func (a *app) lookAgain() {
	again := a.again
	a.again = nil
	if len(again) == 0 || a.t.stage != running {
		return
	}
	shown := map[string]string{}
	for _, s := range a.list() {
		shown[gjson.Get(s, "sessionId").Str] = s
	}
	for _, id := range again {
		delete(a.view, id)
		if s := shown[id]; s != "" {
			a.view[id] = gjson.Get(s, "ext").Str
		}
	}
}

// updates takes events. Each tells of something that the one before it did not,
// and nothing older (I7).
func (a *app) updates(data []byte) {
	for _, s := range gjson.ParseBytes(data).Array() {
		id := s.Get("sessionId").Str
		if was, ok := a.told[id]; ok {
			a.checkEvent(was, s)
		}
		a.told[id] = s
		if a.view != nil {
			a.events = append(a.events, s)
			a.view[id] = s.Get("ext").Str
		}
	}
}

// checkEvent holds an event to the one before it of the same session. Sessions
// that a write made have the page's time; an ext may be shown while it waits,
// and again when it is there; and a log that was restored tells all again.
func (a *app) checkEvent(was, s gjson.Result) {
	w := a.t.w
	if w.restored || a.t.device.damaged || !was.Get("lastMsg").Exists() && !was.Get("revokeNotification").IsObject() {
		return
	}
	if s.Get("updateTime").Int() < was.Get("updateTime").Int() && s.Get("lastMsg").Exists() {
		w.violate("I7: %s was told of %s, and then of the older %s", a.t.name, was.Raw, s.Raw)
	}
	if s.Raw == was.Raw && !s.Get("ext").Exists() {
		w.violate("I7: %s was told twice of %s", a.t.name, s.Raw)
	}
}

// checkEchoes holds that what the app did itself is no event, unless something
// else of the session is to be told. Only while all is calm: a list that is read
// again tells of all that differs.
func (a *app) checkEchoes() {
	events := a.events
	a.events = nil
	if a.t.w.forgot || a.t.w.restored { // numbers were given out again
		return
	}
	cursor, _ := core.ParseCursor(a.t.status.Cursor)
	for _, s := range events {
		id, ext := s.Get("sessionId").Str, s.Get("ext").Str
		f := a.t.w.logs[cursor.Epoch][id]
		if ext != "" && a.t.w.author[ext] == a.t && a.shows[id] == stateOf(s) && f.text == s.Raw && f.seq <= cursor.Seq {
			a.t.w.violate("I7: %s is told of its own %s", a.t.name, s.Raw)
		}
		a.shows[id] = stateOf(s)
	}
}

func (a *app) deletes(data []byte) {
	for _, k := range gjson.ParseBytes(data).Array() {
		id := k.Get("sessionId").Str
		delete(a.view, id)
		delete(a.told, id)
		delete(a.shows, id)
	}
}

// start lists, and goes by the events from then on.
func (a *app) start() {
	a.view, a.shows = map[string]string{}, map[string]string{}
	for _, s := range a.t.list() {
		session := gjson.Parse(s)
		id := session.Get("sessionId").Str
		a.view[id], a.shows[id] = session.Get("ext").Str, stateOf(session)
	}
}

// compare holds what the app shows to the list.
func (a *app) compare() {
	list := map[string]string{}
	for _, s := range a.t.list() {
		session := gjson.Parse(s)
		list[session.Get("sessionId").Str] = session.Get("ext").Str
	}
	if !maps.Equal(list, a.view) {
		a.t.w.violate("I7: an app on %s that goes by events shows %v, and the list is %v", a.t.name, a.view, list)
	}
}

// look has the app list what the tab shows now.
func (a *app) look() {
	a.stale = false
	if a.t.stage == running && a.t.status.Cursor != "" {
		a.check(a.list())
	}
}

// list returns what the tab shows when the server takes its time: the patience
// of a call is what its timer ends.
func (a *app) list() []string {
	t := a.t
	t.calls++
	id := t.calls
	reply := t.silently(replica.Event{Kind: replica.EvCall, ID: id, Code: replica.CallList, Data: []byte(`{"limit":100}`)})
	if reply == nil {
		reply = t.silently(replica.Event{Kind: replica.EvTimer, ID: callTimers + id})
	}
	r := gjson.ParseBytes(reply)
	if r.Get("code").Int() != 0 {
		t.w.violate("I10: %s has a list and answers %s", t.name, reply)
	}
	return sessionsIn(r)
}

// callTimers is where the replica's timers of calls begin.
const callTimers = 16

// silently handles an event whose requests get no answer, and returns the reply.
func (t *tab) silently(ev replica.Event) (reply []byte) {
	ev.Now = t.w.now
	for _, fx := range t.r.Handle(ev) {
		switch fx.Kind {
		case replica.FxReply:
			reply = fx.Data
		case replica.FxFetch:
		default:
			t.do(fx)
		}
	}
	return reply
}

// check holds what is shown to the server's log, and to the app's own writes.
func (a *app) check(sessions []string) {
	t := a.t
	cursor, _ := core.ParseCursor(t.status.Cursor)
	if t.device.damaged {
		return
	}
	shown := map[string]string{}
	for _, s := range sessions {
		shown[gjson.Get(s, "sessionId").Str] = s
	}
	t.w.checkShown(t.name, cursor, shown, t.status.Pending > 0)
	a.checkHopes(cursor, shown)
}

// checkHopes holds the list to show what the app wrote, from then on: at first
// as a write that waits, and then as part of a list that contains it (R4). What
// came after it may stand in its place.
func (a *app) checkHopes(cursor core.Cursor, shown map[string]string) {
	w := a.t.w
	if w.forgot || w.restored {
		return
	}
	for id, ext := range a.hopes {
		if at, applied := w.landed[ext]; applied && at <= cursor.Seq {
			delete(a.hopes, id)
			continue
		}
		if shown[id] == "" && a.t.device.deletes[id] {
			continue // a delete of before that was stored after
		}
		e := gjson.Get(shown[id], "ext").Str
		by := w.author[e]
		if by == nil || by.device != a.t.device || by == a.t && e != ext {
			w.violate("I8: %s wrote %s to %s, and shows %q", a.t.name, ext, id, shown[id])
		}
	}
}
