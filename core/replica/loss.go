package replica

import "recents/core"

// A browser may refuse its storage at any moment, and give it back at any other.
// Without it the replica goes on in memory, says so, and tries again every 30 s:
// then the list is written whole, and what waits to be sent is stored.

// retryStorage is how long lost storage is left alone, ms: a browser whose disk
// is full or broken gets no loop.
const retryStorage = 30_000

const whyMemory = "the browser's storage failed; going on in memory"

// numbers are those that storage gave out, as far as this tab knew when it lost
// storage.
type numbers struct {
	client string
	known  int64
}

// loseStorage goes on in memory: what could not be stored is sent all the same.
func (r *Replica) loseStorage(why string) {
	s, b := &r.store, &r.box
	if s.on {
		s.left = numbers{r.cfg.ClientID, b.known}
	}
	s.on, s.trial = false, false
	s.dirty, s.sent = changed{}, changed{}
	s.writing, s.rewriting, s.reading, s.asking, s.askNext, s.waiting = nil, nil, nil, false, false, false
	b.apart = true
	b.renumbering, b.waits = false, false // one that is being saved may be stored all the same: its answer tells
	if !r.leads {
		r.lead() // nothing is heard of the other tabs any more
	}
	r.fail(why)
	if r.phase == closing { // nobody is left to keep them in memory
		if !b.saving {
			r.settleClosed()
		}
		return
	}
	r.startTimer(timerStore, retryStorage)
}

// settleClosed answers what waits for a storage that is gone, at the end.
func (r *Replica) settleClosed() {
	r.box.unsaved = nil
	for at := len(r.calls) - 1; at >= 0; at-- {
		r.settleCode(r.calls[at].id, core.CodeOffline, "the client is closed")
	}
}

// goApart takes a client id of this tab's own. Storage, should it work again, or
// another tab gives out the numbers of the old one a second time, and the server
// takes no number twice. What storage has numbered is sent first.
func (r *Replica) goApart() bool {
	if len(r.writes) > 0 {
		return false
	}
	b := &r.box
	b.apart = false
	b.restart()
	r.landed = 0
	r.follow(r.newClientID())
	return true
}

// sentApart reports whether the server may know of a write under a number that
// was given out in memory. Stored, it would get another, and be applied twice.
func (r *Replica) sentApart() bool {
	if r.box.apart {
		return false // the numbers are still storage's
	}
	for _, w := range r.writes {
		if w.tries > 0 {
			return true
		}
	}
	return false
}

// tryStorage has storage opened anew and read.
func (r *Replica) tryStorage() {
	if r.store.on {
		return
	}
	if r.sentApart() {
		r.startTimer(timerStore, retryStorage)
		return
	}
	r.store.asking = true
	r.do(Effect{Kind: FxReread, Code: 1})
}

// reopened goes on once storage that was lost could be read, or could not. It is
// back when it has taken the whole list: one that is full can be read as well.
func (r *Replica) reopened(g *reading, ok bool) {
	s := &r.store
	if !ok || r.sentApart() {
		r.startTimer(timerStore, retryStorage)
		return
	}
	s.meta, s.regained = g.meta, g.outbox
	if m := g.meta; !r.known || m != nil && m.Epoch == r.cursor.Epoch && m.Cursor > r.cursor.Seq {
		r.adopt(g)
		r.unchecked = r.unchecked || r.known
	}
	if !r.known { // there is no list to write yet
		r.regain()
		return
	}
	s.trial = true
	s.rewrite()
	r.flush()
}

// tried goes on after the write that was to show whether storage works.
func (r *Replica) tried(ev Event, wrote *Meta) {
	s := &r.store
	s.trial = false
	switch ev.Code {
	case storedDone:
		s.meta, s.misses, s.back = wrote, 0, false
		if r.cursor != (core.Cursor{Epoch: wrote.Epoch, Seq: wrote.Cursor}) {
			s.rewrite() // rows came meanwhile, and nobody kept them
		}
	case storedByOther: // which works as well
		s.meta = parseMeta(ev.Data)
		s.rewrite()
	default:
		if ev.Code == storedFull {
			r.trim() // there may be room for less the next time
		}
		r.startTimer(timerStore, retryStorage)
		r.saveWrites()
		r.sendWrites()
		return
	}
	r.regain()
}

// regain goes on with storage. The numbers are storage's again: those that were
// given out in memory were never sent, so what they stood for is stored like new.
func (r *Replica) regain() {
	s, b := &r.store, &r.box
	outbox := s.regained
	s.regained = nil
	if r.phase != running {
		return
	}
	s.on = true
	if !b.apart {
		r.letGo()
		for _, w := range r.writes {
			w.first = 0
		}
		b.unsaved = append(r.writes, b.unsaved...)
		r.writes = nil
		// What storage had numbered until then was sent, or is among these.
		b.known, b.done, b.forgot, r.landed = s.left.known, s.left.known, 0, s.left.known
		r.follow(s.left.client)
	}
	b.apart = false
	if outbox != nil {
		r.takeOutbox(outbox)
	}
	if r.lastError == whyMemory {
		r.lastError = ""
	}
	r.saveWrites()
	r.sendWrites()
}

// trim has storage keep half of the sessions that it keeps, the newest. It
// reports false when that would be less than a page. A session that is not
// stored is asked of the server, as one below the cache is; one without its
// message would be listed as the server never said it (I8).
func (r *Replica) trim() bool {
	s := &r.store
	kept := r.base.len()
	if s.room > 0 {
		kept = min(kept, s.room)
	}
	if kept <= core.MaxPage {
		return false
	}
	s.room = max(kept/2, core.MaxPage)
	s.rewrite()
	return true
}
