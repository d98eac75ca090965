package main

import _ "unsafe" // for go:linkname

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
