//go:build race

package sqlite

// every is larger under the race detector, where an engine in Go is twenty
// times slower.
const every = 8
