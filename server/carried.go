package server

import (
	"context"
	"errors"

	"recents/core"
	"recents/core/account"
)

// Carried is an open socket of /v1/updates that outlives the process that
// serves it, as one does whose runtime carries the frames itself: all that is
// known of it, which the runtime keeps beside it.
type Carried struct {
	Account  string
	Expires  int64 // of its token, ms
	Live     bool  // it has said hello, and is told what changes
	ClientID string
	LastMid  int64 // the newest mutation of ClientID that it was told of

	// What it was sent since its client last showed that it reads, by a hello or
	// a pull. A runtime that carries the frames itself does not tell how many of
	// them wait.
	Frames, Bytes int
	Behind        bool // it was told to pull, and is told nothing more until it has
}

// Hear answers one frame of the socket's client by way of send, and changes c
// to match. A code that is not 0 is what to close the socket with.
func (h *Handler) Hear(ctx context.Context, c *Carried, frame []byte, send func(frame []byte)) (code int, reason string) {
	who := caller{account: c.Account, expires: c.Expires}
	if h.opts.Now() >= c.Expires {
		return CloseToken, "the token expired"
	}
	if h.limits.account.wait(c.Account, h.opts.Now()) > 0 {
		return closeTooMany, "too many frames"
	}
	q, ok, err := parseHello(frame)
	if err != nil {
		return closePolicy, closeReason(err.Error())
	}
	if !ok {
		return 0, ""
	}
	c.Live, c.ClientID, c.LastMid = true, q.ClientID, 0
	c.Pulled()
	err = h.catchUp(ctx, who, q, func(f *core.Frame) error {
		c.LastMid = max(c.LastMid, f.LastMid)
		send(core.AppendFrame(nil, f))
		return nil
	})
	if err != nil && !errors.Is(err, context.Canceled) {
		h.opts.Log.Error("socket failed", "error", err)
		return closeInternal, "internal error"
	}
	return 0, ""
}

// Pulled notes that the socket's client reads what it is sent.
func (c *Carried) Pulled() { c.Frames, c.Bytes, c.Behind = 0, 0, false }

// Told returns the frame that tells the socket of a change, nil when it has not
// said hello yet or has fallen behind. shared is DeltaHead's, made once for all
// sockets. What is sent unasked stays within the bounds of any slow reader: over
// them the frame is "behind", which a client that reads answers with one pull.
func (c *Carried) Told(d *account.Delta, shared []byte) []byte {
	if !c.Live {
		return nil
	}
	if d.Client != "" && d.Client == c.ClientID {
		c.LastMid = max(c.LastMid, d.LastMid)
	}
	if c.Behind {
		return nil
	}
	frame := core.AppendDeltaTail(append(make([]byte, 0, len(shared)+40), shared...), c.LastMid)
	c.Frames++
	c.Bytes += len(frame)
	if c.Frames <= maxWaitingFrames && c.Bytes <= maxWaitingBytes {
		return frame
	}
	c.Behind = true
	return core.AppendFrame(nil, &core.Frame{Kind: core.FrameBehind, Epoch: d.Epoch, Head: d.To})
}

// DeltaHead is the part of a change's frame that all sockets share.
func DeltaHead(d *account.Delta) []byte {
	return core.AppendDeltaHead(nil, d.Epoch, d.From, d.To, d.Rows)
}
