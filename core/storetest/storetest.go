// Package storetest holds every implementation of account.Accounts to the
// contract in account/store.go.
package storetest

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"recents/core"
	"recents/core/account"
)

// Run runs the suite. open returns an empty Accounts, which it closes itself
// when the test ends.
func Run(t *testing.T, open func(t *testing.T) account.Accounts) {
	for _, c := range []struct {
		name string
		test func(*testing.T, account.Accounts)
	}{
		{"an account never written", testNeverWritten},
		{"Meta comes back as it was put", testMeta},
		{"records come back as they were put", testRecords},
		{"a record replaces the one of its key", testReplace},
		{"Drop forgets records", testDrop},
		{"List", testList},
		{"Changes", testChanges},
		{"Expired", testExpired},
		{"FreeTime", testFreeTime},
		{"clients", testClients},
		{"receipts", testReceipts},
		{"pending revokes", testRevokes},
		{"ExpireBefore and ClientsBefore", testExpire},
		{"all that is held, in pages", testHeld},
		{"Wipe", testWipe},
		{"teams", testTeams},
		{"Due", testDue},
		{"Newest", testNewest},
		{"a transaction sees its own writes", testOwnWrites},
		{"accounts are apart", testApart},
		{"an error leaves nothing", testRollback},
		{"errors come back as they are", testErrors},
		{"AfterCommit", testAfterCommit},
		{"updates come one after the other", testConcurrentUpdates},
		{"a view sees one moment", testOneMoment},
		{"random operations end as in account.Memory", testModel},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, open(t)) })
	}
}

// update runs fn in an Update that must succeed. fn may run on a goroutine that
// is not the test's: it may assert, not require.
func update(t *testing.T, a account.Accounts, fn func(account.Tx) error) {
	t.Helper()
	require.NoError(t, a.Update(context.Background(), fn))
}

// commit applies changes to one account, in one Update.
func commit(t *testing.T, a account.Accounts, name string, changes ...*account.Change) {
	t.Helper()
	update(t, a, func(tx account.Tx) error {
		for _, c := range changes {
			if err := tx.Account(name).Commit(c); err != nil {
				return err
			}
		}
		return nil
	})
}

// view reads from one account.
func view(t *testing.T, a account.Accounts, name string, fn func(account.Store)) {
	t.Helper()
	require.NoError(t, a.View(context.Background(), func(tx account.Tx) error {
		fn(tx.Account(name))
		return nil
	}))
}

// meta is a head record that only its seq tells from others.
func meta(seq int64) account.Meta { return account.Meta{Epoch: "e", Seq: seq, LastTime: seq} }

// put is a Change of records.
func put(recs ...account.Record) *account.Change {
	c := &account.Change{Meta: meta(0), Put: recs}
	for _, r := range recs {
		c.Meta.Seq = max(c.Meta.Seq, r.Seq)
		c.Meta.LastTime = max(c.Meta.LastTime, r.UpdateTime)
	}
	return c
}

// rec is a p2p record that changed at its update time.
func rec(id string, seq, time int64, state account.State) account.Record {
	return account.Record{
		Row:   core.Row{Key: core.Key{Type: core.P2P, ID: id}, Seq: seq, UpdateTime: time, Deleted: state != account.Live},
		State: state, ChangedAt: time,
	}
}

// ids returns the session ids of records, in order, joined by a space.
func ids(recs []account.Record) string {
	var list []string
	for i := range recs {
		list = append(list, recs[i].Key.ID)
	}
	return strings.Join(list, " ")
}

func testNeverWritten(t *testing.T, a account.Accounts) {
	check := func(tx account.Tx) error {
		s := tx.Account("nobody")
		m, err := s.Meta()
		assert.NoError(t, err)
		assert.Zero(t, m)
		r, err := s.Row("p2p|bob")
		assert.NoError(t, err)
		assert.Nil(t, r)
		list, err := s.List(0, core.MaxSafe, 10)
		assert.NoError(t, err)
		assert.Empty(t, list)
		list, err = s.Changes(0, 10)
		assert.NoError(t, err)
		assert.Empty(t, list)
		list, err = s.Expired(account.Tombstone, core.MaxSafe, core.MaxSafe, 10)
		assert.NoError(t, err)
		assert.Empty(t, list)
		free, err := s.FreeTime(7)
		assert.NoError(t, err)
		assert.EqualValues(t, 7, free)
		checkNothingKept(t, tx)
		return nil
	}
	require.NoError(t, a.View(context.Background(), check))
	update(t, a, check)
	newest, err := a.Newest(context.Background())
	require.NoError(t, err)
	require.Zero(t, newest)
}

func checkNothingKept(t *testing.T, tx account.Tx) {
	s := tx.Account("nobody")
	c, err := s.Client("c1")
	assert.NoError(t, err)
	assert.Equal(t, account.Client{ID: "c1"}, c)
	receipt, err := s.Receipt("k")
	assert.NoError(t, err)
	assert.Nil(t, receipt)
	revoke, err := s.PendingRevoke("m")
	assert.NoError(t, err)
	assert.Nil(t, revoke)
	team, err := tx.Team(core.Key{Type: core.Team, ID: "t1"})
	assert.NoError(t, err)
	assert.Nil(t, team)
}
