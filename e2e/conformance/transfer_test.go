package conformance

import (
	"bytes"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"
)

// recentsd runs one of the server's commands at a place.
func (s *service) recentsd(t testing.TB, in string, args ...string) (out string) {
	t.Helper()
	cmd := exec.Command(binary(t), append(args, "-url", s.url, "-key", serverKey)...)
	cmd.Stdin = strings.NewReader(in)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	require.NoError(t, cmd.Run(), "%s: %v: %s", s.name, args, stderr.String())
	return stdout.String()
}

// rowsOf are the lines of an export without the epoch of the place that it was
// made at, and what is made of that.
func rowsOf(export string) (all []string) {
	for line := range strings.Lines(export) {
		for _, part := range []string{"seq", "lastTime", "floor", "digest", "clients", "receipts", "revokes", "records"} {
			all = append(all, gjson.Get(line, part).Raw)
		}
	}
	return all
}

// TestMove takes an account from the server to the worker and back: it is equal
// row for row each time, a replica of it is reset, and it goes on there.
func TestMove(t *testing.T) {
	server, edge := newServer(t), newEdge(t)
	server.recentsd(t, "", "seed")
	alice := server.token(t, "alice")
	for i := range 30 { // so that it takes more than one page
		server.call(t, "sendMessage", serverKey, object{"from": fmt.Sprint("long", i), "to": "alice", "sessionType": "p2p",
			"message": object{"uuid": fmt.Sprint("long", i), "content": strings.Repeat("<漢&\u2028\"", 3<<10)}})
	}
	server.call(t, "deleteMySession", alice, object{"sessionList": []object{{"sessionId": "long3", "sessionType": "p2p"}}})
	server.call(t, "mutate", alice, object{"clientId": "tab", "muts": []object{{"mid": 1, "op": "ext", "key": "p2p|bob", "ext": "queued"}}})
	server.call(t, "revokeMessage", serverKey, object{"from": "zoe", "to": "alice", "sessionType": "p2p", "uuid": "comes later", "operator": "zoe"})

	first := server.recentsd(t, "", "export", "-account", "alice")
	require.Greater(t, strings.Count(first, "\n"), 1, "pages")
	l := edge.dial(t, edge.token(t, "alice"))
	l.hello("", 0, "tab")
	epoch := l.frame("reset").Get("epoch").String()
	l.hello(epoch, 0, "tab")
	l.frame("ready")
	edge.recentsd(t, first, "import")
	require.NotEqual(t, epoch, l.frame("delta").Get("epoch").String(), "an open replica is told")
	again := edge.call(t, "sync", edge.token(t, "alice"), object{"v": 1, "epoch": epoch, "cursor": 0, "clientId": "tab"})
	require.Equal(t, "epoch", again.get("data.reason").String(), again.body)

	second := edge.recentsd(t, "", "export", "-account", "alice")
	require.Equal(t, rowsOf(first), rowsOf(second), "from the server to the worker")
	server.recentsd(t, second, "import", "-replace")
	require.Equal(t, rowsOf(first), rowsOf(server.recentsd(t, "", "export", "-account", "alice")), "and back")

	mutation := object{"clientId": "tab", "muts": []object{{"mid": 1, "op": "delete", "key": "p2p|bob"}}}
	require.EqualValues(t, 1, edge.call(t, "mutate", edge.token(t, "alice"), mutation).get("data.lastMid").Int())
	edge.call(t, "queryMySession", edge.token(t, "alice"), object{"sessionId": "bob", "sessionType": "p2p"}) // applied before it moved
	for _, s := range []*service{server, edge} {
		s.call(t, "sendMessage", serverKey, object{"from": "bob", "to": "alice", "sessionType": "p2p", "message": object{"uuid": "new"}})
		s.reaches(t, "alice", gjson.Get(first, "seq").Int()+1)
		s.call(t, "sendMessage", serverKey, object{"from": "zoe", "to": "alice", "sessionType": "p2p", "message": object{"uuid": "comes later"}})
		s.reaches(t, "alice", gjson.Get(first, "seq").Int()+2)
		list := s.call(t, "queryMySessionList", s.token(t, "alice"), object{"limit": 2})
		require.EqualValues(t, 1, list.get("data.sessionList.0.lastMsgType").Int(), "the revoke that waited for it came along")
		require.Equal(t, "new", gjson.Get(list.get("data.sessionList.1.lastMsg").Str, "uuid").Str)
	}
}
