//go:build !js

package main

// main exists so that every platform compiles the package and tests shell.go.
func main() { panic("recents.wasm runs in a browser: build it with GOOS=js GOARCH=wasm") }
