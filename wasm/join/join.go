package main

import (
	"encoding/binary"
	"errors"
	"slices"
)

const (
	headerLen   = 8  // magic and version
	dataSection = 11 // WebAssembly core specification, 5.5.2
	i32Const    = 0x41
	mostMemory  = 64 << 20 // of data: Go's starts near 0
	end         = 0x0b
)

var errMalformed = errors.New("is no wasm file with active data segments of memory 0, as Go's linker writes it")

// segment is one run of bytes at an offset of the memory.
type segment struct {
	at    uint32
	bytes []byte
}

// join returns the file with its data in fewer segments. With dropLines, what
// only tells the lines of a traceback is taken out of it.
func join(file []byte, dropLines bool) ([]byte, error) {
	if len(file) < headerLen || string(file[:4]) != "\x00asm" {
		return nil, errMalformed
	}
	out := slices.Clone(file[:headerLen])
	for r := (reader{b: file[headerLen:]}); len(r.b) > 0; {
		id := r.byte()
		body := r.take(r.number())
		if r.bad {
			return nil, errMalformed
		}
		if id == dataSection {
			segments, ok := readSegments(body)
			if !ok {
				return nil, errMalformed
			}
			m := memoryOf(segments)
			if dropLines {
				if err := linesOut(m.bytes); err != nil {
					return nil, err
				}
			}
			body = appendSegments(nil, m.segments())
		}
		out = append(out, id)
		out = binary.AppendUvarint(out, uint64(len(body)))
		out = append(out, body...)
	}
	return out, nil
}

func readSegments(body []byte) ([]segment, bool) {
	r := reader{b: body}
	count := r.number()
	if count > uint64(len(r.b)) { // each takes a few bytes
		return nil, false
	}
	segments := make([]segment, 0, count)
	for range count {
		active, op := r.byte() == 0, r.byte() == i32Const
		s := segment{at: r.signed()}
		ended := r.byte() == end
		s.bytes = r.take(r.number())
		if r.bad || !active || !op || !ended || uint64(s.at)+uint64(len(s.bytes)) > mostMemory {
			return nil, false
		}
		segments = append(segments, s)
	}
	return segments, len(r.b) == 0
}

// memory is what an instance finds in its memory, from the first byte that a
// segment sets to the last.
type memory struct {
	at    uint32
	bytes []byte
}

// memoryOf puts segments in their places, in their order: of two that overlap
// the last one wins.
func memoryOf(segments []segment) memory {
	var m memory
	var end uint64
	for i, s := range segments {
		if i == 0 || s.at < m.at {
			m.at = s.at
		}
		end = max(end, uint64(s.at)+uint64(len(s.bytes)))
	}
	m.bytes = make([]byte, end-uint64(m.at))
	for _, s := range segments {
		copy(m.bytes[s.at-m.at:], s.bytes)
	}
	return m
}

// segments returns what is not zero anyway: cut where zeros are in a row.
func (m memory) segments() []segment {
	var list []segment
	for i := 0; i < len(m.bytes); {
		if m.bytes[i] == 0 {
			i++
			continue
		}
		end := m.runEnd(i)
		list = append(list, segment{m.at + uint32(i), m.bytes[i:end]})
		i = end
	}
	return list
}

// runEnd returns where the run that begins at i ends: behind its last byte that
// is not zero.
func (m memory) runEnd(i int) int {
	end := i
	for ; i < len(m.bytes) && i-end < joinBelow; i++ {
		if m.bytes[i] != 0 {
			end = i + 1
		}
	}
	return end
}

func appendSegments(dst []byte, segments []segment) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(segments)))
	for _, s := range segments {
		dst = appendSigned(append(dst, 0, i32Const), int32(s.at))
		dst = binary.AppendUvarint(append(dst, end), uint64(len(s.bytes)))
		dst = append(dst, s.bytes...)
	}
	return dst
}

// appendSigned appends n in signed LEB128.
func appendSigned(dst []byte, n int32) []byte {
	for n < -64 || n > 63 {
		dst = append(dst, byte(n)|0x80)
		n >>= 7
	}
	return append(dst, byte(n)&0x7f)
}

// reader reads the wasm encoding; bad is set once something did not read.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) take(n uint64) []byte {
	if n > uint64(len(r.b)) {
		r.bad, r.b = true, nil
		return nil
	}
	taken := r.b[:n]
	r.b = r.b[n:]
	return taken
}

func (r *reader) byte() byte {
	if b := r.take(1); len(b) == 1 {
		return b[0]
	}
	return 0
}

// number reads an unsigned LEB128 number of 32 bits.
func (r *reader) number() uint64 {
	n, size := binary.Uvarint(r.b)
	if size <= 0 || n > 1<<32-1 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[size:]
	return n
}

// signed reads a signed LEB128 number of 32 bits.
func (r *reader) signed() uint32 {
	var n uint32
	for shift := 0; shift < 35; shift += 7 {
		c := r.byte()
		n |= uint32(c&0x7f) << shift
		if c < 0x80 {
			if c&0x40 != 0 && shift < 28 {
				n |= ^uint32(0) << (shift + 7)
			}
			return n
		}
	}
	r.bad = true
	return 0
}
