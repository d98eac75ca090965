package sim

import (
	"encoding/json"
	"fmt"
	"strings"

	"recents/core"
	"recents/core/account"
	"recents/core/replica"
)

// rounds bounds how long a calm world may take to come to rest.
const rounds = 400

// quiesce lets everything arrive and run out, and then holds every tab to the
// server (I1), and every accepted write to have been applied once (I2).
func (w *world) quiesce() {
	w.calm = true
	w.skew = max(w.skew, 0)
	for _, d := range w.devices {
		w.open(d) // finds what a tab that is gone left in the outbox
	}
	for _, t := range w.tabs {
		t.setOnline(true)
	}
	for range rounds {
		w.drain()
		if w.violation != "" {
			return
		}
		if w.atRest() {
			w.checkRest()
			return
		}
		for _, t := range w.tabs {
			t.nextTimer()
		}
	}
	w.violate("I1: no rest after %d rounds: %s", rounds, w.restless())
}

func (w *world) drain() {
	for n := 0; n < 5000 && w.violation == ""; n++ {
		busy := len(w.flights) > 0
		for _, t := range w.tabs {
			if len(t.writes) > 0 {
				t.nextWrite()
				busy = true
			}
		}
		if !busy {
			return
		}
		w.flight()
		w.checkTabs()
	}
}

func (w *world) atRest() bool {
	head := w.head()
	for _, t := range w.tabs {
		if t.status.Connection != "live" || t.status.Pending > 0 || t.status.Cursor != head || t.socket == 0 || t.status.Rests {
			return false
		}
	}
	return true
}

func (w *world) head() (cursor string) {
	w.view(func(a *account.Account) error {
		cursor = core.Cursor{Epoch: a.Meta().Epoch, Seq: a.Meta().Seq}.String()
		return nil
	})
	return cursor
}

func (w *world) restless() string {
	var b strings.Builder
	fmt.Fprintf(&b, "the server is at %s", w.head())
	for _, t := range w.tabs {
		fmt.Fprintf(&b, ", %s %+v", t.name, t.status)
	}
	return b.String()
}

func (w *world) checkRest() {
	want := w.serverList()
	for _, t := range w.tabs {
		got := t.list()
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			w.violate("I1: %s lists\n%s\nand the server\n%s", t.name, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		t.checkPaging(want)
	}
	w.checkWrites()
	w.checkViews()
}

func (w *world) serverList() (list []string) {
	w.view(func(a *account.Account) error {
		rows, _, err := a.List(core.ListRequest{Limit: 100})
		for i := range rows {
			list = append(list, string(core.AppendSession(nil, &rows[i], true)))
		}
		return err
	})
	return list
}

// ask calls the replica, which is live, and returns the sessions and where the
// next page starts.
func (t *tab) ask(params string) (list []string, more bool, next int64) {
	t.calls++
	id := t.calls
	for _, fx := range t.r.Handle(replica.Event{Kind: replica.EvCall, Now: t.w.now, ID: id, Code: replica.CallList, Data: []byte(params)}) {
		if fx.Kind != replica.FxReply {
			continue
		}
		var r struct {
			Code int
			Data struct {
				HasMore          bool
				SessionList      []json.RawMessage
				NextMaxTimestamp int64
			}
			Fresh bool
		}
		if err := json.Unmarshal(fx.Data, &r); err != nil || r.Code != 0 || !r.Fresh {
			t.w.violate("I1: %s is at rest and answers %s", t.name, fx.Data)
		}
		for _, s := range r.Data.SessionList {
			list = append(list, string(s))
		}
		return list, r.Data.HasMore, r.Data.NextMaxTimestamp
	}
	t.w.violate("I1: %s is at rest and does not answer", t.name)
	return nil, false, 0
}

func (t *tab) list() []string {
	list, _, _ := t.ask(`{"limit":100}`)
	return list
}

// checkPaging walks the list two by two (I4).
func (t *tab) checkPaging(want []string) {
	var got []string
	for at, more := int64(0), true; more && len(got) <= len(want) && t.w.violation == ""; {
		var page []string
		page, more, at = t.ask(fmt.Sprintf(`{"limit":2,"maxTimestamp":%d}`, at))
		got = append(got, page...)
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.w.violate("I4: %s pages\n%s\nof\n%s", t.name, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// checkWrites holds every ext that an app was told is safe to one effect. After
// a restore, or when the server forgot a client, one may be applied again.
func (w *world) checkWrites() {
	for ext, n := range w.applied {
		if n > 1 && !w.forgot && !w.restored {
			w.violate("I2: %s was applied %d times", ext, n)
		}
	}
	for ext := range w.accepted {
		if w.applied[ext] == 0 && !w.restored {
			w.violate("I2: %s was accepted and never applied", ext)
		}
	}
}

// checkViews starts an app on every tab, which lists once and goes by events
// from then on, changes the account, and compares what the apps show with the
// list (I7).
func (w *world) checkViews() {
	for _, t := range w.tabs {
		t.view = map[string]string{}
		for _, s := range t.list() {
			var session core.RecentSession
			_ = json.Unmarshal([]byte(s), &session)
			t.view[session.SessionID] = extOf(&session)
		}
	}
	for range 6 {
		w.serverStepCalm()
		w.callStep()
		w.drain()
	}
	for range rounds {
		w.drain()
		if w.atRest() || w.violation != "" {
			break
		}
		for _, t := range w.tabs {
			t.nextTimer()
		}
	}
	for _, t := range w.tabs {
		t.compareView()
	}
}

// serverStepCalm changes the account in a way that a live reader follows.
func (w *world) serverStepCalm() {
	switch w.rng.IntN(3) {
	case 0:
		w.message(w.friend().ID)
	case 1:
		w.revoke()
	default:
		k := w.mortal()
		w.update("other delete", func(a *account.Account) error { _, err := a.Delete(k, 0, false); return err })
	}
}

func (t *tab) compareView() {
	shown := map[string]string{}
	for _, s := range t.list() {
		var session core.RecentSession
		_ = json.Unmarshal([]byte(s), &session)
		shown[session.SessionID] = extOf(&session)
	}
	if fmt.Sprint(shown) != fmt.Sprint(t.view) {
		t.w.violate("I7: an app on %s that goes by events shows %v, and the list is %v", t.name, t.view, shown)
	}
}
