package server_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"recents/core"
)

// openPaths take no token and show nothing of an account. Any other path has an
// entry in the matrix, or the test fails.
var openPaths = []string{"/healthz", "/readyz", "/metrics", "/openapi.json"}

// TestA1MatrixOfTwoAccounts: every path there is, with mallory's token and
// everything of alice's that a request can name, gives and changes nothing of
// alice's (I9).
func TestA1MatrixOfTwoAccounts(t *testing.T) {
	tries := 0
	onBoth(t, func(t *testing.T, w *world) {
		left := map[string]bool{"/v1/updates": false} // below
		for _, path := range w.handler.Paths() {
			if !slices.Contains(openPaths, path) && path != "/v1/updates" {
				left[path] = true
			}
		}
		const private = "alice-and-bob-alone"
		w.send("bob", "alice", "m1", private)
		w.user("alice", update, object{"sessionId": "bob", "sessionType": "p2p", "ext": private}).ok(t)
		w.server("/v1/setTeamMembers", object{"teamId": "t", "sessionType": "team", "owner": "alice", "members": []string{"bob"}}).ok(t)
		w.server("/v1/sendMessage", object{"from": "alice", "to": "t", "sessionType": "team", "message": message("m2", private)}).ok(t)
		w.user("alice", "/v1/mutate", `{"clientId":"alices","muts":[{"mid":1,"op":"ext","key":"team|t","ext":"`+private+`"}]}`).ok(t)
		epoch := w.user("alice", "/v1/sync", `{}`).ok(t).Get("epoch").Str
		alice, bob := w.state("alice"), w.state("bob")

		for _, c := range []struct {
			path string
			body any
			code int
		}{
			{queryList, `{}`, 200},
			{queryList, `{"account":"alice","accid":"alice"}`, 200},
			{query, key(`"bob"`), 404},
			{query, `{"sessionId":"team|t"}`, 404},
			{query, `{"sessionId":"bob","sessionType":"p2p","account":"alice"}`, 404},
			{update, `{"sessionId":"bob","sessionType":"p2p","ext":"mine","account":"alice"}`, 200},
			{remove, `{"account":"alice","sessionList":[{"sessionId":"p2p|bob"},{"sessionId":"team|t"}]}`, 200},
			{"/v1/sync", object{"epoch": epoch, "cursor": 0, "clientId": "alices", "account": "alice"}, 200},
			{"/v1/snapshot", `{"account":"alice"}`, 200},
			{"/v1/mutate", `{"clientId":"alices","muts":[{"mid":1,"op":"delete","key":"p2p|bob"}]}`, 200},
			{"/v1/mutate", `{"clientId":"alices","muts":[{"mid":3,"op":"delete","key":"p2p|bob"}]}`, 200},
			{"/v1/mutate", `{"clientId":"mallorys","muts":[{"mid":1,"op":"delete","key":"p2p|bob"},{"mid":2,"op":"ext","key":"team|t","ext":"mine"}]}`, 200},
			{"/v1/sendMessage", object{"from": "alice", "to": "bob", "sessionType": "p2p", "message": message("m1", "")}, 403},
			{"/v1/sendMessage", object{"from": "mallory", "to": "t", "sessionType": "team", "message": message("m3", "")}, 403},
			{"/v1/sendMessage", object{"from": "alice", "to": "t", "sessionType": "team", "message": message("m2", "")}, 403},
			{"/v1/sendMessage", object{"from": "mallory", "to": "u", "sessionType": "team", "message": message("m4", ""), "recipients": []string{"alice"}}, 403},
			{"/v1/revokeMessage", object{"from": "bob", "to": "alice", "sessionType": "p2p", "uuid": "m1", "operator": "mallory"}, 403},
			{"/v1/revokeMessage", object{"from": "bob", "to": "alice", "sessionType": "p2p", "uuid": "m1", "operator": "bob"}, 403},
			{"/v1/revokeMessage", object{"from": "mallory", "to": "alice", "sessionType": "p2p", "uuid": "m1", "operator": "alice"}, 403},
			{"/v1/revokeMessage", object{"from": "alice", "to": "t", "sessionType": "team", "uuid": "m2", "operator": "mallory"}, 403},
			{"/v1/revokeMessage", object{"from": "alice", "to": "t", "sessionType": "team", "uuid": "m2", "operator": "alice"}, 403},
			{"/v1/revokeMessage", object{"from": "mallory", "to": "t", "sessionType": "team", "uuid": "m2", "operator": "mallory"}, 403},
			{"/v1/issueToken", `{"account":"alice"}`, 403},
			{"/v1/setTeamMembers", `{"teamId":"t","sessionType":"team","members":["mallory"]}`, 403},
			{"/v1/deleteMessageOneWay", `{"account":"alice","sessionId":"p2p|bob","uuid":"m1"}`, 403},
			{"/v1/exportAccount", `{"account":"alice"}`, 403},
			{"/v1/importAccount", `{"account":"alice","rows":[],"replace":1}`, 403},
		} {
			left[c.path] = false
			tries++
			a := w.user("mallory", c.path, c.body)
			require.Equal(t, c.code, a.code, "%s %v: %s", c.path, c.body, a.body)
			require.NotContains(t, a.body, private, "%s %v", c.path, c.body)
			require.Equal(t, alice, w.state("alice"), "%s %v", c.path, c.body)
			require.Equal(t, bob, w.state("bob"), "%s %v", c.path, c.body)
		}

		for path, missing := range left {
			require.False(t, missing, "%s has no entry in the matrix", path)
		}

		l := w.dial("mallory")
		l.hello(core.Cursor{Epoch: epoch}, "alices")
		require.Equal(t, core.FrameReset, l.next().Kind, "alice's epoch is none of mallory's")
		w.user("alice", update, object{"sessionId": "bob", "sessionType": "p2p", "ext": "changed"}).ok(t)
		w.send("bob", "mallory", "m9", "")
		f := l.next()
		require.Equal(t, core.FrameDelta, f.Kind)
		require.Equal(t, "p2p|bob", f.Rows[0].Key.String())
		require.Contains(t, string(f.Rows[0].Msg), "m9", "mallory is told of mallory's alone")
		l.close()
		require.Len(t, left, len(w.handler.Paths())-3, "a path of the matrix that is not served, or the other way round")
	})
	t.Attr("A1", fmt.Sprintf("%d tries on all paths and the socket with another account's token: 0 leaks, 0 changes", tries))
}
