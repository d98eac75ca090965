package replica

import "recents/core"

// Replica is one account's session list in one tab. Its zero value is not
// usable; its methods are not safe for concurrent use.
//
// Where the rules are:
//
//	apply.go      R1 to R3, R5: what a frame or a page does to the base, and which events it makes
//	bootstrap.go  starting over, by a shadow that takes the base's place at once
//	link.go       the socket: dialing, silence, tokens; poll.go does without one
//	fetch.go      requests, pulls, and the digest
//	call.go       queries, and what they say of themselves; page.go writes the pages
//	write.go      R4: updates and deletes until the base contains them; overlay.go shows them
//	outbox.go     where writes wait, numbered by storage; coalesce.go sends fewer of them
//	persist.go    storage: what is written when; rewrite.go writes all anew, a slice at a time
//	loss.go       storage that fails, is full, and comes back
//	tabs.go       leading, following, and reading what the leader stored
//	set.go        the ordered rows; chunk.go, batch.go and event.go are the forms of what goes in and out
type Replica struct {
	cfg     Config
	refused error // why Config cannot be used
	phase   phase
	now     int64
	fx      []Effect

	// The base: what the server said, up to cursor. known is false until there
	// is any, be it stored.
	base      *set
	texts     texts
	left      map[string]bool // the logs that it was of before
	cursor    core.Cursor
	known     bool
	lowest    int64 // sessions with an older update time may be missing from base; 0: none is
	asOf      int64 // when base was the server's state, ms
	unchecked bool  // base is as it was stored: its digest is still to be compared

	boot     *bootstrap // not nil while starting over
	pulling  bool
	pullNext bool // something said that there is more, while pulling
	failures int  // pulls and bootstraps that failed in a row
	heals    int  // digests that did not match: a defect, in a correct run 0 (I11)

	leads  bool        // this tab holds the socket; see tabs.go
	rising bool        // it will, once it has read what is stored
	ahead  core.Cursor // while following: the leader's

	link    link
	store   storage
	calls   []*call  // open ones, in the order they came
	writes  []*write // stored and numbered, not in the base yet, by mid
	box     outbox
	sending bool  // a batch of writes is in flight
	pages   int   // of changes, that said there were more, in a row
	resting bool  // the server asked for a wait before the next batch
	single  bool  // a batch was refused: the next holds one write
	landed  int64 // the base contains every mutation up to this mid

	requests  []request // open ones
	requestID int64
	random    uint64
	lastError string
	status    []byte // as last told
	changes   changes
	paused    bool // FxPause is under way
}

type phase uint8

const (
	created phase = iota
	loading
	running
	closing // waits for the last write to storage
	closed
)

// Config is what EvStart says, as JSON with these names:
//
//	{account, clientId, seed, maxCached, maxExt, echoOwn, reject, storage, follow, online, slice}
type Config struct {
	Account   string
	ClientID  string // random; a stored outbox's counts instead
	Seed      int64  // of the backoff's jitter
	MaxCached int64  // sessions kept, the newest
	MaxExt    int64  // UTF-16 code units of an ext
	EchoOwn   bool   // tell this client's own updates too
	Reject    bool   // refuse writes while offline, instead of queueing them
	Storage   bool   // there is storage: EvLoad follows
	Follow    bool   // another tab may lead: EvRole says when this one does
	Online    bool   // what the browser says
	Texts     bool   // the shell keeps what FxTexts gives it: replies name it
	Slice     int64  // bytes of rows between two pauses, about; 0: maxSlice
}

// DefaultMaxCached is how many sessions are kept unless Config says otherwise.
const DefaultMaxCached = 10000

// New returns a replica that waits for EvStart.
func New() *Replica {
	return &Replica{base: newSet()}
}

// Handle takes one event and returns what is to be done, in order.
func (r *Replica) Handle(ev Event) []Effect {
	r.fx = nil
	r.now = ev.Now
	switch r.phase {
	case created:
		r.start(ev)
	case loading:
		r.load(ev)
	case running:
		r.run(ev)
	case closing, closed:
		r.end(ev)
	}
	if r.phase == running {
		r.tellChanges()
		r.scheduleFlush()
	}
	r.tellStatus()
	return r.fx
}

// do adds an effect. It and the timers stay out of line for the size of the
// wasm: each is called from dozens of places.
//
//go:noinline
func (r *Replica) do(fx Effect) { r.fx = append(r.fx, fx) }

func (r *Replica) start(ev Event) {
	if ev.Kind != EvStart {
		return
	}
	r.cfg, r.refused = parseConfig(ev.Data)
	r.random = uint64(r.cfg.Seed)*2 + 1
	r.store.on = r.cfg.Storage
	r.link.online = r.cfg.Online
	r.phase = loading
	if r.refused != nil {
		r.fail(r.refused.Error())
		r.store.on = false
	}
	if !r.store.on {
		r.begin()
	}
}

// begin ends loading: the replica is connected from here on.
func (r *Replica) begin() {
	r.phase = running
	r.leads = !r.cfg.Follow || !r.store.on
	if r.refused == nil {
		r.connect()
	}
}

func (r *Replica) run(ev Event) {
	switch ev.Kind {
	case EvCall:
		r.call(ev)
	case EvAbort:
		r.settleCode(ev.ID, core.CodeTimeout, "aborted")
	case EvResponse:
		r.response(ev)
	case EvOpened, EvFrame, EvClosed:
		r.socket(ev)
	case EvTimer:
		r.timer(ev.ID)
	case EvStored:
		r.stored(ev)
	case EvQueued:
		if ev.ID == 0 {
			r.rereading(ev)
			return
		}
		r.queued(ev)
	case EvLoad, EvChunk, EvLoaded:
		r.rereading(ev)
	case EvRole:
		r.role(ev.Code == 1)
	case EvLeader:
		r.leader(ev.Data)
	case EvChanged:
		r.reread()
	case EvRefused:
		r.refusedThere(ev.Data)
	case EvNetwork:
		r.network(ev.Code == 1)
	case EvWake:
		r.wake()
	case EvGoOn:
		r.goOn()
	case EvClose:
		r.close()
	}
}

// The timers. Those of calls are callTimers + the call's id.
const (
	timerDial  = 1 // dial again
	timerPing  = 2
	timerQuiet = 3 // no frame came for too long
	timerToken = 4 // the token is about to expire
	timerPull  = 5 // pull, or start over, again
	timerFlush = 6
	timerWrite = 7 // send the writes again
	timerPoll  = 8 // ask for changes, without a socket
	timerStore = 9 // try the storage again that was lost
	lastTimer  = timerStore
	callTimers = 16
)

func (r *Replica) timer(id int64) {
	switch id {
	case timerDial:
		r.connect()
	case timerPing:
		r.ping()
	case timerQuiet:
		r.hangUp(closeQuiet, "no frame from the server")
	case timerToken:
		r.link.fresh = true
		r.hangUp(closeNormal, "")
		r.connect()
	case timerPull:
		r.link.rested = false
		r.resume()
		r.reread() // a write of a tab that ended before it told of it
	case timerFlush:
		r.flush()
	case timerWrite:
		r.resting = false
		r.sendWrites()
	case timerPoll:
		r.ask()
	case timerStore:
		r.tryStorage()
	default:
		r.callTimedOut(id - callTimers)
	}
}

//go:noinline
func (r *Replica) startTimer(id, ms int64) { r.do(Effect{Kind: FxTimer, ID: id, Code: ms}) }

//go:noinline
func (r *Replica) stopTimer(id int64) { r.do(Effect{Kind: FxCancel, ID: id}) }

// close settles what is open, and waits for what is not stored yet. Of a write that
// the base contains and that was not answered nothing is told: the rules may have
// refused it. Storage keeps it, so that the next tab asks.
func (r *Replica) close() {
	r.hangUp(closeNormal, "")
	r.link.state = shut
	for _, w := range r.writes {
		if r.store.on {
			r.answerQueued(w)
		}
	}
	for at := len(r.calls) - 1; at >= 0; at-- {
		if c := r.calls[at]; c.write == nil || !r.store.on { // else a write is answered once it is stored
			r.settleCode(c.id, core.CodeOffline, "the client is closed")
		}
	}
	r.tellChanges()
	r.flush()
	r.phase = closing
	r.endWhenStored()
}

// end handles what still arrives once the app has closed the client.
func (r *Replica) end(ev Event) {
	switch ev.Kind {
	case EvCall:
		r.calls = append(r.calls, &call{id: ev.ID})
		r.settleCode(ev.ID, core.CodeOffline, "the client is closed")
	case EvStored:
		if r.phase == closing {
			r.stored(ev)
			r.flush()
			r.endWhenStored()
		}
	case EvGoOn:
		r.paused = false
		if r.phase == closing {
			r.rewriteSlice()
		}
	case EvQueued:
		if r.phase == closing {
			r.queued(ev)
			r.endWhenStored()
		}
	}
}

func (r *Replica) endWhenStored() {
	if r.store.writing == nil && !r.box.saving {
		r.phase = closed
		r.do(Effect{Kind: FxClosed})
	}
}

// fail remembers the last thing that went wrong for the status.
//
//go:noinline
func (r *Replica) fail(why string) { r.lastError = why }

// tellStatus sends the status when it is not the one last sent.
func (r *Replica) tellStatus() {
	if r.phase == created || r.phase == loading {
		return
	}
	s := core.AppendStr(nil, `{"connection":`, r.connection())
	s = core.AppendStr(s, `,"storage":`, r.store.name())
	s = core.AppendFlag(s, `,"leader":`, r.leads)
	s = core.AppendNum(s, `,"cached":`, int64(r.base.len()))
	s = core.AppendNum(s, `,"pending":`, int64(r.waiting()))
	s = core.AppendStr(s, `,"cursor":`, r.cursorText())
	s = core.AppendFlag(s, `,"rests":`, r.rests())
	s = append(core.AppendStr(s, `,"lastError":`, r.lastError), '}')
	if string(s) != string(r.status) {
		r.status = s
		r.do(Effect{Kind: FxStatus, Data: s})
	}
}

func (r *Replica) cursorText() string {
	if !r.known {
		return ""
	}
	return r.cursor.String()
}

// roll returns a number in [0, n) from the seed, by xorshift64*.
func (r *Replica) roll(n int64) int64 {
	r.random ^= r.random >> 12
	r.random ^= r.random << 25
	r.random ^= r.random >> 27
	return int64(r.random * 2685821657736338717 >> 1 % uint64(n))
}

// backoff returns the wait before try n (1 is the first) in ms: full jitter
// under 0.5 s doubling up to 60 s, unless the server said how long.
func (r *Replica) backoff(n int, after int64) int64 {
	if after > 0 {
		return after
	}
	limit := int64(500) << min(n-1, 7)
	return 1 + r.roll(min(limit, 60000))
}

func parseConfig(b []byte) (Config, error) {
	c := Config{MaxCached: DefaultMaxCached, MaxExt: core.MaxExt}
	err := core.Read(b, core.Member{Name: "account", To: &c.Account}, core.Member{Name: "clientId", To: &c.ClientID},
		core.Member{Name: "seed", To: &c.Seed}, core.Member{Name: "maxCached", To: &c.MaxCached}, core.Member{Name: "maxExt", To: &c.MaxExt},
		core.Member{Name: "echoOwn", To: &c.EchoOwn}, core.Member{Name: "reject", To: &c.Reject}, core.Member{Name: "texts", To: &c.Texts}, core.Member{Name: "storage", To: &c.Storage}, core.Member{Name: "follow", To: &c.Follow}, core.Member{Name: "online", To: &c.Online}, core.Member{Name: "slice", To: &c.Slice})
	if err == nil {
		err = c.check()
	}
	return c, err
}

func (c *Config) check() error {
	switch {
	case c.ClientID == "" || len(c.ClientID) > core.MaxClientID:
		return core.BadParam("clientId: is not within 1 and " + core.Itoa(core.MaxClientID) + " bytes")
	case c.MaxCached < core.MaxPage:
		return core.BadParam("maxCachedSessions: " + core.Itoa(c.MaxCached) + " is under " + core.Itoa(core.MaxPage))
	}
	return core.CheckID("account", c.Account)
}

func (c *Config) slice() int {
	if c.Slice > 0 {
		return int(c.Slice)
	}
	return maxSlice
}

// Heals returns how often the digest found the base wrong: 0 in a correct run
// (I11).
func (r *Replica) Heals() int { return r.heals }
