// Command recentsd is the session service on one machine: server.Handler over a
// SQLite file, with the package's dist under /sdk/ and the demo under /.
//
//	recentsd -dev -listen 127.0.0.1:8787 -data data/
//
// It also copies the database while it is served (backup), puts such a copy
// back (restore), and prints tokens (token): see commands.go.
//
// Without -dev it takes RECENTS_SERVER_KEY, and RECENTS_TOKEN_SECRET or
// RECENTS_TOKEN_PUBLIC_KEY, from the environment, and starts with neither
// missing. SIGTERM and SIGINT stop it: calls that run end, sockets are closed
// with 1001, and it exits 0.
//
//	recentsd export -account alice -url https://im.example.com >alice.jsonl
//	recentsd import -url https://worker.example.com <alice.jsonl
//
// These move an account between servers and edge workers; without -url they
// open the database in -data, which no server may have open.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
)

// version is set by the build (-ldflags "-X main.version=…") from version.txt.
var version = "development"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	code := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is main with what it takes from outside passed in. It returns the exit
// code: 0 after a stop, 1 after a failure, 2 for a bad command line.
func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	if len(args) > 0 && commands[args[0]] != nil {
		return runCommand(commands[args[0]], args[1:], console{ctx, getenv, os.Stdin, stdout, stderr})
	}
	c, err := parseConfig(args, getenv, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		fmt.Fprintln(stderr, "recentsd:", err)
		return 2
	case c.showVersion:
		fmt.Fprintln(stdout, "recentsd", version)
		return 0
	}
	log := slog.New(slog.NewJSONHandler(stderr, &slog.HandlerOptions{Level: c.logLevel}))
	if err := serve(ctx, c, log, stdout); err != nil {
		log.Error("stopped", "error", err)
		return 1
	}
	return 0
}
