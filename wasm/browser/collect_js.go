package main

import (
	"runtime"
	_ "unsafe" // for go:linkname
)

// collect has the collector run from now on, when the heap grew by so many
// percent. The shell starts without it (GOGC=off): loading ten thousand sessions
// leaves next to no garbage, and each collection on the way marked what had come
// so far, half of the time of a load.
//
//go:wasmexport collect
func collect(percent int32) { setGCPercent(percent) }

// setGCPercent is debug.SetGCPercent's: package runtime/debug alone would add 58
// KB of brotli.
//
//go:linkname setGCPercent runtime/debug.setGCPercent
func setGCPercent(percent int32) (before int32)

// breathe lets the collector have its share of the time, and sweeps: an export
// does not run Go's scheduler when it returns, and without that a collection stays
// open for ever. The runtime's own resume would run it until nothing is left to be
// done: all of a collection in one go, 5 ms of 10,000 sessions and 20 on a phone.
// To one who only steps aside, the scheduler comes back when the collector has had
// 30% of the time since it began.
//
//go:wasmexport breathe
func breathe() { runtime.Gosched() }
