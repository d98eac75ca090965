package conformance

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

var traces = flag.Int("traces", 1000, "random traces that TestTraces replays on both places")

var seed = flag.Uint64("seed", 0, "seed of TestTraces; 0: a new one")

// traceLength is how many calls a trace is.
const traceLength = 12

const (
	mostMemory = 48 << 20 // bytes of the instance's linear memory; an isolate has 128 MB
	warmTraces = 300      // from which on a third of the traces has made the heap as large as it gets
)

// casts is how many sets of accounts the traces share: a log that goes on over
// many traces is held to more than a fresh one.
const casts = 20

// TestTraces replays random calls of four accounts and the backend on both
// places. Each answer is the same, and so are the logs in the end. The worker's
// memory stays about that of a third of the way.
func TestTraces(t *testing.T) {
	t.Parallel()
	server, edge := newServer(t), newTrial(t)
	if *seed == 0 {
		*seed = rand.Uint64()
	}
	warm := *traces / 3
	replay(t, server, edge, 0, warm)
	third := edge.trial(t, "state", nil).Get("memory").Int()
	replay(t, server, edge, warm, *traces)
	state := edge.trial(t, "state", nil)
	require.LessOrEqual(t, state.Get("memory").Int(), int64(mostMemory), "bytes of linear memory")
	if *traces >= warmTraces { // memory never shrinks, and a collection that comes late takes some more
		require.LessOrEqual(t, state.Get("memory").Int(), third+third/4, "bytes of linear memory, %d after a third of the traces", third)
	}
	t.Logf("%d traces identical; linear memory %d MiB after a third of %d requests, %d at the end",
		*traces, third>>20, state.Get("requests").Int(), state.Get("memory").Int()>>20)
}

// replay replays the traces from one number to another, those of different
// casts at once.
func replay(t *testing.T, server, edge *service, from, to int) {
	t.Run(fmt.Sprintf("seed=%d", *seed), func(t *testing.T) {
		for cast := range casts {
			t.Run(fmt.Sprint("cast=", cast), func(t *testing.T) {
				t.Parallel()
				for i := from + (cast-from%casts+casts)%casts; i < to; i += casts {
					x := &trace{random: rand.New(rand.NewPCG(*seed, uint64(i))), cast: cast, id: i}
					if !t.Run(fmt.Sprint(i), func(t *testing.T) { x.replay(t, server, edge) }) {
						return
					}
				}
			})
		}
	})
}

type trace struct {
	random *rand.Rand
	cast   int // whose accounts
	id     int
	sent   int
}

// step is one call, and the accounts that it may reach.
type step struct {
	path, by string // by: an account, or "" for the server key
	body     object
	key      string // Idempotency-Key
}

func (x *trace) replay(t *testing.T, server, edge *service) {
	for range traceLength {
		s := x.next()
		want, got := s.run(t, server), s.run(t, edge)
		require.Equal(t, want.status, got.status, "%+v: %s, %s", s, want.body, got.body)
		require.Equal(t, same(want.body), same(got.body), "%+v", s)
		x.settle(t, server, edge, s)
	}
	for i := range 4 {
		name := x.account(i)
		require.Equal(t, same(server.changes(t, name).body), same(edge.changes(t, name).body), name)
	}
}

// settle lets what goes from one object to another arrive before the next call,
// since the order of arrival is the order of a log.
func (x *trace) settle(t *testing.T, server, edge *service, s step) {
	if s.path != "sendMessage" && s.path != "revokeMessage" {
		return
	}
	if s.body["sessionType"] == "p2p" {
		to := s.body["to"].(string)
		edge.reaches(t, to, server.head(t, to))
		return
	}
	for i := range 4 {
		edge.reaches(t, x.account(i), server.head(t, x.account(i)))
	}
}

func (s step) run(t *testing.T, at *service) answer {
	q := request{path: "/v1/" + s.path, token: serverKey, body: text(t, s.body)}
	if s.by != "" {
		q.token = at.token(t, s.by)
	}
	if s.key != "" {
		q.header = map[string]string{"Idempotency-Key": s.key}
	}
	return at.do(t, q)
}

func (x *trace) account(i int) string { return fmt.Sprintf("cast%d-%d", x.cast, i) }
func (x *trace) anyone() string       { return x.account(x.random.IntN(4)) }
func (x *trace) team() string         { return fmt.Sprintf("team%d-%d", x.cast, x.random.IntN(2)) }
func (x *trace) chance(n int) bool    { return x.random.IntN(n) == 0 }

// uuid is a new message's, or one sent before.
func (x *trace) uuid() string {
	if x.sent == 0 || !x.chance(3) {
		x.sent++
		return fmt.Sprintf("u%d-%d", x.id, x.sent)
	}
	return fmt.Sprintf("u%d-%d", x.id, 1+x.random.IntN(x.sent))
}

func (x *trace) session() object {
	if x.chance(3) {
		return object{"sessionId": x.team(), "sessionType": "team"}
	}
	return object{"sessionId": x.anyone(), "sessionType": "p2p"}
}

func (x *trace) next() step {
	switch x.random.IntN(12) {
	case 0, 1, 2, 3:
		return x.send()
	case 4, 5:
		return x.revoke()
	case 6:
		return x.setTeam()
	case 7, 8:
		s := x.session()
		s["ext"] = fmt.Sprint("ext ", x.random.IntN(3))
		return step{path: "updateMySession", by: x.anyone(), body: s}
	case 9:
		return step{path: "deleteMySession", by: x.anyone(), body: object{"sessionList": []object{x.session(), x.session()}}}
	case 10:
		s := x.session()
		s["account"], s["uuid"] = x.anyone(), x.uuid()
		return step{path: "deleteMessageOneWay", body: s}
	}
	return step{path: "queryMySessionList", by: x.anyone(), body: object{"limit": 1 + x.random.IntN(5), "needLastMsg": x.random.IntN(2)}}
}

func (x *trace) send() step {
	from := x.anyone()
	message := object{"uuid": x.uuid(), "content": fmt.Sprint("text ", x.random.IntN(2))}
	if x.chance(6) {
		message["sessionUpdate"] = false
	}
	s := step{path: "sendMessage", by: from, body: object{"from": from, "message": message}}
	if x.chance(2) {
		s.by = ""
		if x.chance(4) {
			message["timestamp"] = 1_600_000_000_000 + int64(x.random.IntN(3))
		}
	}
	if x.chance(5) {
		s.key = fmt.Sprint("k", x.random.IntN(2), "-", x.id)
	}
	x.address(s)
	return s
}

func (x *trace) address(s step) {
	to := x.session()
	s.body["to"], s.body["sessionType"] = to["sessionId"], to["sessionType"]
	if to["sessionType"] == "team" && x.chance(4) {
		s.body["recipients"] = []string{x.anyone(), x.anyone()}
	}
}

func (x *trace) revoke() step {
	from, operator := x.anyone(), x.anyone()
	if x.chance(2) {
		operator = from
	}
	s := step{path: "revokeMessage", by: operator, body: object{"from": from, "uuid": x.uuid(), "operator": operator, "notice": "gone"}}
	if x.chance(2) {
		s.by = ""
	}
	x.address(s)
	return s
}

func (x *trace) setTeam() step {
	return step{path: "setTeamMembers", body: object{"teamId": x.team(), "sessionType": "team", "owner": x.anyone(),
		"managers": []string{x.anyone()}, "members": []string{x.anyone(), x.anyone()}}}
}
