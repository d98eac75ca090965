package server

import (
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTurnRunsOneAtATimeAndMissesNothing: what is woken while it runs is run
// once more, however often it was woken.
func TestTurnRunsOneAtATimeAndMissesNothing(t *testing.T) {
	var w turn
	began, goOn := make(chan struct{}), make(chan struct{})
	runs, atOnce := 0, atomic.Int32{}
	work := func() bool {
		require.EqualValues(t, 1, atOnce.Add(1))
		defer atOnce.Add(-1)
		runs++
		began <- struct{}{}
		<-goOn
		return true
	}
	w.wake(work)
	<-began
	for range 5 {
		w.wake(work) // does not wait for the one that runs
	}
	goOn <- struct{}{}
	<-began
	goOn <- struct{}{}
	w.workers.Wait()
	require.Equal(t, 2, runs)

	w.wake(work) // it ended, and is begun anew
	<-began
	goOn <- struct{}{}
	w.over()
	require.Equal(t, 3, runs)
	w.wake(func() bool { t.Error("it is over"); return true })
	w.workers.Wait()
}

// TestTurnEndsWithBadWork: a socket that could not be written to is not
// written to again, though more was waiting.
func TestTurnEndsWithBadWork(t *testing.T) {
	var w turn
	began, goOn := make(chan struct{}), make(chan struct{})
	runs := 0
	work := func() bool {
		runs++
		began <- struct{}{}
		<-goOn
		return false
	}
	w.wake(work)
	<-began
	w.wake(work)
	goOn <- struct{}{}
	w.workers.Wait()
	w.wake(work)
	w.workers.Wait()
	require.Equal(t, 1, runs)
}

// TestTurnIsOverOnlyWhenNothingRuns has over called while work runs.
func TestTurnIsOverOnlyWhenNothingRuns(t *testing.T) {
	var w turn
	began, goOn := make(chan struct{}), make(chan struct{})
	var ended atomic.Bool
	w.wake(func() bool {
		close(began)
		<-goOn
		ended.Store(true)
		return true
	})
	<-began
	go close(goOn)
	w.over()
	require.True(t, ended.Load())
}
