// Command edge is the session service in an edge worker: server.Handler over
// the SQL storage of Durable Objects, one for each account and each group.
//
// One instance serves all objects of its isolate. A call runs from its beginning
// to its end without giving control back: storage answers synchronously, and the
// shell has read the body before. So there is one call at a time, and the
// shell's transaction around it is the call's. Calls of objects come as bytes
// through exports (door); what is answered in front of them comes as the
// platform's requests.
package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/hex"
	"io"
	"log/slog"
	"os"
	"syscall/js"
	"time"

	"github.com/syumai/workers"

	"recents/server"
)

var shell = js.Global().Get("recents")

func main() {
	w := &worker{at: place{now: now}, now: now, db: shellDB{}, body: &door.body}
	w.sockets = jsSockets{&w.at}
	h, err := server.New(context.Background(), options(w))
	if err != nil {
		panic(err) // of an in-memory map: there is nothing it asks
	}
	w.handler = h
	door.worker = w
	workers.ServeNonBlock(w)
	workers.Ready()
	select {}
}

func options(w *worker) server.Options {
	dev := env("RECENTS_DEV") != ""
	limits := server.DefaultLimits()
	return server.Options{
		Accounts: &w.at, Remote: &w.at, Publish: w.publish, Keys: keys(), Now: now, NewID: newID,
		Origins: splitList(env("RECENTS_ALLOW_ORIGIN")), Dev: dev,
		Limits:      server.Limits{AccountRate: limits.AccountRate, AccountSockets: limits.AccountSockets}, // addresses are limited in front
		Timeout:     server.NoTimeout,                                                                      // storage answers at once
		OpenSockets: func() int { return w.at.open },
		Log:         slog.New(slog.NewJSONHandler(os.Stdout, &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
}

// keys are the worker's secrets. Without a key that reads, the tokens that it
// would check are refused.
func keys() server.Keys {
	k := server.Keys{ServerKey: env("RECENTS_SERVER_KEY"), Secret: []byte(env("RECENTS_TOKEN_SECRET")), Audience: env("RECENTS_TOKEN_AUDIENCE")}
	if text := env("RECENTS_TOKEN_PUBLIC_KEY"); text != "" {
		var err error
		if k.PublicKey, err = server.ParsePublicKey(text); err != nil {
			slog.Error("RECENTS_TOKEN_PUBLIC_KEY", "error", err)
		}
	}
	return k
}

// env reads a variable or secret of the worker, "" when it is not set.
func env(name string) string {
	if v := shell.Get("env").Get(name); v.Type() == js.TypeString {
		return v.String()
	}
	return ""
}

func now() int64 { return time.Now().UnixMilli() }

// random is read ahead of, since asking the runtime costs what 32 ids do.
var random = bufio.NewReaderSize(rand.Reader, 512)

// newID returns 128 random bits as 32 hex digits.
func newID() string {
	var b [16]byte
	_, _ = io.ReadFull(random, b[:]) // never fails: crypto/rand ends the process first
	return hex.EncodeToString(b[:])
}
