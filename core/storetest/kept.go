package storetest

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"recents/core"
	"recents/core/account"
)

func testClients(t *testing.T, a account.Accounts) {
	for _, c := range []account.Client{
		{ID: "c1", LastMid: 1, SeenAt: 10}, {ID: "c1", LastMid: core.MaxSafe, Unapplied: `[{"mid":1,"outcome":"lost"}]`, SeenAt: 20}, {ID: "c1", LastMid: core.MaxSafe, SeenAt: 21}, {ID: "漢|'\"", LastMid: 2, SeenAt: 30},
	} {
		commit(t, a, "alice", &account.Change{Meta: meta(1), Client: &c})
		view(t, a, "alice", func(s account.Store) {
			got, err := s.Client(c.ID)
			assert.NoError(t, err)
			assert.Equal(t, c, got)
		})
	}
	view(t, a, "alice", func(s account.Store) {
		got, err := s.Client("C1")
		assert.NoError(t, err)
		assert.Equal(t, account.Client{ID: "C1"}, got, "ids are told apart by case")
	})
}

func testReceipts(t *testing.T, a account.Accounts) {
	first := account.Receipt{Key: "m|1", Hash: "h1", Answer: `{"serverId":"1"}`, At: 10}
	again := account.Receipt{Key: "m|1", Hash: "h2", Answer: "", At: 20}
	other := account.Receipt{Key: "k|'\"漢", Hash: "", Answer: "null", At: core.MaxSafe}
	check := func(want account.Receipt) {
		view(t, a, "alice", func(s account.Store) {
			got, err := s.Receipt(want.Key)
			assert.NoError(t, err)
			assert.Equal(t, &want, got)
		})
	}
	commit(t, a, "alice", &account.Change{Meta: meta(1), Receipts: []account.Receipt{first, other}})
	check(first)
	check(other)
	commit(t, a, "alice", &account.Change{Meta: meta(1), Receipts: []account.Receipt{again}})
	check(again)
	check(other)
}

func testRevokes(t *testing.T, a account.Accounts) {
	get := func(id string) (got *account.PendingRevoke) {
		view(t, a, "alice", func(s account.Store) {
			var err error
			got, err = s.PendingRevoke(id)
			assert.NoError(t, err)
		})
		return got
	}
	p1 := account.PendingRevoke{MsgID: "m1", Body: `{"from":"漢"}`, At: 10}
	p2 := account.PendingRevoke{MsgID: `m2'"`, Body: "", At: 20}
	commit(t, a, "alice", &account.Change{Meta: meta(1), PutRevokes: []account.PendingRevoke{p1, p2}})
	require.Equal(t, &p1, get("m1"))
	require.Equal(t, &p2, get(p2.MsgID))
	p1.Body, p1.At = "b", 30
	commit(t, a, "alice", &account.Change{Meta: meta(1), PutRevokes: []account.PendingRevoke{p1}, DropRevokes: []string{p2.MsgID, "unknown"}})
	require.Equal(t, &p1, get("m1"))
	require.Nil(t, get(p2.MsgID))
}

// testExpire gives each kind one thing from just before and one from the very
// moment, in two accounts of which one is cleaned.
func testExpire(t *testing.T, a account.Accounts) {
	for _, who := range []string{"alice", "bob"} {
		commit(t, a, who,
			&account.Change{Meta: meta(1), Client: &account.Client{ID: "9", LastMid: 1, SeenAt: 9},
				Receipts:   []account.Receipt{{Key: "9", At: 9}, {Key: "10", At: 10}},
				PutRevokes: []account.PendingRevoke{{MsgID: "9", At: 9}, {MsgID: "10", At: 10}}},
			&account.Change{Meta: meta(1), Client: &account.Client{ID: "10", LastMid: 1, SeenAt: 10}})
	}
	kept := func(who string) string {
		var left []string
		view(t, a, who, func(s account.Store) {
			for _, id := range []string{"9", "10"} {
				r, err := s.Receipt(id)
				assert.NoError(t, err)
				p, err := s.PendingRevoke(id)
				assert.NoError(t, err)
				c, err := s.Client(id)
				assert.NoError(t, err)
				for kind, has := range []bool{r != nil, p != nil, c.LastMid != 0} {
					if has {
						left = append(left, []string{"receipt", "revoke", "client"}[kind]+id)
					}
				}
			}
		})
		return strings.Join(left, " ")
	}
	all := "receipt9 revoke9 client9 receipt10 revoke10 client10"
	commit(t, a, "alice", &account.Change{Meta: meta(1)})
	require.Equal(t, all, kept("alice"), "0 keeps all")
	commit(t, a, "alice", &account.Change{Meta: meta(1), ExpireBefore: 10})
	require.Equal(t, "client9 receipt10 revoke10 client10", kept("alice"))
	commit(t, a, "alice", &account.Change{Meta: meta(1), ClientsBefore: 10})
	require.Equal(t, "receipt10 revoke10 client10", kept("alice"))
	require.Equal(t, all, kept("bob"))
}

func testTeams(t *testing.T, a account.Accounts) {
	var many []string
	for i := range core.MaxMembers {
		many = append(many, "漢字\"'|"+core.Itoa(int64(i)))
	}
	team := core.Key{Type: core.Team, ID: "1"}
	super := core.Key{Type: core.SuperTeam, ID: "1"}
	for _, want := range []account.Team{
		{Key: team, Owner: "o", Managers: []string{"m1", "m2"}, Members: many},
		{Key: super, Owner: "p", Members: []string{"p"}},
		{Key: team, Owner: "", Managers: nil, Members: nil},
		{Key: team, Owner: "o2", Members: []string{"o2", "x"}},
	} {
		update(t, a, func(tx account.Tx) error { return tx.PutTeam(&want) })
		require.NoError(t, a.View(context.Background(), func(tx account.Tx) error {
			got, err := tx.Team(want.Key)
			if assert.NotNil(t, got) {
				assert.Equal(t, want, *got)
			}
			return err
		}))
	}
	require.NoError(t, a.View(context.Background(), func(tx account.Tx) error {
		got, err := tx.Team(super)
		assert.Equal(t, "p", got.Owner, "a superTeam is another group than the team of its id")
		return err
	}))
}

func testDue(t *testing.T, a account.Accounts) {
	tomb := rec("x", 1, 9, account.Tombstone)
	husk := rec("x", 1, 9, account.Husk)
	live := rec("x", 1, 9, account.Live)
	for name, c := range map[string]*account.Change{
		"tomb": put(tomb), "husk": put(husk), "live": put(live),
		"client":  {Meta: meta(1), Client: &account.Client{ID: "c", SeenAt: 9}},
		"receipt": {Meta: meta(1), Receipts: []account.Receipt{{Key: "k", At: 99}}},
		"revoke":  {Meta: meta(1), PutRevokes: []account.PendingRevoke{{MsgID: "m", At: 99}}},
	} {
		commit(t, a, name, c)
	}
	commit(t, a, "all", put(tomb), &account.Change{Meta: meta(1), Client: &account.Client{ID: "c", SeenAt: 9},
		Receipts: []account.Receipt{{Key: "k", At: 99}}})
	for _, c := range []struct {
		name              string
		records, receipts int64
		want              string
	}{
		{"both are exclusive", 9, 99, ""},
		{"records", 10, 99, "all client husk tomb"},
		{"receipts", 9, 100, "all receipt revoke"},
		{"each account once", 10, 100, "all client husk receipt revoke tomb"},
	} {
		due, err := a.Due(context.Background(), c.records, c.receipts, 100)
		require.NoError(t, err, c.name)
		slices.Sort(due)
		require.Equal(t, c.want, strings.Join(due, " "), c.name)
	}
	due, err := a.Due(context.Background(), 10, 100, 2)
	require.NoError(t, err)
	require.Len(t, due, 2)
}

func testNewest(t *testing.T, a account.Accounts) {
	for name, last := range map[string]int64{"alice": 5, "bob": 1700000000000, "carol": 7} {
		commit(t, a, name, &account.Change{Meta: account.Meta{Epoch: "e", LastTime: last}})
	}
	newest, err := a.Newest(context.Background())
	require.NoError(t, err)
	require.EqualValues(t, 1700000000000, newest)
}
