// Command join rewrites the data section of a wasm file with fewer segments:
//
//	go run ./wasm/join [-lines=false] FILE
//
// Go's linker cuts its data at every run of eight zero bytes, since memory
// starts as zeros. That makes 42,000 segments, each with an offset that no
// compressor foresees: written through, zeros cost next to nothing, and the
// core of the browser is 43 KB of brotli smaller. What an instance finds in its
// memory is the same.
//
// -lines=false also takes out what a traceback says of files and lines: see
// lines.go.
package main

import (
	"flag"
	"fmt"
	"os"
)

// joinBelow is the longest run of zeros that is written through: of 16, 64,
// 1,024 and all, 64 and up are alike when compressed, and 64 is the smallest
// uncompressed.
const joinBelow = 64

func main() {
	lines := flag.Bool("lines", true, "keep the files and lines of tracebacks")
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: join [-lines=false] FILE")
		os.Exit(2)
	}
	if err := rewrite(flag.Arg(0), !*lines); err != nil {
		fmt.Fprintln(os.Stderr, "join:", err)
		os.Exit(1)
	}
}

func rewrite(path string, dropLines bool) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if b, err = join(b, dropLines); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return os.WriteFile(path, b, 0o755)
}
