package server_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

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
