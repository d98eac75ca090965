package server

import (
	"context"

	"recents/core"
	"recents/core/account"
)

// The calls that move an account from one place to another (account.Transfer).

// maxImportBody has room for the longest page of an export: half of it, and one
// message more.
const maxImportBody = 1 << 20

// exportAccount answers one page.
func (h *Handler) exportAccount(ctx context.Context, q *request) (data []byte, err error) {
	var name, after string
	err = params{"account": text(&name), "after": text(&after)}.read(q.body)
	if err == nil {
		err = checkID("account", name)
	}
	if err != nil {
		return nil, err
	}
	err = h.view(ctx, name, func(a *account.Account) error {
		page, err := a.Export(after)
		if err == nil {
			data = account.AppendTransfer(nil, page)
		}
		return err
	})
	return data, err
}

// importAccount takes one page. It has no Idempotency-Key: a page that comes
// again is not the next one, and is refused by that.
func (h *Handler) importAccount(ctx context.Context, q *request) (data []byte, err error) {
	var name, cursor string
	var raw []byte
	var replace int64
	err = params{"account": text(&name), "cursor": text(&cursor), "replace": number(&replace), "page": rawJSON(&raw)}.read(q.body)
	if err == nil {
		err = checkID("account", name)
	}
	if err == nil && raw == nil {
		err = missing("page")
	}
	if err == nil && replace != 0 && replace != 1 {
		err = core.BadParam("replace: " + core.Itoa(replace) + " is not 0 or 1")
	}
	if err != nil {
		return nil, err
	}
	page, err := account.ParseTransfer(raw)
	if err != nil {
		return nil, in("page", err)
	}
	err = h.update(ctx, func(w *work) error {
		a, err := w.open(name)
		if err != nil {
			return err
		}
		next, err := a.Import(page, cursor, replace == 1)
		if err != nil {
			return err
		}
		w.outlive(page)
		data = append(core.AppendStr(nil, `{"cursor":`, next), '}')
		return nil
	})
	return data, err
}

// outlive keeps new messages' order above that of all which were imported: they
// come from a clock that may be ahead.
func (w *work) outlive(page *account.Transfer) {
	for i := range page.Records {
		w.h.order = max(w.h.order, page.Records[i].MsgOrder)
	}
}
