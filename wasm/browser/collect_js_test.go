package main

import (
	"runtime"
	"syscall/js"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var live [][]*int // what a collection has to mark

// TestBreathsEndACollection begins a collection by what is allocated, and gives it
// nothing but breaths then: it ends, and none of them is all of it.
func TestBreathsEndACollection(t *testing.T) {
	pass := stopClock(t)
	defer collect(100)
	collect(-1)
	for range 2000 {
		list := make([]*int, 512)
		for i := range list {
			list[i] = new(int)
		}
		live = append(live, list)
	}
	defer func() { live = nil }()
	began := ended()
	collect(100)            // a heap that grew so far is due at once
	live[0][0] = new(int)   // small: it waits for its span's next
	_ = make([]byte, 1<<20) // and this one begins it
	breaths := 0
	for ; ended() == began; breaths++ {
		require.Less(t, breaths, 10_000, "and no end")
		pass(0.1) // ms: the page does something else
		breathe()
	}
	assert.Greater(t, breaths, 10)
}

// stopClock gives Go's runtime a clock that runs 20 µs each time it is
// read, and as much more as pass says, ms. It goes on from there after the test:
// the runtime takes no time that is before one of before.
func stopClock(t *testing.T) (pass func(ms float64)) {
	performance := js.Global().Get("performance")
	clock := js.Global().Get("Function").New("performance", `
		const real = performance.now.bind(performance)
		let now = real()
		performance.now = () => (now += 0.02)
		return {
			pass: (ms) => { now += ms },
			restart: () => {
				const ahead = now - real()
				performance.now = () => real() + ahead
			},
		}`).Invoke(performance)
	t.Cleanup(func() { clock.Call("restart") })
	return func(ms float64) { clock.Call("pass", ms) }
}

// ended returns how many collections came to their end.
func ended() uint32 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.NumGC
}
