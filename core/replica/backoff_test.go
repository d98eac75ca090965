package replica

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// clients is how many lose their sockets in one moment.
const clients = 1000

// redials returns when a client of a seed dials after its socket was lost at 0,
// until the first dial at or after up, ms.
func redials(seed, up int64) (at []int64) {
	r := &Replica{random: uint64(seed)*2 + 1}
	now := int64(0)
	for try := 1; len(at) == 0 || at[len(at)-1] < up; try++ {
		now += r.backoff(try, 0)
		at = append(at, now)
	}
	return at
}

// TestN12AHerdSpreads: of 1,000 clients that lose a server in one moment, those
// that it finds when it is back come apart: over at least 5 s, with no more than
// a small part of them in any one second, and while it is away they come ever
// more rarely.
func TestN12AHerdSpreads(t *testing.T) {
	for _, seeds := range []string{"random", "consecutive"} {
		for _, away := range []int64{10_000, 60_000} {
			t.Run(fmt.Sprintf("%s seeds, %d s away", seeds, away/1000), func(t *testing.T) {
				var back, early []int64
				dials := 0
				for i := range int64(clients) {
					seed := i
					if seeds == "random" {
						seed = i*0x9e3779b97f4a7c1 ^ i<<40
					}
					all := redials(seed, away)
					back = append(back, all[len(all)-1]-away)
					early = append(early, all[0])
					dials += len(all)
				}
				slices.Sort(back)
				spread := back[clients-1] - back[0]
				most := mostWithin(back, 1000)
				require.GreaterOrEqual(t, spread, int64(5000))
				require.Less(t, most, clients/5, "in one second")
				require.Less(t, mostWithin(early, 50), clients/5, "the first dials too are apart")
				require.Less(t, dials, clients*12, "while it is away")
				t.Attr("N12", fmt.Sprintf("%d clients come back over %.1f s, at most %d of them in one second", clients, float64(spread)/1000, most))
			})
		}
	}
}

// mostWithin returns the most of the times that fall within a window of ms.
func mostWithin(times []int64, window int64) (most int) {
	slices.Sort(times)
	first := 0
	for i, at := range times {
		for times[first] <= at-window {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}

// TestN12TheServersWordWins: a Retry-After is kept to, and no wait is over a
// minute.
func TestN12TheServersWordWins(t *testing.T) {
	r := &Replica{random: 1}
	require.EqualValues(t, 7000, r.backoff(1, 7000))
	for try := 1; try < 100; try++ {
		require.LessOrEqual(t, r.backoff(try, 0), min(int64(500)<<min(try-1, 10), 60_000))
		require.Positive(t, r.backoff(try, 0))
	}
}
