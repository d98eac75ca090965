package sqlstore

import (
	"fmt"

	"recents/core"
	"recents/core/account"
)

// Tx is an account.Tx on a DB. Its owner makes one for each transaction, checks
// Err before the commit, and calls Committed after it.
type Tx struct {
	db     DB
	stores map[string]*store
	after  []func()
	err    error
}

var _ account.Tx = (*Tx)(nil)

// New returns a Tx on a transaction that was begun. The schema must be there:
// see Migrate.
func New(db DB) *Tx { return &Tx{db: db} }

// Account implements account.Tx. It reads nothing yet, and hands out the same
// Store for the same name, so that an account's head is read once.
func (tx *Tx) Account(name string) account.Store {
	s := tx.stores[name]
	if s == nil {
		s = &store{tx: tx, name: name}
		if tx.stores == nil {
			tx.stores = map[string]*store{}
		}
		tx.stores[name] = s
	}
	return s
}

// AfterCommit implements account.Tx.
func (tx *Tx) AfterCommit(fn func()) { tx.after = append(tx.after, fn) }

// Committed runs what AfterCommit was given, in order.
func (tx *Tx) Committed() {
	for _, fn := range tx.after {
		fn()
	}
}

// Err returns the first error of a write. A transaction with one must be rolled
// back, even when the caller of the write went on as if nothing was wrong: a
// Commit that failed in its middle has left half of a Change behind.
func (tx *Tx) Err() error { return tx.err }

// exec runs a write.
func (tx *Tx) exec(query string, args ...any) error {
	err := tx.db.Exec(query, args...)
	if err != nil && tx.err == nil {
		tx.err = err
	}
	return err
}

// Team implements account.Tx.
func (tx *Tx) Team(k core.Key) (*account.Team, error) {
	var t *account.Team
	err := tx.db.Query(func(r Row) error {
		var err error
		t = &account.Team{Key: k, Owner: r.Text(0)}
		if t.Managers, err = parseStrings(r.Text(1)); err == nil {
			t.Members, err = parseStrings(r.Text(2))
		}
		return err
	}, `SELECT owner, managers, members FROM teams WHERE key = ?`, k.String())
	return t, err
}

// PutTeam implements account.Tx.
func (tx *Tx) PutTeam(t *account.Team) error {
	return tx.exec(`INSERT INTO teams (key, owner, managers, members) VALUES (?, ?, ?, ?)
		ON CONFLICT (key) DO UPDATE SET owner = excluded.owner, managers = excluded.managers, members = excluded.members`,
		t.Key.String(), t.Owner, jsonStrings(t.Managers), jsonStrings(t.Members))
}

// Due is account.Accounts' Due. It picks at random: an account may stay due for
// long (its tombstones are old enough, its log has not moved far enough), and
// any fixed order would let such accounts take every place. UNION ALL, since
// UNION would sort by account, and for that read whole tables.
func (tx *Tx) Due(records, receipts int64, limit int) ([]string, error) {
	var due []string
	err := tx.db.Query(func(r Row) error {
		due = append(due, r.Text(0))
		return nil
	}, `SELECT name FROM accounts WHERE id IN (
			SELECT account FROM sessions WHERE state <> 0 AND changed_at < ?
			UNION ALL SELECT account FROM clients WHERE seen_at < ?
			UNION ALL SELECT account FROM receipts WHERE at < ?
			UNION ALL SELECT account FROM pending_revokes WHERE at < ?)
		ORDER BY random() LIMIT ?`, records, records, receipts, receipts, int64(limit))
	return due, err
}

// Perishable reports whether anything is held that Collect forgets one day. It
// reads one row of a table at most, and is asked after every write at the edge.
func (tx *Tx) Perishable() (held bool, err error) {
	err = tx.db.Query(func(r Row) error {
		held = r.Int(0) != 0
		return nil
	}, `SELECT EXISTS (SELECT 1 FROM receipts) OR EXISTS (SELECT 1 FROM sessions WHERE state <> 0)
		OR EXISTS (SELECT 1 FROM clients) OR EXISTS (SELECT 1 FROM pending_revokes)`)
	return held, err
}

// Newest is account.Accounts' Newest.
func (tx *Tx) Newest() (newest int64, err error) {
	err = tx.db.Query(func(r Row) error {
		newest = r.Int(0)
		return nil
	}, `SELECT max(last_time) FROM accounts`)
	return newest, err
}

// jsonStrings returns a list as a JSON array: the one form in which a list of
// any length is a single parameter.
func jsonStrings(list []string) string {
	b := []byte{'['}
	for i, s := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = core.AppendString(b, s)
	}
	return string(append(b, ']'))
}

func parseStrings(text string) (list []string, err error) {
	err = core.Items([]byte(text), func(raw []byte) error {
		s, err := core.String(raw)
		list = append(list, s)
		return err
	})
	if err != nil {
		return nil, stored("a list of accounts", err)
	}
	return list, nil
}

// stored says that the database holds what no store has written. It hides a
// core.Error, which would look like a caller's mistake.
func stored(what string, err error) error {
	return fmt.Errorf("sqlstore: the database holds %s that does not read: %w", what, err)
}
