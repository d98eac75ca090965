//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"

	"recents/core"
	"recents/server/nettest"
	"recents/server/sqlite"
)

// socket opens /v1/updates and goes on from a cursor, to the end of the log.
func (d *daemon) socket(token string, from core.Cursor) (*websocket.Conn, error) {
	ctx := context.Background()
	c, _, err := websocket.Dial(ctx, d.client.address+"/v1/updates", &websocket.DialOptions{Subprotocols: []string{"recents.v1", "bearer." + token}})
	if err != nil {
		return nil, err
	}
	for {
		hello := core.AppendHello(nil, &core.SyncRequest{V: core.SyncVersion, Cursor: from, ClientID: "watcher"})
		if err := c.Write(ctx, websocket.MessageText, hello); err != nil {
			return nil, err
		}
		_, b, err := c.Read(ctx)
		if err != nil {
			return nil, err
		}
		f, err := core.ParseFrame(b)
		if err != nil || f.Kind == core.FrameReady {
			return c, err
		}
		from = core.Cursor{Epoch: f.Epoch, Seq: f.Head}
	}
}

// TestS1KilledBetweenCommitAndAnswer: the process is killed when a second
// connection has seen the commit and the writer has not had its answer. The
// write is there after each restart, and sent again it happens once (I2).
func TestS1KilledBetweenCommitAndAnswer(t *testing.T) {
	d := newDaemon(t)
	for round := range *kills {
		d.start()
		watcher, err := d.socket(d.tokens["bob"], core.Cursor{})
		require.NoError(t, err)
		held := nettest.To(strings.TrimPrefix(d.client.address, "http://"))
		withheld := make(chan struct{})
		held.LoseAnswer(func() { <-withheld })
		way := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(context.Context, string, string) (net.Conn, error) {
			here, there := net.Pipe()
			return here, held.Carry(there)
		}}}
		failed := make(chan error, 1)
		go func() { failed <- d.mutate(way, round+1) }()
		_, b, err := watcher.Read(context.Background())
		require.NoError(t, err)
		f, err := core.ParseFrame(b)
		require.NoError(t, err)
		require.Equal(t, core.FrameDelta, f.Kind, "the commit")
		d.kill()
		close(withheld)
		require.Error(t, <-failed, "no answer")
		held.Cut()
		_ = watcher.CloseNow() // its server is gone

		d.start()
		require.Len(t, d.sessions("bob"), round+1, "what was committed is there")
		before := d.head(t)
		require.NoError(t, d.mutate(http.DefaultClient, round+1), "the same again is acknowledged")
		require.Equal(t, before, d.head(t), "and changes nothing")
		d.kill()
	}
	t.Attr("S1", fmt.Sprintf("%d kills between commit and answer: 0 lost, 0 doubled", *kills))
}

// mutate is bob's nth write.
func (d *daemon) mutate(way *http.Client, n int) error {
	body := fmt.Sprintf(`{"clientId":"c","muts":[{"mid":%d,"op":"ext","key":"p2p|w%d","ext":"x"}]}`, n, n)
	r, err := http.NewRequest(http.MethodPost, d.client.address+"/v1/mutate", strings.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+d.tokens["bob"])
	res, err := way.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }() // read to its end below
	text, err := io.ReadAll(res.Body)
	if got := gjson.GetBytes(text, "data.lastMid").Int(); err == nil && got != int64(n) {
		err = fmt.Errorf("lastMid is %d, not %d: %s", got, n, text)
	}
	return err
}

// head is the end of bob's log.
func (d *daemon) head(t *testing.T) (head core.Cursor) {
	var page struct {
		Epoch string
		AsOf  int64
	}
	require.NoError(t, d.client.call("snapshot", d.tokens["bob"], object{}, &page))
	return core.Cursor{Epoch: page.Epoch, Seq: page.AsOf}
}

// TestN12AStormOfReconnects: a thousand sockets lose their server in one moment
// and come back at once, without the patience that a client has. The server is
// ready meanwhile, takes every one, and holds little for each.
func TestN12AStormOfReconnects(t *testing.T) {
	const sockets = 1000
	d := newDaemon(t)
	var tokens [sockets]string
	for round := range 2 {
		d.start()
		for i := range tokens {
			var err error
			tokens[i], err = d.client.token(fmt.Sprint("user", i))
			require.NoError(t, err)
		}
		before := d.memory(t)
		var open [sockets]*websocket.Conn
		var ready, unready, again atomic.Int64
		stop := make(chan struct{})
		var probes, storm sync.WaitGroup
		probes.Go(func() { probe(d.client.address, &ready, &unready, stop) })
		for i := range open {
			storm.Go(func() {
				for range 5 { // a server lets go of who connects and says nothing for 5 s, as a busy test may
					c, err := d.socket(tokens[i], core.Cursor{})
					if err == nil {
						open[i] = c
						return
					}
					again.Add(1)
				}
			})
		}
		storm.Wait()
		close(stop)
		probes.Wait()
		for i, c := range open {
			require.NotNil(t, c, "socket %d of round %d", i, round)
		}
		require.EqualValues(t, sockets, d.metric(t, "recents_sockets"))
		require.Positive(t, ready.Load())
		require.Zero(t, unready.Load())
		each := (d.memory(t) - before) / sockets
		require.Less(t, each, 200<<10, "bytes a socket")
		d.kill()
		for _, c := range open {
			_ = c.CloseNow() // its server is gone
		}
		if round == 1 {
			t.Attr("N12", fmt.Sprintf("%d sockets come back at once after a kill: all taken, %d after another try, %d of %d probes ready, %d KB each", sockets, again.Load(), ready.Load(), ready.Load(), each>>10))
		}
	}
}

// probe asks for readiness again and again.
func probe(address string, ready, unready *atomic.Int64, stop <-chan struct{}) {
	for {
		res, err := http.Get(address + "/readyz")
		if err == nil && res.StatusCode == http.StatusOK {
			ready.Add(1)
		} else {
			unready.Add(1)
		}
		if err == nil {
			_ = res.Body.Close() // of no interest
		}
		select {
		case <-stop:
			return
		default:
		}
	}
}

// metric reads one number of /metrics.
func (d *daemon) metric(t *testing.T, name string) float64 {
	t.Helper()
	res, err := http.Get(d.client.address + "/metrics")
	require.NoError(t, err)
	defer func() { require.NoError(t, res.Body.Close()) }()
	text, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			n, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			require.NoError(t, err)
			return n
		}
	}
	t.Fatalf("no metric %s", name)
	return 0
}

func (d *daemon) memory(t *testing.T) int { return int(d.metric(t, "process_resident_memory_bytes")) }

// TestS14AFileThatMayNotGrow: the system refuses to write beyond so many bytes.
// The process answers 5xx and ends, since a failed commit leaves its file in
// doubt; started anew it has all that it acknowledged.
func TestS14AFileThatMayNotGrow(t *testing.T) {
	d := newDaemon(t)
	d.shell = "trap '' XFSZ; ulimit -f 1200" // blocks of 512 bytes
	d.start()
	acked := 0
	var err error
	for err == nil {
		if err = d.fill(acked); err == nil {
			acked++
		}
	}
	require.Regexp(t, `: 50[03] `, err.Error())
	exit := d.process.Wait()
	require.Equal(t, 1, d.process.ProcessState.ExitCode(), "%v", exit)
	require.Contains(t, d.log.String(), "the store failed")
	d.shell = ""
	d.start()
	require.GreaterOrEqual(t, len(d.sessions("bob")), acked)
	require.LessOrEqual(t, len(d.sessions("bob")), acked+1)
	require.NoError(t, d.fill(acked+1))
	d.kill()
	t.Attr("S14", fmt.Sprintf("a file that may not grow: %d writes acknowledged, then 5xx and exit 1; after the restart 0 lost", acked))
}

// fill writes a session of bob's of a few KB.
func (d *daemon) fill(n int) error {
	return d.client.call("updateMySession", d.tokens["bob"], object{"sessionId": fmt.Sprint("w", n), "sessionType": "p2p", "ext": strings.Repeat("語", 1000)}, nil)
}

// TestS14AFullDisk: on a disk of 1 MiB writes end in 5xx, reading goes on, and
// with room again the same process writes again.
func TestS14AFullDisk(t *testing.T) {
	d := newDaemon(t)
	if err := syscall.Mount("tmpfs", d.dir, "tmpfs", 0, "size=1m"); err != nil {
		t.Skipf("to mount a small disk takes root: %v", err)
	}
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(d.dir, 0)) })
	d.start()
	acked := 0
	var err error
	for err == nil {
		if err = d.fill(acked); err == nil {
			acked++
		}
	}
	require.Regexp(t, `: 50[03] `, err.Error())
	require.Len(t, d.sessions("bob"), acked, "no half write, and reading goes on")
	require.NoError(t, syscall.Mount("tmpfs", d.dir, "tmpfs", syscall.MS_REMOUNT, "size=16m"))
	require.NoError(t, d.fill(acked), "the same process, with room again")
	d.kill()
	d.start()
	require.Len(t, d.sessions("bob"), acked+1)
	d.kill()
	t.Attr("S14", fmt.Sprintf("a full disk of 1 MiB after %d writes: 5xx, reading goes on, and writing too once there is room", acked))
}

// TestS9TheDriftIsAMetric: what the handler tells stands in /metrics, for an
// alarm.
func TestS9TheDriftIsAMetric(t *testing.T) {
	d := newDaemon(t)
	d.start()
	require.Zero(t, d.metric(t, "recents_time_ahead_seconds"), "an empty server")
	d.kill()
	db, err := sqlite.Open(filepath.Join(t.TempDir(), "recents.db"), sqlite.Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	m := newMetrics(db)
	m.watch(func() int64 { return 4999 })
	w := httptest.NewRecorder()
	m.handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	require.Contains(t, w.Body.String(), "\nrecents_time_ahead_seconds 4.999\n")
	t.Attr("S9", "a drift of 4,999 ms stands in /metrics as recents_time_ahead_seconds 4.999")
}

// TestA10TheProcessLogsNoSecret: at its most talkative the process logs neither
// a token nor a text, nor the server key, whatever it is sent.
func TestA10TheProcessLogsNoSecret(t *testing.T) {
	const hush = "HUSH-never-in-a-log"
	d := newDaemon(t)
	d.start("-log", "debug")
	for _, path := range []string{"sendMessage", "updateMySession", "mutate", "queryMySession", hush} {
		for _, body := range []any{object{"ext": hush, "sessionId": hush, "sessionType": "p2p"}, object{"from": hush, "to": "bob", "sessionType": "p2p",
			"message": object{"uuid": "u", "content": hush}}, object{hush: hush}, hush, []string{hush}} {
			for _, token := range []string{devServerKey, d.tokens["alice"], d.tokens["alice"] + "x", hush} {
				_ = d.client.call(path, token, body, nil) // most are refused
			}
		}
	}
	conn, err := net.Dial("tcp", strings.TrimPrefix(d.client.address, "http://"))
	require.NoError(t, err)
	_, err = io.WriteString(conn, "GET /"+hush+" HTTP/9.9\r\nAuthorization: "+hush+"\r\n\r\n") // no HTTP of ours
	require.NoError(t, err)
	_, err = io.Copy(io.Discard, conn)
	require.NoError(t, err)
	require.NoError(t, d.process.Process.Signal(os.Interrupt))
	require.NoError(t, d.process.Wait())
	log := d.log.String()
	require.Greater(t, strings.Count(log, "\n"), 100)
	for _, secret := range []string{hush, d.tokens["alice"], d.tokens["bob"], d.tokens["alice"][:40]} {
		require.NotContains(t, log, secret)
	}
	t.Attr("A10", fmt.Sprintf("100 hostile calls at -log debug, %d log lines: 0 tokens, 0 texts", strings.Count(log, "\n")))
}
