package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
)

// kb is what the budgets of architecture.md count in.
const kb = 1024

// The budgets, in brotli bytes.
const (
	bootBudget = 10 * kb  // JS before the first list
	wasmBudget = 480 * kb // the core
	allBudget  = 500 * kb // all that a page loads for the client
)

// graph is what each output file of the package imports.
type graph map[string][]edge

type edge struct {
	path    string
	dynamic bool
}

// readGraph reads esbuild's metafile of index.js; paths become relative to dir.
// Its files that are bundled by themselves are external there, and import nothing.
func readGraph(metafile, dir string) (graph, error) {
	b, err := os.ReadFile(metafile)
	if err != nil {
		return nil, err
	}
	var meta struct {
		Outputs map[string]struct {
			Imports []struct {
				Path, Kind string
				External   bool
			}
		}
	}
	if err := json.Unmarshal(b, &meta); err != nil {
		return nil, fmt.Errorf("%s: %w", metafile, err)
	}
	g := graph{}
	for name, out := range meta.Outputs {
		name = strings.TrimPrefix(name, dir+"/")
		g[name] = nil
		for _, im := range out.Imports {
			if path, ours := strings.CutPrefix(im.Path, "./"); ours || !im.External {
				g[name] = append(g[name], edge{strings.TrimPrefix(path, dir+"/"), im.Kind == "dynamic-import"})
			}
		}
	}
	return g, nil
}

// reach returns the files that loading entry loads, itself included; those
// behind an import() only when dynamic is set.
func (g graph) reach(entry string, dynamic bool) []string {
	files, seen := []string{entry}, map[string]bool{entry: true}
	for i := 0; i < len(files); i++ {
		for _, e := range g[files[i]] {
			if !seen[e.path] && (dynamic || !e.dynamic) {
				seen[e.path] = true
				files = append(files, e.path)
			}
		}
	}
	return files
}

// row is one line of the table. A budget of 0 is none.
type row struct {
	what   string
	size   size
	budget int
}

// measure adds up what a page pays for. A file that should be there and is not
// is an error: a budget that measures nothing would always hold.
func measure(sizes map[string]size, g graph) ([]row, error) {
	if _, ok := g["index.js"]; !ok {
		return nil, errors.New("the metafile names no index.js")
	}
	sum := func(files ...string) (total size, err error) {
		for _, f := range files {
			s, ok := sizes["sdk/"+f]
			if !ok {
				return size{}, fmt.Errorf("sdk/%s is missing", f)
			}
			total.raw += s.raw
			total.brotli += s.brotli
		}
		return total, nil
	}
	boot, err1 := sum(g.reach("index.js", false)...)
	wasm, err2 := sum("recents.wasm")
	all, err3 := sum(append(g.reach("index.js", true), "recents.wasm")...)
	rows := []row{
		{"JS before the first list", boot, bootBudget},
		{"recents.wasm", wasm, wasmBudget},
		{"all a page loads", all, allBudget},
	}
	for _, name := range []string{"index.html", "web/main.js", "web/style.css"} {
		if s, ok := sizes[name]; ok {
			rows = append(rows, row{"demo " + name, s, 0})
		}
	}
	return rows, errors.Join(err1, err2, err3)
}

// report prints the table, and returns an error that names each row over its
// budget.
func report(w io.Writer, rows []row) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "raw\tbrotli\tbudget\t ")
	var over []error
	for _, r := range rows {
		budget := ""
		if r.budget > 0 {
			budget = kilobytes(r.budget)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t %s\n", kilobytes(r.size.raw), kilobytes(r.size.brotli), budget, r.what)
		if r.budget > 0 && r.size.brotli > r.budget {
			over = append(over, fmt.Errorf("%s: %d bytes of brotli is over %d", r.what, r.size.brotli, r.budget))
		}
	}
	return errors.Join(append(over, t.Flush())...)
}

func kilobytes(n int) string { return fmt.Sprintf("%.1f KB", float64(n)/kb) }
