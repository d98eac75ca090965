package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// does runs a command, and returns what it wrote.
func does(t *testing.T, code int, in string, args ...string) (out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	env := map[string]string{envServerKey: devServerKey}
	con := console{t.Context(), func(name string) string { return env[name] }, strings.NewReader(in), &o, &e}
	got := runCommand(commands[args[0]], args[1:], con)
	require.Equal(t, code, got, e.String())
	return o.String(), e.String()
}

// contents is what an export holds, without the epoch and what is made of it.
func contents(t *testing.T, export string) (all []string) {
	for _, line := range strings.Split(strings.TrimSpace(export), "\n") {
		var page map[string]json.RawMessage
		require.NoError(t, json.Unmarshal([]byte(line), &page))
		for _, part := range []string{"seq", "lastTime", "floor", "digest", "clients", "receipts", "revokes", "records"} {
			all = append(all, string(page[part]))
		}
	}
	return all
}

// TestMoveAnAccount takes the demo's alice from a server that runs, through a
// database that no server has open, to another server.
func TestMoveAnAccount(t *testing.T) {
	from, to, dir := start(t, t.TempDir()), start(t, t.TempDir()), t.TempDir()
	does(t, 0, "", "seed", "-url", from.address)
	does(t, 0, "", "seed", "-url", from.address) // once more changes nothing
	export, _ := does(t, 0, "", "export", "-account", "alice", "-url", from.address)
	does(t, 0, export, "import", "-data", dir)
	markup, _ := does(t, 0, "", "export", "-account", "bob", "-url", from.address)
	require.Contains(t, markup, "<script>")
	does(t, 0, markup, "import", "-data", dir)
	copied, _ := does(t, 0, "", "export", "-account", "bob", "-data", dir)
	require.Equal(t, contents(t, markup), contents(t, copied), "to the last byte")
	offline, _ := does(t, 0, "", "export", "-account", "alice", "-data", dir)
	require.Equal(t, contents(t, export), contents(t, offline))
	does(t, 0, strings.TrimSpace(offline), "import", "-url", to.address)
	require.Equal(t, from.list(t, "alice"), to.list(t, "alice"))

	_, errs := does(t, 1, offline, "import", "-url", to.address)
	require.Contains(t, errs, "import: line 1: importAccount: 409 account: \"alice\" holds sessions")
	does(t, 0, offline, "import", "-url", to.address, "-replace")
	require.Equal(t, from.list(t, "alice"), to.list(t, "alice"))
	from.end(t)
	to.end(t)
}

func TestCommandsThatFail(t *testing.T) {
	p := start(t, t.TempDir())
	big := strings.Repeat("x", 100<<10)
	for i := range 8 {
		require.NoError(t, p.client(t).call("sendMessage", devServerKey, object{"from": "bob" + string(rune('0'+i)), "to": "alice", "sessionType": "p2p",
			"message": object{"content": big}}, nil))
	}
	export, _ := does(t, 0, "", "export", "-account", "alice", "-url", p.address)
	lines := strings.SplitAfter(export, "\n")
	require.Greater(t, len(lines), 2, "more than one page")
	for _, c := range []struct {
		code int
		in   string
		args string
		text string
	}{
		{2, "", "export -url " + p.address, "-account: is missing"},
		{2, "", "export -account alice more", `"more" is not a flag`},
		{2, "", "export -nonsense", "nonsense"},
		{2, "", "import -url " + p.address + " -key=", "-key: is missing"},
		{1, "", "export -account nobody -url " + p.address, "404"},
		{1, "", "export -account alice -url http://127.0.0.1:1", "refused"},
		{1, "", "export -account alice -url " + p.address + " -key wrong", "302"},
		{1, "", "export -account alice -data " + filepath.Join(t.TempDir(), "none"), "none"},
		{1, "", "import -url " + p.address, "there is no page"},
		{1, "nonsense\n", "import -url " + p.address, "line 1: is no page of an export"},
		{1, lines[0], "import -replace -url " + p.address, "the last page is missing after line 1"},
		{1, lines[1], "import -replace -url " + p.address, "line 1: importAccount: 409"},
	} {
		_, errs := does(t, c.code, c.in, strings.Fields(c.args)...)
		require.Contains(t, errs, c.text, c.args)
	}
	does(t, 0, export, "import", "-replace", "-url", p.address)
	p.end(t)
	_, errs := does(t, 0, "", "import", "-h")
	require.Contains(t, errs, "forget what the account holds")
}

// broken is a place that takes no bytes.
type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, os.ErrClosed }

func TestExportThatCannotBeWritten(t *testing.T) {
	p := start(t, t.TempDir(), "-seed")
	args := []string{"-account", "alice", "-url", p.address, "-key", devServerKey}
	con := console{t.Context(), func(string) string { return "" }, nil, broken{}, io.Discard}
	require.Equal(t, 1, runCommand(commands["export"], args, con))
	p.end(t)
}
