package sim

import (
	"encoding/json"
	"slices"

	"github.com/tidwall/gjson"
)

// damage does something to what is stored that shows by itself: checksums, the
// number of records, or a record that does not read.
func (w *world) damage(d *device) {
	s := d.disk
	if s.meta == nil || d.wiping {
		return
	}
	w.note("damage %d", d.id)
	d.damaged, s.spoiled = true, true
	w.did.Damages++
	if len(s.outbox) > 0 && w.rng.IntN(2) == 0 {
		w.damageOutbox(s)
		w.openOn(d) // the others have read it
		return
	}
	switch w.rng.IntN(6) {
	case 0:
		s.chunks = flipped(w, s.chunks)
	case 1:
		s.journal = flipped(w, s.journal)
	case 2:
		s.journal = truncated(w, s.journal)
	case 3:
		s.chunks = s.chunks[:len(s.chunks)/2]
	case 4:
		s.journal = s.journal[:len(s.journal)/2]
	default:
		s.meta, s.head = nil, nil
	}
}

// damageOutbox makes the oldest waiting write unreadable. It is lost, for a tab
// that has not read it.
func (w *world) damageOutbox(s *disk) {
	s.outbox = slices.Clone(s.outbox)
	oldest := &s.outbox[0]
	oldest.was = oldest.written() // which may have been harmed before
	for _, ext := range gjson.GetBytes(oldest.was, "muts.#.ext").Array() {
		delete(w.accepted, ext.Str)
	}
	oldest.Write = json.RawMessage("null")
}

// noRows is a record that is as it should be and holds no row: its magic, the
// count 0 and the checksum of nothing.
var noRows = []byte("RCN2\x00\x00\x00\x00\x25\x23\x22\x84")

// decay ends a device's tabs and takes the rows of its newest record, which only
// the digest can find. Then a tab is opened.
func (w *world) decay(d *device) {
	s := d.disk
	if s.meta == nil || d.wiping || len(s.journal)+len(s.chunks) == 0 {
		return
	}
	w.note("decay %d", d.id)
	for _, t := range w.tabsOf(d) {
		w.crash(t)
	}
	d.damaged, s.spoiled = true, true
	w.did.Damages++
	if n := len(s.journal); n > 0 {
		s.journal = append(slices.Clone(s.journal[:n-1]), noRows)
	} else {
		s.chunks = append([][]byte{noRows}, s.chunks[1:]...)
	}
	w.open(d)
}

func flipped(w *world, records [][]byte) [][]byte {
	return changed(w, records, func(b []byte) []byte {
		b[w.rng.IntN(len(b))] ^= 1 << w.rng.IntN(8)
		return b
	})
}

func truncated(w *world, records [][]byte) [][]byte {
	return changed(w, records, func(b []byte) []byte { return b[:w.rng.IntN(len(b))] })
}

// changed returns the records with one of them changed.
func changed(w *world, records [][]byte, change func([]byte) []byte) [][]byte {
	if len(records) == 0 {
		return records
	}
	i := w.rng.IntN(len(records))
	records = slices.Clone(records)
	records[i] = change(slices.Clone(records[i]))
	return records
}
