package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func write(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
	return file
}

func TestCatalogueIsWhole(t *testing.T) {
	faults, err := readCatalogue("faults.tsv")
	require.NoError(t, err)
	count := map[string]int{}
	for _, f := range faults {
		count[f.id[:1]]++
	}
	assert.Equal(t, map[string]int{"N": 14, "D": 16, "T": 13, "C": 3, "S": 20, "A": 10}, count)
}

func TestCatalogueThatIsNotOneIsRefused(t *testing.T) {
	const head = "id\trequired\tfault\tmust hold\n"
	for name, lines := range map[string]string{
		"an id of no family":  "X1\tyes\ta\tb\n",
		"the same id twice":   "N1\tyes\ta\tb\nN1\tyes\ta\tb\n",
		"neither yes nor no":  "N1\tmaybe\ta\tb\n",
		"a column is missing": "N1\tyes\ta\n",
	} {
		_, err := readCatalogue(write(t, "faults.tsv", head+lines))
		assert.ErrorContains(t, err, "faults.tsv:", name)
	}
}

func TestGoTestsThatNameAFaultAreFound(t *testing.T) {
	root := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(root, "server"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(root, "server", "a_test.go"), []byte(`package server
func TestS7ACursorBelowTheFloor(t *testing.T) {}
func TestTable(t *testing.T) { t.Run("S11 a revoke", nil) }
func TestAttr(t *testing.T) { t.Attr("N5", "x") }
func TestSHA256(t *testing.T) { f("S3x", "see S3") }
func TestS3cret(t *testing.T) {}
func helperS8(t *testing.T) { t.Attr("S8", "x") }
`), 0o644))
	tests, err := findTests(root)
	require.NoError(t, err)
	var out strings.Builder
	printTests(&out, tests)
	assert.Equal(t, "recents/server\t^(TestS7ACursorBelowTheFloor|TestTable|TestAttr)$\n", out.String())
}

const goLog = `{"Action":"run","Package":"recents/server","Test":"TestS7Floor"}
{"Action":"attr","Package":"recents/server","Test":"TestS7Floor","Key":"S7","Value":"0 zombies"}
{"Action":"attr","Package":"recents/server","Test":"TestS7Floor","Key":"other","Value":"x"}
{"Action":"pass","Package":"recents/server","Test":"TestS7Floor"}
{"Action":"run","Package":"recents/server","Test":"TestTable"}
{"Action":"run","Package":"recents/server","Test":"TestTable/S11_a_revoke"}
{"Action":"fail","Package":"recents/server","Test":"TestTable/S11_a_revoke"}
{"Action":"fail","Package":"recents/server","Test":"TestTable"}
{"Action":"run","Package":"recents/server","Test":"TestS2Kill"}
{"Action":"skip","Package":"recents/server","Test":"TestS2Kill"}
{"Action":"fail","Package":"recents/server"}
`

func TestGoLogIsReadByNameSubtestAndAttribute(t *testing.T) {
	tests := []goTest{{pkg: "recents/server", file: "server/a_test.go", name: "TestS7Floor"}, {pkg: "recents/server", file: "server/b_test.go", name: "TestTable"}}
	results, err := readGoLog(write(t, "go.json", goLog), tests)
	require.NoError(t, err)
	assert.Equal(t, []result{
		{id: "S7", file: "server/a_test.go", test: "TestS7Floor", measured: []string{"0 zombies"}},
		{id: "S11", file: "server/b_test.go", test: "TestTable/S11_a_revoke", outcome: failed},
		{id: "S2", test: "TestS2Kill", outcome: skipped},
	}, results)
}

const playwrightRun = `{"suites":[{"title":"tabs.spec.ts","file":"tabs.spec.ts","specs":[
  {"title":"T1 a leader goes","file":"tabs.spec.ts","ok":true,"tests":[{"status":"expected","annotations":[{"type":"measured:T1","description":"after 15 ms"},{"type":"slow"}]}]},
  {"title":"Tabs of no fault","file":"tabs.spec.ts","ok":true,"tests":[]}],
 "suites":[{"title":"D10 no storage,","file":"tabs.spec.ts","specs":[{"title":"throws","file":"tabs.spec.ts","ok":false,"tests":[{"status":"unexpected"}]}]}]}]}`

func TestPlaywrightIsReadByTitleDescribeAndAnnotation(t *testing.T) {
	results, err := readPlaywright(write(t, "p.json", playwrightRun))
	require.NoError(t, err)
	assert.Equal(t, []result{
		{id: "T1", file: "e2e/tabs.spec.ts", test: "T1 a leader goes", measured: []string{"after 15 ms"}},
		{id: "D10", file: "e2e/tabs.spec.ts", test: "D10 no storage, throws", outcome: failed},
	}, results)
}

func TestTableFailsOnWhatMustBeHeldAndIsNot(t *testing.T) {
	faults := []fault{
		{id: "N1", required: true, what: "held"}, {id: "N2", required: true, what: "untested"}, {id: "N3", what: "may be untested"},
		{id: "N4", what: "may not fail"}, {id: "N5", required: true, what: "left out"},
		{id: "N6", required: true, what: "one of two fails"},
	}
	tab := newTable(faults, []result{
		{id: "N1", file: "a", test: "x | y", measured: []string{"5 ms"}}, {id: "N4", test: "y", outcome: failed}, {id: "N5", test: "z", outcome: skipped},
		{id: "N6", test: "good"}, {id: "N6", test: "bad", outcome: failed}, {id: "N9", test: "stray"},
	}, "this")
	assert.Equal(t, []string{
		"N2, untested: not held by a test yet", "N4, may not fail: y fails ()", "N5, left out: its test was left out of this run",
		"N6, one of two fails: bad fails ()", "N9 is not in faults.tsv (stray)",
	}, tab.missing())
	page := string(tab.markdown())
	assert.Contains(t, page, `| N1 | held |  | x \| y (`+"`a`"+`) | 5 ms |`)
	assert.Contains(t, page, "- N3, may be untested: not held by a test yet\n")
	assert.Contains(t, page, "1 of 6 faults are held by a test")
}

func TestNothingIsWrongWhenAllIsHeld(t *testing.T) {
	tab := newTable([]fault{{id: "N1", required: true}}, []result{{id: "N1"}}, "this")
	assert.Empty(t, tab.missing())
	assert.NotContains(t, string(tab.markdown()), "Not held")
}
