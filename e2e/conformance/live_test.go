package conformance

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"
)

// places runs a test on each place alone.
func places(t *testing.T, test func(*testing.T, *service)) {
	for name, start := range map[string]func(testing.TB) *service{"server": newServer, "edge": newEdge} {
		t.Run(name, func(t *testing.T) { test(t, start(t)) })
	}
}

// live is an open socket of /v1/updates.
type live struct {
	t testing.TB
	c *websocket.Conn
}

func (s *service) dial(t testing.TB, token string) *live {
	c, _, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(s.url, "http")+"/v1/updates",
		&websocket.DialOptions{Subprotocols: []string{"recents.v1", "bearer." + token}})
	require.NoError(t, err)
	require.Equal(t, "recents.v1", c.Subprotocol())
	c.SetReadLimit(16 << 20)
	t.Cleanup(func() { _ = c.CloseNow() }) // it may be closed
	return &live{t, c}
}

func (l *live) send(text string) {
	require.NoError(l.t, l.c.Write(l.t.Context(), websocket.MessageText, []byte(text)))
}

func (l *live) hello(epoch string, cursor int64, clientID string) {
	l.send(text(l.t, object{"t": "hello", "v": 1, "epoch": epoch, "cursor": cursor, "clientId": clientID}))
}

func (l *live) read() string {
	ctx, cancel := context.WithTimeout(l.t.Context(), time.Minute)
	defer cancel()
	_, frame, err := l.c.Read(ctx)
	require.NoError(l.t, err)
	return string(frame)
}

func (l *live) frame(kind string) gjson.Result {
	l.t.Helper()
	text := l.read()
	require.Equal(l.t, kind, gjson.Get(text, "t").String(), text)
	return gjson.Parse(text)
}

func (l *live) closedWith(code int) {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(l.t.Context(), time.Minute)
	defer cancel()
	for {
		if _, _, err := l.c.Read(ctx); err != nil {
			require.EqualValues(l.t, code, websocket.CloseStatus(err), err)
			return
		}
	}
}

func TestLive(t *testing.T) {
	places(t, func(t *testing.T, s *service) {
		alice := s.token(t, "alice")
		l := s.dial(t, alice)
		l.hello("", 0, "tab")
		epoch := l.frame("reset").Get("epoch").String()
		l.hello(epoch, 0, "tab")
		require.EqualValues(t, 25000, l.frame("ready").Get("heartbeatMs").Int())

		l.send("ping")
		require.Equal(t, "pong", l.read())

		s.call(t, "sendMessage", serverKey, object{"from": "bob", "to": "alice", "sessionType": "p2p", "message": object{"content": "hi"}})
		d := l.frame("delta")
		require.Equal(t, `[0,1,"p2p|bob"]`, d.Get(`[from,to,rows.0.k]`).Raw)

		// A mutation of one's own is told with its mid, to its own client alone.
		other := s.dial(t, alice)
		other.hello(epoch, 1, "another tab")
		other.frame("ready")
		s.call(t, "mutate", alice, object{"clientId": "tab", "muts": []object{{"mid": 1, "op": "ext", "key": "p2p|bob", "ext": "x"}}})
		require.EqualValues(t, 1, l.frame("delta").Get("lastMid").Int())
		require.EqualValues(t, 0, other.frame("delta").Get("lastMid").Int())

		// What was missed comes page by page after ready.
		late := s.dial(t, alice)
		late.hello(epoch, 0, "tab")
		require.EqualValues(t, 1, late.frame("ready").Get("lastMid").Int())
		require.Equal(t, `[0,2]`, late.frame("delta").Get(`[from,to]`).Raw)

		// Another account's changes are not told.
		s.call(t, "updateMySession", s.token(t, "bob"), object{"sessionId": "carol", "sessionType": "p2p", "ext": "mine"})
		s.call(t, "updateMySession", alice, object{"sessionId": "last", "sessionType": "p2p", "ext": ""})
		require.Equal(t, "p2p|last", l.frame("delta").Get("rows.0.k").String())
	})
}

func TestSocketsThatAreRefused(t *testing.T) {
	places(t, func(t *testing.T, s *service) {
		s.dial(t, "not-a-token").closedWith(4401)

		l := s.dial(t, s.token(t, "alice"))
		l.send("{")
		l.closedWith(1008)

		l = s.dial(t, s.token(t, "alice"))
		require.NoError(t, l.c.Write(t.Context(), websocket.MessageBinary, []byte{1}))
		l.closedWith(1003)

		a := s.do(t, request{method: http.MethodGet, path: "/v1/updates", header: map[string]string{
			"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "MDEyMzQ1Njc4OWFiY2RlZg==",
			"Sec-WebSocket-Protocol": "recents.v1, bearer." + s.token(t, "alice"), "Origin": "https://evil.example"}})
		require.Equal(t, http.StatusForbidden, a.status)
	})
}

// TestS16Behind: a client that only listens is told that it is behind, and of
// changes again when it has pulled. The server drops frames only of one that
// does not read; the worker cannot tell, and asks each to show that it does.
func TestS16Behind(t *testing.T) {
	edge := newEdge(t)
	alice := edge.token(t, "alice")
	l := edge.dial(t, alice)
	l.hello("", 0, "tab")
	epoch := l.frame("reset").Get("epoch").String()
	l.hello(epoch, 0, "tab")
	l.frame("ready")
	head := int64(0)
	change := func() {
		head++
		edge.call(t, "updateMySession", alice, object{"sessionId": "bob", "sessionType": "p2p", "ext": fmt.Sprint(head)})
	}
	for range 100 {
		change()
		l.frame("delta")
	}
	change()
	require.EqualValues(t, head, l.frame("behind").Get("head").Int())
	change() // of which nothing is told
	pulled := edge.call(t, "sync", alice, object{"v": 1, "epoch": epoch, "cursor": 100, "clientId": "tab"})
	require.EqualValues(t, head, pulled.get("data.next").Int())
	change()
	require.EqualValues(t, head, l.frame("delta").Get("to").Int())
	t.Attr("S16", "at the edge: behind after 100 frames, and told again after a pull")
}

// TestTooManySockets: one account has a hundred open at most.
func TestTooManySockets(t *testing.T) {
	places(t, func(t *testing.T, s *service) {
		alice, bob := s.token(t, "alice"), s.token(t, "bob")
		var open []*live
		for range 100 {
			l := s.dial(t, alice)
			l.send("ping")
			require.Equal(t, "pong", l.read())
			open = append(open, l)
		}
		s.dial(t, alice).closedWith(4429)
		l := s.dial(t, bob)
		l.send("ping")
		require.Equal(t, "pong", l.read(), "another account is not held")
		require.NoError(t, open[0].c.Close(websocket.StatusNormalClosure, ""))
		require.Eventually(t, func() bool { // the runtime counts it out when both ends have closed
			l := s.dial(t, alice)
			l.send("ping")
			_, frame, err := l.c.Read(t.Context())
			return err == nil && string(frame) == "pong"
		}, time.Minute, 50*time.Millisecond)
	})
}

// TestEdDSA: tokens of a key that only checks are taken in both places, in both
// forms of the key; others' and those that name another algorithm are not.
func TestEdDSA(t *testing.T) {
	private := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
	public := private.Public().(ed25519.PublicKey)
	der, err := x509.MarshalPKIXPublicKey(public)
	require.NoError(t, err)
	for form, key := range map[string]string{
		"base64": base64.StdEncoding.EncodeToString(public),
		"PEM":    string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})),
	} {
		t.Run(form, func(t *testing.T) {
			t.Setenv("RECENTS_TOKEN_PUBLIC_KEY", key)
			edge := newEdge(t)
			claims := jwt.MapClaims{"sub": "alice", "exp": time.Now().Add(time.Hour).Unix()}
			sign := func(m jwt.SigningMethod, key any) string {
				token, err := jwt.NewWithClaims(m, claims).SignedString(key)
				require.NoError(t, err)
				return token
			}
			good := sign(jwt.SigningMethodEdDSA, private)
			edge.call(t, "updateMySession", good, object{"sessionId": "bob", "sessionType": "p2p", "ext": "1"})
			require.EqualValues(t, 1, edge.head(t, "alice"), "it is the account's own object")
			l := edge.dial(t, good)
			l.hello("", 0, "tab")
			l.frame("reset")
			stranger := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{8}, ed25519.SeedSize))
			for _, bad := range []string{sign(jwt.SigningMethodEdDSA, stranger), sign(jwt.SigningMethodHS256, []byte(public)), good[:len(good)-4] + "AAAA"} {
				require.Equal(t, http.StatusUnauthorized, edge.do(t, request{path: "/v1/queryMySessionList", token: bad, body: `{}`}).status)
			}
		})
	}
}

// TestAudience: where tokens have to name an audience, those that do not are
// refused. (A server in dev mode makes its own tokens; its setting has its test
// in server/.)
func TestAudience(t *testing.T) {
	public, private, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	t.Setenv("RECENTS_TOKEN_PUBLIC_KEY", base64.StdEncoding.EncodeToString(public))
	t.Setenv("RECENTS_TOKEN_AUDIENCE", "chat")
	edge := newEdge(t)
	for aud, want := range map[string]int{"chat": http.StatusOK, "other": http.StatusUnauthorized, "": http.StatusUnauthorized} {
		claims := jwt.MapClaims{"sub": "alice", "exp": time.Now().Add(time.Hour).Unix()}
		if aud != "" {
			claims["aud"] = aud
		}
		token, err := jwt.NewWithClaims(jwt.SigningMethodEdDSA, claims).SignedString(private)
		require.NoError(t, err)
		require.Equal(t, want, edge.do(t, request{path: "/v1/queryMySessionList", token: token, body: `{}`}).status, "aud %q", aud)
	}
}
