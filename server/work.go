package server

import (
	"context"
	"slices"

	"recents/core"
	"recents/core/account"
)

// work is the accounts that one write touches: each is opened once, so that
// all that happens to it is one commit and one delta.
type work struct {
	h        *Handler
	tx       account.Tx
	now      int64
	accounts []*account.Account
	index    map[string]int
	forget   bool // the answer is not to be remembered under an Idempotency-Key
}

// update runs fn in one transaction, commits what it opened, and has the live
// readers told once it is durable.
func (h *Handler) update(ctx context.Context, fn func(*work) error) error {
	return h.opts.Accounts.Update(ctx, func(tx account.Tx) error {
		w := &work{h: h, tx: tx, now: h.opts.Now(), index: map[string]int{}}
		if err := fn(w); err != nil {
			return err
		}
		return w.commit()
	})
}

func (w *work) open(name string) (*account.Account, error) {
	if i, ok := w.index[name]; ok {
		return w.accounts[i], nil
	}
	env := account.Env{Now: w.now, NewEpoch: w.h.newEpoch(), Config: w.h.opts.Config}
	a, err := account.Open(name, w.tx.Account(name), env)
	if err != nil {
		return nil, err
	}
	w.index[name] = len(w.accounts)
	w.accounts = append(w.accounts, a)
	return a, nil
}

func (w *work) commit() error {
	var deltas []*account.Delta
	newest := int64(0)
	for _, a := range w.accounts {
		d, err := a.Commit()
		if err != nil {
			return err
		}
		if d != nil && (d.To > d.From || d.Client != "") {
			deltas = append(deltas, d)
			newest = max(newest, a.Meta().LastTime)
		}
	}
	if len(deltas) > 0 {
		w.tx.AfterCommit(func() {
			w.h.newest.Store(max(newest, w.h.newest.Load()))
			w.h.opts.Publish(deltas)
		})
	}
	return nil
}

// partitionOf names where a group's receipts are, which belong to no account. No
// account has its name: an id holds no '/'. Each group has its own, as it must
// where each has a store of its own.
func partitionOf(group core.Key) string { return "/" + group.String() }

// write is update for a call, whose answer it returns. With an Idempotency-Key
// it runs once: acting is the account that remembers the answer. A caller's
// keys and the server's are apart, so that neither can take one of the other's.
func (h *Handler) write(ctx context.Context, q *request, acting string, fn func(*work) (answer string, err error)) ([]byte, error) {
	var answer string
	err := h.update(ctx, func(w *work) (err error) {
		if q.key == "" {
			answer, err = fn(w)
			return err
		}
		answer, err = h.once(w, q, acting, fn)
		return err
	})
	return []byte(answer), err
}

func (h *Handler) once(w *work, q *request, acting string, fn func(*work) (string, error)) (string, error) {
	a, err := w.open(acting)
	if err != nil {
		return "", err
	}
	key, hash := "i|"+q.key, q.hash()
	if q.caller.server {
		key = "s|" + q.key
	}
	answer, err := a.Receipt(key, hash, "Idempotency-Key")
	if err != nil || answer != "" {
		return answer, err
	}
	if answer, err = fn(w); err == nil && !w.forget {
		a.PutReceipt(key, hash, answer)
	}
	return answer, err
}

// view runs fn on one moment's state of an account.
func (h *Handler) view(ctx context.Context, name string, fn func(*account.Account) error) error {
	return h.opts.Accounts.View(ctx, func(tx account.Tx) error {
		a, err := account.Open(name, tx.Account(name), h.env())
		if err != nil {
			return err
		}
		return fn(a)
	})
}

// follow is view for an answer that hands out a cursor: it creates an account
// that was never written, so that the cursor's epoch holds.
func (h *Handler) follow(ctx context.Context, name string, fn func(*account.Account) error) error {
	missing := false
	err := h.view(ctx, name, func(a *account.Account) error {
		if missing = !a.Exists(); missing {
			return nil
		}
		return fn(a)
	})
	if err != nil || !missing {
		return err
	}
	return h.update(ctx, func(w *work) error {
		a, err := w.open(name)
		if err != nil {
			return err
		}
		a.Create()
		return fn(a)
	})
}

// team returns a group, code 404 when it was never set.
func (w *work) team(k core.Key) (*account.Team, error) {
	t, err := w.tx.Team(k)
	if err == nil && t == nil {
		return nil, &core.Error{Code: core.CodeNotFound, Details: "to: the group " + core.Quote(k.String()) + " has no members set"}
	}
	return t, err
}

// distinct returns the names without repeats, in order.
func distinct(names ...string) []string {
	seen := make(map[string]struct{}, len(names))
	return slices.DeleteFunc(slices.Clone(names), func(n string) bool {
		_, again := seen[n]
		seen[n] = struct{}{}
		return again
	})
}
