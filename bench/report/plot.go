package report

import (
	"bytes"
	"fmt"
	"html"
	"maps"
	"math"
	"slices"
)

// Sizes of a plot, in pixels.
const (
	plotWidth  = 760
	plotLeft   = 150 // of the axis' beginning: names of peers are to its left
	plotRight  = 690 // of its end: figures may be beyond
	plotTop    = 66
	barHeight  = 14
	barStep    = 20
	headStep   = 26 // a group's heading
	groupSpace = 8
)

const plotStyle = `
    text { font: 12px system-ui, sans-serif; fill: #1f2328 }
    .title { font-size: 15px; font-weight: 600 }
    .head { font-weight: 600 }
    .small { fill: #59636e; font-size: 11px }
    .ahead { fill: #1a7f64 } .behind { fill: #c4432b } .grid { stroke: #d1d9e0 } .one { stroke: #59636e } .bound { stroke: #1f2328; stroke-width: 2 }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3 } .small { fill: #9198a1 }
      .ahead { fill: #3fb68b } .behind { fill: #f0704f } .grid { stroke: #3d444d } .one { stroke: #9198a1 } .bound { stroke: #e6edf3 }
    }
`

// bar is one comparison: by how much ours is the better one.
type bar struct {
	name  string  // the peer's
	ahead float64 // 2 when ours is twice as good, whichever way good is
	bound float64 // where the bound is on the same axis; 0: none
}

// group is the bars of one measure.
type group struct {
	name string
	bars []bar
}

// Plot draws the lines as an SVG: a bar for each peer, on a logarithmic axis of
// how many times as good ours is, its bound as a mark. It looks right on a light
// page and on a dark one.
func Plot(part string, lines []Line) []byte {
	groups := groupsOf(lines)
	low, high := span(groups)
	x := func(ahead float64) float64 {
		return plotLeft + (plotRight-plotLeft)*(math.Log10(ahead)-low)/(high-low)
	}
	height := plotTop + 10
	for _, g := range groups {
		height += headStep + len(g.bars)*barStep + groupSpace
	}
	var svg bytes.Buffer
	fmt.Fprintf(&svg, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %[1]d %[2]d" role="img" aria-label="Benchmark: %s">`+"\n",
		plotWidth, height, html.EscapeString(part))
	fmt.Fprintf(&svg, "  <style>%s  </style>\n", plotStyle)
	fmt.Fprintf(&svg, `  <text class="title" x="10" y="22">%s</text>`+"\n", html.EscapeString(part))
	fmt.Fprint(&svg, `  <text class="small" x="10" y="40">How many times as good as each peer; right of 1× is ahead. A mark is the bound.</text>`+"\n")
	drawAxis(&svg, low, high, height, x)
	y := plotTop
	for _, g := range groups {
		y = drawGroup(&svg, g, y, x)
	}
	svg.WriteString("</svg>\n")
	return svg.Bytes()
}

// drawAxis draws a line for each power of ten; the one of 1 stands out.
func drawAxis(svg *bytes.Buffer, low, high float64, height int, x func(float64) float64) {
	for power := low; power <= high; power++ {
		at, class := x(math.Pow(10, power)), "grid"
		if power == 0 {
			class = "one"
		}
		drawLine(svg, class, at, plotTop-6, height-8)
		fmt.Fprintf(svg, `  <text class="small" x="%.1f" y="%d" text-anchor="middle">%s×</text>`+"\n", at, plotTop-10, short(math.Pow(10, power)))
	}
}

// drawLine draws a vertical line.
func drawLine(svg *bytes.Buffer, class string, x float64, from, to int) {
	fmt.Fprintf(svg, `  <line class="%s" x1="%.1f" y1="%d" x2="%.1f" y2="%d"/>`+"\n", class, x, from, x, to)
}

func drawGroup(svg *bytes.Buffer, g group, y int, x func(float64) float64) int {
	fmt.Fprintf(svg, `  <text class="head" x="10" y="%d">%s</text>`+"\n", y+headStep-10, html.EscapeString(g.name))
	y += headStep
	for _, b := range g.bars {
		from, to, class := x(1), x(b.ahead), "ahead"
		if b.ahead < 1 {
			from, to, class = to, from, "behind"
		}
		middle := y + barHeight - 3
		fmt.Fprintf(svg, `  <text class="small" x="%d" y="%d" text-anchor="end">%s</text>`+"\n", plotLeft-8, middle, html.EscapeString(b.name))
		fmt.Fprintf(svg, `  <rect class="%s" x="%.1f" y="%d" width="%.1f" height="%d" rx="2"/>`+"\n", class, from, y, max(to-from, 1), barHeight)
		fmt.Fprintf(svg, `  <text x="%.1f" y="%d">%s×</text>`+"\n", to+5, middle, short(b.ahead))
		if b.bound > 0 {
			drawLine(svg, "bound", x(b.bound), y-2, y+barHeight+2)
		}
		y += barStep
	}
	return y + groupSpace
}

// span is the powers of ten between which all bars and bounds lie, and 1.
func span(groups []group) (low, high float64) {
	for _, g := range groups {
		for _, b := range g.bars {
			for _, v := range []float64{b.ahead, b.bound} {
				if v > 0 {
					low, high = min(low, math.Floor(math.Log10(v))), max(high, math.Ceil(math.Log10(v)))
				}
			}
		}
	}
	if high == low {
		high++
	}
	return low, high
}

// groupsOf brings the lines of one measure together, in the lines' order.
func groupsOf(lines []Line) []group {
	var groups []group
	at := map[string]int{}
	for i := range lines {
		l := &lines[i]
		if _, known := at[l.name()]; !known {
			at[l.name()] = len(groups)
			groups = append(groups, group{name: l.name()})
		}
		g := &groups[at[l.name()]]
		for _, b := range l.bars() {
			g.put(b)
		}
	}
	return slices.DeleteFunc(groups, func(g group) bool { return len(g.bars) == 0 })
}

// put adds a bar; of two of one peer the one with a bound stays.
func (g *group) put(b bar) {
	for i, known := range g.bars {
		if known.name == b.name {
			if b.bound > 0 {
				g.bars[i] = b
			}
			return
		}
	}
	g.bars = append(g.bars, b)
}

// bars returns those of a line: of its budget or the peer it is held to, and of
// every other peer that was measured.
func (l *Line) bars() []bar {
	var bars []bar
	switch {
	case l.Against != "" && l.Ratio > 0:
		bars = append(bars, bar{name: l.Against, ahead: l.ahead(l.Ratio), bound: l.ahead(l.Bound)})
	case l.Against == "" && l.Bound > 0 && l.Ours > 0:
		bars = append(bars, bar{name: "budget", ahead: l.ahead(l.Ours / l.Bound), bound: 1})
	}
	for _, peer := range slices.Sorted(maps.Keys(l.Peers)) {
		if peer != l.Against && l.Peers[peer] > 0 && l.Ours > 0 {
			bars = append(bars, bar{name: peer, ahead: l.ahead(l.Ours / l.Peers[peer])})
		}
	}
	return bars
}

// ahead turns a ratio of ours to a peer's such that more is better.
func (l *Line) ahead(ratio float64) float64 {
	switch {
	case ratio <= 0:
		return 0
	case l.AtLeast:
		return ratio
	}
	return 1 / ratio
}
