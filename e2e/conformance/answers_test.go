package conformance

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What differs between two places that did the same: epochs, random ids, and all
// that is made of times, which has 13 digits or more.
var (
	epochs = regexp.MustCompile(`"epoch":"[0-9a-f]{16}"`)
	times  = regexp.MustCompile(`\d{13,}`)
	tokens = regexp.MustCompile(`"token":"[^"]*"`)
	ids    = regexp.MustCompile(`"[0-9a-f]{32}"|\\"[0-9a-f]{32}\\"`) // of messages that came without a uuid
)

func same(text string) string {
	text = epochs.ReplaceAllString(text, `"epoch":"…"`)
	text = ids.ReplaceAllString(text, `"…"`)
	text = tokens.ReplaceAllString(text, `"token":"…"`)
	return times.ReplaceAllString(text, "#")
}

// comparedHeaders are those that a caller acts on.
var comparedHeaders = []string{"Content-Type", "Cache-Control", "X-Content-Type-Options", "WWW-Authenticate", "Allow", "Vary",
	"Access-Control-Allow-Origin", "Access-Control-Allow-Methods", "Access-Control-Allow-Headers", "Access-Control-Max-Age"}

func headersOf(a answer) map[string]string {
	h := map[string]string{}
	for _, name := range comparedHeaders {
		h[name] = strings.Join(a.header.Values(name), ", ")
	}
	return h
}

// users stand for the tokens of a script, which each place issues for itself.
var users = map[string]bool{"alice": true, "bob": true, "carol": true, "dave": true}

// script is sent to both places, in order. What it expects of the status stands
// beside each request, so that two places that fail alike do not pass.
var script = []struct {
	status int
	request
}{
	// Who may call.
	{401, request{path: "/v1/queryMySessionList", body: `{}`}},
	{401, request{path: "/v1/queryMySessionList", token: "not.a.token", body: `{}`}},
	{401, request{path: "/v1/sync", token: "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSIsImV4cCI6OTk5OTk5OTk5OX0.", body: `{}`}},
	{401, request{path: "/v1/queryMySessionList", header: map[string]string{"Authorization": "Basic YTpi"}, body: `{}`}},
	{403, request{path: "/v1/queryMySessionList", token: serverKey, body: `{}`}},
	{403, request{path: "/v1/issueToken", token: "alice", body: `{"account":"bob"}`}},
	{403, request{path: "/v1/setTeamMembers", token: "alice", body: `{"teamId":"t","sessionType":"team","members":[]}`}},
	{200, request{path: "/v1/issueToken", token: serverKey, body: `{"account":"x|y","ttlSeconds":60}`}},
	{400, request{path: "/v1/issueToken", token: serverKey, body: `{"account":"a/b"}`}},
	{400, request{path: "/v1/issueToken", token: serverKey, body: `{"account":"a","ttlSeconds":0}`}},
	{200, request{path: "/v1/dev/token", body: `{"account":"alice"}`}},
	{403, request{path: "/v1/dev/token", body: `{"account":"alice"}`, header: map[string]string{"Origin": "https://evil.example"}}},

	// Paths, methods, CORS.
	{404, request{path: "/v1/nothing", token: "alice", body: `{}`}},
	{404, request{path: "/nothing", method: "GET"}},
	{405, request{path: "/v1/sync", method: "GET", token: "alice"}},
	{405, request{path: "/healthz", body: `{}`}},
	{200, request{path: "/healthz", method: "GET"}},
	{200, request{path: "/readyz", method: "GET"}},
	{200, request{path: "/openapi.json", method: "GET"}},
	{204, request{path: "/v1/sync", method: "OPTIONS", header: map[string]string{"Origin": "http://localhost:5173"}}},
	{403, request{path: "/v1/sync", method: "OPTIONS", header: map[string]string{"Origin": "https://evil.example"}}},
	{200, request{path: "/v1/queryMySessionList", token: "alice", body: `{}`, header: map[string]string{"Origin": "http://localhost:5173"}}},
	{400, request{path: "/v1/updates", method: "GET", token: "alice"}},

	// Bodies.
	{400, request{path: "/v1/queryMySessionList", token: "alice", body: ``}},
	{400, request{path: "/v1/queryMySessionList", token: "alice", body: `{`}},
	{400, request{path: "/v1/queryMySessionList", token: "alice", body: `[]`}},
	{400, request{path: "/v1/queryMySessionList", token: "alice", body: `{"limit":1,"limit":2}`}},
	{400, request{path: "/v1/queryMySessionList", token: "alice", body: "{\"limit\":1}\x00"}},
	{413, request{path: "/v1/updateMySession", token: "alice", body: `{"ext":"` + strings.Repeat("x", 70<<10) + `"}`}},
	{413, request{path: "/v1/sendMessage", token: serverKey, body: `{"ext":"` + strings.Repeat("x", 300<<10) + `"}`}},

	// The four calls, good and bad.
	{400, request{path: "/v1/queryMySessionList", token: "alice", body: `{"limit":101}`}},
	{400, request{path: "/v1/queryMySessionList", token: "alice", body: `{"minTimestamp":2,"maxTimestamp":1}`}},
	{404, request{path: "/v1/queryMySession", token: "alice", body: `{"sessionId":"bob","sessionType":"p2p"}`}},
	{200, request{path: "/v1/updateMySession", token: "alice", body: `{"sessionId":"bob","sessionType":"p2p","ext":"{\"pinned\":true}"}`}},
	{200, request{path: "/v1/queryMySession", token: "alice", body: `{"sessionId":"p2p|bob","sessionType":"p2p"}`}},
	{400, request{path: "/v1/queryMySession", token: "alice", body: `{"sessionId":"team|bob","sessionType":"p2p"}`}},
	{400, request{path: "/v1/updateMySession", token: "alice", body: `{"sessionId":"bob","sessionType":"p2p","ext":null}`}},
	{400, request{path: "/v1/updateMySession", token: "alice", body: `{"sessionId":"bob","sessionType":"none","ext":""}`}},
	{400, request{path: "/v1/updateMySession", token: "alice", body: `{"sessionId":"bob","sessionType":"p2p","ext":"\u0000"}`}},
	{400, request{path: "/v1/deleteMySession", token: "alice", body: `{"sessionList":[]}`}},
	{200, request{path: "/v1/deleteMySession", token: "alice", body: `{"sessionList":[{"sessionId":"nobody","sessionType":"p2p"}]}`}},
	{200, request{path: "/v1/updateMySession", token: "alice", body: `{"sessionId":"💬 \"'\\","sessionType":"p2p","ext":"☕ \u2028 \"quoted\" 'single' \\ \n ?"}`}},
	{200, request{path: "/v1/queryMySessionList", token: "alice", body: `{}`}},

	// Messages, groups, revokes.
	{200, request{path: "/v1/sendMessage", token: serverKey, body: `{"from":"bob","to":"alice","sessionType":"p2p","message":{"uuid":"m1","content":"hello 👋","remoteExtension":{"n":12345678901234567890,"x":1.0}}}`}},
	{200, request{path: "/v1/sendMessage", token: serverKey, body: `{"from":"bob","to":"alice","sessionType":"p2p","message":{"uuid":"m1","content":"hello 👋","remoteExtension":{"n":12345678901234567890,"x":1.0}}}`}},
	{409, request{path: "/v1/sendMessage", token: serverKey, body: `{"from":"bob","to":"alice","sessionType":"p2p","message":{"uuid":"m1","content":"other"}}`}},
	{200, request{path: "/v1/sendMessage", token: "alice", body: `{"from":"alice","to":"alice","sessionType":"p2p","message":{"uuid":"self","content":"note"}}`}},
	{403, request{path: "/v1/sendMessage", token: "alice", body: `{"from":"bob","to":"alice","sessionType":"p2p","message":{"uuid":"m2"}}`}},
	{400, request{path: "/v1/sendMessage", token: serverKey, body: `{"from":"bob","to":"alice","sessionType":"p2p"}`}},
	{400, request{path: "/v1/sendMessage", token: serverKey, body: `{"to":"alice","sessionType":"p2p","message":{}}`}},
	{400, request{path: "/v1/sendMessage", token: serverKey, body: `{"from":"bob","to":"alice","sessionType":"p2p","message":[]}`}},
	{200, request{path: "/v1/sendMessage", token: serverKey, body: `{"from":"carol","to":"alice","sessionType":"p2p","message":{"uuid":"old","content":"long ago","timestamp":1600000000000}}`}},
	{404, request{path: "/v1/sendMessage", token: serverKey, body: `{"from":"bob","to":"none","sessionType":"team","message":{"uuid":"m3"}}`}},
	{404, request{path: "/v1/sendMessage", token: "bob", body: `{"from":"bob","to":"none","sessionType":"team","message":{"uuid":"m3"}}`}},
	{200, request{path: "/v1/setTeamMembers", token: serverKey, body: `{"teamId":"hike","sessionType":"team","owner":"alice","managers":["bob"],"members":["carol"]}`}},
	{400, request{path: "/v1/setTeamMembers", token: serverKey, body: `{"teamId":"hike","sessionType":"p2p","members":["carol"]}`}},
	{400, request{path: "/v1/setTeamMembers", token: serverKey, body: `{"teamId":"hike","sessionType":"team"}`}},
	{200, request{path: "/v1/sendMessage", token: "carol", body: `{"from":"carol","to":"hike","sessionType":"team","message":{"uuid":"t1","content":"who comes?"}}`}},
	{403, request{path: "/v1/sendMessage", token: "dave", body: `{"from":"dave","to":"hike","sessionType":"team","message":{"uuid":"t2","content":"me"}}`}},
	{200, request{path: "/v1/sendMessage", token: serverKey, body: `{"from":"dave","to":"hike","sessionType":"team","recipients":["alice","dave"],"message":{"uuid":"t3","content":"to two"}}`}},
	{403, request{path: "/v1/revokeMessage", token: "dave", body: `{"from":"carol","to":"hike","sessionType":"team","uuid":"t1","operator":"dave"}`}},
	{200, request{path: "/v1/revokeMessage", token: "bob", body: `{"from":"carol","to":"hike","sessionType":"team","uuid":"t1","operator":"bob","notice":"off topic"}`}},
	{200, request{path: "/v1/revokeMessage", token: serverKey, body: `{"from":"bob","to":"alice","sessionType":"p2p","uuid":"m1","operator":"bob","notice":"sorry"}`}},
	{403, request{path: "/v1/revokeMessage", token: "alice", body: `{"from":"bob","to":"alice","sessionType":"p2p","uuid":"m1","operator":"alice"}`}},
	{200, request{path: "/v1/sendMessage", token: serverKey, body: `{"from":"bob","to":"dave","sessionType":"p2p","message":{"uuid":"quiet","content":"x","sessionUpdate":false}}`}},
	{200, request{path: "/v1/deleteMessageOneWay", token: serverKey, body: `{"account":"alice","sessionId":"carol","sessionType":"p2p","uuid":"old"}`}},

	// Once under a key.
	{200, request{path: "/v1/sendMessage", token: serverKey, header: map[string]string{"Idempotency-Key": "k1"}, body: `{"from":"bob","to":"carol","sessionType":"p2p","message":{"content":"once"}}`}},
	{200, request{path: "/v1/sendMessage", token: serverKey, header: map[string]string{"Idempotency-Key": "k1"}, body: `{"from":"bob","to":"carol","sessionType":"p2p","message":{"content":"once"}}`}},
	{409, request{path: "/v1/sendMessage", token: serverKey, header: map[string]string{"Idempotency-Key": "k1"}, body: `{"from":"bob","to":"carol","sessionType":"p2p","message":{"content":"twice"}}`}},
	{400, request{path: "/v1/updateMySession", token: "alice", header: map[string]string{"Idempotency-Key": "a b"}, body: `{"sessionId":"bob","sessionType":"p2p","ext":""}`}},

	// A group's keys are its own.
	{200, request{path: "/v1/setTeamMembers", token: serverKey, header: map[string]string{"Idempotency-Key": "k2"}, body: `{"teamId":"one","sessionType":"team","members":["alice"]}`}},
	{200, request{path: "/v1/setTeamMembers", token: serverKey, header: map[string]string{"Idempotency-Key": "k2"}, body: `{"teamId":"two","sessionType":"team","members":["alice"]}`}},
	{200, request{path: "/v1/setTeamMembers", token: serverKey, header: map[string]string{"Idempotency-Key": "k2"}, body: `{"teamId":"one","sessionType":"team","members":["alice"]}`}},
	{409, request{path: "/v1/setTeamMembers", token: serverKey, header: map[string]string{"Idempotency-Key": "k2"}, body: `{"teamId":"one","sessionType":"team","members":["bob"]}`}},

	// Accounts that move.
	{200, request{path: "/v1/exportAccount", token: serverKey, body: `{"account":"alice"}`}},
	{404, request{path: "/v1/exportAccount", token: serverKey, body: `{"account":"nobody"}`}},
	{400, request{path: "/v1/exportAccount", token: serverKey, body: `{}`}},
	{400, request{path: "/v1/importAccount", token: serverKey, body: `{"account":"alice"}`}},
	{403, request{path: "/v1/exportAccount", token: "alice", body: `{"account":"alice"}`}},
	{403, request{path: "/v1/importAccount", token: "alice", body: `{"account":"alice","page":{}}`}},

	// Replicas.
	{200, request{path: "/v1/snapshot", token: "alice", body: `{"limit":2}`}},
	{400, request{path: "/v1/snapshot", token: "alice", body: `{"limit":501}`}},
	{200, request{path: "/v1/mutate", token: "alice", body: `{"clientId":"c","muts":[{"mid":1,"op":"ext","key":"p2p|bob","ext":"one"},{"mid":2,"op":"delete","key":"p2p|carol"}]}`}},
	{200, request{path: "/v1/mutate", token: "alice", body: `{"clientId":"c","muts":[{"mid":2,"op":"delete","key":"p2p|carol"}]}`}},
	{200, request{path: "/v1/mutate", token: "alice", body: `{"clientId":"d","muts":[{"mid":1,"op":"delete","key":"p2p|bob","seenTime":1},{"mid":2,"op":"lost"},{"mid":3,"op":"skip","by":4},{"mid":4,"op":"delete","key":"p2p|bob","seenTime":1}]}`}},
	{200, request{path: "/v1/mutate", token: "alice", body: `{"clientId":"d","muts":[{"mid":1,"op":"skip"},{"mid":2,"op":"ext","key":"p2p|bob","ext":"lost"},{"mid":3,"op":"lost"}]}`}},
	{400, request{path: "/v1/mutate", token: "alice", body: `{"clientId":"d","muts":[{"mid":5,"op":"skip","by":5}]}`}},
	{200, request{path: "/v1/mutate", token: "alice", body: `{"clientId":"c","muts":[{"mid":4,"op":"ext","key":"p2p|x","ext":""}]}`}},
	{400, request{path: "/v1/mutate", token: "alice", body: `{"clientId":"c","muts":[{"mid":1,"op":"skip"},{"mid":3,"op":"skip"}]}`}},
	{400, request{path: "/v1/mutate", token: "alice", body: `{"clientId":"c","muts":[]}`}},
	{200, request{path: "/v1/sync", token: "alice", body: `{"v":1,"epoch":"nope","cursor":0,"clientId":"c","limit":10}`}},
	{200, request{path: "/v1/queryMySessionList", token: "alice", body: `{"limit":2}`}},
	{200, request{path: "/v1/queryMySessionList", token: "alice", body: `{"limit":100,"needLastMsg":0}`}},
}

// TestAnswers sends the script to both and compares every answer, and in the end
// every account's log.
func TestAnswers(t *testing.T) {
	server, edge := newServer(t), newEdge(t)
	for _, step := range script {
		want := ask(t, server, step.request)
		require.Equal(t, step.status, want.status, "%s %s: %s", step.path, shown(step.body), want.body)
		got := ask(t, edge, step.request)
		require.Equal(t, want.status, got.status, "%s %s: %s", step.path, shown(step.body), got.body)
		require.Equal(t, same(want.body), same(got.body), "%s %s", step.path, shown(step.body))
		require.Equal(t, headersOf(want), headersOf(got), "%s %s", step.path, shown(step.body))
		settle(t, server, edge)
	}
	for name := range users {
		require.Equal(t, same(server.changes(t, name).body), same(edge.changes(t, name).body), name)
	}
}

func ask(t *testing.T, s *service, q request) answer {
	if users[q.token] {
		q.token = s.token(t, q.token)
	}
	return s.do(t, q)
}

// settle waits until all that was sent has arrived.
func settle(t *testing.T, server, edge *service) {
	for name := range users {
		edge.reaches(t, name, server.head(t, name))
	}
}

func shown(body string) string { return body[:min(len(body), 200)] }

func TestAfterARefusalTheNextCallWorks(t *testing.T) {
	for _, s := range []*service{newServer(t), newEdge(t)} {
		a := s.do(t, request{path: "/v1/updateMySession", token: s.token(t, "alice"), body: `{"sessionId":"x","sessionType":"p2p","ext":1}`})
		require.Equal(t, http.StatusBadRequest, a.status)
		s.call(t, "updateMySession", s.token(t, "alice"), object{"sessionId": "x", "sessionType": "p2p", "ext": "1"})
		require.EqualValues(t, 1, s.head(t, "alice"), s.name)
	}
}
