package main

import (
	"bytes"
	"fmt"
	"strings"
)

// table is the faults with what the tests said of them.
type table struct {
	faults  []fault
	of      map[string][]result
	context string
}

func newTable(faults []fault, results []result, context string) *table {
	t := &table{faults: faults, of: map[string][]result{}, context: context}
	for _, r := range results {
		t.of[r.id] = append(t.of[r.id], r)
	}
	return t
}

// why says what is wrong with a fault's tests, ” when they hold it.
func (t *table) why(id string) string {
	held := false
	for _, r := range t.of[id] {
		if r.outcome == failed {
			return fmt.Sprintf("%s fails (%s)", r.test, r.file)
		}
		held = held || r.outcome == passed
	}
	switch {
	case held:
		return ""
	case len(t.of[id]) > 0:
		return "its test was left out of this run"
	}
	return "not held by a test yet"
}

// missing returns a line for each fault that must be held and is not, and for
// each id that a test names and the catalogue does not.
func (t *table) missing() []string {
	var lines []string
	known := map[string]bool{}
	for _, f := range t.faults {
		known[f.id] = true
		if why := t.why(f.id); why != "" && (f.required || strings.Contains(why, " fails (")) {
			lines = append(lines, fmt.Sprintf("%s, %s: %s", f.id, f.what, why))
		}
	}
	for id, results := range t.of {
		if !known[id] {
			lines = append(lines, fmt.Sprintf("%s is not in faults.tsv (%s)", id, results[0].test))
		}
	}
	return lines
}

func (t *table) summary() string {
	held := 0
	for _, f := range t.faults {
		if t.why(f.id) == "" {
			held++
		}
	}
	return fmt.Sprintf("%d of %d faults are held by a test", held, len(t.faults))
}

const preface = `# What goes wrong, and what must hold then

Each fault below is provoked for real: in Chromium against the server, on the edge runtime, or in a Go test. This file is
made by ` + "`./build.sh reliability`" + ` from the tests of one run and from nothing else: "measured" is what the test said in
that run. Times are of the page's own clock where the test sets it. %s.

%s.
`

func (t *table) markdown() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, preface, "The run was on "+t.context, strings.ToUpper(t.summary()[:1])+t.summary()[1:])
	for _, family := range families {
		fmt.Fprintf(&b, "\n## %s\n\n| | fault | what must hold | test | measured in this run |\n| --- | --- | --- | --- | --- |\n", family.title)
		for _, f := range t.faults {
			if strings.HasPrefix(f.id, family.letter) && t.why(f.id) == "" {
				t.row(&b, f)
			}
		}
	}
	t.notHeld(&b)
	return b.Bytes()
}

// row writes a fault with all that passed for it; a test that measured nothing
// only counts.
func (t *table) row(b *bytes.Buffer, f fault) {
	var tests, measured []string
	for _, r := range t.of[f.id] {
		if r.outcome != passed {
			continue
		}
		tests = append(tests, fmt.Sprintf("%s (`%s`)", cell(r.test), r.file))
		for _, m := range r.measured {
			measured = append(measured, cell(m))
		}
	}
	fmt.Fprintf(b, "| %s | %s | %s | %s | %s |\n", f.id, cell(f.what), cell(f.holds), strings.Join(tests, "<br>"), strings.Join(measured, "<br>"))
}

func (t *table) notHeld(b *bytes.Buffer) {
	first := true
	for _, f := range t.faults {
		why := t.why(f.id)
		if why == "" {
			continue
		}
		if first {
			b.WriteString("\n## Not held by a test yet\n\n")
		}
		first = false
		fmt.Fprintf(b, "- %s, %s: %s\n", f.id, f.what, why)
	}
}

var cells = strings.NewReplacer("|", `\|`, "<", "&lt;", ">", "&gt;", "\n", " ")

// cell returns a text as one cell of a Markdown table.
func cell(text string) string { return cells.Replace(text) }
