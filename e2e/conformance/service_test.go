// Package conformance holds the server and the edge worker to one suite, black
// box over HTTP and WebSocket: what one answers the other does too, byte for
// byte but for epochs, times and ids made of times.
package conformance

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"
)

// service is one running place of the API, on data that outlives it.
type service struct {
	name    string
	url     string
	start   func(*service)
	process *exec.Cmd

	mu     sync.Mutex
	tokens map[string]string
	epochs map[string]string // by account
}

const serverKey = "dev"

// client gives up on a call that is lost, so that a test ends.
var client = &http.Client{Timeout: time.Minute}

// newServer starts recentsd, built once for all tests.
func newServer(t testing.TB) *service {
	dir := t.TempDir()
	return begin(t, &service{name: "server", start: func(s *service) {
		cmd := exec.Command(binary(t), "-dev", "-listen", "127.0.0.1:0", "-data", dir, "-account-rate", "0", "-address-rate", "0")
		s.url = strings.TrimSpace(s.run(t, cmd))
	}})
}

var buildServer sync.Once

func binary(t testing.TB) string {
	path := filepath.Join(os.TempDir(), "recents-conformance", "recentsd")
	buildServer.Do(func() {
		out, err := exec.Command("go", "build", "-o", path, "../../server/recentsd").CombinedOutput()
		require.NoError(t, err, string(out))
	})
	return path
}

const workerd = "../node_modules/.bin/workerd"

// newEdge starts the worker in the real runtime.
func newEdge(t testing.TB) *service { return newWorker(t, "edge") }

// newWorker starts what is in a directory of build/. A test that needs it is
// skipped where RECENTS_EDGE does not say that it was built just now.
func newWorker(t testing.TB, build string) *service {
	if os.Getenv("RECENTS_EDGE") != "required" {
		t.Skip("the worker may be another than this source's: ./build.sh test edge, a part of ./build.sh test, builds it and runs this")
	}
	for _, needed := range []string{workerd, "../../build/" + build + "/worker.mjs", "../../build/" + build + "/recents-edge.wasm"} {
		_, err := os.Stat(needed)
		require.NoError(t, err, "run ./build.sh test edge")
	}
	dir := t.TempDir()
	return begin(t, &service{name: "edge", start: func(s *service) {
		cmd := exec.Command(workerd, "serve", "../../build/"+build+"/workerd.capnp", "--socket-addr=http=127.0.0.1:0",
			"--directory-path=storage="+dir, "--directory-path=site="+os.TempDir(), "--control-fd=1")
		cmd.Env = append(os.Environ(), "RECENTS_DEV=1", "RECENTS_SERVER_KEY="+serverKey,
			"RECENTS_TOKEN_SECRET=the-token-secret-of-the-tests-0123456789", "RECENTS_TOKEN_PUBLIC_KEY="+os.Getenv("RECENTS_TOKEN_PUBLIC_KEY"), "RECENTS_ALLOW_ORIGIN=")
		s.url = "http://127.0.0.1:" + gjson.Get(s.run(t, cmd), "port").String()
	}})
}

func begin(t testing.TB, s *service) *service {
	s.start(s)
	t.Cleanup(func() { s.kill(t) })
	return s
}

// run starts the process and returns the first line that it writes.
func (s *service) run(t testing.TB, cmd *exec.Cmd) string {
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	s.process, s.tokens, s.epochs = cmd, map[string]string{}, map[string]string{}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)
	return line
}

// kill ends the process as `kill -9` does.
func (s *service) kill(t testing.TB) {
	require.NoError(t, s.process.Process.Kill())
	_ = s.process.Wait() // it was killed
}

type object map[string]any

// answer is a whole answer.
type answer struct {
	status int
	header http.Header
	body   string
}

func (a answer) get(path string) gjson.Result { return gjson.Get(a.body, path) }

// request is one HTTP request; Body is sent as it is.
type request struct {
	method, path, token, body string
	header                    map[string]string
}

func (s *service) do(t testing.TB, q request) answer {
	a, err := s.try(q)
	require.NoError(t, err, "%s: %s", s.name, q.path)
	return a
}

func (s *service) try(q request) (answer, error) {
	if q.method == "" {
		q.method = http.MethodPost
	}
	var body io.Reader
	if q.method == http.MethodPost {
		body = bytes.NewReader([]byte(q.body))
	}
	r, err := http.NewRequest(q.method, s.url+q.path, body)
	if err != nil {
		return answer{}, err
	}
	if q.token != "" {
		r.Header.Set("Authorization", "Bearer "+q.token)
	}
	for name, value := range q.header {
		r.Header.Set(name, value)
	}
	res, err := client.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = res.Body.Close() }() // read to its end below
	text, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, res.Header, string(text)}, err
}

// call makes a call that must succeed.
func (s *service) call(t testing.TB, path, token string, body any) answer {
	t.Helper()
	a := s.do(t, request{path: "/v1/" + path, token: token, body: text(t, body)})
	require.Equal(t, http.StatusOK, a.status, "%s: %s %s", s.name, path, a.body)
	return a
}

func text(t testing.TB, body any) string {
	b, err := json.Marshal(body)
	require.NoError(t, err)
	return string(b)
}

// token is an account's, the same one each time.
func (s *service) token(t testing.TB, account string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tokens[account] == "" {
		a := s.do(t, request{path: "/v1/issueToken", token: serverKey, body: text(t, object{"account": account})})
		require.Equal(t, http.StatusOK, a.status, a.body)
		s.tokens[account] = a.get("data.token").String()
	}
	return s.tokens[account]
}

// changes is everything that an account's log tells.
func (s *service) changes(t testing.TB, account string) answer { return s.sync(t, account, 0) }

// head is where an account's log ends.
func (s *service) head(t testing.TB, account string) int64 {
	return s.sync(t, account, 1<<50).get("data.head").Int() // refused as ahead, which tells the head and no rows
}

func (s *service) sync(t testing.TB, account string, cursor int64) answer {
	token := s.token(t, account)
	ask := func(epoch string) answer {
		return s.call(t, "sync", token, object{"v": 1, "epoch": epoch, "cursor": cursor, "clientId": "c-" + account, "limit": 500})
	}
	s.mu.Lock()
	epoch := s.epochs[account]
	s.mu.Unlock()
	if epoch == "" {
		epoch = ask("").get("data.epoch").String()
		s.mu.Lock()
		s.epochs[account] = epoch
		s.mu.Unlock()
	}
	return ask(epoch)
}

// reaches waits until an account's log is as long as told: a message is on its
// way to others when its sender is answered.
func (s *service) reaches(t testing.TB, account string, head int64) {
	t.Helper()
	if s.head(t, account) >= head {
		return
	}
	require.Eventually(t, func() bool { return s.head(t, account) >= head }, time.Minute, 20*time.Millisecond,
		"%s: the log of %s never reached %d", s.name, account, head)
}
