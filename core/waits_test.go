//go:build !js

package core_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// waits returns where a Go file could wait: goroutines, channels and select. A
// select of nothing is a main's, which keeps the instance alive.
func waits(files *token.FileSet, file *ast.File) (found []string) {
	say := func(n ast.Node, what string) { found = append(found, fmt.Sprint(files.Position(n.Pos()), ": ", what)) }
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			say(n, "a goroutine")
		case *ast.ChanType:
			say(n, "a channel")
		case *ast.SendStmt:
			say(n, "a send")
		case *ast.UnaryExpr:
			if n.Op == token.ARROW {
				say(n, "a receive")
			}
		case *ast.SelectStmt:
			if len(n.Body.List) > 0 {
				say(n, "a select")
			}
		}
		return true
	})
	return found
}

var (
	transaction      = regexp.MustCompile(`\(tx\b[^)]*\)(: [^=]+)? => `)
	asyncTransaction = regexp.MustCompile(`async (function \w+)?\(tx\b`)
)

// A transaction of IndexedDB ends when a task goes by in which nothing is asked
// of it. Go cannot make one go by: nothing of the browser's waits, and the rule
// of imports keeps clocks out. And what JavaScript does in a transaction is no
// async function.
func TestT13NothingWaitsInATransaction(t *testing.T) {
	looked := 0
	for _, dir := range []string{".", "replica", "../wasm/browser"} {
		paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
		require.NoError(t, err)
		for _, path := range paths {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			files := token.NewFileSet()
			file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
			require.NoError(t, err)
			assert.Empty(t, waits(files, file))
			looked++
		}
	}
	transactions := 0
	for _, path := range []string{"../js/src/store.ts", "../js/src/majors.ts"} {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		transactions += len(transaction.FindAll(text, -1))
		assert.Empty(t, asyncTransaction.FindAllString(string(text), -1), path)
	}
	assert.Greater(t, looked, 30)
	assert.Greater(t, transactions, 5)
	t.Attr("T13", fmt.Sprintf("no goroutine, channel or clock in %d files of the browser's Go, none of %d transactions is an async function", looked, transactions))
}

func TestWhatWaitsIsSeen(t *testing.T) {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, "a.go", "package a\nfunc f(c chan int) {\ngo f(c)\nc <- 1\n<-c\nselect {\ndefault:\n}\nselect {}\n}", 0)
	require.NoError(t, err)
	assert.Equal(t, []string{"a.go:2:10: a channel", "a.go:3:1: a goroutine", "a.go:4:1: a send", "a.go:5:1: a receive", "a.go:6:1: a select"}, waits(files, file))
	for _, line := range []string{"this.#transact(['meta'], 'readonly', async (tx) => {", "async function writeBatch(tx: IDBTransaction): Promise<void> {"} {
		assert.True(t, asyncTransaction.MatchString(line), line)
	}
}
