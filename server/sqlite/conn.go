package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"strings"

	"modernc.org/sqlite"

	"recents/server/sqlstore"
)

// conn is one connection, used by one goroutine at a time. It talks to the
// driver without database/sql between: there is no pool to share with, and a
// message runs a dozen statements whose arguments and results need no
// conversion.
type conn struct {
	driver.Conn
	stmts map[string]statement // by query: the store's are few and fixed
	args  []driver.NamedValue
	row   row
}

type statement interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

var _ sqlstore.DB = (*conn)(nil)

// dial opens a connection to a file with the given URI parameters and pragmas.
func dial(path string, params url.Values, pragmas ...string) (*conn, error) {
	uri, err := fileURI(path, params)
	if err != nil {
		return nil, err
	}
	connector, err := sqlite.NewConnector(uri)
	if err != nil {
		return nil, err
	}
	dc, err := connector.Connect(context.Background())
	if err != nil {
		return nil, err
	}
	c := &conn{Conn: dc, stmts: map[string]statement{}}
	if err := c.set(pragmas...); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// fileURI escapes the path, since the engine reads "?", "#" and "%" in it.
func fileURI(path string, params url.Values) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	abs = "/" + strings.TrimPrefix(filepath.ToSlash(abs), "/") // a drive letter has none
	uri := url.URL{Scheme: "file", Path: abs, RawQuery: params.Encode()}
	return uri.String(), nil
}

func (c *conn) set(pragmas ...string) error {
	for _, pragma := range pragmas {
		if err := c.Exec("PRAGMA " + pragma); err != nil {
			return err
		}
	}
	return nil
}

// Close finalizes the statements and closes the connection.
func (c *conn) Close() error {
	var errs []error
	for _, s := range c.stmts {
		errs = append(errs, s.Close())
	}
	return errors.Join(append(errs, c.Conn.Close())...)
}

// Exec implements sqlstore.DB.
func (c *conn) Exec(query string, args ...any) error {
	s, err := c.prepare(query)
	if err != nil {
		return err
	}
	_, err = s.ExecContext(context.Background(), c.named(args))
	return err
}

// Query implements sqlstore.DB.
func (c *conn) Query(each func(sqlstore.Row) error, query string, args ...any) (err error) {
	s, err := c.prepare(query)
	if err != nil {
		return err
	}
	rows, err := s.QueryContext(context.Background(), c.named(args))
	if err != nil {
		return err
	}
	defer func() {
		if e := rows.Close(); err == nil {
			err = e
		}
	}()
	c.row.resize(len(rows.Columns()))
	for {
		switch err := rows.Next(c.row.values); {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
		if err := each(&c.row); err != nil {
			return err
		}
	}
}

// integer returns the first column of a query's first row.
func (c *conn) integer(query string, args ...any) (n int64, err error) {
	err = c.Query(func(r sqlstore.Row) error {
		n = r.Int(0)
		return nil
	}, query, args...)
	return n, err
}

// text is integer for a text.
func (c *conn) text(query string, args ...any) (s string, err error) {
	err = c.Query(func(r sqlstore.Row) error {
		s = r.Text(0)
		return nil
	}, query, args...)
	return s, err
}

func (c *conn) prepare(query string) (statement, error) {
	if s := c.stmts[query]; s != nil {
		return s, nil
	}
	ds, err := c.Conn.Prepare(query)
	if err != nil {
		return nil, err
	}
	s, ok := ds.(statement)
	if !ok {
		return nil, errors.Join(fmt.Errorf("sqlite: the driver's %T takes no context", ds), ds.Close())
	}
	c.stmts[query] = s
	return s, nil
}

// named gives the arguments the driver's form, in a slice that is used again:
// the driver is done with it when the statement has started.
func (c *conn) named(args []any) []driver.NamedValue {
	c.args = c.args[:0]
	for i, a := range args {
		c.args = append(c.args, driver.NamedValue{Ordinal: i + 1, Value: a})
	}
	return c.args
}

// row is the current row of a connection's query. The tables are STRICT, so a
// column holds the type that it was declared with.
type row struct{ values []driver.Value }

func (r *row) resize(n int) {
	if cap(r.values) < n {
		r.values = make([]driver.Value, n)
	}
	r.values = r.values[:n]
}

func (r *row) Null(column int) bool { return r.values[column] == nil }

func (r *row) Int(column int) int64 {
	if r.values[column] == nil {
		return 0
	}
	return r.values[column].(int64)
}

func (r *row) Text(column int) string {
	if r.values[column] == nil {
		return ""
	}
	return r.values[column].(string)
}
