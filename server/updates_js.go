package server

import (
	"net/http"

	"recents/core"
)

// updates is not for this handler at the edge: the runtime accepts WebSockets
// itself, so that they survive the instance.
func (h *Handler) updates(w *reply, _ *http.Request) {
	w.refuse(core.CodeNotFound, "updates: is a WebSocket, which the front accepts")
}
