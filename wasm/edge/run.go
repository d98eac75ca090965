package main

import (
	"bytes"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"

	"recents/server"
	"recents/server/sqlstore"
)

// run runs a call of the shell's for one object, or one of the front's own
// questions. It is the outermost function, so it is where a panic ends: one that
// got away would end the instance, and with it the calls of all other objects.
func (w *worker) run(c call) (o outcome) {
	defer func() {
		if v := recover(); v != nil {
			w.caught()
			o = outcome{answer: internalError(w.body), failed: true, rollback: true}
		}
	}()
	if err := w.begin(&c); err != nil {
		panic(err) // a key that this instance has asked for
	}
	o.answer = newAnswer(w.body)
	if c.operation == "" {
		w.serve(&o.answer, &c)
	} else if err := w.perform(&o.answer, &c); err != nil {
		slog.Error("operation failed", "operation", c.operation, "error", err)
		o.failed, w.at.rollback = true, true
	}
	w.leave(&o, &c)
	return o
}

// begin makes the shell's call the current one.
func (w *worker) begin(c *call) error {
	w.at = place{now: w.now, name: c.name, open: c.open}
	if c.storage {
		w.at.db = w.db
	}
	if c.teamKey == "" {
		return nil
	}
	return w.at.give(c.teamKey, c.team)
}

// serve runs a request from outside.
func (w *worker) serve(a *answer, c *call) {
	r := c.request()
	w.handler.ServeHTTP(a, r)
	if r.URL.Path == "/v1/sync" && a.status == http.StatusOK {
		w.pulled(c.body)
	}
}

// perform runs an operation of the shell's own. Only "home" asks whose a request
// is.
func (w *worker) perform(a *answer, c *call) error {
	r := &http.Request{Method: http.MethodPost}
	if c.operation == "home" {
		r = c.request()
	}
	data, err := w.operate(r, c.operation, c.body)
	_, _ = a.Write(data) // into memory
	return err
}

// leave tells the shell what the call has left for it to do.
func (w *worker) leave(o *outcome, c *call) {
	if w.at.stirred && !w.at.rollback {
		at, err := w.wakeAt()
		w.at.rollback = err != nil
		o.wakeAt = strconv.FormatInt(at, 10)
	}
	if w.at.posted && c.idle && !w.at.rollback {
		batch, err := nextBatch(w.at.db, w.at.now())
		w.at.rollback = err != nil
		o.batch = appendBatch(nil, batch)
	}
	o.rollback, o.posted, o.missing = w.at.rollback, w.at.posted && !w.at.rollback, w.at.missing
}

// caught logs a panic, without its value, which could quote what a user sent.
func (w *worker) caught() { slog.Error("panic", "stack", string(debug.Stack())) }

// worker is the instance: one Handler for all objects, and the one of them
// whose call runs.
type worker struct {
	handler *server.Handler
	at      place
	sockets sockets
	now     func() int64
	db      sqlstore.DB   // of the object whose call runs
	body    *bytes.Buffer // of the answer of the call that runs
}
