// Package account is the authority: the rules of one account's sessions
// (contract.md §3 to §5, sync.md "Server state") over a Store.
//
// It is pure: no clock, no randomness, no goroutine. An Account is opened for
// one operation at one time, gathers what the operation changes, and writes it
// with one Commit. Until then the store is as it was, so a refused operation
// changes nothing.
package account

import (
	"math"
	"slices"

	"recents/core"
)

// Config holds the limits that an operator may set. The zero value of each
// field means its default.
type Config struct {
	MaxExt         int   // UTF-16 code units of an ext; default core.MaxExt
	TombstoneAge   int64 // ms that a tombstone is kept at least; default 30 days
	TombstoneSeqs  int64 // newer changes that a tombstone outlives at least; default 1,000
	IdempotencyAge int64 // ms that a receipt is kept; default 24 hours
}

const (
	hour = int64(60 * 60 * 1000)
	day  = 24 * hour
)

// WithDefaults returns c with each zero field set to its default.
func (c Config) WithDefaults() Config {
	if c.MaxExt == 0 {
		c.MaxExt = core.MaxExt
	}
	if c.TombstoneAge == 0 {
		c.TombstoneAge = 30 * day
	}
	if c.TombstoneSeqs == 0 {
		c.TombstoneSeqs = 1000
	}
	if c.IdempotencyAge == 0 {
		c.IdempotencyAge = day
	}
	return c
}

// Env is what an operation needs from outside.
type Env struct {
	Now      int64  // server time, ms: one for the whole operation
	NewEpoch string // a fresh random id, used when the account is created
	Config   Config
}

// Account is one account, opened for one operation.
type Account struct {
	Name   string
	store  Store
	env    Env
	before Meta
	meta   Meta
	puts   []Record // rising by Seq once Commit sorts it; one a key
	change Change
}

// Open reads the account's head record. name must have passed core.CheckID.
func Open(name string, s Store, env Env) (*Account, error) {
	meta, err := s.Meta()
	if err != nil {
		return nil, err
	}
	env.Config = env.Config.WithDefaults()
	return &Account{Name: name, store: s, env: env, before: meta, meta: meta}, nil
}

// Meta returns the head record as the operations so far leave it.
func (a *Account) Meta() Meta { return a.meta }

// Exists reports whether the account was ever written.
func (a *Account) Exists() bool { return a.meta.Epoch != "" }

// Create makes sure that the account has an epoch, so that a reader's first
// cursor stays good. Commit writes it.
func (a *Account) Create() {
	if a.meta.Epoch == "" {
		a.meta.Epoch = a.env.NewEpoch
	}
}

// Delta is what a commit changed: what live readers are told.
type Delta struct {
	Account  string
	Epoch    string
	From, To int64
	Rows     []core.Row // rising by Seq; empty when no row changed
	Client   string     // whose mutations it contains, "" for none
	LastMid  int64
}

// Commit writes what the operations gathered and returns the delta; nil when
// there was nothing to write. The Account is spent afterwards.
func (a *Account) Commit() (*Delta, error) {
	c := &a.change
	if a.meta == a.before && len(a.puts) == 0 && c.empty() {
		return nil, nil
	}
	a.Create()
	slices.SortFunc(a.puts, func(x, y Record) int { return int(x.Seq - y.Seq) })
	c.Meta, c.Put = a.meta, a.puts
	if err := a.store.Commit(c); err != nil {
		return nil, err
	}
	d := &Delta{Account: a.Name, Epoch: a.meta.Epoch, From: a.before.Seq, To: a.meta.Seq}
	if a.before.Epoch != "" && a.before.Epoch != a.meta.Epoch {
		d.From = 0 // of another log: no reader's cursor, so each asks and is reset
		return d, nil
	}
	for i := range a.puts {
		if a.puts[i].State != Husk {
			d.Rows = append(d.Rows, a.puts[i].Row)
		}
	}
	if c.Client != nil {
		d.Client, d.LastMid = c.Client.ID, c.Client.LastMid
	}
	return d, nil
}

func (c *Change) empty() bool {
	return !c.Wipe && len(c.Clients) == 0 && len(c.Drop) == 0 && c.Client == nil && len(c.Receipts) == 0 && len(c.PutRevokes) == 0 &&
		len(c.DropRevokes) == 0 && c.ExpireBefore == 0 && c.ClientsBefore == 0
}

// row returns the record of a key as the operations so far leave it; the zero
// Record with the key set, and false, when there is none.
func (a *Account) row(k core.Key) (Record, bool, error) {
	for i := range a.puts {
		if a.puts[i].Key == k {
			return a.puts[i], true, nil
		}
	}
	r, err := a.store.Row(k.String())
	if err != nil || r == nil {
		return Record{Row: core.Row{Key: k}}, false, err
	}
	return *r, true, nil
}

// put gives the record the next seq and keeps the digest in step. was is the
// record that it replaces.
func (a *Account) put(was Record, existed bool, r Record) {
	a.meta.Seq++
	r.Seq = a.meta.Seq
	r.ChangedAt = a.env.Now
	r.Deleted = r.State != Live
	if existed && was.State == Live {
		a.meta.Digest ^= core.Hash(was.Key.String(), was.Seq)
	}
	if r.State == Live {
		a.meta.Digest ^= core.Hash(r.Key.String(), r.Seq)
	}
	a.replace(r)
}

func (a *Account) replace(r Record) {
	for i := range a.puts {
		if a.puts[i].Key == r.Key {
			a.puts[i] = r
			return
		}
	}
	a.puts = append(a.puts, r)
}

// nextTime gives out the update time of a message, a create or a recreate:
// every one of an account is different (I6).
func (a *Account) nextTime() int64 {
	a.meta.LastTime = max(a.env.Now, a.meta.LastTime+1)
	return a.meta.LastTime
}

// List answers queryMySessionList: the sessions newest first, and whether an
// older one matches too.
func (a *Account) List(q core.ListRequest) (rows []core.Row, hasMore bool, err error) {
	return a.page(q.Min, q.Max, q.Limit)
}

// page reads one record more than asked, so that hasMore is exact.
func (a *Account) page(min, max int64, limit int) ([]core.Row, bool, error) {
	if max == 0 {
		max = math.MaxInt64
	}
	recs, err := a.store.List(min, max, limit+1)
	if err != nil {
		return nil, false, err
	}
	hasMore := len(recs) > limit
	return rowsOf(recs[:len(recs)-bit(hasMore)]), hasMore, nil
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

func rowsOf(recs []Record) []core.Row {
	rows := make([]core.Row, len(recs))
	for i := range recs {
		rows[i] = recs[i].Row
	}
	return rows
}

// Get answers queryMySession: the live session of a key, code 404 when there is
// none.
func (a *Account) Get(k core.Key) (core.Row, error) {
	r, ok, err := a.row(k)
	if err != nil {
		return core.Row{}, err
	}
	if !ok || r.State != Live {
		return core.Row{}, &core.Error{Code: core.CodeNotFound, Details: "sessionId: no session " + core.Quote(k.String())}
	}
	return r.Row, nil
}

// SetExt answers updateMySession: it sets a session's ext, and makes the
// session when it is missing. It does not move an existing one. base is the seq
// of the row that the writer saw, 0 when it does not say: a session that was
// deleted after that stays deleted, and the outcome is OutcomeSuperseded.
func (a *Account) SetExt(k core.Key, ext string, base int64) (outcome string, err error) {
	was, existed, err := a.row(k)
	if err != nil {
		return "", err
	}
	live := existed && was.State == Live
	switch {
	case live && was.HasExt && was.Ext == ext:
		return "", nil
	case existed && !live && 0 < base && base < was.Seq:
		return core.OutcomeSuperseded, nil
	}
	r := was
	if !live {
		r = Record{Row: core.Row{Key: k, UpdateTime: a.nextTime()}, MsgID: was.MsgID, MsgOrder: was.MsgOrder}
	}
	r.Ext, r.HasExt, r.ExtSeq = ext, true, a.meta.Seq+1
	a.put(was, existed, r)
	return "", nil
}

// Delete answers deleteMySession for one key: an unknown one is no error. With
// hasSeen, a session whose update time is over seen stays, since a message
// arrived that the writer had not seen; the outcome is OutcomeKeptNewer.
func (a *Account) Delete(k core.Key, seen int64, hasSeen bool) (outcome string, err error) {
	was, existed, err := a.row(k)
	if err != nil || !existed || was.State != Live {
		return "", err
	}
	if hasSeen && was.UpdateTime > seen {
		return core.OutcomeKeptNewer, nil
	}
	a.put(was, true, Record{
		Row:   core.Row{Key: k, UpdateTime: was.UpdateTime},
		State: Tombstone, MsgID: was.MsgID, MsgOrder: was.MsgOrder,
	})
	return "", nil
}
