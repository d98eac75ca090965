package server_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"

	"recents/core/account"
	"recents/server"
	"recents/server/sqlite"
)

const (
	serverKey = "the-server-key-of-the-tests-0123456789"
	secret    = "the-token-secret-of-the-tests-0123456789"
	// hush stands in every message and ext of the tests that a log could quote.
	hush = "HUSH-never-in-a-log"
)

var privateKey = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))

// world is one Handler with a clock of its own, over one store.
type world struct {
	t        testing.TB
	accounts account.Accounts
	handler  *server.Handler
	http     *httptest.Server
	pipe     *pipe // in its place, in a bubble
	clock    atomic.Int64
	ids      atomic.Int64
	log      buffer
	metrics  counts

	mu     sync.Mutex // over tokens
	tokens []string
}

// How long a test waits for what happens by itself, and how often it looks.
const (
	eventually = 30 * time.Second
	tick       = time.Millisecond
)

// startTime is the clock of every world at first, ms.
const startTime = 1_700_000_000_000

// newWorld makes a world over a store; change, when not nil, alters the options.
func newWorld(t testing.TB, a account.Accounts, change func(*server.Options)) *world {
	w := &world{t: t, accounts: a}
	w.clock.Store(startTime)
	w.metrics.codes = map[int]int{}
	w.restart(change)
	t.Cleanup(w.close)
	return w
}

// restart puts a new Handler over the same store, as a new process does.
func (w *world) restart(change func(*server.Options)) {
	if w.http != nil {
		w.http.Close()
	}
	o := server.Options{
		Accounts: w.accounts,
		Keys:     server.Keys{ServerKey: serverKey, Secret: []byte(secret), PublicKey: privateKey.Public().(ed25519.PublicKey)},
		Now:      w.clock.Load,
		NewID: func() string {
			sum := sha256.Sum256([]byte(fmt.Sprint(w.ids.Add(1))))
			return fmt.Sprintf("%x", sum[:16])
		},
		Log:     slog.New(slog.NewJSONHandler(&w.log, nil)),
		Metrics: &w.metrics,
	}
	if change != nil {
		change(&o)
	}
	h, err := server.New(context.Background(), o)
	require.NoError(w.t, err)
	w.handler = h
	w.http = httptest.NewServer(h)
}

// close ends the world, and holds its log to rule A10: no token, no text.
func (w *world) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	require.NoError(w.t, w.handler.Close(ctx))
	w.http.Close()
	log := w.log.String()
	require.NotContains(w.t, log, hush)
	require.NotContains(w.t, log, serverKey)
	for _, token := range w.tokens {
		require.NotContains(w.t, log, token)
		if signature := token[strings.LastIndexByte(token, '.')+1:]; signature != "" {
			require.NotContains(w.t, log, signature)
		}
	}
}

// onBoth runs a test over the memory store and over SQLite.
func onBoth(t *testing.T, fn func(t *testing.T, w *world)) {
	t.Run("memory", func(t *testing.T) { fn(t, newWorld(t, account.NewMemory(), nil)) })
	t.Run("sqlite", func(t *testing.T) { fn(t, newWorld(t, openSQLite(t), nil)) })
}

func openSQLite(t testing.TB) account.Accounts {
	db, err := sqlite.Open(filepath.Join(t.TempDir(), "recents.db"), sqlite.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

// onMemory is a world over the memory store.
func onMemory(t testing.TB) *world { return newWorld(t, account.NewMemory(), nil) }

// token makes a token of an account that is good for an hour.
func (w *world) token(name string) string {
	return w.sign(jwt.SigningMethodHS256, []byte(secret), jwt.MapClaims{"sub": name, "exp": w.clock.Load()/1000 + 3600})
}

func (w *world) sign(m jwt.SigningMethod, key any, claims jwt.MapClaims) string {
	token, err := jwt.NewWithClaims(m, claims).SignedString(key)
	require.NoError(w.t, err)
	w.made(token)
	return token
}

// made notes a token, which the log must not hold.
func (w *world) made(token string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tokens = append(w.tokens, token)
}

// answer is one answer of the API.
type answer struct {
	status  int
	code    int
	data    gjson.Result
	details string
	header  http.Header
	body    string
}

// as calls a path with a token; body is JSON text, or what becomes it.
func (w *world) as(token, path string, body any) answer {
	return w.request(http.MethodPost, path, body, "Authorization", "Bearer "+token)
}

// user calls as an account, and server with the server key.
func (w *world) user(name, path string, body any) answer { return w.as(w.token(name), path, body) }
func (w *world) server(path string, body any) answer     { return w.as(serverKey, path, body) }

func (w *world) request(method, path string, body any, headers ...string) answer {
	w.t.Helper()
	a, err := w.roundTrip(http.DefaultTransport, method, path, body, headers...)
	require.NoError(w.t, err)
	return a
}

// roundTrip is request over a way of the test's own, which may fail.
func (w *world) roundTrip(way http.RoundTripper, method, path string, body any, headers ...string) (answer, error) {
	base := "http://pipe"
	if w.http != nil {
		base = w.http.URL
	}
	r, err := http.NewRequest(method, base+path, reader(w.t, body))
	require.NoError(w.t, err)
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
			continue
		}
		r.Header.Add(headers[i], headers[i+1])
	}
	res, err := way.RoundTrip(r)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = res.Body.Close() }()
	return read(w.t, res), nil
}

func reader(t testing.TB, body any) io.Reader {
	switch b := body.(type) {
	case nil:
		return nil
	case string:
		return strings.NewReader(b)
	}
	text, err := json.Marshal(body)
	require.NoError(t, err)
	return bytes.NewReader(text)
}

func read(t testing.TB, res *http.Response) answer {
	text, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	obj := gjson.ParseBytes(text)
	return answer{res.StatusCode, int(obj.Get("code").Int()), obj.Get("data"), obj.Get("errorDetails").Str, res.Header, string(text)}
}

// ok requires a success and returns its data.
func (a answer) ok(t testing.TB) gjson.Result {
	t.Helper()
	require.Equal(t, 200, a.code, a.body)
	require.Equal(t, 200, a.status, a.body)
	return a.data
}

// refused requires a code, its status, and texts that the details hold.
func (a answer) refused(t testing.TB, code int, texts ...string) {
	t.Helper()
	require.Equal(t, code, a.code, a.body)
	status := map[int]int{302: 401, 414: 400, 416: 429}[code]
	if status == 0 {
		status = code
	}
	require.Equal(t, status, a.status, a.body)
	for _, text := range texts {
		require.Contains(t, a.details, text)
	}
}

type object = map[string]any

func message(uuid, content string) object {
	return object{"uuid": uuid, "content": hush + content, "messageType": "text"}
}

// send sends a p2p message with the server key.
func (w *world) send(from, to, uuid, content string) gjson.Result {
	w.t.Helper()
	return w.server("/v1/sendMessage", object{"from": from, "to": to, "sessionType": "p2p", "message": message(uuid, content)}).ok(w.t)
}

// list returns the ids of an account's sessions, newest first.
func (w *world) list(name string) []string {
	w.t.Helper()
	ids := []string{}
	for _, s := range w.user(name, "/v1/queryMySessionList", `{}`).ok(w.t).Get("sessionList").Array() {
		ids = append(ids, s.Get("sessionId").Str)
	}
	return ids
}

// session returns one p2p session of an account.
func (w *world) session(name, id string) gjson.Result {
	w.t.Helper()
	return w.user(name, "/v1/queryMySession", object{"sessionId": id, "sessionType": "p2p"}).ok(w.t)
}

// state is all that a reader can learn of an account, without the clock.
func (w *world) state(name string) string {
	w.t.Helper()
	reset := w.user(name, "/v1/sync", `{}`).ok(w.t)
	page := w.user(name, "/v1/sync", object{"epoch": reset.Get("epoch").Str, "cursor": 0, "clientId": "state"}).ok(w.t)
	require.False(w.t, page.Get("more").Bool())
	text, _, _ := strings.Cut(page.Raw, `"serverTime"`)
	return text
}

// buffer is a log that may be written and read at once.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// counts is a server.Metrics that a test reads.
type counts struct {
	mu                    sync.Mutex
	calls, opened, behind int
	codes                 map[int]int // close codes
	frameBytes            int
}

func (c *counts) Called(string, int, time.Duration) { c.add(func() { c.calls++ }) }
func (c *counts) SocketOpened()                     { c.add(func() { c.opened++ }) }
func (c *counts) SocketClosed(code int)             { c.add(func() { c.codes[code]++ }) }
func (c *counts) FramePushed(bytes int)             { c.add(func() { c.frameBytes += bytes }) }
func (c *counts) FellBehind()                       { c.add(func() { c.behind++ }) }

func (c *counts) add(fn func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	fn()
}

func (c *counts) closed(code int) (n int) {
	c.add(func() { n = c.codes[code] })
	return n
}
