package replica

import "recents/core"

// response is what became of a request.
type response struct {
	code    int // the envelope's code; codeNone without a readable answer
	details string
	data    []byte // the envelope's data; who reads it finds out whether it is JSON
	after   int64  // Retry-After, ms
}

// request is a fetch that is under way.
type request struct {
	id   int64
	done func(response)
}

// codeNone stands for no answer: the network failed, or what came was not ours
// (a captive portal's page, half a body).
const codeNone = 0

// passing reports whether asking again later may help (sync.md: 408, 425, 429,
// 5xx and network errors stop the queue, others settle).
func (p *response) passing() bool {
	switch p.code {
	case codeNone, core.CodeTimeout, core.CodeTooMany, 425, 429:
		return true
	}
	return p.code >= 500
}

// fetch asks the server. A refused token is tried once more with a new one
// before done hears of it.
func (r *Replica) fetch(path string, body []byte, done func(response)) {
	r.fetchAs(0, path, body, done)
}

func (r *Replica) fetchAs(how int64, path string, body []byte, done func(response)) {
	how |= int64(bit(r.link.fresh))
	r.link.fresh = false
	r.requestID++
	r.requests = append(r.requests, request{id: r.requestID, done: func(p response) {
		if p.code == core.CodeToken && how&FetchFresh == 0 {
			r.fetchAs(how|FetchFresh, path, body, done)
			return
		}
		r.noteAuthority(p)
		done(p)
	}})
	r.do(Effect{Kind: FxFetch, ID: r.requestID, Code: how, Path: path, Data: body})
}

// noteAuthority keeps the status in step with what the server says of the token.
func (r *Replica) noteAuthority(p response) {
	switch p.code {
	case core.CodeToken, core.CodeForbidden:
		r.reject(p.details)
	case core.CodeOK:
		if r.link.state == unauthorized {
			r.link.state = connecting
			r.connect()
		}
		if r.link.state == offline && r.link.online {
			r.link.state = connecting
		}
	}
}

func (r *Replica) response(ev Event) {
	for i, q := range r.requests {
		if q.id == ev.ID {
			r.requests = append(r.requests[:i], r.requests[i+1:]...)
			q.done(parseEnvelope(ev))
			return
		}
	}
}

func parseEnvelope(ev Event) response {
	p := response{code: codeNone, details: "no answer from the server", after: ev.After}
	if ev.Code == 0 {
		return p
	}
	if data, ok := core.AnswerData(ev.Data); ok && ev.Code == 200 {
		return response{code: core.CodeOK, data: data, after: ev.After} // to look it over here as well would take as long as reading it
	}
	var code int64
	details := ""
	err := core.Read(ev.Data, core.Member{Name: "code", To: &code}, core.Member{Name: "errorDetails", To: &details},
		core.Member{Name: "data", To: func(raw []byte) error {
			p.data = raw
			return nil
		}})
	switch {
	case err == nil && code > 0 && (code == core.CodeOK) == (ev.Code == 200):
		p.code, p.details = int(code), details
	case ev.Code == 429 || ev.Code >= 500: // a proxy's own page
		p.code, p.details = int(ev.Code), "HTTP status "+core.Itoa(ev.Code)
	default:
		p.details = notOurs + core.Itoa(ev.Code)
	}
	return p
}

const notOurs = "an answer that is not the server's, HTTP status "

// resume asks for what may be missing: the changes, or everything.
func (r *Replica) resume() {
	switch {
	case r.link.state == shut:
	case r.boot != nil:
		r.boot.waits = false
		r.bootNext()
	case r.known:
		r.pull()
	}
}

// mayPull reports whether this tab is one that asks for changes, and can.
func (r *Replica) mayPull() bool {
	return r.leads && r.known && r.boot == nil && r.link.online && r.link.state != shut && r.refused == nil
}

// syncRequest asks for the changes after the cursor.
func (r *Replica) syncRequest() core.SyncRequest {
	return core.SyncRequest{V: core.SyncVersion, Cursor: r.cursor, ClientID: r.cfg.ClientID, Limit: core.MaxSyncRows}
}

// pull asks for the changes after the cursor; one at a time (R1).
func (r *Replica) pull() {
	if !r.mayPull() {
		return
	}
	if r.pulling {
		r.pullNext = true
		return
	}
	r.pulling, r.pullNext, r.link.rested = true, false, false
	q := r.syncRequest()
	r.fetch("/v1/sync", core.AppendSyncRequest(nil, &q), func(p response) { r.pulled(&q, p) })
}

func (r *Replica) pulled(asked *core.SyncRequest, p response) {
	r.pulling = false
	page, ok := r.syncPage(asked, p)
	r.pullAnswered(ok)
	switch {
	case r.boot != nil || !r.leads:
		return // started over, or stepped down, meanwhile
	case !ok:
		r.releaseWrites()
		r.retryPull(p.after)
		return
	case page.Reset != "":
		r.startOver(page.Reset)
		return
	case r.cursor == asked.Cursor:
		r.failures = 0
		r.applyPage(page)
	case page.Next > r.cursor.Seq:
		r.pullNext = true // overtaken by deltas, but not by enough of them
	default:
		r.startTimer(timerPull, pullEvery)
	}
	if page.More {
		r.pages++
	} else {
		r.pages = 0
	}
	switch {
	case r.boot != nil:
	case r.pages >= mostPages:
		r.pages = 0
		r.fail("an answer of the server's: there is no end to its changes")
		r.startTimer(timerPull, rateWait)
	case r.pullNext || page.More && page.Next == r.cursor.Seq:
		r.pull()
	}
}

// mostPages is how many pages may follow each other before a rest: enough for
// half a million changes, and an end to those of a hostile server.
const mostPages = 1000

func (r *Replica) applyPage(page *core.SyncPage) {
	r.link.head = max(r.link.head, page.Head)
	r.apply(page.Rows, page.Next, page.LastMid, !page.More)
	if page.More {
		return
	}
	r.asOf = r.now
	r.startTimer(timerPull, pullEvery)
	r.sendWrites()
	if page.HasDigest && r.lowest == 0 && page.Digest != r.base.digest {
		r.heals++
		r.startOver("digest")
		r.fail("the cache differed from the server and is read again")
	}
}

// syncPage reads the answer to a /v1/sync; false when there is none to go by.
func (r *Replica) syncPage(asked *core.SyncRequest, p response) (*core.SyncPage, bool) {
	if p.code != core.CodeOK {
		r.fail(p.details)
		return nil, false
	}
	page, err := core.ParseSyncPage(p.data)
	if err == nil && page.Reset == "" && (page.Epoch != asked.Cursor.Epoch || page.From != asked.Cursor.Seq) {
		err = core.BadParam("from: is not the cursor that was asked")
	}
	if asked.ClientID != r.cfg.ClientID {
		page.LastMid = 0 // it counts other numbers than those of now
	}
	if err != nil {
		r.fail("an answer of the server's: " + err.Error())
	}
	return &page, err == nil
}

// retryPull waits longer after each failure: a broken or hostile server gets no
// loop out of this client.
func (r *Replica) retryPull(after int64) {
	r.failures++
	r.link.rested = after > 0
	r.startTimer(timerPull, r.backoff(r.failures, after))
}
