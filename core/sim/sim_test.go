package sim_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"recents/core/sim"
)

// A few schedules under the race detector; ./build.sh sim runs as many as asked.
func TestSchedulesKeepTheInvariants(t *testing.T) {
	for seed := uint64(1); seed <= 200; seed++ {
		r := sim.Run(seed, 120, nil)
		assert.Empty(t, r.Violation, "seed %d", seed)
		assert.Zero(t, r.Heals, "seed %d", seed)
	}
}

func TestOneSeedOneTrace(t *testing.T) {
	traces := map[uint64]bool{}
	for seed := uint64(1); seed <= 20; seed++ {
		a, b := sim.Run(seed, 120, nil), sim.Run(seed, 120, nil)
		assert.Equal(t, a, b)
		traces[a.Trace] = true
	}
	assert.Len(t, traces, 20, "another seed, another trace")
}
