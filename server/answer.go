package server

import (
	"context"
	"errors"
	"net/http"
	"runtime"
	"runtime/debug"
	"strconv"
	"time"

	"log/slog"

	"recents/core"
)

// reply is the http.ResponseWriter of one request, which remembers what the
// log line tells.
type reply struct {
	http.ResponseWriter
	code    int           // result code of the envelope, or the HTTP status of what has none
	bytes   int           // of the body
	begun   bool          // the header is out
	account string        // "" until known; logged at debug only
	waited  time.Duration // for a change, which is no work: neither logged nor measured
}

func (w *reply) WriteHeader(status int) {
	if w.code == 0 {
		w.code = status
	}
	w.begun = true
	w.ResponseWriter.WriteHeader(status)
}

func (w *reply) Write(b []byte) (int, error) {
	if !w.begun {
		w.WriteHeader(http.StatusOK)
	}
	n, err := w.ResponseWriter.Write(b)
	w.bytes += n
	return n, err
}

// Unwrap lets http.ResponseController and the WebSocket's upgrade through.
func (w *reply) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// statusOf returns the HTTP status of a result code (api.md §2).
func statusOf(code int) int {
	switch code {
	case core.CodeToken:
		return http.StatusUnauthorized
	case core.CodeBadParam:
		return http.StatusBadRequest
	case core.CodeTooMany:
		return http.StatusTooManyRequests
	}
	return code
}

// succeed answers {"code":200,"data":…}; data is JSON.
func (w *reply) succeed(data []byte) {
	w.send(http.StatusOK, core.CodeOK, []byte(core.AnswerHead), data, []byte(core.AnswerTail))
}

// refuse answers {"code":414,"errorDetails":"…"} with the status to match.
func (w *reply) refuse(code int, details string) {
	switch code {
	case core.CodeToken:
		w.Header().Set("WWW-Authenticate", `Bearer realm="recents", error="invalid_token"`)
	case core.CodeUnavailable:
		w.Header().Set("Retry-After", "1")
	}
	w.refuseAs(statusOf(code), code, details)
}

func (w *reply) refuseAs(status, code int, details string) {
	b := strconv.AppendInt([]byte(`{"code":`), int64(code), 10)
	b = core.AppendString(append(b, `,"errorDetails":`...), details)
	w.send(status, code, append(b, '}'))
}

// send writes the body's parts one after the other: a list's is 200 KB, which
// need not be copied.
func (w *reply) send(status, code int, body ...[]byte) {
	w.code = code
	length := 0
	for _, part := range body {
		length += len(part)
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Content-Length", strconv.Itoa(length))
	w.WriteHeader(status)
	for _, part := range body {
		_, _ = w.Write(part) // the peer left: nobody to tell
	}
}

// fail answers an error of a call: a refusal as it is; anything else is code
// 500 outside and logged inside.
func (h *Handler) fail(w *reply, r *http.Request, err error) {
	var refusal *core.Error
	switch {
	case errors.As(err, &refusal):
		w.refuse(refusal.Code, refusal.Details)
	case errors.Is(err, context.DeadlineExceeded):
		w.refuse(core.CodeTimeout, "the store did not answer within "+h.opts.Timeout.String())
	case errors.Is(err, context.Canceled):
		w.refuse(core.CodeTimeout, "the caller left")
	default:
		h.opts.Log.Error("call failed", "path", pathName(h, r), "error", err)
		h.failInside(w)
	}
}

func (h *Handler) failInside(w *reply) {
	var refusal *core.Error
	if errors.As(h.unready(), &refusal) && !h.stopping.Load() {
		w.refuse(refusal.Code, refusal.Details)
		return
	}
	w.refuse(core.CodeServer, "internal error")
}

// Refuse answers a request that a place in front of the accounts does not pass
// on: with core.CodeUnavailable, since the place where the account is does not
// answer; with core.CodeTooMany, since its address calls too often; with
// core.CodeServer else.
func (h *Handler) Refuse(w http.ResponseWriter, r *http.Request, code int) {
	out := &reply{ResponseWriter: w}
	defer h.finish(out, r, time.Now())
	switch {
	case h.origins.preflight(out, r):
	case code == core.CodeUnavailable:
		out.refuse(code, "the account's place is busy or moves: try again")
	case code == core.CodeTooMany:
		h.fail(out, r, tooMany(out, "requests from one address", addressPause))
	default:
		out.refuse(core.CodeServer, "internal error")
	}
}

// addressPause is how long an address that is limited in front is told to wait:
// the shortest period of the platform's limits.
const addressPause = 9 * time.Second

// finish ends a request: it catches a panic, counts, and logs one line. The
// line holds no token, no message, and no account unless at debug.
func (h *Handler) finish(w *reply, r *http.Request, start time.Time) {
	if v := recover(); v != nil {
		h.caught(w, r, v)
	}
	took := time.Since(start) - w.waited
	path := pathName(h, r)
	h.opts.Metrics.Called(path, w.code, took)
	if !h.opts.Log.Enabled(r.Context(), h.level(path)) {
		return
	}
	attrs := []slog.Attr{slog.String("method", methodName(r)), slog.String("path", path), slog.Int("code", w.code),
		slog.Float64("ms", float64(took.Microseconds())/1000), slog.Int("bytes", w.bytes)}
	if w.account != "" && h.opts.Log.Enabled(r.Context(), slog.LevelDebug) {
		attrs = append(attrs, slog.String("account", w.account))
	}
	h.opts.Log.LogAttrs(r.Context(), h.level(path), "request", attrs...)
}

// level keeps probes out of the ordinary log.
func (h *Handler) level(path string) slog.Level {
	if h.routes[path].serve != nil && path != updatesPath {
		return slog.LevelDebug
	}
	return slog.LevelInfo
}

// caught logs a panic and answers 500.
func (h *Handler) caught(w *reply, r *http.Request, v any) {
	if v == http.ErrAbortHandler {
		panic(v)
	}
	h.logPanic(pathName(h, r), v)
	if !w.begun {
		w.refuse(core.CodeServer, "internal error")
	}
}

// logPanic logs the value's text for errors of the runtime only: any other could
// quote what a user sent.
func (h *Handler) logPanic(path string, v any) {
	what := "a value that is no runtime error"
	if e, ok := v.(runtime.Error); ok {
		what = e.Error()
	}
	h.opts.Log.Error("panic", "path", path, "panic", what, "stack", string(debug.Stack()))
}

// pathName is the path when it is a known one: what a caller makes up is
// neither logged nor made a metric's label.
func pathName(h *Handler, r *http.Request) string {
	if _, ok := h.routes[r.URL.Path]; ok {
		return r.URL.Path
	}
	return "other"
}

func methodName(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodOptions:
		return r.Method
	}
	return "other"
}
