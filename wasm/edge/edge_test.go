//go:build !js

package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite" // the engine of the tests

	"recents/core"
	"recents/core/account"
	"recents/server"
	"recents/server/sqlstore"
)

// object is a database as a Durable Object has one: rows cross as one JSON text.
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
	text, err := jsonRows(rows)
	if err != nil {
		return err
	}
	return eachRow(text, each)
}

func jsonRows(rows *sql.Rows) (text []byte, err error) {
	defer func() { err = errors.Join(err, rows.Close()) }()
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	text = []byte{'['}
	for rows.Next() {
		values, targets := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			targets[i] = &values[i]
		}
		if err := rows.Scan(targets...); err != nil {
			return nil, err
		}
		if len(text) > 1 {
			text = append(text, ',')
		}
		if text, err = appendArgs(text, values); err != nil {
			return nil, err
		}
	}
	return append(text, ']'), rows.Err()
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
	w := &worker{at: *newPlace(t, name), sockets: sockets}
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

func (w *worker) run(t *testing.T, operation, body string) string {
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
	require.JSONEq(t, `[{"to":"bob","ids":[1],"parcels":[`+string(core.AppendString(nil, batch[0].parcels[0]))+`]}]`, alice.run(t, "next", ""))

	bob, sockets := newWorker(t, "bob")
	at, err = bob.wakeAt()
	require.NoError(t, err)
	require.Zero(t, at, "nothing to forget")
	sockets.carried = []server.Carried{{Account: "bob", Expires: start + 1e6, Live: true}}
	parcels := string(appendStrings(nil, batch[0].parcels))
	require.Equal(t, "null", bob.run(t, "accept", parcels))
	require.Equal(t, "null", bob.run(t, "accept", parcels), "once more")
	require.Len(t, sockets.log, 1, "told once")
	require.Contains(t, sockets.log[0], `"k":"p2p|alice"`)

	require.Equal(t, "[]", alice.run(t, "settle", `{"done":[1],"failed":[]}`))
	at, err = alice.wakeAt()
	require.NoError(t, err)
	require.Equal(t, alice.at.collectAt(), at, "the receipt goes one day")
	require.Equal(t, "[]", alice.run(t, "next", ""))
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
	require.Equal(t, "null", team.run(t, "team", "team|hike"))
	require.Equal(t, http.StatusOK, team.post("/v1/setTeamMembers",
		`{"teamId":"hike","sessionType":"team","owner":"o\"","managers":["m"],"members":["alice","bob"]}`).Code)

	alice, _ := newWorker(t, "alice")
	require.Equal(t, http.StatusServiceUnavailable, alice.post("/v1/sendMessage", send).Code)
	require.Equal(t, "team|hike", alice.at.missing)
	require.True(t, alice.at.rollback)

	alice.at.rollback = false
	require.NoError(t, alice.at.give("team|hike", team.run(t, "team", "team|hike")))
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
	w.run(t, "wake", "")
	require.Equal(t, []string{"1 closed 4401"}, sockets.log)
}

func TestRows(t *testing.T) {
	args, err := appendArgs(nil, []any{nil, "☕\n\"", int64(-5)})
	require.NoError(t, err)
	require.NoError(t, eachRow([]byte("["+string(args)+"]"), func(r sqlstore.Row) error {
		require.True(t, r.Null(0))
		require.Zero(t, r.Int(0))
		require.Empty(t, r.Text(0))
		require.Equal(t, "☕\n\"", r.Text(1))
		require.EqualValues(t, -5, r.Int(2))
		return nil
	}))
	var seen []string
	require.NoError(t, eachRow([]byte("\x1e1\x1f\x00\x1f[\"x\"]\x1f\x1e-2\x1f\x1f☕\n\x1f"), func(r sqlstore.Row) error {
		seen = append(seen, fmt.Sprintf("%d %t %s %s", r.Int(0), r.Null(1), r.Text(1), r.Text(2)))
		return nil
	}))
	require.Equal(t, []string{`1 true  ["x"]`, "-2 false  ☕\n"}, seen)
	require.NoError(t, eachRow(nil, nil), "no rows")
	require.Equal(t, errTorn, eachRow([]byte("\x1e1"), nil))
	require.Panics(t, func() { _ = eachRow([]byte("\x1ex\x1f"), func(r sqlstore.Row) error { r.Int(0); return nil }) })
	_, err = appendArgs(nil, []any{3.5})
	require.ErrorContains(t, err, "float64")
}

func TestHearAndUnknownOperations(t *testing.T) {
	w, sockets := newWorker(t, "alice")
	sockets.carried = []server.Carried{{Account: "alice", Expires: start + 1e6}}
	w.run(t, "hear", `{"t":"hello","v":1,"epoch":"","cursor":0,"clientId":"tab"}`)
	require.True(t, sockets.carried[0].Live)
	require.Equal(t, "tab", sockets.carried[0].ClientID)
	w.run(t, "hear", `{`)
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
