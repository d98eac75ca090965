package server

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"recents/core"
)

// route is one path: a call by POST, or a page by GET.
type route struct {
	caller  callerKind
	maxBody int64
	run     func(context.Context, *request) (data []byte, err error) // by POST
	serve   func(*reply, *http.Request)                              // by GET
}

const updatesPath = "/v1/updates"

// table is every path there is. The one that is not in openapi.json, or the
// other way round, fails a test.
func (h *Handler) table() map[string]route {
	t := map[string]route{
		"/v1/queryMySessionList":  {byUser, core.MaxBody, h.queryList, nil},
		"/v1/queryMySession":      {byUser, core.MaxBody, h.query, nil},
		"/v1/updateMySession":     {byUser, core.MaxBody, h.updateExt, nil},
		"/v1/deleteMySession":     {byUser, core.MaxBody, h.deleteSessions, nil},
		"/v1/sync":                {byUser, core.MaxBody, h.sync, nil},
		"/v1/snapshot":            {byUser, core.MaxBody, h.snapshot, nil},
		"/v1/mutate":              {byUser, core.MaxBody, h.mutate, nil},
		"/v1/issueToken":          {byServerKey, core.MaxBody, h.issueToken, nil},
		"/v1/sendMessage":         {byBoth, core.MaxSendBody, h.sendMessage, nil},
		"/v1/revokeMessage":       {byBoth, core.MaxBody, h.revokeMessage, nil},
		"/v1/setTeamMembers":      {byServerKey, maxTeamBody, h.setTeamMembers, nil},
		"/v1/deleteMessageOneWay": {byServerKey, core.MaxBody, h.deleteOneWay, nil},
		"/v1/exportAccount":       {byServerKey, core.MaxBody, h.exportAccount, nil},
		"/v1/importAccount":       {byServerKey, maxImportBody, h.importAccount, nil},
		updatesPath:               {serve: h.updates},
		"/healthz":                {serve: h.healthz},
		"/readyz":                 {serve: h.readyz},
		"/openapi.json":           {serve: h.openAPI},
	}
	if h.opts.Exposition != nil {
		t["/metrics"] = route{serve: func(w *reply, r *http.Request) { h.opts.Exposition.ServeHTTP(w, r) }}
	}
	if h.opts.Dev {
		t["/v1/dev/token"] = route{byAnyone, core.MaxBody, h.devToken, nil}
	}
	return t
}

// maxTeamBody has room for core.MaxMembers members of core.MaxID bytes, each
// byte of which may be an escape's six.
const maxTeamBody = 1 << 20

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	out := &reply{ResponseWriter: w}
	defer h.finish(out, r, time.Now())
	if h.origins.preflight(out, r) {
		return
	}
	rt, ok := h.routes[r.URL.Path]
	switch {
	case !ok:
		out.refuse(core.CodeNotFound, "path: there is no such call")
	case rt.run != nil && r.Method != http.MethodPost:
		out.Header().Set("Allow", "POST, OPTIONS")
		out.refuseAs(http.StatusMethodNotAllowed, core.CodeBadParam, "method: this call takes POST")
	case rt.serve != nil && r.Method != http.MethodGet && r.Method != http.MethodHead:
		out.Header().Set("Allow", "GET, HEAD, OPTIONS")
		out.refuseAs(http.StatusMethodNotAllowed, core.CodeBadParam, "method: this path takes GET")
	case rt.serve != nil:
		rt.serve(out, r)
	default:
		h.call(out, r, &rt)
	}
}

// call answers one POST.
func (h *Handler) call(w *reply, r *http.Request, rt *route) {
	ctx := r.Context()
	if h.opts.Timeout != NoTimeout {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, h.opts.Timeout)
		defer cancel()
	}
	q, err := h.admit(w, r, rt)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	defer q.free()
	data, err := rt.run(ctx, q)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	w.succeed(data)
}

// request is one call that was let in.
type request struct {
	http   *http.Request
	path   string
	caller caller
	body   []byte // passed core.Strict
	key    string // Idempotency-Key, "" for none
	out    *reply
	buffer *[]byte // what room has lent, nil without
}

// buffers are for answers: one of a list is 200 KB, and would be garbage at once.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// maxPooled is from what size on a buffer is not kept.
const maxPooled = 1 << 20

// room returns an empty slice for n bytes of an answer. It is good until the
// answer was written, and lent once a request.
func (q *request) room(n int) []byte {
	q.buffer = buffers.Get().(*[]byte)
	*q.buffer = slices.Grow((*q.buffer)[:0], n)
	return *q.buffer
}

func (q *request) free() {
	if q.buffer != nil && cap(*q.buffer) <= maxPooled {
		buffers.Put(q.buffer)
	}
}

// hash tells two bodies of one path apart.
func (q *request) hash() string {
	sum := sha256.New()
	_, _ = io.WriteString(sum, q.path+"\n") // a hash never fails
	_, _ = sum.Write(q.body)
	return hex.EncodeToString(sum.Sum(nil))
}

// admit says who calls, holds the caller to the limits, and reads the body.
func (h *Handler) admit(w *reply, r *http.Request, rt *route) (*request, error) {
	if err := h.checkHost(r); err != nil {
		return nil, err
	}
	who, err := h.identify(w, r, rt.caller)
	if err != nil {
		return nil, err
	}
	w.account = who.account
	if err := h.limitAccount(w, who); err != nil {
		return nil, err
	}
	key, err := idempotencyKey(r)
	if err != nil {
		return nil, err
	}
	body, err := readBody(w, r, rt.maxBody)
	return &request{http: r, path: r.URL.Path, caller: who, body: body, key: key, out: w}, err
}

// identify says who calls and whether this path admits it. A token is checked
// after the address's rate has allowed it, since the check costs; the server
// key has no rate.
func (h *Handler) identify(w *reply, r *http.Request, kind callerKind) (caller, error) {
	token := bearer(r)
	if h.auth.isServerKey(token) {
		return caller{server: true}, kind.admits(caller{server: true})
	}
	if err := h.limitAddress(w, r); err != nil || kind == byAnyone {
		return caller{}, err
	}
	who, err := h.auth.user(token)
	if err != nil {
		return caller{}, err
	}
	return who, kind.admits(who)
}

func (h *Handler) limitAddress(w *reply, r *http.Request) error {
	if h.limits.address == nil {
		return nil
	}
	if wait := h.limits.address.wait(h.address(r), h.opts.Now()); wait > 0 {
		return tooMany(w, "requests from one address", wait)
	}
	return nil
}

func (h *Handler) limitAccount(w *reply, who caller) error {
	if who.account == "" {
		return nil
	}
	if wait := h.limits.account.wait(who.account, h.opts.Now()); wait > 0 {
		return tooMany(w, "requests of one account", wait)
	}
	return nil
}

func tooMany(w *reply, what string, wait time.Duration) error {
	seconds := int64(wait/time.Second) + 1
	w.Header().Set("Retry-After", strconv.FormatInt(seconds, 10))
	return &core.Error{Code: core.CodeTooMany, Details: what + ": too many, try again in " + core.Itoa(seconds) + " s"}
}

const maxIdempotencyKey = 128

// idempotencyKey reads the header of that name: 1 to 128 visible ASCII bytes.
func idempotencyKey(r *http.Request) (string, error) {
	values := r.Header.Values("Idempotency-Key")
	if len(values) == 0 {
		return "", nil
	}
	k := values[0]
	switch {
	case len(values) > 1:
		return "", core.BadParam("Idempotency-Key: stands twice")
	case k == "":
		return "", core.BadParam("Idempotency-Key: is empty")
	case len(k) > maxIdempotencyKey:
		return "", core.BadParam("Idempotency-Key: " + core.Itoa(int64(len(k))) + " bytes is over " + core.Itoa(maxIdempotencyKey))
	case slices.ContainsFunc([]byte(k), func(c byte) bool { return c <= ' ' || c > '~' }):
		return "", core.BadParam("Idempotency-Key: holds a byte that is no visible ASCII character")
	}
	return k, nil
}

// readBody reads a JSON body that every reader takes alike.
func readBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	if r.ContentLength > limit {
		return nil, tooLarge(core.Itoa(r.ContentLength), limit)
	}
	if r.Body == nil { // a request of the edge's without a body
		return nil, in("body", core.Strict(nil))
	}
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	var over *http.MaxBytesError
	switch {
	case errors.As(err, &over):
		return nil, tooLarge("more than "+core.Itoa(limit), limit)
	case err != nil:
		return nil, core.BadParam("body: ended before its length, or its sender was too slow")
	}
	return b, in("body", core.Strict(b))
}

func tooLarge(size string, limit int64) error {
	return &core.Error{Code: core.CodeTooLarge, Details: "body: " + size + " bytes is over " + core.Itoa(limit)}
}

// in puts a parameter's name in front of a refusal's text.
func in(name string, err error) error {
	if e, ok := err.(*core.Error); ok {
		return &core.Error{Code: e.Code, Details: name + ": " + e.Details}
	}
	return err
}

func (h *Handler) healthz(w *reply, _ *http.Request) { w.succeed([]byte("null")) }

func (h *Handler) readyz(w *reply, r *http.Request) {
	if err := h.unready(); err != nil {
		h.fail(w, r, err)
		return
	}
	w.succeed([]byte("null"))
}

//go:embed openapi.json
var openAPIText []byte

func (h *Handler) openAPI(w *reply, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	_, _ = w.Write(openAPIText) // the peer left: nobody to tell
}
