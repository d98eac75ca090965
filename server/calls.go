package server

import (
	"context"

	"recents/core"
	"recents/core/account"
)

// The calls of a user. Each acts on the account of its token, and on no other.

func (h *Handler) queryList(ctx context.Context, q *request) (data []byte, err error) {
	list, err := core.ParseListRequest(q.body)
	if err != nil {
		return nil, err
	}
	err = h.view(ctx, q.caller.account, func(a *account.Account) error {
		rows, hasMore, err := a.List(list)
		data = core.AppendSessionList(q.room(listBytes(rows)), rows, hasMore, list.NeedLastMsg, core.NextMax(rows, hasMore))
		return err
	})
	return data, err
}

// listBytes is about how long a list of the rows is: each message stands in it
// as a string and, in part, as members.
func listBytes(rows []core.Row) int {
	n := 0
	for i := range rows {
		n += 500 + 2*len(rows[i].Msg) + 2*len(rows[i].Ext)
	}
	return n
}

func (h *Handler) query(ctx context.Context, q *request) (data []byte, err error) {
	key, err := core.ParseKeyRequest(q.body)
	if err != nil {
		return nil, err
	}
	err = h.view(ctx, q.caller.account, func(a *account.Account) error {
		row, err := a.Get(key)
		if err == nil {
			data = core.AppendSession(nil, &row, true)
		}
		return err
	})
	return data, err
}

// null is the data of a call that answers nothing.
const null = "null"

func (h *Handler) updateExt(ctx context.Context, q *request) ([]byte, error) {
	ext, err := core.ParseExtRequest(q.body, h.opts.Config.MaxExt)
	if err != nil {
		return nil, err
	}
	return h.write(ctx, q, q.caller.account, func(w *work) (string, error) {
		a, err := w.open(q.caller.account)
		if err != nil {
			return "", err
		}
		_, err = a.SetExt(ext.Key, ext.Ext, 0) // without a base nothing is superseded
		return null, err
	})
}

func (h *Handler) deleteSessions(ctx context.Context, q *request) ([]byte, error) {
	keys, err := core.ParseDeleteRequest(q.body)
	if err != nil {
		return nil, err
	}
	return h.write(ctx, q, q.caller.account, func(w *work) (string, error) {
		a, err := w.open(q.caller.account)
		if err != nil {
			return "", err
		}
		for _, k := range keys {
			if _, err := a.Delete(k, 0, false); err != nil { // unconditional: nothing is kept
				return "", err
			}
		}
		return null, nil
	})
}

func (h *Handler) sync(ctx context.Context, q *request) ([]byte, error) {
	s, err := core.ParseSyncRequest(q.body)
	if err != nil {
		return nil, err
	}
	var page *core.SyncPage
	if s.WaitMs > 0 && h.tells {
		page, err = h.longPoll(ctx, q, s)
	} else {
		page, err = h.syncPage(ctx, q.caller.account, s)
	}
	if err != nil {
		return nil, err
	}
	return core.AppendSyncPage(nil, page), nil
}

func (h *Handler) syncPage(ctx context.Context, name string, s core.SyncRequest) (page *core.SyncPage, err error) {
	err = h.follow(ctx, name, func(a *account.Account) (err error) {
		page, err = a.Sync(s)
		return err
	})
	return page, err
}

func (h *Handler) snapshot(ctx context.Context, q *request) (data []byte, err error) {
	s, err := core.ParseSnapshotRequest(q.body)
	if err != nil {
		return nil, err
	}
	err = h.follow(ctx, q.caller.account, func(a *account.Account) error {
		page, err := a.Snapshot(s)
		if err == nil {
			data = core.AppendSnapshotPage(nil, page)
		}
		return err
	})
	return data, err
}

func (h *Handler) mutate(ctx context.Context, q *request) ([]byte, error) {
	m, err := core.ParseMutateRequest(q.body, h.opts.Config.MaxExt)
	if err != nil {
		return nil, err
	}
	return h.write(ctx, q, q.caller.account, func(w *work) (string, error) {
		a, err := w.open(q.caller.account)
		if err != nil {
			return "", err
		}
		page, err := a.Mutate(m)
		if err != nil {
			return "", err
		}
		w.forget = page.Gap // the same batch may be whole the next time
		return string(core.AppendMutatePage(nil, page)), nil
	})
}
