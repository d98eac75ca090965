package replica_test

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"recents/core"
	"recents/core/account"
	"recents/core/replica"
)

const all = `{}`

func (w *world) fill(n int) {
	for i := range n {
		w.message(fmt.Sprintf("f%d", i), "hello")
	}
}

func (w *world) list(params string) *result {
	w.t.Helper()
	r := w.call(replica.CallList, params)
	require.NotNil(w.t, r, "the list is not answered")
	return r
}

func TestFirstStartListsAndGoesLive(t *testing.T) {
	w := newWorld(t)
	w.fill(3)
	w.open()
	r := w.list(all)
	ids, more, next := r.list(t)
	assert.Equal(t, []string{"f2", "f1", "f0"}, ids)
	assert.False(t, more)
	assert.Zero(t, next)
	assert.Equal(t, "cache", r.Source)
	assert.True(t, r.Fresh)
	assert.True(t, r.Complete)
	assert.Equal(t, "live", w.status["connection"])
	assert.Empty(t, w.updates, "what was there before is no event")
	assert.EqualValues(t, 3, w.status["cached"])
	assert.Equal(t, "e1.3", w.status["cursor"])
}

func TestAMessageArrivesLive(t *testing.T) {
	w := newWorld(t)
	w.fill(2)
	w.open()
	w.message("f0", "again")
	require.Len(t, w.updates, 1)
	assert.Equal(t, "f0", w.updates[0].SessionID)
	assert.Contains(t, *w.updates[0].LastMsg, `"content":"again"`)
	ids, _, _ := w.list(all).list(t)
	assert.Equal(t, []string{"f0", "f1"}, ids)
}

func TestOwnWritesAreSeenAndNotEchoed(t *testing.T) {
	for _, echo := range []bool{false, true} {
		w := newWorld(t)
		w.fill(2)
		w.open(fmt.Sprintf(`"echoOwn":%t`, echo))
		r := w.call(replica.CallUpdate, `{"sessionId":"f0","sessionType":"p2p","ext":"pin"}`)
		require.NotNil(t, r)
		assert.True(t, r.IsSuccess, r.ErrorDetails)
		assert.Len(t, w.updates, map[bool]int{false: 0, true: 1}[echo])
		got := w.call(replica.CallGet, `{"sessionId":"p2p|f0"}`)
		assert.Contains(t, string(got.Data), `"ext":"pin"`)

		r = w.call(replica.CallDelete, `{"sessionList":[{"sessionId":"f0","sessionType":"p2p"},{"sessionId":"nobody","sessionType":"p2p"}]}`)
		require.NotNil(t, r)
		assert.True(t, r.IsSuccess)
		assert.Empty(t, w.deletes, "never for the caller's own")
		ids, _, _ := w.list(all).list(t)
		assert.Equal(t, []string{"f1"}, ids)
		assert.Equal(t, core.CodeNotFound, w.call(replica.CallGet, `{"sessionId":"f0","sessionType":"p2p"}`).Code)
		assert.EqualValues(t, 0, w.status["pending"])
	}
}

func TestAnotherDevicesWritesAreEvents(t *testing.T) {
	w := newWorld(t)
	w.fill(2)
	w.open()
	f0 := core.Key{Type: core.P2P, ID: "f0"}
	w.do(func(a *account.Account) error { _, err := a.SetExt(f0, "there", 0); return err })
	require.Len(t, w.updates, 1)
	assert.Equal(t, "there", *w.updates[0].Ext)
	w.do(func(a *account.Account) error { _, err := a.Delete(f0, 0, false); return err })
	assert.Equal(t, []core.Key{f0}, w.deletes)
	assert.Len(t, w.updates, 1, "a delete is no update")
}

// A message that comes together with the own write must be told.
func TestOwnWriteHidesNoMessage(t *testing.T) {
	w := newWorld(t)
	w.fill(1)
	w.open()
	w.held = true
	w.call(replica.CallUpdate, `{"sessionId":"f0","sessionType":"p2p","ext":"x"}`)
	w.message("f0", "meanwhile")
	w.held = false
	w.queue = append(w.queue, w.heldBack...)
	w.run()
	require.NotEmpty(t, w.updates)
	last := w.updates[len(w.updates)-1]
	assert.Contains(t, *last.LastMsg, "meanwhile")
	assert.Equal(t, "x", *last.Ext)
}

func TestReloadOfflineListsTheCache(t *testing.T) {
	w := newWorld(t)
	w.fill(600) // several chunks
	w.open()
	w.pass(1000)
	w.message("f7", "journalled")
	w.do(func(a *account.Account) error {
		_, err := a.Delete(core.Key{Type: core.P2P, ID: "f599"}, 0, false)
		return err
	})
	w.pass(1000)
	require.Len(t, w.disk.chunks, 3)
	require.NotEmpty(t, w.disk.journal)

	w.online = false
	w.open()
	assert.Equal(t, "offline", w.status["connection"])
	r := w.list(`{"limit":2}`)
	ids, more, _ := r.list(t)
	assert.Equal(t, []string{"f7", "f598"}, ids)
	assert.True(t, more)
	assert.Equal(t, "cache", r.Source)
	assert.False(t, r.Fresh)
	assert.True(t, r.Complete)
	assert.EqualValues(t, 599, w.status["cached"])
	assert.Contains(t, string(w.disk.head), `"sessionId":"f7"`)

	w.online = true
	w.message("f3", "while away")
	w.paths = nil
	w.setOnline(true)
	assert.Equal(t, "live", w.status["connection"])
	require.Len(t, w.updates, 1)
	assert.NotContains(t, w.paths, "/v1/snapshot", "a resume, not a new list")
}

func TestOfflineWithoutCache(t *testing.T) {
	w := newWorld(t)
	w.online = false
	w.open()
	r := w.list(all)
	assert.Equal(t, core.CodeOffline, r.Code)
	w.open(`"reject":true`)
	r = w.call(replica.CallUpdate, `{"sessionId":"f0","sessionType":"p2p","ext":"x"}`)
	assert.Equal(t, core.CodeOffline, r.Code)
}

func TestConnectingAsksTheServerAndThenTheCache(t *testing.T) {
	w := newWorld(t)
	w.fill(2)
	w.open()
	w.pass(1000)
	w.now++
	w.held = true // the server is silent
	w.open()
	require.Nil(t, w.call(replica.CallList, all), "the server is asked first")
	w.pass(2999)
	require.Nil(t, w.reply(w.callID))
	w.pass(1)
	r := w.reply(w.callID)
	require.NotNil(t, r, "after 3 s the cache answers")
	assert.Equal(t, "cache", r.Source)
	assert.False(t, r.Fresh)

	require.Nil(t, w.call(replica.CallList, all))
	w.held = false
	w.queue = append(w.queue, w.heldBack...)
	w.run()
	r = w.reply(w.callID)
	assert.Equal(t, "server", r.Source)
	assert.True(t, r.Fresh)
}

// R1: frames that leave a gap are pulled, those that were applied are dropped.
func TestFramesLostRepeatedAndReordered(t *testing.T) {
	w := newWorld(t)
	w.fill(1)
	w.open()
	delta := func(from, to int64) replica.Event {
		page := w.page(core.SyncRequest{V: 1, Cursor: core.Cursor{Epoch: "e1", Seq: from}, Limit: int(to - from)})
		f := core.Frame{Kind: core.FrameDelta, Epoch: "e1", From: from, To: to, Rows: page.Rows}
		return replica.Event{Kind: replica.EvFrame, ID: w.socket, Data: core.AppendFrame(nil, &f)}
	}
	w.pos = 1 << 40 // this test pushes by itself
	w.fill(4)       // seqs 2 to 5: f0 again at 2, f1 3, f2 4, f3 5
	w.handle(delta(2, 3))
	assert.Contains(t, w.paths, "/v1/sync", "a gap is pulled")
	w.run()
	assert.Equal(t, "e1.5", w.status["cursor"])
	w.paths = nil
	w.handle(delta(1, 2))
	w.handle(delta(2, 5))
	w.run()
	assert.Empty(t, w.paths, "what was applied is dropped")
	ids, _, _ := w.list(all).list(t)
	assert.Equal(t, []string{"f3", "f2", "f1", "f0"}, ids)
	assert.Len(t, w.updates, 4, "each key once")
}

// Frames that came close together are taken as if one after the other.
func TestSeveralFramesAtOnce(t *testing.T) {
	w := newWorld(t)
	w.fill(1)
	w.open()
	w.pos = 1 << 40 // this test pushes by itself
	w.fill(4)       // seqs 2 to 5: f0 again at 2, f1 3, f2 4, f3 5
	joined := func(frames ...core.Frame) replica.Event {
		var data []byte
		for i := range frames {
			if i > 0 {
				data = append(data, replica.FrameSeparator)
			}
			data = core.AppendFrame(data, &frames[i])
		}
		return replica.Event{Kind: replica.EvFrame, ID: w.socket, Data: data}
	}
	delta := func(from, to int64) core.Frame {
		page := w.page(core.SyncRequest{V: 1, Cursor: core.Cursor{Epoch: "e1", Seq: from}, Limit: int(to - from)})
		return core.Frame{Kind: core.FrameDelta, Epoch: "e1", From: from, To: to, Rows: page.Rows}
	}
	w.paths = nil
	w.handle(joined(delta(1, 2), delta(2, 4), delta(4, 5)))
	assert.Equal(t, "e1.5", w.status["cursor"])
	assert.Empty(t, w.paths, "there was no gap")
	assert.Len(t, w.updates, 4)

	// What follows a frame that ends the socket is of no use.
	socket := w.socket
	w.handle(joined(core.Frame{Kind: core.FrameReset, Epoch: "e1", Head: 5, Reason: "floor"}, core.Frame{Kind: core.FrameReady, Epoch: "e1", Head: 5}, core.Frame{Kind: core.FrameBehind, Epoch: "e1", Head: 1000}))
	assert.Equal(t, "connecting", w.status["connection"], "there is no socket that could be ready")
	w.run()
	assert.Equal(t, "e1.5", w.status["cursor"])
	assert.Equal(t, "live", w.status["connection"], "and not behind")
	assert.NotEqual(t, socket, w.socket)
}

func TestAFrameOfNothingIsNone(t *testing.T) {
	w := newWorld(t)
	w.open()
	socket := w.socket
	w.handle(replica.Event{Kind: replica.EvFrame, ID: socket})
	w.run()
	assert.Contains(t, w.paths, "/v1/sync")
	assert.NotEqual(t, socket, w.socket, "the socket was given up")
}

// N3: a server that is there again tells of changes with its ready; the frame
// that brings them is lost.
func TestChangesThatReadyToldOfArePulled(t *testing.T) {
	w := newWorld(t)
	w.fill(1)
	w.open()
	w.setOnline(false)
	w.message("f1", "meanwhile")
	w.loses = true
	w.refuse = func(path string) (int, string, bool) { return 500, "", path == "/v1/sync" }
	w.setOnline(true) // asks as well, and is refused before the socket is ready
	w.refuse = nil
	w.pass(20_000)
	assert.Equal(t, "live", w.status["connection"])
	ids, _, _ := w.list(all).list(t)
	assert.Equal(t, []string{"f1", "f0"}, ids)
}

func TestResetKeepsTheOldListUntilTheNewOneIsWhole(t *testing.T) {
	w := newWorld(t)
	w.fill(3)
	w.open()
	w.pass(1000)
	w.setOnline(false)
	f1 := core.Key{Type: core.P2P, ID: "f1"}
	w.do(func(a *account.Account) error { _, err := a.Delete(f1, 0, false); return err })
	w.message("new", "hi")
	// The tombstone is collected: the cursor is below the floor.
	w.now += 100 * 24 * 3600_000
	for range 3 {
		require.NoError(t, w.update(func(a *account.Account) error {
			_, err := a.Collect()
			return err
		}))
		w.fillOther(400)
	}
	require.NoError(t, w.update(func(a *account.Account) error { _, err := a.Collect(); return err }))
	w.held = true
	w.setOnline(true)
	for range 6 { // step by step through the bootstrap
		ids, _, _ := w.cachedNow().list(t)
		assert.NotEmpty(t, ids, "I10: the list never flashes empty")
		w.queue, w.heldBack = w.heldBack, nil
		w.run()
	}
	w.held = false
	w.queue = append(w.queue, w.heldBack...)
	w.run()
	w.pass(2000)
	assert.Equal(t, "live", w.status["connection"])
	assert.Contains(t, w.deletes, f1, "no zombie, and the app hears of it")
	assert.Equal(t, core.CodeNotFound, w.call(replica.CallGet, `{"sessionId":"p2p|f1"}`).Code)
}

// fillOther makes n changes on one session.
func (w *world) fillOther(n int) {
	for range n {
		w.message("busy", "x")
	}
}

// cachedNow asks for the list and lets its patience run out.
func (w *world) cachedNow() result {
	w.t.Helper()
	return w.cachedList(`{"limit":5}`)
}

func TestDigestMismatchReadsAgain(t *testing.T) {
	w := newWorld(t)
	w.fill(3)
	w.open()
	w.pass(1000)
	w.disk.chunks[0] = replica.WithoutLastRow(w.disk.chunks[0])
	w.now++
	w.open()
	w.message("f9", "hi")
	w.pass(5000)
	ids, _, _ := w.list(all).list(t)
	assert.Equal(t, []string{"f9", "f2", "f1", "f0"}, ids)
	assert.Equal(t, "live", w.status["connection"])
}

func TestDamagedStorageIsReadFromTheServerAgain(t *testing.T) {
	damage := map[string]func(*disk){
		"a flipped bit": func(d *disk) { d.chunks[0][40] ^= 1 },
		"half a chunk":  func(d *disk) { d.chunks[0] = d.chunks[0][:len(d.chunks[0])/2] },
		"no chunk":      func(d *disk) { d.chunks = nil },
		"odd meta":      func(d *disk) { d.meta["cursor"] = "x" },
		"empty chunk":   func(d *disk) { d.chunks[0] = nil },
	}
	for name, hurt := range damage {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.fill(3)
			w.open()
			w.pass(1000)
			hurt(w.disk)
			w.now++
			w.open()
			w.pass(60_000)
			ids, _, _ := w.list(all).list(t)
			assert.Equal(t, []string{"f2", "f1", "f0"}, ids)
		})
	}
}

// A chunk's checksum speaks for what it holds: nothing but a row's head is read
// at the start. One that does not read later, which this package cannot have
// written, ends nothing and hides no session.
func TestAStoredRowThatDoesNotReadIsListedBare(t *testing.T) {
	w := newWorld(t)
	w.fill(3)
	w.open()
	w.pass(1000)
	w.disk.chunks = [][]byte{replica.EncodeChunk([][]byte{
		[]byte(`{"k":"p2p|f1","q":2,"t":1700000000002,"m":{"content":"hello}`),
		[]byte(`{"t":1700000000001,"q":1,"k":"p2p|f0"}`), // in another order, as no server of ours writes it
	})}
	w.online = false
	w.now++
	w.open()
	r := w.list(all)
	ids, _, _ := r.list(t)
	assert.Equal(t, []string{"f1", "f0"}, ids)
	assert.NotContains(t, string(r.Data), "hello")
}

func TestStorageThatFailsLeavesMemory(t *testing.T) {
	w := newWorld(t)
	w.disk.fail = true
	w.fill(3)
	w.open()
	w.pass(1000)
	assert.Equal(t, "memory", w.status["storage"])
	w.message("f0", "more")
	ids, _, _ := w.list(all).list(t)
	assert.Equal(t, []string{"f0", "f2", "f1"}, ids)
}

// Two tabs of one account write to one database: whoever is late must neither
// undo the other's rows nor lose its own.
func TestTwoTabsShareOneDisk(t *testing.T) {
	w := newWorld(t)
	w.fill(3)
	w.open()
	w.pass(1000)
	a := *w
	b := *w
	b.now++
	b.open()
	b.pass(1000)
	for i := range 5 {
		b.message(fmt.Sprintf("x%d", i), "1")
		a.now, a.order = b.now, b.order
		a.run()
		a.pass(1000)
		b.now = a.now
		b.pass(1000)
	}
	b.online = false
	b.now++
	b.open()
	ids, _, _ := b.list(all).list(t)
	assert.Equal(t, []string{"x4", "x3", "x2", "x1", "x0", "f2", "f1", "f0"}, ids)
	assert.Equal(t, "indexeddb", a.status["storage"])
}

func TestJournalIsFoldedIntoChunks(t *testing.T) {
	w := newWorld(t)
	w.fill(3)
	w.open()
	w.pass(1000)
	for range 80 {
		w.message("f0", "x")
		w.pass(200)
	}
	w.pass(5000)
	assert.Less(t, len(w.disk.journal), 64)
	w.online = false
	w.now++
	w.open()
	ids, _, _ := w.list(all).list(t)
	assert.Equal(t, []string{"f0", "f2", "f1"}, ids)
}

func TestPartialCacheHasNoFalseEnd(t *testing.T) {
	w := newWorld(t)
	w.fill(250)
	w.open(`"maxCached":100`)
	r := w.list(`{"limit":100}`)
	ids, more, next := r.list(t)
	assert.Len(t, ids, 100)
	assert.True(t, more)
	older := w.list(fmt.Sprintf(`{"limit":100,"maxTimestamp":%d}`, next))
	assert.Equal(t, "server", older.Source, "what the cache lacks is asked of the server")
	ids, _, _ = older.list(t)
	assert.Equal(t, "f149", ids[0])
	w.setOnline(false)
	r = w.list(fmt.Sprintf(`{"limit":100,"maxTimestamp":%d}`, next))
	ids, more, _ = r.list(t)
	assert.Empty(t, ids)
	assert.True(t, more, "never a false end")
	assert.False(t, r.Complete)
	w.pass(1000)
	w.now++
	w.open(`"maxCached":100`)
	_, more, again := w.list(`{"limit":100}`).list(t)
	assert.True(t, more)
	assert.Equal(t, next, again)
}

func TestTokenRefusedTwiceIsUnauthorized(t *testing.T) {
	w := newWorld(t)
	w.fill(1)
	refused := true
	w.refuse = func(string) (int, string, bool) {
		return 401, `{"code":302,"errorDetails":"token: is expired"}`, refused
	}
	w.open()
	assert.Equal(t, "unauthorized", w.status["connection"])
	assert.Equal(t, "token: is expired", w.status["lastError"])
	asked := len(w.paths)
	assert.LessOrEqual(t, asked, 3, "no hot loop")
	r := w.list(all)
	assert.Equal(t, core.CodeToken, r.Code)
	refused = false
	w.pass(120_000)
	assert.Equal(t, "live", w.status["connection"], "a new token ends it")
}

// N9, N10, A8: whatever a server answers, the cursor stays and no loop starts.
func TestBrokenServersGetNoLoop(t *testing.T) {
	answers := map[string]string{
		"a captive portal":  `<html>Please log in</html>`,
		"half an answer":    `{"code":200,"data":{"v":1,"epoch":"e1","from":`,
		"half, ending well": `{"code":200,"data":{"v":1,"epoch":"e1","from":3,"next":4,"head":4,"rows":[{"k":"p2p|a","q":4,"t":1}`,
		"backwards":         `{"code":200,"data":{"v":1,"epoch":"e1","from":3,"next":1,"head":3,"more":false,"rows":[]}}`,
		"endless":           `{"code":200,"data":{"v":1,"epoch":"e1","from":3,"next":3,"head":9,"more":true,"rows":[]}}`,
		"another cursor":    `{"code":200,"data":{"v":1,"epoch":"e1","from":7,"next":9,"head":9,"more":false,"rows":[]}}`,
		"negative seq":      `{"code":200,"data":{"v":1,"epoch":"e1","from":3,"next":4,"head":4,"more":false,"rows":[{"k":"p2p|a","q":-4,"t":1}]}}`,
		"a wrong digest":    `{"code":200,"data":{"v":1,"epoch":"e1","from":3,"next":3,"head":3,"more":false,"rows":[],"digest":"0000000000000001"}}`,
		"always reset":      `{"code":200,"data":{"v":1,"reset":true,"reason":"epoch","epoch":"e9","head":3}}`,
		"nothing":           ``,
		"null":              `null`,
	}
	for name, answer := range answers {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.fill(3)
			w.open()
			w.refuse = func(path string) (int, string, bool) { return 200, answer, path == "/v1/sync" }
			w.paths = nil
			w.handle(replica.Event{Kind: replica.EvWake})
			w.run()
			w.pass(60_000)
			assert.Less(t, len(w.paths), 120, "no hot loop")
			ids, _, _ := w.cachedNow().list(t)
			assert.Equal(t, []string{"f2", "f1", "f0"}, ids)
			w.refuse = nil
			w.pass(150_000)
			assert.Equal(t, "live", w.status["connection"])
			assert.Equal(t, "e1.3", w.status["cursor"])
		})
	}
}

// N9: half a page of the first list is not taken for one, wherever it ends, and
// what was read of it does no harm.
func TestN9AFirstListThatEndsEarlyIsAskedForAgain(t *testing.T) {
	w := newWorld(t)
	w.fill(3)
	_, answer := w.serve("/v1/snapshot", []byte(`{"limit":500}`))
	whole := string(answer)
	for cut := range len(whole) {
		w := newWorld(t)
		w.fill(3)
		halves := 2
		w.refuse = func(path string) (int, string, bool) {
			if path != "/v1/snapshot" || halves == 0 {
				return 0, "", false
			}
			halves--
			return 200, whole[:cut], true
		}
		w.open()
		require.Contains(t, w.status["lastError"], "server", whole[:cut])
		w.pass(60_000)
		require.Zero(t, halves)
		ids, _, _ := w.list(all).list(t)
		require.Equal(t, []string{"f2", "f1", "f0"}, ids, whole[:cut])
		require.Equal(t, "live", w.status["connection"])
	}
	t.Attr("N9", "first list cut at each of "+strconv.Itoa(len(whole))+" bytes: asked for again, then exact")
}

// N9: the server's answer to a call is the app's as it is, so it is looked over.
func TestN9HalfAListFromBelowTheCacheIsNone(t *testing.T) {
	w := newWorld(t)
	w.fill(250)
	w.open(`"maxCached":100`)
	w.refuse = func(path string) (int, string, bool) {
		return 200, `{"code":200,"data":{"hasMore":false,"sessionList":[{"sessionId":"f1"}`, path == "/v1/queryMySessionList"
	}
	r := w.list(`{"limit":100,"maxTimestamp":1700000000100}`)
	assert.Equal(t, "cache", r.Source)
	assert.False(t, r.Complete)
	t.Attr("N9", "half a list from below the cache: answered of the cache, as incomplete")
}

// N1: an offline browser leaves a socket open and silent.
func TestSilentSocketIsGivenUp(t *testing.T) {
	w := newWorld(t)
	w.fill(1)
	w.open()
	first := w.socket
	w.held = true // nothing comes any more
	w.pass(44_000)
	assert.Equal(t, first, w.socket)
	w.pass(1_000)
	w.held = false
	w.pass(60_000)
	assert.NotEqual(t, first, w.socket)
	assert.Equal(t, "live", w.status["connection"])
}

func TestAbortAndClose(t *testing.T) {
	w := newWorld(t)
	w.fill(1)
	w.held = true
	w.open()
	require.Nil(t, w.call(replica.CallList, all))
	w.handle(replica.Event{Kind: replica.EvAbort, ID: w.callID})
	r := w.reply(w.callID)
	assert.Equal(t, core.CodeTimeout, r.Code)
	assert.Equal(t, "aborted", r.ErrorDetails)
	require.Nil(t, w.call(replica.CallList, all))
	w.handle(replica.Event{Kind: replica.EvClose})
	assert.Equal(t, core.CodeOffline, w.reply(w.callID).Code)
	assert.True(t, w.closed)
	assert.Equal(t, "closed", w.status["connection"])
	w.held = false
	w.queue = w.heldBack
	w.run()
	assert.Equal(t, core.CodeOffline, w.list(all).Code)
}

func TestCloseStoresWhatIsNew(t *testing.T) {
	w := newWorld(t)
	w.fill(2)
	w.open()
	w.handle(replica.Event{Kind: replica.EvClose})
	assert.False(t, w.closed, "waits for the storage")
	w.run()
	assert.True(t, w.closed)
	w.online = false
	w.now++
	w.open()
	ids, _, _ := w.list(all).list(t)
	assert.Equal(t, []string{"f1", "f0"}, ids)
}

func TestBadParametersAreRefusedOffline(t *testing.T) {
	w := newWorld(t)
	w.online = false
	w.open()
	for params, text := range map[string]string{
		`{"limit":0}`:                         "limit: 0 is under 1",
		`{"limit":101}`:                       "limit: 101 is over 100",
		`{"limit":"5"}`:                       `limit: "5" is not a number`,
		`{"limit":1.5}`:                       "limit: 1.5 is not a whole number",
		`{"minTimestamp":-1}`:                 "minTimestamp: -1 is under 0",
		`{"needLastMsg":2}`:                   "needLastMsg: 2 is not 0 or 1",
		`{"minTimestamp":9007199254740993}`:   "minTimestamp: 9007199254740993 is beyond 2^53-1",
		`{"minTimestamp":5,"maxTimestamp":4}`: "minTimestamp: 5 is over maxTimestamp 4",
	} {
		r := w.list(params)
		assert.Equal(t, core.CodeBadParam, r.Code)
		assert.Equal(t, text, r.ErrorDetails)
	}
}

func TestRefusedConfig(t *testing.T) {
	w := newWorld(t)
	w.disk = nil
	w.open(`"account":"a/b"`)
	assert.Equal(t, "closed", w.status["connection"])
	r := w.list(all)
	assert.Equal(t, core.CodeBadParam, r.Code)
	assert.Equal(t, `account: "a/b" holds /`, r.ErrorDetails)
}

// A write whose answer is lost is sent again under its number, and applied once.
func TestLostAcknowledgement(t *testing.T) {
	w := newWorld(t)
	w.fill(1)
	w.open()
	lost := true
	w.refuse = func(path string) (int, string, bool) {
		if path != "/v1/mutate" || !lost {
			return 0, "", false
		}
		lost = false
		w.refuse = nil
		w.serve(path, []byte(`{"clientId":"`+w.client+`","muts":[{"mid":1,"op":"ext","key":"p2p|f0","ext":"once","base":1}]}`))
		return 0, "", true
	}
	w.pos = 1 << 40 // and the socket is silent
	require.Nil(t, w.call(replica.CallUpdate, `{"sessionId":"f0","sessionType":"p2p","ext":"once"}`))
	w.pass(4000)
	r := w.reply(w.callID)
	require.NotNil(t, r)
	assert.True(t, r.IsSuccess, r.ErrorDetails)
	w.handle(replica.Event{Kind: replica.EvWake})
	w.run()
	assert.Equal(t, "e1.2", w.status["cursor"], "one effect")
	assert.EqualValues(t, 0, w.status["pending"])
	assert.Empty(t, w.updates)
}

// S20: a server that lost track of the client gets new numbers.
func TestGapIsRenumbered(t *testing.T) {
	w := newWorld(t)
	w.fill(1)
	w.open()
	require.True(t, w.call(replica.CallUpdate, `{"sessionId":"f0","sessionType":"p2p","ext":"1"}`).IsSuccess)
	w.now += 100 * 24 * 3600_000
	require.NoError(t, w.update(func(a *account.Account) error { _, err := a.Collect(); return err }))
	w.call(replica.CallUpdate, `{"sessionId":"f0","sessionType":"p2p","ext":"2"}`)
	w.pass(10_000)
	r := w.reply(w.callID)
	require.NotNil(t, r)
	assert.True(t, r.IsSuccess, r.ErrorDetails)
	assert.Contains(t, string(w.call(replica.CallGet, `{"sessionId":"p2p|f0"}`).Data), `"ext":"2"`)
}
