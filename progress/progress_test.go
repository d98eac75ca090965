package progress

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestText(t *testing.T) {
	things := Count("things")
	for _, c := range []struct {
		unit        Unit
		done, total int64
		after       time.Duration
		want        string
	}{
		{things, 0, 0, 0, "work"},
		{things, 0, 0, time.Hour, "work"},
		{things, 0, 12, time.Hour, "work  0%  0 of 12 things"},
		{things, 3, 12, 999 * time.Millisecond, "work  25%  3 of 12 things"},
		{things, 3, 12, time.Second, "work  25%  3 of 12 things  3/s  3 s left"},
		{things, 3, 12, 10 * time.Second, "work  25%  3 of 12 things  0.3/s  30 s left"},
		{things, 12, 12, 10 * time.Second, "work  100%  12 of 12 things  1.2/s"},
		{things, 13, 12, 0, "work  100%  12 of 12 things"}, // more than was expected
		{things, 5000, 1234567, 10 * time.Second, "work  0%  5,000 of 1,234,567 things  500/s  41 min left"},
		{things, 5000, 0, 10 * time.Second, "work  5,000 things  500/s"},
		{things, 999, 1000, 10 * time.Second, "work  99%  999 of 1,000 things  100/s  0 s left"},
		{Bytes, 999, 1000, 0, "work  99%  999 B of 1.00 KB"},
		{Bytes, 12_345_678, 98_765_432, 2 * time.Second, "work  12%  12.3 MB of 98.8 MB  6.17 MB/s  14 s left"},
		{Bytes, 999_499, 999_999_999, time.Hour, "work  0%  999 KB of 1.00 GB  278 B/s  999 h 30 min left"},
		{Bytes, 1, 12_000_000_000_000_000, 0, "work  0%  1 B of 12000 TB"},
		{Seconds, 45, 1800, 45 * time.Second, "work  2%  45 s of 30 min  29 min left"},
		{Seconds, 100, 7200, 100 * time.Second, "work  1%  2 min of 2 h  1 h 58 min left"},
		{Seconds, 7200, 7200, 2 * time.Hour, "work  100%  2 h of 2 h"},
	} {
		got := text("work", c.unit, c.done, c.total, c.after)
		assert.Equal(t, c.want, got)
		assert.LessOrEqual(t, len(got), 72, got)
	}
}

// screen is a terminal that keeps what stands on it, its last line first drawn
// over: of the sequences it knows those that a meter uses.
type screen struct{ lines []string }

func (s *screen) Write(p []byte) (int, error) {
	text := strings.NewReplacer(clip, "", unclip, "").Replace(string(p))
	for i, part := range strings.SplitAfter(text, "\n") {
		if len(s.lines) == 0 || i > 0 {
			s.lines = append(s.lines, "")
		}
		last := &s.lines[len(s.lines)-1]
		if before, after, ok := strings.Cut(part, erase); ok {
			*last, part = "", before+after
		}
		*last += strings.TrimSuffix(part, "\n")
	}
	return len(p), nil
}

// meterOn is a meter on a screen, at a time that stands still.
func meterOn(s io.Writer, now *time.Time) *Meter {
	return &Meter{out: s, unit: Count("things"), now: func() time.Time { return *now }}
}

func TestALineIsWrittenOver(t *testing.T) {
	var s screen
	now := time.UnixMilli(0)
	m := meterOn(&s, &now)
	after := func(d time.Duration, what string, done, total int64, want string) {
		t.Helper()
		now = now.Add(d)
		m.Step(what, done, total)
		require.Equal(t, []string{want}, s.lines)
	}
	after(0, "copy", 0, 100, "copy  0%  0 of 100 things")
	after(99*time.Millisecond, "copy", 10, 100, "copy  0%  0 of 100 things") // too soon
	after(time.Millisecond, "copy", 11, 100, "copy  11%  11 of 100 things")
	after(1900*time.Millisecond, "copy", 20, 100, "copy  20%  20 of 100 things  10/s  8 s left")
	after(0, "copy", 100, 100, "copy  100%  100 of 100 things  50/s") // the end is told at once
	after(0, "check", 1, 0, "check  1 things")                        // and so is another step, whose time begins
	after(time.Second, "check", 2, 0, "check  2 things  2/s")
	m.End()
	require.Equal(t, []string{""}, s.lines)
	m.End()
	require.Equal(t, []string{""}, s.lines)
}

func TestTextStandsAboveTheLine(t *testing.T) {
	var s screen
	now := time.UnixMilli(0)
	m := meterOn(&s, &now)
	out := m.Above(&s)
	fmt.Fprintln(out, "before")
	m.Step("work", 1, 2)
	fmt.Fprintln(out, "one")
	fmt.Fprintln(out, "two")
	require.Equal(t, []string{"before", "one", "two", "work  50%  1 of 2 things"}, s.lines)
	m.End()
	require.Equal(t, []string{"before", "one", "two", ""}, s.lines)
}

// TestNothingIsShownElsewhere: not to a pipe, a file or a buffer.
func TestNothingIsShownElsewhere(t *testing.T) {
	var b bytes.Buffer
	m := On(&b, Bytes)
	m.Step("work", 1, 2)
	fmt.Fprintln(m.Above(&b), "text")
	m.End()
	require.Equal(t, "text\n", b.String())
}

// gone is a terminal that was closed.
type gone struct{}

func (gone) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

// TestAnErrorOfTheTextIsTold, where one of the line is not: the work goes on.
func TestAnErrorOfTheTextIsTold(t *testing.T) {
	now := time.UnixMilli(0)
	m := meterOn(gone{}, &now)
	m.Step("work", 1, 2)
	_, err := m.Above(gone{}).Write([]byte("text\n"))
	require.ErrorIs(t, err, io.ErrClosedPipe)
}
