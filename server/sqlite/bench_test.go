package sqlite

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"recents/core"
	"recents/core/account"
)

// BenchmarkUpdate delivers p2p messages, each to both ends with the sender's
// receipt, from many callers at once: every one is on the disk when it returns.
func BenchmarkUpdate(b *testing.B) {
	db := open(b, Options{})
	var sent atomic.Int64
	b.SetParallelism(64)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := deliver(db, sent.Add(1), 1000); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.StopTimer()
	s := db.Stats()
	b.ReportMetric(float64(s.Updates)/float64(s.Transactions), "updates/commit")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "updates/s")
}

// deliver sends message n between two of so many accounts.
func deliver(db *DB, n, accounts int64) error {
	from, to := fmt.Sprintf("user%d", n%accounts), fmt.Sprintf("user%d", n*7919%accounts)
	raw := fmt.Appendf(nil, `{"uuid":"m%d","content":"message number %d of a usual length, with a nickname","fromNickname":"Alice"}`, n, n)
	now := 1700000000000 + n
	msg, err := account.ParseMessage(raw, from, core.Key{Type: core.P2P, ID: to}, account.NextOrder(0, now), false)
	if err != nil {
		return err
	}
	env := account.Env{Now: now, NewEpoch: "0123456789abcdef"}
	return db.Update(context.Background(), func(tx account.Tx) error {
		for _, name := range []string{from, to} {
			a, err := account.Open(name, tx.Account(name), env)
			if err != nil {
				return err
			}
			if name == from {
				if _, err := a.SentReceipt(msg.UUID, "hash"); err != nil {
					return err
				}
				a.PutSentReceipt(msg.UUID, "hash", `{"serverId":"`+msg.ServerID()+`"}`)
			}
			if err := a.Deliver(msg); err != nil {
				return err
			}
			if _, err := a.Commit(); err != nil {
				return err
			}
		}
		return nil
	})
}

// BenchmarkList100 reads the newest 100 of 10,000 sessions.
func BenchmarkList100(b *testing.B) {
	db := open(b, Options{})
	for n := int64(0); n < 10_000; n += 500 {
		require.NoError(b, db.Update(context.Background(), func(tx account.Tx) error {
			a, err := account.Open("alice", tx.Account("alice"), account.Env{Now: 1, NewEpoch: "e"})
			if err != nil {
				return err
			}
			for i := n; i < n+500; i++ {
				raw := fmt.Appendf(nil, `{"uuid":"m%d","content":"message number %d of a usual length","fromNickname":"Alice"}`, i, i)
				from := core.Key{Type: core.P2P, ID: fmt.Sprintf("user%d", i)}
				msg, err := account.ParseMessage(raw, from.ID, core.Key{Type: core.P2P, ID: "alice"}, account.NextOrder(0, 1700000000000+i), false)
				if err != nil {
					return err
				}
				if err := a.Deliver(msg); err != nil {
					return err
				}
			}
			_, err = a.Commit()
			return err
		}))
	}
	b.ReportAllocs()
	for b.Loop() {
		err := db.View(context.Background(), func(tx account.Tx) error {
			a, err := account.Open("alice", tx.Account("alice"), account.Env{})
			if err != nil {
				return err
			}
			rows, more, err := a.List(core.ListRequest{Limit: 100})
			if err == nil && (len(rows) != 100 || !more) {
				b.Errorf("%d rows, more %v", len(rows), more)
			}
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}
