package main

import (
	_ "syscall/js" // its event handler is what lets the runtime's own timers run
	"unsafe"

	"recents/core/replica"
)

var here = shell{machine: replica.New()}

// main keeps the instance alive: the exports are all that happens.
func main() { select {} }

// input makes room for n bytes of the next event's data and returns where.
//
//go:wasmexport input
func input(n uint32) unsafe.Pointer {
	return unsafe.Pointer(unsafe.SliceData(here.reserve(int(n))))
}

// handle passes on one event, whose data is what input made room for, if
// anything. It returns 0, or 1 when the instance is dead and output says why.
// Numbers are float64: an int64 would be a BigInt on the other side.
//
//go:wasmexport handle
func handle(kind uint32, now, id, code, after float64) uint32 {
	if here.handle(replica.EventKind(kind), int64(now), int64(id), int64(code), int64(after)) {
		return 0
	}
	return 1
}

// output returns where the effects of the last event are, until the next one.
//
//go:wasmexport output
func output() unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(here.out)) }

// outputLen returns how many bytes they are.
//
//go:wasmexport outputLen
func outputLen() uint32 { return uint32(len(here.out)) }
