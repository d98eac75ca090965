//go:build !js

package server_test

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"recents/core"
	"recents/server/nettest"
)

// through dials a proxy.
func through(p *nettest.Proxy) func() (net.Conn, error) {
	return func() (net.Conn, error) {
		here, there := net.Pipe()
		return here, p.Carry(there)
	}
}

// follow takes a socket to the end of its account's log.
func (l *live) follow(c core.Cursor) core.Cursor {
	l.t.Helper()
	for {
		l.hello(c, "c")
		f := l.next()
		if f.Kind == core.FrameReady {
			return c
		}
		require.Equal(l.t, core.FrameReset, f.Kind)
		c = core.Cursor{Epoch: f.Epoch, Seq: f.Head}
	}
}

// TestN5ABlackHoledSocketIsDropped: a connection whose bytes vanish both ways
// ends at the server after the silence that it allows, and the socket that
// comes next gets all that was sent meanwhile.
func TestN5ABlackHoledSocketIsDropped(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world, direct *http.Client) {
		hole := nettest.New(w.pipe.dial)
		defer hole.Cut()
		l := w.dialPipe(w.token("alice"), clientOver(through(hole)))
		defer func() { _ = l.c.CloseNow() }()
		from := l.follow(core.Cursor{})
		hole.Swallow()
		start := time.Now()
		const missed = 20
		for i := range missed {
			w.deliver("bob", "alice", fmt.Sprint("m", i), "")
		}
		for w.metrics.closed(4408) == 0 {
			require.Less(t, time.Since(start), 75*time.Second)
			time.Sleep(time.Second)
		}
		took := time.Since(start)
		require.Greater(t, took, 62*time.Second, "and no sooner than 2.5 heartbeats")

		next := w.dialPipe(w.token("alice"), direct)
		next.hello(from, "c")
		require.EqualValues(t, missed, next.until(core.FrameReady).Head)
		f := next.next()
		require.Equal(t, []int64{0, missed}, []int64{f.From, f.To})
		next.close()
		t.Attr("N5", fmt.Sprintf("the server drops the socket after %.0f s of silence; the next one gets all %d changes", took.Seconds(), missed))
	})
}

// TestN6RoughLinks: over links that hand on single bytes, 3 kB a second, or
// each chunk after 2 s, every answer and every frame arrives whole and in order.
func TestN6RoughLinks(t *testing.T) {
	for name, shape := range map[string]nettest.Shape{
		"single bytes":    {Slice: 1},
		"3 kB/s":          {Rate: 3000},
		"2 s late":        {Latency: 2 * time.Second},
		"all of it":       {Slice: 1, Rate: 3000, Latency: 2 * time.Second},
		"a good one":      {},
		"7 bytes at once": {Slice: 7},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, w *world, direct *http.Client) {
				link := nettest.New(w.pipe.dial)
				link.Shape(shape)
				defer link.Cut()
				rough := clientOver(through(link))
				start := time.Now()
				const before, after = 40, 20
				for i := range before {
					w.deliver(fmt.Sprint("u", i), "alice", fmt.Sprint("m", i), strings.Repeat("語", 500))
				}
				frames, rows := w.followRough(t, rough, before, after)
				token := "Bearer " + w.token("alice")
				got, err := w.roundTrip(rough.Transport, http.MethodPost, queryList, `{}`, "Authorization", token)
				require.NoError(t, err)
				want, err := w.roundTrip(direct.Transport, http.MethodPost, queryList, `{}`, "Authorization", token)
				require.NoError(t, err)
				require.Equal(t, want.body, got.body)
				require.Len(t, got.ok(t).Get("sessionList").Array(), before+1)
				t.Attr("N6", fmt.Sprintf("%s: %d frames with %d rows and a list of %d KB arrive whole, in %.0f s of its clock", name, frames, rows, len(got.body)>>10, time.Since(start).Seconds()))
			})
		})
	}
}

// followRough catches up with what is there, and hears what comes.
func (w *world) followRough(t *testing.T, rough *http.Client, before, after int) (frames, rows int) {
	l := w.dialPipe(w.token("alice"), rough)
	defer l.close()
	l.hello(core.Cursor{}, "c")
	epoch := l.next().Epoch
	l.hello(core.Cursor{Epoch: epoch}, "c")
	require.EqualValues(t, before, l.until(core.FrameReady).Head)
	at := int64(0)
	hear := func(to int) {
		for at < int64(to) {
			f := l.next()
			require.Equal(t, core.FrameDelta, f.Kind)
			require.Equal(t, at, f.From, "frames follow each other")
			at, frames, rows = f.To, frames+1, rows+len(f.Rows)
		}
	}
	hear(before)
	for i := range after {
		w.deliver("late", "alice", fmt.Sprint("l", i), strings.Repeat("é", 300))
	}
	hear(before + after)
	return frames, rows
}

// again is a write that a client sends again when it heard nothing: whose it
// is, and what makes it the same one.
type again struct{ name, token, path, body, key string }

func (w *world) writesSentAgain() []again {
	alice := w.token("alice")
	return []again{
		{"mutate by mid", alice, "/v1/mutate", `{"clientId":"c","muts":[{"mid":1,"op":"ext","key":"p2p|new","ext":"x"},{"mid":2,"op":"delete","key":"p2p|bob"}]}`, ""},
		{"mutate by key", alice, "/v1/mutate", `{"clientId":"d","muts":[{"mid":1,"op":"ext","key":"p2p|newer","ext":"x"}]}`, "k1"},
		{"updateMySession", alice, update, ext(`"y"`), "k2"},
		{"deleteMySession", alice, remove, `{"sessionList":[{"sessionId":"p2p|carol"}]}`, "k3"},
		{"sendMessage by uuid", alice, "/v1/sendMessage", `{"from":"alice","to":"dave","sessionType":"p2p","message":{"uuid":"u","content":"` + hush + `"}}`, ""},
		{"sendMessage by key", alice, "/v1/sendMessage", `{"from":"alice","to":"erik","sessionType":"p2p","message":{"content":"no uuid"}}`, "k4"},
		{"revokeMessage", serverKey, "/v1/revokeMessage", `{"from":"frank","to":"alice","sessionType":"p2p","uuid":"m-frank","operator":"frank"}`, "k5"},
	}
}

func (a again) send(w *world, way http.RoundTripper) (answer, error) {
	headers := []string{"Authorization", "Bearer " + a.token}
	if a.key != "" {
		headers = append(headers, "Idempotency-Key", a.key)
	}
	return w.roundTrip(way, http.MethodPost, a.path, a.body, headers...)
}

// populate gives alice sessions for the writes to meet.
func (w *world) populate() {
	for _, friend := range []string{"bob", "carol", "dave", "erik", "frank"} {
		w.send(friend, "alice", "m-"+friend, "")
		w.clock.Add(10)
	}
}

// meanwhile has other devices undo what the writes did, so that one that is
// done again shows.
func (w *world) meanwhile(uuid string) {
	for _, id := range []string{"new", "newer", "bob"} {
		w.user("alice", update, object{"sessionId": id, "sessionType": "p2p", "ext": "by another device " + uuid}).ok(w.t)
	}
	w.send("carol", "alice", "again-"+uuid, "")
	w.send("dave", "alice", "again-"+uuid, "")
}

// TestN7ALostAnswerIsOneWrite: the answer is lost after the commit, and the
// same write sent again, later and by another connection, is acknowledged and
// changes nothing more, of what others did since either.
func TestN7ALostAnswerIsOneWrite(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.populate()
		writes := w.writesSentAgain()
		for _, a := range writes {
			before := w.state("alice")
			proxy := nettest.To(w.http.Listener.Addr().String())
			lost := make(chan struct{})
			proxy.LoseAnswer(func() { close(lost) })
			_, err := a.send(w, clientOver(through(proxy)).Transport)
			require.Error(t, err, a.name)
			<-lost
			proxy.Cut()
			require.NotEqual(t, before, w.state("alice"), "%s: it was done", a.name)
			w.meanwhile(a.name)
			committed := w.state("alice")
			for range 2 {
				w.clock.Add(1000)
				got, err := a.send(w, http.DefaultTransport)
				require.NoError(t, err)
				got.ok(t)
				require.Equal(t, committed, w.state("alice"), "%s: once", a.name)
			}
		}
		t.Attr("N7", fmt.Sprintf("%d kinds of writes whose answer was lost, each sent 3 times: 1 effect each", len(writes)))
	})
}

// TestN8TheSameWriteInParallel: a write that is sent on several connections at
// once has one effect, and all get the same answer; that of a mutation says
// whether it had been taken before.
func TestN8TheSameWriteInParallel(t *testing.T) {
	const rounds, connections = 20, 4
	onBoth(t, func(t *testing.T, w *world) {
		w.populate()
		for round := range rounds {
			name := fmt.Sprint("n", round)
			token := w.token("alice")
			for _, a := range []again{
				{"mutate", token, "/v1/mutate", `{"clientId":"` + name + `","muts":[{"mid":1,"op":"ext","key":"p2p|bob","ext":"` + name + `"}]}`, ""},
				{"key", token, update, ext(`"` + name + `y"`), name},
				{"uuid", token, "/v1/sendMessage", `{"from":"alice","to":"dave","sessionType":"p2p","message":{"uuid":"` + name + `"}}`, ""},
			} {
				before := w.cursor("alice").Seq
				answers := make([]answer, connections)
				var wg sync.WaitGroup
				for i := range answers {
					wg.Go(func() {
						way := &http.Transport{}
						defer way.CloseIdleConnections()
						got, err := a.send(w, way)
						if err == nil {
							answers[i] = got
						}
					})
				}
				wg.Wait()
				first := 0
				for _, got := range answers {
					said := strings.Replace(got.ok(t).Raw, `,"again":true`, "", 1)
					require.Equal(t, strings.Replace(answers[0].ok(t).Raw, `,"again":true`, "", 1), said, a.name)
					if said == got.ok(t).Raw {
						first++
					}
				}
				if a.name == "mutate" { // the only one whose answer says so
					require.Equal(t, 1, first, "answers to the one that was applied")
				}
				require.Equal(t, before+1, w.cursor("alice").Seq, "%s: one change", a.name)
			}
		}
		t.Attr("N8", fmt.Sprintf("%d writes, each on %d connections at once: 1 effect each", 3*rounds, connections))
	})
}
