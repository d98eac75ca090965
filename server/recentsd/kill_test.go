package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

var kills = flag.Int("kills", 50, "how often each kill test kills the process")

// writers is how many callers write at once: half send messages, half set ext.
const writers = 8

// TestS1KillUnderLoad: `kill -9` at a random write, again and again on the same
// data. After each restart every write that was acknowledged is there, and none
// that was not asked for (I2). A write whose answer was lost is asked for again
// and happens once.
func TestS1KillUnderLoad(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	h := &hammer{daemon: newDaemon(t), t: t, random: rand.New(rand.NewPCG(seed, 0)),
		asked: map[write]bool{}, acked: map[write]bool{}}
	for range *kills {
		h.round()
	}
	h.start()
	h.verify()
	h.kill()
	t.Attr("S1", fmt.Sprintf("%d kills under load, %d acknowledged writes, 0 lost, 0 doubled", *kills, len(h.acked)))
}

// daemon is recentsd as a process of its own, over one data directory.
type daemon struct {
	t           *testing.T
	binary, dir string
	shell       string // what a shell does before it becomes the daemon
	process     *exec.Cmd
	log         log
	client      *client
	tokens      map[string]string // of alice and bob
}

func newDaemon(t *testing.T) *daemon {
	return &daemon{t: t, binary: build(t), dir: t.TempDir()}
}

// build compiles recentsd once for all tests of a run.
func build(t *testing.T) string {
	t.Helper()
	built.Do(func() {
		dir, err := os.MkdirTemp("", "recentsd-test-")
		require.NoError(t, err)
		built.path = filepath.Join(dir, "recentsd")
		out, err := exec.Command("go", "build", "-o", built.path, ".").CombinedOutput()
		require.NoError(t, err, string(out))
	})
	return built.path
}

var built struct {
	sync.Once
	path string
}

func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	if built.path != "" {
		_ = os.RemoveAll(filepath.Dir(built.path)) // the system's own cleaning has the rest
	}
	os.Exit(code)
}

func (d *daemon) start(args ...string) {
	d.t.Helper()
	args = append([]string{d.binary, "-dev", "-listen", "127.0.0.1:0", "-data", d.dir}, args...)
	if d.shell != "" {
		args = append([]string{"sh", "-c", d.shell + `; exec "$0" "$@"`}, args...)
	}
	d.process = exec.Command(args[0], args[1:]...)
	d.process.Stderr = &d.log
	stdout, err := d.process.StdoutPipe()
	require.NoError(d.t, err)
	require.NoError(d.t, d.process.Start())
	line, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(d.t, err, d.log.String())
	d.client = newClient(context.Background(), strings.TrimSpace(line), devServerKey)
	d.tokens = map[string]string{}
	for _, name := range []string{"alice", "bob"} {
		d.tokens[name], err = d.client.token(name)
		require.NoError(d.t, err)
	}
}

// kill is kill -9, and waits until the process is gone.
func (d *daemon) kill() {
	d.t.Helper()
	require.NoError(d.t, d.process.Process.Kill())
	_ = d.process.Wait() // it was killed
}

// write is one write: a message from a sender of its own to alice, or an ext of
// a session of its own of bob's.
type write struct {
	message bool
	id      string
}

type hammer struct {
	*daemon
	t      *testing.T
	random *rand.Rand

	mu           sync.Mutex
	next         int
	asked, acked map[write]bool
	killAt       int // acknowledged writes at which the process is killed
}

// round starts the process, holds it to what it has acknowledged, and kills it
// while all writers write.
func (h *hammer) round() {
	h.start()
	h.verify()
	h.killAt = len(h.acked) + 1 + h.random.IntN(60)
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			for h.write(h.fresh(i%2 == 0)) {
			}
		})
	}
	wg.Wait()
	_ = h.process.Wait() // it was killed
}

// verify reads all that is there, and asks again for what was not answered.
func (h *hammer) verify() {
	present := map[write]bool{}
	for _, id := range h.sessions("alice") {
		present[write{true, id}] = true
	}
	for _, id := range h.sessions("bob") {
		present[write{false, id}] = true
	}
	for w := range h.acked {
		require.True(h.t, present[w], "acknowledged and lost: %v", w)
	}
	for w := range present {
		require.True(h.t, h.asked[w], "there, and nobody asked for it: %v", w)
	}
	for _, w := range slices.Collect(maps.Keys(h.asked)) {
		if !h.acked[w] {
			h.killAt = -1
			require.True(h.t, h.write(w), "asked again: %v", w)
		}
	}
}

// sessions walks an account's list to its end.
func (d *daemon) sessions(account string) (ids []string) {
	q := object{"limit": 100, "needLastMsg": 0}
	for {
		var page struct {
			HasMore          bool
			NextMaxTimestamp int64
			SessionList      []struct{ SessionID string }
		}
		require.NoError(d.t, d.client.call("queryMySessionList", d.tokens[account], q, &page))
		for _, s := range page.SessionList {
			ids = append(ids, s.SessionID)
		}
		if !page.HasMore {
			require.Len(d.t, slices.Compact(slices.Sorted(slices.Values(ids))), len(ids), "each once")
			return ids
		}
		q["maxTimestamp"] = page.NextMaxTimestamp
	}
}

func (h *hammer) fresh(message bool) write {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.next++
	w := write{message, fmt.Sprint("w", h.next)}
	h.asked[w] = true
	return w
}

// write asks for one write, and reports whether it was acknowledged. The
// acknowledgement that killAt names kills the process, with the other writers'
// calls in the middle of anything.
func (h *hammer) write(w write) bool {
	var err error
	if w.message {
		err = h.client.call("sendMessage", devServerKey, object{"from": w.id, "to": "alice", "sessionType": "p2p",
			"message": object{"uuid": w.id, "content": "hello"}}, nil)
	} else {
		err = h.client.call("updateMySession", h.tokens["bob"], object{"sessionId": w.id, "sessionType": "p2p", "ext": w.id}, nil)
	}
	if err != nil {
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.acked[w] = true
	if len(h.acked) == h.killAt {
		_ = h.process.Process.Kill() // checked by its end
	}
	return true
}
