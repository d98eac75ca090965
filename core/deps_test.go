//go:build !js

package core_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A rule says what a package must not import, and why.
type rule struct {
	pkg    string
	js     bool // as GOOS=js GOARCH=wasm sees it
	direct bool // its own imports; else all that is linked with it
	banned map[string]string
}

const (
	size    = "costs the browser more than it may weigh (architecture.md, decisions)"
	pure    = "the rules have no I/O and no clock: both come in from outside"
	sibling = "siblings know the core and not each other; only mains wire them"
	shared  = "the edge worker shares it"
)

var browser = map[string]string{
	"fmt": size, "encoding/json": size, "reflect": size, "time": size, "context": size,
	"net/http": size, "runtime/debug": size, "github.com/tidwall/gjson": size,
	"recents/core/account": sibling, "recents/server": sibling,
}

var rules = []rule{
	{pkg: "recents/core", banned: ban(pure, "os", "time", "syscall", "context").and(browser)},
	{pkg: "recents/core/replica", banned: ban(pure, "os", "time", "syscall", "math/rand", "math/rand/v2").and(browser)},
	{pkg: "recents/wasm/browser", js: true, banned: browser},
	{pkg: "recents/core/account", direct: true, banned: ban(pure, "os", "time", "net", "net/http", "math/rand", "math/rand/v2", "crypto/rand").
		and(ban(size, "fmt", "encoding/json", "reflect"))},
	{pkg: "recents/core/account", banned: ban(sibling, "recents/core/replica", "recents/server")},
	{pkg: "recents/server", banned: ban(sibling, "recents/core/replica", "recents/server/sqlstore", "recents/server/sqlite").
		and(ban(shared, "database/sql", "modernc.org/sqlite", "github.com/prometheus/client_golang/prometheus"))},
	{pkg: "recents/server", js: true, banned: ban(shared, "github.com/coder/websocket")},
	{pkg: "recents/wasm/edge", js: true, banned: ban(sibling, "recents/core/replica", "recents/server/sqlite").
		and(ban(shared, "database/sql", "github.com/coder/websocket"))},
	{pkg: "recents/server/sqlstore", banned: ban(sibling, "recents/core/replica", "recents/server", "recents/server/sqlite").
		and(ban(shared, "database/sql", "modernc.org/sqlite", "net/http"))},
	{pkg: "recents/server/nim", banned: ban(sibling, "recents/core/account", "recents/core/replica", "recents/server", "recents/server/sqlite")},
	{pkg: "recents/server/sqlite", banned: ban(sibling, "recents/core/replica", "recents/server")},
}

type bans map[string]string

func ban(reason string, pkgs ...string) bans {
	b := bans{}
	for _, p := range pkgs {
		b[p] = reason
	}
	return b
}

func (b bans) and(more map[string]string) bans {
	for p, reason := range more {
		b[p] = reason
	}
	return b
}

func TestDependencyRule(t *testing.T) {
	for _, r := range rules {
		for _, broken := range r.broken(r.imports(t)) {
			t.Error(broken)
		}
	}
}

// broken returns a text for each import that the rule bans.
func (r rule) broken(imports []string) (texts []string) {
	for _, p := range imports {
		if reason, ok := r.banned[p]; ok {
			texts = append(texts, r.pkg+" imports "+p+": "+reason)
		}
	}
	return texts
}

// imports asks the go command, which is right about build constraints too.
func (r rule) imports(t *testing.T) []string {
	t.Helper()
	args := []string{"list", "-deps", r.pkg}
	if r.direct {
		args = []string{"list", "-f", `{{join .Imports "\n"}}`, r.pkg}
	}
	return goList(t, r.js, args...)
}

func goList(t *testing.T, js bool, args ...string) []string {
	t.Helper()
	cmd := exec.Command("go", args...)
	cmd.Env = os.Environ()
	if js {
		cmd.Env = append(cmd.Env, "GOOS=js", "GOARCH=wasm")
	}
	var problems strings.Builder
	cmd.Stderr = &problems
	out, err := cmd.Output()
	require.NoError(t, err, "go %s: %s", strings.Join(args, " "), &problems)
	return strings.Fields(string(out))
}

// A rule that names a package which is not there would hold for ever.
func TestRulesNamePackagesThatExist(t *testing.T) {
	var names []string
	for _, r := range rules {
		require.NotEmpty(t, r.banned, r.pkg)
		for p := range r.banned {
			names = append(names, p)
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	assert.Len(t, goList(t, false, append([]string{"list"}, names...)...), len(names))
}

func TestABrokenRuleIsSeen(t *testing.T) {
	r := rule{pkg: "recents/core", banned: ban(size, "strconv")}
	assert.Equal(t, []string{"recents/core imports strconv: " + size}, r.broken(r.imports(t)))

	r = rule{pkg: "recents/core/account", direct: true, banned: ban(size, "encoding/json", "github.com/tidwall/gjson")}
	assert.Equal(t, []string{"recents/core/account imports github.com/tidwall/gjson: " + size}, r.broken(r.imports(t)),
		"gjson itself imports encoding/json, which a direct rule does not mind")
}

// What wires a server to a storage is a main.
func TestOnlyMainsWire(t *testing.T) {
	for _, line := range goList(t, false, "list", "-f", `{{.Name}}={{.ImportPath}}={{join .Imports ","}}`, "recents/...") {
		parts := strings.SplitN(line, "=", 3)
		imports := strings.Split(parts[2], ",")
		if slices.Contains(imports, "recents/server") && slices.Contains(imports, "recents/server/sqlite") {
			assert.Equal(t, "main", parts[0], "%s wires server and storage", parts[1])
		}
	}
}

var tsImport = regexp.MustCompile(`(?m)(?:^import\s+|^(?:import|export)\s+[^'"()=]*\sfrom\s+|\bimport\()['"]([^'"]+)['"]`)

// The demo is a user of the package like any other: it takes nothing of js/ but
// the public names; and the package knows nothing of the demo.
func TestTypeScriptDependencyRule(t *testing.T) {
	for dir, allowed := range map[string]*regexp.Regexp{
		"web/src": regexp.MustCompile(`^(\./[a-z.-]+|recents|/sdk/index\.js|node:(test|assert|assert/strict))$`),
		"js/src":  regexp.MustCompile(`^(\./[a-z.-]+|wasm_exec|node:[a-z/]+|react)$`), // react: for recents/react alone
	} {
		files, err := filepath.Glob(filepath.Join("..", dir, "*.ts"))
		require.NoError(t, err)
		require.NotEmpty(t, files, dir)
		for _, f := range files {
			text, err := os.ReadFile(f)
			require.NoError(t, err)
			for _, m := range tsImport.FindAllStringSubmatch(string(text), -1) {
				assert.Regexp(t, allowed, m[1], "%s imports it", f)
			}
		}
	}
}

// The version stands in one file; what else names it is written by the build.
func TestVersionStandsOnce(t *testing.T) {
	b, err := os.ReadFile("../version.txt")
	require.NoError(t, err)
	version := strings.TrimSpace(string(b))
	assert.Regexp(t, `^\d+\.\d+\.\d+$`, version)

	changes, err := os.ReadFile("../CHANGELOG.md")
	require.NoError(t, err)
	newest := regexp.MustCompile(`(?m)^## (\S+)`).FindStringSubmatch(string(changes))
	require.NotNil(t, newest)
	assert.Equal(t, version, newest[1], "the newest entry of CHANGELOG.md")

	var pkg struct{ Version string }
	b, err = os.ReadFile("../js/package.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, &pkg))
	assert.Equal(t, "0.0.0", pkg.Version, "the build puts version.txt's there")
}
