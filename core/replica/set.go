package replica

import (
	"slices"
	"sort"

	"recents/core"
)

// entry is one live row: what the order and the digest need, and its JSON.
type entry struct {
	key  string
	seq  int64
	time int64
	raw  []byte // core.AppendRow's
}

// row decodes the entry. Its text was checked when it came in.
func (e *entry) row() core.Row {
	r, _ := core.ParseRow(e.raw)
	return r
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
// whatever the list's length.
const blockSize = 512

// set is the live rows of one generation, by key and newest first.
type set struct {
	rows   map[string]*entry
	blocks [][]*entry // each in order, none empty, and in order among themselves
	digest core.Digest
	bytes  int
}

func newSet() *set { return &set{rows: map[string]*entry{}} }

func (s *set) len() int { return len(s.rows) }

// put adds the entry, in place of the one of the same key.
func (s *set) put(e *entry) {
	s.remove(e.key)
	s.rows[e.key] = e
	s.digest ^= core.Hash(e.key, e.seq)
	s.bytes += len(e.raw)
	if len(s.blocks) == 0 {
		s.blocks = [][]*entry{{e}}
		return
	}
	b := s.block(e)
	i := position(s.blocks[b], e)
	s.blocks[b] = slices.Insert(s.blocks[b], i, e)
	if len(s.blocks[b]) > blockSize {
		s.split(b)
	}
}

// split halves a full block. A block that was filled from its end, as in a
// load, keeps most, so that such blocks stay full.
func (s *set) split(b int) {
	full := s.blocks[b]
	at := blockSize / 2
	if b == len(s.blocks)-1 {
		at = blockSize
	}
	right := append(make([]*entry, 0, blockSize+1), full[at:]...)
	clear(full[at:])
	s.blocks[b] = full[:at]
	s.blocks = slices.Insert(s.blocks, b+1, right)
}

// block returns the last block whose first entry is not after e.
func (s *set) block(e *entry) int {
	i := sort.Search(len(s.blocks), func(i int) bool { return e.before(s.blocks[i][0]) })
	return max(i-1, 0)
}

// position returns where e is, or would be, in a block.
func position(block []*entry, e *entry) int {
	return sort.Search(len(block), func(i int) bool { return !block[i].before(e) })
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
	b := s.block(e)
	i := position(s.blocks[b], e)
	s.blocks[b] = slices.Delete(s.blocks[b], i, i+1)
	if len(s.blocks[b]) == 0 {
		s.blocks = slices.Delete(s.blocks, b, b+1)
	}
	return e
}

// page returns at most limit entries with min <= time <= max (0: no bound),
// newest first, and whether another one matches.
func (s *set) page(min, max int64, limit int) (es []*entry, more bool) {
	s.each(max, func(e *entry) bool {
		if e.time < min {
			return false
		}
		if more = len(es) == limit; more {
			return false
		}
		es = append(es, e)
		return true
	})
	return es, more
}

// each walks the entries with time <= max (0: all), newest first, until visit
// returns false.
func (s *set) each(max int64, visit func(*entry) bool) {
	b, i := 0, 0
	if max != 0 && len(s.blocks) > 0 {
		from := &entry{time: max} // before every entry of that time: "" is the lowest key
		b = s.block(from)
		i = position(s.blocks[b], from)
	}
	for ; b < len(s.blocks); b, i = b+1, 0 {
		for ; i < len(s.blocks[b]); i++ {
			if !visit(s.blocks[b][i]) {
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
	last := s.blocks[len(s.blocks)-1]
	return last[len(last)-1]
}
