package replica_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"recents/core"
	"recents/core/account"
	"recents/core/replica"
)

// Whatever is at the server, a batch that was coalesced leaves it as the whole
// one does, and says the same of each write.
func TestACoalescedBatchIsTheWholeOne(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	collapsed := 0
	for n := range 20_000 {
		setup, muts := randomBatch(rng)
		sent := replica.Coalesce(muts)
		whole, wholeSaid := applied(t, setup, muts)
		less, lessSaid := applied(t, setup, sent)
		require.Equal(t, whole, less, "batch %d: %v as %v", n, muts, sent)
		for i := range muts {
			if sent[i].Op == core.OpSkip {
				collapsed++
			}
			require.Equal(t, wholeSaid[i].Outcome, lessSaid[i].Outcome, "batch %d, mid %d: %v as %v", n, i+1, muts, sent)
		}
	}
	assert.Greater(t, collapsed, 5000)
}

// randomBatch makes up to six mutations of two sessions, after some changes of
// theirs that the writer may have seen or not: an ext's base is a seq that its
// session had while it was there, and rises, unless the writer saw none or
// deleted the session itself since.
func randomBatch(rng *rand.Rand) (setup []string, muts []core.Mutation) {
	ids := []string{"a", "b"}
	seqs, live, head := map[string][]int64{}, map[string]bool{}, int64(0)
	for range rng.IntN(6) {
		what, id := []string{"message", "delete", "ext"}[rng.IntN(3)], ids[rng.IntN(2)]
		setup = append(setup, what+" "+id)
		if what == "delete" && !live[id] {
			continue
		}
		head++
		if live[id] = what != "delete"; live[id] {
			seqs[id] = append(seqs[id], head)
		}
	}
	for i := range 1 + rng.IntN(6) {
		id := ids[rng.IntN(2)]
		m := core.Mutation{Mid: int64(i + 1), Op: core.OpExt, Key: core.Key{Type: core.P2P, ID: id}, Ext: fmt.Sprint("x", i)}
		if n := len(seqs[id]); n > 0 {
			seqs[id] = seqs[id][rng.IntN(n):]
		}
		switch {
		case rng.IntN(4) == 0:
			m.Op, m.Ext, m.HasSeen, seqs[id] = core.OpDelete, "", rng.IntN(2) == 0, nil
			if m.HasSeen {
				m.Seen = 1000 + rng.Int64N(6)
			}
		case len(seqs[id]) > 0 && rng.IntN(4) > 0:
			m.Base = seqs[id][0]
		}
		muts = append(muts, m)
	}
	return setup, muts
}

// applied applies the mutations to an account that the setup made, and returns
// its live rows without their seqs, and what was said.
func applied(t *testing.T, setup []string, muts []core.Mutation) (rows string, said []core.MutationResult) {
	store := account.NewMemory()
	now := int64(1000)
	update := func(fn func(a *account.Account) error) {
		require.NoError(t, store.Update(context.Background(), func(tx account.Tx) error {
			a, err := account.Open("me", tx.Account("me"), account.Env{Now: now, NewEpoch: "e"})
			if err != nil {
				return err
			}
			if err := fn(a); err != nil {
				return err
			}
			_, err = a.Commit()
			return err
		}))
	}
	for i, s := range setup {
		what, id, _ := strings.Cut(s, " ")
		k := core.Key{Type: core.P2P, ID: id}
		now++
		update(func(a *account.Account) (err error) {
			switch what {
			case "message":
				m, err := account.ParseMessage([]byte(fmt.Sprintf(`{"uuid":"u%d","content":"c"}`, i)), id, core.Key{Type: core.P2P, ID: "me"}, account.NextOrder(0, now), false)
				if err != nil {
					return err
				}
				return a.Deliver(m)
			case "delete":
				_, err = a.Delete(k, 0, false)
			default:
				_, err = a.SetExt(k, fmt.Sprint("before ", i), 0)
			}
			return err
		})
	}
	now = 2000
	update(func(a *account.Account) error {
		p, err := a.Mutate(core.MutateRequest{ClientID: "c", Muts: muts})
		if err == nil {
			said = p.Results
		}
		return err
	})
	update(func(a *account.Account) error {
		list, _, err := a.List(core.ListRequest{Limit: 100})
		for i := range list {
			rows += fmt.Sprintln(list[i].Key, list[i].Ext, list[i].HasExt, string(list[i].Msg), list[i].UpdateTime >= 2000)
		}
		return err
	})
	return rows, said
}

func (w *world) recordMutates() *[]string {
	bodies := &[]string{}
	w.refuseBody = func(path, body string) (int, string, bool) {
		if path == "/v1/mutate" {
			*bodies = append(*bodies, body)
		}
		return 0, "", false
	}
	return bodies
}

func TestEditsThatWaitCollapse(t *testing.T) {
	w := newWorld(t)
	w.fill(3)
	w.open()
	w.pass(1000)
	w.setOnline(false)
	for i := range 50 {
		w.queued(w.setExt("f0", fmt.Sprint("edit ", i)))
	}
	w.queued(w.setExt("new", "made here"))
	w.queued(w.setExt("f1", "other"))
	w.queued(w.delete("new"))
	bodies := w.recordMutates()
	w.setOnline(true)
	w.pass(5000)
	require.Len(t, *bodies, 1)
	assert.Equal(t, 2, strings.Count((*bodies)[0], `"op":"ext"`), "the last of f0, and that of f1")
	assert.Equal(t, 50, strings.Count((*bodies)[0], `"op":"skip"`))
	assert.Less(t, len((*bodies)[0]), 3000)
	require.Len(t, w.settled, 53, "each is told what became of it")
	for _, s := range w.settled {
		assert.Equal(t, 0, s.Code)
	}
	_, exts := w.onServer()
	assert.Equal(t, map[string]string{"f0": "edit 49", "f1": "other"}, exts)
	assert.EqualValues(t, 0, w.status["pending"])
	assert.Empty(t, w.disk.outbox)
	w.checkEqual()
}

// twoEditsWait opens a tab in which two edits of f0 wait, offline.
func twoEditsWait(t *testing.T) *world {
	w := newWorld(t)
	w.fill(1)
	w.open()
	w.pass(1000)
	w.setOnline(false)
	w.queued(w.setExt("f0", "one"))
	w.queued(w.setExt("f0", "two"))
	return w
}

func TestACollapsedEditSharesTheFateOfItsLast(t *testing.T) {
	w := twoEditsWait(t)
	w.do(func(a *account.Account) error {
		_, err := a.Delete(core.Key{Type: core.P2P, ID: "f0"}, 0, false)
		return err
	})
	w.setOnline(true)
	w.pass(5000)
	require.Len(t, w.settled, 2)
	for _, s := range w.settled {
		assert.Equal(t, core.OutcomeSuperseded, s.ErrorDetails)
		assert.Equal(t, core.CodeConflict, s.Code)
	}
	w.checkEqual()
}

// The tab that led before may have sent the first one of two on its own. Then it
// has a fate of its own too, whatever becomes of the other.
func TestAnEditThatAnotherTabSentKeepsItsOwnFate(t *testing.T) {
	w := twoEditsWait(t)
	w.refuseBody = func(path, body string) (int, string, bool) {
		if path == "/v1/mutate" { // and that of the other tab was a moment faster
			w.refuseBody = nil
			assert.Contains(t, body, `{"mid":1,"op":"skip","by":2}`)
			w.do(func(a *account.Account) error {
				f0 := core.Key{Type: core.P2P, ID: "f0"}
				_, err := a.Mutate(core.MutateRequest{ClientID: w.client, Muts: []core.Mutation{{Mid: 1, Op: core.OpExt, Key: f0, Ext: "one", Base: 1}}})
				if err == nil {
					_, err = a.Delete(f0, 0, false)
				}
				return err
			})
		}
		return 0, "", false
	}
	w.setOnline(true)
	w.pass(5000)
	require.Len(t, w.settled, 2)
	assert.Equal(t, 0, w.settled[0].Code, "it was applied, before the session was deleted")
	assert.Equal(t, core.OutcomeSuperseded, w.settled[1].ErrorDetails)
	w.checkEqual()
}

// What was sent before is sent again as it was: the server may have it.
func TestAnEditThatWasSentDoesNotCollapse(t *testing.T) {
	w := newWorld(t)
	w.fill(1)
	w.open()
	w.pass(1000)
	bodies := w.recordMutates()
	w.refuse = func(path string) (int, string, bool) { return 503, "", path == "/v1/mutate" }
	w.setExt("f0", "one")
	w.setExt("f0", "two")
	w.refuse = nil
	w.pass(5000)
	require.NotEmpty(t, *bodies)
	for _, body := range *bodies {
		assert.NotContains(t, body, "skip")
	}
	w.checkEqual()
}

// A batch that the server takes only one by one is sent whole.
func TestWhatIsSentOneByOneDoesNotCollapse(t *testing.T) {
	w := newWorld(t)
	w.fill(2)
	w.open()
	w.pass(1000)
	w.setOnline(false)
	w.queued(w.setExt("f0", "one"))
	w.queued(w.setExt("f0", "refused"))
	w.refuseBody = func(path, body string) (int, string, bool) {
		return 413, `{"code":413,"errorDetails":"body: is over"}`, path == "/v1/mutate" && strings.Contains(body, "refused")
	}
	w.setOnline(true)
	w.pass(60_000)
	_, exts := w.onServer()
	assert.Equal(t, map[string]string{"f0": "one"}, exts, "the one that was refused has overtaken nothing")
	require.Len(t, w.settled, 2)
	assert.ElementsMatch(t, []int{0, 413}, []int{w.settled[0].Code, w.settled[1].Code})
}
