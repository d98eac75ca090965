package sim_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"recents/core/sim"
)

// A few schedules under the race detector; ./build.sh sim runs as many as asked.
func TestSchedulesKeepTheInvariants(t *testing.T) {
	const schedules = 200
	var did sim.Deeds
	mended := 0
	for seed := uint64(1); seed <= schedules; seed++ {
		r := sim.Run(seed, 120, nil)
		assert.Empty(t, r.Violation, "seed %d", seed)
		assert.Zero(t, r.Heals, "seed %d", seed)
		did.Tabs += r.Did.Tabs
		did.Crashes += r.Did.Crashes
		did.Steals += r.Did.Steals
		did.Damages += r.Did.Damages
		did.Wipes += r.Did.Wipes
		mended += r.Mended
	}
	t.Attr("T2", fmt.Sprintf("%d tabs, %d of them crashed at any step: 0 violations in %d schedules", did.Tabs, did.Crashes, schedules))
	t.Attr("T4", fmt.Sprintf("the lead was stolen %d times, and a third of the devices had several leaders: 0 divergence in %d schedules", did.Steals, schedules))
	t.Attr("T10", fmt.Sprintf("%d wipes while other tabs wrote, none of which brought a row back", did.Wipes))
	t.Attr("D13", fmt.Sprintf("stored records harmed %d times, all mended, %d of them by the digest", did.Damages, mended))
	assert.NotZero(t, did.Steals)
	assert.NotZero(t, did.Damages)
	assert.NotZero(t, did.Wipes)
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
