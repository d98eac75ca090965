package replica

// rewriting is the list on its way to storage as the next generation: a slice
// of it at a time, since ten thousand sessions are megabytes. The batch is one
// all the same, and shows the list as it was when it began; what changes until
// it is stored goes to the journal after it.
type rewriting struct {
	batch Batch
	rows  []*entry // that are not in a chunk yet, newest first
	buf   []byte   // of the chunks of the slice before, which nobody needs any more
}

// maxSlice bounds the bytes of rows that are read or written between two
// pauses, about: 1 or 2 ms, so that a page on a phone stays smooth.
const maxSlice = 128 << 10

// fillWhole makes of the batch the list written anew.
func (r *Replica) fillWhole(b *Batch) *rewriting {
	s := &r.store
	if s.meta != nil {
		b.Meta.Generation++
	}
	b.Clear = true
	room := r.base.len()
	if s.room > 0 {
		room = min(room, s.room)
	}
	rows := make([]*entry, 0, room)
	r.base.each(0, func(e *entry) bool {
		if len(rows) == room {
			b.Meta.Lowest = e.time + 1 // as evict says of what it lets go
			return false
		}
		rows = append(rows, e)
		return true
	})
	s.chunked, s.logged = 0, 0
	s.full, s.dirty, s.sent = false, changed{}, changed{}
	return &rewriting{rows: rows}
}

// rewriteSlice makes some chunks, and after the last of them the batch.
func (r *Replica) rewriteSlice() {
	s := &r.store
	w := s.rewriting
	if w == nil {
		return
	}
	for w.buf = w.buf[:0]; len(w.rows) > 0; {
		at := len(w.buf)
		if at >= r.cfg.slice() {
			r.pause()
			return
		}
		w.buf = appendChunk(w.buf, w.cut())
		n := len(w.buf) - at
		w.batch.Chunks = append(w.batch.Chunks, n)
		s.chunked += n
		r.do(Effect{Kind: FxChunk, ID: s.id, Data: w.buf[at:]})
	}
	s.rewriting = nil
	r.do(Effect{Kind: FxStore, ID: s.id, Data: w.batch.encode()})
}

// cut takes the rows of the next chunk, which holds as many as one may unless
// they are big.
func (w *rewriting) cut() [][]byte {
	var rows [][]byte
	for size := 0; len(w.rows) > 0 && len(rows) < chunkRows && size < maxSlice; w.rows = w.rows[1:] {
		rows = append(rows, w.rows[0].raw)
		size += len(w.rows[0].raw)
	}
	return rows
}

// pause has the page go first; goOn does the next slice after it.
func (r *Replica) pause() {
	if !r.paused {
		r.paused = true
		r.do(Effect{Kind: FxPause})
	}
}

func (r *Replica) goOn() {
	r.paused = false
	r.rewriteSlice()
	r.listSlice()
	r.deltaSlice(r.tellSlice())
}
