//go:build !js

package server_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"recents/core"
	"recents/core/account"
	"recents/server"
)

func TestRateOfAnAccount(t *testing.T) {
	w := newWorld(t, account.NewMemory(), func(o *server.Options) { o.Limits = server.Limits{AccountRate: 0.5, AccountBurst: 3} })
	for range 3 {
		w.user("alice", queryList, `{}`).ok(t)
	}
	a := w.user("alice", queryList, `{}`)
	a.refused(t, 416, "one account", "3 s")
	require.Equal(t, "3", a.header.Get("Retry-After"))
	w.user("bob", queryList, `{}`).ok(t)
	for range 10 {
		w.send("bob", "alice", "m1", "") // the server key has no rate
	}
	w.clock.Add(2000)
	w.user("alice", queryList, `{}`).ok(t)
	w.user("alice", queryList, `{}`).refused(t, 416)
}

func TestRateOfAnAddress(t *testing.T) {
	limits := func(o *server.Options) { o.Limits = server.Limits{AddressRate: 1, AddressBurst: 2} }
	for name, c := range map[string]struct {
		trust    bool
		peers    [3]string
		forwards [3]string
		refused  bool
	}{
		"one address":               {false, [3]string{"192.0.2.1:1", "192.0.2.1:2", "192.0.2.1:3"}, [3]string{}, true},
		"three addresses":           {false, [3]string{"192.0.2.1:1", "192.0.2.2:1", "192.0.2.3:1"}, [3]string{}, false},
		"one network of IPv6":       {false, [3]string{"[2001:db8::1]:1", "[2001:db8::2]:1", "[2001:db8::3]:1"}, [3]string{}, true},
		"three networks of IPv6":    {false, [3]string{"[2001:db8:0:1::1]:1", "[2001:db8:0:2::1]:1", "[2001:db8:0:3::1]:1"}, [3]string{}, false},
		"the header without a word": {false, [3]string{"192.0.2.1:1", "192.0.2.1:1", "192.0.2.1:1"}, [3]string{"198.51.100.1", "198.51.100.2", "198.51.100.3"}, true},
		"behind a proxy":            {true, [3]string{"192.0.2.1:1", "192.0.2.1:1", "192.0.2.1:1"}, [3]string{"198.51.100.1", "198.51.100.2", "198.51.100.3"}, false},
		"a forged first address":    {true, [3]string{"192.0.2.1:1", "192.0.2.1:1", "192.0.2.1:1"}, [3]string{"1.1.1.1, 198.51.100.1", "1.1.1.2, 198.51.100.1", "1.1.1.3, 198.51.100.1"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, account.NewMemory(), func(o *server.Options) { limits(o); o.TrustProxy = c.trust })
			refused := false
			for i, peer := range c.peers {
				r := newRequest(t, http.MethodPost, queryList, `{}`, "Authorization", "Bearer "+w.token(fmt.Sprint("u", i)))
				r.RemoteAddr = peer
				if c.forwards[i] != "" {
					r.Header.Set("X-Forwarded-For", c.forwards[i])
				}
				refused = serve(t, w.handler, r).code == 416
			}
			require.Equal(t, c.refused, refused)
		})
	}
}

// TestBadTokensHaveARate: guessing is limited before a token is looked at.
func TestBadTokensHaveARate(t *testing.T) {
	w := newWorld(t, account.NewMemory(), func(o *server.Options) { o.Limits = server.Limits{AddressRate: 1, AddressBurst: 2} })
	w.as("bad", queryList, `{}`).refused(t, 302)
	w.as("bad", "/v1/issueToken", `{}`).refused(t, 302)
	w.as("bad", queryList, `{}`).refused(t, 416, "one address")
}

func TestCORS(t *testing.T) {
	w := newWorld(t, account.NewMemory(), func(o *server.Options) { o.Origins = []string{"https://chat.example", "http://localhost:3000"} })
	preflight := func(w *world, origin string) answer {
		return w.request(http.MethodOptions, queryList, nil, "Origin", origin, "Access-Control-Request-Method", "POST",
			"Access-Control-Request-Headers", "authorization,content-type,idempotency-key")
	}
	for _, origin := range []string{"https://chat.example", "http://localhost:3000"} {
		a := preflight(w, origin)
		require.Equal(t, 204, a.status)
		require.Equal(t, origin, a.header.Get("Access-Control-Allow-Origin"))
		require.Contains(t, a.header.Get("Access-Control-Allow-Headers"), "Idempotency-Key")
		require.NotEmpty(t, a.header.Get("Access-Control-Max-Age"))
		require.Contains(t, a.header.Values("Vary"), "Origin")
		a = w.request(http.MethodPost, queryList, `{}`, "Origin", origin)
		require.Equal(t, origin, a.header.Get("Access-Control-Allow-Origin"), "a refusal too is readable")
		require.Equal(t, "Retry-After", a.header.Get("Access-Control-Expose-Headers"))
	}
	for _, origin := range []string{"http://chat.example", "https://chat.example:8443", "https://chat.example.evil", "http://localhost:3001", "null", "https://CHAT.example"} {
		a := preflight(w, origin)
		a.refused(t, 403, "Origin")
		require.Empty(t, a.header.Get("Access-Control-Allow-Origin"), origin)
		require.Contains(t, a.header.Values("Vary"), "Origin")
	}
	all := newWorld(t, account.NewMemory(), func(o *server.Options) { o.Origins = []string{"*"} })
	require.Equal(t, "*", preflight(all, "https://anyone.example").header.Get("Access-Control-Allow-Origin"))
	dev := newWorld(t, account.NewMemory(), func(o *server.Options) { o.Dev = true })
	require.Equal(t, "http://127.0.0.1:5173", preflight(dev, "http://127.0.0.1:5173").header.Get("Access-Control-Allow-Origin"))
	require.Equal(t, 403, preflight(dev, "https://evil.example").code)
	require.Equal(t, 204, preflight(dev, dev.http.URL).status, "a page of this very host")
}

// sized is a JSON object of exactly n bytes with the members given.
func sized(n int, members string) string {
	return `{` + members + `,"pad":"` + strings.Repeat("x", n-len(members)-len(`{,"pad":""}`)) + `"}`
}

func nested(depth int) string {
	return `{"deep":` + strings.Repeat("[", depth-1) + strings.Repeat("]", depth-1) + `}`
}

func text(n int) string { return strings.Repeat("x", n) }

// TestLimitsAtTheirBorders: every bound of api.md §2 and contract.md §3 takes
// what is at it, and refuses one more with a text that names both.
func TestLimitsAtTheirBorders(t *testing.T) {
	const send = "/v1/sendMessage"
	p2p := `"from":"bob","to":"alice","sessionType":"p2p"`
	message := func(n int) string { return `{` + p2p + `,"message":{"uuid":"` + text(n) + `"}}` }
	for name, c := range map[string]struct {
		bound  int
		server bool // with the server key
		path   string
		body   func(n int) string
		code   int // of one more
		words  string
	}{
		"bytes of a body":        {65536, false, queryList, func(n int) string { return sized(n, `"limit":1`) }, 413, "over 65536"},
		"bytes of a sendMessage": {262144, true, send, func(n int) string { return sized(n, p2p+`,"message":{}`) }, 413, "over 262144"},
		"bytes of a team":        {1 << 20, true, "/v1/setTeamMembers", func(n int) string { return sized(n, `"teamId":"t","sessionType":"team","members":["a"]`) }, 413, "over 1048576"},
		"nesting":                {256, false, queryList, nested, 414, "deeper than 256"},
		"bytes of an id":         {64, false, update, func(n int) string { return `{"sessionId":"` + text(n) + `","sessionType":"p2p","ext":""}` }, 414, "over 64"},
		"bytes of an account":    {64, true, "/v1/issueToken", func(n int) string { return `{"account":"` + text(n) + `"}` }, 414, "over 64"},
		"code units of an ext":   {1024, false, update, func(n int) string { return ext(`"` + text(n) + `"`) }, 414, "over 1024"},
		"code units of a mutate": {1024, false, "/v1/mutate", func(n int) string {
			return `{"clientId":"e","muts":[{"mid":1,"op":"ext","key":"p2p|x","ext":"` + text(n) + `"}]}`
		}, 414, "over 1024"},
		"keys of a delete":     {100, false, remove, ids, 414, "1 and 100"},
		"mutations of a batch": {100, false, "/v1/mutate", mutations, 414, "100"},
		"bytes of a client id": {64, false, "/v1/mutate", func(n int) string {
			return `{"clientId":"` + text(n) + `","muts":[{"mid":1,"op":"delete","key":"p2p|x"}]}`
		}, 414, "64"},
		"sessions of a page":      {100, false, queryList, func(n int) string { return fmt.Sprintf(`{"limit":%d}`, n) }, 414, "over 100"},
		"rows of a sync":          {500, false, "/v1/sync", func(n int) string { return fmt.Sprintf(`{"limit":%d}`, n) }, 414, "over 500"},
		"rows of a snapshot":      {500, false, "/v1/snapshot", func(n int) string { return fmt.Sprintf(`{"limit":%d}`, n) }, 414, "over 500"},
		"bytes of a uuid":         {128, true, send, message, 414, "over 128"},
		"bytes of a revoked uuid": {128, true, "/v1/revokeMessage", func(n int) string { return `{` + p2p + `,"operator":"bob","uuid":"` + text(n) + `"}` }, 414, "over 128"},
		"members of a team":       {2000, true, "/v1/setTeamMembers", team, 414, "over 2000"},
		"recipients": {2000, true, send, func(n int) string {
			return `{"from":"bob","to":"t","sessionType":"team","message":{},"recipients":` + people(n) + `}`
		}, 414, "over 2000"},
		"seconds of a token": {31536000, true, "/v1/issueToken", func(n int) string { return fmt.Sprintf(`{"account":"a","ttlSeconds":%d}`, n) }, 414, "over 31536000"},
		"the largest number": {core.MaxSafe, false, queryList, func(n int) string { return fmt.Sprintf(`{"maxTimestamp":%d}`, n) }, 414, "2^53-1"},
	} {
		t.Run(name, func(t *testing.T) {
			w := onMemory(t)
			call := func(n int) answer {
				if c.server {
					return w.server(c.path, c.body(n))
				}
				return w.user("alice", c.path, c.body(n))
			}
			a := call(c.bound)
			a.ok(t)
			if token := a.data.Get("token").Str; token != "" {
				w.made(token)
			}
			call(c.bound+1).refused(t, c.code, c.words)
		})
	}
}

func people(n int) string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf(`"p%d"`, i)
	}
	return `[` + strings.Join(names, ",") + `]`
}

func team(n int) string { return `{"teamId":"t","sessionType":"team","members":` + people(n) + `}` }

// TestAConfiguredExt: the bound that an operator sets holds for both ways to
// write one.
func TestAConfiguredExt(t *testing.T) {
	w := newWorld(t, account.NewMemory(), func(o *server.Options) { o.Config.MaxExt = 5 })
	w.user("alice", update, ext(`"12345"`)).ok(t)
	w.user("alice", update, ext(`"123456"`)).refused(t, 414, "6 UTF-16 code units is over 5")
	w.user("alice", "/v1/mutate", `{"clientId":"c","muts":[{"mid":1,"op":"ext","key":"p2p|bob","ext":"123456"}]}`).refused(t, 414, "over 5")
}

// TestAFrameAtItsBorder: 64 KiB are taken, one byte more is 1009.
func TestAFrameAtItsBorder(t *testing.T) {
	w := onMemory(t)
	l := w.dial("alice")
	l.c.SetReadLimit(1 << 20)
	l.send(sized(core.MaxFrame, `"t":"later"`))
	l.send("ping")
	require.Equal(t, "pong", l.text())
	l.send(sized(core.MaxFrame+1, `"t":"later"`))
	require.EqualValues(t, 1009, l.ended())
}

// TestFramesAtTheirPace: 40 frames at once are taken and one more is not; 20 a
// second are taken for as long as they come.
func TestFramesAtTheirPace(t *testing.T) {
	for name, c := range map[string]struct {
		frames int
		apart  time.Duration
		closed bool
	}{
		"40 at once":       {40, 0, false},
		"41 at once":       {41, 0, true},
		"20 a second":      {400, time.Second / 20, false},
		"25 a second":      {400, time.Second / 25, true},
		"41 in two pieces": {41, time.Second / 40, false},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, w *world, client *http.Client) {
				l := w.dialPipe(w.token("alice"), client)
				code := make(chan websocket.StatusCode, 1)
				go func() { code <- l.ended() }()
				for range c.frames {
					if l.c.Write(t.Context(), websocket.MessageText, []byte(`{"t":"later"}`)) != nil {
						break // closed by now
					}
					time.Sleep(c.apart)
				}
				if c.closed {
					require.EqualValues(t, 4429, <-code)
					return
				}
				synctest.Wait()
				require.Empty(t, code, "still open")
				l.close()
				<-code
			})
		})
	}
}
