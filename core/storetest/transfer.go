package storetest

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"recents/core/account"
)

// testHeld reads all that an account holds, in pages: nothing of another one's.
func testHeld(t *testing.T, a account.Accounts) {
	for _, who := range []string{"alice", "bob"} {
		commit(t, a, who, &account.Change{Meta: meta(3),
			Put:        []account.Record{rec("live", 3, 30, account.Live), rec("husk", 1, 10, account.Husk), rec("tomb", 2, 20, account.Tombstone)},
			Clients:    []account.Client{{ID: "é", LastMid: 3, SeenAt: 3}, {ID: "Z", LastMid: 1, SeenAt: 1}, {ID: "a", LastMid: 2, Unapplied: "[]", SeenAt: 2}},
			Receipts:   []account.Receipt{{Key: "s|2", Hash: "h", Answer: who, At: 2}, {Key: "s|1", Hash: "h", Answer: who, At: 1}},
			PutRevokes: []account.PendingRevoke{{MsgID: "m", Body: who, At: 1}}})
	}
	view(t, a, "alice", func(s account.Store) {
		records, err := s.Records(0, 2)
		assert.NoError(t, err)
		assert.Equal(t, "husk tomb", ids(records))
		records, err = s.Records(2, 2)
		assert.NoError(t, err)
		assert.Equal(t, []account.Record{rec("live", 3, 30, account.Live)}, records)
		clients, err := s.Clients("", 2)
		assert.NoError(t, err)
		assert.Equal(t, []account.Client{{ID: "Z", LastMid: 1, SeenAt: 1}, {ID: "a", LastMid: 2, Unapplied: "[]", SeenAt: 2}}, clients)
		clients, err = s.Clients("a", 2)
		assert.NoError(t, err)
		assert.Equal(t, []account.Client{{ID: "é", LastMid: 3, SeenAt: 3}}, clients)
		receipts, err := s.Receipts("s|1", 2)
		assert.NoError(t, err)
		assert.Equal(t, []account.Receipt{{Key: "s|2", Hash: "h", Answer: "alice", At: 2}}, receipts)
		revokes, err := s.PendingRevokes("", 2)
		assert.NoError(t, err)
		assert.Equal(t, []account.PendingRevoke{{MsgID: "m", Body: "alice", At: 1}}, revokes)
		revokes, err = s.PendingRevokes("m", 2)
		assert.NoError(t, err)
		assert.Empty(t, revokes)
	})
}

// testWipe: what a Change puts is all there is after one that wipes.
func testWipe(t *testing.T, a account.Accounts) {
	full := func(seq int64) *account.Change {
		return &account.Change{Meta: meta(seq), Put: []account.Record{rec("x", seq, seq, account.Live)},
			Clients: []account.Client{{ID: "c", LastMid: seq}}, Receipts: []account.Receipt{{Key: "k", At: seq}},
			PutRevokes: []account.PendingRevoke{{MsgID: "m", At: seq}}}
	}
	commit(t, a, "bob", full(7))
	for _, wiped := range []string{"alice", "nobody"} { // one that holds all, one that was never written
		if wiped == "alice" {
			commit(t, a, wiped, full(7))
		}
		commit(t, a, wiped, &account.Change{Wipe: true, Meta: meta(1), Put: []account.Record{rec("y", 1, 7, account.Live)}})
		require.Equal(t, "y", heldBy(t, a, wiped))
	}
	require.Equal(t, "x clients 1 receipts 1 revokes 1", heldBy(t, a, "bob"))
}

func heldBy(t *testing.T, a account.Accounts, name string) (all string) {
	require.NoError(t, a.View(context.Background(), func(tx account.Tx) error {
		s := tx.Account(name)
		records, err := s.Records(0, 9)
		assert.NoError(t, err)
		clients, err := s.Clients("", 9)
		assert.NoError(t, err)
		receipts, err := s.Receipts("", 9)
		assert.NoError(t, err)
		revokes, err := s.PendingRevokes("", 9)
		assert.NoError(t, err)
		all = ids(records)
		for kind, n := range []int{len(clients), len(receipts), len(revokes)} {
			if n > 0 {
				all += []string{" clients ", " receipts ", " revokes "}[kind] + string(rune('0'+n))
			}
		}
		return nil
	}))
	return all
}
