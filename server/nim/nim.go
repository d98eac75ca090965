// Package nim takes the vendor's HTTP calls that feed a session list, so that an
// app's backend moves over by changing a base URL: sendMsg, sendBatchMsg,
// recall and querySessionList, form-encoded with the CheckSum headers, and its
// message copies.
//
// It is a translation and no more: each call becomes calls of the service's own
// API (api.md §2), made in the process with the server key. What a call means,
// what it refuses and how often it is done is decided there.
package nim

import (
	"crypto/sha1" //nolint:gosec // the vendor's scheme
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
)

// Options are what a Handler is made of; all are needed.
type Options struct {
	API       http.Handler // the service's own
	ServerKey string       // its server key
	AppKey    string       // what the app's backend names in the header AppKey
	AppSecret string       // what CheckSum is made with
	Now       func() int64 // ms
}

// Handler answers the paths below Prefix.
type Handler struct {
	opts   Options
	api    api
	lastID atomic.Int64
}

// Prefix is where the vendor's paths begin.
const Prefix = "/nimserver/"

// New returns a Handler.
func New(o Options) *Handler {
	return &Handler{opts: o, api: api{o.API, o.ServerKey}}
}

// maxBody bounds a form or a copy: a batch of 500 accounts and a message fit.
const maxBody = 512 << 10

// A call reads its form and returns the members of its answer beside code.
type call func(*Handler, *http.Request, *form) (map[string]any, error)

var calls = map[string]call{
	"msg/sendMsg.action":              (*Handler).sendMsg,
	"msg/sendBatchMsg.action":         (*Handler).sendBatchMsg,
	"msg/recall.action":               (*Handler).recall,
	"history/querySessionList.action": (*Handler).querySessionList,
}

// copyPath takes what the vendor's console calls a message copy.
const copyPath = "receiveMsg.action"

// ServeHTTP implements http.Handler. As the vendor's, it answers HTTP 200
// whatever became of a call, and says that in code; but for a copy, whose sender
// looks at the status to know whether to send it again.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, Prefix)
	if path == copyPath {
		h.serveCopy(w, r)
		return
	}
	run, ok := calls[path]
	if !ok {
		answer(w, http.StatusOK, nil, &fault{code: 404, desc: "path: there is no such call"})
		return
	}
	data, err := h.run(w, r, run)
	answer(w, http.StatusOK, data, err)
}

func (h *Handler) run(w http.ResponseWriter, r *http.Request, run call) (map[string]any, error) {
	if r.Method != http.MethodPost {
		return nil, bad("method: this call takes POST")
	}
	if err := h.checkSum(r.Header); err != nil {
		return nil, err
	}
	f, err := readForm(w, r)
	if err != nil {
		return nil, err
	}
	return run(h, r, f)
}

// sumAge is how long a CheckSum holds, ms.
const sumAge = 5 * 60 * 1000

// badHeader is the vendor's answer to headers that are wrong.
func badHeader(why string) error { return bad("bad http header: " + why) }

// checkSum holds the headers AppKey, Nonce, CurTime (seconds) and CheckSum, hex
// of SHA1(AppSecret+Nonce+CurTime), to the app's secret.
func (h *Handler) checkSum(header http.Header) error {
	nonce, at := header.Get("Nonce"), header.Get("CurTime")
	seconds, err := strconv.ParseInt(at, 10, 64)
	switch {
	case header.Get("AppKey") != h.opts.AppKey:
		return badHeader("AppKey is not this app's")
	case nonce == "" || len(nonce) > 128:
		return badHeader("Nonce: " + strconv.Itoa(len(nonce)) + " bytes is not within 1 and 128")
	case err != nil:
		return badHeader("CurTime is no number of seconds")
	case seconds < (h.opts.Now()-sumAge)/1000 || seconds > (h.opts.Now()+sumAge)/1000:
		return badHeader("CurTime is more than 5 minutes off")
	case !same(header.Get("CheckSum"), sum(h.opts.AppSecret+nonce+at)):
		return badHeader("CheckSum is not that of AppSecret, Nonce and CurTime")
	}
	return nil
}

func sum(text string) string {
	s := sha1.Sum([]byte(text)) //nolint:gosec // the vendor's scheme
	return hex.EncodeToString(s[:])
}

// same compares in a time that does not tell where two sums differ.
func same(given, want string) bool {
	return subtle.ConstantTimeCompare([]byte(strings.ToLower(given)), []byte(want)) == 1
}

// fault is why a call failed, by a code of the vendor's.
type fault struct {
	code int
	desc string
}

func (f *fault) Error() string { return f.desc }

func bad(desc string) error { return &fault{414, desc} }

// answer writes {"code":200, …} or {"code":…,"desc":"…"}.
func answer(w http.ResponseWriter, status int, data map[string]any, err error) {
	body := map[string]any{"code": 200}
	for name, value := range data {
		body[name] = value
	}
	var f *fault
	switch {
	case errors.As(err, &f):
		body = map[string]any{"code": f.code, "desc": f.desc}
	case err != nil:
		body = map[string]any{"code": 500, "desc": "internal error"}
	}
	b, err := json.Marshal(body)
	if err != nil { // of values that were just read as JSON
		b, status = []byte(`{"code":500,"desc":"internal error"}`), http.StatusInternalServerError
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(b) // the peer left: nobody to tell
}
