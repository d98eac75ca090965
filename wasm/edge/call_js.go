package main

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/url"
	"runtime/debug"
	"strconv"
	"syscall/js"

	"log/slog"

	"recents/server"
)

// ServeHTTP runs the shell's current call, a request from outside. It is the
// outermost handler, so it is where a panic ends: one that got away would end
// the instance, and with it the calls of all other objects.
func (w *worker) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	call := shell.Get("call")
	a := &answer{header: http.Header{}, status: http.StatusOK}
	defer func() {
		if v := recover(); v != nil {
			w.caught()
			*a = answer{header: http.Header{"Content-Type": {"application/json; charset=utf-8"}}, status: http.StatusInternalServerError}
			a.body.WriteString(`{"code":500,"errorDetails":"internal error"}`)
		}
		w.finish(call)
		a.send(out)
	}()
	w.begin(call)
	r.RemoteAddr = remoteAddr(r)
	body := bytesOf(call.Get("body"))
	if call.Get("operation").String() == "refuse" {
		code, _ := strconv.Atoi(string(body)) // the shell's own; 0 is an internal error
		w.handler.Refuse(a, r, code)
		return
	}
	w.answer(a, r, body)
}

// caught logs a panic, without its value, which could quote what a user sent.
func (w *worker) caught() {
	slog.Error("panic", "stack", string(debug.Stack()))
	w.at.rollback = true
}

// answer runs a request.
func (w *worker) answer(a *answer, r *http.Request, body []byte) {
	if body != nil {
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	w.handler.ServeHTTP(a, r)
	if r.URL.Path == "/v1/sync" && a.status == http.StatusOK {
		w.pulled(body)
	}
}

// serveOperation runs the shell's current call, one of its own. It is called as
// a function, not as a request: requests and answers of the platform's kind take
// longer than most operations do.
func (w *worker) serveOperation() {
	call := shell.Get("call")
	ok := false
	defer func() {
		if v := recover(); v != nil {
			w.caught()
		}
		call.Set("failed", !ok)
		w.finish(call)
	}()
	w.begin(call)
	name := call.Get("operation").String()
	data, err := w.operate(requestOf(call, name), name, bytesOf(call.Get("body")))
	if err != nil {
		slog.Error("operation failed", "operation", name, "error", err)
		w.at.rollback = true
		return
	}
	call.Set("data", string(data))
	ok = true
}

// requestOf is what an operation is told of the request that it is for: "home"
// asks whose it is, and no other asks anything.
func requestOf(call js.Value, name string) *http.Request {
	r := &http.Request{Method: http.MethodPost, URL: &url.URL{}, Header: http.Header{}}
	if name == "home" {
		request := call.Get("request")
		r.Method = request.Get("method").String()
		if at, err := url.Parse(request.Get("url").String()); err == nil {
			r.URL = at
		}
		if key := request.Get("headers").Call("get", "Authorization"); key.Type() == js.TypeString {
			r.Header.Set("Authorization", key.String())
		}
	}
	return r
}

// begin makes the shell's call the current one.
func (w *worker) begin(call js.Value) {
	p := place{now: now, name: call.Get("name").String()}
	if storage := call.Get("sql"); storage.Truthy() {
		p.db = &jsDB{call}
	}
	w.at = p
	if key := call.Get("teamKey"); key.Type() == js.TypeString {
		if err := w.at.give(key.String(), call.Get("team").String()); err != nil {
			panic(err) // a key that this instance has asked for
		}
	}
}

// finish tells the shell what the call has left for it to do.
func (w *worker) finish(call js.Value) {
	if w.at.stirred && !w.at.rollback {
		at, err := w.wakeAt()
		if err != nil {
			w.at.rollback = true
		}
		call.Set("wakeAt", float64(at))
	}
	call.Set("rollback", w.at.rollback)
	call.Set("missingTeam", w.at.missing)
	call.Set("posted", w.at.posted && !w.at.rollback)
	call.Set("ended", true)
}

// remoteAddr is the caller's address as the platform's front saw it. A runtime
// on one's own machine tells none; it is in dev mode, on a loopback address.
func remoteAddr(r *http.Request) string {
	if ip := r.Header.Get("Cf-Connecting-Ip"); ip != "" {
		return net.JoinHostPort(ip, "0")
	}
	return "127.0.0.1:0"
}

// answer gathers a response, which leaves as one Uint8Array: streams cost
// memory that is never given back.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) WriteHeader(status int)      { a.status = status }
func (a *answer) Write(b []byte) (int, error) { return a.body.Write(b) }

func (a *answer) send(out http.ResponseWriter) {
	for name, values := range a.header {
		out.Header()[name] = values
	}
	if a.body.Len() > 0 {
		out.Header().Set("Content-Length", strconv.Itoa(a.body.Len()))
	}
	body := js.Global().Get("Uint8Array").New(a.body.Len())
	js.CopyBytesToJS(body, a.body.Bytes())
	out.(interface{ WriteRawJSBody(js.Value) }).WriteRawJSBody(body)
	out.WriteHeader(a.status)
}

func bytesOf(array js.Value) []byte {
	if array.IsNull() {
		return nil
	}
	b := make([]byte, array.Get("byteLength").Int())
	js.CopyBytesToGo(b, array)
	return b
}

// jsSockets are the sockets of the shell's current call.
type jsSockets struct{}

func (jsSockets) all() []server.Carried {
	return parseCarried(shell.Get("call").Call("carried").String())
}

func (jsSockets) send(i int, frame []byte) { shell.Get("call").Call("send", i, string(frame)) }

func (jsSockets) keep(i int, c *server.Carried) {
	shell.Get("call").Call("keep", i, string(appendCarried(nil, c)))
}

func (jsSockets) close(i, code int, reason string) {
	shell.Get("call").Call("close", i, code, reason)
}
