package conformance

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
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
