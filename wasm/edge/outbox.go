package main

import (
	"github.com/tidwall/gjson"

	"recents/core"
	"recents/server/sqlstore"
)

// The outbox of an object: what it has accepted for accounts in other objects.
// A parcel is written in the transaction that accepted it and goes once every
// recipient has it, so none is lost by any crash between.

// schema is what an object has beside the accounts' own tables.
var schema = []string{
	`CREATE TABLE IF NOT EXISTS parcels (id INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL) STRICT`,
	`CREATE TABLE IF NOT EXISTS outbox (
		id        INTEGER PRIMARY KEY AUTOINCREMENT,
		parcel    INTEGER NOT NULL,
		recipient TEXT NOT NULL,
		tries     INTEGER NOT NULL,
		due       INTEGER NOT NULL
	) STRICT`,
	`CREATE TABLE IF NOT EXISTS place (id INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT`,
	`CREATE INDEX IF NOT EXISTS outbox_due ON outbox (due, id)`,
	`CREATE INDEX IF NOT EXISTS outbox_parcel ON outbox (parcel)`,
}

func addTables(db sqlstore.DB) error {
	for _, query := range schema {
		if err := db.Exec(query); err != nil {
			return err
		}
	}
	return nil
}

// post has a parcel carried to each recipient, from now on.
func post(db sqlstore.DB, now int64, to []string, parcel []byte) error {
	if err := db.Exec(`INSERT INTO parcels (body) VALUES (?)`, string(parcel)); err != nil {
		return err
	}
	names := []byte{'['}
	for i, name := range to {
		if i > 0 {
			names = append(names, ',')
		}
		names = core.AppendString(names, name)
	}
	return db.Exec(`INSERT INTO outbox (parcel, recipient, tries, due)
		SELECT (SELECT max(id) FROM parcels), value, 0, ? FROM json_each(?) ORDER BY key`, now, string(append(names, ']')))
}

// batchRows bounds what is read of the outbox at once: a parcel may be 256 KiB.
const batchRows = 64

// bundle is what goes to one recipient at once.
type bundle struct {
	to      string
	ids     []int64
	parcels []string
}

// nextBatch returns what is due, bundled by recipient, the older first.
func nextBatch(db sqlstore.DB, now int64) ([]*bundle, error) {
	var batch []*bundle
	index := map[string]*bundle{}
	err := db.Query(func(r sqlstore.Row) error {
		to := r.Text(1)
		if index[to] == nil {
			index[to] = &bundle{to: to}
			batch = append(batch, index[to])
		}
		index[to].ids = append(index[to].ids, r.Int(0))
		index[to].parcels = append(index[to].parcels, r.Text(2))
		return nil
	}, `SELECT o.id, o.recipient, p.body FROM outbox o JOIN parcels p ON p.id = o.parcel
		WHERE o.due <= ? ORDER BY o.due, o.id LIMIT ?`, now, int64(batchRows))
	return batch, err
}

// appendBatch appends a batch's JSON: [{"to":…,"ids":[…],"parcels":["…"]}].
func appendBatch(dst []byte, batch []*bundle) []byte {
	dst = append(dst, '[')
	for i, b := range batch {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = core.AppendStr(dst, `{"to":`, b.to)
		dst = append(dst, `,"ids":[`...)
		for j, id := range b.ids {
			if j > 0 {
				dst = append(dst, ',')
			}
			dst = append(dst, core.Itoa(id)...)
		}
		dst = append(dst, `],"parcels":[`...)
		for j, p := range b.parcels {
			if j > 0 {
				dst = append(dst, ',')
			}
			dst = core.AppendString(dst, p)
		}
		dst = append(dst, `]}`...)
	}
	return append(dst, ']')
}

// Bounds of the wait before a parcel that failed is tried again: it doubles.
const (
	firstWait = 1000
	longest   = 60 * 60 * 1000
)

// settle takes what became of a batch: {"done":[ids],"failed":[ids]}.
func settle(db sqlstore.DB, now int64, outcome []byte) error {
	done, failed := gjson.GetBytes(outcome, "done"), gjson.GetBytes(outcome, "failed")
	if err := db.Exec(`DELETE FROM outbox WHERE id IN (SELECT value FROM json_each(?))`, done.Raw); err != nil {
		return err
	}
	if len(failed.Array()) > 0 {
		if err := db.Exec(`UPDATE outbox SET tries = tries + 1, due = ? + min(?, ? << min(tries, 12))
			WHERE id IN (SELECT value FROM json_each(?))`, now, int64(longest), int64(firstWait), failed.Raw); err != nil {
			return err
		}
	}
	return db.Exec(`DELETE FROM parcels WHERE NOT EXISTS (SELECT 1 FROM outbox WHERE parcel = parcels.id)`)
}

// nextDue is when the next parcel is to be carried, 0 without any.
func nextDue(db sqlstore.DB) (due int64, err error) {
	err = db.Query(func(r sqlstore.Row) error {
		due = r.Int(0)
		return nil
	}, `SELECT min(due) FROM outbox`)
	return due, err
}
