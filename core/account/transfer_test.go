package account_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"recents/core"
	"recents/core/account"
)

// crowded is an account with everything that one can hold.
func crowded(t *testing.T) *bench {
	b := newBench(t)
	for i := range 3 {
		b.receive(fmt.Sprint("friend", i), fmt.Sprint("m", i))
	}
	b.setExt(key("friend0"), `{"pinned":"<&\u2028\">"}`, 0)
	b.setExt(key("friend1"), "", 0)
	b.revoke("friend1", key("me"), "m1", "friend1")
	b.revoke("friend9", key("me"), "not-here-yet", "friend9")
	b.delete(key("friend2"))
	b.op(func(a *account.Account) error {
		a.PutSentReceipt("u", "hash", `{"serverId":"1"}`)
		_, err := a.Mutate(core.MutateRequest{ClientID: "tab", Muts: []core.Mutation{{Mid: 1, Op: core.OpSkip}, {Mid: 2, Op: core.OpLost}}})
		return err
	})
	b.op(func(a *account.Account) error { // what a collected tombstone leaves
		a.PutReceipt("i|k", "hash", "null")
		return nil
	})
	return b
}

func (b *bench) export(from string) (page []byte, err error) {
	err = b.store.View(context.Background(), func(tx account.Tx) error {
		a, err := account.Open(b.name, tx.Account(b.name), account.Env{Now: b.now})
		require.NoError(b.t, err)
		p, err := a.Export(from)
		if err == nil {
			page = account.AppendTransfer(nil, p)
		}
		return err
	})
	return page, err
}

// exportAll is every page, as JSON.
func (b *bench) exportAll() (pages [][]byte) {
	b.t.Helper()
	for from := ""; ; {
		page, err := b.export(from)
		require.NoError(b.t, err)
		require.NoError(b.t, core.Strict(page))
		pages = append(pages, page)
		var read struct{ Next string }
		require.NoError(b.t, json.Unmarshal(page, &read))
		if from = read.Next; from == "" {
			return pages
		}
	}
}

func (b *bench) importPage(page []byte, cursor string, replace bool) (next string, d *account.Delta, err error) {
	p, err := account.ParseTransfer(page)
	if err != nil {
		return "", nil, err
	}
	b.now++
	err = b.store.Update(context.Background(), func(tx account.Tx) error {
		a, err := account.Open(b.name, tx.Account(b.name), account.Env{Now: b.now, NewEpoch: fmt.Sprint("epoch", b.now)})
		require.NoError(b.t, err)
		if next, err = a.Import(p, cursor, replace); err != nil {
			return err
		}
		d, err = a.Commit()
		return err
	})
	return next, d, err
}

func (b *bench) importAll(pages [][]byte) {
	b.t.Helper()
	cursor := ""
	for _, p := range pages {
		var err error
		cursor, _, err = b.importPage(p, cursor, false)
		require.NoError(b.t, err)
	}
	require.Empty(b.t, cursor)
}

// withoutEpoch is what two places hold alike.
func withoutEpoch(t *testing.T, pages [][]byte) (all []string) {
	for _, p := range pages {
		read, err := account.ParseTransfer(p)
		require.NoError(t, err)
		read.Meta.Epoch, read.From, read.Next = "", "", ""
		all = append(all, string(account.AppendTransfer(nil, read)))
	}
	return all
}

func TestTransferIsExact(t *testing.T) {
	from := crowded(t)
	pages := from.exportAll()
	require.Len(t, pages, 1)
	for _, held := range []string{`"id":"tab"`, `not-here-yet`, `"key":"m|u"`, `"state":1`, `"mt":1`, `"x":""`} {
		require.Contains(t, string(pages[0]), held)
	}
	to := newBench(t)
	to.importAll(pages)
	require.Equal(t, withoutEpoch(t, pages), withoutEpoch(t, to.exportAll()))
	to.checkDigest()
	require.Equal(t, from.ids(), to.ids())

	// It goes on as the original would: ids are known, orders are kept.
	to.now = from.now
	to.order = from.order
	to.receive("friend2", "m9")
	require.Equal(t, "m9", to.last(key("friend2")).UUID)
	d := to.op(func(a *account.Account) error {
		_, err := a.Mutate(core.MutateRequest{ClientID: "tab", Muts: []core.Mutation{{Mid: 1, Op: core.OpDelete, Key: key("friend0")}}})
		return err
	})
	require.Empty(t, d.Rows, "a mutation that was applied there is not applied again")
}

func TestTransferInPages(t *testing.T) {
	from := newBench(t)
	for i := range 200 {
		from.deliver(from.from(fmt.Sprint("friend", i), fmt.Sprint("m", i), strings.Repeat("漢", 4<<10)))
	}
	pages := from.exportAll()
	require.Greater(t, len(pages), 3)
	for _, p := range pages {
		require.Less(t, len(p), 600<<10)
	}
	to := newBench(t)
	to.importAll(pages)
	require.Equal(t, withoutEpoch(t, pages), withoutEpoch(t, to.exportAll()))

	first, err := from.export("")
	require.NoError(t, err)
	next, err := account.ParseTransfer(first)
	require.NoError(t, err)
	from.receive("late", "late")
	_, err = from.export(next.Next)
	refused(t, err, core.CodeConflict, "after: the account changed")
}

// TestTransferOfManySmall: more entries than are read at once.
func TestTransferOfManySmall(t *testing.T) {
	from := newBench(t)
	for i := range 3 * 64 {
		from.receive(fmt.Sprint("friend", i), fmt.Sprint("m", i))
	}
	pages := from.exportAll()
	to := newBench(t)
	to.importAll(pages)
	require.Equal(t, withoutEpoch(t, pages), withoutEpoch(t, to.exportAll()))
	require.Equal(t, 3*64, strings.Count(string(pages[0]), `"row":`))
}

func refused(t *testing.T, err error, code int, text string) {
	t.Helper()
	require.Error(t, err)
	c, details := core.CodeOf(err)
	require.Equal(t, code, c, details)
	require.Contains(t, details, text)
}

// TestImportResetsReaders: the epoch of a half import is not that of the whole
// one, and live readers are told of both by a delta that none of them applies.
func TestImportResetsReaders(t *testing.T) {
	from := newBench(t)
	for i := range 100 {
		from.deliver(from.from(fmt.Sprint("friend", i), fmt.Sprint("m", i), strings.Repeat("x", 16<<10)))
	}
	pages := from.exportAll()
	to := crowded(t)
	to.receive("only here", "m")
	_, _, err := to.importPage(pages[0], "", false)
	refused(t, err, core.CodeConflict, "holds sessions")
	epochs := map[string]bool{"e1": true}
	cursor := ""
	for i, p := range pages {
		var d *account.Delta
		cursor, d, err = to.importPage(p, cursor, true)
		require.NoError(t, err)
		if i == 0 || i == len(pages)-1 {
			require.False(t, epochs[d.Epoch], "%s is an epoch that readers may have", d.Epoch)
			require.Empty(t, d.Rows)
			require.Zero(t, d.From, "of another log than the readers'")
			require.Greater(t, d.To, d.From, "so it is told")
		}
		epochs[d.Epoch] = true
	}
	require.Len(t, epochs, 3)
	require.Equal(t, withoutEpoch(t, pages), withoutEpoch(t, to.exportAll()), "nothing of what was here stays")
}

func TestImportRefuses(t *testing.T) {
	from := newBench(t)
	for i := range 100 {
		from.deliver(from.from(fmt.Sprint("friend", i), fmt.Sprint("m", i), strings.Repeat("x", 16<<10)))
	}
	pages := from.exportAll()
	require.Greater(t, len(pages), 2)

	stranger := newBench(t)
	stranger.name = "you"
	_, _, err := stranger.importPage(pages[0], "", false)
	refused(t, err, core.CodeBadParam, `page: is of the account "me", not of "you"`)

	to := newBench(t)
	_, _, err = to.importPage(pages[1], "", false)
	refused(t, err, core.CodeConflict, "not the next page")
	cursor, _, err := to.importPage(pages[0], "", false)
	require.NoError(t, err)
	_, _, err = to.importPage(pages[2], cursor, false)
	refused(t, err, core.CodeConflict, "not the next page")
	to.receive("late", "late")
	_, _, err = to.importPage(pages[1], cursor, false)
	refused(t, err, core.CodeConflict, "changed since this import began")

	lost := newBench(t)
	altered := strings.Replace(string(pages[0]), `"friend7|`, `"x`, 1)
	altered = strings.Replace(altered, `{"k":"p2p|friend7"`, `{"k":"p2p|other"`, 1)
	cursor, _, err = lost.importPage([]byte(altered), "", false)
	require.NoError(t, err)
	for _, p := range pages[1:] {
		cursor, _, err = lost.importPage(p, cursor, false)
	}
	refused(t, err, core.CodeBadParam, "digest")
	_, err = lost.export("x")
	refused(t, err, core.CodeBadParam, `after: "x" is no position`)
	stranger.store = account.NewMemory()
	_, err = stranger.export("")
	refused(t, err, core.CodeNotFound, "never written")
}

func TestTransferThatDoesNotRead(t *testing.T) {
	const good = `{"v":1,"account":"me","epoch":"e","seq":1,"lastTime":1,"floor":0,"digest":"0000000000000000","from":"","next":"","clients":[],"receipts":[],"revokes":[],` +
		`"records":[{"row":{"k":"p2p|bob","q":1,"t":1},"state":0,"msgId":"","msgOrder":"1","changedAt":1}]}`
	_, err := account.ParseTransfer([]byte(good))
	require.NoError(t, err)
	for _, c := range []struct{ old, new, text string }{
		{`"v":1`, `"v":2`, "v: 2 is not 1"},
		{`"v":1,`, ``, "v: 0 is not 1"},
		{`"seq":1`, `"seq":-1`, "seq: -1"},
		{`"digest":"0`, `"digest":"`, "digest"},
		{`"clients":[]`, `"clients":{}`, "clients"},
		{`"clients":[]`, `"clients":[{"id":1}]`, "clients: id"},
		{`"clients":[]`, `"clients":[{"id":"c","unapplied":"[1]"}]`, "clients: unapplied: "},
		{`"row":{"k":"p2p|bob","q":1,"t":1},`, ``, "row: is missing"},
		{`"k":"p2p|bob"`, `"k":"none|bob"`, "k"},
		{`"state":0`, `"state":1`, "state: 1"},
		{`"state":0`, `"state":9`, "state: 9"},
		{`"state":0`, `"state":256`, "state: 256"},
		{`"msgOrder":"1"`, `"msgOrder":"18446744073709551616"`, "msgOrder"},
		{`"msgOrder":"1"`, `"msgOrder":1`, "msgOrder"},
	} {
		require.Contains(t, good, c.old)
		_, err := account.ParseTransfer([]byte(strings.Replace(good, c.old, c.new, 1)))
		refused(t, err, core.CodeBadParam, c.text)
	}
}

func FuzzTransfer(f *testing.F) {
	f.Add([]byte(`{"v":1,"records":[{"row":{"k":"p2p|bob","q":1,"t":1},"state":0,"msgOrder":"1"}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := account.ParseTransfer(b)
		if err != nil {
			return
		}
		again, err := account.ParseTransfer(account.AppendTransfer(nil, p))
		require.NoError(t, err)
		require.Equal(t, account.AppendTransfer(nil, p), account.AppendTransfer(nil, again))
	})
}
