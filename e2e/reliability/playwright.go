package main

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
)

// suite is a part of what Playwright's JSON reporter writes: a file, or a
// describe within it.
type suite struct {
	Title  string
	File   string
	Suites []suite
	Specs  []spec
}

type spec struct {
	Title string
	File  string
	OK    bool
	Tests []struct {
		Status      string // expected, unexpected, flaky or skipped
		Annotations []struct{ Type, Description string }
	}
}

var idInTitle = regexp.MustCompile(`^(` + idPattern + `) `)

// readPlaywright reads what became of the tests in the browser. A describe's
// title is a fault's too.
func readPlaywright(file string) ([]result, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var run struct{ Suites []suite }
	if err := json.Unmarshal(text, &run); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	var results []result
	for _, s := range run.Suites {
		results = append(results, s.results("")...)
	}
	return results, nil
}

// results reads a suite; in is the title of those around it, ” for the file's.
func (s suite) results(in string) []result {
	var all []result
	for _, spec := range s.Specs {
		all = append(all, spec.results(in)...)
	}
	for _, inner := range s.Suites {
		all = append(all, inner.results(strings.TrimPrefix(in+" "+inner.Title, " "))...)
	}
	return all
}

func (s spec) results(in string) []result {
	said := &byID{}
	title := strings.TrimPrefix(in+" "+s.Title, " ")
	for _, text := range []string{in, s.Title} {
		if id := idInTitle.FindStringSubmatch(text + " "); id != nil {
			said.get(id[1])
		}
	}
	o := passed
	for _, t := range s.Tests {
		for _, a := range t.Annotations {
			if id, is := strings.CutPrefix(a.Type, "measured:"); is {
				r := said.get(id)
				r.measured = append(r.measured, a.Description)
			}
		}
		if t.Status == "skipped" {
			o = skipped
		}
	}
	if !s.OK {
		o = failed
	}
	return said.results("e2e/"+s.File, title, o)
}
