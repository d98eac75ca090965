package main

import (
	"bytes"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWhatALineSays(t *testing.T) {
	c := counter{match: regexp.MustCompile(`^done(?: (\d+) s)?`), announce: regexp.MustCompile(`^of (\d+)`)}
	for _, step := range []struct {
		line        string
		done, total int64
		changed     bool
	}{
		{"nothing", 0, 0, false},
		{"of 120", 0, 120, true},
		{"done", 1, 120, true},
		{"done", 2, 120, true},
		{"done 45 s", 45, 120, true},
		{"done 99999999999999999999 s", 46, 120, true}, // no number that counts: one thing more
		{"undone", 46, 120, false},
	} {
		assert.Equal(t, step.changed, c.read([]byte(step.line)), step.line)
		assert.Equal(t, step.done, c.done, step.line)
		assert.Equal(t, step.total, c.total, step.line)
	}
}

// TestLinesAreCopied to the last byte, the last line without its end too.
func TestLinesAreCopied(t *testing.T) {
	for _, in := range []string{"", "one\ntwo\n", "one\n\ntwo", strings.Repeat("x", 1<<20) + "\n"} {
		var out, errs bytes.Buffer
		require.NoError(t, run([]string{"-what", "work", "x"}, strings.NewReader(in), &out, &errs))
		require.Equal(t, in, out.String())
		require.Empty(t, errs.String(), "it is no terminal")
	}
}

func TestWhatIsRefused(t *testing.T) {
	for want, args := range map[string][]string{
		"takes one pattern, not 0":     {"-what", "work"},
		"takes one pattern, not 2":     {"a", "b"},
		"missing closing ): `(a`":      {"(a"},
		"invalid value \"(b\" for fla": {"-of-line", "(b", "a"},
	} {
		require.ErrorContains(t, run(args, strings.NewReader(""), io.Discard, io.Discard), want)
	}
	require.Error(t, run([]string{"a"}, strings.NewReader("line\n"), broken{}, io.Discard))
}

// broken is a place that takes no bytes.
type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }
