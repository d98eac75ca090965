package account

import (
	"context"
	"slices"
	"sync"

	"recents/core"
)

// Memory keeps accounts in memory. It is the store of tests and of the
// simulator, and the plainest reading of the Store contract.
type Memory struct {
	mu       sync.Mutex
	accounts map[string]*memoryAccount
	teams    map[core.Key]Team
}

// NewMemory returns a Memory without accounts.
func NewMemory() *Memory {
	return &Memory{accounts: map[string]*memoryAccount{}, teams: map[core.Key]Team{}}
}

// View implements Accounts.
func (m *Memory) View(ctx context.Context, fn func(Tx) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return fn(&memoryTx{m: m})
}

// Update implements Accounts.
func (m *Memory) Update(ctx context.Context, fn func(Tx) error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	tx := &memoryTx{m: m, saved: map[string]*memoryAccount{}, teams: cloneMap(m.teams)}
	committed := false
	defer func() { // a panic of fn too
		if !committed {
			tx.rollback()
		}
	}()
	if err := fn(tx); err != nil {
		return err
	}
	committed = true
	for _, fn := range tx.after {
		fn()
	}
	return nil
}

// Due implements Accounts.
func (m *Memory) Due(ctx context.Context, records, receipts int64, limit int) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var due []string
	for name, a := range m.accounts {
		if len(due) < limit && a.due(records, receipts) {
			due = append(due, name)
		}
	}
	slices.Sort(due)
	return due, nil
}

// Newest implements Accounts.
func (m *Memory) Newest(ctx context.Context) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var newest int64
	for _, a := range m.accounts {
		newest = max(newest, a.meta.LastTime)
	}
	return newest, nil
}

type memoryTx struct {
	m     *Memory
	saved map[string]*memoryAccount // accounts as they were, for a rollback
	teams map[core.Key]Team
	after []func()
}

// rollback puts back what fn changed.
func (tx *memoryTx) rollback() {
	for name, a := range tx.saved {
		tx.m.accounts[name] = a
	}
	tx.m.teams = tx.teams
}

func (tx *memoryTx) Account(name string) Store {
	a := tx.m.accounts[name]
	if a == nil {
		a = &memoryAccount{}
	}
	if tx.saved != nil && tx.saved[name] == nil {
		tx.saved[name] = a.clone()
	}
	tx.m.accounts[name] = a
	return a
}

func (tx *memoryTx) Team(k core.Key) (*Team, error) {
	t, ok := tx.m.teams[k]
	if !ok {
		return nil, nil
	}
	return &t, nil
}

func (tx *memoryTx) PutTeam(t *Team) error {
	tx.m.teams[t.Key] = Team{t.Key, t.Owner, slices.Clone(t.Managers), slices.Clone(t.Members)}
	return nil
}

func (tx *memoryTx) AfterCommit(fn func()) { tx.after = append(tx.after, fn) }

// memoryAccount is a Store of plain maps; its reads scan.
type memoryAccount struct {
	meta     Meta
	rows     map[string]Record
	clients  map[string]Client
	receipts map[string]Receipt
	revokes  map[string]PendingRevoke
}

func (a *memoryAccount) clone() *memoryAccount {
	return &memoryAccount{a.meta, cloneMap(a.rows), cloneMap(a.clients), cloneMap(a.receipts), cloneMap(a.revokes)}
}

func cloneMap[K comparable, V any](m map[K]V) map[K]V {
	c := make(map[K]V, len(m))
	for k, v := range m {
		c[k] = v
	}
	return c
}

func (a *memoryAccount) Meta() (Meta, error) { return a.meta, nil }

func (a *memoryAccount) Row(key string) (*Record, error) {
	if r, ok := a.rows[key]; ok {
		return &r, nil
	}
	return nil, nil
}

// pick returns the records that keep wants, in order, at most limit.
func (a *memoryAccount) pick(limit int, order func(x, y Record) int, keep func(*Record) bool) ([]Record, error) {
	var picked []Record
	for _, r := range a.rows {
		if keep(&r) {
			picked = append(picked, r)
		}
	}
	slices.SortFunc(picked, order)
	return picked[:min(limit, len(picked))], nil
}

func bySeq(x, y Record) int    { return int(x.Seq - y.Seq) }
func byNewest(x, y Record) int { return int(y.UpdateTime - x.UpdateTime) }

func (a *memoryAccount) List(min, max int64, limit int) ([]Record, error) {
	return a.pick(limit, byNewest, func(r *Record) bool {
		return r.State == Live && r.UpdateTime >= min && r.UpdateTime <= max
	})
}

func (a *memoryAccount) Changes(after int64, limit int) ([]Record, error) {
	return a.pick(limit, bySeq, func(r *Record) bool { return r.State != Husk && r.Seq > after })
}

func (a *memoryAccount) Expired(s State, before, maxSeq int64, limit int) ([]Record, error) {
	return a.pick(limit, bySeq, func(r *Record) bool {
		return r.State == s && r.ChangedAt < before && r.Seq <= maxSeq
	})
}

func (a *memoryAccount) FreeTime(from int64) (int64, error) {
	taken := map[int64]bool{}
	for _, r := range a.rows {
		taken[r.UpdateTime] = true
	}
	for taken[from] {
		from++
	}
	return from, nil
}

func (a *memoryAccount) Client(id string) (Client, error) {
	if c, ok := a.clients[id]; ok {
		return c, nil
	}
	return Client{ID: id}, nil
}

func (a *memoryAccount) Receipt(key string) (*Receipt, error) {
	if r, ok := a.receipts[key]; ok {
		return &r, nil
	}
	return nil, nil
}

func (a *memoryAccount) PendingRevoke(msgID string) (*PendingRevoke, error) {
	if p, ok := a.revokes[msgID]; ok {
		return &p, nil
	}
	return nil, nil
}

func (a *memoryAccount) Records(after int64, limit int) ([]Record, error) {
	return a.pick(limit, bySeq, func(r *Record) bool { return r.Seq > after })
}

func (a *memoryAccount) Clients(after string, limit int) ([]Client, error) {
	return rising(a.clients, after, limit), nil
}

func (a *memoryAccount) Receipts(after string, limit int) ([]Receipt, error) {
	return rising(a.receipts, after, limit), nil
}

func (a *memoryAccount) PendingRevokes(after string, limit int) ([]PendingRevoke, error) {
	return rising(a.revokes, after, limit), nil
}

func rising[V any](m map[string]V, after string, limit int) (list []V) {
	var names []string
	for name := range m {
		if name > after {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names[:min(limit, len(names))] {
		list = append(list, m[name])
	}
	return list
}

func (a *memoryAccount) Commit(c *Change) error {
	if c.Wipe {
		*a = memoryAccount{}
	}
	a.meta = c.Meta
	for _, r := range c.Put {
		set(&a.rows, r.Key.String(), r)
	}
	for _, k := range c.Drop {
		delete(a.rows, k)
	}
	if c.Client != nil {
		set(&a.clients, c.Client.ID, *c.Client)
	}
	for _, cl := range c.Clients {
		set(&a.clients, cl.ID, cl)
	}
	for _, r := range c.Receipts {
		set(&a.receipts, r.Key, r)
	}
	for _, p := range c.PutRevokes {
		set(&a.revokes, p.MsgID, p)
	}
	for _, id := range c.DropRevokes {
		delete(a.revokes, id)
	}
	a.expire(c.ExpireBefore, c.ClientsBefore)
	return nil
}

func set[K comparable, V any](m *map[K]V, k K, v V) {
	if *m == nil {
		*m = map[K]V{}
	}
	(*m)[k] = v
}

func (a *memoryAccount) expire(before, clients int64) {
	for k, r := range a.receipts {
		if r.At < before {
			delete(a.receipts, k)
		}
	}
	for k, p := range a.revokes {
		if p.At < before {
			delete(a.revokes, k)
		}
	}
	for k, c := range a.clients {
		if c.SeenAt < clients {
			delete(a.clients, k)
		}
	}
}

func (a *memoryAccount) due(records, receipts int64) bool {
	for _, r := range a.rows {
		if r.State != Live && r.ChangedAt < records {
			return true
		}
	}
	for _, r := range a.receipts {
		if r.At < receipts {
			return true
		}
	}
	for _, p := range a.revokes {
		if p.At < receipts {
			return true
		}
	}
	for _, c := range a.clients {
		if c.SeenAt < records {
			return true
		}
	}
	return false
}
