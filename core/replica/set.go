package replica

import (
	"sort"

	"recents/core"
)

// entry is one live row: what the order and the digest need, and its JSON.
type entry struct {
	key  string
	seq  int64
	time int64
	raw  []byte // core.AppendRow's
	text *text  // see page.go; nil: none is kept
}

// row decodes the row. Its text was checked when it came in, or stands in a
// chunk with the checksum of this package. If it does not read all the same, the
// session is listed, without what it holds.
func (e *entry) row() *core.Row {
	r, err := core.ParseRow(e.raw)
	if err != nil {
		k, _ := core.ParseKey(e.key)
		r = core.Row{Key: k, Seq: e.seq, UpdateTime: e.time}
	}
	return &r
}

// before is the list's order: newest first. Update times of an account are all
// different; the key decides for rows that a broken server gave the same.
func (e *entry) before(o *entry) bool {
	if e.time != o.time {
		return e.time > o.time
	}
	return e.key < o.key
}

// blockSize bounds the entries of one block, so that an insert moves little
// whatever the list's length: while garbage is collected each pointer that moves is
// told to the collector.
const blockSize = 128

// set is the live rows of one generation, by key and newest first.
type set struct {
	rows   map[string]*entry
	blocks []*block // in order among themselves
	digest core.Digest
	bytes  int
}

// block is a run of entries in order, never empty.
type block struct{ entries []*entry }

func newSet() *set { return newSetOf(0) }

// newSetOf returns an empty set with room for about n rows: a map that grows to
// a hundred thousand moves them all again and again.
func newSetOf(n int) *set { return &set{rows: make(map[string]*entry, n)} }

func (s *set) len() int { return len(s.rows) }

// put adds the entry, in place of the one of the same key.
func (s *set) put(e *entry) {
	s.remove(e.key)
	s.add(e)
}

// add adds an entry whose key is not there.
func (s *set) add(e *entry) {
	s.rows[e.key] = e
	s.digest ^= core.Hash(e.key, e.seq)
	s.bytes += len(e.raw)
	if len(s.blocks) == 0 {
		s.blocks = []*block{{entries: []*entry{e}}}
		return
	}
	at := len(s.blocks) - 1
	b := s.blocks[at]
	if s.oldest().before(e) { // as each row of a list that is read in order
		b.entries = append(b.entries, e)
	} else {
		at = s.block(e)
		b = s.blocks[at]
		b.entries = insert(b.entries, b.position(e), e)
	}
	if len(b.entries) > blockSize {
		s.split(at)
	}
}

// split halves a full block. A block that was filled from its end, as in a
// load, keeps most, so that such blocks stay full.
func (s *set) split(at int) {
	full := s.blocks[at]
	n := blockSize / 2
	if at == len(s.blocks)-1 {
		n = blockSize
	}
	right := &block{entries: append(make([]*entry, 0, blockSize+1), full.entries[n:]...)}
	clear(full.entries[n:])
	full.entries = full.entries[:n]
	s.blocks = insert(s.blocks, at+1, right)
}

// insert puts x before the i-th element. (Those of package slices weigh 10 KB
// of wasm each.)
func insert[T any](list []*T, i int, x *T) []*T {
	list = append(list, nil)
	copy(list[i+1:], list[i:])
	list[i] = x
	return list
}

func cut[T any](list []*T, i int) []*T {
	copy(list[i:], list[i+1:])
	list[len(list)-1] = nil
	return list[:len(list)-1]
}

// block returns the last block whose first entry is not after e.
func (s *set) block(e *entry) int {
	i := sort.Search(len(s.blocks), func(i int) bool { return e.before(s.blocks[i].entries[0]) })
	return max(i-1, 0)
}

// position returns where e is, or would be, in the block.
func (b *block) position(e *entry) int {
	return sort.Search(len(b.entries), func(i int) bool { return !b.entries[i].before(e) })
}

// remove takes a key out; nil when it is not there.
func (s *set) remove(key string) *entry {
	e := s.rows[key]
	if e == nil {
		return nil
	}
	delete(s.rows, key)
	s.digest ^= core.Hash(e.key, e.seq)
	s.bytes -= len(e.raw)
	at := s.block(e)
	b := s.blocks[at]
	if b.entries = cut(b.entries, b.position(e)); len(b.entries) == 0 {
		s.blocks = cut(s.blocks, at)
	}
	return e
}

// page returns at most limit entries with min <= time <= max (0: no bound),
// newest first, and whether another one matches.
func (s *set) page(min, max int64, limit int) (page []line, more bool) {
	page = make([]line, 0, limit)
	s.each(max, func(e *entry) bool {
		if e.time < min {
			return false
		}
		if more = len(page) == limit; more {
			return false
		}
		page = append(page, line{e: e})
		return true
	})
	return page, more
}

// each walks the entries with time <= max (0: all), newest first, until visit
// returns false.
func (s *set) each(max int64, visit func(*entry) bool) {
	b, i := 0, 0
	if max != 0 && len(s.blocks) > 0 {
		from := &entry{time: max} // before every entry of that time: "" is the lowest key
		b = s.block(from)
		i = s.blocks[b].position(from)
	}
	for ; b < len(s.blocks); b, i = b+1, 0 {
		for _, e := range s.blocks[b].entries[i:] {
			if !visit(e) {
				return
			}
		}
	}
}

// trim removes the entries with time < lowest: evicted ones that storage still
// held, and of whose deletion nobody would hear.
func (s *set) trim(lowest int64) {
	for e := s.oldest(); e != nil && e.time < lowest; e = s.oldest() {
		s.remove(e.key)
	}
}

// oldest returns the last entry, nil when there is none.
func (s *set) oldest() *entry {
	if len(s.blocks) == 0 {
		return nil
	}
	last := s.blocks[len(s.blocks)-1].entries
	return last[len(last)-1]
}
