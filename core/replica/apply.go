package replica

import "recents/core"

// tellCost is what it costs to apply a row and to tell of it, in rows of that
// size written.
const tellCost = 6

// tellSlice is how many bytes of changes one event may take.
func (r *Replica) tellSlice() int { return max(1, r.cfg.slice()/tellCost) }

// deltaSlice applies the live frames that came, as much of them as is left of
// what one event may take, and returns what is left then: a part of a frame ends
// at its last row, as a page of changes does. What waits counts as not come yet.
func (r *Replica) deltaSlice(left int) int {
	l := &r.link
	if !r.leads {
		l.backlog, l.torn = nil, false // the new leader has them from its own socket
	}
	for len(l.backlog) > 0 {
		if left <= 0 {
			r.pause()
			return 0
		}
		part := l.backlog[0]
		n, size := rowsWithin(part.Rows, left)
		left -= size
		whole := n == len(part.Rows)
		if !whole {
			part.Rows = part.Rows[:n]
			part.To = part.Rows[n-1].Seq
		}
		torn := l.torn
		l.torn = !whole
		if fits := r.delta(&part, whole); whole || !fits {
			l.torn = false
			l.backlog = l.backlog[1:]
			if torn && !fits { // a pull brought the rest
				r.landWrites()
			}
			continue
		}
		rest := &l.backlog[0]
		rest.From, rest.Rows = part.To, rest.Rows[n:]
	}
	l.backlog = nil
	return left
}

// rowsWithin returns how many rows are about so many bytes, at least one, and
// their size.
func rowsWithin(rows []core.Row, bytes int) (n, size int) {
	for n < len(rows) && size < bytes {
		size += rows[n].Room()
		n++
	}
	return n, size
}

// delta applies a live frame, or a part of one, if and only if it continues the
// cursor. What is older was applied; what leaves a gap is pulled. Applying "if
// not older" looks the same and loses rows (R1). It reports whether what follows
// the part is of use.
func (r *Replica) delta(f *core.Frame, whole bool) bool {
	l := &r.link
	switch {
	case r.boot == nil && f.Epoch == r.cursor.Epoch && f.From == r.cursor.Seq:
		l.head = max(l.head, f.To)
		r.apply(f.Rows, f.To, f.LastMid, whole)
		if r.cursor.Seq >= l.head {
			r.asOf = r.now
			if l.owed {
				r.pullLater()
			}
		}
		return true
	case r.boot == nil && f.Epoch == r.cursor.Epoch && f.To <= r.cursor.Seq:
		return true
	}
	l.head = max(l.head, f.Head)
	if r.boot == nil { // its end compares head and pulls
		r.pull()
	}
	return false
}

// apply moves the base from the cursor to a later one. lastMid is the newest
// mutation of this client that the rows contain, or, unless they are whole, that
// the pages after them do: then no write lands yet (R4).
func (r *Replica) apply(rows []core.Row, to, lastMid int64, whole bool) {
	for i := range rows {
		r.applyRow(&rows[i], lastMid)
	}
	r.cursor.Seq = to
	r.evict()
	if whole {
		r.landed = max(r.landed, lastMid)
	}
	r.landWrites()
}

func (r *Replica) applyRow(row *core.Row, lastMid int64) {
	e := newEntry(row)
	old := r.base.rows[e.key]
	if old != nil && old.seq >= row.Seq {
		return // R2
	}
	own := r.isOwn(row, old, lastMid)
	if row.Deleted {
		// Storage may hold a row that this tab never saw: another one wrote it.
		r.store.changed(e)
		if old != nil {
			r.base.remove(e.key)
		}
		if old != nil || row.UpdateTime < r.lowest && row.Seq > r.cursor.Seq { // below it may be listed, by the server
			r.note(row, own)
		}
		return
	}
	r.note(row, own)
	r.store.changed(e)
	if old == nil && row.UpdateTime < r.lowest {
		return // below what this cache reaches down to; stored, since it is an event in every tab
	}
	r.base.put(e)
}

// newEntry returns a row's entry, with a text of its own.
func newEntry(row *core.Row) *entry {
	return entryOf(row, core.AppendRow(make([]byte, 0, row.Room()), row))
}

// entryOf returns the entry of a row whose text AppendRow wrote. Its key mostly
// stands in that.
func entryOf(row *core.Row, raw []byte) *entry {
	key := core.KeyIn(raw)
	if key == "" {
		key = row.Key.String()
	}
	return &entry{key: key, seq: row.Seq, time: row.UpdateTime, raw: raw}
}

// evict keeps the newest MaxCached sessions. What is let go is below lowest
// from then on, so that no list ends falsely there.
func (r *Replica) evict() {
	for int64(r.base.len()) > r.cfg.MaxCached {
		e := r.base.remove(r.base.oldest().key)
		r.lowest = max(r.lowest, e.time+1)
	}
}

// changes gathers the events of one Handle: of each key the final state, once
// (I7).
type changes struct {
	rows []*core.Row      // tombstones tell of deletes
	last map[core.Key]int // index in rows of a key's newest, once they are many
}

// fewChanges are looked through: a frame mostly holds one.
const fewChanges = 8

func (c *changes) add(row *core.Row) {
	c.rows = append(c.rows, row)
	if len(c.rows) <= fewChanges {
		return
	}
	if c.last == nil {
		c.last = make(map[core.Key]int, 4*fewChanges)
		for i := range c.rows {
			c.last[c.rows[i].Key] = i
		}
	}
	c.last[row.Key] = len(c.rows) - 1
}

// newest returns where the key's newest state is, -1 when it did not change.
func (c *changes) newest(k core.Key) int {
	if c.last != nil {
		if i, held := c.last[k]; held {
			return i
		}
		return -1
	}
	for i := len(c.rows) - 1; i >= 0; i-- {
		if c.rows[i].Key == k {
			return i
		}
	}
	return -1
}

// note adds a change. One that this client made itself is known to the app, and
// told only when it is asked for, or when something else of the key is to be
// told anyway: then with the newest state.
func (r *Replica) note(row *core.Row, own bool) {
	waiting := r.changes.newest(row.Key) >= 0
	if !own || waiting || r.cfg.EchoOwn && !row.Deleted {
		r.changes.add(row)
	}
}

func (r *Replica) tellChanges() {
	c := r.changes
	if len(c.rows) == 0 {
		return
	}
	r.changes = changes{}
	var deletes []byte
	updates := given{json: make([]byte, 0, c.room()), last: make([][]byte, 0, len(c.rows))}
	o := r.overlay() // what is told is what is listed
	for i, row := range c.rows {
		waiting := o.at(row)
		r.mask(row.Key, waiting != nil && !waiting.removed)
		switch {
		case c.newest(row.Key) != i:
		case waiting != nil && !waiting.removed: // it is listed, deleted or not
			updates.separate()
			updates.json = core.AppendSession(updates.json, &waiting.row, true)
		case row.Deleted:
			deletes = appendKey(appendComma(deletes), row.Key)
			r.takeBack(row.Key)
		case waiting == nil:
			r.addTold(&updates, row)
		}
	}
	if deletes != nil {
		r.do(Effect{Kind: FxDeletes, Data: append(deletes, ']')})
	}
	if len(updates.json) > 0 {
		r.do(updates.effect(FxUpdates, 0))
	}
}

// mask remembers that an event shows the waiting writes of a session in its
// row's place, and of one that was refused that it does not any more.
func (r *Replica) mask(k core.Key, shown bool) {
	r.eachWaiting(func(w *write) {
		for i := range w.muts {
			switch {
			case w.muts[i].Key != k:
			case w.refusal == nil:
				w.masks, w.shown, w.gone = true, w.shown || shown, w.gone && !shown
			case len(w.muts) == 1:
				w.masks = false
			}
		}
	})
}

// takeBack remembers of the exts of a session that is told as deleted that the app
// believes them no more: another tab's delete stands after them. Should that be
// refused, their row is news.
func (r *Replica) takeBack(k core.Key) {
	r.eachWaiting(func(w *write) { w.gone = w.gone || w.muts[0].Op == core.OpExt && w.muts[0].Key == k })
}

// room returns about how many bytes all that is told takes.
func (c *changes) room() int {
	room := 2
	for _, row := range c.rows {
		room += sessionRoom(row)
	}
	return room
}

// addTold adds the session of a row that is told, whose text will mostly be asked
// for again: it is kept where it stands, among what changed with it.
func (r *Replica) addTold(g *given, row *core.Row) {
	e := r.base.rows[row.Key.String()]
	switch {
	case !r.cfg.Texts || e == nil || e.seq != row.Seq:
		g.separate()
		g.json = core.AppendSession(g.json, row, true)
	case e.text != nil:
		g.add(e.text)
	default:
		r.addNew(g, e, row)
	}
}

// appendComma begins an array, or its next element.
func appendComma(dst []byte) []byte {
	if dst == nil {
		return []byte{'['}
	}
	return append(dst, ',')
}

func appendKey(dst []byte, k core.Key) []byte {
	dst = core.AppendStr(dst, `{"sessionId":`, k.ID)
	return append(core.AppendStr(dst, `,"sessionType":`, k.Type.String()), '}')
}
