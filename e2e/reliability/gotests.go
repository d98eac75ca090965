package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// goTest is a test function that names a fault: in its own name, or in a text
// that begins with an id, as a subtest's name or an attribute's key does.
type goTest struct {
	pkg  string // recents/server
	file string // server/auth_test.go
	name string // TestA2AForgedTokenIsRefused
}

var (
	idInName = regexp.MustCompile(`^(?:Test)?(` + idPattern + `)(?:[^0-9a-z]|$)`)
	idInText = regexp.MustCompile(`^` + idPattern + `(?:[ _]|$)`)
)

// noTests are directories without a test of a fault; the last is this command's,
// whose own tests name many.
var noTests = []string{"node_modules", "build", ".git", "reliability"}

// findTests reads every test file of the module.
func findTests(root string) ([]goTest, error) {
	var tests []goTest
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && slices.Contains(noTests, d.Name()):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		file, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		found, err := testsIn(path, filepath.ToSlash(file))
		tests = append(tests, found...)
		return err
	})
	return tests, err
}

func testsIn(path, file string) ([]goTest, error) {
	parsed, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	var tests []goTest
	for _, decl := range parsed.Decls {
		f, ok := decl.(*ast.FuncDecl)
		if ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Test") && namesFault(f) {
			tests = append(tests, goTest{pkg: "recents/" + filepath.ToSlash(filepath.Dir(file)), file: file, name: f.Name.Name})
		}
	}
	return tests, nil
}

func namesFault(f *ast.FuncDecl) bool {
	found := idInName.MatchString(f.Name.Name)
	ast.Inspect(f.Body, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			text, err := strconv.Unquote(lit.Value)
			found = found || err == nil && idInText.MatchString(text)
		}
		return !found
	})
	return found
}

// printTests writes a line for each package: its path, and a pattern for -run.
func printTests(w io.Writer, tests []goTest) {
	names := map[string][]string{}
	var packages []string
	for _, t := range tests {
		if names[t.pkg] == nil {
			packages = append(packages, t.pkg)
		}
		names[t.pkg] = append(names[t.pkg], t.name)
	}
	slices.Sort(packages)
	for _, p := range packages {
		fmt.Fprintf(w, "%s\t^(%s)$\n", p, strings.Join(names[p], "|"))
	}
}

// event is a line of go test -json, as far as it is read here.
type event struct{ Action, Package, Test, Key, Value string }

// readGoLog reads what became of the tests, those of no fault left out.
func readGoLog(file string, tests []goTest) ([]result, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	files := map[string]string{}
	for _, t := range tests {
		files[t.pkg+" "+t.name] = t.file
	}
	running := map[string]*byID{}
	var results []result
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var ev event
		if err := json.Unmarshal(lines.Bytes(), &ev); err != nil {
			return nil, fmt.Errorf("%s: %q: %w", file, lines.Text(), err)
		}
		top, _, _ := strings.Cut(ev.Test, "/")
		results = append(results, take(running, ev, files[ev.Package+" "+top])...)
	}
	return results, lines.Err()
}

// take goes on with one event, and returns what the test that it ends said.
func take(running map[string]*byID, ev event, file string) []result {
	key := ev.Package + " " + ev.Test
	said := running[key]
	if said == nil {
		said = &byID{}
		running[key] = said
	}
	switch ev.Action {
	case "run":
		if id := idInName.FindStringSubmatch(ev.Test[strings.LastIndex(ev.Test, "/")+1:]); id != nil {
			said.get(id[1])
		}
	case "attr":
		if isID.MatchString(ev.Key) {
			r := said.get(ev.Key)
			r.measured = append(r.measured, ev.Value)
		}
	case "pass", "fail", "skip":
		return said.results(file, ev.Test, map[string]outcome{"pass": passed, "fail": failed, "skip": skipped}[ev.Action])
	}
	return nil
}
