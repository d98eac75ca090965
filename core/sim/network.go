package sim

import (
	"encoding/json"
	"fmt"
	"slices"

	"recents/core"
	"recents/core/account"
	"recents/core/replica"
)

type flightKind uint8

const (
	request flightKind = iota
	answer
	dial
	up   // a frame to the server
	down // a frame to the client
	said // by another tab of the device
)

// flight is something on its way to a tab or from it.
type flight struct {
	tab    *tab
	kind   flightKind
	id     int64
	path   string
	data   []byte
	status int64
	word   word
}

// flight has something arrive, twice, or not at all; or a tab does what it waits
// for.
func (w *world) flight() {
	if t := w.pickTab(); t != nil && t.busy() && w.rng.IntN(4) > 0 {
		t.work()
		return
	}
	if len(w.flights) == 0 {
		return
	}
	i := w.rng.IntN(len(w.flights))
	f := w.flights[i]
	if w.calm || w.rng.IntN(8) > 0 { // in order within a connection, mostly
		i = slices.IndexFunc(w.flights, func(o flight) bool { return o.tab == f.tab && o.kind == f.kind && o.id == f.id })
		f = w.flights[i]
	}
	if f.tab.frozen {
		return
	}
	fate := w.rng.IntN(100)
	switch {
	case w.calm || fate < 82:
		w.flights = slices.Delete(w.flights, i, i+1)
		w.arrive(f)
	case fate < 90:
		w.arrive(f) // and once more, later
	default:
		w.flights = slices.Delete(w.flights, i, i+1)
		w.lose(f)
	}
}

func (w *world) arrive(f flight) {
	t := f.tab
	if f.kind == said {
		t.seat.hear(f.word)
		return
	}
	if !t.online {
		w.lose(f)
		return
	}
	switch f.kind {
	case request:
		status, body := w.serve(f.path, f.data)
		w.flights = append(w.flights, flight{tab: t, kind: answer, id: f.id, status: status, data: body})
	case answer:
		t.event(replica.Event{Kind: replica.EvResponse, ID: f.id, Code: f.status, Data: slices.Clone(f.data)})
	case dial:
		if f.id == t.dialed && t.socket == 0 {
			t.socket = f.id
			t.event(replica.Event{Kind: replica.EvOpened, ID: f.id})
		}
	case up:
		w.greet(f)
	case down:
		if f.id == t.socket {
			t.event(replica.Event{Kind: replica.EvFrame, ID: f.id, Data: w.burst(f)})
		}
	}
}

// burst is a frame, and sometimes others of its socket that came with it: not
// while all is calm, when each event is held to the one change it tells of.
func (w *world) burst(f flight) []byte {
	data := slices.Clone(f.data)
	for !w.calm && w.rng.IntN(3) == 0 {
		i := slices.IndexFunc(w.flights, func(o flight) bool { return o.tab == f.tab && o.kind == down && o.id == f.id })
		if i < 0 {
			break
		}
		data = append(append(data, replica.FrameSeparator), w.flights[i].data...)
		w.flights = slices.Delete(w.flights, i, i+1)
	}
	return data
}

// lose is what a client sees of a loss: a request without an answer, a socket
// that closes; of a lost frame or word it sees nothing.
func (w *world) lose(f flight) {
	switch f.kind {
	case request, answer:
		f.tab.event(replica.Event{Kind: replica.EvResponse, ID: f.id})
	case dial:
		if f.id == f.tab.dialed {
			f.tab.dropped()
		}
	}
}

// dropped is what a tab hears of a socket that closes, or never opens.
func (t *tab) dropped() {
	id := t.dialed
	t.dialed = 0
	t.w.cut(t)
	t.event(replica.Event{Kind: replica.EvClosed, ID: id, Code: 1006})
}

// cut ends a tab's socket and what was on it.
func (w *world) cut(t *tab) {
	t.socket, t.told = 0, -1
	w.flights = slices.DeleteFunc(w.flights, func(f flight) bool { return f.tab == t && (f.kind == up || f.kind == down) })
}

// greet answers a hello with what was missed; a ping is left to the silence.
func (w *world) greet(f flight) {
	t := f.tab
	if f.id != t.socket {
		return
	}
	if string(f.data) == "ping" {
		w.flights = append(w.flights, flight{tab: t, kind: down, id: f.id, data: []byte("pong")})
		return
	}
	q, err := core.ParseSyncRequest(f.data)
	if err != nil {
		w.violate("hello: %v", err)
		return
	}
	var p *core.SyncPage
	w.view(func(a *account.Account) (err error) {
		p, err = a.Sync(q)
		return err
	})
	first := core.Frame{Kind: core.FrameReady, Epoch: p.Epoch, Head: p.Head, LastMid: p.LastMid, HeartbeatMs: 25000}
	if p.Reset != "" {
		first.Kind, first.Reason = core.FrameReset, p.Reset
	} else {
		t.told, t.client = p.Head, q.ClientID
	}
	w.flights = append(w.flights, flight{tab: t, kind: down, id: f.id, data: core.AppendFrame(nil, &first)})
	if p.Reset == "" && p.Next > p.From {
		f := core.Frame{Kind: core.FrameDelta, Epoch: p.Epoch, From: p.From, To: p.Next, Rows: p.Rows, LastMid: p.LastMid}
		w.flights = append(w.flights, flight{tab: t, kind: down, id: t.socket, data: core.AppendFrame(nil, &f)})
	}
}

// serve answers a call; now and then the server is not well.
func (w *world) serve(path string, body []byte) (int64, []byte) {
	if !w.calm && w.rng.IntN(25) == 0 {
		return 503, []byte(`{"code":503,"errorDetails":"later"}`)
	}
	var data []byte
	err := w.update(path, func(a *account.Account) (err error) {
		a.Create()
		data, err = w.callOn(a, path, body)
		return err
	})
	if err != nil {
		code, text := core.CodeOf(err)
		return 400, []byte(fmt.Sprintf(`{"code":%d,"errorDetails":%q}`, code, text))
	}
	return 200, []byte(fmt.Sprintf(`{"code":200,"data":%s}`, data))
}

func (w *world) callOn(a *account.Account, path string, body []byte) ([]byte, error) {
	switch path {
	case "/v1/sync":
		q, err := core.ParseSyncRequest(body)
		if err != nil {
			return nil, err
		}
		q.Limit = 3 // small pages, to have many
		p, err := a.Sync(q)
		return core.AppendSyncPage(nil, p), err
	case "/v1/snapshot":
		q, err := core.ParseSnapshotRequest(body)
		if err != nil {
			return nil, err
		}
		q.Limit = 2
		p, err := a.Snapshot(q)
		return core.AppendSnapshotPage(nil, p), err
	case "/v1/mutate":
		return w.mutate(a, body)
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

// overtaken returns the ext of the stored write whose number a batch uses up
// without sending it, since a later mutation of the batch replaces it, and that
// one's mid; "" for any other mutation.
func (w *world) overtaken(q core.MutateRequest, i int) (ext string, by int64) {
	for _, d := range w.devices {
		for _, s := range d.disk.outbox {
			if d.disk.client != q.ClientID || s.First != q.Muts[i].Mid || q.Muts[i].Op != core.OpSkip {
				continue
			}
			var stored struct {
				Muts []struct{ Op, Key, Ext string }
			}
			if json.Unmarshal(s.written(), &stored) != nil || len(stored.Muts) != 1 || stored.Muts[0].Op != core.OpExt {
				return "", 0
			}
			for _, later := range q.Muts[i+1:] {
				if later.Key.String() == stored.Muts[0].Key && (later.Op == core.OpExt || later.Op == core.OpDelete && !later.HasSeen) {
					return stored.Muts[0].Ext, later.Mid
				}
			}
		}
	}
	return "", 0
}

// mutate applies a batch, and counts which exts it applied for the first time.
func (w *world) mutate(a *account.Account, body []byte) ([]byte, error) {
	q, err := core.ParseMutateRequest(body, core.MaxExt)
	if err != nil {
		return nil, err
	}
	before, err := a.Sync(core.SyncRequest{V: 1, Cursor: core.Cursor{Epoch: a.Meta().Epoch, Seq: a.Meta().Seq}, ClientID: q.ClientID, Limit: 1})
	if err != nil {
		return nil, err
	}
	p, err := a.Mutate(q)
	if err != nil {
		return nil, err
	}
	for i := range q.Muts {
		m := &q.Muts[i]
		if m.Mid <= before.LastMid || m.Mid > p.LastMid {
			continue
		}
		ext, by := m.Ext, m.Mid
		if m.Op != core.OpExt {
			if ext, by = w.overtaken(q, i); ext == "" {
				continue
			}
		}
		w.applied[ext]++ // or replaced, in one transaction
		w.landed[ext] = p.Seq
		if slices.ContainsFunc(p.Results, func(r core.MutationResult) bool { return r.Mid == by && r.Code != core.CodeOK }) {
			w.landed[ext] = 0 // superseded: nobody is to show it
			w.denied[ext] = true
		}
	}
	return core.AppendMutatePage(nil, p), nil
}
