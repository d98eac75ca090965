package nim_test

import (
	"context"
	"crypto/md5"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"

	"recents/core/account"
	"recents/server"
	"recents/server/nim"
)

const (
	serverKey = "the-server-key-of-the-tests-0123456789"
	appKey    = "app"
	appSecret = "0123456789ab"
	startTime = 1_700_000_000_000
)

// app is an app's backend, which knows the vendor's calls, and one of ours to
// look at what they did.
type app struct {
	api   *server.Handler
	nim   *nim.Handler
	clock atomic.Int64
	ids   atomic.Int64
}

func newApp(t *testing.T) *app {
	a := &app{}
	a.clock.Store(startTime)
	var err error
	a.api, err = server.New(context.Background(), server.Options{
		Accounts: account.NewMemory(),
		Keys:     server.Keys{ServerKey: serverKey, Secret: []byte("the-token-secret-of-the-tests-0123456789")},
		Now:      a.clock.Load,
		NewID:    func() string { return fmt.Sprintf("%032x", a.ids.Add(1)) },
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, a.api.Close(context.Background())) })
	a.nim = nim.New(nim.Options{API: a.api, ServerKey: serverKey, AppKey: appKey, AppSecret: appSecret, Now: a.clock.Load})
	return a
}

func (a *app) headers() http.Header {
	at := strconv.FormatInt(a.clock.Load()/1000, 10)
	h := http.Header{}
	h.Set("AppKey", appKey)
	h.Set("Nonce", "4tgggergigwow323t23t")
	h.Set("CurTime", at)
	h.Set("CheckSum", sha(appSecret+"4tgggergigwow323t23t"+at))
	h.Set("Content-Type", "application/x-www-form-urlencoded;charset=utf-8")
	return h
}

func sha(text string) string {
	s := sha1.Sum([]byte(text))
	return hex.EncodeToString(s[:])
}

func post(h http.Handler, path string, header http.Header, body string) (int, gjson.Result) {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header = header
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code, gjson.Parse(w.Body.String())
}

// call makes a call of the vendor's with parameters given in turn: name, value.
func (a *app) call(path string, params ...string) gjson.Result {
	form := url.Values{}
	for i := 0; i < len(params); i += 2 {
		form.Set(params[i], params[i+1])
	}
	_, got := post(a.nim, "/nimserver/"+path, a.headers(), form.Encode())
	return got
}

// own makes a call of ours with the server key.
func (a *app) own(t *testing.T, path string, body any) gjson.Result {
	b, err := json.Marshal(body)
	require.NoError(t, err)
	_, got := post(a.api, path, http.Header{"Authorization": {"Bearer " + serverKey}}, string(b))
	require.Equal(t, int64(200), got.Get("code").Int(), got.Raw)
	return got.Get("data")
}

func (a *app) team(t *testing.T, typ, id string, members ...string) {
	a.own(t, "/v1/setTeamMembers", map[string]any{"teamId": id, "sessionType": typ, "members": members})
}

// list reads an account's list with the last messages.
func (a *app) list(t *testing.T, accid string) []gjson.Result {
	got := a.call("history/querySessionList.action", "accid", accid, "needLastMsg", "1")
	require.Equal(t, int64(200), got.Get("code").Int(), got.Raw)
	return got.Get("data.sessions").Array()
}

func ok(t *testing.T, got gjson.Result) gjson.Result {
	t.Helper()
	require.Equal(t, int64(200), got.Get("code").Int(), got.Raw)
	return got
}

func refused(t *testing.T, got gjson.Result, code int64, parts ...string) {
	t.Helper()
	require.Equal(t, code, got.Get("code").Int(), got.Raw)
	for _, p := range parts {
		require.Contains(t, got.Get("desc").Str, p)
	}
}

func TestAMessageOfEachTypeIsListed(t *testing.T) {
	for number, body := range map[string]string{
		"0": `{"msg":"你好"}`, "10": `{"msg":"a tip"}`, "1": `{"url":"https://x/1.png","w":6}`, "2": `{"dur":4551}`, "3": `{"dur":8003}`,
		"4": `{"title":"here","lng":1.5}`, "6": `{"name":"a.txt"}`, "100": `{"myKey":{"n":1}}`,
	} {
		t.Run(number, func(t *testing.T) {
			a := newApp(t)
			sent := ok(t, a.call("msg/sendMsg.action", "from", "alice", "ope", "0", "to", "bob", "type", number, "body", body, "ext", `{"k":1}`))
			require.Less(t, sent.Get("data.msgid").Int(), int64(1)<<53)
			require.Equal(t, int64(startTime), sent.Get("data.timetag").Int())
			require.Equal(t, "false", sent.Get("data.antispam").Raw)
			for accid, friend := range map[string]string{"alice": "bob", "bob": "alice"} {
				rows := a.list(t, accid)
				require.Len(t, rows, 1)
				row := rows[0]
				require.Equal(t, int64(1), row.Get("sessionType").Int())
				require.Equal(t, friend, row.Get("accid").Str)
				require.False(t, row.Get("tid").Exists())
				require.Equal(t, "MESSAGE", row.Get("lastMsgType").Str)
				m := row.Get("lastMsg")
				require.Equal(t, sent.Get("data.msgid").Raw, m.Get("msgIdServer").Str)
				require.Equal(t, number, m.Get("type").Raw)
				require.Equal(t, "alice", m.Get("from").Str)
				require.Equal(t, `{"k":1}`, m.Get("ext").Str)
				if number == "0" || number == "10" {
					require.Equal(t, gjson.Get(body, "msg").Str, m.Get("body").Str)
				} else {
					require.JSONEq(t, body, m.Get("attach").Str)
				}
			}
		})
	}
}

func TestGroupsAndAnExtensionThatIsNoObject(t *testing.T) {
	a := newApp(t)
	a.team(t, "team", "7", "alice", "bob")
	a.team(t, "superTeam", "7", "alice", "bob")
	ok(t, a.call("msg/sendMsg.action", "from", "alice", "ope", "1", "to", "7", "type", "0", "body", `{"msg":"hi"}`, "ext", "plain"))
	ok(t, a.call("msg/sendMsg.action", "from", "alice", "ope", "2", "to", "7", "type", "0", "body", `{"msg":"hi"}`))
	rows := a.list(t, "bob")
	require.Len(t, rows, 2)
	require.Equal(t, []int64{3, 2}, []int64{rows[0].Get("sessionType").Int(), rows[1].Get("sessionType").Int()})
	require.Equal(t, "7", rows[1].Get("tid").Str)
	require.Equal(t, "plain", rows[1].Get("lastMsg.ext").Str)
	refused(t, a.call("msg/sendMsg.action", "from", "alice", "ope", "1", "to", "8", "type", "0", "body", `{"msg":"hi"}`), 404, "8")
}

func TestSessionUpdateFalseListsNothing(t *testing.T) {
	a := newApp(t)
	ok(t, a.call("msg/sendMsg.action", "from", "alice", "ope", "0", "to", "bob", "type", "0", "body", `{"msg":"hi"}`, "option", `{"push":false,"sessionUpdate":false}`))
	require.Empty(t, a.list(t, "bob"))
}

func TestABatchIsAMessageToEach(t *testing.T) {
	a := newApp(t)
	got := ok(t, a.call("msg/sendBatchMsg.action", "fromAccid", "news", "toAccids", `["a","b","c"]`, "type", "0", "body", `{"msg":"hi"}`, "returnMsgid", "true"))
	require.Equal(t, "[]", got.Get("unregister").Raw)
	for _, accid := range []string{"a", "b", "c"} {
		rows := a.list(t, accid)
		require.Len(t, rows, 1)
		require.Equal(t, got.Get("msgids."+accid).Raw, rows[0].Get("lastMsg.msgIdServer").Str)
	}
	require.Len(t, a.list(t, "news"), 3)
	require.False(t, a.call("msg/sendBatchMsg.action", "fromAccid", "news", "toAccids", `["a"]`, "type", "0", "body", `{"msg":"hi"}`).Get("msgids").Exists())
	many, err := json.Marshal(make([]string, 501))
	require.NoError(t, err)
	refused(t, a.call("msg/sendBatchMsg.action", "fromAccid", "news", "toAccids", string(many), "type", "0", "body", `{"msg":"hi"}`), 414, "toAccids: 501", "500")
}

func TestARecallTurnsTheLastMessageIntoANotice(t *testing.T) {
	a := newApp(t)
	a.team(t, "team", "7", "alice", "bob")
	for kind, to := range map[string][2]string{"7": {"0", "bob"}, "8": {"1", "7"}} {
		sent := ok(t, a.call("msg/sendMsg.action", "from", "alice", "ope", to[0], "to", to[1], "type", "0", "body", `{"msg":"oops"}`)).Get("data")
		recall := []string{"deleteMsgid", sent.Get("msgid").Raw, "timetag", sent.Get("timetag").Raw, "type", kind, "from", "alice", "to", to[1], "msg", "taken back"}
		ok(t, a.call("msg/recall.action", recall...))
		ok(t, a.call("msg/recall.action", recall...))
		for _, accid := range []string{"alice", "bob"} {
			row := a.list(t, accid)[0]
			require.Equal(t, "RECALL", row.Get("lastMsgType").Str)
			require.Equal(t, sent.Get("msgid").Raw, row.Get("lastMsg.deleteMsgIdServer").Str)
			require.Equal(t, sent.Get("timetag").Int(), row.Get("lastMsg.deleteMsgCreateTime").Int())
			require.Equal(t, "alice", row.Get("lastMsg.from").Str)
			require.NotContains(t, row.Raw, "oops")
		}
		a.clock.Add(1000)
	}
}

func TestPagingByTheVendorsParameters(t *testing.T) {
	a := newApp(t)
	for _, friend := range []string{"a", "b", "c", "d", "e"} {
		ok(t, a.call("msg/sendMsg.action", "from", friend, "ope", "0", "to", "me", "type", "0", "body", `{"msg":"hi"}`))
	}
	var seen []string
	for at, more := "0", true; more; {
		got := ok(t, a.call("history/querySessionList.action", "accid", "me", "limit", "2", "maxTimestamp", at))
		for _, row := range got.Get("data.sessions").Array() {
			require.False(t, row.Get("lastMsg").Exists(), "the vendor's default is without")
			seen = append(seen, row.Get("accid").Str)
			at = strconv.FormatInt(row.Get("updateTime").Int()-1, 10)
		}
		more = got.Get("data.hasMore").Bool()
	}
	require.Equal(t, []string{"e", "d", "c", "b", "a"}, seen)
	refused(t, a.call("history/querySessionList.action", "accid", "me", "limit", "101"), 414, "limit", "101", "100")
	refused(t, a.call("history/querySessionList.action"), 414, "accid")
}

func TestBadParametersAreNamedAndChangeNothing(t *testing.T) {
	a := newApp(t)
	good := map[string]string{"from": "alice", "ope": "0", "to": "bob", "type": "0", "body": `{"msg":"hi"}`}
	for _, c := range []struct{ name, value, want string }{
		{"from", "", "from: is missing"}, {"to", "", "to: is missing"}, {"ope", "3", "ope: 3"}, {"ope", "x", `ope: "x"`}, {"ope", "", "ope: -1"},
		{"type", "5", "type: 5"}, {"type", "1e3", `type: "1e3"`}, {"body", "", "body: is missing"}, {"body", "hi", "body: is no JSON object"}, {"body", `{"msg":1}`, "body: msg"},
		{"body", `{}`, "body: msg"}, {"option", "[]", "option: is no"}, {"option", `{"sessionUpdate":"no"}`, "option: sessionUpdate"},
		{"msgSenderNoSense", "1", "msgSenderNoSense"}, {"msgReceiverNoSense", "2", "msgReceiverNoSense: 2"}, {"from", "a/b", "from"},
	} {
		t.Run(c.name+"="+c.value, func(t *testing.T) {
			var params []string
			for name, value := range good {
				if name != c.name {
					params = append(params, name, value)
				}
			}
			refused(t, a.call("msg/sendMsg.action", append(params, c.name, c.value)...), 414, c.want)
		})
	}
	require.Empty(t, a.list(t, "bob"))
	for _, id := range []string{"", "x", "0", "-1", "9007199254740992"} {
		refused(t, a.call("msg/recall.action", "deleteMsgid", id, "timetag", "1", "type", "7", "from", "alice", "to", "bob"), 414, "deleteMsgid")
	}
	refused(t, a.call("msg/recall.action", "deleteMsgid", "1", "timetag", "1", "type", "13", "from", "alice", "to", "bob"), 414, "type: 13")
	refused(t, a.call("msg/recall.action", "deleteMsgid", "1", "type", "7", "from", "alice", "to", "bob"), 414, "timetag")
	refused(t, a.call("user/create.action", "accid", "x"), 404, "path")
}

func TestHeadersThatAreNotTheApps(t *testing.T) {
	a := newApp(t)
	for name, change := range map[string]func(http.Header){
		"another key":     func(h http.Header) { h.Set("AppKey", "other") },
		"no nonce":        func(h http.Header) { h.Del("Nonce") },
		"another nonce":   func(h http.Header) { h.Set("Nonce", "x") },
		"no time":         func(h http.Header) { h.Del("CurTime") },
		"another time":    func(h http.Header) { h.Set("CurTime", strconv.Itoa(startTime/1000+1)) },
		"no sum":          func(h http.Header) { h.Del("CheckSum") },
		"another secret":  func(h http.Header) { h.Set("CheckSum", sha("other"+h.Get("Nonce")+h.Get("CurTime"))) },
		"five minutes on": func(http.Header) { a.clock.Add(5*60*1000 + 1000) },
	} {
		t.Run(name, func(t *testing.T) {
			a.clock.Store(startTime)
			h := a.headers()
			change(h)
			status, got := post(a.nim, "/nimserver/msg/sendMsg.action", h, "from=a&ope=0&to=b&type=0&body=%7B%22msg%22%3A%22x%22%7D")
			require.Equal(t, 200, status)
			refused(t, got, 414, "bad http header")
			require.NotContains(t, got.Raw, appSecret)
		})
	}
	a.clock.Store(startTime)
	upper := a.headers()
	upper.Set("CheckSum", strings.ToUpper(upper.Get("CheckSum")))
	_, got := post(a.nim, "/nimserver/history/querySessionList.action", upper, "accid=a")
	ok(t, got)
	_, got = post(a.nim, "/nimserver/history/querySessionList.action", a.headers(), "accid="+strings.Repeat("x", 600<<10))
	refused(t, got, 414, "body: more than")
}

// copyOf posts a message copy with its own headers.
func (a *app) copyOf(body string) (int, gjson.Result) {
	return post(a.nim, "/nimserver/receiveMsg.action", a.copyHeaders(body), body)
}

func (a *app) copyHeaders(body string) http.Header {
	digest := md5.Sum([]byte(body))
	at := strconv.FormatInt(a.clock.Load(), 10)
	h := http.Header{}
	h.Set("MD5", hex.EncodeToString(digest[:]))
	h.Set("CurTime", at)
	h.Set("CheckSum", sha(appSecret+h.Get("MD5")+at))
	return h
}

func TestAMessageCopyIsDeliveredOnce(t *testing.T) {
	a := newApp(t)
	copied := `{"eventType":"1","convType":"PERSON","to":"bob","fromAccount":"alice","fromNick":"Alice","msgType":"PICTURE","attach":"{\"url\":\"u\"}",
		"msgTimestamp":"1699999999000","msgidClient":"c1","msgidServer":"5","resendFlag":"0"}`
	for range 2 {
		status, got := a.copyOf(copied)
		require.Equal(t, 200, status, got.Raw)
	}
	rows := a.list(t, "bob")
	require.Len(t, rows, 1)
	require.Equal(t, int64(1699999999000), rows[0].Get("updateTime").Int())
	require.Equal(t, "c1", rows[0].Get("lastMsg.msgIdClient").Str)
	require.Equal(t, `{"url":"u"}`, rows[0].Get("lastMsg.attach").Str)
	for _, other := range []string{
		`{"eventType":"2","accid":"alice"}`, `{"eventType":"1","convType":"CUSTOM_PERSON","msgType":"FRIEND_ADD"}`, `{"eventType":"1","convType":"PERSON","msgType":"DATATUNNEL_NEW"}`,
	} {
		status, got := a.copyOf(other)
		require.Equal(t, 200, status, got.Raw)
	}
	require.Len(t, a.list(t, "bob"), 1)
}

func TestACopyForAGroup(t *testing.T) {
	a := newApp(t)
	a.team(t, "team", "7", "alice", "carol")
	group := func(id, uuid string) string {
		return `{"eventType":"1","convType":"TEAM","to":"` + id + `","fromAccount":"alice","msgType":"TEXT","body":"hi","msgTimestamp":"1700000000000","msgidClient":"` + uuid + `","tMembers":"[\"bob\"]"}`
	}
	status, got := a.copyOf(group("7", "c1"))
	require.Equal(t, 200, status, got.Raw)
	require.Empty(t, a.list(t, "bob"), "members that were set go before those of a copy")
	require.Len(t, a.list(t, "carol"), 1)
	status, got = a.copyOf(group("8", "c2"))
	require.Equal(t, 200, status, got.Raw)
	require.Len(t, a.list(t, "bob"), 1)
	require.Len(t, a.list(t, "alice"), 2)
}

func TestACopysStatusTellsWhetherToSendItAgain(t *testing.T) {
	a := newApp(t)
	good := `{"eventType":"1","convType":"PERSON","to":"bob","fromAccount":"alice","msgType":"TEXT","body":"hi","msgTimestamp":"1700000000000","msgidClient":"c1"}`
	for body, want := range map[string]int{
		`not JSON`: 400, `[]`: 400, strings.Replace(good, `"1700000000000"`, `"soon"`, 1): 400, strings.Replace(good, `"c1"`, `""`, 1): 400,
		strings.Replace(good, `"alice"`, `"a/b"`, 1): 400, strings.Replace(strings.Replace(good, "PERSON", "TEAM", 1), "bob", "9", 1): 400,
	} {
		status, got := a.copyOf(body)
		require.Equal(t, want, status, "%s: %s", body, got.Raw)
	}
	status, _ := post(a.nim, "/nimserver/receiveMsg.action", http.Header{}, good)
	require.Equal(t, 403, status)
	status, _ = post(a.nim, "/nimserver/receiveMsg.action", a.copyHeaders(strings.Replace(good, "alice", "carol", 1)), good)
	require.Equal(t, 403, status, "headers of another body")
	old := a.copyHeaders(good)
	a.clock.Add(5*60*1000 + 1)
	status, _ = post(a.nim, "/nimserver/receiveMsg.action", old, good)
	require.Equal(t, 403, status, "headers of long ago")
	require.Empty(t, a.list(t, "bob"))

	failing := nim.New(nim.Options{ServerKey: serverKey, AppKey: appKey, AppSecret: appSecret, Now: a.clock.Load,
		API: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"code":503,"errorDetails":"later"}`) })})
	a.nim = failing
	status, _ = a.copyOf(good)
	require.Equal(t, 503, status)
}

func TestIDsRiseWithinAMillisecondAndOverARestart(t *testing.T) {
	a := newApp(t)
	last := int64(0)
	send := func() {
		id := ok(t, a.call("msg/sendMsg.action", "from", "alice", "ope", "0", "to", "bob", "type", "0", "body", `{"msg":"hi"}`)).Get("data.msgid").Int()
		require.Greater(t, id, last)
		last = id
	}
	for range 50 {
		send()
	}
	a.clock.Add(1)
	a.nim = nim.New(nim.Options{API: a.api, ServerKey: serverKey, AppKey: appKey, AppSecret: appSecret, Now: a.clock.Load})
	send()
}
