// Command wiregen writes the TypeScript side of what Go and JavaScript share:
// the shapes of contract.md §2 (core/types.go), the result codes and bounds
// (core/error.go) and the numbers of events and effects (core/replica/event.go).
// Go is the one source; js/src/wire.gen.ts is checked in, and the tests compare
// it with what this prints.
//
//	go run ./core/wiregen > js/src/wire.gen.ts
//	go run ./core/wiregen -types > build/sdk/wire.gen.d.ts   (the shapes alone, for users)
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	root := flag.String("root", ".", "the module's directory")
	typesOnly := flag.Bool("types", false, "print the shapes alone")
	flag.Parse()

	out, err := generate(*root, *typesOnly)
	if err == nil {
		_, err = os.Stdout.Write(out)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "wiregen:", err)
		os.Exit(1)
	}
}
