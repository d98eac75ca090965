// Command browser is the replica's shell in a browser: recents.wasm. Bytes come
// in as one event, bytes go out as its effects, and nothing here waits for
// anything: js/src/core.ts does what the effects say.
package main

import (
	"math"

	"recents/core"
	"recents/core/replica"
)

// machine is what replica.Replica is to this shell.
type machine interface {
	Handle(replica.Event) []replica.Effect
}

// shell keeps the two buffers that both sides see.
type shell struct {
	machine machine
	in      []byte // the next event's data
	out     []byte // the effects of the last event, or why it panicked
	dead    bool
}

// keptOut bounds what out keeps from one event to the next: a batch of storage
// is megabytes, and nearly all that follows is a few hundred bytes.
const keptOut = 256 << 10

// reserve returns n bytes for the next event's data. They are new each time,
// since the replica keeps the data of some events.
func (s *shell) reserve(n int) []byte {
	s.in = make([]byte, n)
	return s.in
}

// handle passes on one event and reports whether the instance can go on. A
// panic is no exception that JavaScript could catch: left alone, it would end
// the instance and every export would answer garbage from then on.
func (s *shell) handle(kind replica.EventKind, now, id, code, after int64) (ok bool) {
	defer func() {
		if p := recover(); p != nil {
			s.dead = true
			s.out = append(s.out[:0], panicText(p)...)
			ok = false
		}
	}()
	if s.dead {
		return false
	}
	data := s.in
	s.in = nil
	if cap(s.out) > keptOut {
		s.out = nil
	}
	fx := s.machine.Handle(replica.Event{Kind: kind, Now: now, ID: id, Code: code, After: after, Data: data})
	if n := sizeOf(fx); n > cap(s.out) {
		s.out = make([]byte, 0, n) // once: what append grows through would be garbage of twice the size
	}
	s.out = appendEffects(s.out[:0], fx)
	return true
}

// panicText says what the panic was, as far as it can be said without fmt.
func panicText(p any) string {
	switch p := p.(type) {
	case error:
		return p.Error()
	case string:
		return p
	}
	return "panic"
}

const effectHeader = 1 + 8 + 8 + 4 + 4

// sizeOf returns the bytes that appendEffects appends.
func sizeOf(fx []replica.Effect) (n int) {
	for i := range fx {
		n += effectHeader + len(fx[i].Path) + len(fx[i].Data)
	}
	return n
}

// appendEffects appends each effect as a header, its path and its data. All
// numbers are little endian; an integer travels as float64, which JavaScript
// reads without a BigInt:
//
//	uint8 kind, float64 id, float64 code, uint32 len(path), uint32 len(data), path, data
func appendEffects(dst []byte, fx []replica.Effect) []byte {
	for i := range fx {
		f := &fx[i]
		dst = append(dst, byte(f.Kind))
		dst = appendFloat(dst, f.ID)
		dst = appendFloat(dst, f.Code)
		dst = core.AppendUint32(dst, uint32(len(f.Path)))
		dst = core.AppendUint32(dst, uint32(len(f.Data)))
		dst = append(append(dst, f.Path...), f.Data...)
	}
	return dst
}

func appendFloat(dst []byte, n int64) []byte {
	return core.AppendUint64(dst, math.Float64bits(float64(n)))
}
