package replica

import "recents/core"

// call is a query, or one part of the app's that waits for a write.
type call struct {
	id    int64
	kind  int64
	list  core.ListRequest
	key   core.Key
	asked bool // the server was asked, and the cache answers when it takes too long
	write *write
}

// patience is how long a query waits for the server before the cache answers,
// and a write for being seen in the list once it is acknowledged, ms.
const patience = 3000

// appResult is a NIMResult and what the JS API says beside it.
type appResult struct {
	code    int
	details string
	data    []byte                  // nil: null
	list    func(dst []byte) []byte // appends data in its place: a page is too long to copy
	room    int                     // about how many bytes list appends
	named   bool                    // list names sessions that the shell keeps
	server  bool
	fresh   bool
	pending bool // it shows, or is, a write that waits
	nothing bool // it is an empty page above what is missing
	partial bool // the cache does not reach as far down as was asked
	asOf    int64
}

func (a *appResult) append(dst []byte) []byte {
	source := "cache"
	if a.server {
		source = "server"
	}
	dst = core.AppendText(core.AppendNum(dst, `{"code":`, int64(a.code)), `,"data":`)
	switch {
	case a.list != nil:
		dst = a.list(dst)
	case a.data != nil:
		dst = core.AppendRaw(dst, "", a.data)
	default:
		dst = core.AppendText(dst, "null")
	}
	dst = core.AppendStr(dst, `,"errorDetails":`, a.details)
	dst = core.AppendFlag(dst, `,"isSuccess":`, a.code == 0 || a.code == core.CodeQueued)
	dst = core.AppendStr(dst, `,"source":`, source)
	dst = core.AppendFlag(dst, `,"fresh":`, a.fresh)
	dst = core.AppendFlag(dst, `,"complete":`, !a.partial)
	dst = core.AppendNum(dst, `,"asOf":`, a.asOf)
	return append(core.AppendFlag(dst, `,"pending":`, a.pending), '}')
}

// settle answers a call, once.
func (r *Replica) settle(id int64, a appResult) {
	c := r.openCall(id)
	if c == nil {
		return
	}
	r.forgetCall(c)
	if c.asked || c.write != nil {
		r.stopTimer(callTimers + id)
	}
	if c.write != nil {
		c.write.call = 0
	}
	reply := Effect{Kind: FxReply, ID: id, Data: a.append(make([]byte, 0, a.room+len(a.data)+len(a.details)+256))}
	if a.named {
		reply.Code = 1
	}
	r.do(reply)
}

// openCall returns the call of that id, nil when it is answered.
func (r *Replica) openCall(id int64) *call {
	for _, c := range r.calls {
		if c.id == id {
			return c
		}
	}
	return nil
}

func (r *Replica) forgetCall(c *call) {
	for i := range r.calls {
		if r.calls[i] == c {
			r.calls = cut(r.calls, i)
			return
		}
	}
}

func (r *Replica) settleCode(id int64, code int, details string) {
	r.settle(id, appResult{code: code, details: details, asOf: r.asOf})
}

func (r *Replica) settleError(id int64, err error) {
	code, details := core.CodeOf(err)
	r.settleCode(id, code, details)
}

func (r *Replica) call(ev Event) {
	c := &call{id: ev.ID, kind: ev.Code}
	r.calls = append(r.calls, c)
	if r.refused != nil {
		r.settleError(ev.ID, r.refused)
		return
	}
	var err error
	switch ev.Code {
	case CallList:
		if c.list, err = core.ParseListRequest(ev.Data); err == nil {
			r.query(c, "/v1/queryMySessionList", ev.Data)
		}
	case CallGet:
		if c.key, err = core.ParseKeyRequest(ev.Data); err == nil {
			r.query(c, "/v1/queryMySession", ev.Data)
		}
	case CallUpdate:
		err = r.callUpdate(c, ev.Data)
	case CallDelete:
		err = r.callDelete(c, ev.Data)
	default:
		err = core.BadParam("call: " + core.Itoa(ev.Code) + " is unknown")
	}
	if err != nil {
		r.settleError(ev.ID, err)
	}
}

// query answers from the cache while it is the server's state, from the server
// while that can be reached, and else from the cache, and says which.
func (r *Replica) query(c *call, path string, body []byte) {
	// An answer of the server's would lack the writes that wait.
	if r.isSure() || r.known && r.overlay() != nil {
		if a := r.cached(c); !a.partial {
			r.settle(c.id, a)
			return
		}
	}
	if !r.reachable() {
		r.settle(c.id, r.cachedOr(c, appResult{code: core.CodeOffline, details: r.whyNot()}))
		return
	}
	c.asked = true
	r.startTimer(callTimers+c.id, patience)
	r.fetch(path, body, func(p response) { r.answered(c, p) })
}

func (r *Replica) answered(c *call, p response) {
	if p.code == core.CodeOK && core.Valid(p.data) != nil { // the app gets it as it is
		p = response{code: codeNone, details: notOurs + "200"}
	}
	// What waits is not in an answer of the server's.
	a := appResult{code: p.code, details: p.details, asOf: r.now, server: true, fresh: r.waiting() == 0}
	switch {
	case p.code == core.CodeOK:
		a.code, a.data = 0, p.data
	case p.code == core.CodeNotFound:
	case p.code == codeNone:
		a = r.cachedOr(c, appResult{code: core.CodeOffline, details: p.details, server: true})
	case p.passing(), p.code == core.CodeToken, p.code == core.CodeForbidden:
		a = r.cachedOr(c, appResult{code: p.code, details: p.details, server: true})
	default:
		a.fresh = false
	}
	r.settle(c.id, a)
}

func (r *Replica) callTimedOut(id int64) {
	c := r.openCall(id)
	switch {
	case c == nil:
	case c.write != nil:
		r.writeTimedOut(c.write)
	default:
		r.settle(id, r.cachedOr(c, appResult{code: core.CodeTimeout, details: "no answer from the server within 3 s, and nothing is cached"}))
	}
}

func (r *Replica) whyNot() string {
	if r.link.state == unauthorized {
		return r.lastError
	}
	return "offline, and nothing is cached"
}

// cachedOr answers from the cache, or with other when that knows nothing.
func (r *Replica) cachedOr(c *call, other appResult) appResult {
	rows, _ := r.visible()
	if rows == nil || !r.known && r.cached(c).nothing {
		if r.link.state == unauthorized && other.code == core.CodeOffline {
			other.code = core.CodeToken
		}
		return other
	}
	return r.cached(c)
}

// visible returns what can be shown, and how far down it is whole: the base, or
// at a first start what has come so far.
func (r *Replica) visible() (rows *set, lowest int64) {
	switch {
	case r.known:
		return r.base, r.lowest
	case r.boot != nil && r.boot.shadow.len() > 0:
		// Whole nowhere: a session that moved up while the pages were read is
		// missing until the changes are in.
		return r.boot.shadow, max(r.boot.nextMax, r.boot.lowest) + 1
	}
	return nil, 0
}

func (r *Replica) cached(c *call) appResult {
	rows, lowest := r.visible()
	a := appResult{fresh: r.isSure(), asOf: r.asOf}
	if a.fresh {
		a.asOf = r.now
	}
	if c.kind == CallGet {
		return r.cachedOne(a, c.key, rows, lowest)
	}
	q := c.list
	page, more, touched := r.overlay().page(rows, q.Min, q.Max, q.Limit)
	a.pending = touched
	if touched {
		r.noteListed()
	}
	// The page ended at the end of what is cached, which is not the list's end.
	a.partial = !r.known || !more && q.Min < lowest
	nextMax := next(page, more)
	if a.partial {
		a.nothing = len(page) == 0
		nextMax = r.nextBelow(page, lowest, q.Max)
	}
	more = more || a.partial
	if a.named = r.cfg.Texts && q.NeedLastMsg; a.named {
		a.room = nameRoom * len(page)
		a.list = func(dst []byte) []byte { return r.appendNames(dst, page, more, nextMax) }
	} else {
		a.room = roomFor(page)
		a.list = func(dst []byte) []byte { return r.appendPage(dst, page, more, q.NeedLastMsg, nextMax) }
	}
	return a
}

// noteListed remembers that the app was shown what waits, other tabs' writes too,
// of which no event told: should nothing come of one, an event has to.
func (r *Replica) noteListed() {
	r.eachWaiting(func(w *write) { w.listed = true })
}

// nextBelow returns where a page that ends at the end of the cache goes on: what
// the server is asked for from there on overlaps nothing and skips nothing.
func (r *Replica) nextBelow(page []line, lowest, max int64) int64 {
	if !r.known && len(page) > 0 {
		return next(page, true)
	}
	if max != 0 {
		return min(lowest-1, max)
	}
	return lowest - 1
}

func (r *Replica) cachedOne(a appResult, k core.Key, rows *set, lowest int64) appResult {
	row := core.Row{Key: k}
	e := rows.rows[k.String()]
	waiting := r.overlay().at(&row)
	a.pending = waiting != nil
	switch {
	case waiting != nil && !waiting.removed:
		r.noteListed()
		a.data = core.AppendSession(nil, &waiting.row, true)
	case waiting != nil:
		a.code, a.details = core.CodeNotFound, "sessionId: no session "+core.Quote(k.String())
	case e != nil:
		a.data = r.text(e).append(nil)
	case lowest > 0:
		a.code, a.details, a.partial = core.CodeOffline, "offline, and the session is not among those cached", true
	default:
		a.code, a.details = core.CodeNotFound, "sessionId: no session "+core.Quote(k.String())
	}
	return a
}
