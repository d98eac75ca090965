// Package progress shows on a terminal how far long work has come: one line that
// is written over, with what is done of how much, at which rate, and the time
// left. On anything but a terminal it shows nothing, so that logs and pipes stay
// as they are.
//
//	m := progress.On(os.Stderr, progress.Count("schedules"))
//	defer m.End()
//	for i := range n {
//		work(i)
//		m.Step("sim", int64(i)+1, n)
//	}
package progress

import (
	"io"
	"os"
	"sync"
	"time"

	"github.com/mattn/go-isatty"
)

// often is how far apart two drawings are: more of them nobody reads, and a
// slow terminal would hold up the work.
const often = 100 * time.Millisecond

// The line is drawn with the terminal's own clipping, as one that wraps could
// not be written over.
const (
	erase  = "\r\x1b[K"
	clip   = "\x1b[?7l"
	unclip = "\x1b[?7h"
)

// Meter is the line of one piece of work. Its methods may be called by several
// goroutines at once.
type Meter struct {
	mu    sync.Mutex
	out   io.Writer // nil: show nothing
	unit  Unit
	now   func() time.Time
	what  string    // the step that is being done
	began time.Time // when it was first told of
	drawn time.Time
	line  string // as it stands on the terminal
}

// On returns a meter that draws on out when that is a terminal, and one that
// shows nothing otherwise.
func On(out io.Writer, unit Unit) *Meter {
	if !isTerminal(out) {
		out = nil
	}
	return &Meter{out: out, unit: unit, now: time.Now}
}

// isTerminal holds a terminal that says that it understands nothing to be none.
func isTerminal(w io.Writer) bool {
	f, ok := w.(interface{ Fd() uintptr })
	return ok && isatty.IsTerminal(f.Fd()) && os.Getenv("TERM") != "dumb"
}

// Step tells that of the step of this name so much is done of a total, or of
// what nobody knows with a total of 0. Rate and time left are those of the step:
// another name begins a new one.
func (m *Meter) Step(what string, done, total int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.out == nil {
		return
	}
	now := m.now()
	if what != m.what {
		m.what, m.began, m.drawn = what, now, time.Time{}
	}
	if now.Sub(m.drawn) < often && (total == 0 || done < total) {
		return
	}
	m.drawn = now
	m.draw(text(what, m.unit, done, total, now.Sub(m.began)))
}

// End takes the line away.
func (m *Meter) End() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.draw("")
}

// Above returns a writer to w whose text stands above the line, where w and the
// meter are the same terminal. Each Write has to end its last line.
func (m *Meter) Above(w io.Writer) io.Writer { return &above{m, w} }

type above struct {
	m *Meter
	w io.Writer
}

func (a *above) Write(p []byte) (int, error) {
	a.m.mu.Lock()
	defer a.m.mu.Unlock()
	line := a.m.line
	a.m.draw("")
	n, err := a.w.Write(p)
	a.m.draw(line)
	return n, err
}

// draw puts a line in the place of the one that stands there. Nothing depends on
// whether it is seen: a terminal that went away fails no work.
func (m *Meter) draw(line string) {
	if m.out == nil || line == "" && m.line == "" {
		return
	}
	m.line = line
	if line != "" {
		line = clip + line + unclip
	}
	_, _ = io.WriteString(m.out, erase+line)
}
