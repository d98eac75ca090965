package main

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"syscall/js"

	"recents/server"
)

// ServeHTTP answers a request that belongs to no object, in front of them. The
// shell has read its body.
func (w *worker) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	asked := shell.Get("asked")
	var to bytes.Buffer
	a := newAnswer(&to)
	defer func() {
		if v := recover(); v != nil {
			w.caught()
			a = internalError(&to)
		}
		asked.Set("ended", true)
		a.send(out)
	}()
	w.at = place{now: now}
	r.RemoteAddr = remoteAddr(r)
	if body := bytesIn(asked.Get("body")); body != nil {
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	if code := asked.Get("refusal").Int(); code != 0 {
		w.handler.Refuse(&a, r, code)
		return
	}
	w.handler.ServeHTTP(&a, r)
}

// send answers with one Uint8Array: streams cost memory that is never given
// back.
func (a *answer) send(out http.ResponseWriter) {
	for name, values := range a.header {
		out.Header()[name] = values
	}
	if a.to.Len() > 0 {
		out.Header().Set("Content-Length", strconv.Itoa(a.to.Len()))
	}
	body := js.Global().Get("Uint8Array").New(a.to.Len())
	js.CopyBytesToJS(body, a.to.Bytes())
	out.(interface{ WriteRawJSBody(js.Value) }).WriteRawJSBody(body)
	out.WriteHeader(a.status)
}

func bytesIn(array js.Value) []byte {
	if array.IsNull() {
		return nil
	}
	b := make([]byte, array.Get("byteLength").Int())
	js.CopyBytesToGo(b, array)
	return b
}

// jsSockets are the sockets of the shell's current call. Most calls find none
// open, and ask nothing.
type jsSockets struct{ at *place }

func (s jsSockets) all() []server.Carried {
	if s.at.open == 0 {
		return nil
	}
	return parseCarried(shell.Get("call").Call("carried").String())
}

func (jsSockets) send(i int, frame []byte) { shell.Get("call").Call("send", i, string(frame)) }

func (jsSockets) keep(i int, c *server.Carried) {
	shell.Get("call").Call("keep", i, string(appendCarried(nil, c)))
}

func (jsSockets) close(i, code int, reason string) {
	shell.Get("call").Call("close", i, code, reason)
}
