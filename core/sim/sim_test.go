package sim_test

import (
	"testing"

	"recents/core/sim"
)

func TestFew(t *testing.T) {
	for seed := uint64(1); seed <= 5000; seed++ {
		if r := sim.Run(seed, 120, nil); r.Violation != "" || r.Heals > 0 {
			t.Fatalf("seed %d: %s", seed, r.Violation)
		}
	}
}
