package server_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"

	"recents/core"
	"recents/core/account"
)

// TestTransfer moves an account from the memory store to SQLite and back, over
// HTTP: a live replica there is reset, and what comes home is what left.
func TestTransfer(t *testing.T) {
	a, b := onMemory(t), newWorld(t, openSQLite(t), nil)
	a.send("bob", "alice", "m1", hush+` <&"😀\`)
	a.send("carol", "alice", "m2", hush)
	a.user("alice", update, object{"sessionId": "bob", "sessionType": "p2p", "ext": hush + "<>&\u2028"}).ok(t)
	a.user("alice", remove, `{"sessionList":[{"sessionId":"p2p|carol"}]}`).ok(t)
	a.user("alice", "/v1/mutate", `{"clientId":"tab","muts":[{"mid":1,"op":"skip"}]}`).ok(t)
	page := a.server("/v1/exportAccount", object{"account": "alice"}).ok(t)

	l := b.dial("alice")
	l.hello(core.Cursor{}, "tab")
	l.next()
	l.hello(b.cursor("alice"), "tab")
	require.Equal(t, core.FrameReady, l.next().Kind)
	before := b.cursor("alice").Epoch
	take := func(w *world, page gjson.Result, more string) answer {
		return w.server("/v1/importAccount", `{"account":"alice"`+more+`,"page":`+page.Raw+`}`)
	}
	require.Empty(t, take(b, page, "").ok(t).Get("cursor").Str)
	f := l.next()
	require.Equal(t, core.FrameDelta, f.Kind)
	require.NotEqual(t, before, f.Epoch, "a reader asks, and is reset")
	l.close()
	require.Equal(t, a.list("alice"), b.list("alice"))
	require.EqualValues(t, 1, b.user("alice", "/v1/sync", object{"epoch": f.Epoch, "clientId": "tab"}).ok(t).Get("lastMid").Int())

	home := b.server("/v1/exportAccount", object{"account": "alice"}).ok(t)
	require.Equal(t, 409, take(a, home, "").code)
	take(a, home, `,"replace":1`).ok(t)
	again := a.server("/v1/exportAccount", object{"account": "alice"}).ok(t)
	for _, part := range []string{"seq", "lastTime", "floor", "digest", "clients", "receipts", "revokes", "records"} {
		require.Equal(t, page.Get(part).Raw, again.Get(part).Raw, part)
	}
	b.send("carol", "alice", "m3", hush)
	require.Equal(t, []string{"carol", "bob"}, b.list("alice"))
}

// TestImportFromAClockThatIsAhead: what arrives after is newer than all that was
// imported, whatever this server's clock says.
func TestImportFromAClockThatIsAhead(t *testing.T) {
	ahead, w := onMemory(t), onMemory(t)
	ahead.clock.Add(3_600_000)
	ahead.send("bob", "alice", "theirs", "")
	page := ahead.server("/v1/exportAccount", object{"account": "alice"}).ok(t)
	w.server("/v1/importAccount", `{"account":"alice","page":`+page.Raw+`}`).ok(t)
	w.send("bob", "alice", "ours", "")
	require.Equal(t, "ours", gjson.Get(w.session("alice", "bob").Get("lastMsg").Str, "uuid").Str)
}

func TestTransferRefuses(t *testing.T) {
	w := newWorld(t, account.NewMemory(), nil)
	w.send("bob", "alice", "m1", hush)
	page := w.server("/v1/exportAccount", object{"account": "alice"}).ok(t).Raw
	for _, c := range []struct {
		path, body string
		code       int
		text       string
	}{
		{"/v1/exportAccount", `{}`, 414, "account: is missing or empty"},
		{"/v1/exportAccount", `{"account":"a/b"}`, 414, "account"},
		{"/v1/exportAccount", `{"account":"nobody"}`, 404, `account: "nobody" was never written`},
		{"/v1/exportAccount", `{"account":"alice","after":"r0000.0 0"}`, 409, "begin again"},
		{"/v1/exportAccount", `{"account":"alice","after":"?"}`, 414, `after: "?" is no position`},
		{"/v1/importAccount", `{"account":"alice"}`, 414, "page: is missing"},
		{"/v1/importAccount", `{"account":"alice","page":[]}`, 414, "page"},
		{"/v1/importAccount", `{"account":"bob","page":` + page + `}`, 414, `page: is of the account "alice"`},
		{"/v1/importAccount", `{"account":"alice","replace":2,"page":` + page + `}`, 414, "replace: 2 is not 0 or 1"},
		{"/v1/importAccount", `{"account":"alice","page":` + page + `}`, 409, "replace: 1 forgets"},
	} {
		a := w.server(c.path, c.body)
		require.Equal(t, c.code, a.code, "%s %s: %s", c.path, c.body, a.body)
		require.Contains(t, gjson.Get(a.body, "errorDetails").Str, c.text)
		require.Equal(t, 403, w.user("alice", c.path, c.body).code, "no user may")
	}
	require.Equal(t, []string{"bob"}, w.list("alice"))
}
