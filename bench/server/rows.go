package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"recents/core"
	"recents/core/account"
	"recents/server/sqlite"
)

// The rows that every place holds: accounts in a ring, each with p2p sessions
// with its neighbours on both sides, so that both ends of a session have it.

// filled is when the newest of the rows was written, ms: before any run.
const filled = int64(1_760_000_000_000)

// size is how much there is of them.
type size struct{ accounts, sessions int }

func (s size) String() string {
	return fmt.Sprintf("%d,000 accounts × %d sessions", s.accounts/1000, s.sessions)
}

func accountName(i int) string { return fmt.Sprintf("user%05d", i) }

// neighbour is the account at the other end of session n of account i, both
// from 0 on: the nearest ones first, by turns above and below.
func (s size) neighbour(i, n int) int {
	distance := n/2 + 1
	if n%2 == 1 {
		distance = -distance
	}
	return (i + distance + s.accounts) % s.accounts
}

// content is what a message says: every third one in Chinese.
func content(n int) string {
	if n%3 == 0 {
		return fmt.Sprintf("第%d条消息:明天早上七点我们在火车站的大钟下面见面可以吗?还是对你来说太早了?我会带上早餐和热咖啡,车票已经买好了,请不要忘记带上雨伞,听说下午会下大雨。", n)
	}
	return fmt.Sprintf("Message %d: shall we meet below the big clock of the station at seven tomorrow, or is that too early for you? "+
		"I bring breakfast and hot coffee, the tickets are bought, and do not forget an umbrella: they say it will rain.", n)
}

func messageJSON(uuid string, n int) string {
	return fmt.Sprintf(`{"uuid":%q,"messageType":"text","content":%q,"fromNickname":"Nickname %d"}`, uuid, content(n), n)
}

const databaseFile = "recents.db"

// fill makes the database in a directory, once: what the server would have
// written had every message been sent to it.
func fill(dir string, s size) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	db, err := sqlite.Open(filepath.Join(dir, databaseFile), sqlite.Options{})
	if err != nil {
		return err
	}
	for i := range s.accounts {
		if err := db.Update(context.Background(), func(tx account.Tx) error { return fillAccount(tx, s, i) }); err != nil {
			return errors.Join(err, db.Close())
		}
	}
	return db.Close()
}

func fillAccount(tx account.Tx, s size, i int) error {
	name := accountName(i)
	a, err := account.Open(name, tx.Account(name), account.Env{Now: filled, NewEpoch: fmt.Sprintf("%016x", i)})
	if err != nil {
		return err
	}
	for n := range s.sessions {
		from := accountName(s.neighbour(i, s.sessions-1-n))
		raw := messageJSON(fmt.Sprintf("fill-%d-%d", i, n), n)
		m, err := account.ParseMessage([]byte(raw), from, core.Key{Type: core.P2P, ID: name}, account.NextOrder(0, filled+int64(n)), false)
		if err != nil {
			return err
		}
		if err := a.Deliver(m); err != nil {
			return err
		}
	}
	_, err = a.Commit()
	return err
}
