package core

import "unicode/utf8"

// The messages of sync.md, each with its one encoder and its one reader.
// Server, edge and browser use these and no others.

// AnswerHead and AnswerTail stand around the data of a call's answer, as servers
// write one that succeeded.
const (
	AnswerHead = `{"code":200,"data":`
	AnswerTail = `}`
)

// AnswerData returns what stands between AnswerHead and AnswerTail, without a look
// at it: if that is one JSON value, b is an answer, and that is its data. ok is
// false for what begins or ends in any other way, an answer too.
func AnswerData(b []byte) (data []byte, ok bool) {
	s := view(b)
	if rest, begins := cutPrefix(s, AnswerHead); !begins || !endsWith(rest, AnswerTail) {
		return nil, false
	}
	return b[len(AnswerHead) : len(b)-len(AnswerTail)], true
}

// SyncRequest asks for the changes after a cursor: the body of /v1/sync, and
// the WebSocket's hello.
type SyncRequest struct {
	V        int64
	Cursor   Cursor
	ClientID string
	Limit    int
	WaitMs   int64 // of /v1/sync: how long the answer may wait for a change while there is none, 0 = not at all
}

// AppendSyncRequest appends the body of /v1/sync.
func AppendSyncRequest(dst []byte, q *SyncRequest) []byte {
	dst = appendCursorAndClient(AppendNum(dst, `{"v":`, q.V), q)
	dst = AppendNum(dst, `,"limit":`, int64(q.Limit))
	if q.WaitMs > 0 {
		dst = AppendNum(dst, `,"waitMs":`, q.WaitMs)
	}
	return append(dst, '}')
}

// AppendHello appends the frame that a client opens a WebSocket with.
func AppendHello(dst []byte, q *SyncRequest) []byte {
	return append(appendCursorAndClient(AppendNum(dst, `{"t":"hello","v":`, q.V), q), '}')
}

func appendCursorAndClient(dst []byte, q *SyncRequest) []byte {
	dst = AppendStr(dst, `,"epoch":`, q.Cursor.Epoch)
	dst = AppendNum(dst, `,"cursor":`, q.Cursor.Seq)
	return AppendStr(dst, `,"clientId":`, q.ClientID)
}

// ParseSyncRequest reads a /v1/sync body or a hello frame.
func ParseSyncRequest(b []byte) (SyncRequest, error) {
	q := SyncRequest{V: SyncVersion}
	limit := int64(MaxSyncRows)
	err := params(b, Member{"v", within(&q.V, 1, MaxSafe)}, Member{"epoch", epoch(&q.Cursor.Epoch)}, Member{"cursor", &q.Cursor.Seq},
		Member{"clientId", clientID(&q.ClientID)}, Member{"limit", within(&limit, 1, MaxSyncRows)}, Member{"waitMs", within(&q.WaitMs, 0, MaxWait)})
	q.Limit = int(limit)
	return q, err
}

func epoch(to *string) func(raw []byte) error {
	return func(raw []byte) (err error) {
		if *to, err = String(raw); err == nil {
			err = checkEpoch(*to)
		}
		return err
	}
}

func clientID(to *string) func(raw []byte) error {
	return func(raw []byte) (err error) {
		if *to, err = String(raw); err == nil && len(*to) > MaxClientID {
			err = BadParam(Itoa(int64(len(*to))) + " bytes is over " + Itoa(MaxClientID))
		}
		return err
	}
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
	Held      bool   // the answer waited for a change: this server tells of one at once
}

// AppendSyncPage appends the data of a /v1/sync answer.
func AppendSyncPage(dst []byte, p *SyncPage) []byte {
	dst = AppendNum(dst, `{"v":`, SyncVersion)
	if p.Reset != "" {
		dst = AppendStr(dst, `,"reset":true,"reason":`, p.Reset)
		dst = AppendStr(dst, `,"epoch":`, p.Epoch)
		return append(AppendNum(dst, `,"head":`, p.Head), '}')
	}
	dst = AppendStr(dst, `,"epoch":`, p.Epoch)
	dst = AppendNum(dst, `,"from":`, p.From)
	dst = AppendNum(dst, `,"next":`, p.Next)
	dst = AppendNum(dst, `,"head":`, p.Head)
	dst = AppendFlag(dst, `,"more":`, p.More)
	dst = AppendRows(dst, `,"rows":`, p.Rows)
	dst = AppendNum(dst, `,"lastMid":`, p.LastMid)
	if p.HasDigest {
		dst = AppendStr(dst, `,"digest":`, p.Digest.String())
	}
	dst = AppendNum(dst, `,"serverTime":`, p.Now)
	if p.Held {
		dst = AppendText(dst, `,"held":true`)
	}
	return append(dst, '}')
}

// ParseSyncPage reads the data of a /v1/sync answer.
func ParseSyncPage(b []byte) (SyncPage, error) {
	var p SyncPage
	reset := false
	err := Read(b, Member{"reset", &reset}, Member{"reason", &p.Reset}, Member{"epoch", &p.Epoch},
		Member{"from", &p.From}, Member{"next", &p.Next}, Member{"head", &p.Head}, Member{"more", &p.More},
		Member{"rows", rows(&p.Rows)}, Member{"lastMid", &p.LastMid}, Member{"serverTime", &p.Now}, Member{"held", &p.Held},
		Member{"digest", func(raw []byte) (err error) {
			p.HasDigest = true
			p.Digest, err = parseDigest(raw)
			return err
		}})
	if err == nil {
		err = p.check(reset)
	}
	return p, err
}

func rows(to *[]Row) reader {
	return func(b []byte, start int) (end int, err error) {
		*to, end, err = rowsAt(b, start, MaxSyncRows)
		return end, err
	}
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
	case p.More && len(p.Rows) == 0:
		return BadParam("rows: there is none while more is set")
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
	return append(AppendNum(AppendNum(dst, `{"maxTime":`, q.MaxTime), `,"limit":`, int64(q.Limit)), '}')
}

// ParseSnapshotRequest reads the body of /v1/snapshot.
func ParseSnapshotRequest(b []byte) (SnapshotRequest, error) {
	var q SnapshotRequest
	limit := int64(MaxSyncRows)
	err := params(b, Member{"maxTime", &q.MaxTime}, Member{"limit", within(&limit, 1, MaxSyncRows)})
	q.Limit = int(limit)
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
	dst = AppendStr(dst, `{"epoch":`, p.Epoch)
	dst = AppendNum(dst, `,"asOf":`, p.AsOf)
	dst = AppendRows(dst, `,"rows":`, p.Rows)
	dst = AppendFlag(dst, `,"more":`, p.More)
	return append(AppendNum(dst, `,"nextMaxTime":`, p.NextMax), '}')
}

// SnapshotReader reads a snapshot page row by row: one may be a megabyte, more
// than a page on a phone should take at once. What its fields say is SnapshotPage's;
// More and NextMax, which stand behind the rows, are there when those are read.
type SnapshotReader struct {
	Epoch   string
	AsOf    int64
	More    bool
	NextMax int64

	page []byte
	at   int    // where the next row stands, while there is one
	rows bool   // there is one
	read int    // how many were
	row  Row    // the newest of them
	last int64  // its UpdateTime, 0: there was none
	buf  []byte // of written
}

// ReadSnapshot begins to read the data of a /v1/snapshot answer, which must not
// change meanwhile. The rows have to stand behind epoch and asOf, as
// AppendSnapshotPage puts them: each is read once, in the order of the text, and
// what is wrong with the page is found when it is reached.
func ReadSnapshot(b []byte) (*SnapshotReader, error) {
	s := &SnapshotReader{page: b}
	i, more, err := firstMember(b, 0, '{')
	if err == nil {
		err = s.members(i, more)
	}
	if err == nil && s.Epoch == "" {
		err = BadParam("epoch: is missing")
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// members reads from the member at page[i:] on, if there are more, to the first
// row or to the page's end.
func (s *SnapshotReader) members(i int, more bool) (err error) {
	known := []Member{{"epoch", &s.Epoch}, {"asOf", &s.AsOf}, {"rows", reader(s.enter)}, {"more", &s.More}, {"nextMaxTime", &s.NextMax}}
	for more {
		name, value, err := scanName(s.page, i)
		if err == nil {
			i, err = readMember(known, name, s.page, value)
		}
		if err != nil || s.rows {
			return err
		}
		if i, more, err = nextMember(s.page, i, '}'); err != nil {
			return err
		}
	}
	return atEnd(s.page, i)
}

// enter goes to the first row.
func (s *SnapshotReader) enter(b []byte, start int) (end int, err error) {
	s.at, s.rows, err = firstMember(b, start, '[')
	return s.at, err
}

// Below returns the NextMax of a page with More before its rows are read, for who
// wants to ask for what is below it already: 0 for any other page, and for one that
// does not end as AppendSnapshotPage ends it. What is told counts when it was reached.
func (s *SnapshotReader) Below() int64 {
	i := len(s.page) - 1
	for i > 0 && s.page[i-1] >= '0' && s.page[i-1] <= '9' {
		i--
	}
	if i < 1 || !endsWith(view(s.page[:i]), `,"more":true,"nextMaxTime":`) {
		return 0
	}
	n, rest := leadingInt(view(s.page[i:]))
	if rest != "}" {
		return 0
	}
	return n
}

// Next returns the next row and its text as AppendRow writes it, or nil after the
// last one or at the first that is wrong. What the row holds are parts of the page,
// and so is the text where it came like that, as nearly all do; the row itself is
// overwritten by the next one.
func (s *SnapshotReader) Next() (row *Row, text []byte, err error) {
	if !s.rows {
		if s.More && (s.last == 0 || s.NextMax < 1 || s.NextMax >= s.last) {
			return nil, nil, BadParam("nextMaxTime: " + Itoa(s.NextMax) + " does not pass the page")
		}
		return nil, nil, nil
	}
	start, end, plain := s.at, 0, false
	if s.row, end, plain, err = rowAt(s.page, start); err == nil {
		err = s.check()
	}
	if err == nil {
		err = s.leave(end)
	}
	if err != nil {
		return nil, nil, err
	}
	s.last = s.row.UpdateTime
	s.read++
	if text = s.page[start:end:end]; !plain {
		text = s.written(text)
	}
	return &s.row, text, nil
}

// written returns the row's text as AppendRow writes it: what came, if it is that.
func (s *SnapshotReader) written(came []byte) []byte {
	s.buf = AppendRow(s.buf[:0], &s.row)
	if string(s.buf) == string(came) {
		return came
	}
	return append(make([]byte, 0, len(s.buf)), s.buf...)
}

func (s *SnapshotReader) check() error {
	switch {
	case s.read == MaxSyncRows:
		return BadParam("rows: more than " + Itoa(MaxSyncRows))
	case s.row.Deleted:
		return BadParam("rows: a deleted row in a snapshot")
	case s.last != 0 && s.row.UpdateTime >= s.last:
		return BadParam("rows: t " + Itoa(s.row.UpdateTime) + " does not fall")
	}
	return nil
}

// leave goes from the end of a row to the next one, or over what stands behind
// the last.
func (s *SnapshotReader) leave(end int) (err error) {
	if s.at, s.rows, err = nextMember(s.page, end, ']'); err != nil || s.rows {
		return err
	}
	i, more, err := nextMember(s.page, s.at, '}')
	if err == nil {
		err = s.members(i, more)
	}
	return err
}

// The operations of a mutation.
const (
	OpExt    = "ext"
	OpDelete = "delete"
	OpSkip   = "skip" // nothing: takes the number of one that a later mutation of the batch makes needless, since numbers have no gaps, and shares what becomes of that
	OpLost   = "lost" // nothing: takes the number of one that was refused, or could not be read back from the browser's storage
)

// What became of a mutation that was taken and not applied.
const (
	OutcomeSuperseded = "superseded" // ext: the session was deleted after what the client had seen
	OutcomeKeptNewer  = "kept_newer" // delete: a message arrived after what the client had seen
	OutcomeLost       = "lost"       // its number was taken by OpLost
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
	By      int64  // OpSkip: the mid of the later mutation, 0 = none
}

// MutateRequest is the body of /v1/mutate.
type MutateRequest struct {
	ClientID string
	Muts     []Mutation
}

// AppendMutateRequest appends the body of /v1/mutate.
func AppendMutateRequest(dst []byte, q *MutateRequest) []byte {
	dst = AppendStr(dst, `{"clientId":`, q.ClientID)
	dst = AppendText(dst, `,"muts":`)
	for i := range q.Muts {
		dst = AppendMutation(AppendText(dst, opening(i)), &q.Muts[i])
	}
	return append(AppendText(dst, closing(len(q.Muts))), '}')
}

// AppendMutation appends one mutation.
func AppendMutation(dst []byte, m *Mutation) []byte {
	dst = AppendNum(dst, `{"mid":`, m.Mid)
	dst = AppendStr(dst, `,"op":`, m.Op)
	if m.isVoid() {
		if m.By > 0 {
			dst = AppendNum(dst, `,"by":`, m.By)
		}
		return append(dst, '}')
	}
	dst = AppendStr(dst, `,"key":`, m.Key.String())
	if m.Op == OpExt {
		dst = AppendNum(AppendStr(dst, `,"ext":`, m.Ext), `,"base":`, m.Base)
	} else if m.HasSeen {
		dst = AppendNum(dst, `,"seenTime":`, m.Seen)
	}
	return append(dst, '}')
}

// ParseMutateRequest reads the body of /v1/mutate: 1 to MaxMuts mutations whose
// mids rise by one.
func ParseMutateRequest(b []byte, maxExt int) (MutateRequest, error) {
	var q MutateRequest
	err := params(b, Member{"clientId", clientID(&q.ClientID)}, Member{"muts", func(raw []byte) (err error) {
		q.Muts, err = parseMutations(raw, maxExt)
		return err
	}})
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
	if err != nil || len(muts) == 0 {
		return muts, err
	}
	last := muts[len(muts)-1].Mid
	for i := range muts {
		if by := muts[i].By; by != 0 && (by <= muts[i].Mid || by > last) {
			return muts, prefixed(Itoa(int64(i)), BadParam("by: "+Itoa(by)+" is not within "+Itoa(muts[i].Mid+1)+" and "+Itoa(last)))
		}
	}
	return muts, nil
}

// ParseMutation reads what AppendMutation wrote.
func ParseMutation(b []byte, maxExt int) (Mutation, error) {
	var m Mutation
	hasExt := false
	err := Read(b, Member{"mid", within(&m.Mid, 1, MaxSafe)}, Member{"op", &m.Op}, Member{"key", key(&m.Key)}, Member{"base", &m.Base}, Member{"by", within(&m.By, 1, MaxSafe)},
		Member{"ext", func(raw []byte) (err error) {
			hasExt = true
			m.Ext, err = ParseExt(raw, maxExt)
			return err
		}},
		Member{"seenTime", func(raw []byte) (err error) {
			if m.HasSeen = string(raw) != "null"; m.HasSeen {
				m.Seen, err = intWithin(raw, 0, MaxSafe)
			}
			return err
		}})
	if err == nil {
		err = m.check(hasExt)
	}
	return m, err
}

// isVoid reports whether the mutation is a number and nothing else.
func (m *Mutation) isVoid() bool { return m.Op == OpSkip || m.Op == OpLost }

func (m *Mutation) check(hasExt bool) error {
	switch {
	case m.Mid == 0:
		return BadParam("mid: is missing")
	case m.isVoid():
	case m.Op != OpExt && m.Op != OpDelete:
		return BadParam("op: " + Quote(m.Op) + " is not ext, delete, skip or lost")
	case m.Key.Type == 0:
		return BadParam("key: is missing")
	case m.Op == OpExt && !hasExt:
		return BadParam("ext: is missing")
	}
	return nil
}

func key(to *Key) func(raw []byte) error {
	return func(raw []byte) error {
		s, err := String(raw)
		if err == nil {
			*to, err = ParseKey(s)
		}
		return err
	}
}

// MutationResult tells what became of one mutation.
type MutationResult struct {
	Mid     int64
	Code    int    // CodeOK, or CodeConflict with an Outcome
	Outcome string // one of the Outcome constants, "" when it was applied
	Again   bool   // it had been taken before: Code and Outcome are of that time, as far back as the server remembers (100 that were not applied)
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
	dst = AppendNum(dst, `{"lastMid":`, p.LastMid)
	dst = AppendNum(dst, `,"seq":`, p.Seq)
	dst = AppendText(dst, `,"results":`)
	for i := range p.Results {
		dst = appendResult(AppendText(dst, opening(i)), &p.Results[i])
	}
	dst = AppendText(dst, closing(len(p.Results)))
	if p.Gap {
		dst = AppendText(dst, `,"gap":true`)
	}
	return append(dst, '}')
}

func appendResult(dst []byte, r *MutationResult) []byte {
	dst = AppendNum(dst, `{"mid":`, r.Mid)
	dst = AppendNum(dst, `,"code":`, int64(r.Code))
	if r.Outcome != "" {
		dst = AppendStr(dst, `,"outcome":`, r.Outcome)
	}
	if r.Again {
		dst = AppendText(dst, `,"again":true`)
	}
	return append(dst, '}')
}

// ParseMutatePage reads the data of a /v1/mutate answer.
func ParseMutatePage(b []byte) (MutatePage, error) {
	var p MutatePage
	err := Read(b, Member{"lastMid", &p.LastMid}, Member{"seq", &p.Seq}, Member{"gap", &p.Gap},
		Member{"results", func(raw []byte) error {
			return Items(raw, func(item []byte) error {
				if len(p.Results) == MaxMuts {
					return BadParam("more than " + Itoa(MaxMuts))
				}
				r, err := parseResult(item)
				p.Results = append(p.Results, r)
				return err
			})
		}})
	return p, err
}

func parseResult(b []byte) (MutationResult, error) {
	var r MutationResult
	var code int64
	err := Read(b, Member{"mid", &r.Mid}, Member{"code", within(&code, 0, 999)}, Member{"outcome", &r.Outcome}, Member{"again", &r.Again})
	r.Code = int(code)
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
	dst = AppendStr(dst, `{"t":`, f.Kind)
	dst = AppendStr(dst, `,"epoch":`, f.Epoch)
	dst = AppendNum(dst, `,"head":`, f.Head)
	switch f.Kind {
	case FrameReady:
		dst = AppendNum(dst, `,"v":`, SyncVersion)
		dst = AppendNum(dst, `,"lastMid":`, f.LastMid)
		dst = AppendNum(dst, `,"heartbeatMs":`, f.HeartbeatMs)
		dst = AppendNum(dst, `,"tokenExpiresIn":`, f.TokenExpiresIn)
	case FrameReset:
		dst = AppendStr(dst, `,"reason":`, f.Reason)
	}
	return append(dst, '}')
}

// AppendDeltaHead appends the part of a delta that all sockets of an account
// share; AppendDeltaTail ends it with what differs.
func AppendDeltaHead(dst []byte, epoch string, from, to int64, rows []Row) []byte {
	dst = AppendStr(dst, `{"t":"delta","epoch":`, epoch)
	dst = AppendNum(dst, `,"from":`, from)
	dst = AppendNum(dst, `,"to":`, to)
	return AppendRows(dst, `,"rows":`, rows)
}

// AppendDeltaTail ends what AppendDeltaHead began.
func AppendDeltaTail(dst []byte, lastMid int64) []byte {
	return append(AppendNum(dst, `,"lastMid":`, lastMid), '}')
}

// ParseFrame reads a server's frame.
func ParseFrame(b []byte) (Frame, error) {
	var f Frame
	if f.takeWritten(b) {
		return f, nil
	}
	return frameByNames(b)
}

// frameByNames is ParseFrame of one that is written in any way.
func frameByNames(b []byte) (Frame, error) {
	var f Frame
	err := Read(b, Member{"t", &f.Kind}, Member{"epoch", &f.Epoch}, Member{"reason", &f.Reason}, Member{"head", &f.Head},
		Member{"heartbeatMs", &f.HeartbeatMs}, Member{"tokenExpiresIn", &f.TokenExpiresIn},
		Member{"from", &f.From}, Member{"to", &f.To}, Member{"lastMid", &f.LastMid}, Member{"rows", rows(&f.Rows)})
	if err == nil && f.Kind == FrameDelta {
		err = f.checkDelta()
	}
	return f, err
}

func (f *Frame) checkDelta() error {
	if f.To < f.From {
		return BadParam("to: " + Itoa(f.To) + " is under from " + Itoa(f.From))
	}
	return checkSeqs(f.Rows, f.From, f.To)
}

// takeWritten reads a delta that is as AppendFrame writes one, as nearly all frames
// are, without a look for names. It reports whether it was; what any other is, the
// rules say.
func (f *Frame) takeWritten(b []byte) bool {
	s, ok := cutPrefix(view(b), `{"t":"delta","epoch":"`)
	if !ok {
		return false
	}
	end := skipPlain(s, 0)
	epoch, s := s[:end], s[end:]
	if f.From, s, ok = cutNum(s, `","from":`); !ok {
		return false
	}
	if f.To, s, ok = cutNum(s, `,"to":`); !ok {
		return false
	}
	if s, ok = cutPrefix(s, `,"rows":`); !ok || !utf8.ValidString(epoch) {
		return false
	}
	var err error
	if f.Rows, end, err = rowsAt(b, len(b)-len(s), MaxSyncRows); err != nil {
		return false
	}
	if f.LastMid, s, ok = cutNum(view(b[end:]), `,"lastMid":`); !ok || s != "}" {
		return false
	}
	f.Kind, f.Epoch = FrameDelta, string([]byte(epoch)) // a copy: epoch is a view of b
	return f.checkDelta() == nil
}

// cutNum takes a name and a whole number off that s begins with: one of 0 to
// MaxSafe.
func cutNum(s, name string) (n int64, rest string, ok bool) {
	if s, ok = cutPrefix(s, name); !ok {
		return 0, s, false
	}
	if s != "" && s[0] == '0' {
		return 0, s[1:], true
	}
	n, s = leadingInt(s)
	return n, s, n > 0
}
