package sim_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// bug is one rule of the protocol taken out: a piece of the source that is
// replaced while the simulator is compiled. The product's source knows nothing
// of it.
type bug struct {
	name     string
	file     string // below core
	old, new string
}

var bugs = []bug{
	{"R1: apply a frame if it is not older", "replica/apply.go",
		"case f.Epoch == r.cursor.Epoch && f.From == r.cursor.Seq:", "case f.Epoch == r.cursor.Epoch && f.To > r.cursor.Seq:"},
	{"an acknowledgement of other numbers counts", "replica/fetch.go",
		"page.LastMid = 0 // it counts other numbers than those of now", "_ = page"},
	{"send again under new numbers", "replica/write.go",
		"r.startTimer(timerWrite, r.backoff(batch[0].tries, after))", "for _, w := range batch { w.number(r.box.known + 1); r.box.known = w.last() }; r.startTimer(timerWrite, r.backoff(batch[0].tries, after))"},
	{"ask for the changes before the last page of the snapshot", "replica/bootstrap.go",
		"b.nextMax, b.listed = page.NextMax, !page.More", "b.nextMax, b.listed = page.NextMax, true"},
	{"keep the last page's asOf instead of the first's", "replica/bootstrap.go",
		`if b.cursor.Epoch == "" {`, "if true {"},
	{"store without comparing", "sim/disk.go",
		"if !same(h.Expect, d.meta) {", "if d.meta == nil && h.Expect != nil {"},
	{"the cursor is stored before its rows", "replica/persist.go",
		"b.Journal = encodeChunk(rows)", "b.Journal = encodeChunk(rows[:len(rows)-1])"},
	{"no event for what a resume brings", "replica/fetch.go",
		"r.apply(page.Rows, page.Next, page.LastMid, !page.More)\n", "r.apply(page.Rows, page.Next, page.LastMid, !page.More); r.changes = changes{}\n"},
	{"a redelivery is not ignored on a tombstone", "account/message.go",
		"existed && m.Order <= was.MsgOrder", "existed && was.State == Live && m.Order <= was.MsgOrder"},
	{"two messages of a millisecond share an update time", "account/account.go",
		"a.meta.LastTime = max(a.env.Now, a.meta.LastTime+1)", "a.meta.LastTime = max(a.env.Now, a.meta.LastTime)"},
	{"the floor does not rise with a collected tombstone", "account/sync.go",
		"a.meta.Floor = max(a.meta.Floor, r.Seq)", "_ = r.Seq"},
	{"a mutation is applied again", "account/sync.go",
		"if m.Mid == last+1 {", "if m.Mid <= last+1 {"},
	{"a gap in the numbers is let pass", "account/sync.go",
		"if m.Mid > last+1 {", "if false {"},
}

// ciSchedules is how many schedules each test run has: every bug must be caught
// within them.
const ciSchedules = "10000"

// TestEachSeededBugIsCaught compiles the simulator with each bug in turn, and
// prints in how many schedules it was caught.
func TestEachSeededBugIsCaught(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles the simulator once for each bug")
	}
	caught := make([]string, len(bugs))
	for i, b := range bugs {
		t.Run(b.name, func(t *testing.T) {
			caught[i] = b.run(t)
		})
	}
	t.Logf("bug: schedules until caught, by what\n%s", strings.Join(caught, "\n"))
}

var (
	totals  = regexp.MustCompile(`(\d+) schedules, (\d+) violations, (\d+) heals`)
	finding = regexp.MustCompile(`seed \d+: ([^\n]{0,60})`)
)

func (b bug) run(t *testing.T) string {
	binary := filepath.Join(t.TempDir(), "simulate")
	build := exec.Command("go", "build", "-overlay", b.overlay(t), "-o", binary, "recents/core/sim/simulate")
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)
	out, err = exec.Command(binary, "-n", ciSchedules, "-first").CombinedOutput()
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit, "%s was not caught: %s", b.name, out)
	n, what := totals.FindSubmatch(out), finding.FindSubmatch(out)
	require.NotNil(t, n, "%s", out)
	if what == nil {
		what = [][]byte{nil, []byte("I11: the digest had to heal")}
	}
	return fmt.Sprintf("%-58s %6s  %s", b.name, n[1], what[1])
}

// overlay writes the changed file and the overlay that puts it in the place of
// the real one.
func (b bug) overlay(t *testing.T) string {
	path, err := filepath.Abs(filepath.Join("..", b.file))
	require.NoError(t, err)
	source, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, 1, strings.Count(string(source), b.old), "%q in %s", b.old, b.file)
	dir := t.TempDir()
	changed := filepath.Join(dir, "changed.go")
	require.NoError(t, os.WriteFile(changed, []byte(strings.Replace(string(source), b.old, b.new, 1)), 0o600))
	text, err := json.Marshal(map[string]any{"Replace": map[string]string{path: changed}})
	require.NoError(t, err)
	overlay := filepath.Join(dir, "overlay.json")
	require.NoError(t, os.WriteFile(overlay, text, 0o600))
	return overlay
}
