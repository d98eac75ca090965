package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"syscall"
	"time"

	"recents/bench/report"
)

const (
	openSockets = 10_000
	toldEach    = 10 // one account in so many gets a message in a round
	opening     = 64 // sockets that are opened at once
	senders     = 32 // connections that messages are sent on
)

// socket is an open WebSocket of an account, which reads what comes.
type socket struct {
	conn    net.Conn
	in      *bufio.Reader
	arrived chan time.Time // of each delta
}

// openSocket opens one and waits until the server follows its account. It
// keeps a buffer of its own small: there are 10,000.
func openSocket(address, account string) (*socket, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	s := &socket{conn, bufio.NewReaderSize(conn, 2048), make(chan time.Time, 4)}
	if err := s.greet(address, account); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return s, nil
}

func (s *socket) greet(address, account string) error {
	token, err := tokenOf(account)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.conn, "GET /v1/updates HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"+
		"Sec-WebSocket-Key: MDEyMzQ1Njc4OTAxMjM0NQ==\r\nSec-WebSocket-Protocol: recents.v1, bearer.%s\r\n\r\n", address, token)
	if err != nil {
		return err
	}
	answer, err := http.ReadResponse(s.in, nil)
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusSwitchingProtocols {
		return fmt.Errorf("the handshake answered %s", answer.Status)
	}
	if _, err := s.conn.Write(clientFrame(`{"t":"hello","v":1,"epoch":"","cursor":0,"clientId":"bench"}`)); err != nil {
		return err
	}
	_, err = readFrame(s.in) // a reset: it has no cursor, and is told of what comes all the same
	return err
}

// clientFrame is a text of 126 to 65,535 bytes or less as a client frames it,
// masked with zeros.
func clientFrame(text string) []byte {
	const textFrame, masked, twoBytes = 0x81, 0x80, 126
	b := []byte{textFrame}
	if len(text) < twoBytes {
		b = append(b, masked|byte(len(text)))
	} else {
		b = binary.BigEndian.AppendUint16(append(b, masked|twoBytes), uint16(len(text)))
	}
	return append(append(b, 0, 0, 0, 0), text...)
}

// readFrame reads one frame of the server's and returns its length.
func readFrame(in *bufio.Reader) (int, error) {
	var head [2]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return 0, err
	}
	length := int(head[1] & 0x7f)
	if length == 126 {
		var more [2]byte
		if _, err := io.ReadFull(in, more[:]); err != nil {
			return 0, err
		}
		length = int(binary.BigEndian.Uint16(more[:]))
	}
	if head[0] != 0x81 || length == 127 {
		return 0, fmt.Errorf("a frame of %#x with a length of %d is no text of less than 64 KiB", head[0], length)
	}
	_, err := in.Discard(length)
	return length, err
}

// follow notes when each frame is there, until the socket ends.
func (s *socket) follow() {
	for {
		if _, err := readFrame(s.in); err != nil {
			return
		}
		s.arrived <- time.Now()
	}
}

// measureSockets opens the sockets, sends, and reads what they cost.
func measureSockets(p *places, o options) ([]report.Sample, error) {
	if err := raiseFiles(openSockets + 100); err != nil {
		return nil, err
	}
	if err := warm(p, o); err != nil {
		return nil, err
	}
	empty, err := footprint(p.ours)
	if err != nil {
		return nil, err
	}
	all, err := openAll(p.ours.address, min(openSockets, o.size.accounts))
	if err != nil {
		return nil, err
	}
	defer func() {
		for _, s := range all {
			_ = s.conn.Close() // the measure is done
		}
	}()
	var late []float64
	for round := range warmups + o.rounds {
		took, err := tell(p.ours, all, round%toldEach)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(os.Stderr, "round %d of %d: p99 %.2f ms\n", round+1, warmups+o.rounds, ms(percentile(took, 99)))
		if round >= warmups {
			late = append(late, ms(percentile(took, 99)))
		}
	}
	full, err := footprint(p.ours)
	if err != nil {
		return nil, err
	}
	count := fmt.Sprintf("%d,000 WebSockets", len(all)/1000)
	each := func(f func(memory) float64) []float64 {
		return []float64{(f(full) - f(empty)) / float64(len(all)) / 1024}
	}
	budget := func(measure, unit string, bound float64, rounds []float64) report.Sample {
		return report.Sample{Line: report.Line{Measure: measure, Size: count, Unit: unit, Bound: bound}, Rounds: map[string][]float64{ourName: rounds}}
	}
	return []report.Sample{
		budget("from a message's ack to its frame, p99", "ms", 50, late),
		budget("resident memory a socket", "KB", 20, each(func(m memory) float64 { return m.resident })),
		budget("Go heap and stacks a socket", "KB", 20, each(func(m memory) float64 { return m.inUse })),
	}, nil
}

// warm has the server fill its caches of the database, which are no socket's.
func warm(p *places, o options) error {
	for _, c := range []contender{p.ours.lists(), p.ours.deliveries()} {
		if _, err := turn(c, senders, o.long); err != nil {
			return err
		}
	}
	return nil
}

// raiseFiles lets this process hold so many open files. A server of Go does so
// by itself.
func raiseFiles(n uint64) error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	if limit.Max < n {
		return fmt.Errorf("%d open files are allowed, and %d are needed: raise ulimit -n", limit.Max, n)
	}
	limit.Cur = limit.Max
	return syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit)
}

func openAll(address string, n int) ([]*socket, error) {
	all, failed := make([]*socket, n), make([]error, opening)
	var done sync.WaitGroup
	for worker := range opening {
		done.Go(func() {
			for i := worker; i < n && failed[worker] == nil; i += opening {
				all[i], failed[worker] = openSocket(address, accountName(i))
			}
		})
	}
	done.Wait()
	if err := errors.Join(failed...); err != nil {
		return nil, err
	}
	for _, s := range all {
		go s.follow()
	}
	return all, nil
}

// tell sends one account in toldEach a message, from senders that have no
// socket, and returns by how much each frame came after the message's ack.
func tell(o *ours, all []*socket, first int) ([]time.Duration, error) {
	took, failed := make([][]time.Duration, senders), make([]error, senders)
	var done sync.WaitGroup
	for worker := range senders {
		done.Go(func() {
			l, err := dialLine(o.address)
			if err != nil {
				failed[worker] = err
				return
			}
			for i := first + worker*toldEach; i < len(all) && err == nil; i += senders * toldEach {
				var late time.Duration
				if late, err = o.tellOne(l, all[i], accountName(i), fmt.Sprintf("sender%d", worker)); err == nil {
					took[worker] = append(took[worker], late)
				}
			}
			failed[worker] = errors.Join(err, l.conn.Close())
		})
	}
	done.Wait()
	var whole []time.Duration
	for _, t := range took {
		whole = append(whole, t...)
	}
	return whole, errors.Join(failed...)
}

// lost is when a frame counts as one that never comes.
const lost = 10 * time.Second

func (o *ours) tellOne(l *line, s *socket, to, from string) (time.Duration, error) {
	if _, err := l.call(o.message(from, to)); err != nil {
		return 0, err
	}
	acked := time.Now()
	select {
	case at := <-s.arrived:
		return max(at.Sub(acked), 0), nil // the frame may be there before the answer is
	case <-time.After(lost):
		return 0, fmt.Errorf("%s was told of no message within %s", to, lost)
	}
}

// memory is what a server takes, in bytes.
type memory struct{ resident, inUse float64 }

func footprint(o *ours) (memory, error) {
	resident, err := o.resident()
	if err != nil {
		return memory{}, err
	}
	m := memory{resident: float64(resident)}
	for _, name := range []string{"go_memstats_heap_inuse_bytes", "go_memstats_stack_inuse_bytes"} {
		v, err := o.metric(name)
		if err != nil {
			return memory{}, err
		}
		m.inUse += v
	}
	return m, nil
}
