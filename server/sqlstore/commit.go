package sqlstore

import (
	"strconv"

	"recents/core/account"
)

// Commit writes one statement for the head and one for each thing put: a
// delivered message is two, three with its sender's receipt. Lists of what to
// drop go as one JSON array each.
func (s *store) Commit(c *account.Change) error {
	if err := s.putMeta(c.Meta); err != nil {
		return err
	}
	if c.Wipe {
		if err := s.wipe(); err != nil {
			return err
		}
	}
	for i := range c.Put {
		if err := s.putRecord(&c.Put[i]); err != nil {
			return err
		}
	}
	if err := s.drop(`DELETE FROM sessions WHERE account = ? AND key IN (SELECT value FROM json_each(?))`, c.Drop); err != nil {
		return err
	}
	if err := s.putClient(c.Client); err != nil {
		return err
	}
	for i := range c.Clients {
		if err := s.putClient(&c.Clients[i]); err != nil {
			return err
		}
	}
	for i := range c.Receipts {
		if err := s.putReceipt(&c.Receipts[i]); err != nil {
			return err
		}
	}
	return s.commitRevokes(c)
}

func (s *store) commitRevokes(c *account.Change) error {
	for i := range c.PutRevokes {
		if err := s.putRevoke(&c.PutRevokes[i]); err != nil {
			return err
		}
	}
	err := s.drop(`DELETE FROM pending_revokes WHERE account = ? AND msg_id IN (SELECT value FROM json_each(?))`, c.DropRevokes)
	if err != nil {
		return err
	}
	return s.expire(c.ExpireBefore, c.ClientsBefore)
}

// putMeta writes the head, and makes the account when it is new.
func (s *store) putMeta(m account.Meta) error {
	exists, err := s.load()
	if err != nil {
		return err
	}
	if exists {
		err = s.tx.exec(`UPDATE accounts SET epoch = ?, seq = ?, last_time = ?, floor = ?, digest = ? WHERE id = ?`,
			m.Epoch, m.Seq, m.LastTime, m.Floor, m.Digest.String(), s.id)
		s.meta = m
		return err
	}
	err = s.tx.exec(`INSERT INTO accounts (name, epoch, seq, last_time, floor, digest) VALUES (?, ?, ?, ?, ?, ?)`,
		s.name, m.Epoch, m.Seq, m.LastTime, m.Floor, m.Digest.String())
	if err != nil {
		return err
	}
	s.loaded = false // for the id that it got
	_, err = s.load()
	return err
}

// putRecord does not use INSERT OR REPLACE: that would drop another record of
// the same seq or time, where ON CONFLICT (account, key) makes it an error.
func (s *store) putRecord(r *account.Record) error {
	return s.tx.exec(`INSERT INTO sessions (account, `+recordColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (account, key) DO UPDATE SET seq = excluded.seq, update_time = excluded.update_time,
			ext = excluded.ext, ext_seq = excluded.ext_seq, msg = excluded.msg, msg_id = excluded.msg_id,
			msg_order = excluded.msg_order, revoke = excluded.revoke, state = excluded.state, changed_at = excluded.changed_at`,
		s.id, r.Key.String(), r.Seq, r.UpdateTime, orNull(r.HasExt, r.Ext), r.ExtSeq, orNull(len(r.Msg) > 0, r.Msg),
		r.MsgID, strconv.FormatUint(r.MsgOrder, 10), orNull(r.Revoked, r.Revoke), int64(r.State), r.ChangedAt)
}

func orNull[T string | []byte](has bool, text T) any {
	if !has {
		return nil
	}
	return string(text)
}

// wipe forgets all but the account's head.
func (s *store) wipe() error {
	for _, query := range []string{`DELETE FROM sessions WHERE account = ?`, `DELETE FROM clients WHERE account = ?`,
		`DELETE FROM receipts WHERE account = ?`, `DELETE FROM pending_revokes WHERE account = ?`} {
		if err := s.tx.exec(query, s.id); err != nil {
			return err
		}
	}
	return nil
}

func (s *store) putClient(c *account.Client) error {
	if c == nil {
		return nil
	}
	return s.tx.exec(`INSERT INTO clients (account, id, last_mid, unapplied, seen_at) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (account, id) DO UPDATE SET last_mid = excluded.last_mid, unapplied = excluded.unapplied, seen_at = excluded.seen_at`,
		s.id, c.ID, c.LastMid, c.Unapplied, c.SeenAt)
}

func (s *store) putReceipt(r *account.Receipt) error {
	return s.tx.exec(`INSERT INTO receipts (account, key, hash, answer, at) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (account, key) DO UPDATE SET hash = excluded.hash, answer = excluded.answer, at = excluded.at`,
		s.id, r.Key, r.Hash, r.Answer, r.At)
}

func (s *store) putRevoke(p *account.PendingRevoke) error {
	return s.tx.exec(`INSERT INTO pending_revokes (account, msg_id, body, at) VALUES (?, ?, ?, ?)
		ON CONFLICT (account, msg_id) DO UPDATE SET body = excluded.body, at = excluded.at`,
		s.id, p.MsgID, p.Body, p.At)
}

func (s *store) drop(query string, names []string) error {
	if len(names) == 0 {
		return nil
	}
	return s.tx.exec(query, s.id, jsonStrings(names))
}

// expire forgets what is too old to be asked for; 0 keeps all.
func (s *store) expire(receipts, clients int64) error {
	for _, e := range []struct {
		before int64
		query  string
	}{
		{receipts, `DELETE FROM receipts WHERE account = ? AND at < ?`},
		{receipts, `DELETE FROM pending_revokes WHERE account = ? AND at < ?`},
		{clients, `DELETE FROM clients WHERE account = ? AND seen_at < ?`},
	} {
		if e.before == 0 {
			continue
		}
		if err := s.tx.exec(e.query, s.id, e.before); err != nil {
			return err
		}
	}
	return nil
}
