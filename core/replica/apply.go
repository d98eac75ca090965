package replica

import "recents/core"

// delta applies a live frame if and only if it continues the cursor. What is
// older was applied; what leaves a gap is pulled. Applying "if not older" looks
// the same and loses rows (R1).
func (r *Replica) delta(f *core.Frame) {
	r.link.head = max(r.link.head, f.To)
	switch {
	case r.boot != nil:
		// The end of the bootstrap compares head and pulls.
	case f.Epoch == r.cursor.Epoch && f.From == r.cursor.Seq:
		r.apply(f.Rows, f.To, f.LastMid, true)
		if r.cursor.Seq >= r.link.head {
			r.asOf = r.now
			if r.link.owed {
				r.pullLater()
			}
		}
	case f.Epoch == r.cursor.Epoch && f.To <= r.cursor.Seq:
	default:
		r.pull()
	}
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
	key := row.Key.String()
	old := r.base.rows[key]
	if old != nil && old.seq >= row.Seq {
		return // R2
	}
	own := r.isOwn(row, old, lastMid)
	if row.Deleted {
		// Storage may hold a row that this tab never saw: another one wrote it.
		r.store.changed(newEntry(row))
		if old != nil {
			r.base.remove(key)
			r.note(row, own)
		}
		return
	}
	r.note(row, own)
	e := newEntry(row)
	r.store.changed(e)
	if old == nil && row.UpdateTime < r.lowest {
		return // below what this cache reaches down to; stored, since it is an event in every tab
	}
	r.base.put(e)
}

func newEntry(row *core.Row) *entry {
	return &entry{key: row.Key.String(), seq: row.Seq, time: row.UpdateTime, raw: core.AppendRow(nil, row)}
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
	rows []core.Row     // tombstones tell of deletes
	last map[string]int // index in rows of a key's newest
}

func (c *changes) add(row *core.Row) {
	if c.last == nil {
		c.last = map[string]int{}
	}
	c.last[row.Key.String()] = len(c.rows)
	c.rows = append(c.rows, *row)
}

// note adds a change. One that this client made itself is known to the app, and
// told only when it is asked for, or when something else of the key is to be
// told anyway: then with the newest state.
func (r *Replica) note(row *core.Row, own bool) {
	_, waiting := r.changes.last[row.Key.String()]
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
	var updates, deletes []byte
	o := r.overlay() // what is told is what is listed
	for i := range c.rows {
		row := &c.rows[i]
		waiting := o.at(row)
		r.mask(row.Key, waiting != nil && !waiting.removed)
		switch {
		case c.last[row.Key.String()] != i:
		case waiting != nil && !waiting.removed: // it is listed, deleted or not
			updates = core.AppendSession(appendComma(updates), &waiting.row, true)
		case row.Deleted:
			deletes = appendKey(appendComma(deletes), row.Key)
		case waiting == nil:
			updates = r.appendTold(appendComma(updates), row)
		}
	}
	if deletes != nil {
		r.do(Effect{Kind: FxDeletes, Data: append(deletes, ']')})
	}
	if updates != nil {
		r.do(Effect{Kind: FxUpdates, Data: append(updates, ']')})
	}
}

// mask remembers that an event shows the waiting writes of a session in its
// row's place, and of one that was refused that it does not any more.
func (r *Replica) mask(k core.Key, shown bool) {
	for _, list := range [][]*write{r.writes, r.box.unsaved} {
		for _, w := range list {
			for i := range w.muts {
				switch {
				case w.muts[i].Key != k:
				case w.refusal == nil:
					w.masks, w.shown = true, w.shown || shown
				case len(w.muts) == 1:
					w.masks = false
				}
			}
		}
	}
}

// appendTold appends the session of a row that is told, whose text will mostly be
// asked for again.
func (r *Replica) appendTold(dst []byte, row *core.Row) []byte {
	if e := r.base.rows[row.Key.String()]; e != nil && e.seq == row.Seq {
		return r.texts.appendEntry(dst, e, row)
	}
	return core.AppendSession(dst, row, true)
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
