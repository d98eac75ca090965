package server_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCallsOfAUser(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		require.Equal(t, `{"code":200,"data":{"hasMore":false,"sessionList":[],"nextMaxTimestamp":0}}`,
			w.user("alice", "/v1/queryMySessionList", `{}`).body, "an account that was never written has an empty list")
		w.user("alice", "/v1/queryMySession", `{"sessionId":"bob","sessionType":"p2p"}`).refused(t, 404, `"p2p|bob"`)

		for i, friend := range []string{"bob", "carol", "dave"} {
			w.clock.Add(1000)
			w.send(friend, "alice", friend, " from "+friend)
			require.Len(t, w.list("alice"), i+1)
		}
		require.Equal(t, []string{"dave", "carol", "bob"}, w.list("alice"))

		page := w.user("alice", "/v1/queryMySessionList", `{"limit":2}`).ok(t)
		require.True(t, page.Get("hasMore").Bool())
		next := page.Get("nextMaxTimestamp").Raw
		require.Equal(t, page.Get("sessionList.1.updateTime").Int()-1, page.Get("nextMaxTimestamp").Int())
		page = w.user("alice", "/v1/queryMySessionList", `{"limit":2,"maxTimestamp":`+next+`}`).ok(t)
		require.False(t, page.Get("hasMore").Bool())
		require.Equal(t, "bob", page.Get("sessionList.0.sessionId").Str)

		w.user("alice", "/v1/updateMySession", `{"sessionId":"bob","sessionType":"p2p","ext":"{\"pinned\":true}"}`).ok(t)
		bob := w.session("alice", "bob")
		require.Equal(t, `{"pinned":true}`, bob.Get("ext").Str)
		require.True(t, bob.Get("recentSession.extension.pinned").Bool())
		require.Equal(t, []string{"dave", "carol", "bob"}, w.list("alice"), "an ext moves nothing")

		w.user("alice", "/v1/deleteMySession", `{"sessionList":[{"sessionId":"carol","sessionType":"p2p"},{"sessionId":"p2p|nobody"}]}`).ok(t)
		require.Equal(t, []string{"dave", "bob"}, w.list("alice"))
		require.Equal(t, []string{"alice"}, w.list("carol"), "a delete is one's own")
	})
}

func TestSyncSnapshotMutate(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		first := w.user("alice", "/v1/sync", `{"clientId":"c1"}`).ok(t)
		require.Equal(t, "epoch", first.Get("reason").Str)
		epoch := first.Get("epoch").Str
		require.Len(t, epoch, 16)
		require.Equal(t, epoch, w.user("alice", "/v1/snapshot", `{}`).ok(t).Get("epoch").Str, "the epoch holds from the first answer on")

		w.send("bob", "alice", "m1", "")
		page := w.user("alice", "/v1/sync", object{"epoch": epoch, "cursor": 0, "clientId": "c1"}).ok(t)
		require.Equal(t, int64(1), page.Get("next").Int())
		require.Equal(t, "p2p|bob", page.Get("rows.0.k").Str)
		require.Len(t, page.Get("digest").Str, 16)
		require.Equal(t, int64(startTime), page.Get("serverTime").Int())

		muts := object{"clientId": "c1", "muts": []object{{"mid": 1, "op": "ext", "key": "p2p|bob", "ext": "x", "base": 1}, {"mid": 2, "op": "delete", "key": "p2p|zoe"}}}
		done := w.user("alice", "/v1/mutate", muts).ok(t)
		require.Equal(t, int64(2), done.Get("lastMid").Int())
		require.Equal(t, int64(2), w.user("alice", "/v1/mutate", muts).ok(t).Get("seq").Int(), "sent again, applied once")

		gap := w.user("alice", "/v1/mutate", `{"clientId":"c1","muts":[{"mid":9,"op":"delete","key":"p2p|bob"}]}`).ok(t)
		require.True(t, gap.Get("gap").Bool())
		for cursor, reason := range map[int]string{99: "ahead", 0: ""} {
			page := w.user("alice", "/v1/sync", object{"epoch": epoch, "cursor": cursor}).ok(t)
			require.Equal(t, reason, page.Get("reason").Str)
		}
		require.Equal(t, "schema", w.user("alice", "/v1/sync", object{"v": 2, "epoch": epoch}).ok(t).Get("reason").Str)
		require.Equal(t, "epoch", w.user("alice", "/v1/sync", object{"epoch": "another"}).ok(t).Get("reason").Str)
	})
}

// TestIDsOfAnyShape: what contract.md §1 allows comes back as it came.
func TestIDsOfAnyShape(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		for _, id := range []string{"a|b", "p2p|x", "a-b", "a.b", "_", "__proto__", "constructor", "小明", "e\u0301", "🎈", " ", "%2F", `"`, `\`, "'", strings.Repeat("x", 64)} {
			w.send(id, "alice", "to-alice-"+id, "")
			s := w.user("alice", "/v1/queryMySession", object{"sessionId": "p2p|" + id, "sessionType": "p2p"}).ok(t)
			require.Equal(t, id, s.Get("sessionId").Str)
			require.Equal(t, []string{"alice"}, w.list(id), "as an account too")
		}
	})
}

// TestTimesOfOneMillisecond: messages that arrive at once get times and orders
// of their own, over a restart and a clock that steps back too.
func TestTimesOfOneMillisecond(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		last := ""
		check := func(from string) {
			id := w.send(from, "alice", from, "").Get("serverId").Str
			require.True(t, len(id) > len(last) || id > last, "%s after %s", id, last)
			last = id
			require.Equal(t, from, w.list("alice")[0], "the newest stands first")
		}
		check("a")
		check("b")
		w.restart(nil)
		check("c")
		w.clock.Add(-500_000)
		w.restart(nil)
		check("d")
	})
}

// TestOrdersRiseOverARestart: the orders of one millisecond before a restart
// are below the first one after it, in whichever account they were given out.
func TestOrdersRiseOverARestart(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		var last uint64
		for i, friend := range []string{"a", "b", "c", "d", "e"} {
			if i == 3 {
				w.restart(nil)
			}
			order := w.send(friend, friend, friend, "").Get("serverId").Uint()
			require.Greater(t, order, last)
			last = order
		}
	})
}
