package progress

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Unit says how amounts of work read.
type Unit struct {
	amount func(n float64) string
	noun   string // behind an amount
	timed  bool   // an amount is time itself, whose rate says nothing
}

// Bytes are amounts of data, in powers of 1,000.
var Bytes = Unit{amount: size}

// Seconds are work that ends at a time.
var Seconds = Unit{amount: func(n float64) string { return span(time.Duration(n) * time.Second) }, timed: true}

// Count is amounts of things, which are called by their plural.
func Count(things string) Unit { return Unit{amount: count, noun: " " + things} }

// settling is how long a rate is not told: the first moments say nothing of the rest.
const settling = time.Second

// text is the line, of at most 80 columns with names of a dozen letters.
func text(what string, unit Unit, done, total int64, elapsed time.Duration) string {
	parts := []string{what}
	if total > 0 {
		done = min(done, total)
		parts = append(parts, fmt.Sprintf("%d%%", 100*done/total), fmt.Sprintf("%s of %s", unit.amount(float64(done)), unit.amount(float64(total)))+unit.noun)
	} else if done > 0 {
		parts = append(parts, unit.amount(float64(done))+unit.noun)
	}
	if done == 0 || elapsed < settling {
		return strings.Join(parts, "  ")
	}
	rate := float64(done) / elapsed.Seconds()
	if !unit.timed {
		parts = append(parts, unit.amount(rate)+"/s")
	}
	if total > done {
		parts = append(parts, span(time.Duration(float64(total-done)/rate*float64(time.Second)))+" left")
	}
	return strings.Join(parts, "  ")
}

// size gives three digits: 999 B, 1.00 KB, 23.4 MB.
func size(n float64) string {
	units := []string{"B", "KB", "MB", "GB", "TB"}
	i := 0
	for ; n >= 999.5 && i < len(units)-1; i++ {
		n /= 1000
	}
	if i == 0 {
		return fmt.Sprintf("%.0f B", n)
	}
	return strconv.FormatFloat(n, 'f', max(0, 3-digits(n)), 64) + " " + units[i]
}

// digits are those before the point, once n is rounded to three.
func digits(n float64) int {
	switch {
	case n < 9.995:
		return 1
	case n < 99.95:
		return 2
	}
	return 3
}

// count gives whole numbers in groups of three, and a slow rate one digit more.
func count(n float64) string {
	if n < 9.95 && n != float64(int64(n)) {
		return strconv.FormatFloat(n, 'f', 1, 64)
	}
	text := strconv.FormatFloat(n, 'f', 0, 64)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// span gives a time as exactly as one wants to know it: 45 s, 12 min, 3 h 20 min.
func span(d time.Duration) string {
	switch {
	case d < 90*time.Second:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d < 90*time.Minute:
		return fmt.Sprintf("%.0f min", d.Minutes())
	}
	minutes := int(d.Round(time.Minute) / time.Minute)
	if minutes%60 == 0 {
		return fmt.Sprintf("%d h", minutes/60)
	}
	return fmt.Sprintf("%d h %d min", minutes/60, minutes%60)
}
