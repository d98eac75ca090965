// Command pack lays out what recentsd embeds: the package's dist and the demo,
// each file of more than 1 KB with its brotli form beside it, so that the
// server compresses nothing while it serves. It is the one place where the
// sizes that users pay for are known, so it prints them and holds them to their
// budgets: over one, it fails.
//
//	go run ./server/recentsd/pack -sdk build/sdk -web build/web -meta build/sdk.meta.json \
//		-out server/recentsd/assets -cache build/cache
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	sdk := flag.String("sdk", "build/sdk", "the package's dist; it goes to sdk/")
	web := flag.String("web", "build/web", "the demo; it goes to the root")
	meta := flag.String("meta", "build/sdk.meta.json", "esbuild's metafile of the package")
	out := flag.String("out", "server/recentsd/assets", "where the files go; all in it but README is replaced")
	cache := flag.String("cache", "build/cache", "where brotli forms are kept, by the hash of their source")
	flag.Parse()

	if err := pack(*sdk, *web, *meta, *out, *cache); err != nil {
		fmt.Fprintln(os.Stderr, "pack:", err)
		os.Exit(1)
	}
}

func pack(sdk, web, metafile, out, cache string) error {
	l := layout{out: out, cache: cache, sizes: map[string]size{}, kept: map[string]bool{"README": true}}
	if err := l.copyTree(sdk, "sdk"); err != nil {
		return err
	}
	if err := l.copyTree(web, ""); err != nil {
		return err
	}
	if err := l.removeStale(); err != nil {
		return err
	}
	g, err := readGraph(metafile, filepath.ToSlash(filepath.Clean(sdk)))
	if err != nil {
		return err
	}
	rows, err := measure(l.sizes, g)
	if err != nil {
		return err
	}
	return report(os.Stdout, rows)
}
