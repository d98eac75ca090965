package replica

import "recents/core"

// link is the one socket to /v1/updates.
type link struct {
	state   linkState
	online  bool  // what the browser says
	id      int64 // of the socket, rising; the current one while open is not none
	open    socketState
	tries   int   // dials in a row that did not become ready
	fresh   bool  // the next dial asks the app for a new token
	after   int64 // a wait that the server asked for, ms
	head    int64 // the log's end as far as the server told
	owed    bool  // ready told of changes, which a frame is to bring
	heartMs int64
	backlog []core.Frame // deltas that came and are not applied yet; see deltaSlice
	torn    bool         // of the first of them a part is applied: the base is on the way
	rested  bool         // the server asked for a wait before the next pull
	heardAt int64        // when the newest frame came, ms
	poll    poll         // in the socket's place
	rests   bool         // while following: the leader is told of no change before it asks
}

// linkState is the status's connection.
type linkState uint8

const (
	connecting linkState = iota
	live
	offline
	unauthorized
	shut
)

type socketState uint8

const (
	none    socketState = iota
	dialing             // asked for
	greeted             // open, hello is sent
	ready               // the server answered
)

// Close codes that a page may send (RFC 6455 §7.4.2 leaves 4000 up to
// applications), and those of sync.md that a server sends.
const (
	closeNormal  = 1000
	closeQuiet   = 4000
	closeGarbage = 4400
	closeToken   = 4401
	closeAccount = 4403
	closeRate    = 4429
)

const (
	heartbeat      = 25_000 // ms between pings, unless the server says otherwise
	leastHeartbeat = 1000   // ms, whatever it says
	quiet          = 45_000 // ms without a frame: an offline browser leaves a socket open and silent
	quietAwake     = 5_000  // the same right after the page woke
	pullEvery      = 10 * 60_000
	owedWait       = 5_000  // for the frame that ready announces; then a pull makes up for it
	rateWait       = 10_000 // after closeRate, and after too many pages
	tokenEarly     = 60_000 // ms before its expiry that a token is replaced
	tokenLeast     = 5_000  // but no sooner: a static token cannot be replaced
)

// connection returns the status's word. A replica is live only while changes
// come by themselves, within a heartbeat, and nothing that it knows of is
// missing. One that follows says what its leader says.
func (r *Replica) connection() string {
	switch {
	case r.phase == closing || r.phase == closed || r.refused != nil:
		return "closed"
	case r.inStep() || r.rests() || !r.leads && r.known && r.link.state == live:
		return "live"
	case r.link.state == unauthorized:
		return "unauthorized"
	case r.link.state == offline:
		return "offline"
	}
	return "connecting"
}

// inStep reports whether base is the server's state.
func (r *Replica) inStep() bool {
	if !r.leads {
		return r.known && r.link.state == live && !r.link.rests && r.cursor == r.ahead
	}
	return r.caughtUp() && (r.link.open == ready || r.link.poll.told())
}

// isSure is inStep for an answer: timers sleep when the page does, so that a
// socket may have been silent for long before one of them says so.
func (r *Replica) isSure() bool {
	return r.inStep() && (r.link.open != ready || r.now-r.link.heardAt <= 2*quiet)
}

// caughtUp reports whether base holds all that was told.
func (r *Replica) caughtUp() bool {
	return r.known && r.boot == nil && r.cursor.Seq >= r.link.head
}

// rests reports whether changes come by polls, and none would be told now: in a
// moment base may be old, though not for long.
func (r *Replica) rests() bool {
	return r.leads && r.link.poll.on && r.link.state == live && r.caughtUp() && !r.inStep()
}

// reachable reports whether asking the server is worth a wait.
func (r *Replica) reachable() bool {
	return r.phase == running && r.link.online && (r.link.state == connecting || r.link.state == live)
}

// connect goes on from where the replica is: it starts over when there is no
// base, and dials when there is.
func (r *Replica) connect() {
	l := &r.link
	r.ask()
	if !r.leads || l.open != none || r.boot != nil || l.state == shut {
		return
	}
	if !l.online {
		l.state = offline
		return
	}
	if !r.known {
		r.startOver("")
		return
	}
	l.id++
	l.open = dialing
	r.do(Effect{Kind: FxDial, ID: l.id, Code: int64(bit(l.fresh))})
	l.fresh = false
	r.startTimer(timerQuiet, quiet)
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (r *Replica) socket(ev Event) {
	if ev.ID != r.link.id || r.link.open == none {
		return // of a socket that is given up
	}
	switch ev.Kind {
	case EvOpened:
		r.link.open = greeted
		r.send(core.AppendHello(nil, &core.SyncRequest{V: core.SyncVersion, Cursor: r.cursor, ClientID: r.cfg.ClientID}))
	case EvFrame:
		r.link.heardAt = r.now
		r.startTimer(timerQuiet, quiet)
		r.frames(ev.Data)
	case EvClosed:
		r.dropped(ev.Code)
	}
}

func (r *Replica) send(text []byte) {
	r.do(Effect{Kind: FxSend, ID: r.link.id, Data: text})
}

// frames takes one frame after the other, as long as the socket is not given up.
func (r *Replica) frames(b []byte) {
	id := r.link.id
	left := r.tellSlice()
	for more := true; more && r.link.id == id && r.link.open != none; {
		var f []byte
		f, b, more = cutFrame(b)
		left = r.frame(f, left)
	}
}

// cutFrame takes the first frame off, and reports whether another one follows.
func cutFrame(b []byte) (frame, rest []byte, more bool) {
	for i := core.NextControl(b, 0); i < len(b); i = core.NextControl(b, i+1) {
		if b[i] == FrameSeparator {
			return b[:i:i], b[i+1:], true
		}
	}
	return b, nil, false
}

// frame takes a frame, and returns what is left of what the event may take.
func (r *Replica) frame(b []byte, left int) int {
	if string(b) == "pong" {
		return left
	}
	f, err := core.ParseFrame(b)
	if err != nil {
		r.hangUp(closeGarbage, "a frame of the server's: "+err.Error())
		return left
	}
	switch f.Kind {
	case core.FrameReady:
		r.ready(&f)
	case core.FrameReset: // the next hello carries the cursor of the new list
		r.hangUp(closeNormal, "")
		r.startOver(f.Reason)
	case core.FrameDelta:
		f.Head = f.To // of the whole, where a part is taken
		if r.link.backlog = append(r.link.backlog, f); len(r.link.backlog) == 1 {
			return r.deltaSlice(left)
		}
	case core.FrameBehind:
		r.link.head = max(r.link.head, f.Head)
		r.pull()
	}
	return left
}

func (r *Replica) ready(f *core.Frame) {
	l := &r.link
	l.open, l.state, l.tries, l.rested = ready, live, 0, false
	l.head = f.Head
	l.heartMs = heartbeat
	if f.HeartbeatMs > 0 {
		l.heartMs = min(max(f.HeartbeatMs, leastHeartbeat), heartbeat)
	}
	l.poll.stop()
	r.stopTimer(timerPoll)
	r.lastError = ""
	r.stopTimer(timerDial)
	r.startTimer(timerPing, l.heartMs)
	if r.boot == nil {
		r.pullLater()
	}
	if f.TokenExpiresIn > 0 {
		// A token shorter than twice the margin is replaced at half of its life.
		r.startTimer(timerToken, max(f.TokenExpiresIn-tokenEarly, f.TokenExpiresIn/2, tokenLeast))
	}
	if f.Epoch != r.cursor.Epoch {
		r.startOver(core.ResetEpoch)
		return
	}
	if r.cursor.Seq >= l.head {
		r.asOf = r.now
		r.landWrites() // what was acknowledged when this tab led before
	}
	if r.unchecked { // a pull brings the digest, which the live frames do not
		r.unchecked = false
		r.pull()
	}
	r.sendWrites()
}

// pullLater sees to it that a socket which is ready is not all that is relied on.
func (r *Replica) pullLater() {
	if r.link.owed = r.link.head > r.cursor.Seq; r.link.owed {
		r.startTimer(timerPull, owedWait)
	} else {
		r.startTimer(timerPull, pullEvery)
	}
}

func (r *Replica) ping() {
	if r.link.open == ready {
		r.send([]byte("ping"))
		r.startTimer(timerPing, r.link.heartMs)
	}
}

// hangUp gives the socket up and dials again later.
func (r *Replica) hangUp(code int64, why string) {
	if r.link.open == none {
		return
	}
	r.do(Effect{Kind: FxHangup, ID: r.link.id, Code: code})
	r.dropped(code)
	if why != "" {
		r.fail(why)
	}
}

// dropped goes on after the socket is gone, for whatever reason.
func (r *Replica) dropped(code int64) {
	l := &r.link
	wasReady := l.open == ready
	l.open = none
	if !l.poll.on {
		l.tries++
	}
	if !wasReady {
		l.poll.socketFailed(code)
	}
	if code == closeToken {
		l.fresh = true
	}
	r.stopTimer(timerQuiet)
	r.stopTimer(timerPing)
	r.stopTimer(timerToken)
	switch {
	case l.state == shut:
		return
	case code == closeAccount:
		r.reject("token: is of another account")
	case l.state == unauthorized, l.poll.on:
	case wasReady, code == closeNormal:
		l.state = connecting // a server that restarts is back at the next try
	default:
		l.state = offline
	}
	if code == closeRate {
		l.after = max(l.after, rateWait)
	}
	r.redial()
	// A browser does not say why an upgrade was refused; a request does.
	if !wasReady && code != closeNormal && !l.poll.on && !l.rested {
		r.pull()
	}
}

func (r *Replica) redial() {
	l := &r.link
	if !r.leads || !l.online {
		return
	}
	if l.poll.on {
		r.startTimer(timerDial, max(dialAgain+r.roll(dialAgain), l.after))
	} else {
		r.startTimer(timerDial, r.backoff(l.tries, l.after))
	}
	l.after = 0
}

// reject notes that the server does not take the token. It is tried again, with
// a new one, as rarely as the backoff says.
func (r *Replica) reject(why string) {
	if r.link.state != shut {
		r.link.state = unauthorized
	}
	r.link.fresh = true
	r.fail(why)
	if r.link.open == ready && !r.pulling {
		r.retryPull(0) // no dial will tell that the token is taken again
	}
}

func (r *Replica) network(online bool) {
	l := &r.link
	l.online = online
	if !online {
		r.hangUp(closeNormal, "")
		l.state = offline
		l.poll.doubtIt()
		r.stopTimer(timerDial)
		r.stopTimer(timerPoll)
		return
	}
	l.tries = 0
	r.failures = 0
	if l.state == offline {
		l.state = connecting
	}
	r.stopTimer(timerDial)
	r.connect()
	r.resume()
}

// wake doubts what a page believed before it slept: the socket may be dead
// without a word.
func (r *Replica) wake() {
	if !r.leads {
		r.reread() // what the leader told may have been missed
		return
	}
	if r.link.open == ready {
		r.send([]byte("ping"))
		r.startTimer(timerQuiet, quietAwake)
		r.pull()
		return
	}
	r.link.tries = 0
	r.link.poll.doubtIt()
	r.stopTimer(timerDial)
	r.connect()
}
