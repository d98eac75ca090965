package server

import (
	"context"
	"net/http"
	"strings"
	"time"

	"recents/core"
)

// What a WebSocket of GET /v1/updates asks and is told, whoever carries its
// frames.

const (
	subprotocol  = "recents.v1"
	bearerPrefix = "bearer."
)

// seat says whose socket it is and takes a place for it, before the handshake:
// a client that knows of its first socket is refused one too many for sure. A
// code that is not 0 is why there is none.
func (h *Handler) seat(r *http.Request) (who caller, code int, reason string) {
	who, err := h.auth.user(offeredToken(r))
	switch {
	case err != nil:
		return who, CloseToken, err.Error()
	case !h.limits.slots.take(who.account):
		return who, closeTooMany, "too many sockets"
	}
	return who, 0, ""
}

func (h *Handler) admitSocket(w *reply, r *http.Request) error {
	if err := h.checkHost(r); err != nil {
		return err
	}
	if origin := r.Header.Get("Origin"); !h.origins.allows(origin, r.Host) {
		return forbidden("Origin: " + core.Quote(origin) + " is not allowed")
	}
	if !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") || !hasSubprotocol(r) {
		return core.BadParam("updates: is a WebSocket with the subprotocols " + subprotocol + " and " + bearerPrefix + "<token>")
	}
	if h.stopping.Load() {
		return errStopping
	}
	return h.limitAddress(w, r)
}

func offered(r *http.Request) []string {
	list := strings.Split(strings.Join(r.Header.Values("Sec-WebSocket-Protocol"), ","), ",")
	for i := range list {
		list[i] = strings.TrimSpace(list[i])
	}
	return list
}

func hasSubprotocol(r *http.Request) bool {
	for _, p := range offered(r) {
		if p == subprotocol {
			return true
		}
	}
	return false
}

func offeredToken(r *http.Request) string {
	for _, p := range offered(r) {
		if token, ok := strings.CutPrefix(p, bearerPrefix); ok {
			return token
		}
	}
	return ""
}

// untilExpiry is how long the caller's token is good for.
func (h *Handler) untilExpiry(who caller) time.Duration {
	const longest = 1 << 31 // ms: 24 days, and a socket rarely lives one
	return time.Duration(min(max(who.expires-h.opts.Now(), 0), longest)) * time.Millisecond
}

// parseHello reads a frame of a client. A kind that is not known is left to
// newer servers: ok is false.
func parseHello(frame []byte) (q core.SyncRequest, ok bool, err error) {
	if err := core.Strict(frame); err != nil {
		return q, false, in("frame", err)
	}
	if string(core.Field(frame, "t")) != `"`+core.FrameHello+`"` {
		return q, false, nil
	}
	if q, err = core.ParseSyncRequest(frame); err != nil {
		return q, false, in(core.FrameHello, err)
	}
	return q, true, nil
}

// catchUp answers a hello: ready and what was missed, page by page, at the pace
// at which write takes the frames.
func (h *Handler) catchUp(ctx context.Context, who caller, q core.SyncRequest, write func(*core.Frame) error) error {
	for greeted := false; ; greeted = true {
		p, err := h.syncPage(ctx, who.account, q)
		if err != nil {
			return err
		}
		if p.Reset != "" {
			return write(&core.Frame{Kind: core.FrameReset, Epoch: p.Epoch, Head: p.Head, Reason: p.Reset})
		}
		if !greeted {
			if err := write(h.ready(who, p)); err != nil {
				return err
			}
		}
		if f := pageFrame(p); f != nil {
			err = write(f)
		}
		if err != nil || !p.More {
			return err
		}
		q.Cursor.Seq = p.Next
	}
}

func (h *Handler) ready(who caller, p *core.SyncPage) *core.Frame {
	return &core.Frame{Kind: core.FrameReady, Epoch: p.Epoch, Head: p.Head, LastMid: p.LastMid,
		HeartbeatMs: h.opts.Heartbeat.Milliseconds(), TokenExpiresIn: h.untilExpiry(who).Milliseconds()}
}

// pageFrame is a page as a delta, nil when it holds nothing. Only the last one
// tells lastMid: what it acknowledges may lie on any page before.
func pageFrame(p *core.SyncPage) *core.Frame {
	if p.Next == p.From {
		return nil
	}
	f := &core.Frame{Kind: core.FrameDelta, Epoch: p.Epoch, From: p.From, To: p.Next, Rows: p.Rows}
	if !p.More {
		f.LastMid = p.LastMid
	}
	return f
}
