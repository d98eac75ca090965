package account_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"recents/core"
	"recents/core/account"
)

// bench is one account, "me", with a clock that each operation moves by a
// second unless a test holds it.
type bench struct {
	t     *testing.T
	store *account.Memory
	now   int64
	held  bool
	order uint64
	name  string
}

func newBench(t *testing.T) *bench {
	return &bench{t: t, store: account.NewMemory(), now: 1_700_000_000_000, name: "me"}
}

func (b *bench) op(fn func(a *account.Account) error) *account.Delta {
	b.t.Helper()
	if !b.held {
		b.now += 1000
	}
	var d *account.Delta
	require.NoError(b.t, b.store.Update(context.Background(), func(tx account.Tx) error {
		a, err := account.Open(b.name, tx.Account(b.name), account.Env{Now: b.now, NewEpoch: "e1"})
		require.NoError(b.t, err)
		if err := fn(a); err != nil {
			return err
		}
		d, err = a.Commit()
		return err
	}))
	return d
}

func key(id string) core.Key { return core.Key{Type: core.P2P, ID: id} }

func (b *bench) make(from string, to core.Key, body string) *account.Message {
	b.t.Helper()
	b.order = account.NextOrder(b.order, b.now)
	m, err := account.ParseMessage([]byte(body), from, to, b.order, true)
	require.NoError(b.t, err)
	return m
}

// from makes a message of a friend to "me".
func (b *bench) from(friend, uuid, text string) *account.Message {
	return b.make(friend, key("me"), fmt.Sprintf(`{"uuid":%q,"content":%q}`, uuid, text))
}

func (b *bench) deliver(m *account.Message) *account.Delta {
	b.t.Helper()
	return b.op(func(a *account.Account) error { return a.Deliver(m) })
}

func (b *bench) receive(friend, uuid string) { b.t.Helper(); b.deliver(b.from(friend, uuid, uuid)) }

func (b *bench) setExt(k core.Key, ext string, base int64) (outcome string) {
	b.t.Helper()
	b.op(func(a *account.Account) (err error) { outcome, err = a.SetExt(k, ext, base); return err })
	return outcome
}

func (b *bench) delete(k core.Key) (d *account.Delta) {
	b.t.Helper()
	return b.op(func(a *account.Account) error { _, err := a.Delete(k, 0, false); return err })
}

func (b *bench) revoke(from string, to core.Key, uuid, operator string) *account.Delta {
	b.t.Helper()
	return b.op(func(a *account.Account) error {
		return a.Revoke(&account.Revoke{From: from, To: to, UUID: uuid, Operator: operator, Notice: "taken back"})
	})
}

// get returns the session, nil when there is none.
func (b *bench) get(k core.Key) (s *core.RecentSession) {
	b.t.Helper()
	b.op(func(a *account.Account) error {
		row, err := a.Get(k)
		if code, _ := core.CodeOf(err); code == core.CodeNotFound {
			return nil
		}
		require.NoError(b.t, err)
		s = new(core.RecentSession)
		return json.Unmarshal(core.AppendSession(nil, &row, true), s)
	})
	return s
}

func (b *bench) last(k core.Key) *core.NIMMessage {
	b.t.Helper()
	s := b.get(k)
	require.NotNil(b.t, s, "no session %v", k)
	if s.LastMsg == nil {
		return nil
	}
	m := new(core.NIMMessage)
	require.NoError(b.t, json.Unmarshal([]byte(*s.LastMsg), m))
	return m
}

func (b *bench) sync(after int64, limit int) (p *core.SyncPage) {
	b.t.Helper()
	b.op(func(a *account.Account) (err error) {
		p, err = a.Sync(core.SyncRequest{V: 1, Cursor: core.Cursor{Epoch: "e1", Seq: after}, Limit: limit})
		return err
	})
	return p
}

func (b *bench) ids() (ids []string) {
	b.op(func(a *account.Account) error {
		rows, _, err := a.List(core.ListRequest{Limit: 100})
		for _, r := range rows {
			ids = append(ids, r.Key.ID)
		}
		return err
	})
	return ids
}

// checkDigest compares the kept digest with one made from the rows (I11).
func (b *bench) checkDigest() {
	b.t.Helper()
	var want core.Digest
	for _, r := range b.sync(0, 500).Rows {
		if !r.Deleted {
			want ^= core.Hash(r.Key.String(), r.Seq)
		}
	}
	assert.Equal(b.t, want, b.sync(0, 500).Digest)
}

func TestMessageRules(t *testing.T) {
	t.Run("the newest message is the last one", func(t *testing.T) {
		b := newBench(t)
		b.receive("bob", "1")
		b.receive("bob", "2")
		m := b.last(key("bob"))
		assert.Equal(t, "2", m.UUID)
		assert.Equal(t, "received", m.MessageDirection)
		assert.Equal(t, "text", m.MessageType)
		assert.Equal(t, "success", m.Status)
		b.checkDigest()
	})
	t.Run("ignored when order <= row.msg_order", func(t *testing.T) {
		b := newBench(t)
		old, redelivered := b.from("bob", "1", "a"), b.from("bob", "2", "b")
		b.deliver(redelivered)
		assert.Nil(t, b.deliver(old), "overtaken")
		assert.Nil(t, b.deliver(redelivered), "again")
		assert.Equal(t, "2", b.last(key("bob")).UUID)
	})
	t.Run("I5: a late redelivery does not bring a deleted session back", func(t *testing.T) {
		b := newBench(t)
		m := b.from("bob", "1", "a")
		b.deliver(m)
		b.delete(key("bob"))
		assert.Nil(t, b.deliver(m))
		assert.Nil(t, b.get(key("bob")))
		b.receive("bob", "2")
		assert.NotNil(t, b.get(key("bob")), "a newer one does")
	})
	t.Run("a recreated row starts with no ext", func(t *testing.T) {
		b := newBench(t)
		b.receive("bob", "1")
		b.setExt(key("bob"), "x", 0)
		b.delete(key("bob"))
		b.receive("bob", "2")
		assert.Nil(t, b.get(key("bob")).Ext)
	})
	t.Run("a message keeps ext", func(t *testing.T) {
		b := newBench(t)
		b.setExt(key("bob"), "x", 0)
		b.receive("bob", "1")
		assert.Equal(t, "x", *b.get(key("bob")).Ext)
	})
	t.Run("sessionUpdate false changes nothing and creates nothing", func(t *testing.T) {
		b := newBench(t)
		assert.Nil(t, b.deliver(b.make("bob", key("me"), `{"uuid":"1","sessionUpdate":false}`)))
		assert.Nil(t, b.get(key("bob")))
		b.receive("bob", "2")
		before := b.get(key("bob")).UpdateTime
		assert.Nil(t, b.deliver(b.make("bob", key("me"), `{"uuid":"3","sessionUpdate":false}`)))
		assert.Equal(t, before, b.get(key("bob")).UpdateTime)
	})
	t.Run("both ends see it their own way", func(t *testing.T) {
		b := newBench(t)
		m := b.from("bob", "1", "hi")
		b.deliver(m)
		b.name = "bob"
		b.deliver(m)
		got := b.last(key("me"))
		assert.Equal(t, "outgoing", got.MessageDirection)
		assert.Equal(t, "me", got.SessionID)
	})
	t.Run("a message to oneself", func(t *testing.T) {
		b := newBench(t)
		b.deliver(b.make("me", key("me"), `{"uuid":"1"}`))
		assert.Equal(t, "outgoing", b.last(key("me")).MessageDirection)
	})
	t.Run("a group's session is the group's", func(t *testing.T) {
		b := newBench(t)
		team := core.Key{Type: core.Team, ID: "t|1"}
		b.deliver(b.make("bob", team, `{"uuid":"1"}`))
		s := b.get(team)
		assert.Equal(t, "t|1", s.SessionID)
		assert.Equal(t, "team", s.SessionType)
		assert.Equal(t, "bob", s.RecentSession.SenderAccount)
	})
}

// contract.md §2: members that the server does not know are handed back as they
// came; those that it sets are not the sender's to say.
func TestMessageText(t *testing.T) {
	b := newBench(t)
	b.deliver(b.make("bob", key("me"), `{"uuid":"u","odd":[1e400, 12345678901234567890, {"a" : "\u0041"}],"serverId":"1","fromAccount":"mallory","messageDirection":"outgoing","content":null,"messageType":"custom","status":"read","messageAttachment":{"x":1}}`))
	s := b.get(key("bob"))
	want := fmt.Sprintf(`{"uuid":"u","serverId":"%d","sessionId":"bob","sessionType":"p2p","fromAccount":"bob","messageType":"custom","timestamp":%d,"messageDirection":"received","status":"read","odd":[1e400, 12345678901234567890, {"a" : "\u0041"}],"content":null,"messageAttachment":{"x":1}}`, b.order, b.order>>22)
	assert.Equal(t, want, *s.LastMsg)
}

func TestParseMessageRefuses(t *testing.T) {
	for body, text := range map[string]string{
		`[]`:                          "message: is not an object",
		`{"uuid":""}`:                 "message.uuid: is empty",
		`{"uuid":5}`:                  "message.uuid: is not a string",
		`{"messageType":"ysf"}`:       `message.messageType: "ysf" is not one of text, image, audio, video, location, file, notification, tip, robot, custom, avchat`,
		`{"content":{}}`:              "message.content: is not a string",
		`{"messageAttachment":"x"}`:   "message.messageAttachment: is not an object",
		`{"remoteExtension":[]}`:      "message.remoteExtension: is not an object",
		`{"sessionUpdate":0}`:         "message.sessionUpdate: is not a boolean",
		`{"messageSubType":1.5}`:      "message.messageSubType: 1.5 is not a whole number",
		`{"timestamp":-1}`:            "message.timestamp: -1 is under 0",
		`{"timestamp":2000000000000}`: "message.timestamp: 2000000000000 is over the server's time 1700000000000",
	} {
		_, err := account.ParseMessage([]byte(body), "bob", key("me"), account.NextOrder(0, 1_700_000_000_000), true)
		assert.EqualError(t, err, text, body)
	}
}

// I6 and contract.md §3: every session of an account has its own update time,
// also when messages arrive in one millisecond and the clock steps back among
// them.
func TestUpdateTimesAreUnique(t *testing.T) {
	b := newBench(t)
	b.held = true
	seen := map[int64]bool{}
	for i := range 300 {
		if i == 100 {
			b.now -= 500_000
		}
		b.receive(fmt.Sprintf("u%d", i%250), fmt.Sprintf("m%d", i))
		at := b.get(key(fmt.Sprintf("u%d", i%250))).UpdateTime
		assert.False(t, seen[at], "update time %d twice", at)
		seen[at] = true
	}
	assert.Equal(t, "m299", b.last(key("u49")).UUID, "the order goes on though the clock went back")
}

func TestNextOrderNeverFalls(t *testing.T) {
	a := account.NextOrder(0, 1000)
	assert.EqualValues(t, 1000<<22, a)
	b := account.NextOrder(a, 1000)
	assert.Equal(t, a+1, b)
	assert.Equal(t, b+1, account.NextOrder(b, 500), "the clock stepped back")
	assert.EqualValues(t, 2000<<22, account.NextOrder(b, 2000))
}

// contract.md §3: an import keeps its time, moved to the nearest free
// millisecond upward, and becomes the last message only when it is newer.
func TestImports(t *testing.T) {
	at := func(ms int64) string { return fmt.Sprintf(`{"uuid":"i%d","timestamp":%d}`, ms, ms) }
	b := newBench(t)
	b.deliver(b.make("a", key("me"), at(1000)))
	assert.EqualValues(t, 1000, b.get(key("a")).UpdateTime)
	assert.EqualValues(t, 1000, b.last(key("a")).Timestamp)
	b.deliver(b.make("b", key("me"), at(1000)))
	assert.EqualValues(t, 1001, b.get(key("b")).UpdateTime)
	b.deliver(b.make("c", key("me"), at(999)))
	b.deliver(b.make("d", key("me"), at(999)))
	assert.EqualValues(t, 1002, b.get(key("d")).UpdateTime, "over the run of taken ones")
	assert.Equal(t, fmt.Sprint(b.order), b.last(key("d")).ServerID, "its own, whatever time it carries")
	assert.Nil(t, b.deliver(b.make("a", key("me"), at(500))), "older than the one held")
	b.receive("a", "live")
	assert.Nil(t, b.deliver(b.make("a", key("me"), at(2000))))
	assert.Equal(t, "live", b.last(key("a")).UUID)

	b.setExt(key("e"), "x", 0)
	before := b.get(key("e")).UpdateTime
	b.deliver(b.make("e", key("me"), at(3000)))
	assert.Equal(t, before, b.get(key("e")).UpdateTime, "moves no session back")
	assert.Equal(t, "i3000", b.last(key("e")).UUID)

	b.delete(key("e"))
	assert.Nil(t, b.deliver(b.make("e", key("me"), at(4000))), "I5: history from before the delete")
}

// A delete that was collected says no more than that it is older than its tombstone
// became: an import of after that is news.
func TestAnImportAfterADeleteThatWasCollected(t *testing.T) {
	const day = 24 * 3600_000
	b := newBench(t)
	b.receive("bob", "1")
	b.delete(key("bob"))
	for i := range 1000 {
		b.receive("busy", fmt.Sprint("m", i))
	}
	b.now += 20 * day
	sent := b.now
	b.now += 20 * day
	b.op(func(a *account.Account) error { _, err := a.Collect(); return err })
	assert.Nil(t, b.deliver(b.make("bob", key("me"), fmt.Sprintf(`{"uuid":"0","timestamp":%d}`, sent-21*day))), "history from before the delete")
	b.deliver(b.make("bob", key("me"), fmt.Sprintf(`{"uuid":"2","timestamp":%d}`, sent)))
	assert.NotNil(t, b.get(key("bob")))
}

func TestRevokeRules(t *testing.T) {
	t.Run("the last message becomes a revoke, and the time stays", func(t *testing.T) {
		b := newBench(t)
		b.receive("bob", "1")
		b.setExt(key("bob"), "x", 0)
		before := b.get(key("bob"))
		d := b.revoke("bob", key("me"), "1", "admin")
		require.NotNil(t, d)
		s := b.get(key("bob"))
		assert.Equal(t, before.UpdateTime, s.UpdateTime)
		assert.Equal(t, 1, *s.LastMsgType)
		assert.Nil(t, s.LastMsg)
		assert.Equal(t, "x", *s.Ext)
		n := s.RevokeNotification
		assert.Equal(t, "admin", n.RevokeAccount, "the operator, not the sender")
		assert.Equal(t, "taken back", n.CustomInfo)
		assert.Equal(t, "p2pDeleteMsg", n.RevokeType)
		assert.Equal(t, "1", n.Message.UUID)
		assert.Equal(t, "bob", n.Message.FromAccount)
		assert.Nil(t, n.Message.Content)
		assert.Equal(t, "1", s.RecentSession.LastMessageID)
		assert.Empty(t, s.RecentSession.LastMessageContent)
		assert.Nil(t, b.revoke("bob", key("me"), "1", "admin"), "twice: nothing")
		b.checkDigest()
	})
	t.Run("an older message changes nothing", func(t *testing.T) {
		b := newBench(t)
		b.receive("bob", "1")
		b.receive("bob", "2")
		seq := b.sync(0, 500).Head
		b.revoke("bob", key("me"), "1", "bob")
		assert.Equal(t, seq, b.sync(0, 500).Head)
		assert.Equal(t, "2", b.last(key("bob")).UUID)
	})
	t.Run("a revoke that overtook its message is kept for it", func(t *testing.T) {
		b := newBench(t)
		m := b.from("bob", "1", "secret")
		b.revoke("bob", key("me"), "1", "bob")
		b.deliver(m)
		s := b.get(key("bob"))
		assert.Equal(t, 1, *s.LastMsgType)
		assert.Nil(t, s.LastMsg)
		assert.Equal(t, "bob", s.RevokeNotification.Message.FromAccount)
		b.receive("bob", "2")
		assert.Equal(t, 0, *b.get(key("bob")).LastMsgType)
	})
	t.Run("another sender's message of the same uuid stays", func(t *testing.T) {
		b := newBench(t)
		b.revoke("mallory", key("me"), "1", "mallory")
		b.receive("bob", "1")
		assert.Equal(t, "1", b.last(key("bob")).UUID, "a pending revoke of another")
		eve := b.from("eve", "2", "x")
		b.revoke("eve", key("me"), "2", "eve")
		b.revoke("mallory", key("me"), "2", "mallory")
		b.deliver(eve)
		assert.Nil(t, b.last(key("eve")), "nor is one put in another's place")
		team := core.Key{Type: core.Team, ID: "t"}
		b.deliver(b.make("bob", team, `{"uuid":"9"}`))
		assert.Nil(t, b.revoke("mallory", team, "9", "mallory"))
		assert.Equal(t, "9", b.last(team).UUID)
	})
	t.Run("a deleted session stays deleted", func(t *testing.T) {
		b := newBench(t)
		b.receive("bob", "1")
		b.delete(key("bob"))
		assert.Nil(t, b.revoke("bob", key("me"), "1", "bob"))
		assert.Nil(t, b.get(key("bob")))
	})
	t.Run("types by group", func(t *testing.T) {
		for typ, want := range map[core.SessionType]string{core.Team: "teamDeleteMsg", core.SuperTeam: "superTeamDeleteMsg"} {
			b := newBench(t)
			k := core.Key{Type: typ, ID: "g"}
			b.deliver(b.make("bob", k, `{"uuid":"1"}`))
			b.revoke("bob", k, "1", "bob")
			assert.Equal(t, want, b.get(k).RevokeNotification.RevokeType)
		}
	})
}

// contract.md §4: after a one-way delete lastMsg is absent, the time stays.
func TestErase(t *testing.T) {
	b := newBench(t)
	b.receive("bob", "1")
	before := b.get(key("bob"))
	erase := func(uuid string) *account.Delta {
		return b.op(func(a *account.Account) error { return a.Erase(key("bob"), uuid) })
	}
	assert.Nil(t, erase("0"), "another message")
	require.NotNil(t, erase("1"))
	s := b.get(key("bob"))
	assert.Nil(t, s.LastMsg)
	assert.Equal(t, 0, *s.LastMsgType)
	assert.Equal(t, before.UpdateTime, s.UpdateTime)
	assert.Nil(t, erase("1"), "twice")
}

func TestExtRules(t *testing.T) {
	b := newBench(t)
	assert.Empty(t, b.setExt(key("bob"), "a", 0))
	s := b.get(key("bob"))
	assert.Equal(t, "a", *s.Ext)
	assert.Nil(t, s.LastMsg, "created without a message")
	assert.Equal(t, s.UpdateTime, b.get(key("bob")).UpdateTime)
	b.receive("eve", "1")
	b.setExt(key("bob"), "b", 0)
	assert.Equal(t, s.UpdateTime, b.get(key("bob")).UpdateTime, "does not move an existing session")
	assert.Equal(t, []string{"eve", "bob"}, b.ids())
	head := b.sync(0, 500).Head
	b.setExt(key("bob"), "b", 0)
	assert.Equal(t, head, b.sync(0, 500).Head, "the same ext is no change")
	b.setExt(key("bob"), "", 0)
	assert.Equal(t, "", *b.get(key("bob")).Ext, "cleared, not absent")

	// S13: deleted after what the writer had seen.
	seen := b.sync(0, 500).Rows
	bobSeq := int64(0)
	for _, r := range seen {
		if r.Key.ID == "bob" {
			bobSeq = r.Seq
		}
	}
	b.delete(key("bob"))
	assert.Equal(t, core.OutcomeSuperseded, b.setExt(key("bob"), "late", bobSeq))
	assert.Nil(t, b.get(key("bob")))
	assert.Empty(t, b.setExt(key("bob"), "knowing", b.sync(0, 500).Head), "a writer that knew of the delete brings it back")
	assert.Equal(t, "knowing", *b.get(key("bob")).Ext)
	b.delete(key("bob"))
	assert.Empty(t, b.setExt(key("bob"), "plain", 0), "so does one that does not say")
	b.checkDigest()
}

func TestDeleteRules(t *testing.T) {
	b := newBench(t)
	assert.Nil(t, b.delete(key("nobody")), "an unknown key is no error")
	b.receive("bob", "1")
	seen := b.get(key("bob")).UpdateTime
	b.receive("bob", "2")
	var outcome string
	d := b.op(func(a *account.Account) (err error) { outcome, err = a.Delete(key("bob"), seen, true); return err })
	assert.Nil(t, d)
	assert.Equal(t, core.OutcomeKeptNewer, outcome, "S12: a message arrived after what the writer had seen")
	assert.NotNil(t, b.get(key("bob")))
	d = b.op(func(a *account.Account) (err error) {
		outcome, err = a.Delete(key("bob"), b.lastTime("bob", a), true)
		return err
	})
	require.NotNil(t, d)
	assert.Empty(t, outcome)
	assert.Nil(t, b.get(key("bob")))
	assert.Empty(t, b.ids())
	assert.Nil(t, b.delete(key("bob")), "twice: nothing")
	require.Len(t, d.Rows, 1)
	assert.True(t, d.Rows[0].Deleted)
	assert.Nil(t, d.Rows[0].Msg, "a tombstone holds no message")
	b.checkDigest()
}

func (b *bench) lastTime(id string, a *account.Account) int64 {
	row, err := a.Get(key(id))
	require.NoError(b.t, err)
	return row.UpdateTime
}

// I4 and contract.md §3: exact pages, exact hasMore, both bounds inclusive.
func TestPaging(t *testing.T) {
	b := newBench(t)
	for i := range 25 {
		b.receive(fmt.Sprintf("u%02d", i), fmt.Sprint(i))
	}
	for limit := 1; limit <= 26; limit++ {
		var seen []string
		var at int64
		for more := true; more; {
			b.op(func(a *account.Account) error {
				rows, hasMore, err := a.List(core.ListRequest{Max: at, Limit: limit})
				for _, r := range rows {
					seen = append(seen, r.Key.ID)
				}
				at = core.NextMax(rows, hasMore)
				more = hasMore
				assert.Equal(t, hasMore, len(seen) < 25, "hasMore is exact, limit %d", limit)
				return err
			})
		}
		assert.Equal(t, b.ids(), seen, "limit %d", limit)
	}
	times := map[string]int64{}
	for _, id := range b.ids() {
		times[id] = b.get(key(id)).UpdateTime
	}
	b.op(func(a *account.Account) error {
		rows, more, err := a.List(core.ListRequest{Min: times["u05"], Max: times["u07"], Limit: 3})
		assert.Len(t, rows, 3)
		assert.False(t, more, "older ones are out of the range")
		rows, more, _ = a.List(core.ListRequest{Min: times["u05"], Max: times["u07"], Limit: 2})
		assert.Len(t, rows, 2)
		assert.True(t, more)
		rows, _, _ = a.List(core.ListRequest{Min: times["u05"], Max: times["u05"], Limit: 2})
		assert.Len(t, rows, 1)
		return err
	})
}

func TestSyncRules(t *testing.T) {
	b := newBench(t)
	b.receive("a", "1")
	b.receive("b", "2")
	b.receive("a", "3")
	b.delete(key("b"))
	p := b.sync(0, 500)
	require.Len(t, p.Rows, 2, "one row a session")
	assert.EqualValues(t, 3, p.Rows[0].Seq)
	assert.True(t, p.Rows[1].Deleted)
	assert.EqualValues(t, 4, p.Next)
	assert.True(t, p.HasDigest)
	p = b.sync(0, 1)
	assert.True(t, p.More)
	assert.False(t, p.HasDigest, "a digest only when !more")
	assert.EqualValues(t, 3, p.Next)
	assert.Empty(t, b.sync(4, 500).Rows)

	for want, q := range map[string]core.SyncRequest{
		core.ResetEpoch:  {V: 1, Cursor: core.Cursor{Epoch: "old", Seq: 1}, Limit: 5},
		core.ResetAhead:  {V: 1, Cursor: core.Cursor{Epoch: "e1", Seq: 5}, Limit: 5},
		core.ResetSchema: {V: 2, Cursor: core.Cursor{Epoch: "e1", Seq: 1}, Limit: 5},
	} {
		b.op(func(a *account.Account) error {
			p, err := a.Sync(q)
			assert.Equal(t, want, p.Reset)
			return err
		})
	}
}

// sync.md "tombstone GC": after 30 days and 1,000 newer seqs; the floor rises;
// the bare order stays while redelivery can come.
func TestCollect(t *testing.T) {
	const day = 24 * 3600_000
	b := newBench(t)
	collect := func() { b.op(func(a *account.Account) error { _, err := a.Collect(); return err }) }
	m := b.from("bob", "1", "x")
	b.deliver(m)
	b.delete(key("bob"))
	collect()
	assert.Len(t, b.sync(0, 500).Rows, 1, "too young")
	b.now += 31 * day
	collect()
	assert.Len(t, b.sync(0, 500).Rows, 1, "too few newer changes")
	for i := range 1000 {
		b.receive("busy", fmt.Sprint("m", i))
	}
	collect()
	p := b.sync(0, 500)
	assert.Equal(t, core.ResetFloor, p.Reset, "S7: a cursor below the floor may have missed it")
	p = b.sync(2, 500)
	assert.Empty(t, p.Reset, "one at the floor has not")
	assert.Nil(t, b.deliver(m), "a late redelivery stays ignored")
	assert.Nil(t, b.get(key("bob")))
	b.now += 31 * day
	collect()
	b.op(func(a *account.Account) error { return a.Deliver(m) })
	assert.NotNil(t, b.get(key("bob")), "the husk is gone in the end")
}

func TestMutateRules(t *testing.T) {
	b := newBench(t)
	b.receive("bob", "1")
	mutate := func(client string, muts ...core.Mutation) (p *core.MutatePage) {
		b.op(func(a *account.Account) (err error) {
			p, err = a.Mutate(core.MutateRequest{ClientID: client, Muts: muts})
			return err
		})
		return p
	}
	ext := func(mid int64, text string) core.Mutation {
		return core.Mutation{Mid: mid, Op: core.OpExt, Key: key("bob"), Ext: text}
	}
	p := mutate("c", ext(1, "a"), ext(2, "b"))
	assert.EqualValues(t, 2, p.LastMid)
	assert.Equal(t, "b", *b.get(key("bob")).Ext)
	assert.Len(t, p.Results, 2)
	b.setExt(key("bob"), "other", 0)
	p = mutate("c", ext(1, "a"), ext(2, "b"))
	assert.EqualValues(t, 2, p.LastMid, "N8: acknowledged again")
	assert.Equal(t, "other", *b.get(key("bob")).Ext, "and not applied again")
	p = mutate("c", ext(4, "z"))
	assert.True(t, p.Gap, "A6")
	assert.Empty(t, p.Results)
	assert.EqualValues(t, 2, p.LastMid)
	assert.Equal(t, "other", *b.get(key("bob")).Ext)
	p = mutate("d", ext(1, "d's"))
	assert.EqualValues(t, 1, p.LastMid, "each client counts by itself")
	p = mutate("c", core.Mutation{Mid: 3, Op: core.OpDelete, Key: key("bob"), Seen: 1, HasSeen: true})
	assert.Equal(t, core.CodeConflict, p.Results[0].Code)
	assert.Equal(t, core.OutcomeKeptNewer, p.Results[0].Outcome)
	p = mutate("c", core.Mutation{Mid: 4, Op: core.OpLost}, core.Mutation{Mid: 5, Op: core.OpSkip})
	want := []core.MutationResult{{Mid: 3, Code: core.CodeConflict, Outcome: core.OutcomeKeptNewer},
		{Mid: 4, Code: core.CodeConflict, Outcome: core.OutcomeLost}, {Mid: 5, Code: core.CodeOK}}
	assert.Equal(t, want[1:], p.Results)
	p = mutate("c", ext(3, "x"), ext(4, "y"), ext(5, "z"))
	for i := range want {
		want[i].Again = true
	}
	assert.Equal(t, want, p.Results, "each as it was taken, whatever it is now")
	assert.Equal(t, "d's", *b.get(key("bob")).Ext)
	b.op(func(a *account.Account) error {
		page, err := a.Sync(core.SyncRequest{V: 1, Cursor: core.Cursor{Epoch: "e1"}, ClientID: "c", Limit: 10})
		assert.EqualValues(t, 5, page.LastMid)
		return err
	})
}

// What is remembered of a client is bounded: the newest of what was not applied.
func TestMutateRemembersABatchThatWasNotApplied(t *testing.T) {
	b := newBench(t)
	mutate := func(op string, first int64) (p *core.MutatePage) {
		q := core.MutateRequest{ClientID: "c"}
		for i := range int64(core.MaxMuts) {
			q.Muts = append(q.Muts, core.Mutation{Mid: first + i, Op: op})
		}
		b.op(func(a *account.Account) (err error) { p, err = a.Mutate(q); return err })
		return p
	}
	count := func(p *core.MutatePage) (lost int) {
		for i := range p.Results {
			if p.Results[i].Outcome == core.OutcomeLost {
				lost++
			}
		}
		return lost
	}
	mutate(core.OpLost, 1)
	assert.Equal(t, core.MaxMuts, count(mutate(core.OpSkip, 1)))
	mutate(core.OpSkip, core.MaxMuts+1)
	assert.Equal(t, core.MaxMuts, count(mutate(core.OpSkip, 1)), "what was applied takes no room")
	mutate(core.OpLost, 2*core.MaxMuts+1)
	assert.Equal(t, core.MaxMuts, count(mutate(core.OpSkip, 2*core.MaxMuts+1)))
	assert.Equal(t, 0, count(mutate(core.OpSkip, 1)), "the newest are remembered")
}

func TestReceipts(t *testing.T) {
	b := newBench(t)
	b.op(func(a *account.Account) error { a.PutSentReceipt("u", "h1", "answer"); return nil })
	check := func(hash, want string, code int) {
		t.Helper()
		b.op(func(a *account.Account) error {
			got, err := a.SentReceipt("u", hash)
			c, _ := core.CodeOf(err)
			assert.Equal(t, code, c)
			assert.Equal(t, want, got)
			return nil
		})
	}
	check("h1", "answer", core.CodeOK)
	check("h2", "", core.CodeConflict)
	b.now += 24 * 3600_000
	check("h2", "", core.CodeOK)
}

func TestARefusedOperationLeavesNothing(t *testing.T) {
	b := newBench(t)
	b.receive("bob", "1")
	before := b.sync(0, 500)
	err := b.store.Update(context.Background(), func(tx account.Tx) error {
		a, err := account.Open("me", tx.Account("me"), account.Env{Now: b.now, NewEpoch: "e2"})
		require.NoError(t, err)
		_, err = a.SetExt(key("bob"), "x", 0)
		require.NoError(t, err)
		_, err = a.Delete(key("bob"), 0, false)
		require.NoError(t, err)
		return &core.Error{Code: core.CodeBadParam, Details: "no"}
	})
	require.Error(t, err)
	after := b.sync(0, 500)
	before.Now, after.Now = 0, 0
	assert.Equal(t, before, after)
}

func TestDelta(t *testing.T) {
	b := newBench(t)
	d := b.op(func(a *account.Account) error {
		if _, err := a.SetExt(key("a"), "1", 0); err != nil {
			return err
		}
		if _, err := a.SetExt(key("b"), "1", 0); err != nil {
			return err
		}
		_, err := a.SetExt(key("a"), "2", 0)
		return err
	})
	assert.Equal(t, "e1", d.Epoch)
	assert.EqualValues(t, 0, d.From)
	assert.EqualValues(t, 3, d.To)
	require.Len(t, d.Rows, 2, "one row a key, in the order of seqs")
	assert.Equal(t, "b", d.Rows[0].Key.ID)
	assert.Equal(t, "2", d.Rows[1].Ext)
	assert.Nil(t, b.op(func(a *account.Account) error { return nil }), "nothing to tell")
}

func TestTeamMayRevoke(t *testing.T) {
	team := account.Team{Owner: "owner", Managers: []string{"boss"}, Members: []string{"owner", "boss", "bob", "eve"}}
	for operator, want := range map[string]bool{"bob": true, "owner": true, "boss": true, "eve": false, "": false} {
		assert.Equal(t, want, team.MayRevoke(operator, "bob"), operator)
	}
	assert.False(t, team.MayRevoke("left", "left"), "who is no member any more revokes nothing")
}

// A page ends early rather than being 128 MB, and loses nothing by it.
func TestPagesAreBoundedInBytes(t *testing.T) {
	b := newBench(t)
	big := strings.Repeat("x", 200<<10)
	for i := range 100 {
		b.deliver(b.from(fmt.Sprint("u", i), fmt.Sprint("m", i), big))
	}
	var synced []string
	for after, more := int64(0), true; more; {
		p := b.sync(after, 500)
		assert.LessOrEqual(t, len(p.Rows), 6)
		for _, r := range p.Rows {
			synced = append(synced, r.Key.ID)
		}
		after, more = p.Next, p.More
	}
	assert.Len(t, synced, 100)
	var listed []string
	for at, more := int64(0), true; more; {
		b.op(func(a *account.Account) error {
			p, err := a.Snapshot(core.SnapshotRequest{MaxTime: at, Limit: 500})
			assert.LessOrEqual(t, len(p.Rows), 6)
			for _, r := range p.Rows {
				listed = append(listed, r.Key.ID)
			}
			at, more = p.NextMax, p.More
			return err
		})
	}
	slices.Reverse(synced)
	assert.Equal(t, synced, listed)
}
