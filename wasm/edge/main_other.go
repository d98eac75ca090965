//go:build !js

package main

// main exists so that every platform compiles the package and tests what of it
// needs no runtime.
func main() { panic("recents-edge.wasm runs in an edge runtime: build it with GOOS=js GOARCH=wasm") }
