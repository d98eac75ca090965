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
	and      []edit // further pieces of the same file
}

type edit struct{ old, new string }

var bugs = []bug{
	{"R1: apply a frame if it is not older", "replica/apply.go",
		"f.Epoch == r.cursor.Epoch && f.From == r.cursor.Seq:", "f.Epoch == r.cursor.Epoch && f.To > r.cursor.Seq:", nil},
	{"R1: a part of a frame moves the cursor to the frame's end", "replica/apply.go",
		"part.To = part.Rows[n-1].Seq", "part.To = part.Head", nil},
	{"send again under new numbers", "replica/write.go",
		"r.startTimer(timerWrite, r.backoff(batch[0].tries, after))", "for _, w := range batch { w.number(r.box.known + 1); r.box.known = w.last() }; r.startTimer(timerWrite, r.backoff(batch[0].tries, after))", nil},
	{"ask for the changes before the last page of the snapshot", "replica/bootstrap.go",
		"b.nextMax, b.listed = page.NextMax, !page.More", "b.nextMax, b.listed = page.NextMax, true", nil},
	{"a page that came ahead takes the place of the one that is read", "replica/bootstrap.go",
		"if b.below = page; b.page == nil {", "if b.below = page; true {",
		[]edit{{"|| b.asked != b.nextMax {", "{"}}},
	{"keep the last page's asOf instead of the first's", "replica/bootstrap.go",
		`if b.cursor.Epoch == "" {`, "if true {", nil},
	{"store without comparing", "sim/disk.go",
		"if op.fenced || !same(b.Expect, d.meta) {", "if op.fenced || d.meta == nil && b.Expect != nil {", nil},
	{"the cursor is stored before its rows", "replica/persist.go",
		"b.Journal = encodeChunk(rows)", "b.Journal = encodeChunk(rows[:len(rows)-1])", nil},
	{"no event for what a resume brings", "replica/fetch.go",
		"r.apply(page.Rows, page.Next, page.LastMid, !page.More)\n", "r.apply(page.Rows, page.Next, page.LastMid, !page.More); r.changes = changes{}\n", nil},
	{"a redelivery is not ignored on a tombstone", "account/message.go",
		"existed && m.Order <= was.MsgOrder", "existed && was.State == Live && m.Order <= was.MsgOrder", nil},
	{"two messages of a millisecond share an update time", "account/account.go",
		"a.meta.LastTime = max(a.env.Now, a.meta.LastTime+1)", "a.meta.LastTime = max(a.env.Now, a.meta.LastTime)", nil},
	{"the floor does not rise with a collected tombstone", "account/sync.go",
		"a.meta.Floor = max(a.meta.Floor, r.Seq)", "_ = r.Seq", nil},
	{"a mutation is applied again", "account/sync.go",
		"if !res.Again {\n\t\t\tif", "if true {\n\t\t\tif", nil},
	{"what a number was taken as is not told again", "account/sync.go",
		"res.Outcome = was.outcome(m.Mid)", "", nil},
	{"a gap in the numbers is let pass", "account/sync.go",
		"if m.Mid > c.LastMid+1 {", "if m.Mid > c.LastMid+1 { p.Results = append(p.Results, core.MutationResult{Mid: m.Mid, Code: core.CodeOK}); continue }; if false {", nil},
	{"R1: apply a pull that was answered from another cursor", "replica/fetch.go",
		"case r.cursor == asked.Cursor:", "case true:", nil},
	{"R2: put a row whose seq is not higher", "replica/apply.go",
		"if old != nil && old.seq >= row.Seq {", "if false {", nil},
	{"R4: forget a write once it is acknowledged", "replica/write.go",
		"(w.acked && atEnd && r.cursor.Seq >= w.seq || w.last() <= r.landed) {", "(w.acked && (atEnd || true) || w.last() <= r.landed) {", nil},
	{"R4: forget a write with the first of several pages", "replica/apply.go",
		"if whole {", "if true {", nil},
	{"show the shadow in the place of the old list", "replica/call.go",
		"case r.known:\n\t\treturn r.base, r.lowest", "case r.known && (r.boot == nil || r.boot.shadow.len() == 0):\n\t\treturn r.base, r.lowest", nil},
	{"the tombstone of an unknown row is not stored", "replica/apply.go",
		"r.store.changed(e)\n\t\tif old != nil {", "if old != nil {\n\t\t\tr.store.changed(newEntry(row))", nil},
	{"a follower stores", "replica/persist.go",
		"s.waiting = false\n\tif !r.leads || !s.on", "s.waiting = false\n\tif !s.on",
		[]edit{{"s := &r.store\n\tif !r.leads || !s.on", "s := &r.store\n\tif !s.on"}}},
	{"a leader that was replaced stores", "sim/disk.go",
		"op.fenced = d.leader != nil && d.leader.term > t.term", "op.fenced = false", nil},
	{"a follower takes no notice of a new generation", "sim/disk.go",
		"if k.Epoch != d.meta.Epoch || k.Generation != d.meta.Generation {", "if k.Epoch != d.meta.Epoch {", nil},
	{"a follower is told of its own writes", "replica/tabs.go",
		"lastMid := r.landedIn(g.outbox)", "lastMid := int64(0)", nil},
	{"a tab goes on writing to what another one wipes", "sim/device.go",
		`o.later("version change", o.letGo)`, `o.later("version change", func() {})`, nil},
	{"a follower steps back to what is stored", "replica/tabs.go",
		"case r.known && r.isPast(m) && !r.wentBack(m):", "case false:", nil},
	{"nobody tells of what cannot be read", "replica/tabs.go",
		"case g.spoiled, m == nil && s.doubted:\n\t\tr.tellDamage()\n", "case g.spoiled:\n", nil},
	{"a waiting write hides for ever what came after it", "replica/write.go",
		"r.noteLanded(w)\n\t\t}", "}", nil},
}

// ciSchedules is how many schedules each test run has: every bug must be caught
// within them.
const ciSchedules = "10000"

// TestEachSeededBugIsCaught compiles the simulator with each bug in turn, and
// prints in how many schedules it was caught.
func TestEachSeededBugIsCaught(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: compiles the simulator once for each bug, a minute or two; ./build.sh test runs it, without -short")
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
	text := string(source)
	for _, e := range append([]edit{{b.old, b.new}}, b.and...) {
		require.Equal(t, 1, strings.Count(text, e.old), "%q in %s", e.old, b.file)
		text = strings.Replace(text, e.old, e.new, 1)
	}
	dir := t.TempDir()
	changed := filepath.Join(dir, "changed.go")
	require.NoError(t, os.WriteFile(changed, []byte(text), 0o600))
	list, err := json.Marshal(map[string]any{"Replace": map[string]string{path: changed}})
	require.NoError(t, err)
	overlay := filepath.Join(dir, "overlay.json")
	require.NoError(t, os.WriteFile(overlay, list, 0o600))
	return overlay
}
