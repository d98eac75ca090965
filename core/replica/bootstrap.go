package replica

import "recents/core"

// bootstrap is a start from nothing: a shadow generation that grows page by page
// while the old list stays visible, then is brought up to date, checked and put
// in the old one's place at once (sync.md, "Bootstrap and reset"; I10).
type bootstrap struct {
	shadow  *set
	cursor  core.Cursor // where the changes start: the first page's asOf
	nextMax int64       // maxTime of the snapshot page that is read, or is the next to be
	lowest  int64
	listed  bool                 // the snapshot is whole: changes are next
	asking  bool                 // a request is under way
	asked   int64                // maxTime of the page that was asked for last
	waits   bool                 // a request failed: nothing is asked for before the timer says so
	page    *core.SnapshotReader // what came and is not all in the shadow yet
	below   *core.SnapshotReader // the page of asked, which came while the one above it is read
}

// startOver begins a bootstrap, unless one runs.
func (r *Replica) startOver(reason string) {
	if r.boot != nil || !r.leads || r.link.state == shut {
		return
	}
	if reason != "" {
		r.fail("the server asked to list again: " + reason)
	}
	r.boot = &bootstrap{shadow: newSet()}
	if reason == "digest" || r.failures > 0 || r.link.tries > 1 {
		r.failures = max(r.failures, r.link.tries)
		r.retryPull(0) // a server whose digest never matches gets no loop
		return
	}
	r.bootNext()
}

// bootNext asks for the next part of a bootstrap.
func (r *Replica) bootNext() {
	b := r.boot
	if b == nil || b.asking || b.waits || b.page != nil || !r.link.online {
		return
	}
	if !b.listed {
		r.askPage(b, b.nextMax)
		return
	}
	b.asking = true
	q := core.SyncRequest{V: core.SyncVersion, Cursor: b.cursor, ClientID: r.cfg.ClientID, Limit: core.MaxSyncRows}
	r.fetch("/v1/sync", core.AppendSyncRequest(nil, &q), func(p response) { r.bootSynced(b, &q, p) })
}

func (r *Replica) askPage(b *bootstrap, maxTime int64) {
	b.asking, b.asked = true, maxTime
	q := core.SnapshotRequest{MaxTime: maxTime, Limit: core.MaxSyncRows}
	r.fetch("/v1/snapshot", core.AppendSnapshotRequest(nil, &q), func(p response) { r.bootListed(b, p) })
}

func (r *Replica) bootListed(b *bootstrap, p response) {
	if r.boot != b {
		return
	}
	b.asking = false
	if p.code != core.CodeOK {
		r.bootFailed(p.details, p.after)
		return
	}
	page, err := core.ReadSnapshot(p.data)
	if err != nil {
		r.bootFailed("an answer of the server's: "+err.Error(), 0)
		return
	}
	if b.below = page; b.page == nil {
		r.turnPage()
		r.listSlice()
	}
}

// turnPage goes on to the page that came, if it is the next one, and asks for the
// one below it: to read a page takes about as long as to get one.
func (r *Replica) turnPage() {
	b := r.boot
	page := b.below
	b.below = nil
	if page == nil || b.listed || b.asked != b.nextMax {
		r.bootNext()
		return
	}
	if b.cursor.Epoch == "" {
		b.cursor = core.Cursor{Epoch: page.Epoch, Seq: page.AsOf}
	}
	if b.cursor.Epoch != page.Epoch {
		r.bootAgain("the server's log was rebuilt meanwhile")
		return
	}
	b.page = page
	next := page.Below()
	if next > 0 && b.shadow.len()+core.MaxSyncRows < int(r.cfg.MaxCached) && !b.waits && r.link.online {
		r.askPage(b, next)
	}
}

// listSlice takes some rows of the page that came, and turns to the next one after
// the last of them.
func (r *Replica) listSlice() {
	b := r.boot
	if b == nil || b.page == nil {
		return
	}
	for read := 0; read <= r.cfg.slice()/parseCost; {
		row, text, err := b.page.Next()
		switch {
		case err == nil && row == nil:
			b.endPage(r.cfg.MaxCached)
			if r.turnPage(); b.page != nil {
				r.pause()
			}
			return
		case err == nil && b.nextMax != 0 && row.UpdateTime > b.nextMax:
			err = core.BadParam("rows above maxTime")
		}
		if err != nil {
			b.page = nil
			r.bootFailed("an answer of the server's: "+err.Error(), 0)
			return
		}
		read += b.add(row, text)
	}
	r.pause()
}

// parseCost is what it costs to read a row, in rows of that size written.
const parseCost = 4

// add takes a row of a page and returns its size. A row that moved up while the
// list was read may stand on two pages: the higher seq counts. The text mostly is
// the page's own: then that is kept, and not a copy of each of its rows, which would
// be as much again until they are collected.
func (b *bootstrap) add(row *core.Row, text []byte) int {
	e := entryOf(row, text)
	switch old := b.shadow.rows[e.key]; {
	case old == nil:
		b.shadow.add(e)
	case old.seq < row.Seq:
		b.shadow.put(e)
	}
	return len(text)
}

// endPage says what follows a page that was read: the next one, if there is to be
// one.
func (b *bootstrap) endPage(limit int64) {
	page := b.page
	b.page = nil
	b.nextMax, b.listed = page.NextMax, !page.More
	if page.More && int64(b.shadow.len()) >= limit {
		b.listed = true
		b.lowest = page.NextMax + 1
	}
}

func (r *Replica) bootSynced(b *bootstrap, asked *core.SyncRequest, p response) {
	if r.boot != b {
		return
	}
	b.asking = false
	page, ok := r.syncPage(asked, p)
	switch {
	case !ok:
		r.bootFailed(r.lastError, p.after)
		return
	case page.Reset != "":
		r.bootAgain("the server asked to list again: " + page.Reset)
		return
	}
	b.apply(page)
	if page.More {
		r.bootNext()
		return
	}
	if page.HasDigest && b.lowest == 0 && page.Digest != b.shadow.digest {
		r.heals++
		r.bootAgain("the list differed from the server's digest")
		return
	}
	if b.cursor.Epoch != r.cursor.Epoch || r.known && b.cursor.Seq < r.cursor.Seq { // the second: an older copy of the server's files
		r.store.back = b.cursor.Epoch == r.cursor.Epoch
		r.unacknowledge()
		r.link.head = 0
		r.hangUp(closeNormal, "") // the next hello carries the new cursor
	}
	r.landed = max(r.landed, page.LastMid)
	r.flip(b)
}

func (b *bootstrap) apply(page *core.SyncPage) {
	for i := range page.Rows {
		row := &page.Rows[i]
		key := row.Key.String()
		old := b.shadow.rows[key]
		switch {
		case old != nil && old.seq >= row.Seq:
		case row.Deleted:
			b.shadow.remove(key)
		case old != nil || row.UpdateTime >= b.lowest:
			b.shadow.put(newEntry(row))
		}
	}
	b.cursor.Seq = page.Next
}

// bootFailed waits and goes on from where it was. A page that came is read on
// meanwhile; what is wrong with it shortens no wait that the server asked for.
func (r *Replica) bootFailed(why string, after int64) {
	b := r.boot
	r.fail(why)
	if r.link.state == connecting || r.link.state == live {
		r.link.state = offline
	}
	if !b.waits || after > 0 {
		r.retryPull(after)
	}
	b.waits = true
}

// bootAgain waits and begins anew.
func (r *Replica) bootAgain(why string) {
	r.fail(why)
	r.boot = &bootstrap{shadow: newSet()}
	r.retryPull(0)
}

// flip puts the shadow in the base's place.
func (r *Replica) flip(b *bootstrap) {
	if r.known {
		r.noteDifferences(r.base, b.shadow, b.lowest, 0)
	}
	r.leave(b.cursor.Epoch)
	r.base, r.cursor, r.lowest, r.known = b.shadow, b.cursor, b.lowest, true
	r.boot = nil
	r.failures = 0
	r.asOf = r.now
	r.lastError = ""
	r.evict()
	r.store.rewrite()
	r.landWrites()
	if r.link.poll.on {
		r.link.state = live
	} else if r.link.state == offline {
		r.link.state = connecting
	}
	if r.link.head > r.cursor.Seq {
		r.pull() // a delta came that the last answer did not hold yet
	}
	r.connect()
	r.sendWrites()
}

// noteDifferences tells what a new list has that the old one had not. lastMid is
// as in apply.
func (r *Replica) noteDifferences(old, now *set, lowest, lastMid int64) {
	old.each(0, func(e *entry) bool {
		if now.rows[e.key] == nil && e.time >= lowest {
			gone := core.Row{Key: e.row().Key, Deleted: true}
			r.note(&gone, r.isOwn(&gone, e, lastMid))
		}
		return true
	})
	now.each(0, func(e *entry) bool {
		was := old.rows[e.key]
		if was == nil && e.time < r.lowest && e.seq <= r.cursor.Seq {
			return true // the old list did not reach down to it: nothing says that it changed
		}
		if was == nil || string(was.raw) != string(e.raw) {
			row := e.row()
			r.note(row, r.isOwn(row, was, lastMid))
		}
		return true
	})
}
