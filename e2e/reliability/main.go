// Command reliability makes docs/reliability.md: which test holds which fault of
// faults.tsv, and what it measured in this run. It reads what the tests printed
// and knows nothing of its own, so a fault that lost its test shows.
//
//	go run ./e2e/reliability -tests       (package, tab, pattern: the Go tests that name a fault)
//	go run ./e2e/reliability -go build/reliability/go.json -playwright build/reliability/playwright.json -context 'Chromium 1, 2 cores'
//
// It exits with 1 when a fault that must be held is not.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
)

func main() {
	root := flag.String("root", ".", "the module's directory")
	list := flag.Bool("tests", false, "print the Go tests that name a fault, a package a line")
	goLog := flag.String("go", "", "what go test -json printed")
	playwright := flag.String("playwright", "", "what Playwright's JSON reporter wrote")
	context := flag.String("context", "", "what the tests ran on")
	out := flag.String("out", "docs/reliability.md", "the table")
	flag.Parse()

	tests, err := findTests(*root)
	switch {
	case err != nil:
	case *list:
		printTests(os.Stdout, tests)
	default:
		err = report(*root, tests, *goLog, *playwright, *context, *out)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "reliability:", err)
		os.Exit(1)
	}
}

// report writes the table, and fails when the table is not as it must be.
func report(root string, tests []goTest, goLog, playwright, context, out string) error {
	faults, err := readCatalogue(root + "/e2e/reliability/faults.tsv")
	if err != nil {
		return err
	}
	inGo, err := readGoLog(goLog, tests)
	if err != nil {
		return err
	}
	inBrowser, err := readPlaywright(playwright)
	if err != nil {
		return err
	}
	t := newTable(faults, append(inBrowser, inGo...), context)
	if err := os.WriteFile(out, t.markdown(), 0o644); err != nil {
		return err
	}
	for _, line := range t.missing() {
		fmt.Fprintln(os.Stderr, line)
	}
	if len(t.missing()) > 0 {
		return errors.New("a fault that must be held is not")
	}
	fmt.Println(t.summary())
	return nil
}
