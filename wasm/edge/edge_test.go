//go:build !js

package main

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite" // the engine of the tests

	"recents/core"
	"recents/core/account"
	"recents/server"
	"recents/server/sqlstore"
)

// object is a database as a Durable Object has one: a result crosses as a table.
type object struct{ tx *sql.Tx }

func (o *object) Exec(query string, args ...any) error {
	if _, err := appendArgs(nil, args); err != nil {
		return err
	}
	_, err := o.tx.Exec(query, args...)
	return err
}

func (o *object) Query(each func(sqlstore.Row) error, query string, args ...any) error {
	rows, err := o.tx.Query(query, args...)
	if err != nil {
		return err
	}
	t, err := tableOf(rows)
	if err != nil {
		return err
	}
	return t.each(each)
}

func tableOf(rows *sql.Rows) (t table, err error) {
	defer func() { err = errors.Join(err, rows.Close()) }()
	columns, err := rows.Columns()
	if err != nil {
		return table{}, err
	}
	t.columns = len(columns)
	for rows.Next() {
		values, targets := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			targets[i] = &values[i]
		}
		if err := rows.Scan(targets...); err != nil {
			return table{}, err
		}
		t.add(values...)
	}
	return t, rows.Err()
}

// add appends values as the shell counts them.
func (t *table) add(values ...any) {
	for _, v := range values {
		switch v := v.(type) {
		case nil:
			t.cells = append(t.cells, math.NaN())
		case int64:
			t.cells = append(t.cells, float64(v))
		case string:
			units := len(utf16.Encode([]rune(v)))
			t.cells, t.texts, t.units = append(t.cells, float64(units)+0.5), t.texts+v, t.units+units
		}
	}
}

const start = 1_700_000_000_000

// newPlace is a fresh object of a name, in a transaction that the test ends.
func newPlace(t *testing.T, name string) *place {
	db, err := sql.Open("sqlite", "file::memory:")
	require.NoError(t, err)
	db.SetMaxOpenConns(1) // another connection would have a memory of its own
	tx, err := db.Begin()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, errors.Join(tx.Rollback(), db.Close())) })
	p := &place{db: &object{tx}, name: name, now: func() int64 { return start }}
	require.NoError(t, p.migrate())
	return p
}

// fakeSockets are sockets that note what is done to them.
type fakeSockets struct {
	carried []server.Carried
	log     []string
}

func (f *fakeSockets) all() []server.Carried { return parseCarried(f.text()) }

// text is the list as the shell tells it.
func (f *fakeSockets) text() string {
	list := make([]string, len(f.carried))
	for i := range f.carried {
		list[i] = string(appendCarried(nil, &f.carried[i]))
	}
	return "[" + strings.Join(list, ",") + "]"
}

func (f *fakeSockets) send(i int, frame []byte) {
	f.log = append(f.log, fmt.Sprint(i, " ", string(frame)))
}
func (f *fakeSockets) keep(i int, c *server.Carried) { f.carried[i] = *c }
func (f *fakeSockets) close(i, code int, _ string) {
	f.log = append(f.log, fmt.Sprint(i, " closed ", code))
}

func newWorker(t *testing.T, name string) (*worker, *fakeSockets) {
	sockets := &fakeSockets{}
	w := &worker{at: *newPlace(t, name), sockets: sockets, body: new(bytes.Buffer)}
	w.now, w.db = w.at.now, w.at.db
	n := 0
	h, err := server.New(context.Background(), server.Options{
		Accounts: &w.at, Remote: &w.at, Publish: w.publish, Keys: server.Keys{ServerKey: "key"}, Now: w.at.now,
		NewID: func() string { n++; return fmt.Sprintf("%032x", n) },
	})
	require.NoError(t, err)
	w.handler = h
	return w, sockets
}

func (w *worker) post(path, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer key")
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, r)
	return rec
}

func (w *worker) do(t *testing.T, operation, body string) string {
	data, err := w.operate(httptest.NewRequest(http.MethodPost, "/", nil), operation, []byte(body))
	require.NoError(t, err, operation)
	return string(data)
}

const hello = `{"from":"alice","to":"bob","sessionType":"p2p","message":{"uuid":"m1","content":"\"hi\" ☕"}}`

// TestMessageGoesRound: the sender's object keeps its own and a parcel, which the
// receiver's takes; then nothing is left to do.
func TestMessageGoesRound(t *testing.T) {
	alice, _ := newWorker(t, "alice")
	rec := alice.post("/v1/sendMessage", hello)
	require.Equal(t, http.StatusOK, rec.Code, rec.Body)
	require.True(t, alice.at.posted)
	require.False(t, alice.at.rollback)
	at, err := alice.wakeAt()
	require.NoError(t, err)
	require.EqualValues(t, start+carrying, at, "the alarm carries what this call cannot")

	batch, err := nextBatch(alice.at.db, start)
	require.NoError(t, err)
	require.Len(t, batch, 1)
	require.Equal(t, "bob", batch[0].to)
	require.JSONEq(t, `[{"to":"bob","ids":[1],"parcels":[`+string(core.AppendString(nil, batch[0].parcels[0]))+`]}]`, alice.do(t, "next", ""))

	bob, sockets := newWorker(t, "bob")
	at, err = bob.wakeAt()
	require.NoError(t, err)
	require.Zero(t, at, "nothing to forget")
	sockets.carried = []server.Carried{{Account: "bob", Expires: start + 1e6, Live: true}}
	parcels := string(appendStrings(nil, batch[0].parcels))
	require.Equal(t, "null", bob.do(t, "accept", parcels))
	require.Equal(t, "null", bob.do(t, "accept", parcels), "once more")
	require.Len(t, sockets.log, 1, "told once")
	require.Contains(t, sockets.log[0], `"k":"p2p|alice"`)

	require.Equal(t, "[]", alice.do(t, "settle", `{"done":[1],"failed":[]}`))
	at, err = alice.wakeAt()
	require.NoError(t, err)
	require.Equal(t, alice.at.collectAt(), at, "the receipt goes one day")
	require.Equal(t, "[]", alice.do(t, "next", ""))
	left := 0
	require.NoError(t, alice.at.db.Query(func(r sqlstore.Row) error { left = int(r.Int(0)); return nil }, `SELECT count(*) FROM parcels`))
	require.Zero(t, left)
}

func TestOutboxWaitsLongerEachTime(t *testing.T) {
	p := newPlace(t, "alice")
	require.NoError(t, post(p.db, start, []string{"bob", "carol"}, []byte(`{"n":1}`)))
	require.NoError(t, post(p.db, start, []string{"bob"}, []byte(`{"n":2}`)))
	batch, err := nextBatch(p.db, start)
	require.NoError(t, err)
	require.Equal(t, []*bundle{{"bob", []int64{1, 3}, []string{`{"n":1}`, `{"n":2}`}}, {"carol", []int64{2}, []string{`{"n":1}`}}}, batch)

	require.NoError(t, settle(p.db, start, []byte(`{"done":[2,3],"failed":[1]}`)))
	now := int64(start)
	for _, wait := range []int64{1000, 2000, 4000, 8000} {
		due, err := nextDue(p.db)
		require.NoError(t, err)
		require.Equal(t, wait, due-now)
		batch, err := nextBatch(p.db, due-1)
		require.NoError(t, err)
		require.Empty(t, batch)
		now = due
		require.NoError(t, settle(p.db, now, []byte(`{"done":[],"failed":[1]}`)))
	}
	for range 10 {
		require.NoError(t, settle(p.db, now, []byte(`{"done":[],"failed":[1]}`)))
	}
	due, err := nextDue(p.db)
	require.NoError(t, err)
	require.EqualValues(t, longest, due-now)
}

// TestUpdateThatFails leaves nothing: an error and a panic both tell the shell.
func TestUpdateThatFails(t *testing.T) {
	p := newPlace(t, "alice")
	broken := errors.New("broken")
	require.Equal(t, broken, p.Update(context.Background(), func(account.Tx) error { return broken }))
	require.True(t, p.rollback)

	p.rollback = false
	require.Panics(t, func() { _ = p.Update(context.Background(), func(account.Tx) error { panic("broken") }) })
	require.True(t, p.rollback)

	p.rollback = false
	require.NoError(t, p.Update(context.Background(), func(account.Tx) error { return nil }))
	require.False(t, p.rollback)
	require.True(t, p.stirred)
}

func TestACallThatCameToTheWrongObject(t *testing.T) {
	w, _ := newWorker(t, "bob")
	require.Equal(t, http.StatusInternalServerError, w.post("/v1/sendMessage", hello).Code)
	require.True(t, w.at.rollback)

	front, _ := newWorker(t, "")
	front.at = place{now: front.at.now}
	require.Equal(t, http.StatusInternalServerError, front.post("/v1/sendMessage", hello).Code)
}

// A message to a group is given up without it, and sent with it.
func TestGroupThatIsFetched(t *testing.T) {
	const send = `{"from":"alice","to":"hike","sessionType":"team","message":{"uuid":"m1"}}`
	team, _ := newWorker(t, "team|hike")
	require.Equal(t, "null", team.do(t, "team", "team|hike"))
	require.Equal(t, http.StatusOK, team.post("/v1/setTeamMembers",
		`{"teamId":"hike","sessionType":"team","owner":"o\"","managers":["m"],"members":["alice","bob"]}`).Code)

	alice, _ := newWorker(t, "alice")
	require.Equal(t, http.StatusServiceUnavailable, alice.post("/v1/sendMessage", send).Code)
	require.Equal(t, "team|hike", alice.at.missing)
	require.True(t, alice.at.rollback)

	alice.at.rollback = false
	require.NoError(t, alice.at.give("team|hike", team.do(t, "team", "team|hike")))
	require.Equal(t, http.StatusOK, alice.post("/v1/sendMessage", send).Code)
	batch, err := nextBatch(alice.at.db, start)
	require.NoError(t, err)
	require.Len(t, batch, 3, `o", m and bob`)

	require.NoError(t, alice.at.give("team|none", "null"))
	rec := alice.post("/v1/sendMessage", strings.Replace(send, "hike", "none", 1))
	require.Equal(t, http.StatusNotFound, rec.Code)
}

func TestNameIsKept(t *testing.T) {
	p := newPlace(t, "alice")
	woken := &place{db: p.db, now: p.now}
	require.NoError(t, woken.migrate())
	require.Equal(t, "alice", woken.name)
}

// TestCollectHasItsOwnTime: writes do not put it off, and it is never now.
func TestCollectHasItsOwnTime(t *testing.T) {
	now := int64(start)
	p := &place{name: "alice", now: func() int64 { return now }}
	at := p.collectAt()
	for now = start; now < at; now += collectEvery / 7 {
		require.Equal(t, at, p.collectAt())
	}
	now = at
	require.EqualValues(t, at+collectEvery, p.collectAt())
	require.NotEqual(t, at, (&place{name: "bob", now: func() int64 { return start }}).collectAt())
}

func TestTokenThatEnds(t *testing.T) {
	w, sockets := newWorker(t, "alice")
	at, err := w.wakeAt()
	require.NoError(t, err)
	require.Zero(t, at, "nothing to do")
	sockets.carried = []server.Carried{{Account: "alice", Expires: start + 5}, {Account: "alice", Expires: start}}
	at, err = w.wakeAt()
	require.NoError(t, err)
	require.EqualValues(t, start, at)
	w.do(t, "wake", "")
	require.Equal(t, []string{"1 closed 4401"}, sockets.log)
}

func TestArguments(t *testing.T) {
	args, err := appendArgs(nil, []any{nil, "☕\n\"", int64(-5)})
	require.NoError(t, err)
	require.Equal(t, `[null,"☕\n\"",-5]`, string(args))
	_, err = appendArgs(nil, []any{3.5})
	require.ErrorContains(t, err, "float64")
}

// TestRows: texts are cut by their length in UTF-16, those of other alphabets and
// beyond the first plane too.
func TestRows(t *testing.T) {
	for _, text := range []string{"", "plain", "é☕", "a😀b", "\x00\x1e\x1f", "[1]", "🏳️‍🌈漢"} {
		var all table
		all.columns = 5
		all.add(int64(-1<<53), nil, text, "next", text)
		all.add(int64(7), "", text+text, nil, "")
		var seen []string
		require.NoError(t, all.each(func(r sqlstore.Row) error {
			seen = append(seen, fmt.Sprintf("%d %t|%s|%s|%s", r.Int(0), r.Null(1), r.Text(2), r.Text(3), r.Text(4)))
			require.Zero(t, r.Text(1))
			return nil
		}))
		require.Equal(t, []string{fmt.Sprintf("%d true|%s|next|%s", -1<<53, text, text), fmt.Sprintf("7 false|%s||", text+text)}, seen)
	}
	require.NoError(t, new(table).each(nil), "no rows")
}

// TestRowsThatAreTorn: what the shell cannot have meant is no result.
func TestRowsThatAreTorn(t *testing.T) {
	each := func(sqlstore.Row) error { return nil }
	for name, torn := range map[string]table{
		"a row too short":    {columns: 2, cells: []float64{1, 2, 3}},
		"a text too short":   {columns: 1, cells: []float64{3.5}, texts: "ab", units: 2},
		"within a character": {columns: 1, cells: []float64{1.5, 1.5}, texts: "😀", units: 2},
		"and no end of it":   {columns: 1, cells: []float64{2.5}, texts: "é\xe2", units: 2},
	} {
		require.Equal(t, errTorn, torn.each(each), name)
	}
	full := errors.New("full")
	one := table{columns: 1, cells: []float64{1}}
	require.Equal(t, full, one.each(func(sqlstore.Row) error { return full }))
	text := table{columns: 1, cells: []float64{1.5}, texts: "x", units: 1}
	require.PanicsWithValue(t, errNoNumber, func() { _ = text.each(func(r sqlstore.Row) error { r.Int(0); return nil }) })
	null := table{columns: 1, cells: []float64{math.NaN()}}
	require.NoError(t, null.each(func(r sqlstore.Row) error {
		require.True(t, r.Null(0))
		require.Zero(t, r.Int(0))
		require.Empty(t, r.Text(0))
		return nil
	}))
}

// heading is a call's as the shell writes it.
func heading(fields ...string) string { return strings.Join(fields, fieldEnd) + fieldEnd }

func TestRequestThatCrosses(t *testing.T) {
	c := parseCall(heading("", "alice", "1", "", "3", "team|a", `{"owner":"o"}`, "POST", "http://a.example/v1/sync?x=%C3%A9",
		"Host", "a.example", "Idempotency-Key", "one, two", "Sec-WebSocket-Protocol", "recents.v1, bearer.x", "Content-Length", "2", "Cf-Connecting-Ip", "2001:db8::1"), []byte("{}"))
	require.Equal(t, []any{"", "alice", true, false, 3, "team|a", `{"owner":"o"}`},
		[]any{c.operation, c.name, c.storage, c.idle, c.open, c.teamKey, c.team})
	r := c.request()
	require.Equal(t, "/v1/sync", r.URL.Path)
	require.Equal(t, []string{"one", "two"}, r.Header.Values("Idempotency-Key"))
	require.Equal(t, []string{"recents.v1, bearer.x"}, r.Header.Values("Sec-WebSocket-Protocol"))
	require.Equal(t, []any{"a.example", int64(2), "[2001:db8::1]:0", "POST"}, []any{r.Host, r.ContentLength, r.RemoteAddr, r.Method})
	body, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	require.Equal(t, "{}", string(body))

	none := parseCall(heading("home", "", "", "1", "0", "", "", "GET", "http://a.example/%zz"), nil)
	require.True(t, none.idle)
	r = none.request()
	require.Nil(t, r.Body)
	require.Equal(t, []any{"http://a.example/%zz", int64(-1), "127.0.0.1:0", ""}, []any{r.URL.Path, r.ContentLength, r.RemoteAddr, r.Header.Get("Authorization")})
}

// ask runs a call as the shell does, and returns its heading's fields but the
// headers, and its body.
func (w *worker) ask(operation, path, body string) (left []string, answer string) {
	c := parseCall(heading(operation, w.at.name, "1", "1", "0", "", "", "POST", "http://a.example"+path, "Authorization", "Bearer key"), []byte(body))
	o := w.run(c)
	return strings.Split(string(o.appendHeading(nil)), fieldEnd)[:7], w.body.String()
}

// TestOutcome: what each kind of call leaves, field by field as the shell reads
// them.
func TestOutcome(t *testing.T) {
	w, _ := newWorker(t, "alice")
	left, body := w.ask("", "/v1/sendMessage", hello)
	require.Equal(t, []string{"200", "", "", "1", fmt.Sprint(start + carrying), ""}, left[:6])
	require.JSONEq(t, w.do(t, "next", ""), left[6], "what next would say")
	require.Contains(t, body, `{"code":200,"data":{"serverId":`)

	left, _ = w.ask("", "/v1/nothing", "{}")
	require.Equal(t, []string{"404", "", "", "", "", "", ""}, left)
	left, _ = w.ask("", "/v1/sendMessage", strings.NewReplacer("p2p", "team", "m1", "m2").Replace(hello))
	require.Equal(t, []string{"503", "", "1", "", "", "team|bob", ""}, left)
	left, body = w.ask("home", "/v1/sendMessage", hello)
	require.Equal(t, []string{"200", "", "", "", "", "", ""}, left)
	require.JSONEq(t, `{"account":"alice","team":"","server":true}`, body)
	left, _ = w.ask("nothing", "", "")
	require.Equal(t, []string{"200", "1", "1", "", "", "", ""}, left)

	w.db = nil
	w.handler = nil // any panic will do
	left, body = w.ask("", "/v1/sendMessage", hello)
	require.Equal(t, []string{"500", "1", "1", "", "", "", ""}, left)
	require.Equal(t, `{"code":500,"errorDetails":"internal error"}`, body)
}

func TestHearAndUnknownOperations(t *testing.T) {
	w, sockets := newWorker(t, "alice")
	sockets.carried = []server.Carried{{Account: "alice", Expires: start + 1e6}}
	w.do(t, "hear", `{"t":"hello","v":1,"epoch":"","cursor":0,"clientId":"tab"}`)
	require.True(t, sockets.carried[0].Live)
	require.Equal(t, "tab", sockets.carried[0].ClientID)
	w.do(t, "hear", `{`)
	require.Equal(t, "0 closed 1008", sockets.log[len(sockets.log)-1])
	_, err := w.operate(httptest.NewRequest(http.MethodPost, "/", nil), "nothing", nil)
	require.Equal(t, errNoOperation, err)
	require.Equal(t, []string{"a", "b"}, splitList(" a,, b "))
}

// TestPullOfASlowReader: only the sockets of the client that pulls are told
// again.
func TestPullOfASlowReader(t *testing.T) {
	w, sockets := newWorker(t, "alice")
	behind := server.Carried{Account: "alice", Expires: start + 1e6, Live: true, ClientID: "tab", Frames: 101, Bytes: 7, Behind: true}
	other := behind
	other.ClientID = "other"
	sockets.carried = []server.Carried{behind, other}
	w.pulled([]byte(`{"v":1,"epoch":"e","cursor":0,"clientId":"tab"}`))
	require.Equal(t, []server.Carried{{Account: "alice", Expires: start + 1e6, Live: true, ClientID: "tab"}, other}, sockets.carried)
}
