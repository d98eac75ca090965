//go:build race

package replica_test

// tabRuns under the race detector, where each takes many times as long.
const tabRuns = 30
