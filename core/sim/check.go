package sim

import (
	"strings"

	"github.com/tidwall/gjson"

	"recents/core"
	"recents/core/account"
	"recents/core/replica"
)

// fact is what the server's log says of a session: its newest row.
type fact struct {
	seq  int64
	text string // as a list shows it; "" of one that is deleted
}

// learn keeps the rows of a change.
func (w *world) learn(epoch string, rows []core.Row) {
	log := w.logs[epoch]
	if log == nil {
		log = map[string]fact{}
		w.logs[epoch] = log
	}
	for i := range rows {
		f := fact{seq: rows[i].Seq}
		if !rows[i].Deleted {
			f.text = string(core.AppendSession(nil, &rows[i], true))
			w.history[stateOf(gjson.Parse(f.text))] = true
		}
		log[rows[i].Key.ID] = f
	}
}

// checkShown holds a list to the log up to its cursor: what did not change after
// that is exactly as the log says (I8), there (I10) or gone (I5). While writes
// wait, they may have changed or removed anything but the session that nobody
// deletes.
func (w *world) checkShown(who string, at core.Cursor, shown map[string]string, touched bool) {
	log := w.logs[at.Epoch]
	for _, id := range w.friends {
		f, known := log[id]
		text := shown[id]
		switch {
		case !known && text == "" || known && f.seq > at.Seq:
		case f.text != "" && text == "" && (!touched || id == anchor):
			w.violate("I10: %s lacks %s at %v, of %s", who, id, at, f.text)
		case touched:
		case !known:
			w.violate("I8: %s shows %s, which never was", who, text)
		case f.text == "" && text != "":
			w.violate("I5: %s shows %s at %v, deleted by %d", who, text, at, f.seq)
		case text != f.text:
			w.violate("I8: %s shows at %v\n%s\nand the log says\n%s", who, at, text, f.text)
		}
	}
}

// checkStored holds what is on the disk to the log, as a tab would show it that
// loads it now, and to its head (I8). Only the newest leader stores.
func (t *tab) checkStored(op *diskOp) {
	d := t.disk
	if t.device.elects() && t.status.Storage != "memory" && t.term < d.term {
		t.w.violate("T: %s stores as the leader of term %d, and there is one of %d", t.name, t.term, d.term)
	}
	if t.device.damaged || d.spoiled {
		return
	}
	at := core.Cursor{Epoch: d.meta.Epoch, Seq: d.meta.Cursor}
	t.w.checkShown("the disk of "+t.name, at, d.listed(), false)
	if op.pending == 0 && len(d.head) > 0 {
		t.w.checkShown("the head of "+t.name, at, byID(gjson.GetBytes(d.head, "data.sessionList")), false)
	}
}

// listed returns what a tab lists that has only the disk.
func (d *disk) listed() map[string]string {
	r := replica.New()
	r.Handle(replica.Event{Kind: replica.EvStart, Data: []byte(`{"account":"me","clientId":"reader","storage":true,"maxCached":100}`)})
	for _, ev := range d.read(nil) {
		if ev.Kind != replica.EvQueued {
			r.Handle(ev)
		}
	}
	for _, fx := range r.Handle(replica.Event{Kind: replica.EvCall, ID: 1, Code: replica.CallList, Data: []byte(`{"limit":100}`)}) {
		if fx.Kind == replica.FxReply {
			return byID(gjson.GetBytes(fx.Data, "data.sessionList"))
		}
	}
	return nil
}

func byID(list gjson.Result) map[string]string {
	shown := map[string]string{}
	for _, s := range list.Array() {
		shown[s.Get("sessionId").Str] = s.Raw
	}
	return shown
}

// stateOf names a session's state but for its ext, which a waiting write may
// have changed.
func stateOf(s gjson.Result) string {
	var b strings.Builder
	for _, name := range []string{"sessionId", "updateTime", "lastMsgType", "lastMsg"} {
		b.WriteString(s.Get(name).Raw)
		b.WriteByte('|')
	}
	return b.String()
}

// takeList holds a list to what the server ever said (I8), and to the anchor
// (I10): it may be the server's own answer.
func (t *tab) takeList(sessions []string, complete bool) {
	anchored := false
	for _, raw := range sessions {
		s := gjson.Parse(raw)
		anchored = anchored || s.Get("sessionId").Str == anchor
		if s.Get("sessionId").Str == "" {
			t.w.violate("I8: %s lists no session: %s", t.name, raw)
		}
		made := !s.Get("lastMsg").Exists() && t.w.author[s.Get("ext").Str] != nil
		if !t.w.history[stateOf(s)] && !made && !t.device.damaged {
			t.w.violate("I8: %s lists what the server never said: %s", t.name, raw)
		}
	}
	if t.listed && !anchored && complete && !t.device.damaged {
		t.w.violate("I10: %s lists without the session that nobody deletes", t.name)
	}
	t.listed = t.listed || anchored
}

// checkTabs is what holds at every step.
func (w *world) checkTabs() {
	for _, t := range w.tabs {
		w.countHeals(t)
		if t.app.stale && w.rng.IntN(3) == 0 {
			t.app.look()
		}
	}
}

// countHeals holds digests to match (I11), and counts apart what a disk that was
// harmed has mended.
func (w *world) countHeals(t *tab) {
	n := t.r.Heals() - t.healed
	t.healed += n
	switch {
	case n == 0:
	case t.device.damaged:
		w.mended += n
	default:
		w.heals += n
		w.violate("I11: the digest of %s had to heal", t.name)
	}
}

// checkTimes holds update times apart (I6).
func (w *world) checkTimes() {
	w.view(func(a *account.Account) error {
		rows, _, err := a.List(core.ListRequest{Limit: 100})
		for i := 1; i < len(rows); i++ {
			if rows[i].UpdateTime >= rows[i-1].UpdateTime {
				w.violate("I6: update times %d and %d", rows[i-1].UpdateTime, rows[i].UpdateTime)
			}
		}
		return err
	})
}
