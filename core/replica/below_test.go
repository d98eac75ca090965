package replica_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"recents/core/account"
)

// Sessions below those that are kept (maxCached).

// small is a world that keeps 100 of 150 sessions.
func small(t *testing.T) *world {
	w := newWorld(t)
	w.fill(150)
	w.open(`"maxCached":100`)
	w.pass(1000)
	return w
}

// below lists the page that comes from the server.
func (w *world) below() *result {
	_, _, next := w.list(`{"limit":100}`).list(w.t)
	return w.list(fmt.Sprintf(`{"limit":100,"maxTimestamp":%d}`, next))
}

func TestADeleteBelowIsTold(t *testing.T) {
	w := small(t)
	ids, _, _ := w.below().list(t)
	require.Contains(t, ids, "f10")
	w.do(func(a *account.Account) error { _, err := a.SetExt(friend("f11"), "e", 0); return err })
	w.do(func(a *account.Account) error { _, err := a.Delete(friend("f10"), 0, false); return err })
	assert.Equal(t, []string{"f11"}, idsOf(w.updates))
	assert.Len(t, w.deletes, 1)
}

func TestAResetTellsNothingOfWhatIsBelow(t *testing.T) {
	w := newWorld(t)
	w.fill(300)
	w.open(`"maxCached":100`)
	w.pass(1000)
	w.updates = nil
	w.drop(1006)
	w.restore("e2", 300)
	w.pass(60_000)
	require.Equal(t, "live", w.connection())
	assert.Empty(t, idsOf(w.updates))
}

// What waits is not in a page of the server's, which says so.
func TestAPageBelowIsNotFreshWhileWritesWait(t *testing.T) {
	w := small(t)
	assert.True(t, w.below().Fresh)
	w.refuse = func(path string) (int, string, bool) { return 503, "", path == "/v1/mutate" }
	w.delete("f6")
	w.pass(4000)
	r := w.below()
	assert.Equal(t, "server", r.Source)
	assert.False(t, r.Fresh)
	w.refuse = nil
	w.pass(120_000)
	r = w.below()
	ids, _, _ := r.list(t)
	assert.NotContains(t, ids, "f6")
	assert.True(t, r.Fresh)
}

// What this tab made goes when it is deleted, though there may be one below.
func TestADeleteOfWhatWasMadeHereIsWhole(t *testing.T) {
	w := small(t)
	w.setOnline(false)
	w.queued(w.setExt("new", "x"))
	w.queued(w.delete("new"))
	ids, _, _ := w.list(`{"limit":5}`).list(t)
	assert.NotContains(t, ids, "new")
	w.setOnline(true)
	w.pass(5000)
	ids, _ = w.onServer()
	assert.NotContains(t, ids, "new")
}
