package report

import (
	"bytes"
	"fmt"
	"strings"
)

// Part is one benchmark's lines, as the page shows them.
type Part struct {
	Name  string // of its files: "boot"
	Title string
	About string // what is measured, and how
	Lines []Line
}

// Page returns docs/performance.md: of comparisons the ratios alone, since the
// values are those of one machine, which is named.
func Page(machine string, parts []Part) []byte {
	var md bytes.Buffer
	kept, bounds := 0, 0
	for _, p := range parts {
		for _, l := range p.Lines {
			if l.Bound != 0 {
				bounds++
				if l.OK {
					kept++
				}
			}
		}
	}
	fmt.Fprintf(&md, `# Performance

Made by `+"`./build.sh bench`"+`, which measures the product and its peers side by side: in rounds, turn by turn, at least %d that
count, and the median of the rounds' ratios. Only ratios are quoted: the values are those of one machine
(%s). A budget is a size or a time that the product must keep on its own. Peers are pinned in
`+"`bench/package.json` and the go.mod files below `bench/`"+`.

%d of %d bounds are kept.
`, LeastRounds, machine, kept, bounds)
	for _, p := range parts {
		fmt.Fprintf(&md, "\n## %s\n\n%s\n\n![%s](bench/%s.svg)\n\n", p.Title, p.About, p.Title, p.Name)
		md.WriteString("| measure | size | beside | ratio | bound | |\n| --- | --- | --- | ---: | ---: | --- |\n")
		for i := range p.Lines {
			writeRow(&md, &p.Lines[i])
		}
		writeNotes(&md, p.Lines)
	}
	return md.Bytes()
}

func writeRow(md *bytes.Buffer, l *Line) {
	beside, value := l.Against, short(l.Ratio)+"×"
	if l.Against == "" {
		beside, value = "budget", withUnit(l.Ours, l.Unit)
		if l.Bound == 0 {
			beside = ""
		}
	}
	fmt.Fprintf(md, "| %s | %s | %s | %s | %s | %s |\n", cell(l.Measure), cell(l.Size), cell(beside), value, l.bound(), l.verdict())
}

// writeNotes lists what the lines say beside their figures, each text once.
func writeNotes(md *bytes.Buffer, lines []Line) {
	seen := map[string]bool{}
	for i := range lines {
		l := &lines[i]
		if l.Note == "" || seen[l.Measure+l.Note] {
			continue
		}
		if len(seen) == 0 {
			md.WriteString("\n")
		}
		seen[l.Measure+l.Note] = true
		fmt.Fprintf(md, "- %s: %s\n", l.Measure, l.Note)
	}
}

// cell keeps a text from ending a table's cell.
func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
