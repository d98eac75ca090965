package sim

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

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
	w.awaken()
	w.drain()
	for _, d := range w.devices {
		if d.wiping {
			w.violate("T: the wipe of device %d never ends", d.id)
		}
		w.open(d) // finds what a tab that is gone left in the outbox
	}
	w.drain()
	w.harmSome()
	w.awaitPulls()
	w.message(anchor) // two that believe to lead find out as they write
	if !w.settle() {
		return
	}
	w.checkRest()
	for _, d := range w.devices {
		d.damaged = false
	}
	w.checkViews()
}

// harmSome damages, of some devices, what their tabs have stored by now. These have
// no reason to read it again; the next one finds it.
func (w *world) harmSome() {
	if w.rng.IntN(4) > 0 {
		return
	}
	w.round() // for what waits to be stored
	w.drain()
	for _, d := range w.devices {
		w.damage(d)
		w.open(d)
	}
	w.drain()
}

// awaken ends what keeps tabs from running.
func (w *world) awaken() {
	for _, t := range slices.Clone(w.tabs) {
		t.frozen, t.visible = false, true
		t.setOnline(true)
		t.wake()
	}
}

// awaitPulls lets the longest wait for a pull go by where storage was harmed:
// rows that are missing without a trace are found by the digest of the next one.
func (w *world) awaitPulls() {
	if !slices.ContainsFunc(w.devices, func(d *device) bool { return d.damaged }) {
		return
	}
	for range 2 * pullEvery / beat { // of each tab: the clock jumps to the next timer of any
		w.drain()
		w.round()
	}
	w.drain()
}

// pullEvery is the longest wait of a leader before it pulls, ms.
const pullEvery = 10 * 60_000

// settle goes on until nothing is left to be done.
func (w *world) settle() bool {
	for range rounds {
		w.drain()
		if w.violation != "" {
			return false
		}
		if w.atRest() {
			return true
		}
		w.round()
	}
	w.violate("I1: no rest after %d rounds: %s", rounds, w.restless())
	return false
}

// round has the next timer of every tab run out, and its beat.
func (w *world) round() {
	for _, t := range slices.Clone(w.tabs) {
		t.nextTimer()
	}
	w.now += beat
	for _, t := range w.tabs {
		if t.seat != nil {
			t.seat.tick()
		}
	}
}

// mostSteps is far more than any moment of a calm world takes.
const mostSteps = 20_000

func (w *world) drain() {
	for range mostSteps {
		if w.violation != "" {
			return
		}
		busy := len(w.flights) > 0
		for _, t := range slices.Clone(w.tabs) {
			if t.busy() {
				t.work()
				busy = true
			}
		}
		if !busy {
			return
		}
		w.flight()
		w.checkTabs()
	}
	w.violate("I1: a loop: %s", w.restless())
}

// atRest reports whether all tabs are in step, their apps heard what became of
// all that they wrote, and one of each device leads that elects one.
func (w *world) atRest() bool {
	head := w.head()
	leaders := make([]int, len(w.devices))
	for _, t := range w.tabs {
		if t.status.Connection != "live" || t.status.Pending > 0 || t.status.Cursor != head || t.status.Leader != (t.socket != 0) || t.status.Rests || t.app.waits() {
			return false
		}
		if t.status.Leader && t.status.Storage != "memory" {
			leaders[t.device.id]++
		}
	}
	for _, d := range w.devices {
		if d.elects() && leaders[d.id] != 1 {
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
		fmt.Fprintf(&b, ", %s %+v with socket %d", t.name, t.status, t.socket)
		if t.app.waits() {
			b.WriteString(" and an app that was not told what became of a write")
		}
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
	reply := t.silently(replica.Event{Kind: replica.EvCall, ID: t.calls, Code: replica.CallList, Data: []byte(params)})
	r := gjson.ParseBytes(reply)
	if reply == nil || r.Get("code").Int() != 0 || !r.Get("fresh").Bool() {
		t.w.violate("I1: %s is at rest and answers %q", t.name, reply)
	}
	return sessionsIn(r), r.Get("data.hasMore").Bool(), r.Get("data.nextMaxTimestamp").Int()
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
// from then on, changes the account and who leads, and compares what the apps
// show with the list (I7).
func (w *world) checkViews() {
	for _, t := range w.tabs {
		t.app.start()
	}
	for range 6 {
		w.serverStepCalm()
		w.callStep()
		w.shuffle()
		w.drain()
	}
	if w.settle() {
		for _, t := range w.tabs {
			t.app.compare()
		}
	}
}

// shuffle has another tab lead now and then.
func (w *world) shuffle() {
	t := w.pickTab()
	switch roll := w.rng.IntN(8); {
	case t.seat == nil || len(w.tabsOf(t.device)) == 1:
	case roll == 0:
		t.close()
	case roll == 1:
		t.seat.steal()
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
