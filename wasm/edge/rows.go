package main

import (
	"bytes"
	"errors"
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

// The shell hands out a result as one text: rowMark before each row, valueEnd
// behind each value, null for NULL. A result whose texts hold a mark themselves
// comes as a JSON array of arrays.
const (
	rowMark  = 0x1e
	valueEnd = 0x1f
	nullText = "\x00"
)

var errTorn = errors.New("edge: a result ends within a value")

// eachRow calls each with every row of a result.
func eachRow(text []byte, each func(sqlstore.Row) error) error {
	if len(text) > 0 && text[0] == '[' {
		return eachJSONRow(text, each)
	}
	var r row
	for len(text) > 0 {
		r = r[:0]
		for text = text[1:]; len(text) > 0 && text[0] != rowMark; {
			end := bytes.IndexByte(text, valueEnd)
			if end < 0 {
				return errTorn
			}
			r = append(r, text[:end])
			text = text[end+1:]
		}
		if err := each(r); err != nil {
			return err
		}
	}
	return nil
}

// row is one row of a result: the texts of its values.
type row [][]byte

// Null implements sqlstore.Row.
func (r row) Null(column int) bool { return string(r[column]) == nullText }

// Int implements sqlstore.Row.
func (r row) Int(column int) int64 {
	if r.Null(column) {
		return 0
	}
	return mustInt(r[column])
}

// Text implements sqlstore.Row.
func (r row) Text(column int) string {
	if r.Null(column) {
		return ""
	}
	return string(r[column])
}

// mustInt reads a number of an INTEGER column, which holds no other: the tables
// are STRICT.
func mustInt(text []byte) int64 {
	n, err := core.Int(text)
	if err != nil {
		panic(err)
	}
	return n
}

// jsonRow is one row of a result in JSON: the texts of its JSON values.
type jsonRow [][]byte

func eachJSONRow(rows []byte, each func(sqlstore.Row) error) error {
	return core.Items(rows, func(raw []byte) error {
		var r jsonRow
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
func (r jsonRow) Null(column int) bool { return string(r[column]) == "null" }

// Int implements sqlstore.Row.
func (r jsonRow) Int(column int) int64 {
	if r.Null(column) {
		return 0
	}
	return mustInt(r[column])
}

// Text implements sqlstore.Row.
func (r jsonRow) Text(column int) string {
	if r.Null(column) {
		return ""
	}
	s, err := core.String(r[column])
	if err != nil {
		panic(err) // the shell has written it
	}
	return s
}
