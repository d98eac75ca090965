//go:build !js

package server_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"recents/core"
	"recents/core/account"
	"recents/server"
)

// live is the client's end of a WebSocket.
type live struct {
	t testing.TB
	c *websocket.Conn
}

func (w *world) dial(name string) *live { return w.dialWith(w.token(name), nil) }

func (w *world) dialWith(token string, client *http.Client) *live {
	w.t.Helper()
	c, res, err := websocket.Dial(context.Background(), "ws"+strings.TrimPrefix(w.http.URL, "http")+"/v1/updates",
		&websocket.DialOptions{Subprotocols: []string{"recents.v1", "bearer." + token}, HTTPClient: client})
	require.NoError(w.t, err)
	require.Equal(w.t, "recents.v1", c.Subprotocol())
	require.NotContains(w.t, fmt.Sprint(res.Header), token)
	c.SetReadLimit(64 << 20)
	return &live{w.t, c}
}

func (l *live) send(text string) {
	l.t.Helper()
	require.NoError(l.t, l.c.Write(context.Background(), websocket.MessageText, []byte(text)))
}

func (l *live) hello(c core.Cursor, clientID string) {
	l.t.Helper()
	l.send(string(core.AppendHello(nil, &core.SyncRequest{V: core.SyncVersion, Cursor: c, ClientID: clientID})))
}

func (l *live) text() string {
	l.t.Helper()
	_, b, err := l.c.Read(context.Background())
	require.NoError(l.t, err)
	return string(b)
}

func (l *live) next() core.Frame {
	l.t.Helper()
	f, err := core.ParseFrame([]byte(l.text()))
	require.NoError(l.t, err)
	return f
}

// until reads frames until one of a kind.
func (l *live) until(kind string) core.Frame {
	l.t.Helper()
	for {
		if f := l.next(); f.Kind == kind {
			return f
		}
	}
}

// ended reads to the end and returns the close code.
func (l *live) ended() websocket.StatusCode {
	l.t.Helper()
	for {
		if _, _, err := l.c.Read(context.Background()); err != nil {
			return websocket.CloseStatus(err)
		}
	}
}

func (l *live) close() { _ = l.c.Close(websocket.StatusNormalClosure, "") }

func (w *world) cursor(name string) core.Cursor {
	w.t.Helper()
	p := w.user(name, "/v1/snapshot", `{}`).ok(w.t)
	return core.Cursor{Epoch: p.Get("epoch").Str, Seq: p.Get("asOf").Int()}
}

func TestUpdatesLive(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		from := w.cursor("alice")
		l, second := w.dial("alice"), w.dial("alice")
		for _, s := range []*live{l, second} {
			s.hello(from, "c")
			f := s.next()
			require.Equal(t, core.FrameReady, f.Kind)
			require.Equal(t, from, core.Cursor{Epoch: f.Epoch, Seq: f.Head})
			require.Equal(t, int64(25_000), f.HeartbeatMs)
			require.Equal(t, int64(3_600_000), f.TokenExpiresIn)
		}
		w.send("bob", "alice", "m1", "")
		w.user("alice", "/v1/mutate", `{"clientId":"c","muts":[{"mid":1,"op":"ext","key":"p2p|bob","ext":"x"}]}`).ok(t)
		w.user("alice", remove, `{"sessionList":[{"sessionId":"p2p|bob"}]}`).ok(t)
		for _, s := range []*live{l, second} {
			for i := int64(1); i <= 3; i++ {
				f := s.next()
				require.Equal(t, core.FrameDelta, f.Kind)
				require.Equal(t, []int64{i - 1, i}, []int64{f.From, f.To})
				require.Equal(t, i == 3, f.Rows[0].Deleted)
				require.Equal(t, i > 1, f.LastMid == 1, "the frame of the mutation tells its mid, and those after it")
			}
		}
		l.send("ping")
		require.Equal(t, "pong", l.text())
		l.close()
		second.close()
	})
}

// TestUpdatesOfAnotherClient: lastMid is of the socket's own client.
func TestUpdatesOfAnotherClient(t *testing.T) {
	w := onMemory(t)
	l := w.dial("alice")
	l.hello(w.cursor("alice"), "mine")
	l.until(core.FrameReady)
	w.user("alice", "/v1/mutate", `{"clientId":"other","muts":[{"mid":1,"op":"ext","key":"p2p|bob","ext":"x"}]}`).ok(t)
	require.Zero(t, l.next().LastMid)
	l.close()
}

// fill gives an account n sessions, quickly.
func (w *world) fill(name string, n int) { w.t.Helper(); w.fillFrom(name, 0, n) }

// fillFrom is fill from the first on.
func (w *world) fillFrom(name string, first, n int) {
	w.t.Helper()
	require.NoError(w.t, w.accounts.Update(context.Background(), func(tx account.Tx) error {
		a, err := account.Open(name, tx.Account(name), account.Env{Now: w.clock.Load(), NewEpoch: "filled"})
		if err != nil {
			return err
		}
		for i := first; i < first+n; i++ {
			if _, err := a.SetExt(core.Key{Type: core.P2P, ID: fmt.Sprint("x", i)}, "1", 0); err != nil {
				return err
			}
		}
		_, err = a.Commit()
		return err
	}))
}

func TestUpdatesResume(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		from := w.cursor("alice")
		const sessions = 1200
		w.fill("alice", sessions)
		w.user("alice", "/v1/mutate", `{"clientId":"c","muts":[{"mid":1,"op":"delete","key":"p2p|nobody"}]}`).ok(t)
		l := w.dial("alice")
		l.hello(from, "c")
		require.Equal(t, int64(sessions), l.next().Head)
		at, rows := int64(0), 0
		for at < sessions {
			f := l.next()
			require.Equal(t, at, f.From, "pages follow each other")
			require.LessOrEqual(t, len(f.Rows), core.MaxSyncRows)
			require.Equal(t, f.To == sessions, f.LastMid == 1, "what lastMid acknowledges may lie on any page before the last")
			at, rows = f.To, rows+len(f.Rows)
		}
		require.Equal(t, sessions, rows)
		w.send("bob", "alice", "m1", "")
		require.Equal(t, at, l.next().From, "and live changes follow the pages")
		l.close()
	})
}

func TestUpdatesResets(t *testing.T) {
	w := onMemory(t)
	now := w.cursor("alice")
	for reason, hello := range map[string]string{
		core.ResetEpoch:  `{"t":"hello","v":1,"epoch":"other","cursor":0}`,
		core.ResetAhead:  `{"t":"hello","v":1,"epoch":"` + now.Epoch + `","cursor":7}`,
		core.ResetSchema: `{"t":"hello","v":2,"epoch":"` + now.Epoch + `","cursor":0}`,
	} {
		l := w.dial("alice")
		l.send(hello)
		f := l.next()
		require.Equal(t, core.FrameReset, f.Kind)
		require.Equal(t, reason, f.Reason)
		require.Equal(t, now, core.Cursor{Epoch: f.Epoch, Seq: f.Head})
		l.close()
	}
	w.user("alice", update, ext(`"x"`)).ok(t)
	w.user("alice", remove, `{"sessionList":[{"sessionId":"p2p|bob"}]}`).ok(t)
	w.fill("alice", 1001)
	w.clock.Add(31 * 24 * hour * 1000)
	require.NoError(t, w.handler.Collect(t.Context()))
	l := w.dial("alice")
	l.hello(now, "c")
	require.Equal(t, core.ResetFloor, l.next().Reason)
	l.close()
}

// TestUpdatesCreateTheAccount: the epoch that a hello is told holds.
func TestUpdatesCreateTheAccount(t *testing.T) {
	w := onMemory(t)
	l := w.dial("new")
	l.hello(core.Cursor{}, "c")
	f := l.next()
	require.Equal(t, core.ResetEpoch, f.Reason)
	require.Equal(t, f.Epoch, w.cursor("new").Epoch)
	l.close()
}

func TestA2Handshake(t *testing.T) {
	w := newWorld(t, account.NewMemory(), func(o *server.Options) { o.Origins = []string{"https://chat.example"} })
	upgrade := func(headers ...string) answer {
		return w.request(http.MethodGet, "/v1/updates", nil, append([]string{"Connection", "Upgrade", "Upgrade", "websocket",
			"Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA=="}, headers...)...)
	}
	upgrade("Sec-WebSocket-Protocol", "recents.v1, bearer."+w.token("alice"), "Origin", "https://evil.example").refused(t, 403, "https://evil.example")
	upgrade("Sec-WebSocket-Protocol", "recents.v1, bearer."+w.token("alice"), "Origin", "https://chat.example.evil").refused(t, 403)
	upgrade("Sec-WebSocket-Protocol", "recents.v2").refused(t, 414, "recents.v1")
	w.request(http.MethodGet, "/v1/updates", nil).refused(t, 414, "WebSocket")

	closed := 0
	for _, c := range append(w.tokenCases(), tokenCase{"the server key", serverKey, "malformed"}) {
		if c.reason == "" {
			continue
		}
		protocols := []string{"recents.v1"}
		if c.token != "" {
			protocols = append(protocols, "bearer."+c.token)
		}
		conn, _, err := websocket.Dial(t.Context(), w.http.URL+"/v1/updates", &websocket.DialOptions{
			Subprotocols: protocols, HTTPHeader: http.Header{"Origin": {"https://chat.example"}}})
		require.NoError(t, err)
		_, _, err = conn.Read(t.Context())
		var end websocket.CloseError
		require.ErrorAs(t, err, &end, c.name)
		require.EqualValues(t, 4401, end.Code)
		require.Contains(t, end.Reason, c.reason)
		closed++
	}
	t.Attr("A2", fmt.Sprintf("%d kinds of bad tokens on a socket: 4401 each; foreign origins: 403", closed))
}

func TestUpdatesRefuseBadFrames(t *testing.T) {
	w := onMemory(t)
	for name, c := range map[string]struct {
		frame string
		code  int
	}{
		"not JSON":             {"{", 1008},
		"a name twice":         {`{"t":"hello","t":"hello"}`, 1008},
		"a bad cursor":         {`{"t":"hello","cursor":-1}`, 1008},
		"over 64 KiB":          {`{"x":"` + strings.Repeat("x", 64<<10) + `"}`, 1009},
		"an unknown kind":      {`{"t":"later"}`, 0},
		"a kind that is a map": {`{"t":{}}`, 0},
	} {
		t.Run(name, func(t *testing.T) {
			l := w.dial("alice")
			l.send(c.frame)
			if c.code == 0 {
				l.send("ping")
				require.Equal(t, "pong", l.text())
				l.close()
				return
			}
			require.EqualValues(t, c.code, l.ended())
		})
	}
	l := w.dial("alice")
	require.NoError(t, l.c.Write(t.Context(), websocket.MessageBinary, []byte("ping")))
	require.EqualValues(t, 1003, l.ended())
}

func TestUpdatesCountSockets(t *testing.T) {
	w := newWorld(t, account.NewMemory(), func(o *server.Options) { o.Limits = server.Limits{AccountSockets: 2, Sockets: 3} })
	open := []*live{w.dial("alice"), w.dial("alice"), w.dial("bob")}
	require.EqualValues(t, 4429, w.dial("alice").ended(), "alice's third")
	require.EqualValues(t, 4429, w.dial("carol").ended(), "the fourth in all")
	open[0].close()
	require.Eventually(t, func() bool {
		l := w.dial("carol")
		l.hello(core.Cursor{}, "")
		_, _, err := l.c.Read(t.Context())
		l.close()
		return err == nil
	}, 10*time.Second, time.Millisecond, "a place given back is free")
	open[1].close()
	open[2].close()
}

func TestUpdatesClosedByAStop(t *testing.T) {
	w := onMemory(t)
	l := w.dial("alice")
	l.hello(w.cursor("alice"), "c")
	l.until(core.FrameReady)
	ended := make(chan websocket.StatusCode, 1)
	go func() { ended <- l.ended() }()
	require.NoError(t, w.handler.Close(t.Context()))
	require.Equal(t, websocket.StatusGoingAway, <-ended)
	_, _, err := websocket.Dial(t.Context(), w.http.URL+"/v1/updates", &websocket.DialOptions{Subprotocols: []string{"recents.v1"}})
	require.ErrorContains(t, err, "503")
	w.user("alice", queryList, `{}`).ok(t)
}

// TestStopCutsAPeerThatAnswersNoClose: Close ends with its ctx.
func TestStopCutsAPeerThatAnswersNoClose(t *testing.T) {
	w := onMemory(t)
	_ = w.dial("alice") // never reads
	require.Eventually(t, func() bool { w.metrics.mu.Lock(); defer w.metrics.mu.Unlock(); return w.metrics.opened == 1 }, 10*time.Second, time.Millisecond)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, w.handler.Close(ctx), context.Canceled)
}

// pipe is a listener without a network, so that a test of time can hold every
// goroutine that takes part.
type pipe struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newPipe() *pipe { return &pipe{conns: make(chan net.Conn), done: make(chan struct{})} }

func (p *pipe) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipe) Close() error   { p.once.Do(func() { close(p.done) }); return nil }
func (p *pipe) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

func (p *pipe) dial() (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case p.conns <- there:
		return here, nil
	case <-p.done:
		return nil, errors.New("closed")
	}
}

// clientOver is an HTTP client whose every request has a connection of its own.
func clientOver(dial func() (net.Conn, error)) *http.Client {
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true,
		DialContext: func(context.Context, string, string) (net.Conn, error) { return dial() }}}
}

// inBubble runs fn in a world of fake time, whose clock is the handler's too.
func inBubble(t *testing.T, fn func(t *testing.T, w *world, c *http.Client)) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, accounts: account.NewMemory()}
		w.metrics.codes = map[int]int{}
		w.clock.Store(time.Now().UnixMilli())
		h, err := server.New(t.Context(), server.Options{Accounts: w.accounts, Keys: server.Keys{ServerKey: serverKey, Secret: []byte(secret)},
			Now: func() int64 { return time.Now().UnixMilli() }, NewID: func() string { return fmt.Sprintf("%032d", w.ids.Add(1)) }, Metrics: &w.metrics})
		require.NoError(t, err)
		w.handler = h
		p := newPipe()
		srv := &http.Server{Handler: h}
		served := make(chan error)
		go func() { served <- srv.Serve(p) }()
		w.pipe = p
		fn(t, w, clientOver(p.dial))
		require.NoError(t, h.Close(t.Context()))
		require.NoError(t, srv.Close())
		require.ErrorIs(t, <-served, http.ErrServerClosed)
	})
}

func (w *world) dialPipe(token string, c *http.Client) *live {
	w.t.Helper()
	conn, _, err := websocket.Dial(w.t.Context(), "ws://pipe/v1/updates", &websocket.DialOptions{Subprotocols: []string{"recents.v1", "bearer." + token}, HTTPClient: c})
	require.NoError(w.t, err)
	conn.SetReadLimit(64 << 20)
	return &live{w.t, conn}
}

// deliver sends a message straight through the handler.
func (w *world) deliver(from, to, uuid, content string) {
	body := fmt.Sprintf(`{"from":%q,"to":%q,"sessionType":"p2p","message":{"uuid":%q,"content":%q}}`, from, to, uuid, content)
	serve(w.t, w.handler, newRequest(w.t, http.MethodPost, "/v1/sendMessage", body, "Authorization", "Bearer "+serverKey)).ok(w.t)
}

func TestUpdatesEndWhenTheTokenExpires(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world, c *http.Client) {
		token := w.sign(jwt.SigningMethodHS256, []byte(secret), jwt.MapClaims{"sub": "alice", "exp": time.Now().Unix() + 30})
		l := w.dialPipe(token, c)
		start := time.Now()
		require.EqualValues(t, 4401, l.ended())
		require.Equal(t, 30*time.Second, time.Since(start))
		synctest.Wait()
		require.Equal(t, 1, w.metrics.closed(4401))
	})
}

func TestUpdatesEndInSilence(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world, c *http.Client) {
		l := w.dialPipe(w.token("alice"), c)
		start := time.Now()
		for range 3 {
			time.Sleep(60 * time.Second)
			l.send("ping")
			require.Equal(t, "pong", l.text())
		}
		require.EqualValues(t, 4408, l.ended())
		require.Equal(t, 3*60*time.Second+62500*time.Millisecond, time.Since(start), "2.5 heartbeats after the last frame")
	})
}

// TestS16ASlowReader: what waits is bounded, and a reader that was left behind
// is told where the log ends.
func TestS16ASlowReader(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world, c *http.Client) {
		l := w.dialPipe(w.token("alice"), c)
		l.hello(core.Cursor{}, "c")
		require.Equal(t, core.FrameReset, l.next().Kind)
		const sent = 300
		for i := range sent {
			w.deliver("bob", "alice", fmt.Sprint("m", i), strings.Repeat("x", 10_000))
		}
		synctest.Wait()
		first := l.next()
		require.Equal(t, []int64{0, 1}, []int64{first.From, first.To}, "the one that was on its way")
		behind := l.next()
		require.Equal(t, core.FrameBehind, behind.Kind)
		require.Equal(t, int64(sent), behind.Head)
		require.Equal(t, 1, w.metrics.behind)
		w.deliver("bob", "alice", "after", "")
		require.Equal(t, int64(sent), l.next().From, "and goes on from there")
		l.close()
		t.Attr("S16", fmt.Sprintf("of %d changes a reader that slept took 1, and was told: behind, the log ends at %d", sent, sent))
	})
}

// TestS16AReaderThatTakesNothing: it is cut after the write's time.
func TestS16AReaderThatTakesNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, w *world, c *http.Client) {
		l := w.dialPipe(w.token("alice"), c)
		l.hello(core.Cursor{}, "c")
		l.next()
		w.deliver("bob", "alice", "m1", "")
		time.Sleep(11 * time.Second)
		synctest.Wait()
		require.Equal(t, 1, w.metrics.closed(4408))
		l.c.CloseNow()
		t.Attr("S16", "a reader that takes nothing is cut after 10 s of its clock")
	})
}
