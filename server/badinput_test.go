package server_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// badInput is one call that is refused: its code, and what its text names.
type badInput struct {
	name, path, body string
	code             int
	texts            []string
}

func list(param string) string { return `{` + param + `}` }

func ids(n int) string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = `{"sessionId":"p2p|x` + strings.Repeat("y", i%7) + `"}`
	}
	return `{"sessionList":[` + strings.Join(keys, ",") + `]}`
}

func ext(jsonText string) string {
	return `{"sessionId":"bob","sessionType":"p2p","ext":` + jsonText + `}`
}

func key(id string) string { return `{"sessionId":` + id + `,"sessionType":"p2p"}` }

const (
	queryList = "/v1/queryMySessionList"
	query     = "/v1/queryMySession"
	update    = "/v1/updateMySession"
	remove    = "/v1/deleteMySession"
)

// The bad input of the calls, by the fault that it is of.
var (
	badNumbers = []badInput{
		{"limit 0", queryList, list(`"limit":0`), 414, []string{"limit", "0 is under 1"}},
		{"limit -1", queryList, list(`"limit":-1`), 414, []string{"limit", "-1 is under 1"}},
		{"limit 101", queryList, list(`"limit":101`), 414, []string{"limit", "101 is over 100"}},
		{"limit text", queryList, list(`"limit":"5"`), 414, []string{"limit", "5", "not a number"}},
		{"limit NaN", queryList, list(`"limit":NaN`), 414, []string{"malformed JSON"}},
		{"limit 2^53+1", queryList, list(`"limit":9007199254740993`), 414, []string{"limit", "9007199254740993", "2^53-1"}},
		{"limit 1.5", queryList, list(`"limit":1.5`), 414, []string{"limit", "1.5", "whole"}},
		{"limit 1e2", queryList, list(`"limit":1e2`), 414, []string{"limit", "1e2"}},
		{"limit null", queryList, list(`"limit":null`), 414, []string{"limit", "null"}},
		{"min over max", queryList, list(`"minTimestamp":5,"maxTimestamp":4`), 414, []string{"minTimestamp", "5 is over maxTimestamp 4"}},
		{"min -1", queryList, list(`"minTimestamp":-1`), 414, []string{"minTimestamp", "-1 is under 0"}},
		{"max 2^53+1", queryList, list(`"maxTimestamp":9007199254740993`), 414, []string{"maxTimestamp", "2^53-1"}},
		{"needLastMsg 2", queryList, list(`"needLastMsg":2`), 414, []string{"needLastMsg", "2 is not 0 or 1"}},
		{"hasMore 2", queryList, list(`"hasMore":"yes"`), 414, []string{"hasMore", "0 or 1"}},
		{"list of an array", queryList, `[]`, 414, []string{"body", "not a JSON object"}},
		{"sync limit", "/v1/sync", `{"limit":501}`, 414, []string{"limit", "501 is over 500"}},
		{"sync cursor", "/v1/sync", `{"cursor":-1}`, 414, []string{"cursor", "-1 is under 0"}},
		{"snapshot limit", "/v1/snapshot", `{"limit":0}`, 414, []string{"limit", "0 is under 1"}},
		{"limit 1e9", queryList, list(`"limit":1000000000`), 414, []string{"limit", "1000000000 is over 100"}},
		{"limit -0", queryList, list(`"limit":-0`), 414, []string{"limit"}},
		{"limit 1e400", queryList, list(`"limit":1e400`), 414, []string{"limit", "1e400"}},
		{"limit 2^64", queryList, list(`"limit":18446744073709551616`), 414, []string{"limit", "2^53-1"}},
		{"limit of an array", queryList, list(`"limit":[1]`), 414, []string{"limit", "not a number"}},
		{"limit Infinity", queryList, list(`"limit":Infinity`), 414, []string{"malformed JSON"}},
		{"sync cursor 2^53", "/v1/sync", `{"cursor":9007199254740992}`, 414, []string{"cursor", "2^53-1"}},
		{"snapshot time -1", "/v1/snapshot", `{"maxTime":-1}`, 414, []string{"maxTime", "-1 is under 0"}},
	}
	badExts = []badInput{
		{"ext over", update, ext(`"` + strings.Repeat("x", 1025) + `"`), 414, []string{"ext", "1025", "over 1024"}},
		{"ext emoji at the border", update, ext(`"` + strings.Repeat("x", 1023) + `😀"`), 414, []string{"ext", "1025", "over 1024"}},
		{"ext NUL", update, ext(`"ab\u0000"`), 414, []string{"ext", "U+0000 at byte 2"}},
		{"ext lone surrogate", update, ext(`"\ud800"`), 414, []string{"lone surrogate"}},
		{"ext lone low surrogate", update, ext(`"\udc00\ud800"`), 414, []string{"lone surrogate"}},
		{"ext null", update, ext(`null`), 414, []string{"ext", "not a string"}},
		{"ext missing", update, key(`"bob"`), 414, []string{"ext", "missing"}},
		{"ext of bytes that are no UTF-8", update, ext("\"\xff\""), 414, []string{"UTF-8"}},
		{"ext of an object", update, ext(`{"a":1}`), 414, []string{"ext", "not a string"}},
		{"ext with a lone surrogate at its end", update, ext(`"x\udbff"`), 414, []string{"lone surrogate"}},
		{"ext over in a mutation", "/v1/mutate", `{"clientId":"c","muts":[{"mid":1,"op":"ext","key":"p2p|bob","ext":"` + strings.Repeat("x", 1025) + `"}]}`, 414, []string{"ext", "1025"}},
	}
	badKeys = []badInput{
		{"id with /", query, key(`"a/b"`), 414, []string{"sessionId", `"a/b"`, "/"}},
		{"id empty", query, key(`""`), 414, []string{"sessionId", "empty"}},
		{"id 300 bytes", query, key(`"` + strings.Repeat("x", 300) + `"`), 414, []string{"sessionId", "300 bytes is over 64"}},
		{"id 65 bytes", query, key(`"` + strings.Repeat("x", 65) + `"`), 414, []string{"65 bytes is over 64"}},
		{"id NUL", query, key(`"a\u0000"`), 414, []string{"sessionId", "U+0000"}},
		{"id DEL", query, key(`"a\u007f"`), 414, []string{"U+007F"}},
		{"id of a number", query, key(`7`), 414, []string{"sessionId", "not a string"}},
		{"id missing", query, `{"sessionType":"p2p"}`, 414, []string{"sessionId", "missing"}},
		{"type missing", query, `{"sessionId":"bob"}`, 414, []string{"sessionType", "missing"}},
		{"type unknown", query, `{"sessionId":"bob","sessionType":"chatRoom"}`, 414, []string{"sessionType", `"chatRoom"`, "p2p, team, superTeam"}},
		{"type of a prototype", query, `{"sessionId":"bob","sessionType":"__proto__"}`, 414, []string{`"__proto__"`}},
		{"prefix contradicts", query, `{"sessionId":"team|1","sessionType":"p2p"}`, 414, []string{`"team|1"`, "contradicts sessionType p2p"}},
		{"0 keys", remove, ids(0), 414, []string{"sessionList", "0 keys", "1 and 100"}},
		{"101 keys", remove, ids(101), 414, []string{"sessionList", "101 keys", "1 and 100"}},
		{"keys missing", remove, `{}`, 414, []string{"0 keys"}},
		{"keys of an object", remove, `{"sessionList":{}}`, 414, []string{"sessionList", "not an array"}},
		{"a bad key among good ones", remove, `{"sessionList":[{"sessionId":"p2p|bob"},{"sessionId":"p2p|a/b"}]}`, 414, []string{"sessionList: 1: sessionId", "/"}},
	}
	badMids = []badInput{
		{"no mutations", "/v1/mutate", `{"clientId":"c","muts":[]}`, 414, []string{"muts", "1 and 100"}},
		{"a mid that does not follow", "/v1/mutate", `{"clientId":"c","muts":[{"mid":1,"op":"delete","key":"p2p|bob"},{"mid":3,"op":"delete","key":"p2p|bob"}]}`, 414, []string{"3 does not follow 1"}},
		{"mid 2^53", "/v1/mutate", `{"clientId":"c","muts":[{"mid":9007199254740992,"op":"delete","key":"p2p|bob"}]}`, 414, []string{"mid", "9007199254740992", "2^53-1"}},
		{"mid 0", "/v1/mutate", `{"clientId":"c","muts":[{"mid":0,"op":"delete","key":"p2p|bob"}]}`, 414, []string{"mid", "0 is under 1"}},
		{"mid -1", "/v1/mutate", `{"clientId":"c","muts":[{"mid":-1,"op":"delete","key":"p2p|bob"}]}`, 414, []string{"mid", "-1 is under 1"}},
		{"mid 1.5", "/v1/mutate", `{"clientId":"c","muts":[{"mid":1.5,"op":"delete","key":"p2p|bob"}]}`, 414, []string{"mid", "1.5"}},
		{"mid of text", "/v1/mutate", `{"clientId":"c","muts":[{"mid":"1","op":"delete","key":"p2p|bob"}]}`, 414, []string{"mid"}},
		{"101 mutations", "/v1/mutate", mutations(101), 414, []string{"muts", "more than 100"}},
		{"an op that is none", "/v1/mutate", `{"clientId":"c","muts":[{"mid":1,"op":"drop","key":"p2p|bob"}]}`, 414, []string{"op"}},
		{"no client", "/v1/mutate", `{"muts":[{"mid":1,"op":"delete","key":"p2p|bob"}]}`, 414, []string{"clientId"}},
		{"a client of 65 bytes", "/v1/mutate", `{"clientId":"` + strings.Repeat("c", 65) + `","muts":[{"mid":1,"op":"delete","key":"p2p|bob"}]}`, 414, []string{"clientId"}},
	}
	badJSON = []badInput{
		{"JSON truncated", update, `{"sessionId":"bob","sessionType":"p2p","ext":"x`, 414, []string{"malformed JSON at byte"}},
		{"JSON with a tail", update, ext(`"x"`) + `]`, 414, []string{"malformed JSON"}},
		{"JSON empty", update, ``, 414, []string{"body", "malformed JSON at byte 0"}},
		{"JSON deep", update, `{"a":` + strings.Repeat("[", 60_000), 414, []string{"deeper than 256"}},
		{"JSON 1 MB deep", update, strings.Repeat("[", 1<<20), 413, []string{"1048576 bytes is over 65536"}},
		{"the same name twice", update, `{"sessionId":"bob","sessionType":"p2p","ext":"a","ext":"b"}`, 414, []string{`"ext" stands twice`}},
		{"the same name twice, escaped", update, `{"sessionId":"bob","sessionType":"p2p","ext":"a","\u0065xt":"b"}`, 414, []string{`"ext" stands twice`}},
		{"a body over the limit by one", update, ext(`"` + strings.Repeat("x", 65537-len(ext(`""`))) + `"`), 413, []string{"65537 bytes is over 65536"}},
	}
	badInputs = slices.Concat(badNumbers, badExts, badKeys, badMids, badJSON)
)

// mutations is a batch of n.
func mutations(n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf(`{"mid":%d,"op":"delete","key":"p2p|x%d"}`, i+1, i)
	}
	return `{"clientId":"c","muts":[` + strings.Join(list, ",") + `]}`
}

// refuseAll holds that each of a fault's inputs is refused, by its name and its
// bound, and changes nothing.
func refuseAll(t *testing.T, fault string, inputs []badInput) {
	onBoth(t, func(t *testing.T, w *world) {
		w.send("bob", "alice", "m1", "")
		w.send("carol", "alice", "m2", "")
		before := w.state("alice")
		for _, c := range inputs {
			w.user("alice", c.path, c.body).refused(t, c.code, c.texts...)
			require.Equal(t, before, w.state("alice"), c.name)
		}
	})
	t.Attr(fault, fmt.Sprintf("%d bad inputs refused by name and bound, 0 changed anything", len(inputs)))
}

func TestA3NumbersOutOfTheirBounds(t *testing.T)  { refuseAll(t, "A3", badNumbers) }
func TestA4ExtsThatWouldNotComeBack(t *testing.T) { refuseAll(t, "A4", badExts) }
func TestA5KeysOfABadShape(t *testing.T)          { refuseAll(t, "A5", badKeys) }
func TestA6MutationsOutOfLine(t *testing.T)       { refuseAll(t, "A6", badMids) }
func TestA7JSONThatReadersDifferIn(t *testing.T)  { refuseAll(t, "A7", badJSON) }

// TestA4ExtsComeBackAsTheyCame: at the border too, and whatever they hold.
func TestA4ExtsComeBackAsTheyCame(t *testing.T) {
	texts := []string{strings.Repeat("x", 1024), strings.Repeat("x", 1022) + "😀", strings.Repeat("語", 1024), "", `\u2028"'<script>`,
		"\u2028\u2029", "__proto__", `{"__proto__":{"polluted":1}}`, "constructor", "\u0001\u001f\u007f", "\ufeffBOM", "e\u0301", "\U0010ffff", "null", "'; DROP TABLE sessions; --"}
	onBoth(t, func(t *testing.T, w *world) {
		for i, text := range texts {
			w.user("alice", update, object{"sessionId": "bob", "sessionType": "p2p", "ext": text}).ok(t)
			require.Equal(t, text, w.session("alice", "bob").Get("ext").Str)
			w.user("alice", "/v1/mutate", object{"clientId": "c", "muts": []object{{"mid": i + 1, "op": "ext", "key": "p2p|carol", "ext": text}}}).ok(t)
			require.Equal(t, text, w.session("alice", "carol").Get("ext").Str)
			page := w.user("alice", "/v1/snapshot", `{}`).ok(t)
			require.Equal(t, text, page.Get(`rows.#(k=="p2p|bob").x`).Str)
		}
	})
	t.Attr("A4", fmt.Sprintf("%d texts, at the border of 1,024 units and with what languages trip over, come back as they came", len(texts)))
}

// TestA5KeysAtTheirBorders: 100 keys, the same one twice, an id with "|".
func TestA5KeysAtTheirBorders(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.send("p2p|odd", "alice", "m1", "")
		w.send("bob", "alice", "m2", "")
		w.user("alice", query, `{"sessionId":"p2p|p2p|odd"}`).ok(t)
		w.user("alice", query, `{"sessionId":"p2p|odd","sessionType":"p2p"}`).refused(t, 404, `"p2p|odd"`)
		w.user("alice", remove, ids(100)).ok(t)
		require.Len(t, w.list("alice"), 2)
		seq := w.cursor("alice").Seq
		w.user("alice", remove, `{"sessionList":[{"sessionId":"p2p|bob"},{"sessionId":"bob","sessionType":"p2p"},{"sessionId":"p2p|p2p|odd"}]}`).ok(t)
		require.Empty(t, w.list("alice"))
		require.Equal(t, seq+2, w.cursor("alice").Seq, "a key that stands twice counts once")
	})
	t.Attr("A5", "100 keys taken, 101 refused, a key given twice counts once, an id with | is split at the first")
}

var badBackendInputs = []badInput{
	{"account missing", "/v1/issueToken", `{}`, 414, []string{"account", "missing"}},
	{"account with /", "/v1/issueToken", `{"account":"a/b"}`, 414, []string{"account", `"a/b"`}},
	{"ttl 0", "/v1/issueToken", `{"account":"a","ttlSeconds":0}`, 414, []string{"ttlSeconds", "0 is under 1"}},
	{"ttl over", "/v1/issueToken", `{"account":"a","ttlSeconds":31536001}`, 414, []string{"31536001 is over 31536000"}},

	{"from missing", "/v1/sendMessage", `{"to":"bob","sessionType":"p2p","message":{}}`, 414, []string{"from", "missing"}},
	{"to missing", "/v1/sendMessage", `{"from":"bob","sessionType":"p2p","message":{}}`, 414, []string{"to", "missing"}},
	{"to of a number", "/v1/sendMessage", `{"from":"bob","to":5,"sessionType":"p2p","message":{}}`, 414, []string{"to", "not a string"}},
	{"type missing", "/v1/sendMessage", `{"from":"bob","to":"alice","message":{}}`, 414, []string{"sessionType"}},
	{"message missing", "/v1/sendMessage", `{"from":"bob","to":"alice","sessionType":"p2p"}`, 414, []string{"message", "missing"}},
	{"message of text", "/v1/sendMessage", `{"from":"bob","to":"alice","sessionType":"p2p","message":"hi"}`, 414, []string{"message", "not an object"}},
	{"content of a number", "/v1/sendMessage", `{"from":"bob","to":"alice","sessionType":"p2p","message":{"content":5}}`, 414, []string{"message.content", "not a string"}},
	{"uuid over", "/v1/sendMessage", `{"from":"bob","to":"alice","sessionType":"p2p","message":{"uuid":"` + strings.Repeat("u", 129) + `"}}`, 414, []string{"129 bytes is over 128"}},
	{"future", "/v1/sendMessage", `{"from":"bob","to":"alice","sessionType":"p2p","message":{"timestamp":1800000000000}}`, 414, []string{"message.timestamp", "1800000000000"}},
	{"recipients of p2p", "/v1/sendMessage", `{"from":"bob","to":"alice","sessionType":"p2p","message":{},"recipients":["x"]}`, 414, []string{"recipients"}},
	{"no recipients", "/v1/sendMessage", `{"from":"bob","to":"t","sessionType":"team","message":{},"recipients":[]}`, 414, []string{"recipients", "0 accounts is under 1"}},
	{"2001 recipients", "/v1/sendMessage", `{"from":"bob","to":"t","sessionType":"team","message":{},"recipients":["x"` + strings.Repeat(`,"x"`, 2000) + `]}`, 414, []string{"2001 accounts is over 2000"}},
	{"a bad recipient", "/v1/sendMessage", `{"from":"bob","to":"t","sessionType":"team","message":{},"recipients":["x","a/b"]}`, 414, []string{"recipients: 1", `"a/b"`}},
	{"unknown team", "/v1/sendMessage", `{"from":"bob","to":"nope","sessionType":"team","message":{}}`, 404, []string{`"team|nope"`}},
	{"a message over its limit", "/v1/sendMessage", `{"from":"bob","to":"alice","sessionType":"p2p","message":{"content":"` + strings.Repeat("x", 256<<10) + `"}}`, 413, []string{"over 262144"}},

	{"revoke without uuid", "/v1/revokeMessage", `{"from":"bob","to":"alice","sessionType":"p2p","operator":"bob"}`, 414, []string{"uuid", "missing"}},
	{"revoke without operator", "/v1/revokeMessage", `{"from":"bob","to":"alice","sessionType":"p2p","uuid":"m1"}`, 414, []string{"operator", "missing"}},
	{"revoke in an unknown team", "/v1/revokeMessage", `{"from":"bob","to":"nope","sessionType":"superTeam","uuid":"m1","operator":"bob"}`, 404, []string{`"super_team|nope"`}},

	{"team of p2p", "/v1/setTeamMembers", `{"teamId":"t","sessionType":"p2p","members":[]}`, 414, []string{"sessionType", `"p2p"`}},
	{"team without members", "/v1/setTeamMembers", `{"teamId":"t","sessionType":"team"}`, 414, []string{"members", "missing"}},
	{"team without id", "/v1/setTeamMembers", `{"sessionType":"team","members":[]}`, 414, []string{"teamId", "missing"}},
	{"team with a bad owner", "/v1/setTeamMembers", `{"teamId":"t","sessionType":"team","owner":"a/b","members":[]}`, 414, []string{"owner"}},

	{"one-way without session", "/v1/deleteMessageOneWay", `{"account":"alice","uuid":"m1"}`, 414, []string{"sessionId", "missing"}},
	{"one-way without uuid", "/v1/deleteMessageOneWay", `{"account":"alice","sessionId":"p2p|bob"}`, 414, []string{"uuid", "missing"}},
	{"backend body of text", "/v1/deleteMessageOneWay", `"x"`, 414, []string{"not a JSON object"}},
}

func TestBadInputOfTheBackend(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.send("bob", "alice", "m1", "")
		before := w.state("alice")
		for _, c := range badBackendInputs {
			w.server(c.path, c.body).refused(t, c.code, c.texts...)
			require.Equal(t, before, w.state("alice"), c.name)
		}
	})
}

func TestTooManyMembersWithTheOwner(t *testing.T) {
	w := onMemory(t)
	members := make([]string, 2000)
	for i := range members {
		members[i] = fmt.Sprintf("member-%04d", i)
	}
	team := object{"teamId": "t", "sessionType": "team", "members": members}
	w.server("/v1/setTeamMembers", team).ok(t)
	team["owner"] = "boss"
	w.server("/v1/setTeamMembers", team).refused(t, 414, "2001 accounts", "over 2000")
}

func TestMethodsAndPaths(t *testing.T) {
	w := onMemory(t)
	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete, "BREW"} {
		a := w.request(method, queryList, nil, "Authorization", "Bearer "+w.token("alice"))
		require.Equal(t, 405, a.status)
		require.Equal(t, 414, a.code)
		require.Equal(t, "POST, OPTIONS", a.header.Get("Allow"))
	}
	require.Equal(t, 405, w.request(http.MethodPost, "/healthz", `{}`).status)
	for _, path := range []string{"/", "/v1", "/v1/", "/v1/querymysessionlist", "/v1/sync/", "//v1/sync", "/v1/dev/token", "/metrics"} {
		w.user("alice", path, `{}`).refused(t, 404, "no such call")
	}
}

func TestHeadersOfAnAnswer(t *testing.T) {
	w := onMemory(t)
	for _, a := range []answer{w.user("alice", queryList, `{}`), w.user("alice", queryList, `{"limit":0}`)} {
		require.Equal(t, "application/json; charset=utf-8", a.header.Get("Content-Type"))
		require.Equal(t, "no-store", a.header.Get("Cache-Control"))
		require.Equal(t, "nosniff", a.header.Get("X-Content-Type-Options"))
	}
}

// TestBodyWithoutALength: a chunked body is held to the bound too.
func TestBodyWithoutALength(t *testing.T) {
	w := onMemory(t)
	r, err := http.NewRequest(http.MethodPost, w.http.URL+update, struct{ *strings.Reader }{strings.NewReader(strings.Repeat(" ", 70_000))})
	require.NoError(t, err)
	require.Zero(t, r.ContentLength)
	r.Header.Set("Authorization", "Bearer "+w.token("alice"))
	res, err := http.DefaultTransport.RoundTrip(r)
	require.NoError(t, err)
	defer func() { _ = res.Body.Close() }()
	read(t, res).refused(t, 413, "more than 65536 bytes is over 65536")
}
