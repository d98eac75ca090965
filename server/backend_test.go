package server_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"

	"recents/core/account"
)

func lastMsg(s gjson.Result) gjson.Result { return gjson.Parse(s.Get("lastMsg").Str) }

func TestSendMessage(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		data := w.user("alice", "/v1/sendMessage", object{"from": "alice", "to": "bob", "sessionType": "p2p", "message": object{
			"uuid": "m1", "content": "hi", "fromAccount": "mallory", "serverId": "1", "timestamp": 5, "custom": []int{1}}}).ok(t)
		require.Equal(t, int64(startTime), data.Get("timestamp").Int(), "a user's timestamp is ignored")
		require.Greater(t, data.Get("serverId").Uint(), uint64(1)<<53)
		require.Equal(t, "m1", data.Get("uuid").Str)
		for me, friend := range map[string]string{"alice": "bob", "bob": "alice"} {
			m := lastMsg(w.session(me, friend))
			require.Equal(t, data.Get("serverId").Str, m.Get("serverId").Str)
			require.Equal(t, "alice", m.Get("fromAccount").Str)
			require.Equal(t, friend, m.Get("sessionId").Str)
			require.Equal(t, "[1]", m.Get("custom").Raw, "unknown members come back")
			require.Equal(t, map[string]string{"alice": "outgoing", "bob": "received"}[me], m.Get("messageDirection").Str)
		}

		w.user("alice", "/v1/sendMessage", object{"from": "alice", "to": "alice", "sessionType": "p2p", "message": message("self", "note")}).ok(t)
		require.Equal(t, []string{"alice", "bob"}, w.list("alice"))

		sent := w.server("/v1/sendMessage", object{"from": "bob", "to": "alice", "sessionType": "p2p", "message": object{"content": "no uuid"}}).ok(t)
		require.Len(t, sent.Get("uuid").Str, 32)
		require.Equal(t, sent.Get("uuid").Str, lastMsg(w.session("alice", "bob")).Get("uuid").Str)
	})
}

func TestSendMessageOnceHoweverOften(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		body := object{"from": "alice", "to": "bob", "sessionType": "p2p", "message": message("m1", "hi")}
		first := w.user("alice", "/v1/sendMessage", body).ok(t).Raw
		state := w.state("bob")
		w.clock.Add(60_000)
		w.restart(nil)
		require.Equal(t, first, w.user("alice", "/v1/sendMessage", body).ok(t).Raw)
		require.Equal(t, first, w.server("/v1/sendMessage", body).ok(t).Raw)
		require.Equal(t, state, w.state("bob"))
		body["message"] = message("m1", "another")
		w.user("alice", "/v1/sendMessage", body).refused(t, 409, "message.uuid", "another body")
		require.Equal(t, state, w.state("bob"))
		w.clock.Add(24 * hour * 1000)
		w.user("alice", "/v1/sendMessage", body).ok(t)
		require.NotEqual(t, state, w.state("bob"), "after 24 hours a uuid is new")
	})
}

func TestSendMessageWithATimestamp(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		at := func(friend string, ms int64) int64 {
			return w.server("/v1/sendMessage", object{"from": friend, "to": "alice", "sessionType": "p2p",
				"message": object{"uuid": friend, "timestamp": ms}}).ok(t).Get("timestamp").Int()
		}
		require.Equal(t, int64(startTime-5000), at("a", startTime-5000))
		require.Equal(t, int64(startTime-5000), at("b", startTime-5000))
		require.Equal(t, int64(startTime), at("c", startTime+1000), "a little ahead counts as now")
		require.Equal(t, []string{"c", "b", "a"}, w.list("alice"))
		require.Equal(t, int64(startTime-4999), w.session("alice", "b").Get("updateTime").Int(), "moved to the next free millisecond")
	})
}

func TestTeams(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		for typ, prefix := range map[string]string{"team": "team|", "superTeam": "super_team|"} {
			w.server("/v1/setTeamMembers", object{"teamId": "t", "sessionType": typ, "owner": "olga", "managers": []string{"max"}, "members": []string{"ann", "ann"}}).ok(t)
			send := func(from, uuid string) answer {
				return w.user(from, "/v1/sendMessage", object{"from": from, "to": "t", "sessionType": typ, "message": message(typ+uuid, "")})
			}
			send("ann", "1").ok(t)
			send("zoe", "2").refused(t, 403, "no member")
			for _, member := range []string{"ann", "max", "olga"} {
				w.user(member, query, object{"sessionId": prefix + "t"}).ok(t)
			}
			w.server("/v1/setTeamMembers", object{"teamId": "t", "sessionType": typ, "members": []string{"ann"}}).ok(t)
			send("olga", "3").refused(t, 403)

			w.server("/v1/sendMessage", object{"from": "system", "to": "u", "sessionType": typ, "message": message(typ+"4", ""), "recipients": []string{"ann", "zoe", "zoe"}}).ok(t)
			w.user("zoe", query, object{"sessionId": prefix + "u"}).ok(t)
			require.Empty(t, w.list("system"), "who is no recipient gets no session")
		}
	})
}

// TestRevokes is the table of contract.md §4: who may revoke what.
func TestRevokes(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.server("/v1/setTeamMembers", object{"teamId": "t", "sessionType": "team", "owner": "olga", "managers": []string{"max"}, "members": []string{"ann", "ben"}}).ok(t)
		const byServer = ""
		for i, c := range []struct {
			from, to, typ, caller, operator string
			code                            int
		}{
			{"ann", "ben", "p2p", "ann", "ann", 200},
			{"ann", "ben", "p2p", "ben", "ben", 403},
			{"ann", "ben", "p2p", "ann", "ben", 403},
			{"ann", "ben", "p2p", byServer, "moderator", 200},
			{"ann", "t", "team", "ann", "ann", 200},
			{"ann", "t", "team", "olga", "olga", 200},
			{"ann", "t", "team", "max", "max", 200},
			{"ann", "t", "team", "ben", "ben", 403},
			{"ann", "t", "team", "ben", "olga", 403},
			{"ann", "t", "team", "zoe", "zoe", 403},
			{"zoe", "t", "team", "zoe", "zoe", 403},
			{"olga", "t", "team", "max", "max", 200},
			{"ann", "t", "team", byServer, "moderator", 200},
		} {
			uuid := fmt.Sprint("m", i)
			w.server("/v1/sendMessage", object{"from": c.from, "to": c.to, "sessionType": c.typ, "message": message(uuid, "")}).ok(t)
			w.clock.Add(1)
			before := w.state("ben")
			body := object{"from": c.from, "to": c.to, "sessionType": c.typ, "uuid": uuid, "operator": c.operator, "notice": "gone", "attach": nil}
			token := serverKey
			if c.caller != byServer {
				token = w.token(c.caller)
			}
			a := w.as(token, "/v1/revokeMessage", body)
			require.Equal(t, c.code, a.code, "%+v: %s", c, a.body)
			if c.code != 200 {
				require.Equal(t, before, w.state("ben"), "%+v", c)
				continue
			}
			id := map[string]string{"p2p": "ann", "team": "t"}[c.typ]
			s := w.user("ben", query, object{"sessionId": id, "sessionType": c.typ}).ok(t)
			require.Equal(t, int64(1), s.Get("lastMsgType").Int(), "%+v", c)
			require.Equal(t, c.operator, s.Get("revokeNotification.revokeAccount").Str)
			require.Equal(t, "gone", s.Get("revokeNotification.customInfo").Str)
			require.False(t, s.Get("lastMsg").Exists())
			require.NotContains(t, s.Raw, hush)
		}
	})
}

func TestRevokeOfATeamWithRecipients(t *testing.T) {
	w := onMemory(t)
	body := object{"from": "ann", "to": "u", "sessionType": "team", "message": message("m1", ""), "recipients": []string{"ben"}}
	w.server("/v1/sendMessage", body).ok(t)
	revoke := object{"from": "ann", "to": "u", "sessionType": "team", "uuid": "m1", "operator": "ann", "recipients": []string{"ben"}}
	w.user("ann", "/v1/revokeMessage", revoke).refused(t, 403, "recipients")
	w.server("/v1/revokeMessage", revoke).ok(t)
	require.Equal(t, int64(1), w.user("ben", query, `{"sessionId":"team|u"}`).ok(t).Get("lastMsgType").Int())
}

func TestRevokeBeforeItsMessage(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.user("ann", "/v1/revokeMessage", object{"from": "ann", "to": "ben", "sessionType": "p2p", "uuid": "m1", "operator": "ann"}).ok(t)
		require.Empty(t, w.list("ben"))
		w.send("ann", "ben", "m1", "")
		require.Equal(t, int64(1), w.session("ben", "ann").Get("lastMsgType").Int())
	})
}

func TestDeleteMessageOneWay(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.send("ann", "ben", "m1", "")
		before := w.session("ben", "ann").Get("updateTime").Int()
		erase := func(uuid string) {
			w.server("/v1/deleteMessageOneWay", object{"account": "ben", "sessionId": "ann", "sessionType": "p2p", "uuid": uuid}).ok(t)
		}
		erase("another")
		require.True(t, w.session("ben", "ann").Get("lastMsg").Exists())
		erase("m1")
		s := w.session("ben", "ann")
		require.False(t, s.Get("lastMsg").Exists())
		require.Equal(t, before, s.Get("updateTime").Int())
		require.True(t, w.session("ann", "ben").Get("lastMsg").Exists(), "for the one account alone")
	})
}

// TestIdempotencyKey: on every write, the same key and body answers as the
// first time and happens once; another body, or another path, is 409.
func TestIdempotencyKey(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.send("bob", "alice", "m0", "")
		tokens := map[string]string{"alice": w.token("alice"), "server": serverKey}
		for i, c := range []struct{ who, path, body, other string }{
			{"alice", update, ext(`"a"`), ext(`"b"`)},
			{"alice", remove, ids(1), ids(2)},
			{"alice", "/v1/mutate", `{"clientId":"c","muts":[{"mid":1,"op":"ext","key":"p2p|bob","ext":"x"}]}`, `{"clientId":"c","muts":[{"mid":2,"op":"ext","key":"p2p|bob","ext":"y"}]}`},
			{"alice", "/v1/sendMessage", `{"from":"alice","to":"bob","sessionType":"p2p","message":{"content":"a"}}`, `{"from":"alice","to":"bob","sessionType":"p2p","message":{"content":"b"}}`},
			{"server", "/v1/sendMessage", `{"from":"bob","to":"alice","sessionType":"p2p","message":{"content":"a"}}`, `{"from":"bob","to":"alice","sessionType":"p2p","message":{"content":"b"}}`},
			{"server", "/v1/revokeMessage", `{"from":"bob","to":"alice","sessionType":"p2p","uuid":"m0","operator":"bob"}`, `{"from":"bob","to":"alice","sessionType":"p2p","uuid":"m1","operator":"bob"}`},
			{"server", "/v1/setTeamMembers", `{"teamId":"t","sessionType":"team","members":["alice"]}`, `{"teamId":"t","sessionType":"team","members":["bob"]}`},
			{"server", "/v1/deleteMessageOneWay", `{"account":"alice","sessionId":"p2p|bob","uuid":"m"}`, `{"account":"alice","sessionId":"p2p|bob","uuid":"n"}`},
		} {
			call := func(path, body, key string) answer {
				return w.request("POST", path, body, "Authorization", "Bearer "+tokens[c.who], "Idempotency-Key", key)
			}
			key := fmt.Sprint("key-", i)
			first := call(c.path, c.body, key).ok(t).Raw
			state := w.state("alice")
			w.clock.Add(1000)
			require.Equal(t, first, call(c.path, c.body, key).ok(t).Raw, c.path)
			require.Equal(t, state, w.state("alice"), c.path)
			call(c.path, c.other, key).refused(t, 409, "Idempotency-Key", "another body")
			require.Equal(t, state, w.state("alice"), c.path)
			call(c.path, c.other, key+"'").ok(t)
		}
	})
}

func TestIdempotencyKeysAreApart(t *testing.T) {
	w := onMemory(t)
	call := func(token, path, body string) answer {
		return w.request("POST", path, body, "Authorization", "Bearer "+token, "Idempotency-Key", "k")
	}
	call(w.token("alice"), update, ext(`"a"`)).ok(t)
	call(w.token("bob"), update, ext(`"b"`)).ok(t)
	call(serverKey, "/v1/sendMessage", `{"from":"alice","to":"bob","sessionType":"p2p","message":{"content":"a"}}`).ok(t)
	call(w.token("alice"), remove, ext(`"a"`)).refused(t, 414)
	call(w.token("alice"), remove, ids(1)).refused(t, 409)
}

func TestOnlySuccessesAreRemembered(t *testing.T) {
	w := onMemory(t)
	send := func() answer {
		return w.request("POST", "/v1/sendMessage", `{"from":"ann","to":"t","sessionType":"team","message":{"uuid":"m"}}`,
			"Authorization", "Bearer "+serverKey, "Idempotency-Key", "k")
	}
	send().refused(t, 404)
	w.server("/v1/setTeamMembers", `{"teamId":"t","sessionType":"team","members":["ann"]}`).ok(t)
	send().ok(t)

	mutate := func() answer {
		return w.request("POST", "/v1/mutate", `{"clientId":"c","muts":[{"mid":2,"op":"ext","key":"p2p|bob","ext":"x"}]}`,
			"Authorization", "Bearer "+w.token("ann"), "Idempotency-Key", "k")
	}
	require.True(t, mutate().ok(t).Get("gap").Bool())
	w.user("ann", "/v1/mutate", `{"clientId":"c","muts":[{"mid":1,"op":"delete","key":"p2p|bob"}]}`).ok(t)
	require.False(t, mutate().ok(t).Get("gap").Bool(), "a gap may be gone the next time")
}

func TestIdempotencyKeyOfABadShape(t *testing.T) {
	w := onMemory(t)
	for key, text := range map[string]string{"": "empty", "a b": "visible ASCII", "é": "visible ASCII", fmt.Sprintf("%0129d", 1): "129 bytes is over 128"} {
		w.request("POST", update, ext(`"a"`), "Authorization", "Bearer "+w.token("alice"), "Idempotency-Key", key).refused(t, 414, "Idempotency-Key", text)
	}
	w.request("POST", update, ext(`"a"`), "Authorization", "Bearer "+w.token("alice"), "Idempotency-Key", "a", "Idempotency-Key", "b").refused(t, 414, "twice")
	w.request("POST", update, ext(`"a"`), "Authorization", "Bearer "+w.token("alice"), "Idempotency-Key", fmt.Sprintf("%0128d", 1)).ok(t)
}

// failing is a store whose updates fail after a number of commits within one.
type failing struct {
	account.Accounts
	after int
}

func (f *failing) Update(ctx context.Context, fn func(account.Tx) error) error {
	return f.Accounts.Update(ctx, func(tx account.Tx) error { return fn(&failingTx{tx, f.after}) })
}

type failingTx struct {
	account.Tx
	left int
}

func (tx *failingTx) Account(name string) account.Store {
	return &failingStore{tx.Tx.Account(name), tx}
}

type failingStore struct {
	account.Store
	tx *failingTx
}

func (s *failingStore) Commit(c *account.Change) error {
	if s.tx.left--; s.tx.left < 0 {
		return errors.New("disk I/O error")
	}
	return s.Store.Commit(c)
}

// TestS18AFanOutIsAllOrNothing: when one account of n fails, none has the
// message, a retry delivers it to all, and one more changes nothing.
func TestS18AFanOutIsAllOrNothing(t *testing.T) {
	for _, open := range []func(testing.TB) account.Accounts{func(testing.TB) account.Accounts { return account.NewMemory() }, openSQLite} {
		store := &failing{open(t), 1 << 30}
		w := newWorld(t, store, nil)
		members := []string{"ann", "ben", "cid", "dan"}
		w.server("/v1/setTeamMembers", object{"teamId": "t", "sessionType": "team", "members": members}).ok(t)
		body := object{"from": "ann", "to": "t", "sessionType": "team", "message": message("m1", "")}
		for store.after = range len(members) {
			w.server("/v1/sendMessage", body).refused(t, 500, "internal error")
			for _, m := range members {
				require.Empty(t, w.list(m))
			}
		}
		store.after = 1 << 30
		w.server("/v1/sendMessage", body).ok(t)
		for _, m := range members {
			require.Equal(t, []string{"t"}, w.list(m))
		}
		state := w.state("dan")
		w.server("/v1/sendMessage", body).ok(t)
		require.Equal(t, state, w.state("dan"))
	}
	t.Attr("S18", "a team of 4, each account failing in turn: none had the message; the retry reached all 4, once")
}
