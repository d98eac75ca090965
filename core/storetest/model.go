package storetest

import (
	"context"
	"flag"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"recents/core"
	"recents/core/account"
)

// testModel does random operations, through the rules, on the Accounts and on
// an account.Memory, and compares every answer and all that can be read.
func testModel(t *testing.T, a account.Accounts) {
	checks := flag.Lookup("rapid.checks")
	if checks.Value.String() == checks.DefValue { // an explicit -rapid.checks wins
		require.NoError(t, checks.Value.Set(runs))
		defer func() { require.NoError(t, checks.Value.Set(checks.DefValue)) }()
	}
	run := 0
	rapid.Check(t, func(t *rapid.T) {
		run++ // a run has names of its own, since opening an Accounts costs syncs
		m := &model{
			sides: [2]account.Accounts{account.NewMemory(), a},
			names: []string{fmt.Sprintf("a%d", run), fmt.Sprintf("a%d|x", run), fmt.Sprintf("漢%d", run)},
			now:   1000,
		}
		t.Repeat(map[string]func(*rapid.T){
			"":        m.compare,
			"deliver": m.deliver,
			"revoke":  m.revoke,
			"erase":   m.erase,
			"ext":     m.setExt,
			"delete":  m.delete,
			"mutate":  m.mutate,
			"collect": m.collect,
			"due":     m.due,
			"time":    func(t *rapid.T) { m.now += rapid.Int64Range(-20, 200).Draw(t, "ms") },
		})
	})
}

// ages are so short that a run reaches them.
var ages = account.Config{TombstoneAge: 300, TombstoneSeqs: 3, IdempotencyAge: 200}

type model struct {
	sides [2]account.Accounts
	names []string
	now   int64
	order uint64
	sent  []*account.Message
	epoch int
}

// do runs an operation on one account of both sides and compares what it
// returns and what it tells readers.
func (m *model) do(t *rapid.T, name string, op func(*account.Account) (any, error)) {
	m.epoch++
	env := account.Env{Now: m.now, NewEpoch: fmt.Sprintf("e%d", m.epoch), Config: ages}
	var got [2]string
	for i, side := range m.sides {
		err := side.Update(context.Background(), func(tx account.Tx) error {
			a, err := account.Open(name, tx.Account(name), env)
			if err != nil {
				return err
			}
			answer, err := op(a)
			if err != nil {
				return err
			}
			delta, err := a.Commit()
			got[i] = fmt.Sprintf("%+v %+v", answer, delta)
			return err
		})
		code, text := core.CodeOf(err)
		require.NotEqual(t, core.CodeServer, code, "%v", err)
		got[i] += fmt.Sprint(code, text)
	}
	require.Equal(t, got[0], got[1])
}

func (m *model) name(t *rapid.T) string { return rapid.SampledFrom(m.names).Draw(t, "account") }

func (m *model) key(t *rapid.T) core.Key {
	if rapid.Bool().Draw(t, "team") {
		return core.Key{Type: core.Team, ID: "t|1"}
	}
	return core.Key{Type: core.P2P, ID: m.name(t)}
}

// message draws a new message, or one that was sent before.
func (m *model) message(t *rapid.T) *account.Message {
	if len(m.sent) > 0 && rapid.IntRange(0, 3).Draw(t, "again") == 0 {
		return rapid.SampledFrom(m.sent).Draw(t, "message")
	}
	m.order = account.NextOrder(m.order, m.now)
	given := max(1, m.now-rapid.Int64Range(0, 5).Draw(t, "age"))
	raw := fmt.Sprintf(`{"uuid":"m%d","content":"漢😀 %d","timestamp":%d}`, rapid.IntRange(0, 9).Draw(t, "uuid"), m.order, given)
	msg, err := account.ParseMessage([]byte(raw), m.name(t), m.key(t), m.order, rapid.Bool().Draw(t, "import"))
	require.NoError(t, err)
	m.sent = append(m.sent, msg)
	return msg
}

func (m *model) deliver(t *rapid.T) {
	msg := m.message(t)
	m.do(t, m.name(t), func(a *account.Account) (any, error) {
		answer, err := a.SentReceipt(msg.UUID, msg.From)
		if err != nil || answer != "" {
			return answer, err
		}
		a.PutSentReceipt(msg.UUID, msg.From, msg.ServerID())
		return nil, a.Deliver(msg)
	})
}

func (m *model) revoke(t *rapid.T) {
	v := &account.Revoke{From: m.name(t), UUID: fmt.Sprintf("m%d", rapid.IntRange(0, 9).Draw(t, "uuid")), To: m.key(t), Notice: "撤回"}
	m.do(t, m.name(t), func(a *account.Account) (any, error) { return nil, a.Revoke(v) })
}

func (m *model) erase(t *rapid.T) {
	k, uuid := m.key(t), fmt.Sprintf("m%d", rapid.IntRange(0, 9).Draw(t, "uuid"))
	m.do(t, m.name(t), func(a *account.Account) (any, error) { return nil, a.Erase(k, uuid) })
}

func (m *model) setExt(t *rapid.T) {
	k, ext := m.key(t), rapid.SampledFrom([]string{"", "x", `{"漢":"😀'\""}`}).Draw(t, "ext")
	base := rapid.Int64Range(0, 20).Draw(t, "base")
	m.do(t, m.name(t), func(a *account.Account) (any, error) { return a.SetExt(k, ext, base) })
}

func (m *model) delete(t *rapid.T) {
	k, has := m.key(t), rapid.Bool().Draw(t, "has")
	seen := m.now + rapid.Int64Range(-50, 50).Draw(t, "seen")
	m.do(t, m.name(t), func(a *account.Account) (any, error) { return a.Delete(k, seen, has) })
}

func (m *model) mutate(t *rapid.T) {
	q := core.MutateRequest{ClientID: rapid.SampledFrom([]string{"c1", "c2"}).Draw(t, "client")}
	mid := rapid.Int64Range(1, 5).Draw(t, "mid")
	for i := range rapid.Int64Range(1, 4).Draw(t, "muts") {
		op := rapid.SampledFrom([]string{core.OpExt, core.OpDelete}).Draw(t, "op")
		q.Muts = append(q.Muts, core.Mutation{Mid: mid + i, Op: op, Key: m.key(t), Ext: "m"})
	}
	m.do(t, m.name(t), func(a *account.Account) (any, error) {
		p, err := a.Mutate(q)
		if err != nil {
			return nil, err
		}
		return string(core.AppendMutatePage(nil, p)), nil
	})
}

func (m *model) collect(t *rapid.T) {
	m.do(t, m.name(t), func(a *account.Account) (any, error) { return a.Collect() })
}

// compare reads all that the rules can ask of an account from both sides.
func (m *model) compare(t *rapid.T) {
	name := m.name(t)
	low, limit := m.now-rapid.Int64Range(0, 100).Draw(t, "low"), rapid.IntRange(1, 4).Draw(t, "limit")
	seq := rapid.Int64Range(0, 20).Draw(t, "cursor")
	var got [2][]string
	for i, side := range m.sides {
		require.NoError(t, side.View(context.Background(), func(tx account.Tx) error {
			s := tx.Account(name)
			a, err := account.Open(name, s, account.Env{Now: m.now, Config: ages})
			if err != nil {
				return err
			}
			got[i] = append(m.read(a, s, low, limit, seq), fmt.Sprintf("%+v", a.Meta()))
			return nil
		}))
	}
	require.Equal(t, got[0], got[1])
}

func (m *model) read(a *account.Account, s account.Store, low int64, limit int, seq int64) (got []string) {
	add := func(what string, v any, err error) { got = append(got, fmt.Sprintf("%s: %+v %v", what, v, err)) }
	all, more, err := a.List(core.ListRequest{Limit: core.MaxPage})
	add("all", string(core.AppendRows(nil, "", all)), err)
	page, more, err := a.List(core.ListRequest{Min: low, Max: m.now, Limit: limit})
	add("page", fmt.Sprint(more, string(core.AppendRows(nil, "", page))), err)
	cursor := core.Cursor{Epoch: a.Meta().Epoch, Seq: seq}
	sync, err := a.Sync(core.SyncRequest{V: core.SyncVersion, Cursor: cursor, ClientID: "c1", Limit: limit})
	if err == nil {
		add("sync", string(core.AppendSyncPage(nil, sync)), nil)
	}
	snap, err := a.Snapshot(core.SnapshotRequest{MaxTime: m.now, Limit: limit})
	if err == nil {
		add("snapshot", string(core.AppendSnapshotPage(nil, snap)), nil)
	}
	for _, r := range all {
		row, err := a.Get(r.Key)
		add("get", string(core.AppendRow(nil, &row)), err)
	}
	for _, st := range []account.State{account.Live, account.Tombstone, account.Husk} {
		recs, err := s.Expired(st, core.MaxSafe, core.MaxSafe, 100)
		add("records", recs, err)
	}
	export, err := a.Export("")
	if err == nil {
		add("export", string(account.AppendTransfer(nil, export)), nil)
	}
	return got
}

// due compares which of this run's accounts have work for Collect.
func (m *model) due(t *rapid.T) {
	var got [2]string
	for i, side := range m.sides {
		due, err := side.Due(context.Background(), m.now-ages.TombstoneAge, m.now-ages.IdempotencyAge, math.MaxInt32)
		require.NoError(t, err)
		due = slices.DeleteFunc(due, func(name string) bool { return !slices.Contains(m.names, name) })
		slices.Sort(due)
		got[i] = fmt.Sprintf("%q", due)
	}
	require.Equal(t, got[0], got[1])
}
