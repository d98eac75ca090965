package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"recents/core"
	"recents/core/account"
	"recents/server/sqlite"
)

// TestFill makes what a server would hold: every account a full list with a
// digest that fits, every session known at both ends, a third of it Chinese.
func TestFill(t *testing.T) {
	s := size{accounts: 20, sessions: 12}
	dir := t.TempDir()
	require.NoError(t, fill(dir, s))
	db, err := sqlite.Open(filepath.Join(dir, databaseFile), sqlite.Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	chinese := 0
	require.NoError(t, db.View(context.Background(), func(tx account.Tx) error {
		for i := range s.accounts {
			rows, digest := rowsOf(t, tx, accountName(i), s.sessions)
			meta, err := tx.Account(accountName(i)).Meta()
			require.NoError(t, err)
			require.Equal(t, meta.Digest, digest)
			for _, r := range rows {
				other, err := tx.Account(r.Key.ID).Row("p2p|" + accountName(i))
				require.NoError(t, err)
				require.NotNil(t, other, "%s has no session with %s", r.Key.ID, accountName(i))
				if utf8.RuneCount(r.Msg) < len(r.Msg) {
					chinese++
				}
			}
		}
		return nil
	}))
	require.Equal(t, s.accounts*s.sessions/3, chinese)
}

func rowsOf(t *testing.T, tx account.Tx, name string, want int) (rows []core.Row, digest core.Digest) {
	a, err := account.Open(name, tx.Account(name), account.Env{})
	require.NoError(t, err)
	rows, more, err := a.List(core.ListRequest{Limit: 100})
	require.NoError(t, err)
	require.False(t, more)
	require.Len(t, rows, want)
	for _, r := range rows {
		digest ^= core.Hash(r.Key.String(), r.Seq)
	}
	return rows, digest
}

// TestLine reads answers whole, whichever way their length is told, so that
// the next one on the connection begins where it does.
func TestLine(t *testing.T) {
	long := strings.Repeat("x", 200_000)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // what came is what is answered
		switch r.URL.Path {
		case "/chunked":
			_, _ = io.WriteString(w, long[:100_000])
			w.(http.Flusher).Flush()
			_, _ = io.WriteString(w, long[100_000:])
		case "/refused":
			http.Error(w, "not you", http.StatusForbidden)
		default:
			_, _ = w.Write(append(body, r.Header.Get("Authorization")...))
		}
	}))
	defer s.Close()
	address := s.Listener.Addr().String()
	l, err := dialLine(address)
	require.NoError(t, err)
	defer func() { require.NoError(t, l.conn.Close()) }()
	for range 2 {
		n, err := l.call(httpRequest("GET", "/chunked", address, "", ""))
		require.NoError(t, err)
		require.EqualValues(t, len(long), n)
		_, err = l.call(httpRequest("GET", "/refused", address, "", ""))
		require.ErrorContains(t, err, "403 Forbidden: not you")
		text, err := l.text(httpRequest("POST", "/", address, "Bearer x", "body"))
		require.NoError(t, err)
		require.Equal(t, "bodyBearer x", text)
	}
}

func TestLoadStopsAtAnError(t *testing.T) {
	broken := errors.New("broken")
	calls := 0
	_, err := load([]func() error{func() error { calls++; return broken }}, time.Hour)
	require.ErrorIs(t, err, broken)
	require.Equal(t, 1, calls)
}

func TestPercentile(t *testing.T) {
	var list []time.Duration
	for i := 200; i > 0; i-- {
		list = append(list, time.Duration(i))
	}
	assert.EqualValues(t, 198, percentile(list, 99))
	assert.EqualValues(t, 200, percentile(list, 100))
	assert.EqualValues(t, 7, percentile([]time.Duration{7}, 99))
	assert.Zero(t, percentile(nil, 99))
}

// TestFrames holds the client's own frames to the protocol: short and long
// ones, and an end of the stream within one.
func TestFrames(t *testing.T) {
	assert.Equal(t, []byte("\x81\x82\x00\x00\x00\x00hi"), clientFrame("hi"))
	assert.Equal(t, []byte("\x81\xfe\x01\x00\x00\x00\x00\x00xx"), clientFrame(strings.Repeat("x", 256))[:10])
	long := "\x81\x7e\x01\x00" + strings.Repeat("x", 256)
	in := bufio.NewReader(bytes.NewReader([]byte("\x81\x02hi" + long + "\x88\x00")))
	for _, want := range []int{2, 256} {
		n, err := readFrame(in)
		require.NoError(t, err)
		require.Equal(t, want, n)
	}
	_, err := readFrame(in)
	require.ErrorContains(t, err, "0x88", "a close is no text")
	_, err = readFrame(bufio.NewReader(strings.NewReader(long[:100])))
	require.ErrorIs(t, err, io.EOF)
}
