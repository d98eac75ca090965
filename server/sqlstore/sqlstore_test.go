package sqlstore

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"recents/core"
	"recents/core/account"
)

// TestReleasedMigrations pins what databases in the field have run: a change of
// the schema is a new migration, never an edit of one that is here.
func TestReleasedMigrations(t *testing.T) {
	released := []string{"5d3acbec569b3ef7", "8791e0b8f27f12a4"}
	require.GreaterOrEqual(t, len(migrations), len(released))
	for i, want := range released {
		sum := sha256.Sum256([]byte(strings.Join(migrations[i], "\n")))
		require.Equal(t, want, fmt.Sprintf("%x", sum[:8]), "migration %d", i+1)
	}
	require.Len(t, released, len(migrations), "pin the new one too")
}

func TestMigrate(t *testing.T) {
	v2 := []string{`ALTER TABLE teams ADD COLUMN name TEXT NOT NULL DEFAULT 'none'`}
	v3 := []string{`CREATE TABLE extra (x INTEGER) STRICT`, `INSERT INTO extra VALUES (7)`}
	later := [][]string{v1, v2, v3}
	o := openObjectAt(t, later[:1])
	team := &account.Team{Key: core.Key{Type: core.Team, ID: "t"}, Owner: "o"}
	require.NoError(t, o.Update(context.Background(), func(tx account.Tx) error { return tx.PutTeam(team) }))
	to := func(steps [][]string) error { return o.transact(func(e *edge) error { return migrate(e, steps) }) }
	one := func(query string) (got string) {
		require.NoError(t, o.db.QueryRow(query).Scan(&got))
		return got
	}

	broken := [][]string{v1, v2, {v3[0], `INSERT INTO nowhere VALUES (1)`}}
	require.ErrorContains(t, to(broken), "to schema version 3: ")
	require.Equal(t, "1", one(`SELECT version FROM schema_version`), "a failed migration leaves the version before")
	require.Equal(t, "0", one(`SELECT count(*) FROM pragma_table_info('teams') WHERE name = 'name'`), "and its tables")

	require.NoError(t, to(later[:2]))
	require.Equal(t, "2", one(`SELECT version FROM schema_version`))
	require.Equal(t, "none", one(`SELECT name FROM teams WHERE owner = 'o'`), "what was there is kept")
	require.NoError(t, to(later))
	require.NoError(t, to(later), "again")
	require.Equal(t, "7", one(`SELECT sum(x) FROM extra`), "each migration ran once")

	require.EqualError(t, to(later[:2]), "sqlstore: schema version 3 is newer than 2, the newest that this build knows")
	require.Equal(t, "3", one(`SELECT version FROM schema_version`))

	fresh := openObjectAt(t, later)
	require.NoError(t, fresh.db.QueryRow(`SELECT sum(x) FROM extra`).Err())
}

func TestTwoSchemaVersionsAreRefused(t *testing.T) {
	o := openObject(t)
	require.ErrorContains(t, o.transact(func(e *edge) error {
		if err := e.Exec(`INSERT INTO schema_version (version) VALUES (1)`); err != nil {
			return err
		}
		return Migrate(e)
	}), "schema_version holds 2 rows, not 1")
}

// TestErrKeepsAFailedWrite has a Commit fail in its middle and its caller go on
// as if nothing was wrong: the transaction must not be committed.
func TestErrKeepsAFailedWrite(t *testing.T) {
	o := openObject(t)
	two := &account.Change{Meta: account.Meta{Epoch: "e", Seq: 1}}
	for _, id := range []string{"a", "b"} { // of one seq, which the schema refuses
		two.Put = append(two.Put, account.Record{Row: core.Row{Key: core.Key{Type: core.P2P, ID: id}, Seq: 1, UpdateTime: 1}})
	}
	err := o.Update(context.Background(), func(tx account.Tx) error {
		err := tx.Account("alice").Commit(two)
		assert.Error(t, err)
		assert.Same(t, err, tx.(*Tx).Err())
		assert.NoError(t, tx.Account("bob").Commit(&account.Change{Meta: account.Meta{Epoch: "e"}}))
		return nil
	})
	require.ErrorContains(t, err, "UNIQUE constraint failed")
	require.NoError(t, o.View(context.Background(), func(tx account.Tx) error {
		m, err := tx.Account("bob").Meta()
		assert.Zero(t, m)
		return err
	}))
}

// TestWhatDoesNotRead puts into the tables what no store writes. Reading it is
// an internal error, not the caller's mistake, whatever core makes of it.
func TestWhatDoesNotRead(t *testing.T) {
	row := func(s account.Store) error { _, err := s.Row("x"); return err }
	for damage, read := range map[string]func(account.Tx) error{
		`UPDATE accounts SET digest = 'x'`:                func(tx account.Tx) error { _, err := tx.Account("alice").Meta(); return err },
		`UPDATE sessions SET key = 'x'`:                   func(tx account.Tx) error { return row(tx.Account("alice")) },
		`UPDATE sessions SET key = 'x', msg_order = '-1'`: func(tx account.Tx) error { return row(tx.Account("alice")) },
		`UPDATE teams SET members = '[1]'`:                func(tx account.Tx) error { _, err := tx.Team(core.Key{Type: core.Team, ID: "t"}); return err },
		`UPDATE teams SET managers = '['`:                 func(tx account.Tx) error { _, err := tx.Team(core.Key{Type: core.Team, ID: "t"}); return err },
	} {
		o := openObject(t)
		require.NoError(t, o.Update(context.Background(), func(tx account.Tx) error {
			r := account.Record{Row: core.Row{Key: core.Key{Type: core.P2P, ID: "a"}, Seq: 1, UpdateTime: 1}}
			return errors.Join(tx.PutTeam(&account.Team{Key: core.Key{Type: core.Team, ID: "t"}}),
				tx.Account("alice").Commit(&account.Change{Meta: account.Meta{Epoch: "e"}, Put: []account.Record{r}}))
		}))
		require.NoError(t, o.transact(func(e *edge) error { return e.Exec(damage) }))
		err := o.View(context.Background(), read)
		require.ErrorContains(t, err, "sqlstore: the database holds", damage)
		code, text := core.CodeOf(err)
		require.Equal(t, core.CodeServer, code, damage)
		require.Equal(t, "internal error", text)
	}
}

// TestAccountIsCheap opens the 2,000 accounts of a team, each twice: nothing is
// read before it is needed, and an account's head once.
func TestAccountIsCheap(t *testing.T) {
	o := openObject(t)
	require.NoError(t, o.transact(func(e *edge) error {
		reads := &counting{DB: e}
		tx := New(reads)
		for i := range 2 * core.MaxMembers {
			tx.Account(fmt.Sprint("user", i%core.MaxMembers))
		}
		require.Zero(t, reads.queries)
		for range 2 {
			for _, read := range []func() (account.Meta, error){tx.Account("user1").Meta, tx.Account("user1").Meta} {
				_, err := read()
				require.NoError(t, err)
			}
		}
		require.Equal(t, 1, reads.queries)
		return nil
	}))
}

type counting struct {
	DB
	queries int
}

func (c *counting) Query(each func(Row) error, query string, args ...any) error {
	c.queries++
	return c.DB.Query(each, query, args...)
}
