package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite" // the engine of the tests

	"recents/core/account"
	"recents/core/storetest"
)

// edge is a database that is as strict as a Durable Object's: it takes only
// what that takes, and hands rows out as that does.
type edge struct {
	t  testing.TB
	tx *sql.Tx

	mu   *sync.Mutex // over seen
	seen map[string]bool
}

// maxParameters is the Durable Object's bound on a statement's.
const maxParameters = 100

var forbidden = regexp.MustCompile(`(?i)\b(BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE|PRAGMA|ATTACH|VACUUM|RETURNING)\b`)

// check holds a statement to the edge's rules.
func (e *edge) check(query string, args []any) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.seen[query] = true
	if forbidden.MatchString(query) {
		e.t.Errorf("%s: is not to be had at the edge", query)
	}
	if n := strings.Count(query, "?"); n > maxParameters || n != len(args) {
		e.t.Errorf("%s: %d parameters, %d arguments, at most %d", query, n, len(args), maxParameters)
	}
	for _, a := range args {
		switch a := a.(type) {
		case nil, string:
		case int64:
			if a > 1<<53-1 || a < -(1<<53-1) {
				e.t.Errorf("%s: %d is beyond what a JavaScript number carries", query, a)
			}
		default:
			e.t.Errorf("%s: a %T is no argument", query, a)
		}
	}
}

func (e *edge) Exec(query string, args ...any) error {
	e.check(query, args)
	_, err := e.tx.Exec(query, args...)
	return err
}

func (e *edge) Query(each func(Row) error, query string, args ...any) (err error) {
	e.check(query, args)
	if !strings.HasPrefix(query, "SELECT ") {
		e.t.Errorf("%s: a Query that does not only read", query)
	}
	rows, err := e.tx.Query(query, args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	for rows.Next() {
		r := make(edgeRow, len(columns))
		targets := make([]any, len(columns))
		for i := range r {
			targets[i] = &r[i]
		}
		if err := rows.Scan(targets...); err != nil {
			return err
		}
		if err := each(r); err != nil {
			return err
		}
	}
	return rows.Err()
}

type edgeRow []any

func (r edgeRow) Null(i int) bool { return r[i] == nil }
func (r edgeRow) Int(i int) int64 { n, _ := r[i].(int64); return n }
func (r edgeRow) Text(i int) string {
	s, _ := r[i].(string)
	return s
}

// object is an account.Accounts as a Durable Object is one: one thing at a time.
type object struct {
	t    testing.TB
	db   *sql.DB
	mu   sync.Mutex
	seen map[string]bool
}

func openObject(t testing.TB) *object { return openObjectAt(t, migrations) }

// openObjectAt returns one whose schema is that of an earlier build.
func openObjectAt(t testing.TB, steps [][]string) *object {
	db, err := sql.Open("sqlite", "file::memory:")
	require.NoError(t, err)
	db.SetMaxOpenConns(1) // another connection would have a memory of its own
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	o := &object{t: t, db: db, seen: map[string]bool{}}
	require.NoError(t, o.transact(func(e *edge) error { return migrate(e, steps) }))
	return o
}

func (o *object) transact(fn func(*edge) error) error {
	tx, err := o.db.Begin()
	if err != nil {
		return err
	}
	if err := fn(&edge{o.t, tx, &o.mu, o.seen}); err != nil {
		if e := tx.Rollback(); e != nil {
			return errors.Join(err, e)
		}
		return err
	}
	return tx.Commit()
}

func (o *object) View(_ context.Context, fn func(account.Tx) error) error {
	return o.transact(func(e *edge) error { return fn(New(e)) })
}

func (o *object) Update(_ context.Context, fn func(account.Tx) error) error {
	return o.transact(func(e *edge) error {
		tx := New(e)
		err := fn(tx)
		if err == nil {
			err = tx.Err()
		}
		if err == nil {
			tx.Committed() // before the COMMIT, which in memory cannot fail
		}
		return err
	})
}

func (o *object) Due(_ context.Context, records, receipts int64, limit int) (due []string, err error) {
	err = o.transact(func(e *edge) error { due, err = New(e).Due(records, receipts, limit); return err })
	return due, err
}

func (o *object) Newest(context.Context) (newest int64, err error) {
	err = o.transact(func(e *edge) error { newest, err = New(e).Newest(); return err })
	return newest, err
}

func TestContract(t *testing.T) {
	seen := map[string]bool{}
	storetest.Run(t, func(t *testing.T) account.Accounts {
		o := openObject(t)
		t.Cleanup(func() {
			for query := range o.seen {
				seen[query] = true
			}
		})
		return o
	})
	checkPlans(t, seen)
}

// scans are the parts of a plan that read a whole table and may.
var scans = map[string]string{
	"SCAN accounts":       "Newest, once a start",
	"SCAN json_each":      "the list of names that a statement was given",
	"SCAN CONSTANT ROW":   "VALUES",
	"SCAN schema_version": "one row",
}

// checkPlans has the engine explain every statement: none reads through a table.
func checkPlans(t *testing.T, queries map[string]bool) {
	db := openObject(t).db
	explained := 0
	for query := range queries {
		if strings.HasPrefix(query, "CREATE") || strings.HasPrefix(query, "ALTER") {
			continue
		}
		args := make([]any, strings.Count(query, "?"))
		rows, err := db.Query("EXPLAIN QUERY PLAN "+query, args...)
		require.NoError(t, err, query)
		for rows.Next() {
			var id, parent, unused int
			var detail string
			require.NoError(t, rows.Scan(&id, &parent, &unused, &detail))
			scan := strings.Join(strings.Fields(detail)[:min(2, len(strings.Fields(detail)))], " ")
			if strings.HasPrefix(detail, "SCAN") && scans[scan] == "" {
				t.Errorf("%s\nreads through a table: %s", query, detail)
			}
			if strings.Contains(detail, "TEMP B-TREE FOR ORDER BY") && !strings.Contains(query, "random()") {
				t.Errorf("%s\nsorts: %s", query, detail)
			}
		}
		require.NoError(t, rows.Err())
		require.NoError(t, rows.Close())
		explained++
	}
	require.Greater(t, explained, 20, fmt.Sprint(queries))
}
