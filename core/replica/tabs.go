package replica

import "recents/core"

// Of the tabs of one account and origin, one leads: it holds the socket, sends
// the writes and stores the rows. The others follow: they read what it stored,
// answer from that, and put their writes into the outbox that all tabs share.
// Who leads is not decided here, and nothing exact rests on it: each write to
// storage is a compare-and-set, so two leaders do no harm (sync.md, "Tabs").

// reading is stored state on its way in. It is believed only as far as it
// proves itself (R6).
type reading struct {
	meta    *Meta // nil: nothing is stored
	partial bool  // only the journal records that this tab did not know
	rows    *set
	news    changed // partial: of each key the newest, tombstones included
	bytes   int
	outbox  []byte // as EvQueued brought it; nil: there never was a write
	spoiled bool   // something was not as written
}

// mostAwaited bounds the chunks that room is made for before they come: those of
// a million sessions.
const mostAwaited = 4096

func newReading(ev Event) *reading {
	g := &reading{rows: newSetOf(int(min(max(ev.ID, 0), mostAwaited)) * chunkRows), partial: ev.Code == 1}
	if len(ev.Data) > 0 {
		g.meta = parseMeta(ev.Data)
		g.spoiled = g.meta == nil
	}
	return g
}

// take reads the rows of a chunk or a journal record. Its checksum says that
// they are as this package wrote them, of rows that it had checked, so that
// their heads are enough here: to scan all of the messages took most of a start.
func (g *reading) take(b []byte) {
	rows, ok := decodeChunk(b)
	entries := make([]entry, len(rows)) // at once: one by one they are most of what a load allocates
	for i, raw := range rows {
		head, known := headOf(raw)
		if !known {
			ok = false
			break
		}
		e := &entries[i]
		*e = entry{key: head.Key, seq: head.Seq, time: head.UpdateTime, raw: raw}
		g.put(e, head.Deleted)
	}
	g.bytes += len(b)
	g.spoiled = g.spoiled || !ok
}

// headOf reads a row's head, by parsing all of it where that takes it.
func headOf(raw []byte) (core.RowHead, bool) {
	if head, ok := core.ReadRowHead(raw); ok {
		return head, true
	}
	row, err := core.ParseRow(raw)
	return core.RowHead{Key: row.Key.String(), Seq: row.Seq, UpdateTime: row.UpdateTime, Deleted: row.Deleted}, err == nil
}

func (g *reading) put(e *entry, deleted bool) {
	if g.partial {
		if i, held := g.news.at[e.key]; !held || g.news.rows[i].seq < e.seq {
			g.news.keep(e)
		}
		return
	}
	switch old := g.rows.rows[e.key]; {
	case old != nil && old.seq >= e.seq:
	case deleted:
		g.rows.remove(e.key)
	case old != nil:
		g.rows.put(e)
	default:
		g.rows.add(e)
	}
}

// role takes what was decided of this tab. One that has no storage knows nothing
// of the others, and keeps its own socket.
func (r *Replica) role(leads bool) {
	switch {
	case !r.store.on:
	case !leads:
		r.stepDown()
	case !r.leads:
		r.rising = true // once it has read what the one before it left
		r.reread()
	}
}

// lead makes this tab the one that is connected. It goes on from its own cursor.
func (r *Replica) lead() {
	s := &r.store
	r.leads, r.rising = true, false
	s.dirty = changed{}
	if r.known && (s.meta == nil || s.meta.Epoch != r.cursor.Epoch || s.meta.Cursor != r.cursor.Seq) {
		s.rewrite()
	}
	r.link.tries, r.link.head, r.failures = 0, 0, 0
	// One that found the digest wrong may have let go before it read all anew.
	r.unchecked = r.known
	r.lastError = ""
	if r.link.state != shut {
		r.link.state = connecting
	}
	r.connect()
}

// stepDown stores what is not stored, and lets go of all that a leader does.
func (r *Replica) stepDown() {
	r.rising = false
	if !r.leads {
		return
	}
	r.flush()
	r.leads = false
	r.hangUp(closeNormal, "")
	r.link.poll.stop()
	r.boot, r.pullNext, r.resting, r.link.rested = nil, false, false, false
	r.store.waiting, r.store.back = false, false
	for id := int64(timerDial); id <= lastTimer; id++ {
		r.stopTimer(id)
	}
	r.ahead = core.Cursor{}
	if r.link.state != offline {
		r.link.state = connecting
	}
}

// leader takes what the leader tells of itself: {connection, cursor, lastError, rests}.
// Anything else is not its word, and ignored.
func (r *Replica) leader(b []byte) {
	var word, text, why string
	rests := false
	err := core.Read(b, core.Member{Name: "connection", To: &word}, core.Member{Name: "cursor", To: &text}, core.Member{Name: "lastError", To: &why}, core.Member{Name: "rests", To: &rests})
	state, known := linkStates[word]
	if r.leads || err != nil || !known {
		return
	}
	was := r.ahead
	r.ahead, err = core.ParseCursor(text)
	if err != nil {
		r.ahead = core.Cursor{} // it has no list yet
	}
	if r.ahead == was { // it was said before
		r.doubt(state)
	}
	r.link.state, r.link.rests = state, rests
	r.lastError = why
}

// doubt asks again for what this tab or its leader may have missed, since words
// are lost, and tabs end between a write and the word of it: what the leader
// stored, or a write of this side that waits while the leader could send it.
func (r *Replica) doubt(state linkState) {
	if r.ahead != r.cursor {
		r.store.doubted = r.ahead.Epoch != ""
		r.reread()
	}
	if len(r.writes) > 0 && state == live {
		r.saveWrite(nil)
	}
}

// linkStates are the words of a leader's status. "closed" is none: a leader that
// closes leads no more.
var linkStates = map[string]linkState{"connecting": connecting, "live": live, "offline": offline, "unauthorized": unauthorized}

// reread asks for what is stored now, one reading at a time.
func (r *Replica) reread() {
	s := &r.store
	if !s.on {
		return
	}
	if s.asking {
		s.askNext = true
		return
	}
	s.asking, s.askNext, s.askedAt = true, false, r.box.heard
	var meta []byte
	if s.meta != nil && r.known && s.meta.Epoch == r.cursor.Epoch {
		meta = s.meta.append(nil)
	}
	r.do(Effect{Kind: FxReread, Data: meta})
}

// rereading takes the answer to FxReread. Nothing of it counts before its end.
func (r *Replica) rereading(ev Event) {
	s := &r.store
	switch {
	case !s.asking:
	case ev.Kind == EvLoad:
		s.reading = newReading(ev)
	case s.reading == nil && ev.Code == 0:
	case ev.Kind == EvChunk:
		s.reading.take(ev.Data)
	case ev.Kind == EvQueued:
		s.reading.outbox = ev.Data
	case ev.Kind == EvLoaded:
		r.readAgain(ev.Code == 0)
	}
}

// readAgain goes on once a reading is whole. A leader takes the others' writes
// from it: its own rows are newer than those that it stored.
func (r *Replica) readAgain(ok bool) {
	s := &r.store
	g := s.reading
	s.reading, s.asking = nil, false
	if !s.on {
		r.reopened(g, ok)
		return
	}
	if !ok {
		r.loseStorage(whyMemory)
		return
	}
	if !r.leads {
		r.adopt(g)
	}
	if r.overtaken(g.outbox) {
		s.askNext = true
	} else {
		r.takeShared(g.outbox)
	}
	switch {
	case s.askNext:
		r.reread()
	case r.rising:
		r.lead()
	}
	r.sendWrites()
}

// adopt takes what the leader stored as the base, unless that is older than what
// this tab has of a time when it led itself (I3).
func (r *Replica) adopt(g *reading) {
	s, m := &r.store, g.meta
	switch {
	case g.spoiled, m == nil && s.doubted:
		r.tellDamage()
		return
	case m == nil:
		return
	case r.known && r.isPast(m) && !r.wentBack(m):
		return
	case g.partial && (s.meta == nil || s.meta.Epoch != m.Epoch || s.meta.Generation != m.Generation || r.cursor.Epoch != m.Epoch):
		return // this tab's own last write came between, or its list is of another log than what is stored
	case g.partial:
		r.adoptNews(g)
	default:
		r.adoptWhole(g)
	}
	if m.Epoch != r.cursor.Epoch || m.Cursor < r.cursor.Seq {
		r.unacknowledge()
	}
	r.leave(m.Epoch)
	r.cursor = core.Cursor{Epoch: m.Epoch, Seq: m.Cursor}
	r.known, r.asOf = true, m.AsOf
	r.evict()
	s.meta, s.dirty, s.full = m, changed{}, false
	s.doubted, s.complaints = false, 0
}

// isPast reports whether what is stored is of a moment that this tab's list has
// behind it.
func (r *Replica) isPast(m *Meta) bool {
	if m.Epoch == r.cursor.Epoch {
		return m.Cursor < r.cursor.Seq
	}
	return r.left[m.Epoch]
}

// mostLeft bounds the logs that a tab remembers to have left: each took a server
// that was restored.
const mostLeft = 16

// leave remembers the log that the list was of, if it is of another one from now on.
func (r *Replica) leave(epoch string) {
	if r.cursor.Epoch == "" || r.cursor.Epoch == epoch {
		return
	}
	if r.left == nil || len(r.left) == mostLeft {
		r.left = map[string]bool{}
	}
	r.left[r.cursor.Epoch] = true
	delete(r.left, epoch)
}

// wentBack reports whether the leader is in step with a log that ends before
// this tab's cursor, and stored it anew: the server has an older copy of its files.
func (r *Replica) wentBack(m *Meta) bool {
	s := r.store.meta
	return !r.leads && r.link.state == live && r.ahead == core.Cursor{Epoch: m.Epoch, Seq: m.Cursor} && s != nil && s.Generation != m.Generation
}

func (r *Replica) adoptNews(g *reading) {
	lastMid := r.landedIn(g.outbox)
	for _, e := range g.news.rows {
		r.applyRow(e.row(), lastMid)
	}
	r.lowest = max(r.lowest, g.meta.Lowest)
	r.base.trim(r.lowest) // the leader hears of no delete below it
	r.store.logged += g.bytes
}

func (r *Replica) adoptWhole(g *reading) {
	lowest := g.meta.Lowest
	g.rows.trim(lowest)
	if r.known {
		r.noteDifferences(r.base, g.rows, lowest, r.landedIn(g.outbox))
	}
	r.base, r.lowest = g.rows, lowest
	r.store.chunked, r.store.logged = g.bytes, 0
}

// overtaken reports whether an outbox that was read may be older than what this
// tab heard of it since: of one that was wiped or renumbered in between, by
// whose numbers what it stored last is in the base.
func (r *Replica) overtaken(outbox []byte) bool {
	var client string
	err := core.Read(outbox, core.Member{Name: "clientId", To: &client})
	return err == nil && client != r.cfg.ClientID && r.store.askedAt != r.box.heard
}

// takeShared takes the stored outbox. What a follower misses in it is in the
// rows of the same reading: the two leave and arrive in one transaction.
func (r *Replica) takeShared(outbox []byte) {
	if outbox == nil || !r.takeOutbox(outbox) || r.leads {
		return
	}
	r.box.gone = r.landedIn(outbox)
	r.landed = max(r.landed, r.box.gone)
	r.landWrites()
}

// landedIn returns the highest mid that a stored outbox, which was read together
// with the rows, gave out and holds no more: {clientId, next, writes: [{first}]}.
// It is 0 when the numbers are another client id's.
func (r *Replica) landedIn(outbox []byte) int64 {
	var client string
	var next int64
	err := core.Read(outbox, core.Member{Name: "clientId", To: &client}, core.Member{Name: "next", To: &next}, core.Member{Name: "writes", To: func(raw []byte) error {
		return core.Items(raw, func(item []byte) error {
			var first int64
			err := core.Read(item, core.Member{Name: "first", To: &first})
			next = min(next, first)
			return err
		})
	}})
	if err != nil || client != r.cfg.ClientID {
		return 0
	}
	return next - 1
}

// tellRefusal tells the other tabs what the server said against a write that one
// of them made: storage knows only that it is gone.
func (r *Replica) tellRefusal(w *write) {
	if w.own || w.refusal == nil || !r.store.on {
		return
	}
	code, details := core.CodeOf(w.refusal)
	b := core.AppendStr(nil, `{"clientId":`, r.cfg.ClientID)
	b = core.AppendNum(b, `,"first":`, w.first)
	b = core.AppendNum(b, `,"code":`, int64(code))
	r.do(Effect{Kind: FxRefused, Data: append(core.AppendStr(b, `,"errorDetails":`, details), '}')})
}

// maxComplaints bounds how often in a row a tab has its leader write all anew:
// one that never can read it, as with another key, is not to keep it at that.
const maxComplaints = 5

// tellDamage tells the leader, which does not read what it wrote, that it cannot
// be read.
func (r *Replica) tellDamage() {
	if s := &r.store; r.phase == running && s.complaints < maxComplaints {
		s.complaints++
		r.do(Effect{Kind: FxRefused, Data: []byte(`{"damaged":true}`)})
	}
}

// refusedThere takes what tellRefusal told in the tab that leads, and what
// tellDamage told in one that follows.
func (r *Replica) refusedThere(b []byte) {
	var client, details string
	var first, code int64
	damaged := false
	err := core.Read(b, core.Member{Name: "clientId", To: &client}, core.Member{Name: "first", To: &first}, core.Member{Name: "damaged", To: &damaged},
		core.Member{Name: "code", To: &code}, core.Member{Name: "errorDetails", To: &details})
	switch {
	case err != nil:
	case damaged && r.leads && r.known:
		r.store.rewrite()
	case !r.leads && client == r.cfg.ClientID:
		r.refuseNumber(first, &core.Error{Code: int(code), Details: details})
	}
}

func (r *Replica) refuseNumber(first int64, why error) {
	for _, w := range r.writes {
		if w.first == first {
			w.refusal = why
		}
	}
}
