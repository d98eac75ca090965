package replica

import "recents/core"

// line is one session of a page: an entry of the set as it is, or what waiting
// writes make of one.
type line struct {
	e   *entry
	row *core.Row // nil: e's own
}

func (l *line) time() int64 {
	if l.row != nil {
		return l.row.UpdateTime
	}
	return l.e.time
}

// keptTexts bounds texts: a few screens of a list, at about 1.5 KB each, and as
// much again in the shell.
const keptTexts = 512

// texts keeps the RecentSessions of the entries that were listed or told of
// last, as JSON: an app that lists again after each event, and the stored head,
// mostly show what was shown before. An entry never changes, so its text holds.
type texts struct {
	kept  []*entry // those that have one
	named int64    // the newest name
}

// text is a RecentSession's, without the last message's own, which the entry's row
// has (core.AppendSessionApart).
type text struct {
	json []byte
	hole int
	last []byte // the last message's text; nil: there is none
	name int64  // by which the shell keeps it too; 0: it does not
}

// text returns the text of an entry's RecentSession.
func (r *Replica) text(e *entry) *text {
	if e.text == nil {
		row := e.row()
		json, hole := core.AppendSessionApart(make([]byte, 0, sessionRoom(row)), row)
		r.keepText(e, row, json, hole)
	}
	return e.text
}

// keepText keeps what AppendSessionApart made of an entry's row.
func (r *Replica) keepText(e *entry, row *core.Row, json []byte, hole int) {
	r.spareTexts(1)
	e.text = &text{json: json, hole: hole}
	if hole > 0 {
		e.text.last = e.own(row.Msg)
	}
	r.texts.kept = append(r.texts.kept, e)
}

// own returns the last message in the entry's own bytes: those of the row may be a
// whole frame, which would be kept with it.
func (e *entry) own(msg []byte) []byte {
	if at := len(e.raw) - 1 - len(msg); at >= 0 && string(e.raw[at:len(e.raw)-1]) == string(msg) {
		return e.raw[at : len(e.raw)-1]
	}
	return msg
}

func (t *text) append(dst []byte) []byte { return core.AppendWhole(dst, t.json, t.hole, t.last) }

// spareTexts lets go of the texts unless n more are within the bound.
func (r *Replica) spareTexts(n int) {
	if len(r.texts.kept)+n <= keptTexts {
		return
	}
	for _, e := range r.texts.kept {
		e.text = nil
	}
	clear(r.texts.kept)
	r.texts.kept = r.texts.kept[:0]
	if r.texts.named > 0 {
		r.do(Effect{Kind: FxForget})
	}
}

// isGiven reports whether the shell keeps the entry's text too.
func (e *entry) isGiven() bool { return e.text != nil && e.text.name > 0 }

// given is an array of sessions on its way to the shell: the data of FxUpdates and
// FxTexts.
type given struct {
	json []byte
	last [][]byte // the texts of those that have a hole, in order
}

// add appends the text of an entry that has one.
func (g *given) add(t *text) {
	g.separate()
	g.json = append(g.json, t.json...)
	g.leave(t)
}

// separate begins the array, or its next element.
func (g *given) separate() {
	c := byte(',')
	if len(g.json) == 0 {
		c = '['
	}
	g.json = append(g.json, c)
}

func (g *given) leave(t *text) {
	if t.hole > 0 {
		g.last = append(g.last, t.last)
	}
}

// addNew makes the text of an entry that has none, which is kept where it stands.
func (r *Replica) addNew(g *given, e *entry, row *core.Row) {
	g.separate()
	at := len(g.json)
	var hole int
	if g.json, hole = core.AppendSessionApart(g.json, row); hole > 0 {
		hole -= at
	}
	r.keepText(e, row, g.json[at:len(g.json):len(g.json)], hole)
	g.leave(e.text)
}

// effect ends the array, and lays the texts that it lacks behind it: no JSON holds
// what separates them.
func (g *given) effect(kind EffectKind, id int64) Effect {
	data := append(g.json, ']')
	for _, text := range g.last {
		data = append(append(data, FrameSeparator), text...)
	}
	return Effect{Kind: kind, ID: id, Data: data}
}

// give gives the shell the entry's text, by a new name.
func (r *Replica) give(g *given, e *entry) {
	if e.text != nil {
		g.add(e.text)
	} else {
		r.addNew(g, e, e.row())
	}
	r.texts.named++
	e.text.name = r.texts.named
}

// roomToGive returns about how many bytes the texts of the page take that the
// shell does not keep.
func roomToGive(page []line) (n int) {
	for i := range page {
		if l := &page[i]; l.row == nil && !l.e.isGiven() {
			n += entryRoom(l.e)
		}
	}
	return n
}

// appendNames is appendPage with names, numbers, for the texts that are kept: what
// a list shows again is neither copied nor decoded again, and that was most of a
// list's time. The shell is given those that it lacks in one, which is decoded
// sooner than a hundred short ones.
func (r *Replica) appendNames(dst []byte, page []line, hasMore bool, nextMax int64) []byte {
	r.spareTexts(len(page)) // or one of this page's could go before the page is read
	first := r.texts.named + 1
	g := given{json: make([]byte, 0, roomToGive(page)), last: make([][]byte, 0, len(page))}
	dst = core.AppendSessions(dst, len(page), hasMore, nextMax, func(dst []byte, i int) []byte {
		l := &page[i]
		if l.row != nil {
			return core.AppendSession(dst, l.row, true)
		}
		if !l.e.isGiven() {
			r.give(&g, l.e)
		}
		return core.AppendNum(dst, "", l.e.text.name)
	})
	if len(g.json) > 0 {
		r.do(g.effect(FxTexts, first))
	}
	return dst
}

// appendPage appends the page as a RecentSessionList.
func (r *Replica) appendPage(dst []byte, page []line, hasMore, needLastMsg bool, nextMax int64) []byte {
	r.spareTexts(len(page))
	return core.AppendSessions(dst, len(page), hasMore, nextMax, func(dst []byte, i int) []byte {
		switch l := &page[i]; {
		case l.row != nil:
			return core.AppendSession(dst, l.row, needLastMsg)
		case !needLastMsg:
			return core.AppendSession(dst, l.e.row(), false)
		default:
			return r.text(l.e).append(dst)
		}
	})
}

// sessionRoom returns about how many bytes a row's RecentSession takes: a message
// stands in it, or behind it, as text and, in part, once more.
func sessionRoom(row *core.Row) int {
	return len(row.Msg) + len(row.Msg)/2 + 2*len(row.Ext) + len(row.Revoke) + 512
}

// nameRoom is about how many bytes a name takes.
const nameRoom = 8

// entryRoom is sessionRoom of an entry, whose row is not decoded for it.
func entryRoom(e *entry) int { return 2*len(e.raw) + 512 }

// roomFor returns about how many bytes a page takes.
func roomFor(page []line) int {
	n := 64
	for i := range page {
		if l := &page[i]; l.row == nil {
			n += entryRoom(l.e)
		} else {
			n += sessionRoom(l.row)
		}
	}
	return n
}

// next returns where the page after this one begins, 0 when there is none.
func next(page []line, hasMore bool) int64 {
	if !hasMore || len(page) == 0 {
		return 0
	}
	return core.NextBelow(page[len(page)-1].time())
}
