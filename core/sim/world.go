// Package sim runs replicas, tabs, devices and the account in one process, from
// one seed: a scripted network, storage and clock do everything to them that
// reference faults name, and the invariants of sync.md are checked on the way
// and at the end. The same seed replays the same run. It is for tests only.
package sim

import (
	"context"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"runtime/debug"

	"recents/core"
	"recents/core/account"
	"recents/core/replica"
)

// Result is what one schedule came to.
type Result struct {
	Seed      uint64
	Steps     int
	Trace     uint64 // hash of all that happened: the same for the same seed
	Heals     int
	Mended    int // heals after injected damage, which are due
	Did       Deeds
	Violation string // "" when every invariant held
}

// Deeds counts what a schedule did to its devices.
type Deeds struct {
	Tabs    int // opened
	Crashes int
	Steals  int // of the lead
	Damages int // of what was stored
	Wipes   int // that went on to their end
}

// world is one schedule under way.
type world struct {
	rng     *rand.Rand
	now     int64
	skew    int64 // what the server's clock is off
	server  *account.Memory
	backup  *backup
	epochs  int
	order   uint64
	sent    []*account.Message
	friends []string

	devices []*device
	tabs    []*tab
	flights []flight // under way, each to be delivered, repeated or lost
	calm    bool     // the network loses nothing

	logs     map[string]map[string]fact // what the log of each epoch says of each session
	history  map[string]bool            // every state that a session ever had on the server
	applied  map[string]int             // how often each ext was applied
	landed   map[string]int64           // the log's end when it was
	author   map[string]*tab            // whose app set it
	accepted map[string]*device         // those of them that must come to be
	forsaken map[string]bool            // those that a wipe may have taken
	denied   map[string]bool            // those that the rules refused, or what was sent in their place
	restored bool
	forgot   bool // the server dropped client records, or a device its storage
	words    int

	log       io.Writer
	trace     uint64
	heals     int
	mended    int // heals of a disk that was harmed
	did       Deeds
	violation string
}

const (
	me     = "me"
	anchor = "anchor" // a friend whose session nobody deletes: a list without it is a false one (I10)
)

// Run runs the schedule of a seed for a number of steps. log gets a line for all
// that happens; nil: nobody does.
func Run(seed uint64, steps int, log io.Writer) (result Result) {
	w := newWorld(seed, log)
	result = Result{Seed: seed, Steps: steps}
	defer func() {
		if p := recover(); p != nil {
			w.violate("panic: %v\n%s", p, debug.Stack())
		}
		result.Trace, result.Heals, result.Mended, result.Did, result.Violation = w.trace, w.heals, w.mended, w.did, w.violation
	}()
	for range steps {
		if w.violation != "" {
			return result
		}
		w.step()
	}
	w.quiesce()
	return result
}

func newWorld(seed uint64, log io.Writer) *world {
	w := &world{log: log,
		rng: rand.New(rand.NewPCG(seed, 0x9e3779b97f4a7c15)), now: 1_700_000_000_000,
		server: account.NewMemory(), friends: []string{anchor, "f1", "f2", "f3"},
		logs: map[string]map[string]fact{}, history: map[string]bool{}, applied: map[string]int{}, landed: map[string]int64{},
		author: map[string]*tab{}, accepted: map[string]*device{}, forsaken: map[string]bool{}, denied: map[string]bool{},
	}
	w.message(anchor)
	for range 1 + w.rng.IntN(2) {
		d := w.newDevice()
		w.devices = append(w.devices, d)
		w.open(d)
	}
	return w
}

func (w *world) violate(format string, args ...any) {
	if w.violation == "" {
		w.violation = fmt.Sprintf(format, args...)
	}
}

// note adds what happens to the trace.
func (w *world) note(format string, args ...any) {
	h := fnv.New64a()
	fmt.Fprintf(h, "%x ", w.trace)
	fmt.Fprintf(h, format, args...)
	w.trace = h.Sum64()
	if w.log != nil {
		fmt.Fprintf(w.log, format+"\n", args...)
	}
}

func (w *world) friend() core.Key {
	return core.Key{Type: core.P2P, ID: w.friends[w.rng.IntN(len(w.friends))]}
}

// mortal is a friend whose session may be deleted.
func (w *world) mortal() core.Key {
	return core.Key{Type: core.P2P, ID: w.friends[1+w.rng.IntN(len(w.friends)-1)]}
}

// word makes up an ext that was never used.
func (w *world) word() string {
	w.words++
	return fmt.Sprint("w", w.words)
}

func (w *world) pickTab() *tab {
	if len(w.tabs) == 0 {
		return nil
	}
	return w.tabs[w.rng.IntN(len(w.tabs))]
}

// step does one thing.
func (w *world) step() {
	w.now += int64(w.rng.IntN(50))
	roll := w.rng.IntN(100)
	switch {
	case roll < 45:
		w.flight()
	case roll < 57:
		w.serverStep()
	case roll < 75:
		w.callStep()
	case roll < 90:
		w.timerStep()
	default:
		w.faultStep()
	}
	w.checkTabs()
}

// serverStep changes the account from outside of the replicas.
func (w *world) serverStep() {
	switch roll := w.rng.IntN(20); {
	case roll < 9:
		w.message(w.friend().ID)
	case roll < 11:
		w.redeliver()
	case roll < 13:
		w.revoke()
	case roll < 15:
		k, ext := w.friend(), w.word()
		w.update("other ext", func(a *account.Account) error { _, err := a.SetExt(k, ext, 0); return err })
	case roll < 17:
		k := w.mortal()
		w.update("other delete", func(a *account.Account) error { _, err := a.Delete(k, 0, false); return err })
	case roll < 18:
		w.skew = int64(w.rng.IntN(1_200_000) - 600_000)
	case roll < 19:
		w.collect()
	default:
		w.restoreStep()
	}
}

func (w *world) message(from string) {
	w.order = account.NextOrder(w.order, w.serverNow())
	raw := fmt.Sprintf(`{"uuid":"u%d","content":"c%d"}`, w.order, len(w.sent))
	m, err := account.ParseMessage([]byte(raw), from, core.Key{Type: core.P2P, ID: me}, w.order, false)
	if err != nil {
		w.violate("message: %v", err)
		return
	}
	w.sent = append(w.sent, m)
	w.update("message", func(a *account.Account) error { return a.Deliver(m) })
}

func (w *world) redeliver() {
	m := w.sent[w.rng.IntN(len(w.sent))]
	live := w.isLive(m.KeyIn(me))
	w.update("redelivery", func(a *account.Account) error { return a.Deliver(m) })
	if !live && w.isLive(m.KeyIn(me)) && !w.forgot && !w.restored {
		w.violate("I5: a redelivery brought %v back", m.KeyIn(me))
	}
}

func (w *world) isLive(k core.Key) (live bool) {
	w.view(func(a *account.Account) error {
		_, err := a.Get(k)
		live = err == nil
		return nil
	})
	return live
}

func (w *world) revoke() {
	m := w.sent[w.rng.IntN(len(w.sent))]
	w.update("revoke", func(a *account.Account) error {
		return a.Revoke(&account.Revoke{From: m.From, To: m.To, UUID: m.UUID, Operator: m.From})
	})
}

// collect lets a month go by, so that tombstones, husks and clients go.
func (w *world) collect() {
	w.now += 32 * 24 * 3600_000
	w.forgot = true
	w.update("collect", func(a *account.Account) error { _, err := a.Collect(); return err })
}

func (w *world) serverNow() int64 { return max(1, w.now+w.skew) }

// env keeps few tombstones, so that floors rise within a short schedule.
func (w *world) env() account.Env {
	return account.Env{Now: w.serverNow(), NewEpoch: fmt.Sprint("e", w.epochs), Config: account.Config{TombstoneSeqs: 3}}
}

func (w *world) view(fn func(*account.Account) error) {
	err := w.server.View(context.Background(), func(tx account.Tx) error {
		a, err := account.Open(me, tx.Account(me), w.env())
		if err != nil {
			return err
		}
		return fn(a)
	})
	if err != nil {
		w.violate("view: %v", err)
	}
}

// update runs an operation on the account and tells the open sockets.
func (w *world) update(what string, fn func(*account.Account) error) error {
	var d *account.Delta
	err := w.server.Update(context.Background(), func(tx account.Tx) error {
		a, err := account.Open(me, tx.Account(me), w.env())
		if err != nil {
			return err
		}
		if err := fn(a); err != nil {
			return err
		}
		d, err = a.Commit()
		return err
	})
	w.note("%s %v", what, err)
	if d != nil {
		w.record(d)
		w.push(d)
	}
	return err
}

// record keeps every state that a session had.
func (w *world) record(d *account.Delta) {
	w.note("to %d", d.To)
	w.learn(d.Epoch, d.Rows)
	w.checkTimes()
}

// backup is the account as it was, to be restored.
type backup struct {
	meta account.Meta
	rows []account.Record
}

// restoreStep takes a backup, or puts the account back to one: under a new
// epoch, since its seqs are given out a second time.
func (w *world) restoreStep() {
	if w.backup == nil {
		b := &backup{}
		_ = w.server.View(context.Background(), func(tx account.Tx) (err error) {
			s := tx.Account(me)
			b.meta, _ = s.Meta()
			b.rows, err = s.Changes(0, 1000)
			return err
		})
		w.backup = b
		return
	}
	w.epochs++
	w.restored = true
	w.note("restore")
	meta := w.backup.meta
	meta.Epoch = fmt.Sprint("e", w.epochs)
	w.learn(meta.Epoch, rowsOf(w.backup.rows))
	w.server = account.NewMemory()
	_ = w.server.Update(context.Background(), func(tx account.Tx) error {
		return tx.Account(me).Commit(&account.Change{Meta: meta, Put: w.backup.rows})
	})
	w.backup = nil
	for _, t := range w.tabs { // a server that is restored was stopped
		w.cut(t)
	}
}

func rowsOf(records []account.Record) (rows []core.Row) {
	for i := range records {
		rows = append(rows, records[i].Row)
	}
	return rows
}

// callStep has an app call.
func (w *world) callStep() {
	t := w.pickTab()
	if t == nil || t.stage != running || t.frozen {
		return
	}
	switch roll := w.rng.IntN(10); {
	case roll < 3:
		t.call(replica.CallList, `{"limit":100}`, nil)
	case roll < 8:
		k, ext := w.friend(), w.word()
		t.call(replica.CallUpdate, fmt.Sprintf(`{"sessionId":%q,"sessionType":"p2p","ext":%q}`, k.ID, ext), &wish{key: k, ext: ext})
	default:
		k := w.mortal()
		t.call(replica.CallDelete, fmt.Sprintf(`{"sessionList":[{"sessionId":%q,"sessionType":"p2p"}]}`, k.ID), &wish{key: k, remove: true})
	}
}

// timerStep has the next timer of a tab run out, or its beat.
func (w *world) timerStep() {
	t := w.pickTab()
	switch {
	case t == nil:
	case t.seat != nil && w.rng.IntN(3) == 0:
		w.now = max(w.now, t.seat.ticked+beat)
		t.seat.tick()
	default:
		t.nextTimer()
	}
}

const (
	mostTabs     = 4 // of a device
	mostTabsEver = 6
)

// faultStep is what happens to tabs and devices.
func (w *world) faultStep() {
	t := w.pickTab()
	if t == nil {
		w.openOn(w.devices[w.rng.IntN(len(w.devices))])
		return
	}
	switch roll := w.rng.IntN(60); {
	case roll < 12:
		w.toggleNetwork(t)
	case roll < 18:
		t.dropped()
	case roll < 26:
		w.crash(t)
	case roll < 38:
		w.openOn(t.device)
	case roll < 42:
		w.faultOfDisk(t)
	case roll < 45:
		t.visible = true
		t.wake()
	case roll < 48:
		t.close()
	default:
		w.faultOfTabs(t)
	}
}

func (w *world) openOn(d *device) {
	if len(w.tabs) < mostTabsEver && len(w.tabsOf(d)) < mostTabs && !d.wiping {
		w.open(d)
	}
}

// toggleNetwork is a device's, but for strangers.
func (w *world) toggleNetwork(t *tab) {
	online := !t.online
	if t.seat == nil {
		t.setOnline(online)
		return
	}
	for _, o := range w.tabsOf(t.device) {
		if !o.frozen {
			o.setOnline(online)
		}
	}
}

func (w *world) faultOfDisk(t *tab) {
	switch roll := w.rng.IntN(8); {
	case roll < 1:
		w.clear(t.device)
	case roll < 3:
		w.logout(t)
	case roll < 6:
		w.damage(t.device)
	default:
		w.decay(t.device)
	}
}

// faultOfTabs is what tabs do to each other.
func (w *world) faultOfTabs(t *tab) {
	if t.seat == nil {
		return
	}
	switch w.rng.IntN(4) {
	case 0:
		t.frozen = !t.frozen
		w.note("%s is frozen %t", t.name, t.frozen)
	case 1:
		t.seat.steal()
	case 2:
		t.visible = !t.visible
	default:
		if t.stage == running {
			w.note("%s leaves", t.name)
			t.seat.leave() // until it wakes
		}
	}
}
