package sim

import (
	"encoding/binary"
	"encoding/json"
	"slices"

	"recents/core/replica"
)

// disk is a browser's database for the account, as js/src/store.ts keeps it.
type disk struct {
	meta    *meta
	chunks  [][]byte
	journal [][]byte
	head    []byte
	spoiled bool // records were harmed, and not written anew since
	leader  *leader
	term    int64  // the newest of all leaders
	client  string // of the outbox, "" when there is none
	next    int64
	outbox  []waiting
}

// meta is replica.Meta as it is stored: with how many chunks belong to it.
type meta struct {
	Epoch      string `json:"epoch"`
	Cursor     int64  `json:"cursor"`
	Generation int64  `json:"generation"`
	Lowest     int64  `json:"lowest"`
	AsOf       int64  `json:"asOf"`
	Journal    int64  `json:"journal"`
	ClientID   string `json:"clientId"`
	chunks     int
}

// waiting is a write of the outbox.
type waiting struct {
	First int64           `json:"first"`
	Count int64           `json:"count"`
	Write json.RawMessage `json:"write"`
	was   json.RawMessage // before it was harmed
}

// written is what was stored.
func (s *waiting) written() json.RawMessage {
	if s.was != nil {
		return s.was
	}
	return s.Write
}

// diskOp is what a tab has asked its disk for. Ops of one tab are done in order,
// those of two in any. Between its being done and the tab's hearing of it
// anything may happen.
type diskOp struct {
	id      int64
	outbox  bool
	chunks  [][]byte // of a batch
	data    []byte
	pending int64 // writes that waited when it was asked for
	done    bool
	answer  replica.Event
	fenced  bool
}

// chunks gathers those of the batch id, as they come before it.
type chunks struct {
	id   int64
	list [][]byte
}

func (c *chunks) add(fx replica.Effect) {
	if c.id != fx.ID {
		*c = chunks{id: fx.ID} // the batch of the others was given up
	}
	c.list = append(c.list, slices.Clone(fx.Data))
}

// take returns those of the batch, which has come.
func (c *chunks) take(id int64) (list [][]byte) {
	if c.id == id {
		list = c.list
	}
	*c = chunks{}
	return list
}

func newDisk() *disk { return &disk{} }

func (d *disk) lead(l *leader) {
	d.leader = l
	d.term = max(d.term, l.term)
}

func (d *disk) metaJSON() []byte {
	if d.meta == nil {
		return nil
	}
	b, _ := json.Marshal(d.meta)
	return b
}

// read returns what is stored as the events that hand it over; with the meta
// that is known, only what is new when that is enough.
func (d *disk) read(known []byte) []replica.Event {
	load := replica.Event{Kind: replica.EvLoad, Data: d.metaJSON()}
	chunks, journal, from := d.chunks, d.journal, int64(0)
	if d.follows(known, &from) {
		load.Code = 1
		chunks, journal = nil, d.journal[min(from, int64(len(d.journal))):]
	}
	events := []replica.Event{load}
	if d.meta != nil {
		if load.Code == 0 && len(chunks) != d.meta.chunks || int64(len(journal)) != d.meta.Journal-from {
			journal = append(slices.Clone(journal), nil) // records that are not those that meta tells of
		}
		for _, b := range slices.Concat(chunks, journal) {
			events = append(events, replica.Event{Kind: replica.EvChunk, Data: slices.Clone(b)})
		}
	}
	if d.client != "" {
		events = append(events, replica.Event{Kind: replica.EvQueued, Data: d.outboxAfter(0)})
	}
	return append(events, replica.Event{Kind: replica.EvLoaded})
}

// follows reports whether what is stored goes on from what is known, and from
// which journal record.
func (d *disk) follows(known []byte, from *int64) bool {
	var k meta
	if len(known) == 0 || d.meta == nil || json.Unmarshal(known, &k) != nil {
		return false
	}
	if k.Epoch != d.meta.Epoch || k.Generation != d.meta.Generation {
		return false
	}
	*from = k.Journal
	return true
}

// nextWrite does the oldest thing that the tab has asked for; the next time, the
// tab hears of it.
func (t *tab) nextWrite() {
	op := t.writes[0]
	switch {
	case !op.done:
		t.w.note("disk %s %d", t.name, op.id)
		op.done = true
		t.commit(op)
	case !t.frozen:
		t.writes = t.writes[1:]
		t.written(op)
	}
}

func (t *tab) commit(op *diskOp) {
	kind := replica.EvStored
	if op.outbox {
		kind = replica.EvQueued
	}
	op.answer = replica.Event{Kind: kind, ID: op.id}
	switch {
	case t.disk == nil:
		op.answer.Code = 2
	case op.outbox:
		op.answer.Data = t.disk.change(t.w, op.data)
	default:
		t.store(op)
	}
}

// written is what the page does once a write was done: it tells the others, and
// then its core.
func (t *tab) written(op *diskOp) {
	if op.answer.Code == 0 {
		t.post(word{kind: "changed"})
	}
	if op.fenced && t.seat != nil {
		t.seat.fenced()
	}
	t.event(op.answer)
}

// batch is the header of a replica.Batch.
type batch struct {
	Expect    *meta
	Meta      meta
	Clear     bool
	Chunks    []int
	Journal   int
	JournalAt int
	Head      int
	Done      int64
}

// store writes a batch, unless another tab wrote first or leads since.
func (t *tab) store(op *diskOp) {
	d := t.disk
	n := 4 + binary.LittleEndian.Uint32(op.data)
	var b batch
	if err := json.Unmarshal(op.data[4:n], &b); err != nil {
		t.w.violate("a batch does not read: %v", err)
		return
	}
	op.fenced = d.leader != nil && d.leader.term > t.term
	if op.fenced || !same(b.Expect, d.meta) {
		op.answer.Code, op.answer.Data = 1, d.metaJSON()
		return
	}
	if m := d.meta; m != nil && m.Epoch == b.Meta.Epoch && m.Generation == b.Meta.Generation && b.Meta.Cursor < m.Cursor {
		t.w.violate("I3: the stored cursor went from %d back to %d", m.Cursor, b.Meta.Cursor)
	}
	if !slices.EqualFunc(b.Chunks, op.chunks, func(n int, c []byte) bool { return n == len(c) }) {
		t.w.violate("a batch tells of chunks of %d bytes, and %d came", b.Chunks, len(op.chunks))
		return
	}
	d.apply(&b, op.chunks, op.data[n:])
	t.checkStored(op)
}

func (d *disk) apply(b *batch, chunks [][]byte, blob []byte) {
	take := func(n int) []byte {
		part := slices.Clone(blob[:n])
		blob = blob[n:]
		return part
	}
	stored := b.Meta
	if d.meta != nil {
		stored.chunks = d.meta.chunks
	}
	if b.Clear {
		d.spoiled = false
		d.chunks, d.journal, stored.chunks = nil, nil, len(b.Chunks)
	}
	d.meta = &stored
	for i, c := range chunks {
		d.chunks = append(d.chunks[:i], c)
	}
	if b.Journal > 0 {
		d.journal = append(d.journal[:min(b.JournalAt, len(d.journal))], take(b.Journal))
	}
	if b.Head > 0 {
		d.head = take(b.Head)
	}
	if b.Meta.ClientID == d.client {
		d.outbox = slices.DeleteFunc(d.outbox, func(s waiting) bool { return s.First <= b.Done })
	}
}

func same(a, b *meta) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Epoch == b.Epoch && a.Cursor == b.Cursor && a.Generation == b.Generation
}

// change does what an FxOutbox asks for.
func (d *disk) change(w *world, data []byte) []byte {
	var q struct {
		Expect, ClientID   string
		After, Count, Done int64
		Write              json.RawMessage
	}
	if err := json.Unmarshal(data, &q); err != nil {
		w.violate("an outbox request does not read: %v", err)
	}
	if d.client == "" {
		d.client, d.next = q.ClientID, 1
		if q.Expect != "" {
			d.client = q.Expect
		}
	}
	switch {
	case q.Expect == d.client:
		d.outbox = slices.DeleteFunc(d.outbox, func(s waiting) bool { return s.First <= q.Done })
		d.client, d.next, q.After = q.ClientID, 1, 0
		for i := range d.outbox {
			d.outbox[i].First = d.next
			d.next += d.outbox[i].Count
		}
	case q.Count > 0:
		d.outbox = append(d.outbox, waiting{First: d.next, Count: q.Count, Write: q.Write})
		d.next += q.Count
	}
	if d.client != q.ClientID {
		q.After = 0
	}
	return d.outboxAfter(q.After)
}

func (d *disk) outboxAfter(after int64) []byte {
	list := []waiting{}
	for _, s := range d.outbox {
		if s.First > after {
			list = append(list, s)
		}
	}
	b, _ := json.Marshal(map[string]any{"clientId": d.client, "next": d.next, "writes": list})
	return b
}
