// Package nettest is a network between a client and a server that a test makes
// slow, deaf or broken (tests only).
package nettest

import (
	"net"
	"slices"
	"sync"
	"time"
)

// Shape is how bytes travel. The zero value hands them on as they come.
type Shape struct {
	Slice   int           // bytes handed on at once; 0: all that came
	Rate    int           // bytes a second, each way; 0: no bound
	Latency time.Duration // from an end to the other
}

// Proxy carries connections to a server. Its methods may be called at any time
// and from any goroutine; they act on what is read after them.
type Proxy struct {
	dial func() (net.Conn, error)

	mu     sync.Mutex
	shape  Shape
	deaf   bool
	answer func() // called once, in place of handing on the server's next bytes
	open   map[net.Conn]struct{}
	done   sync.WaitGroup
}

// New returns a Proxy to whatever dial reaches.
func New(dial func() (net.Conn, error)) *Proxy {
	return &Proxy{dial: dial, open: map[net.Conn]struct{}{}}
}

// To returns a Proxy to a TCP address.
func To(address string) *Proxy {
	return New(func() (net.Conn, error) { return net.Dial("tcp", address) })
}

// Serve carries what l accepts until l is closed.
func (p *Proxy) Serve(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		if p.Carry(c) != nil {
			_ = c.Close() // nobody is at the other end
		}
	}
}

// Carry carries one connection.
func (p *Proxy) Carry(client net.Conn) error {
	server, err := p.dial()
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open[client], p.open[server] = struct{}{}, struct{}{}
	p.done.Go(func() { p.relay(server, client, false) })
	p.done.Go(func() { p.relay(client, server, true) })
	return nil
}

// Shape has bytes travel that way from now on.
func (p *Proxy) Shape(s Shape) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.shape = s
}

// Swallow has every byte vanish from now on, both ways, while the connections
// stay open: what a router does that lost its table.
func (p *Proxy) Swallow() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.deaf = true
}

// LoseAnswer has fn called when the server answers next. The answer is lost,
// and all connections are cut.
func (p *Proxy) LoseAnswer(fn func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer = fn
}

// Cut closes all connections and waits until nothing is carried any more.
func (p *Proxy) Cut() {
	p.closeAll()
	p.done.Wait()
}

func (p *Proxy) closeAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.open {
		_ = c.Close() // that is all there is to do
	}
	clear(p.open)
}

const chunk = 4 << 10

// parcel is bytes on their way.
type parcel struct {
	bytes []byte
	due   time.Time
	shape Shape
}

// onTheWay bounds the parcels that are between the ends.
const onTheWay = 4

// relay copies one way until an end is gone, and then closes the other.
func (p *Proxy) relay(to, from net.Conn, answers bool) {
	line := make(chan parcel, onTheWay)
	p.done.Go(func() { p.deliver(to, from, line) })
	defer close(line)
	buf := make([]byte, chunk)
	for {
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		shape, deaf, lost := p.now(answers)
		switch {
		case lost != nil:
			lost()
			p.closeAll()
			return
		case !deaf:
			line <- parcel{slices.Clone(buf[:n]), time.Now().Add(shape.Latency), shape}
		}
	}
}

// deliver hands on what is due. After an end is gone it takes the rest off the
// line, so that relay sees that end too.
func (p *Proxy) deliver(to, from net.Conn, line <-chan parcel) {
	var gone error
	for b := range line {
		if gone != nil {
			continue
		}
		time.Sleep(time.Until(b.due))
		if gone = b.shape.send(to, b.bytes); gone != nil {
			p.hangUp(to, from)
		}
	}
	p.hangUp(to, from)
}

// hangUp closes both ends of a connection, one of which is gone already. What
// swallows bytes swallows the news of an end too.
func (p *Proxy) hangUp(to, from net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = from.Close()
	if !p.deaf {
		_ = to.Close()
	}
}

// now returns what is to become of bytes that were just read.
func (p *Proxy) now(answers bool) (s Shape, deaf bool, lost func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if answers {
		lost, p.answer = p.answer, nil
	}
	return p.shape, p.deaf, lost
}

func (s Shape) send(to net.Conn, b []byte) error {
	size := s.Slice
	if size == 0 {
		size = len(b)
	}
	for len(b) > 0 {
		n := min(size, len(b))
		if s.Rate > 0 {
			time.Sleep(time.Duration(n) * time.Second / time.Duration(s.Rate))
		}
		if _, err := to.Write(b[:n]); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}
