package main

import (
	"bytes"
	"errors"
	"fmt"
	"unsafe"

	"recents/server/sqlstore"
)

// door is where bytes cross. Its buffers are used again, so that they cost no
// call anything; those that one large call made are let go.
var door struct {
	worker  *worker
	in      []byte
	heading []byte       // of the last call's outcome
	body    bytes.Buffer // of its answer
	args    []byte
	cells   []float64
	texts   []byte
	queries map[string]uint32 // statements that the shell knows, by their number
}

// kept is how large a buffer may be to be used again.
const kept = 512 << 10

// input makes room for n bytes of the next call and returns where.
//
//go:wasmexport input
func input(n uint32) unsafe.Pointer {
	door.in = grown(door.in, int(n))
	return unsafe.Pointer(unsafe.SliceData(door.in))
}

// grown returns a buffer of n at least, or b when that is one and not too large
// to keep.
func grown[T any](b []T, n int) []T {
	if len(b) >= n && len(b) <= kept {
		return b
	}
	return make([]T, n+n/4+1024)
}

// enter runs a call, whose heading and body are in input's room, and returns its
// number. Any other is that of an instance which has come to an end: a call that
// waits for something does not come back.
//
//go:wasmexport enter
func enter(number, heading, body uint32) uint32 {
	if door.body.Cap() > kept {
		door.body = bytes.Buffer{}
	}
	o := door.worker.run(parseCall(string(door.in[:heading]), door.in[heading:heading+body]))
	door.heading = o.appendHeading(door.heading[:0])
	return number
}

// These return where the outcome of the last call is, until the next one.

//go:wasmexport outcomeHeading
func outcomeHeading() unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(door.heading)) }

//go:wasmexport outcomeHeadingLength
func outcomeHeadingLength() uint32 { return uint32(len(door.heading)) }

//go:wasmexport outcomeBody
func outcomeBody() unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(door.body.Bytes())) }

//go:wasmexport outcomeBodyLength
func outcomeBodyLength() uint32 { return uint32(door.body.Len()) }

// The shell's side of a statement. None of them throws: an exception would leave
// this instance in the middle of a call.

// shellPrepare tells the shell a statement, once.
//
//go:wasmimport recents prepare
func shellPrepare(number uint32, query string)

// shellQuery runs a statement with its arguments, a JSON array, and returns how
// many cells the result has; under 0 it threw, and the result is one text, why.
//
//go:wasmimport recents query
func shellQuery(number uint32, args unsafe.Pointer, length uint32) int32

// shellLength returns how long all texts of the result are, in UTF-16.
//
//go:wasmimport recents length
func shellLength() uint32

// shellTake writes the result's cells and its texts, and returns how many bytes
// these are. There is room for three of each UTF-16 unit.
//
//go:wasmimport recents take
func shellTake(cells, texts unsafe.Pointer) uint32

// shellDB is the SQL storage of the shell's call.
type shellDB struct{}

var _ sqlstore.DB = shellDB{}

// Exec implements sqlstore.DB.
func (shellDB) Exec(query string, args ...any) error {
	_, err := ask(query, args)
	return err
}

// Query implements sqlstore.DB.
func (shellDB) Query(each func(sqlstore.Row) error, query string, args ...any) error {
	t, err := ask(query, args)
	if err != nil {
		return err
	}
	return t.each(each)
}

// ask runs a statement. The table is good until the next one.
func ask(query string, args []any) (t table, err error) {
	if door.args, err = appendArgs(door.args[:0], args); err != nil {
		return table{}, err
	}
	n := shellQuery(statement(query), unsafe.Pointer(unsafe.SliceData(door.args)), uint32(len(door.args)))
	if n == 0 {
		return table{}, nil
	}
	t = take(int(max(n, 0)))
	if n < 0 {
		err = fmt.Errorf("edge: %s: %w", query, errors.New(t.texts))
	}
	return t, err
}

// statement is the shell's number of a query: its text crosses once.
func statement(query string) uint32 {
	number, known := door.queries[query]
	if !known {
		if door.queries == nil {
			door.queries = map[string]uint32{}
		}
		number = uint32(len(door.queries))
		door.queries[query] = number
		shellPrepare(number, query)
	}
	return number
}

// take brings a result over.
func take(cells int) table {
	units := int(shellLength())
	door.cells, door.texts = grown(door.cells, cells+1), grown(door.texts, 3*units+1)
	n := shellTake(unsafe.Pointer(unsafe.SliceData(door.cells)), unsafe.Pointer(unsafe.SliceData(door.texts)))
	t := table{cells: door.cells[:cells], texts: string(door.texts[:n]), units: units}
	if cells > 0 {
		t.columns, t.cells = int(t.cells[0]), t.cells[1:]
	}
	return t
}
