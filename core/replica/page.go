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

// appendEntry appends the entry's RecentSession.
func (t *texts) appendEntry(dst []byte, e *entry) []byte {
	if text, kept := (*t)[e]; kept {
		return core.AppendRaw(dst, "", text)
	}
	at := len(dst)
	dst = core.AppendSession(dst, e.row(), true)
	t.keep(e, core.AppendRaw(nil, "", dst[at:])) // a copy: dst is a whole page, and would stay for one of its sessions
	return dst
}

func (t *texts) keep(e *entry, text []byte) {
	if *t == nil || len(*t) == keptTexts {
		*t = make(texts, keptTexts)
	}
	(*t)[e] = text
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
			return r.texts.appendEntry(dst, l.e)
		}
	})
}

// sessionRoom returns about how many bytes a row's RecentSession takes: a message
// stands in it as escaped text and, in part, once more.
func sessionRoom(row *core.Row) int {
	return 2*(len(row.Msg)+len(row.Ext)) + len(row.Revoke) + 512
}

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
