package replica_test

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"recents/core"
	"recents/core/account"
	"recents/core/replica"
)

// world is a replica with a real account on the other side, a scripted network
// and a browser's storage, all in one goroutine.
type world struct {
	t      *testing.T
	now    int64
	server *account.Memory
	epoch  string
	order  uint64

	r                      *replica.Replica
	online                 bool
	refuse                 func(path string) (status int, body string, refused bool)
	refuseAfter            func(path string) (after int64, refused bool) // 503 with a Retry-After
	refuseBody             func(path, body string) (status int, answer string, refused bool)
	socket                 int64 // 0: none
	lastDial               int64
	dialed                 int   // sockets that were tried
	pos                    int64 // what the socket was told up to
	queue                  []replica.Event
	timers                 map[int64]int64 // id → due
	disk                   *disk
	mute                   bool   // the server sends no delta
	fenced                 bool   // storage takes nothing of this tab, since another one leads
	held                   bool   // answers wait in heldBack
	slow                   string // answers to this path wait in heldBack too
	noSockets, alwaysReset bool
	loses                  bool // frames of changes are lost
	pages                  int  // rows of a page of /v1/sync; 0: as many as asked
	heldBack               []replica.Event
	holds                  bool             // the server holds polls, until answerPolls
	polls                  []replica.Effect // that it holds

	replies map[int64]result
	updates []core.RecentSession
	deletes []core.Key
	status  map[string]any
	// storages are the status's storage, each time that it changed.
	storages []string
	// fresh counts the sockets that asked for a new token, and freshFetches are
	// the paths that did.
	fresh        int
	freshFetches []string
	expiresIn    int64 // ms that a token has when a socket is ready; 0: it does not say
	paths        []string
	closed       bool
	lastStore    int64 // id of the last FxStore
	chunksOf     int64 // the batch that chunks will be of
	chunks       [][]byte
	settled      []settled
	client       string
	callID       int64
	others       func(replica.Event) // tells the other tabs; nil: there are none
}

type settled struct {
	Code             int
	ErrorDetails, Op string
	Sessions         []struct{ SessionID, SessionType string }
}

type result struct {
	Code         int
	Data         json.RawMessage
	ErrorDetails string
	IsSuccess    bool
	Source       string
	Fresh        bool
	Complete     bool
	Pending      bool
}

func (r result) list(t *testing.T) (ids []string, hasMore bool, next int64) {
	t.Helper()
	require.Equal(t, 0, r.Code, r.ErrorDetails)
	var l struct {
		HasMore          bool
		SessionList      []core.RecentSession
		NextMaxTimestamp int64
	}
	require.NoError(t, json.Unmarshal(r.Data, &l))
	for _, s := range l.SessionList {
		ids = append(ids, s.SessionID)
	}
	return ids, l.HasMore, l.NextMaxTimestamp
}

// disk is what the tabs of one origin share.
type disk struct {
	meta     map[string]any
	chunks   [][]byte
	journal  [][]byte
	head     []byte
	fail     bool
	room     int // bytes that a write may have; 0: any
	fullOnce bool
	crammed  bool // full until its rows are cleared
	refused  int  // writes that found no room
	opened   int  // times that it was opened again after a failure
	writes   int
	client   string // of the outbox, "" when there is none
	next     int64
	outbox   []stored
}

// stored is a write of the outbox.
type stored struct {
	First int64           `json:"first"`
	Count int64           `json:"count"`
	Write json.RawMessage `json:"write"`
}

// change does what an FxOutbox asks for, as js/src/store.ts does.
func (d *disk) change(t *testing.T, request []byte) []byte {
	var q struct {
		Expect, ClientID   string
		After, Count, Done int64
		Write              json.RawMessage
	}
	require.NoError(t, json.Unmarshal(request, &q), "%s", request)
	if d.client == "" {
		d.client, d.next = q.ClientID, 1
		if q.Expect != "" {
			d.client = q.Expect
		}
	}
	switch {
	case q.Expect != "" && q.Expect == d.client:
		d.forget(d.client, q.Done)
		d.client, d.next = q.ClientID, 1
		for i := range d.outbox {
			d.outbox[i].First = d.next
			d.next += d.outbox[i].Count
		}
		q.After = 0
	case q.Count > 0:
		d.outbox = append(d.outbox, stored{d.next, q.Count, q.Write})
		d.next += q.Count
	}
	if d.client != q.ClientID {
		q.After = 0
	}
	return d.outboxAfter(q.After)
}

func (d *disk) outboxAfter(after int64) []byte {
	list := []stored{}
	for _, s := range d.outbox {
		if s.First > after {
			list = append(list, s)
		}
	}
	b, _ := json.Marshal(map[string]any{"clientId": d.client, "next": d.next, "writes": list})
	return b
}

// full reports whether there is no room for a write. What is stored takes none:
// a browser does not count it again either.
func (d *disk) full(bytes int) bool {
	if d.fullOnce || d.room > 0 && bytes > d.room {
		d.fullOnce = false
		d.refused++
		return true
	}
	return false
}

// forget drops the writes that the base contains.
func (d *disk) forget(client string, done int64) {
	if client == d.client {
		d.outbox = slices.DeleteFunc(d.outbox, func(s stored) bool { return s.First <= done })
	}
}

func newWorld(t *testing.T) *world {
	return &world{t: t, now: 1_700_000_000_000, server: account.NewMemory(), online: true, epoch: "e1", disk: &disk{}}
}

// open starts a tab's replica on the world's disk.
func (w *world) open(options ...string) {
	w.r = replica.New()
	w.timers, w.replies = map[int64]int64{}, map[int64]result{}
	w.socket, w.queue, w.heldBack, w.updates, w.deletes, w.closed, w.settled = 0, nil, nil, nil, nil, false, nil
	extra := ""
	for _, o := range options {
		extra += "," + o
	}
	w.client = fmt.Sprintf("tab%d", w.now)
	w.handle(replica.Event{Kind: replica.EvStart, Data: []byte(fmt.Sprintf(
		`{"account":"me","clientId":%q,"seed":7,"storage":%t,"online":%t%s}`, w.client, w.disk != nil, w.online, extra))})
	if w.disk != nil {
		w.load()
	}
	w.run()
}

func (w *world) load() {
	var meta []byte
	if w.disk.meta != nil {
		meta, _ = json.Marshal(w.disk.meta)
	}
	w.handle(replica.Event{Kind: replica.EvLoad, Data: meta})
	for _, c := range slices.Concat(w.disk.chunks, w.disk.journal) {
		w.handle(replica.Event{Kind: replica.EvChunk, Data: slices.Clone(c)})
	}
	if w.disk.client != "" {
		w.handle(replica.Event{Kind: replica.EvQueued, Data: w.disk.outboxAfter(0)})
		w.client = w.disk.client
	}
	w.handle(replica.Event{Kind: replica.EvLoaded})
}

func (w *world) handle(ev replica.Event) {
	ev.Now = w.now
	for _, fx := range w.r.Handle(ev) {
		w.perform(fx)
	}
}

// run handles what is under way until nothing is.
func (w *world) run() {
	for range 10_000 {
		if len(w.queue) == 0 && !w.push() {
			return
		}
		if len(w.queue) > 0 {
			ev := w.queue[0]
			w.queue = w.queue[1:]
			w.handle(ev)
		}
	}
	w.t.Fatal("the replica does not come to rest")
}

func (w *world) perform(fx replica.Effect) {
	switch fx.Kind {
	case replica.FxReply:
		var r result
		require.NoError(w.t, json.Unmarshal(fx.Data, &r), "%s", fx.Data)
		_, twice := w.replies[fx.ID]
		require.False(w.t, twice, "call %d is answered twice", fx.ID)
		w.replies[fx.ID] = r
	case replica.FxUpdates:
		var s []core.RecentSession
		require.NoError(w.t, json.Unmarshal(fx.Data, &s), "%s", fx.Data)
		w.updates = append(w.updates, s...)
	case replica.FxDeletes:
		var keys []struct{ SessionID, SessionType string }
		require.NoError(w.t, json.Unmarshal(fx.Data, &keys))
		for _, k := range keys {
			key, err := core.ResolveKey(k.SessionID, k.SessionType)
			require.NoError(w.t, err)
			w.deletes = append(w.deletes, key)
		}
	case replica.FxStatus:
		w.status = map[string]any{}
		require.NoError(w.t, json.Unmarshal(fx.Data, &w.status))
		if s := fmt.Sprint(w.status["storage"]); len(w.storages) == 0 || w.storages[len(w.storages)-1] != s {
			w.storages = append(w.storages, s)
		}
		if w.status["leader"] == true {
			w.tellOthers(replica.Event{Kind: replica.EvLeader, Data: fx.Data})
		}
	case replica.FxFetch:
		w.paths = append(w.paths, fx.Path)
		if fx.Code&replica.FetchFresh > 0 {
			w.freshFetches = append(w.freshFetches, fx.Path)
		}
		w.answer(fx)
	case replica.FxDial:
		w.dial(fx)
	case replica.FxSend:
		w.receive(fx)
	case replica.FxHangup:
		w.socket = 0
	case replica.FxTimer:
		w.timers[fx.ID] = w.now + fx.Code
	case replica.FxCancel:
		delete(w.timers, fx.ID)
	case replica.FxChunk:
		if fx.ID != w.chunksOf {
			w.chunksOf, w.chunks = fx.ID, nil // the batch of the others was given up
		}
		w.chunks = append(w.chunks, slices.Clone(fx.Data))
	case replica.FxStore:
		w.store(fx)
	case replica.FxPause:
		w.later(replica.Event{Kind: replica.EvGoOn})
	case replica.FxClosed:
		w.closed = true
	case replica.FxOutbox:
		ev := replica.Event{Kind: replica.EvQueued, ID: fx.ID, Code: 2}
		if w.disk.crammed || w.disk.full(len(fx.Data)) {
			ev.Code = 3
		} else if !w.disk.fail {
			ev.Code, ev.Data = 0, w.disk.change(w.t, fx.Data)
			w.client = w.disk.client
		}
		w.later(ev)
		w.tellOthers(replica.Event{Kind: replica.EvChanged})
	case replica.FxReread:
		w.reread(fx)
	case replica.FxRefused:
		w.tellOthers(replica.Event{Kind: replica.EvRefused, Data: fx.Data})
	case replica.FxSettled:
		var s settled
		require.NoError(w.t, json.Unmarshal(fx.Data, &s), "%s", fx.Data)
		w.settled = append(w.settled, s)
	}
}

func (w *world) later(ev replica.Event) {
	if w.held {
		w.heldBack = append(w.heldBack, ev)
		return
	}
	w.queue = append(w.queue, ev)
}

func (w *world) answer(fx replica.Effect) {
	ev := replica.Event{Kind: replica.EvResponse, ID: fx.ID}
	after, refused := int64(0), false
	if w.refuseAfter != nil {
		after, refused = w.refuseAfter(fx.Path)
	}
	switch {
	case refused:
		ev.Code, ev.After, ev.Data = 503, after, []byte(`{"code":503}`)
	case w.online:
		ev.Code, ev.Data = w.serve(fx.Path, fx.Data)
	}
	if w.holds && strings.Contains(string(fx.Data), `"waitMs":`) {
		w.polls = append(w.polls, fx)
		return
	}
	if fx.Path == w.slow {
		w.heldBack = append(w.heldBack, ev)
		return
	}
	w.later(ev)
}

func (w *world) serve(path string, body []byte) (status int64, answer []byte) {
	if w.refuse != nil {
		if status, text, refused := w.refuse(path); refused {
			return int64(status), []byte(text)
		}
	}
	if w.refuseBody != nil {
		if status, text, refused := w.refuseBody(path, string(body)); refused {
			return int64(status), []byte(text)
		}
	}
	if q, err := core.ParseSyncRequest(body); err == nil && path == "/v1/sync" && w.pages > 0 {
		q.Limit = w.pages
		body = core.AppendSyncRequest(nil, &q)
	}
	var data []byte
	err := w.update(func(a *account.Account) (err error) {
		data, err = call(a, path, body)
		return err
	})
	if err != nil {
		code, text := core.CodeOf(err)
		return 400, []byte(fmt.Sprintf(`{"code":%d,"errorDetails":%q}`, code, text))
	}
	return 200, []byte(fmt.Sprintf(`{"code":200,"data":%s}`, data))
}

func call(a *account.Account, path string, body []byte) ([]byte, error) {
	switch path {
	case "/v1/sync":
		q, err := core.ParseSyncRequest(body)
		if err != nil {
			return nil, err
		}
		a.Create()
		p, err := a.Sync(q)
		return core.AppendSyncPage(nil, p), err
	case "/v1/snapshot":
		q, err := core.ParseSnapshotRequest(body)
		if err != nil {
			return nil, err
		}
		a.Create()
		p, err := a.Snapshot(q)
		return core.AppendSnapshotPage(nil, p), err
	case "/v1/mutate":
		q, err := core.ParseMutateRequest(body, core.MaxExt)
		if err != nil {
			return nil, err
		}
		p, err := a.Mutate(q)
		return core.AppendMutatePage(nil, p), err
	case "/v1/queryMySessionList":
		q, err := core.ParseListRequest(body)
		if err != nil {
			return nil, err
		}
		rows, more, err := a.List(q)
		return core.AppendSessionList(nil, rows, more, q.NeedLastMsg, core.NextMax(rows, more)), err
	}
	return nil, &core.Error{Code: core.CodeNotFound, Details: path}
}

// update runs an operation on the server's account.
func (w *world) update(fn func(a *account.Account) error) error {
	return w.server.Update(context.Background(), func(tx account.Tx) error {
		a, err := account.Open("me", tx.Account("me"), account.Env{Now: w.now, NewEpoch: w.epoch})
		if err != nil {
			return err
		}
		if err := fn(a); err != nil {
			return err
		}
		_, err = a.Commit()
		return err
	})
}

func (w *world) do(fn func(a *account.Account) error) {
	w.t.Helper()
	require.NoError(w.t, w.update(fn))
	w.run()
}

// message delivers a message from a friend.
func (w *world) message(from, text string) {
	w.t.Helper()
	w.now++
	w.order = account.NextOrder(w.order, w.now)
	w.do(func(a *account.Account) error { return a.Deliver(w.parse(from, text)) })
}

func (w *world) parse(from, text string) *account.Message {
	m, err := account.ParseMessage([]byte(fmt.Sprintf(`{"uuid":"u%d","content":%q}`, w.order, text)),
		from, core.Key{Type: core.P2P, ID: "me"}, w.order, false)
	require.NoError(w.t, err)
	return m
}

func (w *world) dial(fx replica.Effect) {
	w.dialed++
	w.lastDial = fx.ID
	w.fresh += int(fx.Code)
	if !w.online || w.noSockets {
		w.later(replica.Event{Kind: replica.EvClosed, ID: fx.ID, Code: 1006})
		return
	}
	w.socket, w.pos = fx.ID, -1
	w.later(replica.Event{Kind: replica.EvOpened, ID: fx.ID})
}

func (w *world) receive(fx replica.Effect) {
	if fx.ID != w.socket {
		return
	}
	if string(fx.Data) == "ping" {
		w.later(replica.Event{Kind: replica.EvFrame, ID: fx.ID, Data: []byte("pong")})
		return
	}
	q, err := core.ParseSyncRequest(fx.Data)
	require.NoError(w.t, err)
	page := w.page(q)
	f := core.Frame{Kind: core.FrameReady, Epoch: page.Epoch, Head: page.Head, HeartbeatMs: 25000, TokenExpiresIn: w.expiresIn}
	if w.alwaysReset {
		page.Reset = core.ResetEpoch
	}
	if page.Reset != "" {
		f.Kind, f.Reason = core.FrameReset, page.Reset
	} else {
		w.pos = q.Cursor.Seq
	}
	w.later(replica.Event{Kind: replica.EvFrame, ID: fx.ID, Data: core.AppendFrame(nil, &f)})
}

func (w *world) page(q core.SyncRequest) (page *core.SyncPage) {
	require.NoError(w.t, w.update(func(a *account.Account) (err error) {
		page, err = a.Sync(q)
		return err
	}))
	return page
}

// answerHeld lets what was held back come.
func (w *world) answerHeld() {
	w.queue, w.heldBack = append(w.queue, w.heldBack...), nil
	w.run()
}

// restore puts the server's account back to how it was at a seq, as a restored
// backup: under a new epoch.
func (w *world) restore(epoch string, seq int64) {
	w.t.Helper()
	ctx := context.Background()
	change := &account.Change{Meta: account.Meta{Epoch: epoch, Seq: seq, LastTime: w.now}}
	require.NoError(w.t, w.server.View(ctx, func(tx account.Tx) error {
		rows, err := tx.Account("me").Changes(0, 1000)
		for _, r := range rows {
			if r.Seq <= seq || r.ExtSeq > 0 {
				r.Seq, r.Ext, r.HasExt, r.ExtSeq = min(r.Seq, seq), "", false, 0
				change.Put = append(change.Put, r)
				change.Meta.Digest ^= core.Hash(r.Key.String(), r.Seq)
			}
		}
		return err
	}))
	w.server, w.epoch, w.socket = account.NewMemory(), epoch, 0
	require.NoError(w.t, w.server.Update(ctx, func(tx account.Tx) error { return tx.Account("me").Commit(change) }))
}

// push sends the socket what it was not told yet; false when there is nothing.
func (w *world) push() bool {
	if w.socket == 0 || w.pos < 0 || !w.online || w.mute {
		return false
	}
	page := w.page(core.SyncRequest{V: 1, Cursor: core.Cursor{Epoch: w.epoch, Seq: w.pos}, Limit: 500, ClientID: w.client})
	if page.Reset != "" || page.Next == w.pos {
		return false
	}
	f := core.Frame{Kind: core.FrameDelta, Epoch: page.Epoch, From: page.From, To: page.Next, Rows: page.Rows, LastMid: page.LastMid}
	w.pos = page.Next
	if w.loses {
		return false
	}
	w.later(replica.Event{Kind: replica.EvFrame, ID: w.socket, Data: core.AppendFrame(nil, &f)})
	return len(w.queue) > 0
}

func (w *world) store(fx replica.Effect) {
	w.lastStore = fx.ID
	ev := replica.Event{Kind: replica.EvStored, ID: fx.ID}
	n := binary.LittleEndian.Uint32(fx.Data)
	var h struct {
		Expect, Meta             map[string]any
		Clear                    bool
		Chunks                   []int
		Journal, JournalAt, Head int
		Done                     int64
	}
	require.NoError(w.t, json.Unmarshal(fx.Data[4:4+n], &h))
	blob := fx.Data[4+n:]
	chunks := w.chunks
	w.chunks = nil
	next := func(n int) []byte {
		b := slices.Clone(blob[:n])
		blob = blob[n:]
		return b
	}
	switch {
	case w.disk.fail:
		ev.Code = 2
	case w.disk.crammed && !h.Clear:
		ev.Code = 3
	case w.disk.full(len(slices.Concat(chunks...)) + len(fx.Data)):
		ev.Code = 3
	case w.fenced, !sameMeta(h.Expect, w.disk.meta):
		ev.Code = 1
		if w.disk.meta != nil {
			ev.Data, _ = json.Marshal(w.disk.meta)
		}
	default:
		require.Len(w.t, chunks, len(h.Chunks))
		w.disk.crammed = false
		w.disk.apply(h.Meta, h.Clear, chunks, h.Journal, h.JournalAt, h.Head, next)
		require.Empty(w.t, blob)
		w.disk.forget(fmt.Sprint(h.Meta["clientId"]), h.Done)
		w.tellOthers(replica.Event{Kind: replica.EvChanged})
	}
	w.later(ev)
}

func (d *disk) apply(meta map[string]any, wipe bool, chunks [][]byte, journal, journalAt, head int, next func(int) []byte) {
	d.writes++
	d.meta = meta
	if wipe {
		d.chunks, d.journal = nil, nil
	}
	for i, c := range chunks {
		d.chunks = append(d.chunks[:i], c)
	}
	if journal > 0 {
		d.journal = append(d.journal[:journalAt], next(journal))
	}
	if head > 0 {
		d.head = next(head)
	}
}

func sameMeta(a, b map[string]any) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return a["epoch"] == b["epoch"] && a["cursor"] == b["cursor"] && a["generation"] == b["generation"]
}

// pass lets time go by and timers run out.
func (w *world) pass(ms int64) {
	end := w.now + ms
	for {
		id, due := int64(0), end+1
		for i, d := range w.timers {
			if d < due || d == due && i < id {
				id, due = i, d
			}
		}
		if due > end {
			break
		}
		delete(w.timers, id)
		w.now = max(w.now, due)
		w.handle(replica.Event{Kind: replica.EvTimer, ID: id})
		w.run()
	}
	w.now = end
}

// call calls the replica and returns the answer, nil while there is none.
func (w *world) call(kind int64, params string) *result {
	w.callID++
	w.handle(replica.Event{Kind: replica.EvCall, ID: w.callID, Code: kind, Data: []byte(params)})
	w.run()
	return w.reply(w.callID)
}

func (w *world) reply(id int64) *result {
	r, ok := w.replies[id]
	if !ok {
		return nil
	}
	return &r
}

// release hands over the answers that were held back.
func (w *world) release() {
	held := w.heldBack
	w.heldBack = nil
	for _, ev := range held {
		w.handle(ev)
	}
	w.run()
}

// drop closes the socket from the server's side.
func (w *world) drop(code int64) {
	w.socket = 0
	w.handle(replica.Event{Kind: replica.EvClosed, ID: w.lastDial, Code: code})
	w.run()
}

// friend is the key of the session with one.
func friend(id string) core.Key { return core.Key{Type: core.P2P, ID: id} }

func (w *world) setOnline(online bool) {
	w.online = online
	w.handle(replica.Event{Kind: replica.EvNetwork, Code: int64(map[bool]int{true: 1}[online])})
	w.run()
}
