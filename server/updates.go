//go:build !js

package server

import (
	"bufio"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
	"golang.org/x/time/rate"

	"recents/core"
)

const (
	heartbeatMiss = 2.5              // heartbeats without a frame, then the peer counts as gone
	writeTimeout  = 10 * time.Second // for one frame, and a second more for each slowLink bytes of it; a peer that takes none for so long is gone
	slowLink      = 3 << 10          // bytes a second of the slowest link that is served
	framesASecond = 20
	framesAtOnce  = 40
)

// updates accepts the WebSocket of GET /v1/updates and serves it until it ends.
//
// A browser's page sees nothing of a refused handshake, so a refusal that it
// has to act on (its token, its number of sockets) is a close code on an
// accepted one. Pages of foreign origins, and what is no such handshake, get an
// HTTP status.
func (h *Handler) updates(w *reply, r *http.Request) {
	if err := h.admitSocket(w, r); err != nil {
		h.fail(w, r, err)
		return
	}
	who, code, reason := h.seat(r)
	leave := func() {
		if code == 0 {
			h.limits.slots.give(who.account)
		}
	}
	var s *socket // is there before a frame is read
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		Subprotocols:       []string{subprotocol},
		InsecureSkipVerify: true, // admitSocket held the origin to our own list
		OnPingReceived:     func(context.Context, []byte) bool { return s.control() },
		OnPongReceived:     func(context.Context, []byte) { s.control() },
	})
	if err != nil {
		leave()
		return // Accept has answered
	}
	s = newSocket(h, conn, who)
	if code != 0 {
		s.end(code, reason)
		return
	}
	w.account = who.account
	// In a goroutine of its own: the handshake's holds a request, a reply and a
	// stack that has grown by checking a token, 15 KB that would stay with every
	// open socket.
	go func() {
		defer leave()
		defer s.recovered()
		s.serve()
	}()
}

// Sizes of an open socket's buffers, bytes: a client sends pings, and a frame of
// one message is about 1 KB. What is larger passes them by.
const (
	readBuffer  = 512
	writeBuffer = 1024
)

// Hijack hands the connection to the WebSocket with buffers of those sizes, in
// place of the HTTP server's two of 4 KB. The answer is out: what its header says
// now is what the WebSocket keeps as its subprotocol, and that would be a piece of
// the request's header, which would stay whole.
func (w *reply) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err != nil || rw.Reader.Buffered() > 0 { // frames of a peer that did not wait for the answer
		return conn, rw, err
	}
	w.Header().Set("Sec-WebSocket-Protocol", subprotocol)
	return conn, bufio.NewReadWriter(bufio.NewReaderSize(conn, readBuffer), bufio.NewWriterSize(conn, writeBuffer)), nil
}

// socket is one open WebSocket. One goroutine reads, another writes while there
// is something to write; timers and a stop may end it.
type socket struct {
	h      *Handler
	conn   *websocket.Conn
	who    caller
	reader *reader
	hello  chan core.SyncRequest // holds one: the newest hello that waits for the writer
	pace   *rate.Limiter         // of the peer's frames
	code   atomic.Int32          // that it was closed with, 0 when the peer left
	ctx    context.Context       // ends when the socket does
	writer turn
}

func newSocket(h *Handler, conn *websocket.Conn, who caller) *socket {
	conn.SetReadLimit(core.MaxFrame)
	s := &socket{h: h, conn: conn, who: who, hello: make(chan core.SyncRequest, 1),
		pace: rate.NewLimiter(framesASecond, framesAtOnce)}
	s.reader = &reader{account: who.account, out: newOutbox(s.wake)}
	return s
}

// recovered ends a socket whose reader has panicked, and it alone.
func (s *socket) recovered() {
	if v := recover(); v != nil {
		s.h.logPanic(updatesPath, v)
		s.cut()
	}
}

// end closes the socket with a code. Only the first end counts.
func (s *socket) end(code int, reason string) {
	s.code.CompareAndSwap(0, int32(code))
	_ = s.conn.Close(websocket.StatusCode(code), closeReason(reason)) // a peer that answers no close is cut by it
}

func (s *socket) cut() { _ = s.conn.CloseNow() } // nothing to tell a peer that is gone

func (s *socket) serve() {
	if !s.h.sockets.add(s) {
		s.end(closeGoingAway, "the server is stopping")
		return
	}
	defer s.h.sockets.remove(s)
	s.h.opts.Metrics.SocketOpened()
	defer func() { s.h.opts.Metrics.SocketClosed(int(s.code.Load())) }()
	defer s.h.hub.remove(s.reader)
	s.run()
}

// run reads until the socket ends, by whomever.
func (s *socket) run() {
	var cancel context.CancelFunc
	s.ctx, cancel = context.WithCancel(context.Background())
	expiry := time.AfterFunc(s.h.untilExpiry(s.who), func() { s.end(CloseToken, "the token expired") })
	defer func() {
		expiry.Stop()
		cancel()
		s.cut()
		s.writer.over()
	}()
	s.readAll()
}

// readAll reads without a context: whoever ends the socket closes its
// connection.
func (s *socket) readAll() {
	silence := time.Duration(heartbeatMiss * float64(s.h.opts.Heartbeat))
	watchdog := time.AfterFunc(silence, func() { s.end(closeTooSlow, "no frame for "+silence.String()) })
	defer watchdog.Stop()
	for {
		kind, frame, err := s.conn.Read(context.Background())
		switch {
		case err != nil:
			return
		case !s.pace.Allow():
			s.end(closeTooMany, tooManyFrames)
			return
		case kind != websocket.MessageText:
			s.end(closeBadData, "frames are text")
			return
		}
		watchdog.Reset(silence)
		if err := s.take(frame); err != nil {
			s.end(closePolicy, err.Error())
			return
		}
	}
}

var tooManyFrames = "more than " + core.Itoa(framesASecond) + " frames a second"

// control counts a ping or pong of the protocol's own, which a read answers
// and goes on: without a pace, a million of them would be answered. An end
// waits for the read that this is called from, so it goes beside it. It
// reports whether the frame is to be answered.
func (s *socket) control() bool {
	if s.pace.Allow() {
		return true
	}
	if s.code.CompareAndSwap(0, closeTooMany) {
		go s.end(closeTooMany, tooManyFrames)
	}
	return false
}

// take reads one frame.
func (s *socket) take(frame []byte) error {
	if string(frame) == "ping" {
		s.reader.out.ping()
		return nil
	}
	q, ok, err := parseHello(frame)
	if err != nil || !ok {
		return err
	}
	select {
	case <-s.hello: // one that the writer has not come to: the newer replaces it
	default:
	}
	s.hello <- q
	s.wake()
	return nil
}

// wake has what waits written. It never blocks. An idle socket keeps no
// goroutine for it: catching up reads the store, which leaves a stack of 32 KB.
func (s *socket) wake() { s.writer.wake(s.writeAll) }

// writeAll writes what waits, and reports whether the socket may go on.
func (s *socket) writeAll() bool {
	var err error
	select {
	case q := <-s.hello:
		err = s.catchUp(q)
	default:
	}
	if err == nil {
		err = s.flush()
	}
	if err != nil {
		s.lost(err)
	}
	return err == nil
}

// lost ends a socket that could not be written to, or whose account could not
// be read.
func (s *socket) lost(err error) {
	if err == errPeer || s.ctx.Err() != nil {
		s.cut()
		return
	}
	var refusal *core.Error
	if errors.As(err, &refusal) {
		s.end(closeTryAgain, refusal.Details)
		return
	}
	s.h.opts.Log.LogAttrs(s.ctx, slog.LevelError, "socket failed", slog.Any("error", err))
	s.end(closeInternal, "internal error")
}

// errPeer tells that a frame could not be written.
var errPeer = errors.New("the peer takes no frames")

// write sends one frame. A peer that takes none for writeTimeout gets no close
// frame either: the code is for the metrics. The time limit is no child of the
// socket's context, which would keep room for it: whoever ends the socket closes
// its connection.
func (s *socket) write(frame []byte) error {
	ctx, cancel := context.WithTimeout(context.Background(), writeTimeout+time.Duration(len(frame))*time.Second/slowLink)
	defer cancel()
	if s.conn.Write(ctx, websocket.MessageText, frame) == nil {
		return nil
	}
	if ctx.Err() == context.DeadlineExceeded {
		s.code.CompareAndSwap(0, closeTooSlow)
	}
	return errPeer
}

// catchUp answers a hello. The reader is told of live changes from before the
// first read on, so that none falls in between; those that it gets twice it
// drops, since they do not start at its cursor.
func (s *socket) catchUp(q core.SyncRequest) error {
	s.h.hub.add(s.reader, q.ClientID)
	return s.h.catchUp(s.ctx, s.who, q, func(f *core.Frame) error {
		s.h.hub.applied(s.reader, f.LastMid)
		return s.writeFrame(f)
	})
}

func (s *socket) writeFrame(f *core.Frame) error {
	return s.write(core.AppendFrame(nil, f))
}

// flush sends what waits, until nothing does.
func (s *socket) flush() error {
	for {
		frame, behind, pong := s.reader.out.take()
		switch {
		case pong:
			frame = []byte("pong")
		case behind != nil:
			frame = core.AppendFrame(nil, &core.Frame{Kind: core.FrameBehind, Epoch: behind.epoch, Head: behind.seq})
		case frame == nil:
			return nil
		}
		if err := s.write(frame); err != nil {
			return err
		}
	}
}
