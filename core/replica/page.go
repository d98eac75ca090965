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

// keptTexts bounds texts: a few screens of a list, at about 1.5 KB each.
const keptTexts = 512

// texts keeps the RecentSessions of the entries that were listed or told of
// last, as JSON: an app that lists again after each event, and the stored head,
// mostly show what was shown before. An entry never changes, so its text holds.
type texts map[*entry][]byte

// appendEntry appends the entry's RecentSession. row is the entry's, nil when it
// is not decoded yet.
func (t *texts) appendEntry(dst []byte, e *entry, row *core.Row) []byte {
	if text, kept := (*t)[e]; kept {
		return core.AppendRaw(dst, "", text)
	}
	if row == nil {
		row = e.row()
	}
	at := len(dst)
	dst = core.AppendSession(dst, row, true)
	if *t == nil || len(*t) == keptTexts {
		*t = make(texts, keptTexts)
	}
	(*t)[e] = core.AppendRaw(nil, "", dst[at:])
	return dst
}

// appendPage appends the page as a RecentSessionList.
func (r *Replica) appendPage(dst []byte, page []line, hasMore, needLastMsg bool, nextMax int64) []byte {
	return core.AppendSessions(dst, len(page), hasMore, nextMax, func(dst []byte, i int) []byte {
		switch l := &page[i]; {
		case l.row != nil:
			return core.AppendSession(dst, l.row, needLastMsg)
		case !needLastMsg:
			return core.AppendSession(dst, l.e.row(), false)
		default:
			return r.texts.appendEntry(dst, l.e, nil)
		}
	})
}

// roomFor returns about how many bytes a page takes: a message stands in it as
// escaped text and, in part, once more.
func roomFor(page []line) int {
	n := 64
	for i := range page {
		if l := &page[i]; l.row == nil {
			n += 2*len(l.e.raw) + 512
		} else {
			n += 2*(len(l.row.Msg)+len(l.row.Ext)) + len(l.row.Revoke) + 512
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
