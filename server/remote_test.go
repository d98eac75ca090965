package server_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"

	"recents/core"
	"recents/core/account"
	"recents/server"
)

// apart is a place that holds one account, as an object at the edge does.
type apart struct {
	*world
	name   string
	posted []parcel
}

type parcel struct {
	to   []string
	text []byte
}

func (p *apart) Holds(name string) bool { return name == p.name || strings.HasPrefix(name, "/") }

func (p *apart) Post(_ account.Tx, to []string, text []byte) error {
	p.posted = append(p.posted, parcel{to, text})
	return nil
}

func newApart(t *testing.T, name string) *apart {
	p := &apart{name: name}
	p.world = newWorld(t, account.NewMemory(), func(o *server.Options) { o.Remote = p })
	return p
}

// carry delivers what one place posted to another, times times.
func (p *apart) carry(t *testing.T, to *apart, times int) {
	for _, sent := range p.posted {
		require.Equal(t, []string{to.name}, sent.to)
		for range times {
			require.NoError(t, to.handler.AcceptParcels(context.Background(), to.name, [][]byte{sent.text}))
		}
	}
	p.posted = nil
}

// TestApart: with each account in a store of its own, both ends are what they
// are in one store, and a parcel that comes twice changes nothing.
func TestApart(t *testing.T) {
	one, alice, bob := onMemory(t), newApart(t, "alice"), newApart(t, "bob")
	both := func(from *apart, to *apart, path string, body object) {
		one.server(path, body).ok(t)
		from.server(path, body).ok(t)
		from.carry(t, to, 2)
		for _, w := range []*world{one, alice.world, bob.world} {
			w.clock.Add(5)
		}
	}
	send := func(from, to *apart, m object) {
		both(from, to, "/v1/sendMessage", object{"from": from.name, "to": to.name, "sessionType": "p2p", "message": m})
	}
	send(alice, bob, message("m1", "hello"))
	send(bob, alice, message("m2", "hello back"))
	send(alice, bob, object{"uuid": "quiet", "sessionUpdate": false})
	send(alice, bob, object{"uuid": "old", "content": "an import", "timestamp": 1_600_000_000_000})
	both(alice, bob, "/v1/revokeMessage", object{"from": "bob", "to": "alice", "sessionType": "p2p", "uuid": "m2",
		"operator": "bob", "notice": "n", "attach": "a"})
	for _, p := range []*apart{alice, bob} {
		require.Equal(t, sameOrder(one.state(p.name)), sameOrder(p.state(p.name)), p.name)
	}
}

// An import keeps its own time wherever it is delivered.
func TestApartImport(t *testing.T) {
	alice, bob := newApart(t, "alice"), newApart(t, "bob")
	const given = 1_600_000_000_000
	alice.server("/v1/sendMessage", object{"from": "alice", "to": "bob", "sessionType": "p2p",
		"message": object{"uuid": "old", "timestamp": given}}).ok(t)
	alice.carry(t, bob, 1)
	require.EqualValues(t, given, bob.session("bob", "alice").Get("updateTime").Int())
}

// sameOrder leaves out what differs by the place that gave an order.
func sameOrder(state string) string {
	for _, m := range gjson.Get(state+"}", "rows.#.m.serverId").Array() {
		state = strings.ReplaceAll(state, m.Str, "")
	}
	for _, m := range gjson.Get(state+"}", "rows.#.r.message.serverId").Array() {
		state = strings.ReplaceAll(state, m.Str, "")
	}
	epoch := gjson.Get(state+"}", "epoch").Str
	return strings.ReplaceAll(state, epoch, "")
}

// Two that write to each other in one millisecond agree afterwards which came
// last: neither takes the other's message for its own come again.
func TestApartInOneMillisecond(t *testing.T) {
	alice, bob := newApart(t, "alice"), newApart(t, "bob")
	alice.send("alice", "bob", "from-alice", "a")
	bob.send("bob", "alice", "from-bob", "b")
	alice.carry(t, bob, 1)
	bob.carry(t, alice, 1)
	last := func(w *apart, peer string) string {
		return gjson.Get(w.session(w.name, peer).Get("lastMsg").Str, "uuid").Str
	}
	require.Equal(t, last(alice, "bob"), last(bob, "alice"))
}

// An answer is newer than what it answers, though its writer's clock is behind.
func TestAnswerOfASlowClock(t *testing.T) {
	alice, bob := newApart(t, "alice"), newApart(t, "bob")
	bob.clock.Add(-60_000)
	alice.send("alice", "bob", "question", "?")
	alice.carry(t, bob, 1)
	bob.send("bob", "alice", "answer", "!")
	bob.carry(t, alice, 1)
	require.Equal(t, "answer", gjson.Get(alice.session("alice", "bob").Get("lastMsg").Str, "uuid").Str)
}

func TestAParcelThatDoesNotReadIsRefused(t *testing.T) {
	bob := newApart(t, "bob")
	for _, text := range []string{``, `[]`, `{}`, `{"from":"a","to":"p2p|bob","order":"x","message":{}}`, `{"from":"a","to":"p2p|bob","order":"1","message":[]}`} {
		require.Error(t, bob.handler.AcceptParcels(context.Background(), "bob", [][]byte{[]byte(text)}), text)
	}
	require.Empty(t, bob.list("bob"))
}

func TestHome(t *testing.T) {
	w := onMemory(t)
	const send, team = "/v1/sendMessage", "/v1/setTeamMembers"
	for _, c := range []struct {
		key, path, body string
		want            server.Home
	}{
		{serverKey, send, `{"from":"a|b","to":"x"}`, server.Home{Account: "a|b", Server: true}},
		{serverKey, "/v1/revokeMessage", `{"from":"alice"}`, server.Home{Account: "alice", Server: true}},
		{serverKey, "/v1/deleteMessageOneWay", `{"account":"alice"}`, server.Home{Account: "alice", Server: true}},
		{serverKey, "/v1/exportAccount", `{"account":"alice"}`, server.Home{Account: "alice", Server: true}},
		{serverKey, "/v1/importAccount", `{"account":"alice","page":{"account":"bob"}}`, server.Home{Account: "alice", Server: true}},
		{serverKey, team, `{"teamId":"t","sessionType":"team"}`, server.Home{Team: "team|t", Server: true}},
		{serverKey, team, `{"teamId":"t","sessionType":"superTeam"}`, server.Home{Team: "super_team|t", Server: true}},
		{serverKey, team, `{"teamId":"t","sessionType":"p2p"}`, server.Home{Server: true}},
		{serverKey, send, `{"from":"a/b"}`, server.Home{Server: true}},
		{serverKey, send, `{"from":1}`, server.Home{Server: true}},
		{serverKey, send, `{"from":"a"`, server.Home{Server: true}},
		{serverKey, send, `{}`, server.Home{Server: true}},
		{serverKey, "/v1/issueToken", `{"account":"alice"}`, server.Home{Server: true}},
		{"guess", send, `{"from":"alice"}`, server.Home{}},
		{w.token("alice"), send, `{"from":"bob"}`, server.Home{}},
	} {
		r, err := http.NewRequest(http.MethodPost, c.path, nil)
		require.NoError(t, err)
		r.Header.Set("Authorization", "Bearer "+c.key)
		require.Equal(t, c.want, w.handler.Home(r, []byte(c.body)), "%s %s", c.path, c.body)
	}
}

// TestCarried speaks the frames without a socket, as a runtime does that keeps
// sockets open over the end of a process.
func TestCarried(t *testing.T) {
	var deltas []*account.Delta
	w := newWorld(t, account.NewMemory(), func(o *server.Options) {
		o.Publish = func(d []*account.Delta) { deltas = append(deltas, d...) }
		o.Limits.AccountRate, o.Limits.AccountBurst = 1, 100
	})
	c := &server.Carried{Account: "alice", Expires: startTime + 1000}
	var frames []string
	hear := func(frame string) (int, string) {
		frames = nil
		return w.handler.Hear(context.Background(), c, []byte(frame), func(f []byte) { frames = append(frames, string(f)) })
	}
	code, _ := hear(`{"t":"hello","v":1,"epoch":"","cursor":0,"clientId":"tab"}`)
	require.Zero(t, code)
	require.Len(t, frames, 1)
	epoch := gjson.Get(frames[0], "epoch").Str

	deltas = nil
	w.user("alice", "/v1/mutate", `{"clientId":"tab","muts":[{"mid":1,"op":"ext","key":"p2p|bob","ext":"x"}]}`).ok(t)
	require.Len(t, deltas, 1)
	told := string(c.Told(deltas[0], server.DeltaHead(deltas[0])))
	require.EqualValues(t, 1, gjson.Get(told, "lastMid").Int(), told)
	require.Nil(t, (&server.Carried{}).Told(deltas[0], nil), "not before its hello")

	code, _ = hear(`{"t":"hello","v":1,"epoch":"` + epoch + `","cursor":0,"clientId":"tab"}`)
	require.Zero(t, code)
	require.Len(t, frames, 2, "ready, and what was missed")
	require.EqualValues(t, 1, c.LastMid)

	code, _ = hear(`{"t":"something newer"}`)
	require.Zero(t, code)
	require.Empty(t, frames)
	code, reason := hear(`{`)
	require.Equal(t, 1008, code)
	require.Contains(t, reason, "frame")
	w.clock.Add(1000)
	code, _ = hear(`{}`)
	require.Equal(t, server.CloseToken, code)
}

// TestS16CarriedThatIsNotRead: what is sent unasked stays within the bounds of a
// slow reader; then it is told once, and again when it has pulled.
func TestS16CarriedThatIsNotRead(t *testing.T) {
	small := &account.Delta{Account: "alice", Epoch: "e", From: 1, To: 2}
	large := server.DeltaHead(&account.Delta{Account: "alice", Epoch: "e", From: 1, To: 2,
		Rows: []core.Row{{Key: core.Key{Type: core.P2P, ID: "bob"}, Seq: 2, UpdateTime: 1, Ext: strings.Repeat("x", 100<<10), HasExt: true}}})
	for _, c := range []struct {
		name   string
		shared []byte
		frames int // that a reader takes before it is behind
	}{{"frames", server.DeltaHead(small), 100}, {"bytes", large, 2}} {
		s := &server.Carried{Account: "alice", Expires: startTime, Live: true, ClientID: "tab"}
		for round := range 3 {
			for n := range c.frames {
				f, err := core.ParseFrame(s.Told(small, c.shared))
				require.NoError(t, err)
				require.Equal(t, core.FrameDelta, f.Kind, "%s: %d, %d", c.name, round, n)
			}
			f, err := core.ParseFrame(s.Told(small, c.shared))
			require.NoError(t, err)
			require.Equal(t, core.Frame{Kind: core.FrameBehind, Epoch: "e", Head: 2}, f, c.name)
			require.Nil(t, s.Told(small, c.shared), "told once")
			s.Pulled()
		}
	}
	t.Attr("S16", "a socket that is not read is sent 100 frames or 256 KiB, then behind, then nothing until it has pulled")
}

// TestRefuse: what is not passed on is answered as any refusal is.
func TestRefuse(t *testing.T) {
	w := newWorld(t, account.NewMemory(), func(o *server.Options) { o.Origins = []string{"https://a.example"} })
	for _, c := range []struct {
		code, status int
		retry        string
	}{{503, 503, "1"}, {416, 429, "10"}, {500, 500, ""}, {0, 500, ""}} {
		r := httptest.NewRequest(http.MethodPost, "/v1/sync", nil)
		r.Header.Set("Origin", "https://a.example")
		rec := httptest.NewRecorder()
		w.handler.Refuse(rec, r, c.code)
		require.Equal(t, c.status, rec.Code)
		require.Equal(t, c.retry, rec.Header().Get("Retry-After"))
		require.Equal(t, "https://a.example", rec.Header().Get("Access-Control-Allow-Origin"))
		want := c.code
		if want == 0 {
			want = 500
		}
		require.EqualValues(t, want, gjson.Get(rec.Body.String(), "code").Int(), rec.Body.String())
	}
}
