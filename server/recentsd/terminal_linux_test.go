package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"recents/progress/progresstest"
)

// TestLongCommandsTellHowFarTheyAre on a terminal, and leave nothing there.
func TestLongCommandsTellHowFarTheyAre(t *testing.T) {
	dir, file := t.TempDir(), filepath.Join(t.TempDir(), "alice.jsonl")
	export := onTerminal(t, nil, "seed", "-data", dir)
	require.Contains(t, export, "seed  100%  23 of 23 calls")
	out, err := os.Create(file)
	require.NoError(t, err)
	require.Contains(t, onTerminal(t, out, "export", "-data", dir, "-account", "alice"), "export  100%  ")
	in, err := os.Open(file)
	require.NoError(t, err)
	require.Contains(t, onTerminal(t, in, "import", "-data", dir, "-replace"), "import  100%  ")
	require.NoError(t, in.Close())
	backup := filepath.Join(t.TempDir(), "backup.db")
	require.Regexp(t, "copy  0%.*check", onTerminal(t, nil, "backup", "-data", dir, backup))
	require.Regexp(t, "check.*copy  100%", onTerminal(t, nil, "restore", "-data", t.TempDir(), backup))
}

// onTerminal runs a command whose standard error is a terminal, and its input
// and output the file; it returns what was shown.
func onTerminal(t *testing.T, file *os.File, args ...string) string {
	t.Helper()
	terminal, shown := progresstest.Terminal(t)
	con := console{t.Context(), func(string) string { return "" }, file, &bytes.Buffer{}, terminal}
	if file != nil {
		con.stdout = file
	}
	code := runCommand(commands[args[0]], args[1:], con)
	text := shown()
	require.Zero(t, code, text)
	require.Regexp(t, "\r\x1b\\[K$", text)
	return text
}
