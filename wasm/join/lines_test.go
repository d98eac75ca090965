package main

import (
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const lost = `package main

import "fmt"

//go:noinline
func fall(list []int) { list[3] = 1 }

func try() (why any) {
	defer func() { why = recover() }()
	fall(nil)
	return nil
}

func main() {
	fmt.Println(try())
	for i, n := 0, 0; i < 200_000; i++ { // collected and grown, so that stacks are walked
		n += len(fmt.Sprint(i, n))
	}
	fall([]int{1})
}
`

// build compiles a program for wasm.
func build(t *testing.T, source string) string {
	dir := t.TempDir()
	for name, text := range map[string]string{"main.go": source, "go.mod": "module lost\n\ngo 1.26\n"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	cmd := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-o", "lost.wasm", ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	return filepath.Join(dir, "lost.wasm")
}

// The real linker's program does what it did, recovers, names the functions of a
// traceback, and tells no lines.
func TestAProgramWithoutLines(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node is not there, which runs wasm: the browser's tests run the core so joined; ./build.sh test has node, and runs this")
	}
	file := build(t, lost)
	root, err := exec.CommandContext(t.Context(), "go", "env", "GOROOT").Output()
	require.NoError(t, err)
	js := filepath.Join(strings.TrimSpace(string(root)), "lib/wasm/wasm_exec_node.js")
	require.NoError(t, rewrite(file, false))
	run := func() string {
		out, _ := exec.CommandContext(t.Context(), node, js, file).CombinedOutput() // which ends by a panic
		return string(out)
	}
	whole := run()
	require.Contains(t, whole, "main.go:6")
	before, err := os.Stat(file)
	require.NoError(t, err)

	require.NoError(t, rewrite(file, true))

	after, err := os.Stat(file)
	require.NoError(t, err)
	assert.Less(t, after.Size(), before.Size())
	without := run()
	for _, kept := range []string{"runtime error: index out of range [3] with length 0\n", "panic: runtime error: index out of range [3] with length 1", "main.fall(", "main.main("} {
		assert.Contains(t, whole, kept)
		assert.Contains(t, without, kept)
	}
	assert.NotContains(t, without, ".go:")
	assert.Contains(t, without, "?:0")
}

// tablesOf makes the memory of a program with one function, whose tables are at
// 1 (stack), 4 (files), 7 (lines) and 10 (data).
func tablesOf() []byte {
	word := binary.LittleEndian.AppendUint32
	long := binary.LittleEndian.AppendUint64
	b := append(make([]byte, 5), tablesMagic...)
	for _, n := range []uint64{1, 1, 0, tablesHeader, 76, 80, 84, 98} {
		b = long(b, n)
	}
	b = append(b, "nameunitfile"...)
	b = append(b, "\x00\x02\x01\x00\x04\x01\x00\x06\x01\x00\x08\x81\x01\x00"...)
	b = word(word(word(b, 0), 12), 9) // the function, and the end of the last one
	for _, n := range []uint32{0, 0, 0, 0, 1, 4, 7, 1, 0, 30, 0} {
		b = word(b, n)
	}
	return word(b, 10)
}

func TestLinesOut(t *testing.T) {
	got, want := tablesOf(), tablesOf()
	require.NoError(t, linesOut(got))

	at := func(offset int) []byte { return want[5+offset:] }
	clear(at(76)[:8])                   // which units have which files
	clear(at(84 + 4)[:6])               // the tables of files and lines
	clear(at(98 + 12 + funcPCFile)[:8]) // and where they are
	clear(at(98 + 12 + funcStartLine)[:4])
	assert.Equal(t, want, got)
}

func TestLinesOutRefuses(t *testing.T) {
	broken := func(change func(b []byte)) []byte {
		b := tablesOf()
		change(b[5:])
		return b
	}
	for name, b := range map[string][]byte{
		"nothing": nil, "a header that is cut": tablesOf()[:40], "a function that is cut": tablesOf()[:160],
		"functions beyond the end": broken(func(b []byte) { b[functsOffset+7] = 1 }),
		"units behind files":       broken(func(b []byte) { b[unitsOffset] = 81 }),
		"no function":              broken(func(b []byte) { b[functionCount] = 0 }),
		"more functions than fit":  broken(func(b []byte) { b[functionCount+2] = 1 }),
		"a function at no place":   broken(func(b []byte) { b[98+5] = 1 }),
		"a table at no place":      broken(func(b []byte) { b[98+12+funcPCSP] = 200 }),
		"a table without an end":   broken(func(b []byte) { b[84+13] = 0x81 }),
		"more tables than fit":     broken(func(b []byte) { b[98+12+funcPCData] = 2 }),
	} {
		assert.ErrorIs(t, linesOut(b), errTables, name)
	}
}
