package sim

import (
	"slices"

	"recents/core/replica"
)

// election decides which tab of a device leads: js/src/election.ts.
type election interface {
	enter()
	steal()
	leave()
	tick()
}

func newElection(s *seat) election {
	if s.t.device.kind == leases {
		return &leaseElection{s: s}
	}
	return &lockElection{s: s}
}

// leader is the stored record of which tab leads.
type leader struct {
	term  int64
	id    string
	until int64
}

// claim is one request for the lock.
type claim struct {
	e    *lockElection
	held bool
}

// lock is the account's Web Lock on one device.
type lock struct {
	holder *claim
	queue  []*claim
}

func (l *lock) request(c *claim, steal bool) {
	if !steal {
		l.queue = append(l.queue, c)
		l.grant()
		return
	}
	if was := l.holder; was != nil {
		was.e.told("lost", was.e.lost, was)
	}
	l.holder = c
	c.e.told("granted", c.e.hold, c)
}

func (l *lock) grant() {
	if l.holder != nil || len(l.queue) == 0 {
		return
	}
	c := l.queue[0]
	l.holder, l.queue = c, l.queue[1:]
	c.e.told("granted", c.e.hold, c)
}

func (l *lock) release(c *claim) {
	l.queue = slices.DeleteFunc(l.queue, func(o *claim) bool { return o == c })
	if l.holder == c {
		l.holder = nil
		l.grant()
	}
}

// told calls the tab back about a claim, in its turn.
func (e *lockElection) told(what string, call func(*claim), c *claim) {
	e.s.t.tasks = append(e.s.t.tasks, task{name: what, run: func() { call(c) }, lock: true})
}

// drop takes back all that a tab that is gone has claimed.
func (l *lock) drop(t *tab) {
	l.queue = slices.DeleteFunc(l.queue, func(o *claim) bool { return o.e.s.t == t })
	if l.holder != nil && l.holder.e.s.t == t {
		l.release(l.holder)
	}
}

// lockElection leads while it holds the lock.
type lockElection struct {
	s       *seat
	request *claim
}

func (e *lockElection) enter() {
	if e.request == nil {
		e.ask(false)
	}
}

func (e *lockElection) steal() {
	if e.request != nil {
		e.lock().release(e.request)
	}
	e.ask(true)
}

func (e *lockElection) leave() {
	c := e.request
	e.request = nil
	if c != nil {
		e.lock().release(c)
	}
}

func (e *lockElection) tick() {}

func (e *lockElection) lock() *lock { return &e.s.t.device.lock }

func (e *lockElection) ask(steal bool) {
	c := &claim{e: e}
	e.request = c
	if e.s.t.device.kind == lawless { // a sandboxed frame: there is no lock to be had
		e.s.t.later("no lock", func() { e.lost(c) })
		return
	}
	e.lock().request(c, steal)
}

// hold writes the term before it leads.
func (e *lockElection) hold(c *claim) {
	if e.request != c {
		e.lock().release(c)
		return
	}
	c.held = true
	e.s.t.later("lead", func() {
		term := e.s.t.takeTerm()
		e.s.t.later("led", func() {
			if e.request != c {
				e.lock().release(c)
				return
			}
			e.s.t.term = term
			e.s.elected(true)
		})
	})
}

// takeTerm is Store.lead of a lock's holder; 0 without storage.
func (t *tab) takeTerm() int64 {
	if t.disk == nil {
		return 0
	}
	was := int64(0)
	if t.disk.leader != nil {
		was = t.disk.leader.term
	}
	t.disk.lead(&leader{term: was + 1, id: t.name})
	return was + 1
}

func (e *lockElection) lost(c *claim) {
	if e.request != c {
		return
	}
	e.s.elected(!c.held)
	if c.held {
		e.ask(false)
	}
}

const (
	leaseTime      = 20_000
	hiddenPatience = 70_000
)

// leaseElection leads while it holds a lease in storage.
type leaseElection struct {
	s       *seat
	entered bool
	leads   bool
}

func (e *leaseElection) enter() {
	e.entered = true
	e.try(false)
}

func (e *leaseElection) steal() { e.try(true) }

func (e *leaseElection) leave() {
	e.entered, e.leads = false, false
	t := e.s.t
	t.later("let go", func() {
		if t.disk != nil && t.disk.leader != nil && t.disk.leader.id == t.name {
			t.disk.lead(&leader{term: t.disk.leader.term, id: t.name})
		}
	})
}

func (e *leaseElection) tick() {
	if e.entered {
		e.try(false)
	}
}

func (e *leaseElection) try(steal bool) {
	t, now := e.s.t, e.s.t.w.now
	t.later("try", func() {
		if t.disk == nil {
			t.later("tried", func() { e.tried(&leader{}) })
			return
		}
		if steal || e.isFree(t.disk.leader, now) {
			t.disk.lead(t.disk.leader.renewed(t.name, now+leaseTime))
		}
		stored := t.disk.leader
		t.later("tried", func() { e.tried(stored) })
	})
}

// renewed is the lease that a tab takes in the place of l: another term than
// another tab's.
func (l *leader) renewed(id string, until int64) *leader {
	next := &leader{term: 1, id: id, until: until}
	if l != nil && l.id == id {
		next.term = l.term
	} else if l != nil {
		next.term = l.term + 1
	}
	return next
}

func (e *leaseElection) tried(stored *leader) {
	leads := e.entered && stored.id == e.s.t.name
	if leads {
		e.s.t.term = stored.term
	}
	if leads == e.leads {
		return
	}
	e.leads = leads
	e.s.elected(leads)
}

func (e *leaseElection) isFree(stored *leader, now int64) bool {
	if stored == nil || stored.id == e.s.t.name || stored.until == 0 {
		return true
	}
	patience := int64(hiddenPatience)
	if e.s.t.visible {
		patience = 0
	}
	return stored.until+patience < now || stored.until > now+leaseTime
}

// checkRole holds a tab that follows to what a follower may do: the one that
// leads has the socket, sends and stores.
func (t *tab) checkRole(effects []replica.Effect) {
	if t.status.Leader || t.stage == closing {
		return
	}
	for _, fx := range effects {
		asks := fx.Kind == replica.FxFetch && fx.Path != "/v1/queryMySessionList"
		if asks || fx.Kind == replica.FxDial || fx.Kind == replica.FxStore {
			t.w.violate("T: %s follows, and wants %d %s", t.name, fx.Kind, fx.Path)
		}
	}
}
