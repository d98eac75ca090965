package main

import (
	"fmt"
	"os"
	"regexp"
	"strings"
)

// fault is a line of faults.tsv.
type fault struct {
	id       string // a family's letter and a number: N1
	required bool   // whether the table fails without a test of it
	what     string
	holds    string // what must hold when it happens
}

// families are the parts of the table, by the first letter of an id.
var families = []struct{ letter, title string }{
	{"N", "The network"},
	{"D", "The browser's storage"},
	{"T", "Tabs"},
	{"C", "Clocks"},
	{"S", "The server"},
	{"A", "Attackers"},
}

const idPattern = `[NDTCSA][1-9][0-9]?`

var isID = regexp.MustCompile(`^` + idPattern + `$`)

// readCatalogue reads the faults, in their order.
func readCatalogue(file string) ([]fault, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var faults []fault
	seen := map[string]bool{}
	for i, line := range strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")[1:] {
		cells := strings.Split(line, "\t")
		if len(cells) != 4 || !isID.MatchString(cells[0]) || cells[1] != "yes" && cells[1] != "no" || seen[cells[0]] {
			return nil, fmt.Errorf("%s:%d: %q is not a new id, yes or no, a fault and what must hold", file, i+2, line)
		}
		seen[cells[0]] = true
		faults = append(faults, fault{id: cells[0], required: cells[1] == "yes", what: cells[2], holds: cells[3]})
	}
	return faults, nil
}
