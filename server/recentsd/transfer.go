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
	"os"
	"time"

	"recents/progress"
	"recents/server"
	"recents/server/sqlite"
)

// transfer is a command that calls a server, an edge worker, or the database of a
// data directory as if a server had it open.
type transfer struct {
	account, url, key, dataDir string
	replace                    bool
	seedTime                   time.Time
	in                         io.Reader
	out                        io.Writer
	told                       func(done, total int64) // how far it is, in the command's unit
}

// remote makes a command of what it does with a client, and of what its progress
// is counted in.
func remote(name string, unit progress.Unit, run func(*transfer, *client) error) func(args []string, c console) error {
	return func(args []string, con console) error {
		m := progress.On(con.stderr, unit)
		defer m.End()
		c := &transfer{in: con.stdin, out: m.Above(con.stdout), key: con.getenv(envServerKey)}
		c.told = func(done, total int64) { m.Step(name, done, total) }
		f := c.flags(name, con)
		if err := f.Parse(args); err != nil {
			return &badUsage{err}
		}
		if err := c.check(name, f.Arg(0)); err != nil {
			return &badUsage{fmt.Errorf("%s: %w", name, err)}
		}
		if err := c.do(con.ctx, run); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		return nil
	}
}

func (c *transfer) flags(name string, con console) *flag.FlagSet {
	f := flag.NewFlagSet("recentsd "+name, flag.ContinueOnError)
	f.SetOutput(con.stderr)
	f.StringVar(&c.url, "url", "", "address of the server or the worker; without one, the database in -data, which no server may have open")
	f.StringVar(&c.dataDir, "data", "data", "directory of the database")
	f.Func("key", "its server key; better given as "+envServerKey, func(text string) error { c.key = text; return nil })
	if name == "export" {
		f.StringVar(&c.account, "account", "", "whose sessions")
	}
	if name == "seed" {
		f.TextVar(&c.seedTime, "time", time.Now(), "when the last of the demo's messages was sent, as RFC 3339")
	}
	if name == "import" {
		f.BoolVar(&c.replace, "replace", false, "forget what the account holds there")
	}
	return f
}

func (c *transfer) check(name, rest string) error {
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
func (c *transfer) do(ctx context.Context, fn func(*transfer, *client) error) (err error) {
	if c.url != "" {
		return fn(c, newClient(ctx, c.url, c.key))
	}
	db, err := sqlite.Open(databaseOf(c.dataDir), sqlite.Options{})
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
func (c *transfer) exportAccount(at *client) error {
	for after := ""; ; {
		var page json.RawMessage
		if err := at.call("exportAccount", at.key, object{"account": c.account, "after": after}, &page); err != nil {
			return err
		}
		if _, err := c.out.Write(append(page, '\n')); err != nil {
			return err
		}
		var read struct {
			Next    string
			Seq     int64
			Records []struct {
				Row struct {
					Seq int64 `json:"q"`
				}
			}
		}
		if err := json.Unmarshal(page, &read); err != nil {
			return err
		}
		if n := len(read.Records); n > 0 {
			c.told(read.Records[n-1].Row.Seq, read.Seq) // how far in the account's log
		}
		if after = read.Next; after == "" {
			return nil
		}
	}
}

// importAccount sends each line's page with the cursor of the answer before.
func (c *transfer) importAccount(at *client) error {
	lines, cursor, pages := bufio.NewReader(c.in), "", 0
	read, total := int64(0), sizeOf(c.in)
	for {
		line, err := lines.ReadBytes('\n')
		read += int64(len(line))
		if line = bytes.TrimSpace(line); len(line) > 0 {
			pages++
			if cursor, err = c.importPage(at, line, cursor); err != nil {
				return fmt.Errorf("line %d: %w", pages, err)
			}
			c.told(read, total)
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

// sizeOf is how much there is to read, and 0 when nobody knows: of a pipe.
func sizeOf(in io.Reader) int64 {
	f, ok := in.(*os.File)
	if !ok {
		return 0
	}
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return 0
	}
	return info.Size()
}

func (c *transfer) importPage(at *client, page []byte, cursor string) (next string, err error) {
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
