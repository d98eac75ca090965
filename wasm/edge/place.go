package main

import (
	"context"
	"fmt"

	"recents/core"
	"recents/core/account"
	"recents/server"
	"recents/server/sqlstore"
)

// place is the object that the instance works for at the moment: one account's
// storage or one group's, or none at the front. An instance serves all objects
// of its isolate, one whole call after the other.
//
// The shell has begun a transaction around the call and ends it after; a place
// gathers what else the shell has to do.
type place struct {
	db       sqlstore.DB // nil at the front
	name     string      // the account, or the group's session key
	now      func() int64
	open     int                      // sockets of the object
	given    map[string]*account.Team // groups that were fetched for this call
	stirred  bool                     // when to wake may have changed
	posted   bool                     // parcels wait to be carried
	rollback bool                     // nothing of the call may stay
	missing  string                   // the group that the call needs and was not given
}

var (
	_ account.Accounts = (*place)(nil)
	_ server.Remote    = (*place)(nil)
)

var errNoStorage = fmt.Errorf("edge: the front has no storage: the call belongs to an object")

// View implements account.Accounts.
func (p *place) View(_ context.Context, fn func(account.Tx) error) error {
	if p.db == nil {
		return errNoStorage
	}
	return fn(&placeTx{sqlstore.New(p.db), p})
}

// Update implements account.Accounts. What is told after the commit waits with
// the shell until it has committed. A panic of fn leaves nothing either.
func (p *place) Update(_ context.Context, fn func(account.Tx) error) (err error) {
	if p.db == nil {
		return errNoStorage
	}
	ended := false
	defer func() { p.rollback = p.rollback || !ended }()
	tx := sqlstore.New(p.db)
	if err = fn(&placeTx{tx, p}); err == nil {
		err = tx.Err()
	}
	if err != nil {
		return err
	}
	tx.Committed()
	p.stirred, ended = true, true
	return nil
}

// Due implements account.Accounts.
func (p *place) Due(_ context.Context, records, receipts int64, limit int) ([]string, error) {
	return sqlstore.New(p.db).Due(records, receipts, limit)
}

// Newest implements account.Accounts. It is asked when no object is there yet:
// a message's order is held above its session's instead.
func (p *place) Newest(context.Context) (int64, error) { return 0, nil }

// Holds implements server.Remote. What belongs to no account is where it is
// asked for.
func (p *place) Holds(name string) bool {
	return name == p.name || core.CheckID("name", name) != nil
}

// Post implements server.Remote.
func (p *place) Post(_ account.Tx, to []string, parcel []byte) error {
	p.posted = true
	return post(p.db, p.now(), to, parcel)
}

// placeTx is the object's own database, with the groups of other objects.
type placeTx struct {
	*sqlstore.Tx
	at *place
}

// Account implements account.Tx. An account of another object has no store
// here: were a call to come to the wrong object, it would fail.
func (tx *placeTx) Account(name string) account.Store {
	if !tx.at.Holds(name) {
		return stray{name: name}
	}
	return tx.Tx.Account(name)
}

type stray struct {
	account.Store
	name string
}

func (s stray) Meta() (account.Meta, error) {
	return account.Meta{}, fmt.Errorf("edge: a call for the account %q came to another's object", s.name)
}

// Team implements account.Tx. A group lives in an object of its own, which
// answers only asynchronously: without it the call is given up, the shell
// fetches the group, and the call runs again from its beginning.
func (tx *placeTx) Team(k core.Key) (*account.Team, error) {
	if k.String() == tx.at.name {
		return tx.Tx.Team(k)
	}
	t, ok := tx.at.given[k.String()]
	if !ok {
		tx.at.missing = k.String()
		return nil, &core.Error{Code: core.CodeUnavailable, Details: "to: the group " + core.Quote(k.String()) + " is not here"}
	}
	return t, nil
}

// migrate brings the object's schema up to date.
func (p *place) migrate() error {
	if err := sqlstore.Migrate(p.db); err != nil {
		return err
	}
	if err := addTables(p.db); err != nil {
		return err
	}
	return p.keepName()
}

// keepName stores the object's name, or reads it: an object that an alarm has
// woken is not told its name by every runtime.
func (p *place) keepName() error {
	if p.name != "" {
		return p.db.Exec(`INSERT INTO place (id, name) VALUES (1, ?) ON CONFLICT (id) DO NOTHING`, p.name)
	}
	return p.db.Query(func(r sqlstore.Row) error {
		p.name = r.Text(0)
		return nil
	}, `SELECT name FROM place`)
}

const (
	// collectEvery is how often an object wakes that has anything to forget one day.
	collectEvery = 24 * 60 * 60 * 1000
	// carrying is how long a parcel has to be carried by the call that posted it,
	// before the object wakes to do so.
	carrying = 2000
)

// wakeAt is when the storage has something to do by itself, 0 for never.
func (p *place) wakeAt() (int64, error) {
	due, err := nextDue(p.db)
	if err != nil {
		return 0, err
	}
	kept, err := sqlstore.New(p.db).Perishable()
	if err != nil {
		return 0, err
	}
	if !kept && due == 0 {
		return 0, nil
	}
	collect := p.collectAt()
	if due == 0 {
		return collect, nil
	}
	return min(max(due, p.now()+carrying), collect), nil
}

// collectAt is the object's next time to collect: once a day, at a time of its
// own, so that writes do not put it off and objects do not all wake at once.
func (p *place) collectAt() int64 {
	offset := int64(uint64(core.Hash(p.name, 0)) % collectEvery)
	return (p.now()-offset)/collectEvery*collectEvery + offset + collectEvery
}
