package main

import (
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var live [][]*int // what a collection has to mark

// TestBreathsEndACollection begins a collection by what is allocated, and gives it
// nothing but breaths then: it ends, and none of them is all of it.
func TestBreathsEndACollection(t *testing.T) {
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
	for until := time.Now().Add(20 * time.Second); ended() == began; breaths++ {
		require.True(t, time.Now().Before(until), "%d breaths and no end", breaths)
		for rest := time.Now().Add(2 * time.Millisecond); time.Now().Before(rest); { // the page does something else
		}
		breathe()
	}
	assert.Greater(t, breaths, 2)
}

// ended returns how many collections came to their end.
func ended() uint32 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.NumGC
}
