package core

import "strconv"

// The messages of sync.md, each with its one encoder and its one reader.
// Server, edge and browser use these and no others.

// SyncRequest asks for the changes after a cursor: the body of /v1/sync, and
// the WebSocket's hello.
type SyncRequest struct {
	V        int64
	Cursor   Cursor
	ClientID string
	Limit    int
}

// AppendSyncRequest appends the body of /v1/sync.
func AppendSyncRequest(dst []byte, q *SyncRequest) []byte {
	dst = appendInt(dst, `{"v":`, q.V)
	dst = appendCursorAndClient(dst, q)
	dst = appendInt(dst, `,"limit":`, int64(q.Limit))
	return append(dst, '}')
}

// AppendHello appends the frame that a client opens a WebSocket with.
func AppendHello(dst []byte, q *SyncRequest) []byte {
	dst = appendInt(dst, `{"t":"hello","v":`, q.V)
	dst = appendCursorAndClient(dst, q)
	return append(dst, '}')
}

func appendCursorAndClient(dst []byte, q *SyncRequest) []byte {
	dst = append(dst, `,"epoch":`...)
	dst = AppendString(dst, q.Cursor.Epoch)
	dst = appendInt(dst, `,"cursor":`, q.Cursor.Seq)
	dst = append(dst, `,"clientId":`...)
	return AppendString(dst, q.ClientID)
}

// ParseSyncRequest reads a /v1/sync body or a hello frame.
func ParseSyncRequest(b []byte) (SyncRequest, error) {
	q := SyncRequest{V: SyncVersion, Limit: MaxSyncRows}
	err := params(b, func(name string, raw []byte) (err error) {
		switch name {
		case "v":
			q.V, err = intWithin(raw, 1, MaxSafe)
		case "epoch":
			if q.Cursor.Epoch, err = String(raw); err == nil {
				err = checkEpoch(q.Cursor.Epoch)
			}
		case "cursor":
			q.Cursor.Seq, err = intWithin(raw, 0, MaxSafe)
		case "clientId":
			q.ClientID, err = parseClientID(raw)
		case "limit":
			q.Limit, err = limitWithin(raw, MaxSyncRows)
		}
		return err
	})
	return q, err
}

func parseClientID(raw []byte) (string, error) {
	s, err := String(raw)
	if err == nil && len(s) > MaxClientID {
		err = BadParam(Itoa(int64(len(s))) + " bytes is over " + Itoa(MaxClientID))
	}
	return s, err
}

// Why a reader has to start over from a snapshot.
const (
	ResetEpoch  = "epoch"  // the log was rebuilt
	ResetFloor  = "floor"  // tombstones after the cursor are gone
	ResetAhead  = "ahead"  // the cursor is beyond the log's end
	ResetSchema = "schema" // the reader speaks another version
)

// SyncPage answers /v1/sync.
type SyncPage struct {
	Reset     string // one of the Reset constants; then only Epoch and Head are set
	Epoch     string
	From      int64 // the cursor that was asked
	Next      int64 // the cursor after applying Rows
	Head      int64 // the log's end
	More      bool
	Rows      []Row
	LastMid   int64  // the newest mutation of the asking client that Rows and before contain
	Digest    Digest // of all live rows at Head
	HasDigest bool   // only when !More
	Now       int64  // server clock, ms
}

// AppendSyncPage appends the data of a /v1/sync answer.
func AppendSyncPage(dst []byte, p *SyncPage) []byte {
	dst = appendInt(dst, `{"v":`, SyncVersion)
	if p.Reset != "" {
		dst = append(append(append(dst, `,"reset":true,"reason":"`...), p.Reset...), `","epoch":`...)
		dst = AppendString(dst, p.Epoch)
		dst = appendInt(dst, `,"head":`, p.Head)
		return append(dst, '}')
	}
	dst = append(dst, `,"epoch":`...)
	dst = AppendString(dst, p.Epoch)
	dst = appendInt(dst, `,"from":`, p.From)
	dst = appendInt(dst, `,"next":`, p.Next)
	dst = appendInt(dst, `,"head":`, p.Head)
	dst = strconv.AppendBool(append(dst, `,"more":`...), p.More)
	dst = AppendRows(append(dst, `,"rows":`...), p.Rows)
	dst = appendInt(dst, `,"lastMid":`, p.LastMid)
	if p.HasDigest {
		dst = append(append(append(dst, `,"digest":"`...), p.Digest.String()...), '"')
	}
	dst = appendInt(dst, `,"serverTime":`, p.Now)
	return append(dst, '}')
}

// ParseSyncPage reads the data of a /v1/sync answer.
func ParseSyncPage(b []byte) (SyncPage, error) {
	var p SyncPage
	reset := false
	err := params(b, func(name string, raw []byte) (err error) {
		switch name {
		case "reset":
			reset, err = flag(raw)
		case "reason":
			p.Reset, err = String(raw)
		case "epoch":
			p.Epoch, err = String(raw)
		case "from":
			p.From, err = intWithin(raw, 0, MaxSafe)
		case "next":
			p.Next, err = intWithin(raw, 0, MaxSafe)
		case "head":
			p.Head, err = intWithin(raw, 0, MaxSafe)
		case "more":
			p.More, err = flag(raw)
		case "rows":
			p.Rows, err = ParseRows(raw, MaxSyncRows)
		case "lastMid":
			p.LastMid, err = intWithin(raw, 0, MaxSafe)
		case "digest":
			p.HasDigest = true
			p.Digest, err = parseDigest(raw)
		case "serverTime":
			p.Now, err = intWithin(raw, 0, MaxSafe)
		}
		return err
	})
	if err == nil {
		err = p.check(reset)
	}
	return p, err
}

// check refuses an answer that would take a reader backwards or nowhere: a
// hostile or broken server must not make it loop.
func (p *SyncPage) check(reset bool) error {
	if reset {
		if p.Reset == "" {
			p.Reset = ResetEpoch
		}
		return nil
	}
	p.Reset = ""
	switch {
	case p.Epoch == "":
		return BadParam("epoch: is missing")
	case p.Next < p.From || p.Head < p.Next:
		return BadParam("from, next, head: " + Itoa(p.From) + ", " + Itoa(p.Next) + ", " + Itoa(p.Head) + " do not rise")
	case p.More && p.Next == p.From:
		return BadParam("next: " + Itoa(p.Next) + " does not pass from while more is set")
	}
	return checkSeqs(p.Rows, p.From, p.Next)
}

// checkSeqs holds the rows of one step to rise within (from, to].
func checkSeqs(rows []Row, from, to int64) error {
	last := from
	for i := range rows {
		if q := rows[i].Seq; q <= last || q > to {
			return BadParam("rows: q " + Itoa(q) + " is not within " + Itoa(last+1) + " and " + Itoa(to))
		}
		last = rows[i].Seq
	}
	return nil
}

func parseDigest(raw []byte) (Digest, error) {
	s, err := String(raw)
	if err != nil {
		return 0, err
	}
	return ParseDigest(s)
}

// SnapshotRequest asks for a page of the live rows, newest first: the body of
// /v1/snapshot.
type SnapshotRequest struct {
	MaxTime int64 // inclusive, 0 = from the newest
	Limit   int
}

// AppendSnapshotRequest appends the body of /v1/snapshot.
func AppendSnapshotRequest(dst []byte, q *SnapshotRequest) []byte {
	dst = appendInt(dst, `{"maxTime":`, q.MaxTime)
	dst = appendInt(dst, `,"limit":`, int64(q.Limit))
	return append(dst, '}')
}

// ParseSnapshotRequest reads the body of /v1/snapshot.
func ParseSnapshotRequest(b []byte) (SnapshotRequest, error) {
	q := SnapshotRequest{Limit: MaxSyncRows}
	err := params(b, func(name string, raw []byte) (err error) {
		switch name {
		case "maxTime":
			q.MaxTime, err = intWithin(raw, 0, MaxSafe)
		case "limit":
			q.Limit, err = limitWithin(raw, MaxSyncRows)
		}
		return err
	})
	return q, err
}

// SnapshotPage answers /v1/snapshot.
type SnapshotPage struct {
	Epoch   string
	AsOf    int64 // the log's end when the page was read
	Rows    []Row // live, newest first
	More    bool
	NextMax int64 // maxTime of the next page, 0 when !More
}

// AppendSnapshotPage appends the data of a /v1/snapshot answer.
func AppendSnapshotPage(dst []byte, p *SnapshotPage) []byte {
	dst = AppendString(append(dst, `{"epoch":`...), p.Epoch)
	dst = appendInt(dst, `,"asOf":`, p.AsOf)
	dst = AppendRows(append(dst, `,"rows":`...), p.Rows)
	dst = strconv.AppendBool(append(dst, `,"more":`...), p.More)
	dst = appendInt(dst, `,"nextMaxTime":`, p.NextMax)
	return append(dst, '}')
}

// ParseSnapshotPage reads the data of a /v1/snapshot answer.
func ParseSnapshotPage(b []byte) (SnapshotPage, error) {
	var p SnapshotPage
	err := params(b, func(name string, raw []byte) (err error) {
		switch name {
		case "epoch":
			p.Epoch, err = String(raw)
		case "asOf":
			p.AsOf, err = intWithin(raw, 0, MaxSafe)
		case "rows":
			p.Rows, err = ParseRows(raw, MaxSyncRows)
		case "more":
			p.More, err = flag(raw)
		case "nextMaxTime":
			p.NextMax, err = intWithin(raw, 0, MaxSafe)
		}
		return err
	})
	if err == nil {
		err = p.check()
	}
	return p, err
}

func (p *SnapshotPage) check() error {
	if p.Epoch == "" {
		return BadParam("epoch: is missing")
	}
	for i := range p.Rows {
		if p.Rows[i].Deleted {
			return BadParam("rows: a deleted row in a snapshot")
		}
		if i > 0 && p.Rows[i].UpdateTime >= p.Rows[i-1].UpdateTime {
			return BadParam("rows: t " + Itoa(p.Rows[i].UpdateTime) + " does not fall")
		}
	}
	if n := len(p.Rows); p.More && (n == 0 || p.NextMax >= p.Rows[n-1].UpdateTime) {
		return BadParam("nextMaxTime: " + Itoa(p.NextMax) + " does not pass the page")
	}
	return nil
}

// The operations of a mutation.
const (
	OpExt    = "ext"
	OpDelete = "delete"
)

// What became of a mutation that the rules of sync.md did not apply.
const (
	OutcomeSuperseded = "superseded" // ext: the session was deleted after what the client had seen
	OutcomeKeptNewer  = "kept_newer" // delete: a message arrived after what the client had seen
)

// Mutation is one write of a client, numbered so that it is applied once.
type Mutation struct {
	Mid     int64
	Op      string
	Key     Key
	Ext     string // OpExt
	Base    int64  // OpExt: the seq of the row that the client saw, 0 = none
	Seen    int64  // OpDelete: the update time that the client saw
	HasSeen bool   // OpDelete: Seen is there; without it the delete is unconditional
}

// MutateRequest is the body of /v1/mutate.
type MutateRequest struct {
	ClientID string
	Muts     []Mutation
}

// AppendMutateRequest appends the body of /v1/mutate.
func AppendMutateRequest(dst []byte, q *MutateRequest) []byte {
	dst = AppendString(append(dst, `{"clientId":`...), q.ClientID)
	dst = append(dst, `,"muts":[`...)
	for i := range q.Muts {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = AppendMutation(dst, &q.Muts[i])
	}
	return append(dst, ']', '}')
}

// AppendMutation appends one mutation.
func AppendMutation(dst []byte, m *Mutation) []byte {
	dst = appendInt(dst, `{"mid":`, m.Mid)
	dst = append(append(append(dst, `,"op":"`...), m.Op...), `","key":`...)
	dst = AppendString(dst, m.Key.String())
	if m.Op == OpExt {
		dst = AppendString(append(dst, `,"ext":`...), m.Ext)
		dst = appendInt(dst, `,"base":`, m.Base)
	} else if m.HasSeen {
		dst = appendInt(dst, `,"seenTime":`, m.Seen)
	}
	return append(dst, '}')
}

// ParseMutateRequest reads the body of /v1/mutate: 1 to MaxMuts mutations whose
// mids rise by one.
func ParseMutateRequest(b []byte, maxExt int) (MutateRequest, error) {
	var q MutateRequest
	err := params(b, func(name string, raw []byte) (err error) {
		switch name {
		case "clientId":
			q.ClientID, err = parseClientID(raw)
		case "muts":
			q.Muts, err = parseMutations(raw, maxExt)
		}
		return err
	})
	switch {
	case err != nil:
	case q.ClientID == "":
		err = BadParam("clientId: is missing")
	case len(q.Muts) == 0:
		err = BadParam("muts: 0 mutations is not within 1 and " + Itoa(MaxMuts))
	}
	return q, err
}

func parseMutations(raw []byte, maxExt int) ([]Mutation, error) {
	var muts []Mutation
	err := Items(raw, func(item []byte) error {
		if len(muts) == MaxMuts {
			return BadParam("more than " + Itoa(MaxMuts))
		}
		m, err := ParseMutation(item, maxExt)
		if err == nil && len(muts) > 0 && m.Mid != muts[len(muts)-1].Mid+1 {
			err = BadParam("mid: " + Itoa(m.Mid) + " does not follow " + Itoa(muts[len(muts)-1].Mid))
		}
		muts = append(muts, m)
		return prefixed(Itoa(int64(len(muts)-1)), err)
	})
	return muts, err
}

// ParseMutation reads what AppendMutation wrote.
func ParseMutation(b []byte, maxExt int) (Mutation, error) {
	var m Mutation
	hasExt := false
	err := params(b, func(name string, raw []byte) (err error) {
		switch name {
		case "mid":
			m.Mid, err = intWithin(raw, 1, MaxSafe)
		case "op":
			m.Op, err = String(raw)
		case "key":
			var s string
			if s, err = String(raw); err == nil {
				m.Key, err = ParseKey(s)
			}
		case "ext":
			hasExt = true
			m.Ext, err = ParseExt(raw, maxExt)
		case "base":
			m.Base, err = intWithin(raw, 0, MaxSafe)
		case "seenTime":
			if string(raw) != "null" {
				m.HasSeen = true
				m.Seen, err = intWithin(raw, 0, MaxSafe)
			}
		}
		return err
	})
	switch {
	case err != nil:
	case m.Mid == 0:
		err = BadParam("mid: is missing")
	case m.Key.Type == 0:
		err = BadParam("key: is missing")
	case m.Op != OpExt && m.Op != OpDelete:
		err = BadParam("op: " + Quote(m.Op) + " is not ext or delete")
	case m.Op == OpExt && !hasExt:
		err = BadParam("ext: is missing")
	}
	return m, err
}

// MutationResult tells what became of one mutation.
type MutationResult struct {
	Mid     int64
	Code    int    // CodeOK, or CodeConflict with an Outcome
	Outcome string // one of the Outcome constants, "" when it was applied
	Row     *Row   // the row as it is now; nil when there is none
}

// MutatePage answers /v1/mutate.
type MutatePage struct {
	LastMid int64 // the newest mutation of the client that is applied
	Seq     int64 // the log's end
	Results []MutationResult
	Gap     bool // a mid was not LastMid+1: nothing from there on was applied
}

// AppendMutatePage appends the data of a /v1/mutate answer.
func AppendMutatePage(dst []byte, p *MutatePage) []byte {
	dst = appendInt(dst, `{"lastMid":`, p.LastMid)
	dst = appendInt(dst, `,"seq":`, p.Seq)
	dst = append(dst, `,"results":[`...)
	for i := range p.Results {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendResult(dst, &p.Results[i])
	}
	dst = append(dst, ']')
	if p.Gap {
		dst = append(dst, `,"gap":true`...)
	}
	return append(dst, '}')
}

func appendResult(dst []byte, r *MutationResult) []byte {
	dst = appendInt(dst, `{"mid":`, r.Mid)
	dst = appendInt(dst, `,"code":`, int64(r.Code))
	if r.Outcome != "" {
		dst = append(append(append(dst, `,"outcome":"`...), r.Outcome...), '"')
	}
	if r.Row != nil {
		dst = AppendRow(append(dst, `,"row":`...), r.Row)
	}
	return append(dst, '}')
}

// ParseMutatePage reads the data of a /v1/mutate answer.
func ParseMutatePage(b []byte) (MutatePage, error) {
	var p MutatePage
	err := params(b, func(name string, raw []byte) (err error) {
		switch name {
		case "lastMid":
			p.LastMid, err = intWithin(raw, 0, MaxSafe)
		case "seq":
			p.Seq, err = intWithin(raw, 0, MaxSafe)
		case "gap":
			p.Gap, err = flag(raw)
		case "results":
			err = Items(raw, func(item []byte) error {
				if len(p.Results) == MaxMuts {
					return BadParam("more than " + Itoa(MaxMuts))
				}
				r, err := parseResult(item)
				p.Results = append(p.Results, r)
				return err
			})
		}
		return err
	})
	return p, err
}

func parseResult(b []byte) (MutationResult, error) {
	var r MutationResult
	err := params(b, func(name string, raw []byte) (err error) {
		switch name {
		case "mid":
			r.Mid, err = intWithin(raw, 1, MaxSafe)
		case "code":
			var n int64
			n, err = intWithin(raw, 0, 999)
			r.Code = int(n)
		case "outcome":
			r.Outcome, err = String(raw)
		case "row":
			var row Row
			row, err = ParseRow(raw)
			r.Row = &row
		}
		return err
	})
	return r, err
}

// The kinds of a WebSocket frame: the value of its "t".
const (
	FrameHello  = "hello"
	FrameReady  = "ready"
	FrameReset  = "reset"
	FrameDelta  = "delta"
	FrameBehind = "behind"
)

// Frame is what a server sends on the WebSocket.
type Frame struct {
	Kind           string // FrameReady, FrameReset, FrameDelta or FrameBehind
	Epoch          string
	Head           int64  // all but delta
	HeartbeatMs    int64  // ready: how often the client should ping
	TokenExpiresIn int64  // ready: ms until the token expires, by the server's clock
	Reason         string // reset: one of the Reset constants
	From, To       int64  // delta: rows hold every change after From up to To
	Rows           []Row  // delta
	LastMid        int64  // delta, ready: newest mutation of this client within To or Head
}

// AppendFrame appends the frame's JSON.
func AppendFrame(dst []byte, f *Frame) []byte {
	if f.Kind == FrameDelta {
		return AppendDeltaTail(AppendDeltaHead(dst, f.Epoch, f.From, f.To, f.Rows), f.LastMid)
	}
	dst = append(append(append(dst, `{"t":"`...), f.Kind...), `","epoch":`...)
	dst = AppendString(dst, f.Epoch)
	dst = appendInt(dst, `,"head":`, f.Head)
	switch f.Kind {
	case FrameReady:
		dst = appendInt(dst, `,"v":`, SyncVersion)
		dst = appendInt(dst, `,"lastMid":`, f.LastMid)
		dst = appendInt(dst, `,"heartbeatMs":`, f.HeartbeatMs)
		dst = appendInt(dst, `,"tokenExpiresIn":`, f.TokenExpiresIn)
	case FrameReset:
		dst = AppendString(append(dst, `,"reason":`...), f.Reason)
	}
	return append(dst, '}')
}

// AppendDeltaHead appends the part of a delta that all sockets of an account
// share; AppendDeltaTail ends it with what differs.
func AppendDeltaHead(dst []byte, epoch string, from, to int64, rows []Row) []byte {
	dst = AppendString(append(dst, `{"t":"delta","epoch":`...), epoch)
	dst = appendInt(dst, `,"from":`, from)
	dst = appendInt(dst, `,"to":`, to)
	return AppendRows(append(dst, `,"rows":`...), rows)
}

// AppendDeltaTail ends what AppendDeltaHead began.
func AppendDeltaTail(dst []byte, lastMid int64) []byte {
	return append(appendInt(dst, `,"lastMid":`, lastMid), '}')
}

// ParseFrame reads a server's frame.
func ParseFrame(b []byte) (Frame, error) {
	var f Frame
	err := params(b, func(name string, raw []byte) (err error) {
		switch name {
		case "t":
			f.Kind, err = String(raw)
		case "epoch":
			f.Epoch, err = String(raw)
		case "reason":
			f.Reason, err = String(raw)
		case "head":
			f.Head, err = intWithin(raw, 0, MaxSafe)
		case "heartbeatMs":
			f.HeartbeatMs, err = intWithin(raw, 0, MaxSafe)
		case "tokenExpiresIn":
			f.TokenExpiresIn, err = intWithin(raw, 0, MaxSafe)
		case "from":
			f.From, err = intWithin(raw, 0, MaxSafe)
		case "to":
			f.To, err = intWithin(raw, 0, MaxSafe)
		case "lastMid":
			f.LastMid, err = intWithin(raw, 0, MaxSafe)
		case "rows":
			f.Rows, err = ParseRows(raw, MaxSyncRows)
		}
		return err
	})
	if err == nil && f.Kind == FrameDelta {
		if f.To < f.From {
			return f, BadParam("to: " + Itoa(f.To) + " is under from " + Itoa(f.From))
		}
		err = checkSeqs(f.Rows, f.From, f.To)
	}
	return f, err
}
