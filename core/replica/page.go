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
	given []*text  // named since the shell was last given any
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

// name returns the name of the entry's text, which the shell is given when it
// does not keep it: what a list shows again is neither copied nor decoded again,
// and that was most of a list's time.
func (r *Replica) name(e *entry) int64 {
	t := r.text(e)
	if t.name == 0 {
		r.texts.named++
		t.name = r.texts.named
		r.texts.given = append(r.texts.given, t)
	}
	return t.name
}

// giveTexts gives the shell the texts that were named since it last did, in one:
// that is decoded sooner than a hundred short ones.
func (r *Replica) giveTexts() {
	given := r.texts.given
	if len(given) == 0 {
		return
	}
	r.texts.given = nil
	room := 1
	for _, t := range given {
		room += 1 + len(t.json)
	}
	data := make([]byte, 0, room)
	for _, t := range given {
		data = append(append(data, ','), t.json...)
	}
	data[0] = '['
	r.do(Effect{Kind: FxTexts, ID: given[0].name, Data: append(data, ']')})
}

// appendPage appends the page as a RecentSessionList. named: the texts that are
// kept stand in it by their names, which are numbers.
func (r *Replica) appendPage(dst []byte, page []line, hasMore, needLastMsg, named bool, nextMax int64) []byte {
	r.spareTexts(len(page)) // or one of this page's could go before the page is read
	dst = core.AppendSessions(dst, len(page), hasMore, nextMax, func(dst []byte, i int) []byte {
		switch l := &page[i]; {
		case l.row != nil:
			return core.AppendSession(dst, l.row, needLastMsg)
		case !needLastMsg:
			return core.AppendSession(dst, l.e.row(), false)
		case named:
			return core.AppendNum(dst, "", r.name(l.e))
		default:
			return core.AppendRaw(dst, "", r.text(l.e).json)
		}
	})
	r.giveTexts()
	return dst
}

// sessionRoom returns about how many bytes a row's RecentSession takes: a message
// stands in it as escaped text and, in part, once more.
func sessionRoom(row *core.Row) int {
	return 2*(len(row.Msg)+len(row.Ext)) + len(row.Revoke) + 512
}

// nameRoom is about how many bytes a name takes.
const nameRoom = 8

// roomFor returns about how many bytes a page takes.
func roomFor(page []line) int {
	n := 64
	for i := range page {
		if l := &page[i]; l.row == nil {
			n += 2*len(l.e.raw) + 512
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
