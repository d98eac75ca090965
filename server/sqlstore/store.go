package sqlstore

import (
	"strconv"

	"recents/core"
	"recents/core/account"
)

// store is the account.Store of one account in one transaction.
type store struct {
	tx     *Tx
	name   string
	loaded bool
	id     int64 // 0: the account was never written
	meta   account.Meta
}

// load reads the account's head once. exists tells that there is anything to
// read at all.
func (s *store) load() (exists bool, err error) {
	if s.loaded {
		return s.id != 0, nil
	}
	err = s.tx.db.Query(s.scanHead,
		`SELECT id, epoch, seq, last_time, floor, digest FROM accounts WHERE name = ?`, s.name)
	s.loaded = err == nil
	return s.id != 0, err
}

func (s *store) scanHead(r Row) error {
	digest, err := core.ParseDigest(r.Text(5))
	if err != nil {
		return stored("a digest", err)
	}
	s.id = r.Int(0)
	s.meta = account.Meta{Epoch: r.Text(1), Seq: r.Int(2), LastTime: r.Int(3), Floor: r.Int(4), Digest: digest}
	return nil
}

// query reads with the account's id as the first argument; without the account
// there is nothing to find.
func (s *store) query(each func(Row) error, query string, args ...any) error {
	if exists, err := s.load(); err != nil || !exists {
		return err
	}
	return s.tx.db.Query(each, query, append([]any{s.id}, args...)...)
}

func (s *store) Meta() (account.Meta, error) {
	_, err := s.load()
	return s.meta, err
}

const recordColumns = `key, seq, update_time, ext, ext_seq, msg, msg_id, msg_order, revoke, state, changed_at`

func scanRecord(r Row) (account.Record, error) {
	key, err := core.ParseKey(r.Text(0))
	if err != nil {
		return account.Record{}, stored("a session key", err)
	}
	order, err := strconv.ParseUint(r.Text(7), 10, 64)
	if err != nil {
		return account.Record{}, stored("a message order", err)
	}
	state := account.State(r.Int(9))
	return account.Record{
		Row: core.Row{
			Key: key, Seq: r.Int(1), UpdateTime: r.Int(2),
			Ext: r.Text(3), HasExt: !r.Null(3), ExtSeq: r.Int(4),
			Msg: bytesOf(r, 5), Revoked: !r.Null(8), Revoke: bytesOf(r, 8),
			Deleted: state != account.Live,
		},
		State: state, MsgID: r.Text(6), MsgOrder: order, ChangedAt: r.Int(10),
	}, nil
}

func bytesOf(r Row, column int) []byte {
	if r.Null(column) {
		return nil
	}
	return []byte(r.Text(column))
}

const selectRecords = `SELECT ` + recordColumns + ` FROM sessions WHERE account = ? AND `

// records reads at most limit records with a query whose last "?" is its limit.
func (s *store) records(limit int, query string, args ...any) ([]account.Record, error) {
	recs := make([]account.Record, 0, min(limit, core.MaxPage+1))
	err := s.query(func(r Row) error {
		rec, err := scanRecord(r)
		recs = append(recs, rec)
		return err
	}, query, append(args, int64(limit))...)
	return recs, err
}

func (s *store) Row(key string) (*account.Record, error) {
	recs, err := s.records(1, selectRecords+`key = ? LIMIT ?`, key)
	if err != nil || len(recs) == 0 {
		return nil, err
	}
	return &recs[0], nil
}

func (s *store) List(min, max int64, limit int) ([]account.Record, error) {
	return s.records(limit, selectRecords+`update_time BETWEEN ? AND ? AND state = 0 ORDER BY update_time DESC LIMIT ?`,
		min, safe(max))
}

// safe bounds "no bound" to what a JavaScript number carries; no time is above.
func safe(n int64) int64 { return min(n, core.MaxSafe) }

func (s *store) Changes(after int64, limit int) ([]account.Record, error) {
	return s.records(limit, selectRecords+`seq > ? AND state <> ? ORDER BY seq LIMIT ?`, after, int64(account.Husk))
}

// Expired says "state <> 0" too, since only that lets the partial index in.
func (s *store) Expired(st account.State, before, maxSeq int64, limit int) ([]account.Record, error) {
	query := selectRecords + `state <> 0 AND state = ? AND changed_at < ? AND seq <= ? ORDER BY seq LIMIT ?`
	if st == account.Live {
		query = selectRecords + `state = ? AND changed_at < ? AND seq <= ? ORDER BY seq LIMIT ?`
	}
	return s.records(limit, query, int64(st), before, maxSeq)
}

// FreeTime looks for the end of the run of taken times that from is in: a time
// whose successor is free.
func (s *store) FreeTime(from int64) (int64, error) {
	free := from
	err := s.query(func(r Row) error {
		free = r.Int(0)
		return nil
	}, `SELECT t.update_time + 1 FROM sessions t
		WHERE t.account = ? AND t.update_time >= ?
			AND EXISTS (SELECT 1 FROM sessions f WHERE f.account = t.account AND f.update_time = ?)
			AND NOT EXISTS (SELECT 1 FROM sessions n WHERE n.account = t.account AND n.update_time = t.update_time + 1)
		ORDER BY t.update_time LIMIT 1`, from, from)
	return free, err
}

func (s *store) Client(id string) (account.Client, error) {
	c := account.Client{ID: id}
	err := s.query(func(r Row) error {
		c.LastMid, c.Unapplied, c.SeenAt = r.Int(0), r.Text(1), r.Int(2)
		return nil
	}, `SELECT last_mid, unapplied, seen_at FROM clients WHERE account = ? AND id = ?`, id)
	return c, err
}

func (s *store) Receipt(key string) (*account.Receipt, error) {
	var found *account.Receipt
	err := s.query(func(r Row) error {
		found = &account.Receipt{Key: key, Hash: r.Text(0), Answer: r.Text(1), At: r.Int(2)}
		return nil
	}, `SELECT hash, answer, at FROM receipts WHERE account = ? AND key = ?`, key)
	return found, err
}

func (s *store) Records(after int64, limit int) ([]account.Record, error) {
	return s.records(limit, selectRecords+`seq > ? ORDER BY seq LIMIT ?`, after)
}

func (s *store) Clients(after string, limit int) (list []account.Client, err error) {
	err = s.query(func(r Row) error {
		list = append(list, account.Client{ID: r.Text(0), LastMid: r.Int(1), Unapplied: r.Text(2), SeenAt: r.Int(3)})
		return nil
	}, `SELECT id, last_mid, unapplied, seen_at FROM clients WHERE account = ? AND id > ? ORDER BY id LIMIT ?`, after, int64(limit))
	return list, err
}

func (s *store) Receipts(after string, limit int) (list []account.Receipt, err error) {
	err = s.query(func(r Row) error {
		list = append(list, account.Receipt{Key: r.Text(0), Hash: r.Text(1), Answer: r.Text(2), At: r.Int(3)})
		return nil
	}, `SELECT key, hash, answer, at FROM receipts WHERE account = ? AND key > ? ORDER BY key LIMIT ?`, after, int64(limit))
	return list, err
}

func (s *store) PendingRevokes(after string, limit int) (list []account.PendingRevoke, err error) {
	err = s.query(func(r Row) error {
		list = append(list, account.PendingRevoke{MsgID: r.Text(0), Body: r.Text(1), At: r.Int(2)})
		return nil
	}, `SELECT msg_id, body, at FROM pending_revokes WHERE account = ? AND msg_id > ? ORDER BY msg_id LIMIT ?`, after, int64(limit))
	return list, err
}

func (s *store) PendingRevoke(msgID string) (*account.PendingRevoke, error) {
	var found *account.PendingRevoke
	err := s.query(func(r Row) error {
		found = &account.PendingRevoke{MsgID: msgID, Body: r.Text(0), At: r.Int(1)}
		return nil
	}, `SELECT body, at FROM pending_revokes WHERE account = ? AND msg_id = ?`, msgID)
	return found, err
}
