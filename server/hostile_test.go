//go:build !js

package server_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"recents/core"
	"recents/core/account"
	"recents/server"
)

// TestA6AFloodOfMutations: over its rate an account is told to wait, and what
// was refused was not applied; other accounts do not notice.
func TestA6AFloodOfMutations(t *testing.T) {
	const burst, calls = 50, 300
	w := newWorld(t, account.NewMemory(), func(o *server.Options) {
		o.Limits = server.Limits{AccountRate: 10, AccountBurst: burst}
	})
	token, refused, applied := w.token("alice"), 0, 0
	for i := range calls {
		a := w.as(token, "/v1/mutate", fmt.Sprintf(`{"clientId":"c","muts":[{"mid":%d,"op":"ext","key":"p2p|bob","ext":"%d"}]}`, applied+1, i))
		if a.code == core.CodeTooMany {
			refused++
			require.NotEmpty(t, a.header.Get("Retry-After"))
			continue
		}
		a.ok(t)
		applied++
	}
	require.Equal(t, burst, applied)
	require.Equal(t, calls-burst, refused)
	w.user("bob", queryList, `{}`).ok(t)
	w.clock.Add(60_000)
	require.EqualValues(t, applied, w.cursor("alice").Seq, "one change each")
	t.Attr("A6", fmt.Sprintf("%d mutations at once: %d applied, %d told to wait, 0 applied out of turn", calls, applied, refused))
}

// TestA6NumbersOfAnotherClient: a client id is an account's own, and numbers
// that do not follow are a gap, however large.
func TestA6NumbersOfAnotherClient(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		mutate := func(name string, mid int64) answer {
			return w.user(name, "/v1/mutate", fmt.Sprintf(`{"clientId":"shared","muts":[{"mid":%d,"op":"ext","key":"p2p|x","ext":"%s %d"}]}`, mid, name, mid))
		}
		for mid := int64(1); mid <= 3; mid++ {
			mutate("alice", mid).ok(t)
		}
		before := w.state("alice")
		gap := mutate("mallory", 4).ok(t)
		require.True(t, gap.Get("gap").Bool())
		require.Zero(t, gap.Get("lastMid").Int(), "of mallory's own")
		require.EqualValues(t, 1, mutate("mallory", 1).ok(t).Get("lastMid").Int())
		require.Equal(t, before, w.state("alice"))
		for _, mid := range []int64{5, 1 << 40, core.MaxSafe} {
			require.True(t, mutate("alice", mid).ok(t).Get("gap").Bool())
		}
		mutate("alice", core.MaxSafe+1).refused(t, 414, "2^53-1")
		require.Equal(t, before, w.state("alice"))
	})
	t.Attr("A6", "another account's client id: its own numbers; 5, 2^40 and 2^53-1 after 3: a gap each; 2^53: refused")
}

// TestA7Bombs: bodies that are small outside and large inside, deep, wide, or
// of one huge number are refused for little.
func TestA7Bombs(t *testing.T) {
	w := onMemory(t)
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	for range 64 {
		_, err := z.Write(make([]byte, 1<<20))
		require.NoError(t, err)
	}
	require.NoError(t, z.Close())
	require.Greater(t, zipped.Len(), core.MaxBody/2, "within what a body may be, or nearly")
	wide := make([]string, 6000)
	for i := range wide {
		wide[i] = fmt.Sprintf(`"m%d":1`, i)
	}
	for name, c := range map[string]struct {
		path, body string
		code       int
	}{
		"a gzip of 64 MB":           {update, zipped.String()[:core.MaxBody/2], 414},
		"arrays 30,000 deep":        {update, strings.Repeat("[", 30_000), 414},
		"objects 10,000 deep":       {update, strings.Repeat(`{"a":`, 10_000), 414},
		"7,000 members":             {update, "{" + strings.Repeat(`"a":1,`, 7000) + `"z":1}`, 414},
		"6,000 different members":   {queryList, "{" + strings.Join(wide, ",") + "}", 200},
		"a number of 60,000 digits": {queryList, list(`"limit":` + strings.Repeat("9", 60_000)), 414},
		"30,000 keys":               {remove, `{"sessionList":[` + strings.Repeat("1,", 30_000) + `1]}`, 414},
		"60,000 spaces":             {queryList, strings.Repeat(" ", 60_000) + "{}", 200},
	} {
		before := heap()
		for range 20 {
			a := w.request(http.MethodPost, c.path, c.body, "Authorization", "Bearer "+w.token("alice"), "Content-Encoding", "gzip")
			require.Equal(t, c.code, a.code, "%s: %.100s", name, a.body)
			require.Less(t, len(a.body), 400, "no answer repeats what it refuses")
		}
		require.Less(t, heap()-before, int64(8<<20), name)
	}
	t.Attr("A7", "8 bombs, 20 times each: refused, or taken as the little they are; under 8 MB kept")
}

// frames is a client's end of a WebSocket that sends what no library would.
type frames struct {
	t    *testing.T
	conn net.Conn
}

// raw opens a socket by hand, offering compression.
func (w *world) raw(t *testing.T, name string) *frames {
	conn, err := net.Dial("tcp", w.http.Listener.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	_, err = fmt.Fprintf(conn, "GET /v1/updates HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"+
		"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Extensions: permessage-deflate\r\nSec-WebSocket-Protocol: recents.v1, bearer.%s\r\n\r\n", w.token(name))
	require.NoError(t, err)
	var head []byte
	for one := make([]byte, 1); !bytes.HasSuffix(head, []byte("\r\n\r\n")); head = append(head, one...) {
		_, err := io.ReadFull(conn, one)
		require.NoError(t, err)
	}
	require.Contains(t, string(head), "101 Switching Protocols")
	require.NotContains(t, string(head), "permessage-deflate", "nothing that a frame could swell by")
	return &frames{t, conn}
}

// frame is one masked frame of a client.
func frame(first byte, payload []byte) []byte {
	b := []byte{first}
	if len(payload) < 126 {
		b = append(b, 0x80|byte(len(payload)))
	} else {
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(len(payload)))
	}
	return append(append(b, 0, 0, 0, 0), payload...) // a mask of zeros changes nothing
}

// flood sends a frame n times, or until the server has had enough, and returns
// how many went out and the close code that came.
func (f *frames) flood(one []byte, n int) (sent int, code uint16) {
	f.t.Helper()
	closed := make(chan uint16, 1)
	go func() { closed <- closeCode(f.conn) }()
	many := bytes.Repeat(one, 100)
	for ; sent < n; sent += 100 {
		if _, err := f.conn.Write(many); err != nil {
			break
		}
		select {
		case code := <-closed:
			return sent, code
		default:
		}
	}
	_ = f.conn.(*net.TCPConn).CloseWrite() // all has been said
	return sent, <-closed
}

// closeCode reads a server's frames to the first close, 0 when none comes.
func closeCode(r io.Reader) uint16 {
	head := make([]byte, 2)
	for {
		if _, err := io.ReadFull(r, head); err != nil {
			return 0
		}
		payload := make([]byte, head[1]&0x7f) // a server's frame here is short
		if _, err := io.ReadFull(r, payload); err != nil {
			return 0
		}
		if head[0]&0xf == 8 && len(payload) >= 2 {
			return binary.BigEndian.Uint16(payload)
		}
	}
}

// TestA7AMillionTinyFrames: of whatever kind they are, they end at the rate of
// frames, and nothing of them is kept. The protocol's own pings are frames too.
func TestA7AMillionTinyFrames(t *testing.T) {
	const million = 1_000_000
	const text, ping, pong, fin = 1, 9, 10, 0x80
	w := onMemory(t)
	before := heap()
	t.Run("kinds", func(t *testing.T) {
		for name, one := range map[string][]byte{
			"our pings":           frame(fin|text, []byte("ping")),
			"hellos":              frame(fin|text, []byte(`{"t":"hello","v":1,"epoch":"x","cursor":0,"clientId":"c"}`)),
			"unknown kinds":       frame(fin|text, []byte(`{"t":"later"}`)),
			"the protocol's ping": frame(fin|ping, nil),
			"the protocol's pong": frame(fin|pong, []byte("unasked")),
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel() // a close waits 5 s for the peer's
				socket := w.raw(t, "alice")
				sent, code := socket.flood(one, million)
				require.Contains(t, []uint16{4429, 0}, code, "0: the close was lost with the connection")
				t.Attr("A7", fmt.Sprintf("%s: the socket is closed, having taken at most %d of %d frames", name, sent, million))
			})
		}
	})
	require.Eventually(t, func() bool { return w.metrics.closed(4429) == 5 }, eventually, tick, "each for its rate")
	require.Less(t, heap()-before, int64(16<<20))
}

// TestA7FramesOfABadKind: a compressed frame that was not agreed on, a frame
// over its bound said and unsaid, and pieces that never end the message.
func TestA7FramesOfABadKind(t *testing.T) {
	const text, more, fin, compressed = 1, 0, 0x80, 0x40
	w := onMemory(t)
	for name, c := range map[string]struct {
		frames [][]byte
		code   uint16
	}{
		"a deflate bomb":            {[][]byte{frame(fin|compressed|text, bytes.Repeat([]byte{0x4a, 0x4c, 0xa4}, 1000))}, 1002},
		"a reserved kind":           {[][]byte{frame(fin|3, nil)}, 1002},
		"64 KiB and one in pieces":  {[][]byte{frame(text, make([]byte, 60_000)), frame(more, make([]byte, 5_536)), frame(fin|more, []byte{1})}, 1009},
		"an empty text":             {[][]byte{frame(fin|text, nil)}, 1008},
		"a text of no UTF-8":        {[][]byte{frame(fin|text, []byte{0xff, 0xfe})}, 1008},
		"a continuation of nothing": {[][]byte{frame(fin|more, []byte("x"))}, 1002},
	} {
		f := w.raw(t, "alice")
		_, err := f.conn.Write(bytes.Join(c.frames, nil))
		require.NoError(t, err, name)
		require.Equal(t, c.code, closeCode(f.conn), name)
	}
	t.Attr("A7", "compressed, reserved, oversized, stray and no-UTF-8 frames: closed with 1002, 1009 or 1008")
}

// TestA10NothingSecretIsLogged: over all bad input there is, at the most
// talkative level, the log holds no token and no text of a user's. Every world
// of these tests is held to it (world.close); here is all of it in one.
func TestA10NothingSecretIsLogged(t *testing.T) {
	var log buffer
	w := newWorld(t, openSQLite(t), func(o *server.Options) {
		o.Log = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	w.send("bob", "alice", "m1", "")
	requests := 0
	for _, c := range append(badInputs, badBackendInputs...) {
		for _, token := range []string{w.token("alice"), serverKey} {
			w.as(token, c.path, c.body)
			w.as(token, c.path, strings.ReplaceAll(c.body, "x", hush)) // the same where texts are quoted
			requests += 2
		}
	}
	for _, c := range w.tokenCases() {
		w.as(c.token, queryList, `{}`)
		w.as(c.token, "/"+hush+"?token="+c.token, `{}`)
		conn, _, err := websocket.Dial(t.Context(), w.http.URL+"/v1/updates?token="+c.token, &websocket.DialOptions{Subprotocols: []string{"recents.v1", "bearer." + c.token}})
		if err == nil {
			_ = conn.Write(t.Context(), websocket.MessageText, []byte(`{"t":"hello","epoch":"`+hush+`","cursor":-1}`)) // some are closed by now
			_ = conn.CloseNow()
		}
		requests += 3
	}
	w.request("BREW", "/v1/sync", nil, "Idempotency-Key", hush, "Origin", "https://"+hush, "X-Forwarded-For", hush)
	require.NoError(t, w.handler.Close(context.Background()))
	lines := strings.Count(log.String(), "\n")
	require.GreaterOrEqual(t, lines, requests, "it was talkative")
	_, err := w.log.Write([]byte(log.String())) // close holds it to the rule
	require.NoError(t, err)
	t.Attr("A10", fmt.Sprintf("%d requests with bad input and bad tokens, %d log lines: 0 tokens, 0 texts", requests, lines))
}
