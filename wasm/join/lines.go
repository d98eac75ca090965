package main

import (
	"bytes"
	"encoding/binary"
	"errors"
)

// A Go program carries, for each of its functions, tables that map places of
// its code to files and lines (runtime/symtab.go). Only tracebacks read them,
// and a page shows nobody a traceback. They are a tenth of the core, and room
// for inlining, which halves the time of what the core does.
//
// The runtime takes an offset of 0 for a table that is not there, and then
// prints "?:0" for a place. Names of functions stay.

// The beginning of the tables: the magic number of Go 1.20 and later, two
// zeros, instructions of one byte, and pointers of eight.
var tablesMagic = []byte{0xf1, 0xff, 0xff, 0xff, 0, 0, 1, 8}

// Where runtime.pcHeader has its fields.
const (
	functionCount  = 8
	unitsOffset    = 40 // of each compilation unit's files
	filesOffset    = 48
	pcTablesOffset = 56
	functsOffset   = 64
	tablesHeader   = 72
)

// Where runtime._func has its fields.
const (
	funcPCSP      = 16
	funcPCFile    = 20
	funcPCLine    = 24
	funcPCData    = 28 // how many tables follow the struct
	funcStartLine = 36
	funcSize      = 44
)

var errTables = errors.New("holds no function tables as Go 1.20 and later writes them")

// linesOut overwrites the tables of files and lines in a program's memory with
// zeros.
func linesOut(memory []byte) error {
	at := bytes.Index(memory, tablesMagic)
	if at < 0 || len(memory)-at < tablesHeader {
		return errTables
	}
	t := tables{b: memory[at:]}
	units, pcTables, functs := t.offset(unitsOffset), t.offset(pcTablesOffset), t.offset(functsOffset)
	if !(tablesHeader <= units && units <= t.offset(filesOffset) && t.offset(filesOffset) <= pcTables && pcTables < functs && functs < len(t.b)) {
		return errTables
	}
	t.pcTables, t.functs = t.b[pcTables:functs], t.b[functs:]
	t.used = make([]bool, len(t.pcTables))
	if !t.dropLines(t.offset(functionCount)) {
		return errTables
	}
	clear(t.b[units:pcTables])
	for i, used := range t.used {
		if !used {
			t.pcTables[i] = 0
		}
	}
	return nil
}

// tables are a program's function tables.
type tables struct {
	b        []byte // from their header on
	pcTables []byte
	functs   []byte
	used     []bool // which bytes of pcTables are still needed
}

// offset reads a word of the header, -1 when it is beyond the tables.
func (t *tables) offset(at int) int {
	n := binary.LittleEndian.Uint64(t.b[at:])
	if n > uint64(len(t.b)) {
		return -1
	}
	return int(n)
}

// dropLines has all functions say that they have no tables of files and lines,
// and marks the tables that they still have. It returns false for what does not
// read.
func (t *tables) dropLines(count int) bool {
	for i := range count {
		entry := 8*i + 4 // pairs of where a function begins, and where what is said of it does
		if len(t.functs)-4 < entry {
			return false
		}
		at := int(binary.LittleEndian.Uint32(t.functs[entry:]))
		if len(t.functs)-funcSize < at || !t.dropLinesOf(t.functs[at:]) {
			return false
		}
	}
	return count > 0
}

func (t *tables) dropLinesOf(f []byte) bool {
	word := binary.LittleEndian.Uint32
	pcData := int(word(f[funcPCData:]))
	if pcData > (len(f)-funcSize)/4 || !t.keep(int(word(f[funcPCSP:]))) {
		return false
	}
	for i := range pcData {
		if !t.keep(int(word(f[funcSize+4*i:]))) {
			return false
		}
	}
	for _, field := range []int{funcPCFile, funcPCLine, funcStartLine} {
		clear(f[field : field+4])
	}
	return true
}

// keep marks the table that begins at an offset, if it is one: pairs of numbers
// up to a first one of 0, which only the first pair may have.
func (t *tables) keep(at int) bool {
	if at == 0 {
		return true
	}
	for i, first := at, true; ; first = false {
		value, n := binary.Uvarint(t.pcTables[min(i, len(t.pcTables)):])
		if n <= 0 {
			return false
		}
		ended := value == 0 && !first
		if !ended {
			_, m := binary.Uvarint(t.pcTables[i+n:])
			if m <= 0 {
				return false
			}
			n += m
		}
		for ; n > 0; n-- {
			t.used[i] = true
			i++
		}
		if ended {
			return true
		}
	}
}
