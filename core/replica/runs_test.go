//go:build !race

package replica_test

// tabRuns is how many random runs of tabs there are.
const tabRuns = 150
