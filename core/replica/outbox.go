package replica

import "recents/core"

// outbox is the durable side of the writes: what storage knows of them.
//
// All tabs of an account share one outbox and one client id. A write gets its
// numbers in the very transaction that stores it, so two tabs never give out
// the same, and whoever sends it sends it under them: the server applies each
// number once, whoever was first.
type outbox struct {
	unsaved     []*write // in the order that they were made
	saving      bool
	waits       bool  // storage was full: until there are fewer rows in it
	renumbering bool  // what is being saved is new numbers for all
	apart       bool  // storage is lost: numbers made here need a client id of their own
	id          int64 // of the FxOutbox under way
	heard       int64 // of the last one that was answered
	known       int64 // highest mid that this tab knows of
	done        int64 // every write up to here is in the base: storage forgets it with the next flush
	forgot      int64 // up to here storage was told
	gone        int64 // every write up to here had left storage when it was last read
}

// restart counts from 0, as a new client id does.
func (b *outbox) restart() { b.known, b.done, b.forgot, b.gone = 0, 0, 0, 0 }

func (b *outbox) add(w *write) { b.unsaved = append(b.unsaved, w) }

// saveWrites stores the oldest write that is not stored yet. Without storage
// memory has to do.
func (r *Replica) saveWrites() {
	b := &r.box
	for !r.store.on && len(b.unsaved) > 0 && !b.saving {
		if b.apart && !r.goApart() {
			r.answerUnsaved()
			return
		}
		w := b.unsaved[0].number(b.known + 1)
		b.unsaved = cut(b.unsaved, 0)
		b.known = w.last()
		r.accepted(w)
		r.sendWrites()
	}
	if b.saving || b.waits || len(b.unsaved) == 0 {
		return
	}
	r.saveWrite(b.unsaved[0])
}

// saveWrite stores a write. With none it asks for what other tabs stored, and so
// has them told to look as well.
func (r *Replica) saveWrite(w *write) {
	b := &r.box
	if b.saving || !r.store.on {
		return
	}
	b.saving = true
	b.id++
	q := core.AppendStr(nil, `{"clientId":`, r.cfg.ClientID)
	q = core.AppendNum(q, `,"after":`, b.known)
	if w != nil {
		q = core.AppendNum(q, `,"count":`, int64(len(w.muts)))
		q = w.append(core.AppendText(q, `,"write":`))
	}
	r.do(Effect{Kind: FxOutbox, ID: b.id, Data: append(q, '}')})
}

// answerUnsaved tells, offline, of the writes that are kept in memory until
// those before them are sent.
func (r *Replica) answerUnsaved() {
	if r.reachable() {
		return
	}
	for _, w := range r.box.unsaved {
		r.answerQueued(w)
	}
}

// queued goes on after an FxOutbox. What came from other tabs meanwhile comes
// with it.
func (r *Replica) queued(ev Event) {
	b := &r.box
	if !b.saving || ev.ID != b.id {
		return
	}
	b.saving, b.renumbering, b.heard = false, false, ev.ID
	switch {
	case !r.store.on: // lost meanwhile: what was stored all the same has storage's numbers
		if ev.Code == storedDone && b.apart && r.takeOutbox(ev.Data) {
			r.store.left = numbers{r.cfg.ClientID, b.known}
		}
		if r.phase == closing {
			r.settleClosed()
		}
	case ev.Code == storedFull && r.leads && r.trim():
		r.flush() // writes matter more than rows, which the server has too
		b.waits = r.store.writing != nil
	case ev.Code != storedDone || !r.takeOutbox(ev.Data):
		r.loseStorage(whyMemory)
	}
	r.saveWrites()
	r.sendWrites()
}

// takeOutbox reads {clientId, writes: [{first, write}]}. The last of the writes
// is the one that was just stored, when one was.
func (r *Replica) takeOutbox(b []byte) bool {
	var client string
	var stored []*write
	err := core.Read(b, core.Member{Name: "clientId", To: &client}, core.Member{Name: "writes", To: func(raw []byte) error {
		return core.Items(raw, func(item []byte) error {
			w, err := parseWrite(item)
			stored = append(stored, w)
			return err
		})
	}})
	if err != nil || client == "" || len(client) > core.MaxClientID {
		return false
	}
	var old []*write
	if client != r.cfg.ClientID { // another tab gave all writes new numbers
		old, r.writes = r.writes, nil
		r.box.restart()
		r.landed = 0
	}
	for _, w := range stored {
		old = r.takeWrite(w, old)
	}
	old = r.restoreWrites(old)
	for _, w := range old { // the other tab saw that the base contains them
		r.settleWrite(w)
	}
	r.follow(client)
	return true
}

// takeWrite takes a stored write, which may be one of this tab's, and returns
// those of old that are left.
func (r *Replica) takeWrite(w *write, old []*write) []*write {
	if w.first <= r.box.known {
		return old
	}
	r.box.known = w.last()
	if w.muts[0].Op == core.OpLost {
		r.fail("outbox: a write that waited could not be read, and is lost")
	}
	if i := indexOf(r.box.unsaved, w); i >= 0 {
		w = r.box.unsaved[i].number(w.first)
		r.box.unsaved = cut(r.box.unsaved, i)
	} else if i := indexOf(old, w); i >= 0 {
		w = old[i].number(w.first)
		w.acked, w.landed = false, false // under this number it is not
		old = cut(old, i)
	}
	r.accepted(w)
	return old
}

// restoreWrites puts writes of before a renumbering, which this tab still has, in
// the place of those that could not be read from storage, and returns what is
// left: of the others the base contains what they did. Those are the older ones,
// so it begins at the end.
func (r *Replica) restoreWrites(old []*write) []*write {
	for i := len(r.writes) - 1; i >= 0; i-- {
		lost := r.writes[i]
		for j := len(old) - 1; j >= 0 && lost.muts[0].Op == core.OpLost; j-- {
			if w := old[j]; !w.landed && !w.acked && w.refusal == nil && len(w.muts) == len(lost.muts) {
				r.writes[i] = w.number(lost.first)
				old = cut(old, j)
				break
			}
		}
	}
	return old
}

// indexOf returns where a write that is stored like w is, -1 when nowhere.
func indexOf(list []*write, w *write) int {
	text := string(w.append(nil))
	for i := range list {
		if string(list[i].append(nil)) == text {
			return i
		}
	}
	return -1
}

// follow takes over the client id of the stored outbox. The socket greeted the
// server under the old one.
func (r *Replica) follow(client string) {
	if client == r.cfg.ClientID {
		return
	}
	r.cfg.ClientID = client
	if r.link.open != none {
		r.hangUp(closeNormal, "")
		r.connect()
	}
}

func (r *Replica) newClientID() string {
	return core.Digest(r.roll(1<<62)).String() + core.Digest(r.roll(1<<62)).String()
}

// renumber gives the waiting writes new numbers under a new client id, after
// the server lost track of the old one (it forgets a client that was away for
// long). Storage does it, since other tabs' writes are there too. Whatever the
// server had applied of them it may apply once more; each sets a state, so that
// is no harm.
func (r *Replica) renumber() {
	b := &r.box
	if !r.leads {
		return
	}
	client := r.newClientID()
	if r.store.on {
		b.saving, b.renumbering = true, true
		b.id++
		q := core.AppendStr(nil, `{"expect":`, r.cfg.ClientID)
		q = core.AppendStr(q, `,"clientId":`, client)
		q = append(core.AppendNum(q, `,"done":`, b.done), '}')
		r.do(Effect{Kind: FxOutbox, ID: b.id, Data: q})
		return
	}
	b.apart = false
	b.restart()
	r.landed = 0
	r.letGo()
	for _, w := range r.writes {
		w.acked = false
		b.known = w.number(b.known + 1).last()
	}
	r.follow(client)
	r.sendWrites()
}

// number gives the write's mutations their numbers, and returns the write.
func (w *write) number(first int64) *write {
	w.first = first
	for i := range w.muts {
		w.muts[i].Mid = first + int64(i)
	}
	return w
}

// append appends the stored form of a write, without its numbers:
// {"at":ms,"muts":[Mutation…]}, where mids count from 1.
func (w *write) append(dst []byte) []byte {
	dst = core.AppendNum(dst, `{"at":`, w.madeAt)
	dst = core.AppendText(dst, `,"muts":[`)
	for i := range w.muts {
		m := w.muts[i]
		m.Mid = int64(i) + 1
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = core.AppendMutation(dst, &m)
	}
	return core.AppendText(dst, "]}")
}

// parseWrite reads {first, count, write}. A write that does not read, be it
// damaged, sealed with another key, or of a newer version, keeps its numbers,
// since numbers have no gaps: it becomes one that does nothing.
func parseWrite(raw []byte) (*write, error) {
	w := &write{}
	var count int64
	err := core.Read(raw, core.Member{Name: "first", To: &w.first}, core.Member{Name: "count", To: &count}, core.Member{Name: "write", To: func(raw []byte) error {
		return core.Read(raw, core.Member{Name: "at", To: &w.madeAt}, core.Member{Name: "muts", To: func(raw []byte) error {
			return core.Items(raw, func(item []byte) error {
				// An ext was held to the bound of its day when it was made.
				m, err := core.ParseMutation(item, core.MaxBody)
				w.muts = append(w.muts, m)
				return err
			})
		}})
	}})
	if err != nil && count > 0 && count <= core.MaxMuts {
		w.muts, err = make([]core.Mutation, count), nil
		for i := range w.muts {
			w.muts[i].Op = core.OpLost
		}
	}
	if err == nil && (w.first < 1 || len(w.muts) == 0 || len(w.muts) > core.MaxMuts) {
		err = core.BadParam("write: has no number or no mutation")
	}
	w.number(w.first)
	return w, err
}
