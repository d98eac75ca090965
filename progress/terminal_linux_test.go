package progress_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"recents/progress"
	"recents/progress/progresstest"
)

func TestOnATerminal(t *testing.T) {
	terminal, shown := progresstest.Terminal(t)
	m := progress.On(terminal, progress.Bytes)
	m.Step("work", 500, 1000)
	m.End()
	text := shown()
	require.Contains(t, text, "work  50%  500 B of 1.00 KB")
	require.Regexp(t, "\r\x1b\\[K$", text, "it is taken away")
}

// TestATerminalThatUnderstandsNothing, as that of an editor, is written no sequences.
func TestATerminalThatUnderstandsNothing(t *testing.T) {
	terminal, shown := progresstest.Terminal(t)
	t.Setenv("TERM", "dumb")
	progress.On(terminal, progress.Bytes).Step("work", 500, 1000)
	require.Empty(t, shown())
}
