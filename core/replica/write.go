package replica

import "recents/core"

// write is one call's mutations on their way to the server. It is stored before
// it is sent, numbered in the order of all tabs, sent with one batch in flight,
// shown in the list at once (overlay.go), and kept until the base contains it
// (R4).
type write struct {
	call    int64 // of this tab, and not answered yet; else 0
	own     bool  // made by this tab, since it was opened
	told    bool  // its call was answered with 202: FxSettled tells the rest
	first   int64 // mid of muts[0]; 0 until it is stored
	muts    []core.Mutation
	madeAt  int64 // ms: where a session that it creates stands in the list
	tries   int
	shown   bool  // an event told of its session, deleted by it or not
	masks   bool  // an event showed it in the place of a row
	gone    bool  // an event told since that its session is deleted, by another tab's write after it
	listed  bool  // an answer may have shown it
	landed  bool  // the base contains it, or what was taken in its place: what remains is to hear which
	acked   bool  // the server has it, and its log contains it
	seq     int64 // the log's end when it did
	refusal error // what the server said against it
}

// last returns the mid of the write's last mutation.
func (w *write) last() int64 { return w.first + int64(len(w.muts)) - 1 }

// maxWaiting bounds the mutations that wait. Beyond it a write fails loudly: a
// browser's storage is no place for an endless queue.
const maxWaiting = 1000

func (r *Replica) callUpdate(c *call, body []byte) error {
	q, err := core.ParseExtRequest(body, int(r.cfg.MaxExt))
	if err != nil {
		return err
	}
	m := core.Mutation{Op: core.OpExt, Key: q.Key, Ext: q.Ext}
	// A writer that itself deletes the session first knows of the delete.
	if rows, _ := r.visible(); rows != nil {
		if e := rows.rows[q.Key.String()]; e != nil && !r.overlay().removes(e) {
			m.Base = e.seq
		}
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
	o := r.overlay()
	for i, k := range keys {
		muts[i] = core.Mutation{Op: core.OpDelete, Key: k}
		muts[i].Seen, muts[i].HasSeen = r.seen(k, o)
	}
	return r.queue(c, muts)
}

// seen returns the update time up to which this tab knows a session, so that a
// message after it is not deleted unseen.
func (r *Replica) seen(k core.Key, o *overlay) (time int64, known bool) {
	rows, lowest := r.visible()
	switch s := o.at(&core.Row{Key: k}); {
	case s != nil && o.isMade(s):
		return 0, false // made here: it has no time of the server's yet, and goes whatever happened
	case rows != nil && rows.rows[k.String()] != nil:
		return rows.rows[k.String()].time, true
	case lowest > 0:
		return lowest - 1, true // if it is there, it is below the cache
	}
	return 0, false
}

// queue accepts a write. It is numbered once it is stored.
func (r *Replica) queue(c *call, muts []core.Mutation) error {
	if !r.reachable() && r.cfg.Reject {
		return &core.Error{Code: core.CodeOffline, Details: "offline: the write was not sent"}
	}
	if n := r.waiting() + len(muts); n > maxWaiting {
		return &core.Error{Code: core.CodeTooMany, Details: "outbox: " + core.Itoa(int64(n)) + " writes that wait is over " + core.Itoa(maxWaiting)}
	}
	w := &write{call: c.id, own: true, muts: muts, madeAt: r.now}
	c.write = w
	r.startTimer(callTimers+c.id, patience)
	r.box.add(w)
	r.saveWrites()
	return nil
}

// waiting counts the mutations that are not in the base yet.
func (r *Replica) waiting() int {
	n := 0
	r.eachWaiting(func(w *write) { n += len(w.muts) })
	return n
}

// eachWaiting visits the writes that are not in the base yet, in the order of
// their numbers, and then those that have none.
func (r *Replica) eachWaiting(visit func(*write)) {
	for _, w := range r.writes {
		if !w.landed {
			visit(w)
		}
	}
	for _, w := range r.box.unsaved {
		visit(w)
	}
}

// accepted goes on once a write is stored: it is sent, and while that cannot be
// its call is answered with 202.
func (r *Replica) accepted(w *write) {
	r.insertWrite(w)
	r.store.headDue = true
	if !r.reachable() {
		r.answerQueued(w)
	}
}

// insertWrite keeps the writes in the order of their mids.
func (r *Replica) insertWrite(w *write) {
	at := len(r.writes)
	for at > 0 && r.writes[at-1].first > w.first {
		at--
	}
	r.writes = insert(r.writes, at, w)
}

// answerQueued tells the app that its write is safe, and will be sent.
func (r *Replica) answerQueued(w *write) {
	switch {
	case w.call == 0:
		return
	case w.first == 0 && r.store.on: // not stored yet, so not safe yet
		r.startTimer(callTimers+w.call, patience)
		return
	}
	w.told = true
	r.settle(w.call, appResult{code: core.CodeQueued, pending: true, asOf: r.asOf})
}

// sendWrites sends the oldest writes that the server has not acknowledged, as
// many as one batch takes, unless a batch is in flight or the server asked for
// a wait: a new write is no reason to come sooner.
func (r *Replica) sendWrites() {
	// While storage is tried, a number that was given out in memory must not get out.
	if !r.leads || r.sending || r.resting || r.box.renumbering || r.store.trial || !r.reachable() || r.boot != nil {
		return
	}
	q := core.MutateRequest{ClientID: r.cfg.ClientID}
	var batch []*write
	for _, w := range r.writes {
		if w.acked {
			continue
		}
		full := len(q.Muts)+len(w.muts) > core.MaxMuts || r.single && len(batch) == 1
		if full || len(batch) > 0 && w.first != batch[len(batch)-1].last()+1 { // the numbers of a batch have no gaps
			break
		}
		w.tries++
		batch = append(batch, w)
		q.Muts = append(q.Muts, w.muts...)
	}
	if len(batch) == 0 {
		r.single = false
		return
	}
	coalesce(batch, q.Muts)
	r.sending = true
	r.fetch("/v1/mutate", core.AppendMutateRequest(nil, &q), func(p response) { r.mutated(q.ClientID, batch, p) })
}

// mutated goes on after a batch.
func (r *Replica) mutated(client string, batch []*write, p response) {
	r.sending = false
	var page core.MutatePage
	err := error(nil)
	if p.code == core.CodeOK {
		page, err = core.ParseMutatePage(p.data)
	}
	defer r.landWrites()
	switch {
	case client != r.cfg.ClientID: // the writes have other numbers by now
	case p.passing() || err != nil || p.code == core.CodeToken || p.code == core.CodeForbidden:
		r.retryWrites(batch, p.after)
		return
	case p.code != core.CodeOK && len(batch) > 1:
		r.single = true // one of them is at fault: which?
	case p.code != core.CodeOK && batch[0].muts[0].Op == core.OpLost: // a server that takes no such thing, as an older one
		r.retryWrites(batch, p.after)
		return
	case p.code != core.CodeOK:
		r.refuseWrite(batch[0], &core.Error{Code: p.code, Details: p.details})
	case page.Gap && batch[0].first == 1: // below 1 there is nothing that could be missing
		r.retryWrites(batch, p.after)
		return
	case page.Gap:
		r.renumber()
		return
	default:
		r.acknowledge(batch, &page)
	}
	r.sendWrites()
}

// acknowledge notes where in the log the writes are, and what of them was
// refused. They stay in the overlay until the base contains them, since what is
// acknowledged and not yet listed would flicker.
func (r *Replica) acknowledge(batch []*write, page *core.MutatePage) {
	for _, w := range batch {
		if w.last() > page.LastMid {
			continue // a batch is whole or a gap: an answer of no server of ours
		}
		w.acked, w.seq = true, page.Seq
		for i := range page.Results {
			res := &page.Results[i]
			if res.Code != core.CodeOK && w.refusal == nil && res.Mid >= w.first && res.Mid <= w.last() {
				w.refusal = &core.Error{Code: res.Code, Details: res.Outcome}
				r.tellRefusal(w)
			}
		}
	}
	r.landWrites()
	if len(r.writes) > 0 && r.link.open != ready {
		r.pull()
	}
}

// unacknowledge has every write sent again: the log that contained them was
// rebuilt, maybe without them.
func (r *Replica) unacknowledge() {
	r.landed = 0
	for _, w := range r.writes {
		w.acked, w.landed = false, false
	}
}

// refuseWrite settles a write that the server will never take. Its numbers are
// used up by mutations that do nothing.
func (r *Replica) refuseWrite(w *write, why error) {
	w.refusal = why
	r.tellRefusal(w)
	r.settleWrite(w)
	r.noteLanded(w)
	w.masks = false
	for i := range w.muts {
		w.muts[i] = core.Mutation{Mid: w.muts[i].Mid, Op: core.OpLost}
	}
}

// retryWrites sends the writes again after a wait, under the same numbers: what
// was applied is acknowledged again.
func (r *Replica) retryWrites(batch []*write, after int64) {
	if len(r.writes) == 0 {
		return
	}
	r.resting = after > 0 || r.link.state == unauthorized // a pull that is allowed is no reason either
	r.startTimer(timerWrite, r.backoff(batch[0].tries, after))
}

// writeTimedOut answers a write that takes long: it is stored, so it is safe.
func (r *Replica) writeTimedOut(w *write) {
	if w.acked {
		r.settleWrite(w)
		return
	}
	r.answerQueued(w)
}

// landWrites lets go of the writes that the base contains (R4): those that were
// acknowledged below the cursor, and those that a page says it contains. Below
// the cursor counts only at the log's end: on the way there a row that changed
// again is missing, since it stands further up.
//
// Only the server's answer says whether a number was taken as the write that
// this tab has under it: the rules may have refused it, and another tab may have
// lost it. So a leader asks until it is answered, for the other tabs too, whose
// writes storage keeps until then.
func (r *Replica) landWrites() {
	atEnd := r.leads && r.cursor.Seq >= r.link.head && !r.link.torn
	kept := r.writes[:0]
	for _, w := range r.writes {
		if !w.landed && (w.acked && atEnd && r.cursor.Seq >= w.seq || w.last() <= r.landed) {
			w.landed = true
			r.store.headDue = true
			r.noteLanded(w)
		}
		if !w.landed || !r.isKnown(w) {
			kept = append(kept, w)
			continue
		}
		r.box.done = max(r.box.done, w.last())
		r.settleWrite(w)
	}
	clear(r.writes[len(kept):])
	r.writes = kept
	r.saveWrites()
}

// isKnown reports whether what became of a write that has landed is known, or as
// much of it as ever will be.
func (r *Replica) isKnown(w *write) bool {
	switch {
	case w.acked:
		return true
	case r.leads:
		return w.own && w.call == 0 && !w.told // nobody is to hear of it
	case r.sending:
		return false // the answer may come yet
	}
	return w.last() <= r.box.gone // the leader was answered, and told what was refused
}

// letGo settles the writes that are in the base and were not answered, when they
// cannot be asked about any more: they count as applied.
func (r *Replica) letGo() {
	kept := r.writes[:0]
	for _, w := range r.writes {
		if !w.landed {
			kept = append(kept, w)
			continue
		}
		r.settleWrite(w)
	}
	clear(r.writes[len(kept):])
	r.writes = kept
}

// noteLanded tells of what a write hid. While it waited, its effect was told in
// the place of what the rows said: that somebody wrote after it, that
// the rules refused it, or that what it made was deleted before this base had it.
func (r *Replica) noteLanded(w *write) {
	believed := w.masks || w.own && w.refusal == nil // the tab that made it hears of a refusal
	for i := range w.muts {
		m := &w.muts[i]
		e := r.base.rows[m.Key.String()]
		switch {
		case r.rewrites(m, e):
		case e != nil && believed && hides(m, e):
			r.changes.add(e.row())
		case e == nil && r.lowest > 0: // it may be there, below
		case e == nil && (believed && w.shown || (believed || w.listed) && m.Op == core.OpExt):
			r.changes.add(&core.Row{Key: m.Key, Deleted: true})
		}
	}
}

// hides reports whether the mutation, while it waits, lists something else than
// the row.
func hides(m *core.Mutation, e *entry) bool {
	switch m.Op {
	case core.OpExt:
		return !e.row().HasExt || e.row().Ext != m.Ext
	case core.OpDelete:
		return !m.HasSeen || e.time <= m.Seen
	}
	return false
}

// rewrites reports whether this tab wrote the session again after the mutation,
// so that the row, nil when there is none, is not what it shows.
func (r *Replica) rewrites(m *core.Mutation, e *entry) (again bool) {
	r.eachWaiting(func(w *write) {
		for i := range w.muts {
			later := &w.muts[i]
			if !w.own || later.Key != m.Key || w.first != 0 && later.Mid <= m.Mid {
				continue
			}
			again = again || later.Op != core.OpDelete || e == nil || hides(later, e) // else it was to delete less than there is
		}
	})
	return again
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

// settleWrite tells what became of a write, once: its call, or who was told
// that it was queued.
func (r *Replica) settleWrite(w *write) {
	code, details := 0, ""
	if w.refusal != nil {
		code, details = core.CodeOf(w.refusal)
	}
	if w.call != 0 {
		r.settle(w.call, appResult{code: code, details: details, server: true, fresh: true, asOf: r.now})
		return
	}
	if w.told {
		w.told = false
		r.do(Effect{Kind: FxSettled, Data: w.outcome(code, details)})
	}
}

// outcome appends what onSettled tells.
func (w *write) outcome(code int, details string) []byte {
	b := core.AppendNum(nil, `{"code":`, int64(code))
	b = core.AppendStr(b, `,"errorDetails":`, details)
	b = core.AppendStr(b, `,"op":`, w.muts[0].Op)
	b = core.AppendText(b, `,"sessions":`)
	var keys []byte
	for i := range w.muts {
		keys = appendKey(appendComma(keys), w.muts[i].Key)
	}
	return core.AppendText(core.AppendRaw(b, "", keys), "]}")
}

// isOwn reports whether a row that arrives is no more than what a write of this
// tab did to it.
func (r *Replica) isOwn(row *core.Row, old *entry, lastMid int64) bool {
	for _, w := range r.writes {
		if w.refusal != nil || w.landed {
			continue
		}
		for i := range w.muts {
			m := &w.muts[i]
			if w.own && !w.gone && m.Key == row.Key && m.Mid <= lastMid && explains(m, row, old) {
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
		was = *old.row()
	}
	return string(was.Msg) == string(row.Msg) && was.Revoked == row.Revoked
}
