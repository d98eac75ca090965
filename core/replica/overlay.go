package replica

import "recents/core"

// overlay is what the waiting writes do to the list: the list is the base with
// them applied, in their order (I8).
type overlay struct {
	rows map[string]*shown // by key; a key that is not here is as in the base
	made []*shown          // sessions that are not in the base, newest first
}

// shown is a session that a waiting write touches.
type shown struct {
	row     core.Row
	removed bool
	based   bool // it is in the base
}

// overlay returns nil when nothing waits.
func (r *Replica) overlay() *overlay {
	if r.waiting() == 0 {
		return nil
	}
	o := &overlay{rows: map[string]*shown{}}
	rows, _ := r.visible()
	r.eachWaiting(func(w *write) { o.apply(w, rows) })
	r.eachWaiting(o.gather)
	return o
}

func (o *overlay) apply(w *write, rows *set) {
	if w.refusal != nil {
		return // the base is right, or will be
	}
	for i := range w.muts {
		if m := &w.muts[i]; m.Op != core.OpLost {
			o.touch(m.Key, rows).mutate(m, w.madeAt)
		}
	}
}

// touch returns the session of a key as the writes so far leave it.
func (o *overlay) touch(k core.Key, rows *set) *shown {
	key := k.String()
	s := o.rows[key]
	if s == nil {
		s = &shown{row: core.Row{Key: k}, removed: true}
		if rows != nil && rows.rows[key] != nil {
			s.row, s.removed, s.based = *rows.rows[key].row(), false, true
		}
		o.rows[key] = s
	}
	return s
}

func (s *shown) mutate(m *core.Mutation, at int64) {
	if m.Op == core.OpDelete {
		s.removed = s.removed || !m.HasSeen || s.row.UpdateTime <= m.Seen
		return
	}
	if s.removed {
		s.row = core.Row{Key: s.row.Key, UpdateTime: at}
		s.removed, s.based = false, false
	}
	s.row.Ext, s.row.HasExt = m.Ext, true
}

// gather puts the sessions that a write made into made, in order.
func (o *overlay) gather(w *write) {
	for i := range w.muts {
		s := o.rows[w.muts[i].Key.String()]
		if s == nil || s.removed || s.based {
			continue
		}
		s.based = true // gathered
		at := 0
		for at < len(o.made) && o.made[at].row.UpdateTime > s.row.UpdateTime {
			at++
		}
		o.made = insert(o.made, at, s)
	}
}

// at returns what the waiting writes make of a row; nil when they leave it.
func (o *overlay) at(row *core.Row) *shown {
	if o == nil {
		return nil
	}
	return o.rows[row.Key.String()]
}

// removes reports whether the entry is gone from the list.
func (o *overlay) removes(e *entry) bool {
	return o != nil && o.rows[e.key] != nil && (o.rows[e.key].removed || o.isMade(o.rows[e.key]))
}

func (o *overlay) isMade(s *shown) bool {
	for _, m := range o.made {
		if m == s {
			return true
		}
	}
	return false
}

// page is set.page with the waiting writes applied. touched tells that one of
// them shows.
func (o *overlay) page(rows *set, min, max int64, limit int) (page []line, more, touched bool) {
	if o == nil {
		page, more = rows.page(min, max, limit)
		return page, more, false
	}
	made := o.made
	for len(made) > 0 && max != 0 && made[0].row.UpdateTime > max {
		made = made[1:]
	}
	add := func(l line) bool {
		if more = len(page) == limit; !more {
			page = append(page, l)
		}
		return !more
	}
	takeMade := func(above int64) bool {
		for len(made) > 0 && made[0].row.UpdateTime >= above && made[0].row.UpdateTime >= min {
			touched = true
			if !add(line{row: &made[0].row}) {
				return false
			}
			made = made[1:]
		}
		return true
	}
	whole := true
	rows.each(max, func(e *entry) bool {
		if e.time < min {
			return false
		}
		if whole = takeMade(e.time); !whole {
			return false
		}
		s := o.rows[e.key]
		switch {
		case s == nil:
			whole = add(line{e: e})
		case s.removed || o.isMade(s):
			touched = true
		default:
			touched = true
			whole = add(line{row: &s.row})
		}
		return whole
	})
	if whole {
		takeMade(0)
	}
	return page, more, touched
}
