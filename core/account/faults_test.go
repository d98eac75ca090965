package account_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"recents/core"
	"recents/core/account"
)

// TestS7ACursorBelowTheFloorIsReset: a replica that was away while tombstones
// were collected is told to start over, and ends without a deleted session. One
// that went on from its cursor would keep them all.
func TestS7ACursorBelowTheFloorIsReset(t *testing.T) {
	const sessions, deleted = 1000, 300
	const days = 24 * 3600_000
	b := newBench(t)
	b.op(func(a *account.Account) error {
		for i := range sessions {
			require.NoError(t, a.Deliver(b.from(fmt.Sprint("u", i), fmt.Sprint("m", i), "")))
		}
		return nil
	})
	replica := map[string]bool{}
	for _, id := range b.all() {
		replica[id] = true
	}
	require.Len(t, replica, sessions)
	cursor := b.sync(0, 1).Head
	b.op(func(a *account.Account) error {
		for i := range deleted {
			_, err := a.Delete(key(fmt.Sprint("u", i)), 0, false)
			require.NoError(t, err)
		}
		return nil
	})
	b.now += 31 * days
	b.op(func(a *account.Account) error { // newer changes, which the tombstones have to outlive
		for i := range 1000 {
			require.NoError(t, a.Deliver(b.from("busy", fmt.Sprint("b", i), "")))
		}
		return nil
	})
	b.op(func(a *account.Account) error { _, err := a.Collect(); return err })

	require.Equal(t, core.ResetFloor, b.sync(cursor, 500).Reset)
	floor := cursor + deleted
	require.Empty(t, b.sync(floor, 500).Reset, "one at the floor has missed nothing")
	for _, r := range b.sync(floor, 500).Rows {
		require.False(t, r.Deleted, "no tombstone is left to tell of")
	}
	fresh := b.all()
	for i := range deleted {
		require.NotContains(t, fresh, fmt.Sprint("u", i))
	}
	require.Len(t, fresh, sessions-deleted+1)
	t.Attr("S7", fmt.Sprintf("reset: floor, 0 zombies in %d rows, where going on would have kept %d", len(fresh), deleted))
}

// all walks snapshot pages.
func (b *bench) all() (ids []string) {
	b.t.Helper()
	for at, more := int64(0), true; more; {
		b.op(func(a *account.Account) error {
			p, err := a.Snapshot(core.SnapshotRequest{MaxTime: at, Limit: 500})
			for _, r := range p.Rows {
				ids = append(ids, r.Key.ID)
			}
			at, more = p.NextMax, p.More
			return err
		})
	}
	return ids
}

// TestS8TheClockSteps: whatever the clock does, each message gets a time of its
// own, the log goes on, and the newest message stands first (I6).
func TestS8TheClockSteps(t *testing.T) {
	const second, year = int64(1000), int64(365 * 24 * 3600_000)
	for name, step := range map[string]func(i int, now int64) int64{
		"500 s back":            func(i int, now int64) int64 { return now + second - at(i == 50, 500*second) },
		"a year ahead":          func(i int, now int64) int64 { return now + second + at(i == 50, year) },
		"a year ahead and back": func(i int, now int64) int64 { return now + second + at(i == 50, year) - at(i == 60, year) },
		"frozen":                func(_ int, now int64) int64 { return now },
		"back with each":        func(_ int, now int64) int64 { return now - second },
	} {
		t.Run(name, func(t *testing.T) {
			const messages = 100
			b := newBench(t)
			b.held = true
			seen := map[int64]bool{}
			lastTime, lastSeq := int64(0), int64(0)
			for i := range messages {
				b.now = step(i, b.now)
				friend := fmt.Sprint("u", i%70)
				d := b.deliver(b.from(friend, fmt.Sprint("m", i), ""))
				require.NotNil(t, d, "message %d counts as newer", i)
				row := d.Rows[0]
				require.False(t, seen[row.UpdateTime], "update time %d twice", row.UpdateTime)
				require.Greater(t, row.UpdateTime, lastTime)
				require.Greater(t, row.Seq, lastSeq)
				require.Equal(t, friend, b.ids()[0])
				seen[row.UpdateTime], lastTime, lastSeq = true, row.UpdateTime, row.Seq
			}
			b.checkDigest()
			t.Attr("S8", fmt.Sprintf("%s: %d messages, %d times, the newest first each time", name, messages, len(seen)))
		})
	}
}

func at(now bool, ms int64) int64 {
	if now {
		return ms
	}
	return 0
}

// TestS9ThousandsInOneMillisecond: 5,000 messages of one millisecond get 5,000
// times, in the order in which they came, and a list pages through them.
func TestS9ThousandsInOneMillisecond(t *testing.T) {
	const messages = 5000
	b := newBench(t)
	b.held = true
	var want []string
	d := b.op(func(a *account.Account) error {
		for i := range messages {
			friend := fmt.Sprint("u", i)
			want = append(want, friend)
			require.NoError(t, a.Deliver(b.from(friend, fmt.Sprint("m", i), "")))
		}
		return nil
	})
	times := map[int64]bool{}
	for i, r := range d.Rows {
		require.EqualValues(t, b.now+int64(i), r.UpdateTime)
		times[r.UpdateTime] = true
	}
	require.Len(t, times, messages)
	got := b.all()
	slices.Reverse(got)
	require.Equal(t, want, got)
	b.op(func(a *account.Account) error {
		require.Equal(t, b.now+messages-1, a.Meta().LastTime)
		return nil
	})
	t.Attr("S9", fmt.Sprintf("%d messages in 1 ms: %d times, in the order of arrival", messages, len(times)))
}

// TestS10UpstreamRepeatsAndReorders delivers messages again, in any order, and
// late after deletes: the session is there exactly when a message came that is
// newer than all that came before a delete, and shows the newest one (I5).
func TestS10UpstreamRepeatsAndReorders(t *testing.T) {
	runs, steps, repeats := 0, 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		runs++
		b := newBench(t)
		var sent []*account.Message
		for i := range 6 {
			b.now += 7
			sent = append(sent, b.from("bob", fmt.Sprint("m", i), ""))
		}
		newest, live := -1, false
		for _, what := range rapid.SliceOfN(rapid.IntRange(-2, len(sent)-1), 10, 40).Draw(rt, "steps") {
			steps++
			if what < 0 {
				b.delete(key("bob"))
				live = false
				continue
			}
			b.deliver(sent[what])
			if what > newest {
				newest, live = what, true
			} else {
				repeats++
			}
			require.Equal(rt, live, b.get(key("bob")) != nil)
			if live {
				require.Equal(rt, sent[newest].UUID, b.last(key("bob")).UUID)
			}
		}
		b.checkDigest()
	})
	t.Attr("S10", fmt.Sprintf("%d random runs, %d steps, %d redeliveries or overtaken messages: 0 resurrections", runs, steps, repeats))
}

// orders returns every order of n things in which before comes before after.
func orders(n, before, after int) (all [][]int) {
	var extend func(done []int)
	extend = func(done []int) {
		if len(done) == n {
			all = append(all, slices.Clone(done))
			return
		}
		for i := range n {
			if !slices.Contains(done, i) && (i != after || slices.Contains(done, before)) {
				extend(append(done, i))
			}
		}
	}
	extend(nil)
	return all
}

// TestS11RevokesInAnyOrder: two messages, a revoke of each, and one of them
// again, in every order: the last message is the newer one, and a revoke of it
// holds wherever it came. Without it the message stands.
func TestS11RevokesInAnyOrder(t *testing.T) {
	const older, newer, revokeOlder, revokeNewer, again = 0, 1, 2, 3, 4
	n := 0
	for _, events := range []int{3, 5} {
		for _, order := range orders(events, -1, -1) {
			n++
			b := newBench(t)
			messages := []*account.Message{b.from("bob", "older", "secret"), b.from("bob", "newer", "secret")}
			for _, e := range order {
				switch e {
				case older, newer:
					b.deliver(messages[e])
				case revokeOlder:
					b.revoke("bob", key("me"), "older", "bob")
				case revokeNewer, again:
					b.revoke("bob", key("me"), "newer", "bob")
				}
			}
			s := b.get(key("bob"))
			require.Equal(t, "newer", s.RecentSession.LastMessageID, "%v", order)
			require.Equal(t, bit(events == 5), *s.LastMsgType, "%v", order)
			require.Equal(t, events == 5, s.LastMsg == nil, "%v", order)
			b.checkDigest()
		}
	}
	t.Attr("S11", fmt.Sprintf("%d orders of messages and revokes: the right type each time", n))
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// TestS12DeleteAmongMessages: one device reads the session and deletes what it
// saw, while three messages arrive, in every order. No message that the device
// had not seen is lost, and none comes back late.
func TestS12DeleteAmongMessages(t *testing.T) {
	const read, remove, messages = 3, 4, 3
	kept, recreated := 0, 0
	all := orders(5, read, remove)
	for _, order := range all {
		b := newBench(t)
		sent := []*account.Message{b.from("bob", "0", ""), b.from("bob", "1", ""), b.from("bob", "2", "")}
		newest, seen, seenTime, live, deleted := -1, -1, int64(0), false, false
		for _, e := range order {
			switch {
			case e < messages:
				b.deliver(sent[e])
				if e > newest {
					newest, live = e, true
					recreated += bit(deleted)
					deleted = false
				}
			case e == read:
				seen = newest
				if s := b.get(key("bob")); s != nil {
					seenTime = s.UpdateTime
				}
			case e == remove:
				var outcome string
				b.op(func(a *account.Account) (err error) { outcome, err = a.Delete(key("bob"), seenTime, true); return err })
				require.Equal(t, newest > seen, outcome == core.OutcomeKeptNewer, "%v", order)
				kept += bit(newest > seen)
				deleted = live && newest == seen
				live = live && newest > seen
			}
			require.Equal(t, live, b.get(key("bob")) != nil, "%v at %d", order, e)
			if live {
				require.Equal(t, sent[newest].UUID, b.last(key("bob")).UUID, "%v", order)
			}
		}
		b.checkDigest()
	}
	require.NotZero(t, kept)
	require.NotZero(t, recreated)
	t.Attr("S12", fmt.Sprintf("%d orders: %d kept as newer, %d brought back by a message, 0 lost", len(all), kept, recreated))
}

// TestS13ExtAmongDeletes: one device reads the session and sets its ext later,
// as after an edit offline; meanwhile another deletes it and a message arrives,
// in every order. The ext is superseded exactly when the session is gone by a
// delete that its writer had not seen.
func TestS13ExtAmongDeletes(t *testing.T) {
	const read, set, remove, message = 0, 1, 2, 3
	superseded := 0
	all := orders(4, read, set)
	for _, order := range all {
		b := newBench(t)
		b.receive("bob", "first")
		m := b.from("bob", "second", "")
		var base int64
		goneUnseen, live := false, true
		for _, e := range order {
			switch e {
			case read:
				base, goneUnseen = b.sync(0, 500).Rows[0].Seq, false
			case set:
				outcome := b.setExt(key("bob"), "edited", base)
				require.Equal(t, goneUnseen, outcome == core.OutcomeSuperseded, "%v", order)
				superseded += bit(goneUnseen)
				live = live || !goneUnseen
				if live {
					require.Equal(t, "edited", *b.get(key("bob")).Ext, "%v", order)
				}
			case remove:
				b.delete(key("bob"))
				goneUnseen, live = true, false
			case message:
				b.deliver(m)
				goneUnseen, live = false, true
			}
			require.Equal(t, live, b.get(key("bob")) != nil, "%v at %d", order, e)
		}
		b.checkDigest()
	}
	require.NotZero(t, superseded)
	t.Attr("S13", fmt.Sprintf("%d orders: %d superseded, the others applied", len(all), superseded))
}

// TestS20AForgottenClientRenumbers: to a client whose numbers the server does
// not know (any more) each batch is a gap, which applies nothing; numbered anew
// from 1 every write is applied, once.
func TestS20AForgottenClientRenumbers(t *testing.T) {
	const days = 24 * 3600_000
	mutate := func(b *bench, client string, first, n int64) (p *core.MutatePage) {
		q := core.MutateRequest{ClientID: client}
		for i := range n {
			q.Muts = append(q.Muts, core.Mutation{Mid: first + i, Op: core.OpExt, Key: key(fmt.Sprint("w", first+i)), Ext: fmt.Sprint(first + i)})
		}
		b.op(func(a *account.Account) (err error) { p, err = a.Mutate(q); return err })
		return p
	}
	for name, forget := range map[string]func(b *bench){
		"collected": func(b *bench) {
			b.now += 31 * days
			b.op(func(a *account.Account) error { _, err := a.Collect(); return err })
		},
		"another server's": func(b *bench) { *b = *newBench(t) },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			require.EqualValues(t, 5, mutate(b, "c", 1, 5).LastMid)
			forget(b)
			before := b.sync(0, 500).Head
			p := mutate(b, "c", 6, 3)
			assert.True(t, p.Gap)
			assert.Zero(t, p.LastMid, "what the client has to begin after")
			assert.Empty(t, p.Results)
			assert.Equal(t, before, b.sync(0, 500).Head, "nothing is applied out of order")
			b.op(func(a *account.Account) error { // sent as 6 to 8 before, now as 1 to 3
				q := core.MutateRequest{ClientID: "c"}
				for i := range int64(3) {
					q.Muts = append(q.Muts, core.Mutation{Mid: 1 + i, Op: core.OpExt, Key: key(fmt.Sprint("w", 6+i)), Ext: "late"})
				}
				p, err := a.Mutate(q)
				assert.False(t, p.Gap)
				assert.EqualValues(t, 3, p.LastMid)
				return err
			})
			for i := range 3 {
				assert.Equal(t, "late", *b.get(key(fmt.Sprint("w", 6+i))).Ext)
			}
			assert.Equal(t, before+3, b.sync(0, 500).Head, "each once")
			t.Attr("S20", "a gap, then 3 writes renumbered: 3 applied, 0 lost, 0 twice")
		})
	}
}
