package replica

import "recents/core"

// write is one call's mutations on their way to the server: numbered, sent in
// order, one batch in flight, and kept until the list contains them (R4). They
// live in memory: a durable outbox is this queue, stored before it is sent.
type write struct {
	call  int64 // 0 once it is answered
	muts  []core.Mutation
	sent  bool
	tries int
	// acked tells that the server has it: the log contains it up to seq.
	acked   bool
	seq     int64
	refusal error // what the server said against it
}

// writeTries bounds how often a write is sent before the app hears that it may
// or may not have arrived.
const writeTries = 4

func (r *Replica) callUpdate(c *call, body []byte) error {
	q, err := core.ParseExtRequest(body, int(r.cfg.MaxExt))
	if err != nil {
		return err
	}
	m := core.Mutation{Op: core.OpExt, Key: q.Key, Ext: q.Ext}
	if e := r.base.rows[q.Key.String()]; e != nil {
		m.Base = e.seq
	}
	return r.queue(c, []core.Mutation{m})
}

// callDelete makes one write of all keys: they travel in one batch, which the
// server applies whole or not at all.
func (r *Replica) callDelete(c *call, body []byte) error {
	keys, err := core.ParseDeleteRequest(body)
	if err != nil {
		return err
	}
	muts := make([]core.Mutation, len(keys))
	for i, k := range keys {
		muts[i] = core.Mutation{Op: core.OpDelete, Key: k}
	}
	return r.queue(c, muts)
}

func (r *Replica) queue(c *call, muts []core.Mutation) error {
	if !r.reachable() {
		return &core.Error{Code: core.CodeOffline, Details: "offline: the write was not sent"}
	}
	w := &write{call: c.id, muts: muts}
	r.number(w)
	c.write = w
	r.writes = append(r.writes, w)
	r.sendWrites()
	return nil
}

func (r *Replica) number(w *write) {
	for i := range w.muts {
		r.mid++
		w.muts[i].Mid = r.mid
	}
}

// sendWrites sends the oldest write that the server has not acknowledged,
// unless one is in flight.
func (r *Replica) sendWrites() {
	for _, w := range r.writes {
		if w.sent {
			return
		}
		if w.acked {
			continue
		}
		w.sent = true
		w.tries++
		q := core.MutateRequest{ClientID: r.cfg.ClientID, Muts: w.muts}
		r.fetch("/v1/mutate", core.AppendMutateRequest(nil, &q), func(p response) { r.mutated(w, p) })
		return
	}
}

func (r *Replica) mutated(w *write, p response) {
	w.sent = false
	page, err := core.MutatePage{}, error(nil)
	if p.code == core.CodeOK {
		page, err = core.ParseMutatePage(p.data)
	}
	switch {
	case p.passing() || err != nil || page.Gap:
		r.retryWrite(w, p, page)
		return
	case p.code != core.CodeOK:
		r.dropWrite(w)
		r.settleCode(w.call, p.code, p.details)
	default:
		w.acknowledge(&page)
		r.awaitWrite(w)
	}
	r.sendWrites()
}

// acknowledge notes where in the log the write is, and what of it was refused.
func (w *write) acknowledge(page *core.MutatePage) {
	w.acked, w.seq = true, page.Seq
	for i := range page.Results {
		if res := &page.Results[i]; res.Code != core.CodeOK {
			w.refusal = &core.Error{Code: res.Code, Details: res.Outcome}
		}
	}
}

// awaitWrite answers the call once the list contains the write, so that a query
// after it shows it.
func (r *Replica) awaitWrite(w *write) {
	r.landWrites()
	if w.call == 0 {
		return
	}
	r.startTimer(callTimers+w.call, patience)
	if r.link.open != ready {
		r.pull()
	}
}

// retryWrite sends the write again after a wait, under the same numbers: what
// was applied is acknowledged again. After a gap the server knows less of this
// client than it does itself, and everything unacknowledged gets new numbers.
func (r *Replica) retryWrite(w *write, p response, page core.MutatePage) {
	if page.Gap {
		r.mid = page.LastMid
		for _, o := range r.writes {
			if !o.acked {
				r.number(o)
			}
		}
	}
	if w.tries >= writeTries {
		r.dropWrite(w)
		r.settleCode(w.call, core.CodeTimeout, "no answer from the server: the write may or may not have been applied")
		r.sendWrites()
		return
	}
	r.startTimer(timerWrite, r.backoff(w.tries, p.after))
}

// writeTimedOut answers a write that is acknowledged and not yet in the list.
func (r *Replica) writeTimedOut(w *write) {
	if w.acked {
		r.settleWrite(w)
	}
}

// landWrites lets go of the writes that the base contains.
func (r *Replica) landWrites() {
	kept := r.writes[:0]
	for _, w := range r.writes {
		if !w.acked || r.cursor.Seq < w.seq {
			kept = append(kept, w)
			continue
		}
		r.settleWrite(w)
	}
	clear(r.writes[len(kept):])
	r.writes = kept
}

// releaseWrites answers the writes that are acknowledged, when the pull that
// was to show them failed.
func (r *Replica) releaseWrites() {
	for _, w := range r.writes {
		if w.acked {
			r.settleWrite(w)
		}
	}
}

func (r *Replica) settleWrite(w *write) {
	a := appResult{server: true, fresh: true, asOf: r.now}
	if w.refusal != nil {
		a.code, a.details = core.CodeOf(w.refusal)
	}
	r.settle(w.call, a)
}

func (r *Replica) dropWrite(w *write) {
	for i, o := range r.writes {
		if o == w {
			r.writes = cut(r.writes, i)
			return
		}
	}
}

// isOwn reports whether a row that arrives is no more than what a write of this
// client did to it.
func (r *Replica) isOwn(row *core.Row, old *entry, lastMid int64) bool {
	for _, w := range r.writes {
		for i := range w.muts {
			m := &w.muts[i]
			if m.Key == row.Key && m.Mid <= lastMid && explains(m, row, old) {
				return true
			}
		}
	}
	return false
}

// explains reports whether the mutation alone leads from the old row to the new
// one.
func explains(m *core.Mutation, row *core.Row, old *entry) bool {
	if m.Op == core.OpDelete || row.Deleted {
		return m.Op == core.OpDelete && row.Deleted
	}
	if !row.HasExt || row.Ext != m.Ext {
		return false
	}
	var was core.Row
	if old != nil {
		was = old.row()
	}
	return string(was.Msg) == string(row.Msg) && was.Revoked == row.Revoked
}
