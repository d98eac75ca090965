//go:build race

package storetest

// runs is how many random runs the model does: under the race detector an
// engine in Go is twenty times slower.
const runs = "20"
