package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"recents/core/account"
	"recents/server"
)

// process is run, in a goroutine.
type process struct {
	address string
	stop    context.CancelFunc
	exit    chan int
	log     *log
}

type log struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func start(t *testing.T, dir string, args ...string) *process {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	t.Cleanup(stop)
	read, write := io.Pipe()
	p := &process{stop: stop, exit: make(chan int, 1), log: &log{}}
	args = append([]string{"-dev", "-listen", "127.0.0.1:0", "-data", dir, "-log", "info"}, args...)
	go func() {
		p.exit <- run(ctx, args, func(string) string { return "" }, write, p.log)
		_ = write.Close()
	}()
	line, err := bufio.NewReader(read).ReadString('\n')
	require.NoError(t, err, p.log.String())
	p.address = strings.TrimSpace(line)
	return p
}

func (p *process) end(t *testing.T) {
	t.Helper()
	p.stop()
	require.Zero(t, <-p.exit, p.log.String())
}

func (p *process) client(t *testing.T) *client {
	return newClient(t.Context(), p.address, devServerKey)
}

type sessionList struct {
	SessionList []struct {
		SessionID, SessionType, Ext, LastMsg string
		LastMsgType                          int
	}
}

func (p *process) list(t *testing.T, account string) sessionList {
	t.Helper()
	token, err := p.client(t).token(account)
	require.NoError(t, err)
	var l sessionList
	require.NoError(t, p.client(t).call("queryMySessionList", token, object{}, &l))
	return l
}

func TestSeedOnce(t *testing.T) {
	dir := t.TempDir()
	p := start(t, dir, "-seed")
	first := p.list(t, "alice")
	require.GreaterOrEqual(t, len(first.SessionList), 12)
	seen := map[string]bool{}
	for _, s := range first.SessionList {
		seen[s.SessionType] = true
		if s.LastMsgType == 1 {
			seen["revoked"] = true
		}
		if s.Ext == `{"pinned":true}` {
			seen["pinned"] = true
		}
		for _, kind := range []string{"image", "file", "location", "text", "audio"} {
			seen[kind] = seen[kind] || strings.Contains(s.LastMsg, `"messageType":"`+kind+`"`)
		}
	}
	for _, what := range []string{"p2p", "team", "superTeam", "revoked", "pinned", "image", "file", "location", "text", "audio"} {
		require.True(t, seen[what], what)
	}
	for _, friend := range []string{"bob", "carol", "dave"} {
		require.NotEmpty(t, p.list(t, friend).SessionList)
	}
	p.end(t)

	p = start(t, dir, "-seed")
	require.Equal(t, first, p.list(t, "alice"), "a second start changes nothing")
	p.end(t)
}

func TestTokensOfDevModeSurviveARestart(t *testing.T) {
	dir := t.TempDir()
	p := start(t, dir)
	token, err := p.client(t).token("alice")
	require.NoError(t, err)
	p.end(t)
	p = start(t, dir)
	require.NoError(t, p.client(t).call("queryMySessionList", token, object{}, nil))
	p.end(t)
}

func TestPathsOfTheProcess(t *testing.T) {
	p := start(t, t.TempDir())
	for path, want := range map[string]string{"/metrics": "recents_store_transactions_total", "/healthz": `"code":200`, "/readyz": `"code":200`, "/openapi.json": `"3.1.0"`} {
		res, err := http.Get(p.address + path)
		require.NoError(t, err)
		body, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.Equal(t, 200, res.StatusCode)
		require.Contains(t, string(body), want)
	}
	p.end(t)
}

// TestGracefulStop: a call that has begun is answered and its write is there
// after the restart; a socket is closed with 1001; the exit code is 0.
func TestGracefulStop(t *testing.T) {
	dir := t.TempDir()
	p := start(t, dir)
	token, err := p.client(t).token("alice")
	require.NoError(t, err)
	ws, _, err := websocket.Dial(t.Context(), p.address+"/v1/updates", &websocket.DialOptions{Subprotocols: []string{"recents.v1", "bearer." + token}})
	require.NoError(t, err)

	body := `{"sessionId":"bob","sessionType":"p2p","ext":"written while stopping"}`
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.address, "http://"))
	require.NoError(t, err)
	_, err = io.WriteString(conn, "POST /v1/updateMySession HTTP/1.1\r\nHost: 127.0.0.1\r\nExpect: 100-continue\r\nAuthorization: Bearer "+token+"\r\nContent-Length: 70\r\n\r\n")
	require.NoError(t, err)
	require.Len(t, body, 70)
	answers := bufio.NewReader(conn)
	line, err := answers.ReadString('\n')
	require.NoError(t, err)
	require.Contains(t, line, "100 Continue", "the handler reads the body: the call has begun")

	p.stop()
	_, _, err = ws.Read(t.Context())
	require.Equal(t, websocket.StatusGoingAway, websocket.CloseStatus(err))
	_, err = io.WriteString(conn, body)
	require.NoError(t, err)
	rest, err := io.ReadAll(answers)
	require.NoError(t, err)
	require.Contains(t, string(rest), `{"code":200,"data":null}`)
	require.Zero(t, <-p.exit, p.log.String())
	_, err = net.Dial("tcp", strings.TrimPrefix(p.address, "http://"))
	require.Error(t, err)
	require.NotContains(t, p.log.String(), token)

	p = start(t, dir)
	require.Equal(t, "written while stopping", p.list(t, "alice").SessionList[0].Ext)
	p.end(t)
}

// TestStopIsBounded: a call that never ends is cut after -grace, and the exit
// code tells it.
func TestStopIsBounded(t *testing.T) {
	p := start(t, t.TempDir(), "-grace", "50ms")
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.address, "http://"))
	require.NoError(t, err)
	_, err = io.WriteString(conn, "POST /v1/issueToken HTTP/1.1\r\nHost: 127.0.0.1\r\nExpect: 100-continue\r\nAuthorization: Bearer dev\r\nContent-Length: 70\r\n\r\n")
	require.NoError(t, err)
	_, err = bufio.NewReader(conn).ReadString('\n')
	require.NoError(t, err)
	p.stop()
	require.Equal(t, 1, <-p.exit)
	require.Contains(t, p.log.String(), "not all that ran ended within 50ms")
}

func TestASecondProcessOnTheData(t *testing.T) {
	dir := t.TempDir()
	p := start(t, dir)
	var errs bytes.Buffer
	require.Equal(t, 1, run(t.Context(), []string{"-dev", "-listen", "127.0.0.1:0", "-data", dir}, func(string) string { return "" }, io.Discard, &errs))
	require.Contains(t, errs.String(), "recents.db")
	p.end(t)
}

// TestAFailedStoreStopsTheProcess: the first call that finds the store refusing
// writes ends the server, with an error that says why.
func TestAFailedStoreStopsTheProcess(t *testing.T) {
	ctx, fail := context.WithCancelCause(t.Context())
	h, err := server.New(ctx, server.Options{
		Accounts: account.NewMemory(), Now: now, NewID: newID,
		Healthy: func() error { return errors.New("disk I/O error") },
		Failed:  func(err error) { fail(&storeFailure{err}) },
	})
	require.NoError(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	quiet := slog.New(slog.DiscardHandler)
	ended := make(chan error, 1)
	go func() {
		ended <- runServer(ctx, &config{grace: time.Minute}, h, httpServer(h, quiet), l, quiet, io.Discard)
	}()
	res, err := http.Get("http://" + l.Addr().String() + "/readyz")
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, http.StatusServiceUnavailable, res.StatusCode)
	require.EqualError(t, <-ended, "the store failed: disk I/O error")
}

func TestTheVendorsCallsAreThereWhenAskedFor(t *testing.T) {
	for _, args := range [][]string{nil, {"-nim"}} {
		p := start(t, t.TempDir(), args...)
		at := fmt.Sprint(time.Now().Unix())
		sum := sha1.Sum([]byte(devServerKey + "n" + at))
		r, err := http.NewRequest(http.MethodPost, p.address+"/nimserver/history/querySessionList.action", strings.NewReader("accid=alice"))
		require.NoError(t, err)
		for name, value := range map[string]string{"AppKey": devServerKey, "Nonce": "n", "CurTime": at, "CheckSum": hex.EncodeToString(sum[:]),
			"Content-Type": "application/x-www-form-urlencoded"} {
			r.Header.Set(name, value)
		}
		got, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		body, err := io.ReadAll(got.Body)
		require.NoError(t, err)
		require.NoError(t, got.Body.Close())
		if args == nil {
			require.Equal(t, http.StatusNotFound, got.StatusCode)
		} else {
			require.JSONEq(t, `{"code":200,"data":{"hasMore":false,"sessions":[]}}`, string(body))
		}
		p.end(t)
	}
}

// Every series that the dashboard asks for is one that a server shows.
func TestTheDashboardAsksForWhatIsCounted(t *testing.T) {
	dashboard, err := os.ReadFile(filepath.Join("..", "..", "deploy", "grafana.json"))
	require.NoError(t, err)
	require.True(t, json.Valid(dashboard))
	p := start(t, t.TempDir())
	defer p.end(t)
	counted, err := http.Post(p.address+"/v1/dev/token", "application/json", strings.NewReader(`{"account":"alice"}`))
	require.NoError(t, err) // a counter by labels is there once it has counted
	require.NoError(t, counted.Body.Close())
	got, err := http.Get(p.address + "/metrics")
	require.NoError(t, err)
	text, err := io.ReadAll(got.Body)
	require.NoError(t, err)
	require.NoError(t, got.Body.Close())
	asked := regexp.MustCompile(`recents_\w+`).FindAllString(string(dashboard), -1)
	require.Greater(t, len(asked), 10)
	for _, name := range asked {
		if !strings.HasPrefix(name, "recents_socket_closes") { // no socket has ended yet
			require.Regexp(t, `(?m)^`+name+`[ {]`, string(text))
		}
	}
}
