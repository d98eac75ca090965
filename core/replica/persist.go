package replica

import "recents/core"

// storage is what the replica knows of the browser's: what is there, and what
// is to go there. Rows are written behind: the server has them all, so a loss
// costs a pull. The cursor is stored in the same transaction as the rows, so
// that the two always belong together.
type storage struct {
	on         bool
	meta       *Meta      // as stored, nil: nothing is
	dirty      changed    // since then
	back       bool       // the server's log went back: what is stored is of a time that never was
	full       bool       // rewrite everything
	waiting    bool       // a flush has its timer
	lazy       bool       // and that waits for an idle moment
	writing    *Meta      // the meta of the batch under way
	rewriting  *rewriting // that one, while its chunks are made; see rewrite.go
	sent       changed    // the rows of its journal record
	id         int64
	done       int64    // its Batch.Done
	headDue    bool     // the stored head shows less than the list: a write waits, or waits no more
	misses     int      // writes in a row that found another's meta
	chunked    int      // bytes in chunks
	logged     int      // bytes in the journal
	reading    *reading // on its way in
	asking     bool     // FxReread is under way
	askNext    bool     // something changed meanwhile
	askedAt    int64    // the outbox's answer that had been heard then
	doubted    bool     // the leader says that there is more than was read
	complaints int      // in a row, of what could not be read

	// See loss.go.
	left     numbers // of the outbox, when it was lost
	trial    bool    // the write under way is to show whether it works again
	regained []byte  // the outbox as it was read then
	room     int     // sessions that it keeps, the newest, after it was full; 0: all
}

// What EvStored and EvQueued say became of a write.
const (
	storedDone    = 0
	storedByOther = 1
	storedFull    = 3 // there was no room; nothing was written
)

// changed is a list of changed rows, each key's newest, tombstones included, in
// the order in which keys first changed.
type changed struct {
	rows []*entry
	at   map[string]int // index in rows by key
}

func (c *changed) keep(e *entry) {
	if i, held := c.at[e.key]; held {
		c.rows[i] = e
		return
	}
	if c.at == nil {
		c.at = map[string]int{}
	}
	c.at[e.key] = len(c.rows)
	c.rows = append(c.rows, e)
}

// after returns the rows with a higher seq, as texts.
func (c *changed) after(seq int64) [][]byte {
	list := make([][]byte, 0, len(c.rows))
	for _, e := range c.rows {
		if e.seq > seq {
			list = append(list, e.raw)
		}
	}
	return list
}

const (
	flushWait   = 100  // ms that changes gather before they are written
	rewriteWait = 2000 // ms of rest before the journal is folded into chunks
	maxJournal  = 64   // records before that
	mostJournal = 256  // records that are folded without a rest
	maxMisses   = 5
)

func (s *storage) name() string {
	if s.on {
		return "indexeddb"
	}
	return "memory"
}

// rewrite has the next flush write everything.
func (s *storage) rewrite() {
	s.full = true
	s.dirty = changed{}
}

// changed remembers a changed row for the next flush.
func (s *storage) changed(e *entry) {
	if s.on && !s.full {
		s.dirty.keep(e)
	}
}

// load takes the stored state, which is believed only as far as it proves
// itself (R6): a row that does not read, or a chunk that is not as written,
// means that all of it is read from the server again.
func (r *Replica) load(ev Event) {
	s := &r.store
	switch ev.Kind {
	case EvLoad:
		s.reading = newReading(ev)
	case EvChunk:
		if s.reading == nil {
			s.reading = &reading{rows: newSet(), spoiled: true}
		}
		s.reading.take(ev.Data)
	case EvQueued:
		r.takeOutbox(ev.Data) // one that does not read holds nothing that could be sent
	case EvLoaded:
		r.loaded(ev.Code == 0)
	case EvNetwork:
		r.link.online = ev.Code == 1
	}
}

func (r *Replica) loaded(ok bool) {
	s, g := &r.store, r.store.reading
	s.reading = nil
	switch {
	case !ok:
		r.loseStorage(whyMemory)
	case g == nil:
	case g.spoiled:
		s.meta, s.chunked = g.meta, g.bytes
		r.fail("what this browser had stored was damaged and is read again")
	default:
		r.adopt(g)
		r.unchecked = r.known
	}
	r.begin()
}

// scheduleFlush sees to it that what changed is written soon.
func (r *Replica) scheduleFlush() {
	s := &r.store
	if !r.leads || !s.on || s.writing != nil || !r.unsaved() {
		return
	}
	behind := r.behind()
	if s.waiting && !(s.lazy && behind) {
		return
	}
	s.waiting, s.lazy = true, !behind
	wait := int64(flushWait) // other tabs see the rows no sooner
	switch {
	case s.lazy:
		wait = rewriteWait
	case s.full:
		wait = 0 // a whole list that is new: nothing gathers that would not come later as well
	}
	r.startTimer(timerFlush, wait)
}

// unsaved reports whether storage is behind, or due to be folded.
func (r *Replica) unsaved() bool {
	s := &r.store
	if !r.known || !s.back && s.meta != nil && s.meta.Epoch == r.cursor.Epoch && s.meta.Cursor > r.cursor.Seq {
		return false // another tab stored more than this one knows
	}
	return r.behind() || s.overgrown()
}

// behind reports whether storage lacks anything.
func (r *Replica) behind() bool {
	s := &r.store
	return s.full || s.headDue || len(s.dirty.rows) > 0 || r.box.done > r.box.forgot || s.meta == nil || s.meta.Epoch != r.cursor.Epoch ||
		s.meta.Cursor != r.cursor.Seq
}

// overgrown reports whether the journal is long enough to be folded into chunks.
func (s *storage) overgrown() bool {
	return s.meta != nil && (s.meta.Journal >= maxJournal || s.logged > s.chunked/2+256<<10)
}

// maxGeneration bounds the first generation, which is random: storage may be
// lost while other tabs know a generation of before, and take one of the same
// number for its continuation.
const maxGeneration = 1 << 40

// flush writes what storage lacks, in one batch.
func (r *Replica) flush() {
	s := &r.store
	s.waiting = false
	if !r.leads || !s.on && !s.trial || s.writing != nil || !r.unsaved() {
		return
	}
	b := Batch{Expect: s.meta, Meta: Meta{Epoch: r.cursor.Epoch, Cursor: r.cursor.Seq,
		Lowest: r.lowest, AsOf: r.asOf, ClientID: r.cfg.ClientID}}
	if s.meta != nil {
		b.Meta.Generation = s.meta.Generation
	} else {
		b.Meta.Generation = 1 + r.roll(maxGeneration)
	}
	if s.full || s.meta == nil || s.meta.Epoch != r.cursor.Epoch || s.overgrown() && (s.lazy || s.meta.Journal >= mostJournal) {
		s.rewriting = r.fillWhole(&b)
	} else {
		r.fillJournal(&b)
	}
	b.Head = r.head()
	s.headDue = false
	b.Done = r.box.done
	// A copy: a pointer into the batch would keep its blobs, and by Expect those of
	// every batch before it.
	wrote := b.Meta
	s.writing, s.done = &wrote, b.Done
	s.id++
	if s.rewriting != nil {
		s.rewriting.batch = b
		r.rewriteSlice()
		return
	}
	r.do(Effect{Kind: FxStore, ID: s.id, Data: b.encode()})
}

// fillJournal writes the changed rows. Storage that reaches less far down than
// this tab's list keeps saying so.
func (r *Replica) fillJournal(b *Batch) {
	s := &r.store
	b.Meta.Lowest = max(r.lowest, s.meta.Lowest)
	b.Meta.Journal = s.meta.Journal
	s.sent, s.dirty = s.dirty, changed{}
	if rows := s.sent.after(s.meta.Cursor); len(rows) > 0 {
		b.Journal = encodeChunk(rows)
		b.Meta.Journal++
		s.logged += len(b.Journal)
	}
}

// head is the newest page in the form that the boot path shows while the core
// is on its way: {"data": RecentSessionList, "asOf": ms, "complete": bool}.
func (r *Replica) head() []byte {
	page, more, _ := r.overlay().page(r.base, 0, 0, core.MaxPage)
	partial := !more && r.lowest > 0
	nextMax := next(page, more)
	if partial {
		nextMax = core.NextBelow(r.lowest)
	}
	b := core.AppendText(make([]byte, 0, roomFor(page)), `{"data":`)
	b = r.appendPage(b, page, more || partial, true, nextMax)
	b = core.AppendNum(b, `,"asOf":`, r.asOf)
	return append(core.AppendFlag(b, `,"complete":`, !partial), '}')
}

// stored goes on after a batch.
func (r *Replica) stored(ev Event) {
	s := &r.store
	if s.writing == nil || ev.ID != s.id {
		return
	}
	wrote := s.writing
	s.writing = nil
	defer r.saveTrimmed()
	if s.trial {
		r.tried(ev, wrote)
		return
	}
	switch ev.Code {
	case storedDone:
		s.meta, s.sent, s.misses, s.back = wrote, changed{}, 0, false
		r.box.forgot = max(r.box.forgot, s.done)
	case storedByOther:
		if !r.leads {
			r.reread()
			return
		}
		r.storedByOther(ev.Data, wrote)
	case storedFull:
		if !r.trim() {
			r.loseStorage(whyMemory)
		}
	default:
		r.loseStorage(whyMemory)
	}
}

// storedByOther goes on after another tab wrote first. Where that one went on
// from the same state, this one's newer rows still fit behind it; anything else
// is replaced by this tab's list.
func (r *Replica) storedByOther(found []byte, wrote *Meta) {
	s := &r.store
	was := s.meta
	s.meta = parseMeta(found)
	if s.misses++; s.misses > maxMisses {
		r.loseStorage("the browser's storage is never as it was left; going on in memory")
		return
	}
	continues := s.meta != nil && was != nil && s.meta.Epoch == was.Epoch && s.meta.Cursor >= was.Cursor &&
		wrote.Epoch == was.Epoch && wrote.Generation == was.Generation
	if !continues {
		s.rewrite()
		return
	}
	newer := s.dirty
	s.dirty, s.sent = s.sent, changed{}
	for _, e := range newer.rows {
		s.dirty.keep(e)
	}
}

// saveTrimmed goes on with the writes, once storage holds fewer rows if they wait
// for that.
func (r *Replica) saveTrimmed() {
	b := &r.box
	if b.waits && r.store.full {
		r.flush()
	}
	b.waits = b.waits && r.store.writing != nil
	r.saveWrites()
}
