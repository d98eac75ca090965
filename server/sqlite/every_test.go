//go:build !race

package sqlite

// every is how many of the writes that may fail, and of the places where a log
// may be cut, stand for one that is tried.
const every = 1
