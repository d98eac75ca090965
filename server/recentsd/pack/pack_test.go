package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// build writes a dist and a demo as the build does, and returns what pack takes.
func build(t *testing.T, files map[string]string) (sdk, web, meta, out, cache string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		require.NoError(t, writeFile(filepath.Join(dir, name), []byte(text)))
	}
	at := func(name string) string { return filepath.Join(dir, name) }
	require.NoError(t, os.WriteFile(at("meta.json"), []byte(strings.ReplaceAll(metaJSON, "SDK", filepath.ToSlash(at("sdk")))), 0o644))
	return at("sdk"), at("web"), at("meta.json"), at("out"), at("cache")
}

const metaJSON = `{"outputs": {
	"SDK/index.js": {"imports": [
		{"path": "SDK/shared.js", "kind": "import-statement"},
		{"path": "./core.js", "kind": "dynamic-import", "external": true},
		{"path": "node:fs", "kind": "dynamic-import", "external": true}]},
	"SDK/nim.js": {"imports": [{"path": "SDK/index.js", "kind": "import-statement"}]},
	"SDK/shared.js": {"imports": []}}}`

func dist() map[string]string {
	return map[string]string{
		"sdk/index.js": "index", "sdk/core.js": "core", "sdk/nim.js": "nim", "sdk/shared.js": "shared",
		"sdk/recents.wasm": strings.Repeat("wasm", 1000), "web/index.html": "page", "web/web/main.js": "demo",
	}
}

func TestPackLaysOutWhatIsServed(t *testing.T) {
	sdk, web, meta, out, cache := build(t, dist())
	require.NoError(t, writeFile(filepath.Join(out, "README"), []byte("kept")))
	require.NoError(t, writeFile(filepath.Join(out, "sdk/chunk-old.js"), []byte("of an earlier build")))
	require.NoError(t, pack(sdk, web, meta, out, cache))

	var names []string
	require.NoError(t, filepath.Walk(out, func(path string, info os.FileInfo, err error) error {
		if err == nil && !info.IsDir() {
			rel, _ := filepath.Rel(out, path)
			names = append(names, filepath.ToSlash(rel))
		}
		return err
	}))
	assert.Equal(t, []string{"README", "index.html", "sdk/core.js", "sdk/index.js", "sdk/nim.js",
		"sdk/recents.wasm", "sdk/recents.wasm.br", "sdk/shared.js", "web/main.js"}, names)

	packed, err := os.ReadFile(filepath.Join(out, "sdk/recents.wasm.br"))
	require.NoError(t, err)
	plain, err := io.ReadAll(brotli.NewReader(bytes.NewReader(packed)))
	require.NoError(t, err)
	assert.Equal(t, dist()["sdk/recents.wasm"], string(plain))
}

func TestCompressedFormsAreKept(t *testing.T) {
	l := layout{cache: t.TempDir()}
	data := []byte("some bytes")
	first, err := l.compress(data)
	require.NoError(t, err)
	forms, err := filepath.Glob(filepath.Join(l.cache, "*"))
	require.NoError(t, err)
	require.Len(t, forms, 1)

	// What is found under the hash is what comes back: it was not made again.
	require.NoError(t, os.WriteFile(forms[0], []byte("kept form"), 0o644))
	again, err := l.compress(data)
	require.NoError(t, err)
	assert.NotEqual(t, first, again)
	assert.Equal(t, "kept form", string(again))
}

func TestAMissingFileIsNoPassedBudget(t *testing.T) {
	for _, missing := range []string{"sdk/index.js", "sdk/core.js", "sdk/shared.js", "sdk/recents.wasm"} {
		files := dist()
		delete(files, missing)
		sdk, web, meta, out, cache := build(t, files)
		assert.ErrorContains(t, pack(sdk, web, meta, out, cache), missing+" is missing")
	}
	_, err := measure(nil, graph{})
	assert.ErrorContains(t, err, "names no index.js")
}

func TestWhatEachBudgetCounts(t *testing.T) {
	sdk, _, meta, _, _ := build(t, dist())
	g, err := readGraph(meta, filepath.ToSlash(sdk))
	require.NoError(t, err)
	rows, err := measure(map[string]size{
		"sdk/index.js": {1, 1}, "sdk/shared.js": {10, 10}, "sdk/core.js": {100, 100},
		"sdk/nim.js": {1000, 1000}, "sdk/recents.wasm": {10000, 10000}, "index.html": {7, 7},
	}, g)
	require.NoError(t, err)
	assert.Equal(t, []row{
		{"JS before the first list", size{11, 11}, bootBudget}, // not what import() loads
		{"recents.wasm", size{10000, 10000}, wasmBudget},
		{"all a page loads", size{10111, 10111}, allBudget}, // each file once, and not another entry's
		{"demo index.html", size{7, 7}, 0},
	}, rows)
}

func TestOverABudget(t *testing.T) {
	var table strings.Builder
	assert.NoError(t, report(&table, []row{{"core", size{9, 5}, 5}, {"page", size{9, 9}, 0}}))
	assert.Contains(t, table.String(), "core")

	err := report(io.Discard, []row{{"core", size{9, 6}, 5}, {"boot", size{9, 8}, 7}, {"page", size{9, 9}, 0}})
	assert.EqualError(t, err, "core: 6 bytes of brotli is over 5\nboot: 8 bytes of brotli is over 7")
}
