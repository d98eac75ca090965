package main

import (
	"fmt"

	"recents/core"
	"recents/server/sqlstore"
)

// appendArgs appends a statement's arguments as a JSON array.
func appendArgs(dst []byte, args []any) ([]byte, error) {
	dst = append(dst, '[')
	for i, a := range args {
		if i > 0 {
			dst = append(dst, ',')
		}
		switch a := a.(type) {
		case nil:
			dst = append(dst, "null"...)
		case string:
			dst = core.AppendString(dst, a)
		case int64:
			dst = append(dst, core.Itoa(a)...)
		default:
			return nil, fmt.Errorf("edge: a %T is no argument of a statement", a)
		}
	}
	return append(dst, ']'), nil
}

// row is one row of a result: the texts of its JSON values.
type row [][]byte

// eachRow calls each with every row of a JSON array of arrays.
func eachRow(rows []byte, each func(sqlstore.Row) error) error {
	return core.Items(rows, func(raw []byte) error {
		var r row
		if err := core.Items(raw, func(value []byte) error {
			r = append(r, value)
			return nil
		}); err != nil {
			return err
		}
		return each(r)
	})
}

// Null implements sqlstore.Row.
func (r row) Null(column int) bool { return string(r[column]) == "null" }

// Int implements sqlstore.Row.
func (r row) Int(column int) int64 {
	if r.Null(column) {
		return 0
	}
	n, err := core.Int(r[column])
	if err != nil {
		panic(err) // the tables are STRICT: an INTEGER column holds no other
	}
	return n
}

// Text implements sqlstore.Row.
func (r row) Text(column int) string {
	if r.Null(column) {
		return ""
	}
	s, err := core.String(r[column])
	if err != nil {
		panic(err)
	}
	return s
}
