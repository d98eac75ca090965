package account

import (
	"math"

	"recents/core"
)

// Sync answers /v1/sync: the changes after a cursor, or the reason why the
// reader has to start over.
func (a *Account) Sync(q core.SyncRequest) (*core.SyncPage, error) {
	p := &core.SyncPage{Epoch: a.meta.Epoch, Head: a.meta.Seq, Now: a.env.Now}
	if p.Reset = a.resetReason(q); p.Reset != "" {
		return p, nil
	}
	rows, more, err := a.changes(q.Cursor.Seq, q.Limit)
	if err != nil {
		return nil, err
	}
	p.From, p.Next, p.Rows, p.More = q.Cursor.Seq, a.meta.Seq, rows, more
	if more {
		p.Next = rows[len(rows)-1].Seq
	} else {
		p.Digest, p.HasDigest = a.meta.Digest, true
	}
	c, err := a.client(q.ClientID)
	p.LastMid = c.LastMid
	return p, err
}

func (a *Account) resetReason(q core.SyncRequest) string {
	switch {
	case q.V != core.SyncVersion:
		return core.ResetSchema
	case q.Cursor.Epoch != a.meta.Epoch:
		return core.ResetEpoch
	case q.Cursor.Seq > a.meta.Seq:
		return core.ResetAhead
	case q.Cursor.Seq < a.meta.Floor:
		return core.ResetFloor
	}
	return ""
}

func (a *Account) changes(after int64, limit int) ([]core.Row, bool, error) {
	return bounded(limit, func(have []core.Row, n int) ([]Record, error) {
		if len(have) > 0 {
			after = have[len(have)-1].Seq
		}
		return a.store.Changes(after, n)
	})
}

// A page of sync or snapshot ends early at maxPageBytes of messages: 500 rows of
// the largest messages would be 128 MB. It is read pageRun rows at a time, so
// that no more than one run is read in vain.
const (
	maxPageBytes = 1 << 20
	pageRun      = 64
)

// bounded gathers at most limit rows and about maxPageBytes. more tells that
// another row follows.
func bounded(limit int, next func(have []core.Row, n int) ([]Record, error)) (page []core.Row, more bool, err error) {
	for bytes := 0; ; {
		n := min(pageRun, limit-len(page)+1)
		recs, err := next(page, n)
		if err != nil {
			return nil, false, err
		}
		for i := range recs {
			if len(page) == limit || bytes >= maxPageBytes {
				return page, true, nil
			}
			page = append(page, recs[i].Row)
			bytes += len(recs[i].Msg) + len(recs[i].Revoke) + len(recs[i].Ext)
		}
		if len(recs) < n {
			return page, false, nil
		}
	}
}

func (a *Account) client(id string) (Client, error) {
	if id == "" {
		return Client{}, nil
	}
	return a.store.Client(id)
}

// Snapshot answers /v1/snapshot: live rows newest first.
func (a *Account) Snapshot(q core.SnapshotRequest) (*core.SnapshotPage, error) {
	newest := int64(math.MaxInt64)
	if q.MaxTime != 0 {
		newest = q.MaxTime
	}
	rows, more, err := bounded(q.Limit, func(have []core.Row, n int) ([]Record, error) {
		if len(have) > 0 {
			newest = have[len(have)-1].UpdateTime - 1
		}
		return a.store.List(0, newest, n)
	})
	if err != nil {
		return nil, err
	}
	return &core.SnapshotPage{Epoch: a.meta.Epoch, AsOf: a.meta.Seq, Rows: rows, More: more,
		NextMax: core.NextMax(rows, more)}, nil
}

// Mutate applies a client's writes in order, each once: mid LastMid+1 is
// applied, one at or below LastMid was and is answered as it was then, whatever
// it is now (tabs share their numbers, and one may have lost what another still
// has), and one above is a gap, from which on nothing is applied.
func (a *Account) Mutate(q core.MutateRequest) (*core.MutatePage, error) {
	c, err := a.client(q.ClientID)
	if err != nil {
		return nil, err
	}
	was, err := parseUnapplied(c.Unapplied)
	if err != nil {
		was = nil // as if it was long ago: to refuse would hold up all that the client writes, for ever
	}
	p := &core.MutatePage{}
	for i := range q.Muts {
		m := &q.Muts[i]
		if m.Mid > c.LastMid+1 {
			p.Gap = true
			break
		}
		res := core.MutationResult{Mid: m.Mid, Code: core.CodeOK, Again: m.Mid <= c.LastMid}
		if !res.Again {
			if res.Outcome, err = a.mutate(m); err != nil {
				return nil, err
			}
			c.LastMid = m.Mid
		}
		p.Results = append(p.Results, res)
	}
	for i := range p.Results {
		res, m := &p.Results[i], &q.Muts[i]
		switch {
		case res.Again:
			res.Outcome = was.outcome(m.Mid)
		case m.By > 0:
			res.Outcome = p.Results[i+int(m.By-m.Mid)].Outcome
		}
		if res.Outcome != "" {
			res.Code = core.CodeConflict
		}
	}
	for i := range p.Results {
		if res := &p.Results[i]; !res.Again {
			was = was.with(res.Mid, res.Outcome)
		}
	}
	if len(p.Results) > 0 {
		a.change.Client = &Client{ID: q.ClientID, LastMid: c.LastMid, Unapplied: was.append(), SeenAt: a.env.Now}
	}
	p.LastMid, p.Seq = c.LastMid, a.meta.Seq
	return p, nil
}

func (a *Account) mutate(m *core.Mutation) (outcome string, err error) {
	switch m.Op {
	case core.OpExt:
		return a.SetExt(m.Key, m.Ext, m.Base)
	case core.OpDelete:
		return a.Delete(m.Key, m.Seen, m.HasSeen)
	case core.OpLost:
		return core.OutcomeLost, nil
	}
	return "", nil // OpSkip
}

// collectBatch bounds the records that one Collect touches, so that a long
// neglected account does not hold the writer.
const collectBatch = 500

// Collect is the housekeeping of an account: tombstones that are old enough
// become husks and raise the floor; husks, receipts, pending revokes and
// clients that nothing can ask for any more go. more tells that another Collect
// has work left.
func (a *Account) Collect() (more bool, err error) {
	if !a.Exists() {
		return false, nil
	}
	cfg := a.env.Config
	before := a.env.Now - cfg.TombstoneAge
	tombs, err := a.store.Expired(Tombstone, before, a.meta.Seq-cfg.TombstoneSeqs, collectBatch)
	if err != nil {
		return false, err
	}
	for _, r := range tombs {
		a.meta.Floor = max(a.meta.Floor, r.Seq)
		r.State, r.ChangedAt = Husk, a.env.Now
		a.replace(r)
	}
	husks, err := a.store.Expired(Husk, before, a.meta.Seq, collectBatch)
	if err != nil {
		return false, err
	}
	for _, r := range husks {
		a.change.Drop = append(a.change.Drop, r.Key.String())
	}
	a.change.ExpireBefore = a.env.Now - cfg.IdempotencyAge
	a.change.ClientsBefore = before
	return len(tombs) == collectBatch || len(husks) == collectBatch, nil
}
