package replica_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"recents/core"
	"recents/core/replica"
)

// A first list's next page is asked for while one is read.

// asked counts the requests for a page of a snapshot.
func (w *world) asked() (n int) {
	for _, path := range w.paths {
		if path == "/v1/snapshot" {
			n++
		}
	}
	return n
}

// nextAnswer hands over the answer that was held back first, and nothing after it.
func (w *world) nextAnswer() {
	ev := w.heldBack[0]
	w.heldBack = w.heldBack[1:]
	w.handle(ev)
}

// listing is a world whose first list has 1,200 sessions, three pages, each read a
// few rows at a time and handed over by nextAnswer.
func listing(t *testing.T, options ...string) *world {
	w := newWorld(t)
	w.fill(1200)
	w.slow = "/v1/snapshot"
	w.open(append([]string{`"slice":4000`}, options...)...)
	require.Equal(t, 1, w.asked())
	return w
}

// reads reports whether a page is being read.
func (w *world) reads() bool {
	return slices.ContainsFunc(w.queue, func(ev replica.Event) bool { return ev.Kind == replica.EvGoOn })
}

// requireWhole holds the list to the server's, and to have needed no second try.
func (w *world) requireWhole() {
	w.t.Helper()
	require.Empty(w.t, w.heldBack)
	want, _ := w.onServer()
	ids, _, next := w.list(`{"limit":100}`).list(w.t)
	require.Equal(w.t, want, ids)
	for next > 0 {
		var below []string
		below, _, next = w.list(`{"limit":100,"maxTimestamp":` + core.Itoa(next) + `}`).list(w.t)
		ids = append(ids, below...)
	}
	slices.Sort(ids)
	require.Len(w.t, slices.Compact(ids), 1200)
	require.Zero(w.t, w.r.Heals())
}

func TestTheNextPageIsOnItsWayWhileOneIsRead(t *testing.T) {
	w := listing(t)
	w.nextAnswer()
	assert.True(t, w.reads())
	assert.Equal(t, 2, w.asked(), "asked for before the first was read")
	w.run()
	assert.Equal(t, 2, w.asked(), "one at a time")
	w.nextAnswer()
	assert.Equal(t, 3, w.asked())
	w.run()
	assert.NotContains(t, w.paths, "/v1/sync", "the changes are asked for after the last page")
	w.nextAnswer()
	w.run()
	assert.Equal(t, 3, w.asked(), "there is none below the last")
	w.requireWhole()
}

func TestAPageThatComesWhileOneIsReadWaits(t *testing.T) {
	w := listing(t)
	w.nextAnswer()
	w.nextAnswer()
	assert.True(t, w.reads())
	assert.Equal(t, 2, w.asked(), "no further than one page")
	w.message("f7", "moved up meanwhile")
	assert.Equal(t, 3, w.asked(), "the third with the second's turn")
	w.nextAnswer()
	w.run()
	w.requireWhole()
}

func TestNoPageIsAskedForBelowWhatIsKept(t *testing.T) {
	w := listing(t, `"maxCached":1000`)
	for w.run(); len(w.heldBack) > 0; w.run() {
		w.nextAnswer()
	}
	assert.Equal(t, 2, w.asked())
	assert.EqualValues(t, 1000, w.status["cached"])
}

// N10: the page that was asked for ahead is refused: the one that is read goes on,
// and nothing is asked before the time that the server gave.
func TestN10APageAskedForAheadIsRefused(t *testing.T) {
	w := listing(t)
	w.refuseAfter = func(path string) (int64, bool) { return 30_000, path == "/v1/snapshot" }
	w.nextAnswer()
	require.Equal(t, 2, w.asked())
	w.nextAnswer() // the refusal
	assert.True(t, w.reads())
	w.run()
	w.refuseAfter = nil
	w.pass(29_000)
	assert.Equal(t, 2, w.asked(), "Retry-After wins")
	w.pass(2000)
	require.Equal(t, 3, w.asked())
	for w.run(); len(w.heldBack) > 0; w.run() {
		w.nextAnswer()
	}
	w.requireWhole()
}

// N9: what came ahead of a page that then proves to be damaged is not read in that
// one's place.
func TestN9APageIsDamagedBelowWhichOneWasAskedFor(t *testing.T) {
	w := listing(t)
	first := &w.heldBack[0]
	first.Data = []byte(strings.Replace(string(first.Data), `{"k":"p2p|f900"`, `{"k":"|f900"`, 1))
	w.nextAnswer()
	require.Equal(t, 2, w.asked())
	ahead := w.heldBack
	w.heldBack = nil
	w.run()
	require.Contains(t, w.status["lastError"], "f900")
	w.heldBack = ahead
	w.nextAnswer() // too late
	w.run()
	assert.Equal(t, 2, w.asked(), "after the wait")
	w.pass(60_000)
	for w.run(); len(w.heldBack) > 0; w.run() {
		w.nextAnswer()
	}
	assert.Equal(t, 5, w.asked(), "the first again, and the two below it")
	w.requireWhole()
}

// N10: what the server asked for holds, whatever is wrong with the page before.
func TestN10AWaitIsNotShortenedByADamagedPage(t *testing.T) {
	w := listing(t)
	w.refuseAfter = func(path string) (int64, bool) { return 30_000, path == "/v1/snapshot" }
	w.heldBack[0].Data = []byte(strings.Replace(string(w.heldBack[0].Data), `{"k":"p2p|f900"`, `{"k":"|f900"`, 1))
	w.nextAnswer()
	w.nextAnswer() // the refusal
	w.run()
	require.Contains(t, w.status["lastError"], "f900")
	w.refuseAfter = nil
	w.pass(29_000)
	assert.Equal(t, 2, w.asked())
	w.pass(2000)
	assert.Equal(t, 3, w.asked())
}

// A log that was rebuilt between two pages makes no list of both.
func TestAPageOfAnotherLogComesAhead(t *testing.T) {
	w := listing(t)
	w.nextAnswer()
	w.heldBack[0].Data = []byte(strings.Replace(string(w.heldBack[0].Data), `"epoch":"e1"`, `"epoch":"e0"`, 1))
	w.nextAnswer()
	w.run()
	assert.Contains(t, w.status["lastError"], "rebuilt")
	w.pass(60_000)
	for w.run(); len(w.heldBack) > 0; w.run() {
		w.nextAnswer()
	}
	w.requireWhole()
}

// A browser goes offline between two pages: the one that came is read, nothing is
// asked for, and the list goes on from there.
func TestAnOfflineBrowserReadsThePageThatCameAhead(t *testing.T) {
	w := listing(t)
	w.nextAnswer()
	w.nextAnswer()
	require.Equal(t, 2, w.asked())
	w.setOnline(false)
	w.run()
	assert.Equal(t, 2, w.asked(), "what is asked for offline fails")
	w.setOnline(true)
	w.run()
	assert.Equal(t, 3, w.asked(), "no page again")
	for w.run(); len(w.heldBack) > 0; w.run() {
		w.nextAnswer()
	}
	assert.Equal(t, 3, w.asked())
	w.requireWhole()
}
