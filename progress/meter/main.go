// Command meter copies lines from its standard input to its standard output and,
// on a terminal, shows on the standard error how far the work has come that
// prints them:
//
//	go test -json ./... | meter -what tests -of 120 '"Action":"(?:pass|fail)".*"Test":'
//	soak | meter -what soak -of 1800 -unit s '^cycle .* after (\d+) s'
//	playwright test | meter -what browser -of-line 'Running (\d+) tests' '^ +[✓✘]'
//
// A line that matches the pattern is one thing more that is done or, when the
// pattern has a group, the group's number is how much is done.
package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"

	"recents/progress"
)

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "meter:", err)
		os.Exit(1)
	}
}

// counter reads from lines how much is done, of how much.
type counter struct {
	done, total     int64
	match, announce *regexp.Regexp // announce may be nil
}

func run(args []string, in io.Reader, out, errs io.Writer) error {
	f := flag.NewFlagSet("meter", flag.ContinueOnError)
	f.SetOutput(errs)
	var c counter
	what := f.String("what", "", "name of the work")
	unit := f.String("unit", "", `of the amounts: a plural as "tests", or s for seconds`)
	f.Int64Var(&c.total, "of", 0, "all that there is to do; 0: not known")
	f.Func("of-line", "pattern whose group is all that there is to do", pattern(&c.announce))
	if err := f.Parse(args); err != nil {
		return err
	}
	if f.NArg() != 1 {
		return fmt.Errorf("takes one pattern, not %d", f.NArg())
	}
	if err := pattern(&c.match)(f.Arg(0)); err != nil {
		return err
	}
	return c.copy(*what, progress.On(errs, unitOf(*unit)), in, out)
}

func pattern(to **regexp.Regexp) func(string) error {
	return func(text string) (err error) {
		*to, err = regexp.Compile(text)
		return err
	}
}

func unitOf(name string) progress.Unit {
	if name == "s" {
		return progress.Seconds
	}
	return progress.Count(name)
}

// copy goes on to the end of the input, whatever is in it: what reads the output
// wants all of it.
func (c *counter) copy(what string, m *progress.Meter, in io.Reader, out io.Writer) error {
	defer m.End()
	lines, out := bufio.NewReader(in), m.Above(out)
	m.Step(what, 0, c.total)
	for {
		line, err := lines.ReadBytes('\n')
		if _, err := out.Write(line); err != nil {
			return err
		}
		if c.read(line) {
			m.Step(what, c.done, c.total)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// read tells whether a line changed anything.
func (c *counter) read(line []byte) bool {
	if c.announce != nil {
		if n, ok := numberIn(c.announce.FindSubmatch(line)); ok {
			c.total = n
			return true
		}
	}
	found := c.match.FindSubmatch(line)
	if found == nil {
		return false
	}
	c.done++
	if n, ok := numberIn(found); ok {
		c.done = n
	}
	return true
}

// numberIn is the number in a match's first group, where it has one.
func numberIn(found [][]byte) (int64, bool) {
	if len(found) < 2 {
		return 0, false
	}
	n, err := strconv.ParseInt(string(found[1]), 10, 64)
	return n, err == nil
}
