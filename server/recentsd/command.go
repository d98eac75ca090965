package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"path/filepath"

	"recents/server"
	"recents/server/sqlite"
)

// command is something that recentsd does beside serving. args are its flags,
// in and out its streams.
type command struct {
	account, url, key, dataDir string
	replace                    bool
	in                         io.Reader
	out                        io.Writer
}

// commands by name, with what a usage text says of each.
var commands = map[string]struct {
	does string
	run  func(*command, *client) error
}{
	"export": {"write an account to the standard output, one page a line", (*command).exportAccount},
	"import": {"read an account from the standard input, as export wrote it", (*command).importAccount},
	"seed":   {"give the demo's accounts to an empty server", func(_ *command, c *client) error { return seed(c) }},
}

// runCommand runs args[0] with the flags that follow, and returns the exit code
// as run does.
func runCommand(ctx context.Context, args []string, getenv func(string) string, in io.Reader, out, stderr io.Writer) int {
	c := &command{in: in, out: out}
	f := c.flags(args[0], getenv(envServerKey))
	f.SetOutput(stderr)
	if err := f.Parse(args[1:]); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	if err := c.check(args[0], f.Arg(0)); err != nil {
		fmt.Fprintln(stderr, "recentsd "+args[0]+":", err)
		return 2
	}
	if err := c.do(ctx, commands[args[0]].run); err != nil {
		fmt.Fprintln(stderr, "recentsd "+args[0]+":", err)
		return 1
	}
	return 0
}

func (c *command) flags(name, key string) *flag.FlagSet {
	f := flag.NewFlagSet("recentsd "+name, flag.ContinueOnError)
	f.Usage = func() {
		fmt.Fprintf(f.Output(), "recentsd %s: %s\n", name, commands[name].does)
		f.PrintDefaults()
	}
	f.StringVar(&c.url, "url", "", "address of the server or the worker; without one, the database in -data, which no server may have open")
	f.StringVar(&c.dataDir, "data", "data", "directory of the database")
	f.Func("key", "its server key; better given as "+envServerKey, func(text string) error { c.key = text; return nil })
	c.key = key
	if name == "export" {
		f.StringVar(&c.account, "account", "", "whose sessions")
	}
	if name == "import" {
		f.BoolVar(&c.replace, "replace", false, "forget what the account holds there")
	}
	return f
}

func (c *command) check(name, rest string) error {
	switch {
	case rest != "":
		return fmt.Errorf("%q is not a flag", rest)
	case name == "export" && c.account == "":
		return errors.New("-account: is missing")
	case c.url != "" && c.key == "":
		return fmt.Errorf("-key: is missing, and %s is not set", envServerKey)
	}
	return nil
}

// do runs the command at the address, or in the database.
func (c *command) do(ctx context.Context, fn func(*command, *client) error) (err error) {
	if c.url != "" {
		return fn(c, newClient(ctx, c.url, c.key))
	}
	db, err := sqlite.Open(filepath.Join(c.dataDir, "recents.db"), sqlite.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	keys := server.Keys{ServerKey: newID(), Secret: []byte(newID())}
	h, err := server.New(ctx, server.Options{Accounts: db, Keys: keys, Now: now, NewID: newID})
	if err != nil {
		return err
	}
	return fn(c, &client{ctx, "http://database", keys.ServerKey, &http.Client{Transport: inProcess{h}}})
}

// exportAccount writes each page as it came. An account that changes meanwhile
// is refused: what would be written is of no one moment.
func (c *command) exportAccount(at *client) error {
	for after := ""; ; {
		var page json.RawMessage
		if err := at.call("exportAccount", at.key, object{"account": c.account, "after": after}, &page); err != nil {
			return err
		}
		if _, err := c.out.Write(append(page, '\n')); err != nil {
			return err
		}
		var read struct{ Next string }
		if err := json.Unmarshal(page, &read); err != nil {
			return err
		}
		if after = read.Next; after == "" {
			return nil
		}
	}
}

// importAccount sends each line's page with the cursor of the answer before.
func (c *command) importAccount(at *client) error {
	lines, cursor, pages := bufio.NewReader(c.in), "", 0
	for {
		line, err := lines.ReadBytes('\n')
		if line = bytes.TrimSpace(line); len(line) > 0 {
			pages++
			if cursor, err = c.importPage(at, line, cursor); err != nil {
				return fmt.Errorf("line %d: %w", pages, err)
			}
			continue
		}
		switch {
		case err == nil:
		case err != io.EOF:
			return err
		case pages == 0:
			return errors.New("there is no page to read")
		case cursor != "":
			return fmt.Errorf("the last page is missing after line %d: the account holds a part of it", pages)
		default:
			return nil
		}
	}
}

func (c *command) importPage(at *client, page []byte, cursor string) (next string, err error) {
	var read struct{ Account string }
	if err := json.Unmarshal(page, &read); err != nil {
		return "", fmt.Errorf("is no page of an export: %w", err)
	}
	replace := 0
	if c.replace {
		replace = 1
	}
	var answer struct{ Cursor string }
	body := object{"account": read.Account, "cursor": cursor, "replace": replace, "page": json.RawMessage(page)}
	err = at.call("importAccount", at.key, body, &answer)
	return answer.Cursor, err
}
