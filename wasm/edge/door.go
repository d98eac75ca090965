package main

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// What crosses the door between the shell and this instance: a call is a heading
// of fields and a body, and so is what it leaves. Nothing of the platform's
// requests and answers is touched here, each header of which would be a crossing
// of its own: that was half of a list's time.

// fieldEnd ends each field of a heading. No field holds it: names and headers
// have no control characters, and JSON escapes them.
const fieldEnd = "\x00"

// call is one of the shell's.
type call struct {
	operation     string // "" is a request from outside
	name          string // of the object: an account, or a group's session key
	storage       bool
	idle          bool // nobody carries the object's parcels, so the call hands out the first
	open          int  // sockets of the object
	teamKey, team string
	method, url   string
	headers       []string // name and value of each that is there
	body          []byte
}

const callFields = 9 // before the headers

func parseCall(heading string, body []byte) call {
	f := strings.Split(heading, fieldEnd)
	open, _ := strconv.Atoi(f[4]) // the shell's own
	return call{operation: f[0], name: f[1], storage: f[2] != "", idle: f[3] != "", open: open, teamKey: f[5], team: f[6],
		method: f[7], url: f[8], headers: f[callFields : len(f)-1], body: body}
}

// request is what the call was asked from outside.
func (c *call) request() *http.Request {
	r := &http.Request{Method: c.method, URL: parseURL(c.url), Header: make(http.Header, len(c.headers)/2), ContentLength: -1}
	for i := 0; i < len(c.headers); i += 2 {
		r.Header[http.CanonicalHeaderKey(c.headers[i])] = values(c.headers[i], c.headers[i+1])
	}
	r.Host = r.Header.Get("Host")
	r.RemoteAddr = remoteAddr(r)
	if n, err := strconv.ParseInt(r.Header.Get("Content-Length"), 10, 64); err == nil {
		r.ContentLength = n
	}
	if len(c.body) > 0 {
		r.Body = io.NopCloser(bytes.NewReader(c.body))
	}
	return r
}

// parseURL takes a URL as the platform has it. One with an escape that is none
// is of no call.
func parseURL(text string) *url.URL {
	if at, err := url.Parse(text); err == nil {
		return at
	}
	return &url.URL{Path: text}
}

// values are a header's, which the platform has joined. One is counted; in the
// others a comma may be the sender's.
func values(name, joined string) []string {
	if name == "Idempotency-Key" {
		return strings.Split(joined, ", ")
	}
	return []string{joined}
}

// remoteAddr is the caller's address as the platform's front saw it. A runtime
// on one's own machine tells none; it is in dev mode, on a loopback address.
func remoteAddr(r *http.Request) string {
	if ip := r.Header.Get("Cf-Connecting-Ip"); ip != "" {
		return net.JoinHostPort(ip, "0")
	}
	return "127.0.0.1:0"
}

// outcome is what a call leaves for the shell.
type outcome struct {
	answer
	failed   bool   // an operation that ended with an error
	rollback bool   // nothing of the call may stay
	posted   bool   // parcels wait to be carried
	wakeAt   string // when the object has to wake, ms; "0" for never, "" as it was
	missing  string // the group that the call needs and was not given
	batch    []byte // the parcels to carry, for an idle object
}

// appendHeading appends all of an outcome but the answer's body.
func (o *outcome) appendHeading(dst []byte) []byte {
	dst = append(strconv.AppendInt(dst, int64(o.status), 10), fieldEnd...)
	for _, flag := range []bool{o.failed, o.rollback, o.posted} {
		if flag {
			dst = append(dst, '1')
		}
		dst = append(dst, fieldEnd...)
	}
	dst = append(append(dst, o.wakeAt...), fieldEnd...)
	dst = append(append(dst, o.missing...), fieldEnd...)
	dst = append(append(dst, o.batch...), fieldEnd...)
	for name, all := range o.header {
		for _, value := range all {
			dst = append(append(append(append(dst, name...), fieldEnd...), value...), fieldEnd...)
		}
	}
	return dst
}

// answer gathers a response: to is its body.
type answer struct {
	header http.Header
	status int
	to     *bytes.Buffer
}

func newAnswer(to *bytes.Buffer) answer {
	to.Reset()
	return answer{header: make(http.Header, 8), status: http.StatusOK, to: to}
}

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) WriteHeader(status int)      { a.status = status }
func (a *answer) Write(b []byte) (int, error) { return a.to.Write(b) }

// internalError is the answer of a call that panicked.
func internalError(to *bytes.Buffer) answer {
	a := newAnswer(to)
	a.header.Set("Content-Type", "application/json; charset=utf-8")
	a.status = http.StatusInternalServerError
	to.WriteString(`{"code":500,"errorDetails":"internal error"}`)
	return a
}
