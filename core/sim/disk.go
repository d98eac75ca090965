package sim

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"

	"recents/core/replica"
)

// disk is a browser's storage for the account, as js/src/store.ts keeps it.
type disk struct {
	meta    map[string]any
	chunks  [][]byte
	journal [][]byte
	client  string // of the outbox, "" when there is none
	next    int64
	outbox  []waiting
}

// waiting is a write of the outbox.
type waiting struct {
	First int64           `json:"first"`
	Count int64           `json:"count"`
	Write json.RawMessage `json:"write"`
}

// diskOp is what a tab has asked its disk for. Ops of one tab are done in order,
// those of two in any.
type diskOp struct {
	id     int64
	outbox bool
	data   []byte
}

func newDisk() *disk { return &disk{} }

func (d *disk) metaJSON() []byte {
	if d.meta == nil {
		return nil
	}
	b, _ := json.Marshal(d.meta)
	return b
}

// nextWrite does the oldest thing that the tab has asked for.
func (t *tab) nextWrite() {
	op := t.writes[0]
	t.writes = t.writes[1:]
	t.w.note("disk %s %d", t.name, op.id)
	if op.outbox {
		t.event(replica.Event{Kind: replica.EvQueued, ID: op.id, Data: t.device.disk.change(t.w, op.data)})
		return
	}
	ev := replica.Event{Kind: replica.EvStored, ID: op.id}
	if !t.device.disk.apply(t.w, op.data) {
		ev.Code, ev.Data = 1, t.device.disk.metaJSON()
	}
	t.event(ev)
}

// settleDisk does all that the tab has asked for.
func (w *world) settleDisk(t *tab) {
	for len(t.writes) > 0 {
		t.nextWrite()
	}
}

// apply writes a batch, unless another tab wrote first.
func (d *disk) apply(w *world, data []byte) bool {
	n := binary.LittleEndian.Uint32(data)
	var h struct {
		Expect, Meta             map[string]any
		Clear                    bool
		Chunks                   []int
		Journal, JournalAt, Head int
		Done                     int64
	}
	if err := json.Unmarshal(data[4:4+n], &h); err != nil {
		w.violate("a batch does not read: %v", err)
		return true
	}
	if !same(h.Expect, d.meta) {
		return false
	}
	if a, b := d.meta, h.Meta; a != nil && a["epoch"] == b["epoch"] && a["generation"] == b["generation"] && num(b["cursor"]) < num(a["cursor"]) {
		w.violate("I3: the stored cursor went from %v back to %v", a["cursor"], b["cursor"])
	}
	blob := data[4+n:]
	take := func(n int) []byte {
		b := slices.Clone(blob[:n])
		blob = blob[n:]
		return b
	}
	d.meta = h.Meta
	if h.Clear {
		d.chunks, d.journal = nil, nil
	}
	for i, n := range h.Chunks {
		d.chunks = append(d.chunks[:i], take(n))
	}
	if h.Journal > 0 {
		d.journal = append(d.journal[:h.JournalAt], take(h.Journal))
	}
	if fmt.Sprint(h.Meta["clientId"]) == d.client {
		d.outbox = slices.DeleteFunc(d.outbox, func(s waiting) bool { return s.First <= h.Done })
	}
	return true
}

func num(v any) float64 {
	n, _ := v.(float64)
	return n
}

func same(a, b map[string]any) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return a["epoch"] == b["epoch"] && a["cursor"] == b["cursor"] && a["generation"] == b["generation"]
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
		d.outbox = append(d.outbox, waiting{d.next, q.Count, q.Write})
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
	b, _ := json.Marshal(map[string]any{"clientId": d.client, "writes": list})
	return b
}
