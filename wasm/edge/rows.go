package main

import (
	"errors"
	"fmt"
	"math"

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

// table is a result as it crosses: a number for each value, row by row, and all
// texts in one. The number of an INTEGER is itself, that of a TEXT its length in
// UTF-16 and a half, that of NULL is NaN. So no value is searched for its end,
// and none is written as text and read again.
type table struct {
	columns int
	cells   []float64
	texts   string
	units   int // UTF-16 units of texts, which is all that the shell can count
}

var errTorn = errors.New("edge: a result ends within a value")

// each calls fn with every row.
func (t *table) each(fn func(sqlstore.Row) error) error {
	r := row{texts: make([]string, t.columns)}
	rest, ascii := t.texts, len(t.texts) == t.units
	for cells := t.cells; len(cells) > 0; cells = cells[t.columns:] {
		if len(cells) < t.columns {
			return errTorn
		}
		r.cells = cells[:t.columns]
		for i, cell := range r.cells {
			r.texts[i] = ""
			if !isText(cell) {
				continue
			}
			n, ok := bytesOf(rest, int(cell), ascii)
			if !ok {
				return errTorn
			}
			r.texts[i], rest = rest[:n], rest[n:]
		}
		if err := fn(&r); err != nil {
			return err
		}
	}
	return nil
}

// isText reports whether a cell is a text's: neither a whole number nor NaN,
// which is not equal to itself either.
func isText(cell float64) bool { return cell-math.Floor(cell) == 0.5 }

// bytesOf is how many bytes the first n UTF-16 units of a text are.
func bytesOf(text string, n int, ascii bool) (int, bool) {
	if ascii {
		return n, n <= len(text)
	}
	i := 0
	for ; n > 0 && i < len(text); n-- {
		switch c := text[i]; {
		case c < 0x80:
			i++
		case c < 0xe0:
			i += 2
		case c < 0xf0:
			i += 3
		default: // a pair of surrogates
			i += 4
			n--
		}
	}
	return i, n == 0 && i <= len(text)
}

// row is one row of a table.
type row struct {
	cells []float64
	texts []string
}

// Null implements sqlstore.Row.
func (r *row) Null(column int) bool { return math.IsNaN(r.cells[column]) }

// Int implements sqlstore.Row. The tables are STRICT, so a text is in no column
// that a number is asked of.
func (r *row) Int(column int) int64 {
	if r.Null(column) {
		return 0
	}
	if isText(r.cells[column]) {
		panic(errNoNumber)
	}
	return int64(r.cells[column])
}

var errNoNumber = errors.New("edge: a column of numbers holds a text")

// Text implements sqlstore.Row.
func (r *row) Text(column int) string { return r.texts[column] }
