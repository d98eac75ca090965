package replica_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"recents/core"
	"recents/core/account"
	"recents/core/replica"
)

// storage is where the status says that the list is kept.
func (w *world) storage() string { return fmt.Sprint(w.status["storage"]) }

// crash opens a new tab, offline, on what is stored.
func (w *world) crash() {
	w.now++
	w.online, w.storages = false, nil
	w.open()
}

func TestD12LostStorageIsTriedEvery30Seconds(t *testing.T) {
	w := newWorld(t)
	w.fill(3)
	w.open()
	w.pass(5000)
	w.disk.fail = true
	w.message("f0", "in memory")
	w.pass(1000)
	assert.Equal(t, "memory", w.storage())
	assert.Contains(t, w.status["lastError"], "storage")
	w.pass(600_000)
	assert.Equal(t, 20, w.disk.opened, "in 10 minutes")
	w.message("f1", "in memory too")

	w.disk.fail = false
	w.pass(30_000)
	assert.Equal(t, []string{"indexeddb", "memory", "indexeddb"}, w.storages, "one event each way")
	assert.Empty(t, w.status["lastError"])
	w.pass(600_000)
	assert.Equal(t, 21, w.disk.opened)
	w.message("f2", "stored again")
	w.pass(1000)
	w.crash()
	r := w.list(all)
	ids, _, _ := r.list(t)
	assert.Equal(t, []string{"f2", "f1", "f0"}, ids)
	for _, text := range []string{"in memory", "in memory too", "stored again"} {
		assert.Contains(t, string(r.Data), text)
	}
	t.Attr("D12", "lost for 10 min: 20 tries, 1 status event each way, 0 rows lost")
}

func TestD11StorageThatCouldNotBeOpenedAtFirst(t *testing.T) {
	w := newWorld(t)
	w.fill(3)
	w.open()
	w.setOnline(false)
	w.queued(w.setExt("f0", "of yesterday"))
	w.disk.fail = true
	w.now++
	w.status = nil
	w.openWithoutStorage()
	w.setOnline(true)
	w.pass(5000)
	assert.Equal(t, "memory", w.storage())
	_, exts := w.onServer()
	assert.Empty(t, exts)
	w.setExt("f1", "of today")
	w.disk.fail = false
	w.pass(35_000)
	assert.Equal(t, "indexeddb", w.storage())
	_, exts = w.onServer()
	assert.Equal(t, map[string]string{"f0": "of yesterday", "f1": "of today"}, exts)
	assert.EqualValues(t, 0, w.status["pending"])
	assert.Empty(t, w.disk.outbox)
	w.checkEqual()
}

// openWithoutStorage starts a tab whose storage does not open.
func (w *world) openWithoutStorage() {
	disk := w.disk
	w.disk = nil
	w.open(`"storage":true`)
	w.disk = disk
	w.handle(replica.Event{Kind: replica.EvLoaded, Code: 1})
	w.run()
}

// A write that was made in memory is in storage as soon as that is back: one
// that nobody has sent survives the browser from then on.
func TestD12WritesMadeInMemoryAreStored(t *testing.T) {
	w := newWorld(t)
	w.fill(4)
	w.open()
	w.pass(5000)
	w.setOnline(false)
	w.queued(w.setExt("f0", "stored"))
	w.disk.fail = true
	w.queued(w.setExt("f1", "in memory"))
	w.queued(w.setExt("f2", "in memory too"))
	assert.Equal(t, "memory", w.storage())
	require.Len(t, w.disk.outbox, 1)
	w.disk.fail = false
	w.pass(30_000)
	assert.Equal(t, "indexeddb", w.storage())
	assert.Len(t, w.disk.outbox, 3)
	assert.EqualValues(t, 3, w.status["pending"])

	w.crash()
	assert.EqualValues(t, 3, w.status["pending"])
	w.queued(w.setExt("f3", "after it"))
	w.setOnline(true)
	w.pass(5000)
	_, exts := w.onServer()
	assert.Equal(t, map[string]string{"f0": "stored", "f1": "in memory", "f2": "in memory too", "f3": "after it"}, exts)
	assert.EqualValues(t, 0, w.status["pending"])
	assert.Empty(t, w.disk.outbox)
	w.checkEqual()
	t.Attr("D12", "2 writes made in memory: stored when storage was back, and applied after a crash")
}

// What was numbered in memory and sent keeps its number, and storage waits: under
// another number it would be applied twice.
func TestD12AWriteThatWasSentFromMemoryIsAppliedOnce(t *testing.T) {
	w := newWorld(t)
	w.fill(3)
	w.open()
	w.pass(5000)
	w.disk.fail = true
	w.setExt("f0", "first") // finds out that storage is gone
	w.pass(5000)
	require.Equal(t, "memory", w.storage())
	w.setExt("f1", "second") // under a client id of its own
	w.slow = "/v1/mutate"
	w.setExt("f2", "mine")
	require.Len(t, w.heldBack, 1)
	w.heldBack[0].Code = 0 // the answer is lost
	w.release()
	w.setOnline(false)
	w.disk.fail = false
	w.pass(120_000)
	assert.Equal(t, "memory", w.storage(), "the server may know of it")

	w.do(func(a *account.Account) error {
		_, err := a.SetExt(core.Key{Type: core.P2P, ID: "f2"}, "another device's", 0)
		return err
	})
	w.slow = ""
	w.setOnline(true)
	w.pass(60_000)
	assert.Equal(t, "indexeddb", w.storage())
	assert.EqualValues(t, 0, w.status["pending"])
	_, exts := w.onServer()
	assert.Equal(t, map[string]string{"f0": "first", "f1": "second", "f2": "another device's"}, exts)
	w.setExt("f2", "after")
	_, exts = w.onServer()
	assert.Equal(t, map[string]string{"f0": "first", "f1": "second", "f2": "after"}, exts)
	w.pass(5000)
	assert.Empty(t, w.disk.outbox)
	w.checkEqual()
}

// While it is found out whether storage works, nothing is sent under a number
// that would have to change.
func TestD12AWriteDuringTheTrial(t *testing.T) {
	for _, works := range []bool{true, false} {
		t.Run(fmt.Sprint("works ", works), func(t *testing.T) {
			w := newWorld(t)
			w.fill(2)
			w.open()
			w.pass(5000)
			w.disk.fail = true
			w.setExt("f0", "finds out")
			w.setExt("f0", "on its own")
			w.pass(20_000)
			w.held, w.disk.fail = true, false
			w.pass(10_000)
			w.release() // the reading; the list is being written
			bodies := w.recordMutates()
			w.setExt("f1", "meanwhile")
			w.message("f0", "meanwhile too")
			w.disk.fail = !works
			rank := func(ev replica.Event) int { // the frame comes first, and answers of the server's last
				return slices.Index([]replica.EventKind{replica.EvStored, replica.EvResponse}, ev.Kind)
			}
			slices.SortStableFunc(w.heldBack, func(a, b replica.Event) int { return rank(a) - rank(b) })
			for i := range w.heldBack {
				if w.heldBack[i].Kind == replica.EvStored && !works {
					w.heldBack[i].Code = 2
				}
			}
			w.held = false
			w.release()
			w.pass(5000)
			assert.Equal(t, map[bool]string{true: "indexeddb", false: "memory"}[works], w.storage())
			_, exts := w.onServer()
			assert.Equal(t, map[string]string{"f0": "on its own", "f1": "meanwhile"}, exts)
			assert.EqualValues(t, 0, w.status["pending"])
			assert.Len(t, *bodies, 1, "sent once")
			if works {
				w.crash()
				assert.Contains(t, string(w.list(all).Data), "meanwhile too")
			}
		})
	}
}

func TestD1AFullDiskKeepsTheNewest(t *testing.T) {
	w := newWorld(t)
	w.disk.room = 180_000
	w.fill(1000)
	w.open()
	w.pass(60_000)
	assert.Equal(t, []string{"indexeddb"}, w.storages)
	assert.EqualValues(t, 1000, w.status["cached"], "the tab itself has them all")
	assert.True(t, w.list(all).Fresh)
	w.message("f3", "again")
	w.pass(5000)

	w.crash()
	kept := w.status["cached"].(float64)
	assert.True(t, kept >= 100 && kept < 1000, "%v are stored", kept)
	r := w.list(`{"limit":100}`)
	ids, more, _ := r.list(t)
	assert.Equal(t, "f3", ids[0])
	assert.True(t, more)
	assert.NotContains(t, string(r.Data), `"lastMsg":null`)
	below := w.list(fmt.Sprintf(`{"maxTimestamp":%d}`, w.now-2_000_000))
	assert.False(t, below.Complete, "no false end")
	t.Attr("D1", fmt.Sprintf("a disk with no room for 1,000 sessions keeps the newest %v, and says where they end", kept))
}

func TestD1AFullDiskStillTakesWrites(t *testing.T) {
	w := newWorld(t)
	w.fill(300)
	w.open()
	w.pass(5000)
	w.setOnline(false)
	w.disk.fullOnce = true
	w.queued(w.setExt("f1", "x"))
	w.pass(1000)
	assert.Equal(t, []string{"indexeddb"}, w.storages)
	assert.Len(t, w.disk.outbox, 1)
	w.crash()
	assert.EqualValues(t, 150, w.status["cached"])
	assert.EqualValues(t, 1, w.status["pending"])
}

func TestD1ADiskThatTakesNothingIsNotTriedInALoop(t *testing.T) {
	w := newWorld(t)
	w.fill(400)
	w.open()
	w.pass(5000)
	w.disk.room = 10
	w.message("f0", "too much")
	w.pass(600_000)
	assert.Equal(t, []string{"indexeddb", "memory"}, w.storages, "it can be read, and that is no reason to believe in it")
	assert.True(t, w.disk.opened <= 20, "opened %d times in 10 min", w.disk.opened)
	assert.LessOrEqual(t, w.disk.refused, 25, "writes that were refused")
	w.disk.room = 0
	w.pass(31_000)
	assert.Equal(t, []string{"indexeddb", "memory", "indexeddb"}, w.storages)
	t.Attr("D1", fmt.Sprintf("a disk that takes nothing: %d tries in 10 min, then 1 event when there is room", w.disk.opened))
}

// Storage that lost its outbox meanwhile, and was given another's.
func TestD12TheOutboxIsAnothersByNow(t *testing.T) {
	w := newWorld(t)
	w.fill(3)
	w.open()
	w.pass(5000)
	w.setOnline(false)
	w.queued(w.setExt("f0", "mine"))
	w.disk.fail = true
	w.queued(w.setExt("f1", "in memory"))
	w.disk.fail = false
	w.disk.client, w.disk.next = "another", 2
	w.disk.outbox = []stored{{First: 1, Count: 1, Write: []byte(`{"at":1,"muts":[{"mid":1,"op":"ext","key":"p2p|f2","ext":"theirs","base":3}]}`)}}
	w.pass(30_000)
	w.setOnline(true)
	w.pass(5000)
	_, exts := w.onServer()
	assert.Equal(t, "theirs", exts["f2"])
	assert.Equal(t, "in memory", exts["f1"])
	assert.EqualValues(t, 0, w.status["pending"])
	assert.Empty(t, w.disk.outbox)
}

// Another tab whose storage worked has written meanwhile.
func TestD12AnotherTabWroteMeanwhile(t *testing.T) {
	w := newWorld(t)
	w.fill(3)
	w.open()
	w.pass(5000)
	w.disk.fail = true
	w.message("f0", "lost")
	w.pass(1000)
	require.Equal(t, "memory", w.storage())
	w.disk.fail = false
	w.held = true
	w.pass(30_000)
	w.release()
	w.disk.meta["generation"] = float64(9) // while this tab writes
	for i := range w.heldBack {
		if w.heldBack[i].Kind == replica.EvStored {
			w.heldBack[i].Code, w.heldBack[i].Data = 1, []byte(`{"epoch":"e1","cursor":3,"generation":9,"lowest":0,"asOf":1,"journal":0,"clientId":"x"}`)
			w.disk.meta["cursor"] = float64(3)
		}
	}
	w.held = false
	w.release()
	w.pass(5000)
	assert.Equal(t, "indexeddb", w.storage())
	w.crash()
	assert.Contains(t, string(w.list(all).Data), "lost")
}

// What was numbered in memory and never sent gets numbers of storage's, after
// those that storage gave out, of which none is sent again.
func TestD12NumbersGoOnWhereStorageLeftThem(t *testing.T) {
	w := newWorld(t)
	w.fill(3)
	w.open()
	w.pass(5000)
	w.setExt("f0", "one")
	w.disk.fail = true // before storage hears that it has arrived
	w.pass(1000)
	require.Equal(t, "memory", w.storage())
	require.Len(t, w.disk.outbox, 1)
	w.setExt("f0", "two") // under an id of this tab's own
	w.setOnline(false)
	w.queued(w.setExt("f1", "unsent"))
	w.queued(w.setExt("f2", "unsent too"))
	bodies := w.recordMutates()
	w.disk.fail = false
	w.pass(31_000)
	assert.Equal(t, "indexeddb", w.storage())
	assert.EqualValues(t, 2, w.status["pending"])
	require.Len(t, w.disk.outbox, 2, "the one that had arrived is forgotten")
	assert.EqualValues(t, 2, w.disk.outbox[0].First)
	assert.Contains(t, string(w.list(all).Data), "two")
	w.crash()
	assert.EqualValues(t, 2, w.status["pending"])
	w.setOnline(true)
	w.pass(5000)
	_, exts := w.onServer()
	assert.Equal(t, map[string]string{"f0": "two", "f1": "unsent", "f2": "unsent too"}, exts)
	assert.NotContains(t, fmt.Sprint(*bodies), `"mid":1,`)
	w.checkEqual()
}

// A write that is sent while storage is being read makes it wait as well.
func TestD12AWriteIsSentWhileStorageIsRead(t *testing.T) {
	w := newWorld(t)
	w.fill(2)
	w.open()
	w.pass(5000)
	w.disk.fail = true
	w.setExt("f0", "finds out")
	w.setExt("f0", "on its own")
	w.pass(20_000)
	w.disk.fail = false
	w.held = true
	w.pass(10_000) // it is being read
	w.setExt("f1", "sent")
	w.held = false
	reading := w.heldBack
	w.heldBack = nil
	for _, ev := range reading {
		if ev.Kind == replica.EvResponse {
			w.heldBack = append(w.heldBack, ev) // not answered yet
			continue
		}
		w.handle(ev)
	}
	w.run()
	w.pass(1000)
	assert.Equal(t, "memory", w.storage())
	w.release()
	w.pass(31_000)
	assert.Equal(t, "indexeddb", w.storage())
	assert.EqualValues(t, 0, w.status["pending"])
}

// Storage fails for rows, and takes the write behind them all the same: that has
// storage's number, and no other.
func TestD12AWriteThatIsStoredWhileStorageIsLostIsAppliedOnce(t *testing.T) {
	w := newWorld(t)
	w.fill(2)
	w.open()
	w.pass(5000)
	w.message("f1", "x")
	w.disk.fail, w.held = true, true
	w.pass(150)
	w.disk.fail = false
	w.setExt("f0", "mine")
	w.held = false
	w.release()
	w.pass(1000)
	require.Equal(t, "memory", w.storage())
	w.do(func(a *account.Account) error {
		_, err := a.SetExt(friend("f0"), "another device's, later", 0)
		return err
	})
	w.pass(60_000)
	assert.Equal(t, "indexeddb", w.storage())
	_, exts := w.onServer()
	assert.Equal(t, map[string]string{"f0": "another device's, later"}, exts)
	assert.Empty(t, w.disk.outbox)
}

// A list of many slices takes a while to make room: a write waits for that, and is
// not tried again and again meanwhile.
func TestD1AWriteWaitsForTheRoomThatATrimMakes(t *testing.T) {
	w := newWorld(t)
	w.longMessages(1000)
	w.open()
	w.pass(5000)
	w.setOnline(false)
	w.disk.crammed = true
	w.queued(w.setExt("f1", "x"))
	w.pass(10_000)
	assert.Equal(t, []string{"indexeddb"}, w.storages)
	assert.Len(t, w.disk.outbox, 1)
	w.crash()
	assert.EqualValues(t, 500, w.status["cached"], "trimmed once")
	assert.EqualValues(t, 1, w.status["pending"])
}
