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

type text struct {
	json []byte
	name int64 // by which the shell keeps it too; 0: it does not
}

// text returns the text of an entry's RecentSession.
func (r *Replica) text(e *entry) *text {
	if e.text != nil {
		return e.text
	}
	row := e.row()
	return r.keepText(e, core.AppendSession(make([]byte, 0, sessionRoom(row)), row, true))
}

func (r *Replica) keepText(e *entry, json []byte) *text {
	if e.text == nil {
		r.spareTexts(1)
		e.text = &text{json: json}
		r.texts.kept = append(r.texts.kept, e)
	}
	return e.text
}

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

// give appends a comma and the entry's text, by a new name, to what the shell is
// given. A text that is made for that is kept where it stands.
func (r *Replica) give(given []byte, e *entry) []byte {
	given = append(given, ',')
	at := len(given)
	if e.text != nil {
		given = append(given, e.text.json...)
	} else {
		given = core.AppendSession(given, e.row(), true)
		r.keepText(e, given[at:len(given):len(given)])
	}
	r.texts.named++
	e.text.name = r.texts.named
	return given
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
	given := make([]byte, 0, roomToGive(page))
	dst = core.AppendSessions(dst, len(page), hasMore, nextMax, func(dst []byte, i int) []byte {
		l := &page[i]
		if l.row != nil {
			return core.AppendSession(dst, l.row, true)
		}
		if !l.e.isGiven() {
			given = r.give(given, l.e)
		}
		return core.AppendNum(dst, "", l.e.text.name)
	})
	if len(given) > 0 {
		given[0] = '['
		r.do(Effect{Kind: FxTexts, ID: first, Data: append(given, ']')})
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
			return core.AppendRaw(dst, "", r.text(l.e).json)
		}
	})
}

// sessionRoom returns about how many bytes a row's RecentSession takes: a message
// stands in it as escaped text and, in part, once more.
func sessionRoom(row *core.Row) int {
	return 2*(len(row.Msg)+len(row.Ext)) + len(row.Revoke) + 512
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
