// Command performance judges what a benchmark measured, and makes
// docs/performance.md of all that were judged.
//
//	go run ./bench/performance judge boot     # build/bench/boot.samples.json → .json, .svg and a table
//	go run ./bench/performance docs -browser 'Chromium 1'
//
// judge exits 1 when a bound is missed.
package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"recents/bench/report"
)

// parts are the benchmarks in the page's order.
var parts = []report.Part{
	{Name: "payload", Title: "What a page loads", About: "Bytes of the files as they are served, brotli at its best (11). What the peers weigh is for information: each does something else."},
	{Name: "boot", Title: "Until the list is there", About: "In Chromium, from the page's start to 100 rows in the document, or to a core that knows the whole list."},
	{Name: "page", Title: "A page of 100", About: "From the call to objects in hand, when the list is live."},
	{Name: "write", Title: "The first sync", About: "10,000 sessions, until the browser says that they are stored."},
	{Name: "updates", Title: "A stream of updates", About: "Changes a second that reach the callback and are stored."},
	{Name: "memory", Title: "Memory, and the page's time", About: "The linear memory of the core, and the longest task on the page's main thread with a CPU made four times slower."},
	{Name: "server", Title: "The server", About: "The real server and its peers, each in a process of its own, with the clients in another."},
	{Name: "edge", Title: "The edge worker", About: "CPU time in the real edge runtime, beside the same written by hand in plain JavaScript."},
}

const directory = "build/bench"

func main() {
	flags := flag.NewFlagSet("performance", flag.ExitOnError)
	browser := flags.String("browser", "", "the browser's name and version")
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "performance: judge PART…, or docs")
		os.Exit(2)
	}
	_ = flags.Parse(os.Args[2:]) // it exits on an error
	ok, err := true, error(nil)
	switch os.Args[1] {
	case "judge":
		ok, err = judge(flags.Args())
	case "docs":
		err = docs(*browser)
	default:
		err = fmt.Errorf("%q is neither judge nor docs", os.Args[1])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "performance:", err)
	}
	if err != nil || !ok {
		os.Exit(1)
	}
}

func judge(names []string) (ok bool, err error) {
	ok = true
	for _, name := range names {
		samples, err := report.ReadSamples(directory, name)
		if err != nil {
			return false, err
		}
		lines, err := report.JudgeAll(samples)
		if err != nil {
			return false, err
		}
		kept, err := report.Publish(directory, name, lines)
		if err != nil {
			return false, err
		}
		ok = ok && kept
	}
	return ok, nil
}

// docs makes the page and its plots of the parts that were measured.
func docs(browser string) error {
	var measured []report.Part
	if err := os.MkdirAll("docs/bench", 0o755); err != nil {
		return err
	}
	for _, p := range parts {
		lines, err := report.Read(directory, p.Name)
		if errors.Is(err, fs.ErrNotExist) {
			fmt.Fprintf(os.Stderr, "performance: %s was not measured: the page goes without\n", p.Name)
			continue
		}
		if err != nil {
			return err
		}
		p.Lines = lines
		measured = append(measured, p)
		if err := os.WriteFile(filepath.Join("docs/bench", p.Name+".svg"), report.Plot(p.Title, lines), 0o644); err != nil {
			return err
		}
	}
	if len(measured) == 0 {
		return errors.New("nothing was measured: run ./build.sh bench first")
	}
	return os.WriteFile("docs/performance.md", report.Page(machine(browser), measured), 0o644)
}

// machine names what the figures come from.
func machine(browser string) string {
	words := []string{cpu(), fmt.Sprintf("%d cores", runtime.NumCPU()), runtime.Version()}
	if browser != "" {
		words = append(words, browser)
	}
	return strings.Join(words, ", ")
}

// cpu is the processor's name where the system tells it, else its kind.
func cpu() string {
	file, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	defer func() { _ = file.Close() }() // read only
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if key, value, _ := strings.Cut(lines.Text(), ":"); strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}
