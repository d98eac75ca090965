package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"recents/core"
	"recents/progress"
	"recents/server"
	"recents/server/sqlite"
)

// console is what a command takes from outside.
type console struct {
	ctx            context.Context // ends at an interrupt
	getenv         func(string) string
	stdin          io.Reader
	stdout, stderr io.Writer
}

// commands are what recentsd does other than serve.
var commands = map[string]func(args []string, c console) error{
	"backup":  backup,
	"restore": restore,
	"token":   token,
	"export":  remote("export", progress.Count("changes"), (*transfer).exportAccount),
	"import":  remote("import", progress.Bytes, (*transfer).importAccount),
	"seed":    remote("seed", progress.Count("calls"), func(t *transfer, c *client) error { return seed(c, t.seedTime, t.told) }),
}

const usage = `recentsd [flags]                             serve
recentsd backup [-data DIR] FILE             copy the database to a new file; a server may be running on it
recentsd restore [-data DIR] [-force] FILE   put a backup's file in its place; stop the server first
recentsd export -account NAME [-url URL]     write an account to the standard output, one page a line
recentsd import [-replace] [-url URL]        read one from the standard input, as export wrote it
recentsd seed -url URL [-time T]            give the demo's accounts to an empty server
recentsd token -account NAME [-ttl 24h]      print a token, signed with RECENTS_TOKEN_SECRET (with -dev: the data directory's)

`

// databaseOf is where the database of a data directory is.
func databaseOf(dataDir string) string { return filepath.Join(dataDir, "recents.db") }

// runCommand returns the exit code, as run does.
func runCommand(command func([]string, console) error, args []string, c console) int {
	var bad *badUsage
	switch err := command(args, c); {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case errors.As(err, &bad):
		fmt.Fprintln(c.stderr, "recentsd:", err)
		return 2
	default:
		fmt.Fprintln(c.stderr, "recentsd:", err)
		return 1
	}
}

// badUsage is an error of the command line.
type badUsage struct{ error }

func (b *badUsage) Unwrap() error { return b.error }

func newFlags(name string, c console) (f *flag.FlagSet, dataDir *string) {
	f = flag.NewFlagSet("recentsd "+name, flag.ContinueOnError)
	f.SetOutput(c.stderr)
	return f, f.String("data", "data", "directory of the database")
}

// oneFile parses a command line that names one file.
func oneFile(f *flag.FlagSet, args []string) (string, error) {
	if err := f.Parse(args); err != nil {
		return "", &badUsage{err}
	}
	if f.NArg() != 1 {
		return "", &badUsage{fmt.Errorf("%s takes one file, not %d", f.Name(), f.NArg())}
	}
	return f.Arg(0), nil
}

func backup(args []string, c console) error {
	f, dataDir := newFlags("backup", c)
	to, err := oneFile(f, args)
	if err != nil {
		return err
	}
	m := progress.On(c.stderr, progress.Bytes)
	defer m.End()
	return sqlite.Backup(databaseOf(*dataDir), to, m.Step)
}

func restore(args []string, c console) error {
	f, dataDir := newFlags("restore", c)
	force := f.Bool("force", false, "replace the database that is there; it is kept as recents.db.replaced")
	from, err := oneFile(f, args)
	if err != nil {
		return err
	}
	if err := makeDataDir(*dataDir); err != nil {
		return err
	}
	m := progress.On(c.stderr, progress.Bytes)
	defer m.End()
	return sqlite.Restore(from, databaseOf(*dataDir), *force, m.Step)
}

func token(args []string, c console) error {
	f, dataDir := newFlags("token", c)
	name := f.String("account", "", "whose token; required")
	ttl := f.Duration("ttl", server.DefaultTokenLife, "how long it is good for")
	dev := f.Bool("dev", false, "sign with the dev secret of the data directory")
	keys := server.Keys{}
	f.StringVar(&keys.Audience, "token-audience", "", "aud of the token, as given to the server")
	if err := f.Parse(args); err != nil {
		return &badUsage{err}
	}
	if err := checkToken(f, *name, *ttl); err != nil {
		return &badUsage{err}
	}
	var err error
	if keys.Secret, err = tokenSecret(*dev, *dataDir, c.getenv); err != nil {
		return err
	}
	text, _, err := keys.Issue(*name, *ttl, now())
	if err == nil {
		_, err = fmt.Fprintln(c.stdout, text)
	}
	return err
}

func checkToken(f *flag.FlagSet, name string, ttl time.Duration) error {
	switch {
	case f.NArg() > 0:
		return fmt.Errorf("%q is not a flag", f.Arg(0))
	case ttl < time.Second:
		return fmt.Errorf("-ttl: %s is under 1s", ttl)
	case ttl > server.MaxTokenLife:
		return fmt.Errorf("-ttl: %s is over %s", ttl, server.MaxTokenLife)
	}
	return core.CheckID("-account", name)
}

func tokenSecret(dev bool, dataDir string, getenv func(string) string) ([]byte, error) {
	if !dev {
		secret := getenv(envSecret)
		return []byte(secret), checkSecret(envSecret, secret)
	}
	if err := makeDataDir(dataDir); err != nil {
		return nil, err
	}
	return devSecret(dataDir)
}
