package storetest

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"recents/core"
	"recents/core/account"
)

func testOwnWrites(t *testing.T, a account.Accounts) {
	team := account.Team{Key: core.Key{Type: core.Team, ID: "t"}, Owner: "o"}
	update(t, a, func(tx account.Tx) error {
		s := tx.Account("alice")
		before, err := s.Meta()
		assert.NoError(t, err)
		assert.Zero(t, before)
		assert.NoError(t, s.Commit(put(rec("a", 1, 10, account.Live))))
		assert.NoError(t, tx.PutTeam(&team))

		for _, s := range []account.Store{s, tx.Account("alice")} {
			m, err := s.Meta()
			assert.NoError(t, err)
			assert.EqualValues(t, 1, m.Seq)
			list, err := s.List(0, core.MaxSafe, 10)
			assert.NoError(t, err)
			assert.Equal(t, "a", ids(list))
			free, err := s.FreeTime(10)
			assert.NoError(t, err)
			assert.EqualValues(t, 11, free)
		}
		got, err := tx.Team(team.Key)
		assert.NoError(t, err)
		assert.Equal(t, &team, got)
		assert.NoError(t, s.Commit(put(rec("b", 2, 20, account.Live))))
		m, err := s.Meta()
		assert.EqualValues(t, 2, m.Seq, "a second commit")
		return err
	})
	view(t, a, "alice", func(s account.Store) {
		list, err := s.List(0, core.MaxSafe, 10)
		assert.NoError(t, err)
		assert.Equal(t, "b a", ids(list))
	})
}

// testApart gives accounts whose names are near to one another, or mean
// something to some layer below, the same keys with other contents.
func testApart(t *testing.T, a account.Accounts) {
	names := []string{"a", "a|b", "a.b", "a-b", "a_b", "aXb", "A", "a%", "%", "_", "__proto__", "constructor", "a'b", `a"b`, "a;b",
		"漢字", "é", "e\u0301", "😀", "null", "0", "1", "01", "1e0", " ", "a ", strings.Repeat("x", core.MaxID), strings.Repeat("x", core.MaxID-1) + "y"}
	k := core.Key{Type: core.P2P, ID: "__proto__"}
	change := func(i int) *account.Change {
		r := full(k, int64(i)+1)
		r.Ext = names[i]
		c := put(r)
		c.Client = &account.Client{ID: "c", LastMid: int64(i) + 1, SeenAt: 1}
		c.Receipts = []account.Receipt{{Key: "k", Answer: names[i], At: 1}}
		c.PutRevokes = []account.PendingRevoke{{MsgID: "m", Body: names[i], At: 1}}
		return c
	}
	for i, name := range names {
		commit(t, a, name, change(i))
	}
	for i, name := range names {
		want := change(i)
		view(t, a, name, func(s account.Store) {
			m, err := s.Meta()
			assert.NoError(t, err)
			assert.Equal(t, want.Meta, m, "of %q", name)
			list, err := s.List(0, core.MaxSafe, 100)
			assert.NoError(t, err)
			assert.Equal(t, want.Put, list, "of %q", name)
			c, err := s.Client("c")
			assert.NoError(t, err)
			assert.Equal(t, *want.Client, c, "of %q", name)
			receipt, err := s.Receipt("k")
			assert.NoError(t, err)
			assert.Equal(t, &want.Receipts[0], receipt, "of %q", name)
			revoke, err := s.PendingRevoke("m")
			assert.NoError(t, err)
			assert.Equal(t, &want.PutRevokes[0], revoke, "of %q", name)
		})
	}
}

// state reads all that testRollback writes to.
func state(t *testing.T, a account.Accounts) (all []any) {
	require.NoError(t, a.View(context.Background(), func(tx account.Tx) error {
		for _, name := range []string{"alice", "bob", "new"} {
			s := tx.Account(name)
			m, err := s.Meta()
			assert.NoError(t, err)
			list, err := s.Changes(0, 100)
			assert.NoError(t, err)
			c, err := s.Client("c")
			assert.NoError(t, err)
			receipt, err := s.Receipt("k")
			assert.NoError(t, err)
			revoke, err := s.PendingRevoke("m")
			assert.NoError(t, err)
			all = append(all, m, list, c, receipt, revoke)
		}
		for _, id := range []string{"t", "new"} {
			team, err := tx.Team(core.Key{Type: core.Team, ID: id})
			assert.NoError(t, err)
			all = append(all, team)
		}
		return nil
	}))
	return all
}

// everything is a Change of all kinds.
func everything(seq int64) *account.Change {
	c := put(rec("a", seq, seq, account.Live), rec("b"+core.Itoa(seq), seq+1, seq+1, account.Live))
	c.Client = &account.Client{ID: "c", LastMid: seq, SeenAt: seq}
	c.Receipts = []account.Receipt{{Key: "k", Answer: core.Itoa(seq), At: seq}}
	c.PutRevokes = []account.PendingRevoke{{MsgID: "m", Body: core.Itoa(seq), At: seq}}
	return c
}

func testRollback(t *testing.T, a account.Accounts) {
	team := func(id, owner string) *account.Team {
		return &account.Team{Key: core.Key{Type: core.Team, ID: id}, Owner: owner}
	}
	commit(t, a, "alice", everything(10))
	commit(t, a, "bob", everything(10))
	update(t, a, func(tx account.Tx) error { return tx.PutTeam(team("t", "before")) })
	before := state(t, a)

	refused := errors.New("refused")
	hooked := false
	err := a.Update(context.Background(), func(tx account.Tx) error {
		tx.AfterCommit(func() { hooked = true })
		for _, name := range []string{"alice", "bob", "new"} {
			drop := everything(20)
			drop.Drop, drop.DropRevokes, drop.ExpireBefore, drop.ClientsBefore = []string{"p2p|b10"}, []string{"m"}, 15, 15
			assert.NoError(t, tx.Account(name).Commit(drop))
		}
		assert.NoError(t, tx.PutTeam(team("t", "after")))
		assert.NoError(t, tx.PutTeam(team("new", "after")))
		return refused
	})
	require.Same(t, refused, err)
	require.False(t, hooked, "AfterCommit without a commit")
	require.Equal(t, before, state(t, a))

	commit(t, a, "alice", everything(30)) // and it goes on
	require.NotEqual(t, before, state(t, a))
}

func testErrors(t *testing.T, a account.Accounts) {
	refused := core.BadParam("limit: 0 is under 1")
	fn := func(account.Tx) error { return refused }
	require.Same(t, refused, a.View(context.Background(), fn))
	require.Same(t, refused, a.Update(context.Background(), fn))
}

func testAfterCommit(t *testing.T, a account.Accounts) {
	var order []int
	update(t, a, func(tx account.Tx) error {
		tx.AfterCommit(func() { order = append(order, 1) })
		tx.AfterCommit(func() { order = append(order, 2) })
		assert.Empty(t, order, "not before the commit")
		return tx.Account("alice").Commit(everything(1))
	})
	require.Equal(t, []int{1, 2}, order)
	update(t, a, func(tx account.Tx) error {
		tx.AfterCommit(func() { order = append(order, 3) })
		return nil
	})
	require.Equal(t, []int{1, 2, 3}, order, "without a write too")
}

// testConcurrentUpdates has many callers raise one counter: a lost update, or a
// hook out of the order of the commits, shows.
func testConcurrentUpdates(t *testing.T, a account.Accounts) {
	const callers, each = 16, 25
	var told []int64
	raise := func(tx account.Tx) error {
		s := tx.Account("alice")
		m, err := s.Meta()
		if err != nil {
			return err
		}
		seq := m.Seq + 1
		tx.AfterCommit(func() { told = append(told, seq) })
		return s.Commit(put(rec("k"+core.Itoa(seq), seq, seq, account.Live)))
	}
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for range each {
				assert.NoError(t, a.Update(context.Background(), raise))
			}
		})
	}
	wg.Wait()
	require.Len(t, told, callers*each)
	for i, seq := range told {
		require.EqualValues(t, i+1, seq)
	}
	view(t, a, "alice", func(s account.Store) {
		all, err := s.Changes(0, callers*each+1)
		assert.NoError(t, err)
		assert.Len(t, all, callers*each)
	})
}

// testOneMoment moves two accounts in step while views look at them, each
// several times: they never see the one without the other, nor any move.
func testOneMoment(t *testing.T, a account.Accounts) {
	const moves = 100
	var wg sync.WaitGroup
	wg.Go(func() {
		for seq := range int64(moves) {
			assert.NoError(t, a.Update(context.Background(), func(tx account.Tx) error {
				if err := tx.Account("alice").Commit(&account.Change{Meta: meta(seq + 1)}); err != nil {
					return err
				}
				return tx.Account("bob").Commit(put(rec("a", seq+1, seq+1, account.Live)))
			}))
		}
	})
	look := func(tx account.Tx) (seen []int64) {
		for _, name := range []string{"alice", "bob"} {
			m, err := tx.Account(name).Meta()
			assert.NoError(t, err)
			seen = append(seen, m.Seq)
		}
		list, err := tx.Account("bob").List(0, core.MaxSafe, 1)
		assert.NoError(t, err)
		for _, r := range list {
			seen = append(seen, r.Seq)
		}
		return seen
	}
	for range 4 {
		wg.Go(func() {
			for last := int64(0); last < moves; {
				assert.NoError(t, a.View(context.Background(), func(tx account.Tx) error {
					seen := look(tx)
					for _, seq := range seen {
						assert.Equal(t, seen[0], seq, "in one view")
					}
					assert.GreaterOrEqual(t, seen[0], last, "a later view")
					last = seen[0]
					return nil
				}))
				if t.Failed() {
					return
				}
			}
		})
	}
	wg.Wait()
}
