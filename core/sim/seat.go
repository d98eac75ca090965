package sim

import (
	"encoding/json"

	"recents/core/replica"
)

// seat is a tab's place among those of its device: js/src/tabs.ts, with the same
// effects in the same order. Coarser than there: the doubt of a lease that may
// be a crashed tab's comes with a tick, not with a timer of its own.
type seat struct {
	t         *tab
	election  election
	open      bool // its channel
	listening bool // its core is there
	leads     bool
	own       string // the status that it told
	others    string // as the leader told last
	heard     int64  // when a leader was last known to live
	ticked    int64
	entered   int64
	answered  bool // since entering
}

// word is a message on the channel of a device's tabs.
type word struct {
	kind   string
	status string
	age    int64
	data   string
}

const (
	beat           = 10_000
	silence        = 45_000
	answerPatience = 2000
)

// unknown is what is believed of a leader that says nothing.
const unknown = `{"connection":"connecting","cursor":"","lastError":""}`

func newSeat(t *tab) *seat {
	s := &seat{t: t, own: unknown}
	s.election = newElection(s)
	s.enter()
	return s
}

func (s *seat) listen(believed bool) {
	s.listening = true
	if s.leads != believed {
		s.tellRole()
	}
	if s.leads {
		return
	}
	if s.others != "" {
		s.event(replica.Event{Kind: replica.EvLeader, Data: []byte(s.others)})
	}
	s.event(replica.Event{Kind: replica.EvChanged})
}

func (s *seat) event(ev replica.Event) {
	if s.listening && s.t.stage == running {
		s.t.event(ev)
	}
}

func (s *seat) tellRole() {
	code := int64(0)
	if s.leads {
		code = 1
	}
	s.event(replica.Event{Kind: replica.EvRole, Code: code})
}

func (s *seat) enter() {
	if s.open {
		s.post(word{kind: "hello"})
		return
	}
	s.open, s.answered = true, false
	s.heard, s.ticked, s.entered = s.t.w.now, s.t.w.now, s.t.w.now
	s.post(word{kind: "hello"})
	s.election.enter()
}

func (s *seat) leave() {
	if !s.open {
		return
	}
	if s.leads {
		s.elected(false)
	}
	s.election.leave()
	s.post(word{kind: "free"})
	s.open = false
}

// stop leaves for good.
func (s *seat) stop() {
	s.listening = false
	s.leave()
}

// fenced is told by storage that another tab leads.
func (s *seat) fenced() {
	s.election.leave()
	if s.leads {
		s.elected(false)
	}
	if s.open {
		s.election.enter()
	}
}

func (s *seat) elected(leads bool) {
	if leads == s.leads {
		return
	}
	s.t.w.note("%s leads %t", s.t.name, leads)
	s.leads = leads
	s.heard = s.t.w.now
	s.own = unknown
	s.beat()
	s.tellRole()
}

// tell passes on what a leader's core says of itself. A tab whose storage failed
// goes its own way.
func (s *seat) tell(st status) {
	switch {
	case st.Storage == "memory":
		s.stop()
	case st.Leader:
		b, _ := json.Marshal(map[string]string{"connection": st.Connection, "cursor": st.Cursor, "lastError": ""})
		s.own = string(b)
		s.beat()
	}
}

// tick is what a tab does every ten seconds.
func (s *seat) tick() {
	now := s.t.w.now
	if !s.open || s.t.frozen {
		return
	}
	if now-s.ticked > 2*beat { // it did not run itself
		s.heard = max(s.heard, now-silence+beat)
	}
	s.ticked = now
	s.election.tick()
	switch {
	case s.leads:
		s.beat()
	case now-s.heard > silence:
		s.event(replica.Event{Kind: replica.EvLeader, Data: []byte(unknown)})
		if s.t.visible {
			s.election.steal()
		}
	case s.t.device.kind == leases && !s.answered && now-s.entered > answerPatience:
		s.election.steal()
	}
}

// steal takes the leader's place, as a tab does that believes it gone.
func (s *seat) steal() {
	if s.open && !s.leads {
		s.t.w.note("%s steals", s.t.name)
		s.t.w.did.Steals++
		s.election.steal()
	}
}

func (s *seat) beat() {
	if s.leads {
		s.post(word{kind: "leader", status: s.own, age: s.t.w.now - s.ticked})
	}
}

// post gives each other tab's open channel a copy.
func (s *seat) post(m word) {
	if !s.open {
		return
	}
	for _, o := range s.t.w.tabs {
		if o != s.t && o.device == s.t.device && o.seat != nil && o.seat.open {
			s.t.w.flights = append(s.t.w.flights, flight{tab: o, kind: said, id: s.t.no, word: m})
		}
	}
}

func (s *seat) hear(m word) {
	if !s.open {
		return
	}
	switch m.kind {
	case "hello":
		s.beat()
	case "free":
		s.election.tick()
	case "changed":
		s.event(replica.Event{Kind: replica.EvChanged})
	case "refused":
		s.event(replica.Event{Kind: replica.EvRefused, Data: []byte(m.data)})
	case "wiped":
		s.t.close()
	case "leader":
		s.answered = true
		s.others = m.status
		s.heard = max(s.heard, s.t.w.now-m.age)
		s.event(replica.Event{Kind: replica.EvLeader, Data: []byte(m.status)})
	}
}
