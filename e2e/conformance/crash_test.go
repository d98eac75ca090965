package conformance

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// writers is how many callers write at once in TestS2Kill.
const writers = 6

// TestS2Kill ends the edge runtime with `kill -9` under load, again and again on
// the same storage. Every message that was acknowledged is in its sender's list
// at once and reaches its receiver, whose object may not have heard of it before
// the kill; one whose answer was lost is sent again and arrives once (I2).
func TestS2Kill(t *testing.T) {
	rounds := 50
	if testing.Short() {
		rounds = 3
	}
	t.Parallel()
	edge := newTrial(t)
	var all []*hammer
	for i := range rounds {
		h := &hammer{t: t, edge: edge, sender: fmt.Sprint("sender", i), asked: map[string]bool{}, acked: map[string]bool{}}
		h.round()
		edge.start(edge)
		h.verify()
		all = append(all, h)
	}
	acked := 0
	for _, h := range all {
		h.verify()
		acked += len(h.acked)
	}
	t.Attr("S2", fmt.Sprintf("%d kill -9 of the edge runtime under load: %d acknowledged, 0 lost, 0 twice", rounds, acked))
}

// hammer is one round, with a sender of its own.
type hammer struct {
	t      *testing.T
	edge   *service
	sender string

	mu           sync.Mutex
	asked, acked map[string]bool // by receiver: each gets one message
	left         int             // acknowledgements until the kill
}

// round writes with all writers until the process is gone.
func (h *hammer) round() {
	h.left = 1 + rand.IntN(30)
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for h.send(h.fresh()) {
			}
		})
	}
	wg.Wait()
	_ = h.edge.process.Process.Kill() // when all writers gave up before
	_ = h.edge.process.Wait()         // it was killed
}

func (h *hammer) fresh() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	peer := fmt.Sprint(h.sender, "-", len(h.asked))
	h.asked[peer] = true
	return peer
}

// send writes to a receiver of its own, so that both ends tell whether it is
// there. The acknowledgement that was chosen kills the process.
func (h *hammer) send(peer string) bool {
	a, err := h.edge.try(request{path: "/v1/sendMessage", token: serverKey,
		body: `{"from":"` + h.sender + `","to":"` + peer + `","sessionType":"p2p","message":{"uuid":"` + peer + `","content":"hello"}}`})
	if err != nil || a.status != http.StatusOK {
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.acked[peer] = true
	if h.left--; h.left == 0 {
		_ = h.edge.process.Process.Kill() // checked by its end
	}
	return true
}

func (h *hammer) verify() {
	there := map[string]bool{}
	for _, row := range h.edge.changes(h.t, h.sender).get("data.rows.#.k").Array() {
		there[row.String()[len("p2p|"):]] = true
	}
	for peer := range h.asked {
		if h.acked[peer] {
			require.True(h.t, there[peer], "acknowledged and lost: %s", peer)
		} else {
			require.True(h.t, h.send(peer), "asked again: %s", peer)
		}
	}
	h.edge.reachAll(h.t, slices.Collect(maps.Keys(h.asked)), 1)
}
