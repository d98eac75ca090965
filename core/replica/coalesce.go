package replica

import "recents/core"

// Several edits of one session that wait together collapse on their way: of two
// exts in a batch the server needs the last alone. The first one's number is
// used up by a mutation that does nothing, since numbers have no gaps.
//
// They collapse when they are sent, and not where they are stored: which of the
// stored writes another tab has sent, no tab knows. For the same reason the last
// ext keeps its own number: under the first one's the server may have an ext
// already, and would take no second. And they collapse only within one batch,
// which the server applies whole or not at all, so nobody ever sees the account
// between the two.

// coalesce replaces the mutations of a batch, which are those of its writes in
// order, that a later one of them makes needless. The server says the same of
// such a one as of that later one.
func coalesce(batch []*write, muts []core.Mutation) {
	next := map[core.Key]*core.Mutation{} // of a key: the one that follows, and is sent
	var made *core.Mutation               // the one that follows of those that may make a session
	for i, at := len(batch)-1, len(muts); i >= 0; i-- {
		w := batch[i]
		at -= len(w.muts)
		for j := range w.muts {
			m := &muts[at+j]
			if later := next[m.Key]; later != nil && w.tries == 1 && overtakes(later, m, made) {
				*m = core.Mutation{Mid: m.Mid, Op: core.OpSkip, By: later.Mid}
				continue
			}
			if m.Op != core.OpSkip {
				next[m.Key] = m
			}
			if m.Op == core.OpExt && m.Base == 0 {
				made = m
			}
		}
	}
}

// overtakes reports whether nothing is left of m once later was applied, whatever
// the account was like before, and whether the server would say the same of both.
//
// A delete that names what it saw may leave the session (kept_newer), and then m
// has to be in it. An ext that saw the session may be refused (superseded) where
// one that did not, or that saw more of it, is not. And sessions that are made
// (by an ext that saw none) stand in the order in which they were: no other may
// be made in between.
func overtakes(later, m, made *core.Mutation) bool {
	if m.Op != core.OpExt {
		return false
	}
	if later.Op == core.OpDelete {
		return !later.HasSeen && m.Base == 0
	}
	if m.Base == 0 {
		return later == made
	}
	return m.Base <= later.Base
}
