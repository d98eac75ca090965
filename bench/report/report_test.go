package report

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		list []float64
		want float64
	}{
		{nil, 0},
		{[]float64{3}, 3},
		{[]float64{9, 1, 5}, 5},
		{[]float64{4, 1, 3, 2}, 2.5},
	} {
		assert.Equal(t, c.want, Median(c.list), c.list)
	}
	list := []float64{2, 1}
	Median(list)
	assert.Equal(t, []float64{2, 1}, list, "the rounds' order pairs ours with the peer's")
}

// rounds repeats values until there are enough of them.
func rounds(values ...float64) []float64 {
	var list []float64
	for len(list) < LeastRounds {
		list = append(list, values...)
	}
	return list[:LeastRounds]
}

func TestJudge(t *testing.T) {
	for _, c := range []struct {
		name  string
		line  Line
		ours  []float64
		dexie []float64
		ratio float64
		ok    bool
	}{
		{"under a ceiling", Line{Against: "Dexie", Bound: 0.5}, rounds(2), rounds(10), 0.2, true},
		{"on a ceiling", Line{Against: "Dexie", Bound: 0.5}, rounds(5), rounds(10), 0.5, true},
		{"over a ceiling", Line{Against: "Dexie", Bound: 0.5}, rounds(6), rounds(10), 0.6, false},
		{"over a floor", Line{Against: "Dexie", Bound: 3, AtLeast: true}, rounds(40), rounds(10), 4, true},
		{"under a floor", Line{Against: "Dexie", Bound: 3, AtLeast: true}, rounds(20), rounds(10), 2, false},
		{"for information", Line{Against: "Dexie"}, rounds(90), rounds(10), 9, true},
		// Both sides vary by ten, together: the medians' quotient would be 10/1.
		{"the rounds' ratios count, not the medians'", Line{Against: "Dexie", Bound: 2}, []float64{10, 1, 10, 1, 10, 1, 10}, []float64{10, 1, 10, 1, 1, 1, 1}, 1, true},
		{"a budget", Line{Bound: 16}, []float64{12, 30, 11}, nil, 0, true},
		{"a budget that is missed", Line{Bound: 16}, []float64{17}, nil, 0, false},
		{"a budget beside peers, for information", Line{Bound: 16}, []float64{12}, []float64{1}, 0, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			l, err := Sample{Line: c.line, Rounds: map[string][]float64{Ours: c.ours, "Dexie": c.dexie}}.Judge()
			require.NoError(t, err)
			assert.InDelta(t, c.ratio, l.Ratio, 1e-9)
			assert.Equal(t, c.ok, l.OK)
			assert.Equal(t, Median(c.ours), l.Ours)
			assert.Equal(t, Median(c.dexie), l.Peers["Dexie"])
		})
	}
}

func TestWhatCannotBeJudged(t *testing.T) {
	for _, c := range []struct {
		name   string
		rounds map[string][]float64
		says   string
	}{
		{"nothing of ours", map[string][]float64{"Dexie": rounds(1)}, "list, 1k: no round of recents"},
		{"no peer", map[string][]float64{Ours: rounds(1)}, "7 rounds of ours and 0 of Dexie"},
		{"one round less", map[string][]float64{Ours: rounds(1), "Dexie": rounds(1)[1:]}, "7 rounds of ours and 6 of Dexie"},
		{"too few", map[string][]float64{Ours: rounds(1)[1:], "Dexie": rounds(1)[1:]}, "at least 7"},
		{"a zero", map[string][]float64{Ours: rounds(1), "Dexie": rounds(1, 0)}, "round 1: 1 to 0 of Dexie"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := Sample{Line: Line{Measure: "list", Size: "1k", Against: "Dexie", Bound: 1}, Rounds: c.rounds}
			_, err := JudgeAll([]Sample{s})
			assert.ErrorContains(t, err, c.says)
		})
	}
}

func TestShort(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", 0.03141: "0.0314", 0.5: "0.5", 1: "1", 3.14159: "3.14", 31.4159: "31.4", 100: "100", 314.159: "314", 9999.6: "10,000", 1234567: "1,234,567",
	} {
		assert.Equal(t, want, short(v))
	}
}

var lines = []Line{
	{Measure: "list of 100", Size: "10,000 accounts", Unit: "/s", Ours: 12345, Peers: map[string]float64{"PocketBase": 4000, "bare SQLite": 20000}, Against: "PocketBase", Ratio: 3.1, Bound: 3, AtLeast: true, OK: true},
	{Measure: "list of 100", Size: "10,000 accounts", Unit: "/s", Ours: 12345, Peers: map[string]float64{"PocketBase": 4000, "bare SQLite": 20000}, Against: "bare SQLite", Ratio: 0.4, Bound: 0.5, AtLeast: true, Note: "a | in <it>"},
	{Measure: "memory", Size: "at 10,000", Unit: "MB", Ours: 12, Bound: 16, OK: true},
	{Measure: "start", Unit: "ms", Ours: 12, Peers: map[string]float64{"a&b": 24}},
}

func TestTable(t *testing.T) {
	text := string(Table(lines))
	for _, want := range []string{"12,345/s", "PocketBase 4,000, bare SQLite 20,000", "3.1× PocketBase   ≥ 3×", "0.4× bare SQLite  ≥ 0.5×", "≤ 16 MB", "a&b 24"} {
		assert.Contains(t, text, want)
	}
	assert.Equal(t, 1, strings.Count(text, "missed"))
	assert.Equal(t, 2, strings.Count(text, "kept"), "what has no bound keeps none")
}

func TestPlotIsAnSVGWithABarForEachPeer(t *testing.T) {
	svg := Plot("a <part>", lines)
	decoder, rects := xml.NewDecoder(strings.NewReader(string(svg))), map[string]int{}
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err, "not well formed:\n%s", svg)
		if el, ok := token.(xml.StartElement); ok && el.Name.Local == "rect" {
			rects[el.Attr[0].Value]++
		}
	}
	// Ahead of PocketBase, within the memory, ahead of a&b; behind bare SQLite.
	assert.Equal(t, map[string]int{"ahead": 3, "behind": 1}, rects)
	assert.Contains(t, string(svg), "prefers-color-scheme: dark")
	assert.NotContains(t, string(svg), "%!", "a figure that was not formatted")
}

func TestBarsShareOneAxis(t *testing.T) {
	low, high := span(groupsOf(lines))
	assert.Equal(t, -1.0, low, "0.4× of bare SQLite")
	assert.Equal(t, 1.0, high, "3.1× of PocketBase")
	low, high = span(nil)
	assert.Less(t, low, high, "an axis without bars is one still")
}

func TestPage(t *testing.T) {
	md := string(Page("a machine, 2 cores", []Part{{Name: "server", Title: "The server", About: "What it is.", Lines: lines}}))
	for _, want := range []string{
		"a machine, 2 cores", "2 of 3 bounds are kept", "![The server](bench/server.svg)",
		"| list of 100 | 10,000 accounts | PocketBase | 3.1× | ≥ 3× | kept |",
		"| list of 100 | 10,000 accounts | bare SQLite | 0.4× | ≥ 0.5× | missed |",
		"| memory | at 10,000 | budget | 12 MB | ≤ 16 MB | kept |",
		"- list of 100: a | in <it>",
	} {
		assert.Contains(t, md, want)
	}
	assert.NotContains(t, md, "12,345", "values of comparisons are one machine's")
}

func TestPublishAndReadAgree(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	ok, err := Publish(dir, "server", lines)
	require.NoError(t, err)
	assert.False(t, ok, "one bound is missed")
	read, err := Read(dir, "server")
	require.NoError(t, err)
	assert.Equal(t, lines, read)
	assert.FileExists(t, filepath.Join(dir, "server.svg"))

	ok, err = Publish(dir, "server", lines[:1])
	require.NoError(t, err)
	assert.True(t, ok)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "server.json"), []byte("{"), 0o600))
	_, err = Read(dir, "server")
	assert.ErrorContains(t, err, "server.json")
}
