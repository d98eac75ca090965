package main

import (
	"bufio"
	"context"
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

// killRounds is how often the process is killed under load.
const killRounds = 50

// writers is how many callers write at once: half send messages, half set ext.
const writers = 8

// TestKillUnderLoad: `kill -9` at a random write, again and again on the same
// data. After each restart every write that was acknowledged is there, and none
// that was not asked for (I2). A write whose answer was lost is asked for again
// and happens once.
func TestKillUnderLoad(t *testing.T) {
	rounds := killRounds
	if testing.Short() {
		rounds = 5
	}
	binary := filepath.Join(t.TempDir(), "recentsd")
	out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput()
	require.NoError(t, err, string(out))
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	h := &hammer{t: t, binary: binary, dir: t.TempDir(), random: rand.New(rand.NewPCG(seed, 0)),
		asked: map[write]bool{}, acked: map[write]bool{}}
	for range rounds {
		h.round()
	}
	h.start()
	h.verify()
	require.NoError(t, h.process.Process.Kill())
	_ = h.process.Wait() // it was killed
	t.Logf("%d kills, %d acknowledged writes, 0 lost", rounds, len(h.acked))
}

// write is one write: a message from a sender of its own to alice, or an ext of
// a session of its own of bob's.
type write struct {
	message bool
	id      string
}

type hammer struct {
	t       *testing.T
	binary  string
	dir     string
	random  *rand.Rand
	process *exec.Cmd
	client  *client
	tokens  map[string]string

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

func (h *hammer) start() {
	h.process = exec.Command(h.binary, "-dev", "-listen", "127.0.0.1:0", "-data", h.dir)
	h.process.Stderr = os.Stderr
	stdout, err := h.process.StdoutPipe()
	require.NoError(h.t, err)
	require.NoError(h.t, h.process.Start())
	line, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(h.t, err)
	h.client = &client{ctx: context.Background(), address: strings.TrimSpace(line)}
	h.tokens = map[string]string{}
	for _, name := range []string{"alice", "bob"} {
		h.tokens[name], err = h.client.token(name)
		require.NoError(h.t, err)
	}
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
func (h *hammer) sessions(account string) (ids []string) {
	q := object{"limit": 100, "needLastMsg": 0}
	for {
		var page struct {
			HasMore          bool
			NextMaxTimestamp int64
			SessionList      []struct{ SessionID string }
		}
		require.NoError(h.t, h.client.call("queryMySessionList", h.tokens[account], q, &page))
		for _, s := range page.SessionList {
			ids = append(ids, s.SessionID)
		}
		if !page.HasMore {
			require.Len(h.t, slices.Compact(slices.Sorted(slices.Values(ids))), len(ids), "each once")
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
