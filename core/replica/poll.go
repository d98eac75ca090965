package replica

import "recents/core"

// poll stands in for the socket where none can be had: a proxy that refuses the
// upgrade still lets requests through. A sync that waits at the server for the
// next change tells of it as soon as a socket would. A server that cannot hold
// an answer back (the edge worker) is asked again after a rest.
type poll struct {
	on      bool
	asking  bool  // one is under way
	holds   bool  // the server held the last one: it tells of a change at once
	missed  bool  // the last one failed
	id      int64 // of the newest one: the answer to an older one counts no more
	since   int64 // when it was asked, ms
	empty   int   // in a row that brought nothing and were not held
	blocked int   // sockets in a row that could not be had while requests were answered
	doubt   bool  // a socket could not be had, and no request has been answered since
}

const (
	mostBlocked = 3          // sockets that fail before polls take their place
	dialAgain   = 2 * 60_000 // ms, and up to as much again, before another socket is tried
	pollGap     = 500        // least ms from one poll to the next, so that a server that answers in vain gets no loop
	pollRest    = 1000       // ms between polls that are not held, doubling up to
	longestRest = core.MaxWait
)

// told reports whether a change would be told at once.
func (p *poll) told() bool { return p.on && p.asking && p.holds }

// stop gives up the polls: the answer to one that is under way counts no more.
func (p *poll) stop() { *p = poll{id: p.id + 1} }

// doubtIt gives up the poll that is under way: nobody may be there any more to
// answer it.
func (p *poll) doubtIt() {
	p.id++
	p.asking, p.holds = false, false
}

// socketFailed notes that a socket could not be had. Whether the network is
// gone or sockets alone, the next answer to a request tells.
func (p *poll) socketFailed(code int64) {
	switch code {
	case closeNormal, closeToken, closeAccount, closeRate: // the server was reached, or it was not its fault
	default:
		p.doubt = true
	}
}

// pullAnswered notes that a pull was answered, or was not. Three sockets in a
// row that failed while requests were answered start the polls.
func (r *Replica) pullAnswered(ok bool) {
	p := &r.link.poll
	if !p.doubt {
		return
	}
	p.doubt = false
	if !ok {
		return
	}
	if p.blocked++; p.blocked >= mostBlocked && !p.on && r.leads {
		p.on = true
		r.link.state, r.link.tries = live, 0 // requests are answered, and the first poll may take its time
		r.redial()
		r.ask()
	}
}

// ask sends the next poll, unless one is under way.
func (r *Replica) ask() {
	p := &r.link.poll
	if !p.on || p.asking || !r.mayPull() {
		return
	}
	p.asking, p.since = true, r.now
	p.id++
	id := p.id
	r.stopTimer(timerPoll)
	q := r.syncRequest()
	q.WaitMs = core.MaxWait
	r.fetchAs(FetchSlow, "/v1/sync", core.AppendSyncRequest(nil, &q), func(a response) {
		if id == p.id && p.on {
			r.polled(&q, a)
		}
	})
}

// polled goes on after a poll, as pulled does after a pull.
func (r *Replica) polled(asked *core.SyncRequest, a response) {
	p := &r.link.poll
	p.asking = false
	page, ok := r.syncPage(asked, a)
	switch {
	case r.boot != nil || !r.leads:
		return // the end of the bootstrap asks again
	case !ok:
		r.pollFailed(a.after)
		return
	case page.Reset != "":
		r.startOver(page.Reset)
		return
	}
	if r.link.state != shut {
		r.link.state = live
	}
	p.holds, r.failures = page.Held, 0
	if r.cursor == asked.Cursor {
		r.lastError = ""
		r.applyPage(page)
	}
	if p.missed { // the network was gone: maybe what refused the sockets as well
		p.missed = false
		r.connect()
	}
	r.restPoll(page)
}

// restPoll asks again: at once after an answer that took its time.
func (r *Replica) restPoll(page *core.SyncPage) {
	p := &r.link.poll
	rest := pollGap - max(r.now-p.since, 0)
	if page.Held || page.Next > page.From {
		p.empty = 0
	} else {
		rest = min(int64(pollRest)<<min(p.empty, 5), longestRest)
		p.empty++
	}
	if rest <= 0 {
		r.ask()
		return
	}
	r.startTimer(timerPoll, rest)
}

func (r *Replica) pollFailed(after int64) {
	p := &r.link.poll
	p.holds, p.missed = false, true
	if s := &r.link.state; *s == connecting || *s == live {
		*s = offline
	}
	r.releaseWrites()
	r.failures++
	r.startTimer(timerPoll, r.backoff(r.failures, after))
}
