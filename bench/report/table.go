package report

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

// Table returns the lines as text in columns, a missed bound marked at its end.
func Table(lines []Line) []byte {
	var text bytes.Buffer
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "measure\tsize\tours\tpeers\tratio\tbound\t")
	for i := range lines {
		l := &lines[i]
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n",
			l.Measure, l.Size, withUnit(l.Ours, l.Unit), l.peers(), l.ratio(), l.bound(), l.verdict())
	}
	_ = w.Flush() // into memory
	return text.Bytes()
}

func (l *Line) peers() string {
	var list []string
	for _, peer := range slices.Sorted(maps.Keys(l.Peers)) {
		list = append(list, peer+" "+short(l.Peers[peer]))
	}
	return strings.Join(list, ", ")
}

// ratio says how the line compares: "0.31× Dexie".
func (l *Line) ratio() string {
	if l.Against == "" {
		return ""
	}
	return short(l.Ratio) + "× " + l.Against
}

func (l *Line) bound() string {
	switch {
	case l.Bound == 0:
		return ""
	case l.Against == "":
		return l.sign() + " " + withUnit(l.Bound, l.Unit)
	}
	return l.sign() + " " + short(l.Bound) + "×"
}

func (l *Line) sign() string {
	if l.AtLeast {
		return "≥"
	}
	return "≤"
}

func (l *Line) verdict() string {
	switch {
	case l.Bound == 0:
		return ""
	case l.OK:
		return "kept"
	}
	return "missed"
}

func withUnit(v float64, unit string) string {
	if strings.HasPrefix(unit, "/") { // 12,000/s
		return short(v) + unit
	}
	return short(v) + " " + unit
}

// short writes a number with three digits that count, and thousands apart.
func short(v float64) string {
	decimals := 0
	for limit := 100.0; v > 0 && v < limit && decimals < 4; limit /= 10 {
		decimals++
	}
	text := strconv.FormatFloat(v, 'f', decimals, 64)
	if decimals > 0 {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	whole, fraction, _ := strings.Cut(text, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if fraction != "" {
		return whole + "." + fraction
	}
	return whole
}
