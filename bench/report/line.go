// Package report is what every benchmark ends in: lines that compare the
// product with its peers, their table, their plot and the page of them all.
//
// A benchmark measures in rounds, in each of which the product and every peer
// have a turn, so that what else the machine does falls on all alike. Their
// ratio is the median of the rounds' own ratios, never of two medians.
package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// LeastRounds is how many counted rounds a comparison takes.
const LeastRounds = 7

// Line is one measure beside one peer, or against a budget of its own.
type Line struct {
	Measure string             `json:"measure"`        // "list of 100"
	Size    string             `json:"size,omitempty"` // of what it is measured on: "10,000 sessions"
	Unit    string             `json:"unit"`           // of Ours and Peers: "ms", "/s"
	Ours    float64            `json:"ours"`           // the median of the rounds
	Peers   map[string]float64 `json:"peers,omitempty"`
	Against string             `json:"against"`           // the peer of Ratio; "" for a budget, whose Bound is in Unit
	Ratio   float64            `json:"ratio,omitempty"`   // ours to that peer
	Bound   float64            `json:"bound"`             // of Ratio, or of Ours for a budget; 0 where the line is for information
	AtLeast bool               `json:"atLeast,omitempty"` // the bound is a floor; else a ceiling
	OK      bool               `json:"ok"`
	Note    string             `json:"note,omitempty"` // what is included; for a missed bound, the reason that a profile gave
}

// Sample is a line before it is judged: each round's value, ours under Ours.
type Sample struct {
	Line
	Rounds map[string][]float64 `json:"rounds"`
}

// Ours is the key of the product's own rounds.
const Ours = "recents"

// Judge makes the line of what was measured. A comparison needs LeastRounds of
// both sides, turn by turn; a budget needs one value, and of several takes the
// median.
func (s Sample) Judge() (Line, error) {
	l := s.Line
	ours := s.Rounds[Ours]
	if len(ours) == 0 {
		return l, fmt.Errorf("%s: no round of %s", l.name(), Ours)
	}
	l.Ours = Median(ours)
	l.Peers = nil
	for peer, rounds := range s.Rounds {
		if peer == Ours || len(rounds) == 0 {
			continue
		}
		if l.Peers == nil {
			l.Peers = map[string]float64{}
		}
		l.Peers[peer] = Median(rounds)
	}
	if l.Against == "" {
		l.OK = l.within(l.Ours)
		return l, nil
	}
	theirs := s.Rounds[l.Against]
	if len(ours) < LeastRounds || len(ours) != len(theirs) {
		return l, fmt.Errorf("%s: %d rounds of ours and %d of %s, and both must be the same and at least %d",
			l.name(), len(ours), len(theirs), l.Against, LeastRounds)
	}
	ratios := make([]float64, len(ours))
	for i := range ours {
		if !(ours[i] > 0 && theirs[i] > 0) {
			return l, fmt.Errorf("%s: round %d: %v to %v of %s is no ratio", l.name(), i, ours[i], theirs[i], l.Against)
		}
		ratios[i] = ours[i] / theirs[i]
	}
	l.Ratio = Median(ratios)
	l.OK = l.within(l.Ratio)
	return l, nil
}

// within reports whether a value keeps the line's bound.
func (l *Line) within(v float64) bool {
	switch {
	case l.Bound == 0:
		return true
	case l.AtLeast:
		return v >= l.Bound
	}
	return v <= l.Bound
}

func (l *Line) name() string {
	if l.Size == "" {
		return l.Measure
	}
	return l.Measure + ", " + l.Size
}

// Median returns the middle of a list, or the mean of the two middle ones. It
// leaves the list as it is, and returns 0 for an empty one.
func Median(list []float64) float64 {
	sorted := slices.Sorted(slices.Values(list))
	n := len(sorted)
	switch {
	case n == 0:
		return 0
	case n%2 == 1:
		return sorted[n/2]
	}
	return (sorted[n/2-1] + sorted[n/2]) / 2
}

// JudgeAll judges every sample, and fails when one cannot be judged.
func JudgeAll(samples []Sample) ([]Line, error) {
	var lines []Line
	var failed error
	for _, s := range samples {
		l, err := s.Judge()
		failed = errors.Join(failed, err)
		lines = append(lines, l)
	}
	return lines, failed
}

// Missed returns the lines whose bound is not kept.
func Missed(lines []Line) []Line {
	return slices.DeleteFunc(slices.Clone(lines), func(l Line) bool { return l.OK })
}

// Publish writes a part's lines to dir/part.json and their plot to
// dir/part.svg, prints their table, and reports whether all bounds are kept.
func Publish(dir, part string, lines []Line) (ok bool, err error) {
	text, err := json.MarshalIndent(lines, "", "  ")
	if err != nil {
		return false, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return false, err
	}
	if err := os.WriteFile(filepath.Join(dir, part+".json"), append(text, '\n'), 0o644); err != nil {
		return false, err
	}
	if err := os.WriteFile(filepath.Join(dir, part+".svg"), Plot(part, lines), 0o644); err != nil {
		return false, err
	}
	_, err = os.Stdout.Write(Table(lines))
	return len(Missed(lines)) == 0, err
}

// Read reads a part's lines as Publish wrote them.
func Read(dir, part string) ([]Line, error) {
	return read[Line](filepath.Join(dir, part+".json"))
}

// ReadSamples reads what a benchmark that is no Go program left in
// dir/part.samples.json.
func ReadSamples(dir, part string) ([]Sample, error) {
	return read[Sample](filepath.Join(dir, part+".samples.json"))
}

func read[T any](file string) (list []T, err error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return list, nil
}
