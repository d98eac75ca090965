package main

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"recents/core"
)

// execute runs recentsd with arguments, and returns its exit code and what it
// printed.
func execute(t *testing.T, env map[string]string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), args, func(name string) string { return env[name] }, &out, &errs)
	return code, out.String(), errs.String()
}

// TestS6BackupAndRestore: a backup of a server that runs, put back after more
// was written, is served with another epoch: a reader that had seen more starts
// over, and one write made since the backup is gone, as it was asked for.
func TestS6BackupAndRestore(t *testing.T) {
	dir, file := t.TempDir(), filepath.Join(t.TempDir(), "backup.db")
	p := start(t, dir)
	bob, err := p.client(t).token("bob")
	require.NoError(t, err)
	write := func(id string) error {
		return p.client(t).call("updateMySession", bob, object{"sessionId": id, "sessionType": "p2p", "ext": "x"}, nil)
	}
	snapshot := func() (c core.Cursor) {
		var page struct {
			Epoch string
			AsOf  int64
		}
		require.NoError(t, p.client(t).call("snapshot", bob, object{}, &page))
		return core.Cursor{Epoch: page.Epoch, Seq: page.AsOf}
	}
	require.NoError(t, write("before"))
	code, _, errs := execute(t, nil, "backup", "-data", dir, file)
	require.Zero(t, code, errs)
	require.NoError(t, write("after"))
	seen := snapshot()

	code, _, errs = execute(t, nil, "restore", "-data", dir, "-force", file)
	require.Equal(t, 1, code)
	require.Contains(t, errs, "is open in another process", "not under a server")
	p.end(t)
	code, _, errs = execute(t, nil, "restore", "-data", dir, file)
	require.Equal(t, 1, code)
	require.Contains(t, errs, "is there already", "not without -force")
	code, _, errs = execute(t, nil, "restore", "-data", dir, "-force", file)
	require.Zero(t, code, errs)

	p = start(t, dir)
	require.Len(t, p.list(t, "bob").SessionList, 1)
	require.NotEqual(t, seen.Epoch, snapshot().Epoch)
	var page struct{ Reason string }
	require.NoError(t, p.client(t).call("sync", bob, object{"epoch": seen.Epoch, "cursor": seen.Seq}, &page))
	require.Equal(t, core.ResetEpoch, page.Reason)
	require.NoError(t, write("again"))
	p.end(t)
	require.FileExists(t, filepath.Join(dir, "recents.db.replaced"))
	t.Attr("S6", "recentsd restore: reset: epoch at once, whatever the reader had seen")
}

// TestTokenCommand: the token that it prints opens the server, for as long as
// was asked, and nothing is printed for what is refused.
func TestTokenCommand(t *testing.T) {
	dir := t.TempDir()
	p := start(t, dir)
	code, out, errs := execute(t, nil, "token", "-dev", "-data", dir, "-account", "alice", "-ttl", "1h")
	require.Zero(t, code, errs)
	require.NoError(t, p.client(t).call("queryMySessionList", strings.TrimSpace(out), object{}, nil))
	p.end(t)

	for _, c := range []struct {
		args string
		env  map[string]string
		code int
		text string
	}{
		{"-account alice", map[string]string{envSecret: long}, 0, ""},
		{"-account alice", nil, 1, envSecret + " is not set"},
		{"-account alice", map[string]string{envSecret: "short"}, 1, "5 bytes is under 32"},
		{"", map[string]string{envSecret: long}, 2, "-account"},
		{"-account a/b", map[string]string{envSecret: long}, 2, "-account"},
		{"-account alice -ttl 0", map[string]string{envSecret: long}, 2, "-ttl: 0s is under 1s"},
		{"-account alice -ttl 8761h", map[string]string{envSecret: long}, 2, "-ttl: 8761h0m0s is over 8760h0m0s"},
		{"-account alice more", map[string]string{envSecret: long}, 2, `"more" is not a flag`},
		{"-nonsense", nil, 2, "nonsense"},
	} {
		code, out, errs := execute(t, c.env, append([]string{"token"}, strings.Fields(c.args)...)...)
		require.Equal(t, c.code, code, "%s: %s", c.args, errs)
		require.Contains(t, errs, c.text, c.args)
		require.Equal(t, c.code == 0, strings.Count(out, ".") == 2, c.args)
		require.NotContains(t, errs, long)
	}
}

func TestCommandLinesOfBackups(t *testing.T) {
	for _, name := range []string{"backup", "restore"} {
		for _, args := range [][]string{{name}, {name, "a", "b"}, {name, "-nonsense", "a"}} {
			code, _, errs := execute(t, nil, args...)
			require.Equal(t, 2, code, "%v", args)
			require.NotEmpty(t, errs)
		}
		code, _, errs := execute(t, nil, name, "-h")
		require.Zero(t, code)
		require.Contains(t, errs, "-data")
		code, _, errs = execute(t, nil, name, "-data", t.TempDir(), filepath.Join(t.TempDir(), "none.db"))
		require.Equal(t, 1, code)
		require.Contains(t, errs, "no such file")
	}
	code, _, errs := execute(t, nil, "-h")
	require.Zero(t, code)
	for name := range commands {
		require.Contains(t, errs, fmt.Sprint("recentsd ", name))
	}
}
