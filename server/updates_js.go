package server

import (
	"net/http"

	"recents/core"
)

// updates answers a handshake for the runtime, which accepts the WebSocket
// itself so that it outlives the instance: who sits there, and until when; or
// the code and reason that the accepted socket is closed with at once.
func (h *Handler) updates(w *reply, r *http.Request) {
	if err := h.admitSocket(w, r); err != nil {
		h.fail(w, r, err)
		return
	}
	who, code, reason := h.seat(r)
	if code == 0 {
		h.limits.slots.give(who.account) // the runtime holds those that are open
		code, reason = h.roomFor(who)
	}
	b := core.AppendStr(nil, `{"account":`, who.account)
	b = core.AppendNum(b, `,"expires":`, who.expires)
	b = core.AppendNum(b, `,"code":`, int64(code))
	w.succeed(append(core.AppendStr(b, `,"reason":`, closeReason(reason)), '}'))
}

// roomFor says why the account may not have one more socket, as seat does.
func (h *Handler) roomFor(caller) (code int, reason string) {
	most := h.limits.slots.maxEach
	if open := h.opts.OpenSockets; open != nil && most > 0 && open() >= most {
		return closeTooMany, "too many sockets"
	}
	return 0, ""
}
