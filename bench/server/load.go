package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// line is one connection that is kept alive. It sends requests that were made
// before: the client shares the machine with the server, so it does as little
// as it can.
type line struct {
	conn net.Conn
	in   *bufio.Reader
}

func dialLine(address string) (*line, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	return &line{conn, bufio.NewReaderSize(conn, 64<<10)}, nil
}

// call sends one request and reads the whole answer, whose length it returns.
func (l *line) call(request []byte) (int64, error) {
	answer, err := l.begin(request)
	if err != nil {
		return 0, err
	}
	n, err := io.Copy(io.Discard, answer.Body)
	return n, errors.Join(err, answer.Body.Close())
}

// text is call for an answer that is looked at.
func (l *line) text(request []byte) (string, error) {
	answer, err := l.begin(request)
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(answer.Body)
	return string(text), errors.Join(err, answer.Body.Close())
}

func (l *line) begin(request []byte) (*http.Response, error) {
	if _, err := l.conn.Write(request); err != nil {
		return nil, err
	}
	answer, err := http.ReadResponse(l.in, nil)
	if err != nil || answer.StatusCode == http.StatusOK {
		return answer, err
	}
	text, err := io.ReadAll(answer.Body)
	return nil, errors.Join(fmt.Errorf("%s: %s", answer.Status, text), err, answer.Body.Close())
}

// httpRequest is one request in the form that it is sent in.
func httpRequest(method, path, address, authorization, body string) []byte {
	return fmt.Appendf(nil, "%s %s HTTP/1.1\r\nHost: %s\r\nAuthorization: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		method, path, address, authorization, len(body), body)
}

// callers returns the calls of so many workers, and what ends them.
type callers func(workers int) (calls []func() error, end func() error, err error)

// contender is one of those that take turns.
type contender struct {
	callers callers
	cpu     func() (time.Duration, error) // that its process has taken
}

// overHTTP has each worker keep a connection and send what next makes.
func overHTTP(address string, next func() []byte) callers {
	return func(workers int) (calls []func() error, end func() error, err error) {
		var lines []*line
		end = func() error {
			var errs []error
			for _, l := range lines {
				errs = append(errs, l.conn.Close())
			}
			return errors.Join(errs...)
		}
		for range workers {
			l, err := dialLine(address)
			if err != nil {
				return nil, nil, errors.Join(err, end())
			}
			lines = append(lines, l)
			calls = append(calls, func() error { _, err := l.call(next()); return err })
		}
		return calls, end, nil
	}
}

// sample is what one round of one place came to.
type sample struct {
	calls     int
	perSecond float64
	p99       float64 // ms
	cpu       float64 // µs a call; of the bare loop, its callers' too
}

// load has the calls made over and over, each by one worker, for a time.
func load(calls []func() error, long time.Duration) (sample, error) {
	took := make([][]time.Duration, len(calls))
	failed := make([]error, len(calls))
	begun := time.Now()
	var all sync.WaitGroup
	for i, call := range calls {
		all.Go(func() {
			for time.Since(begun) < long && failed[i] == nil {
				start := time.Now()
				failed[i] = call()
				took[i] = append(took[i], time.Since(start))
			}
		})
	}
	all.Wait()
	whole := time.Since(begun)
	each := slices.Concat(took...)
	return sample{perSecond: float64(len(each)) / whole.Seconds(), p99: ms(percentile(each, 99)), calls: len(each)}, errors.Join(failed...)
}

// percentile is the duration that p of a hundred do not pass; 0 of none.
func percentile(list []time.Duration, p int) time.Duration {
	if len(list) == 0 {
		return 0
	}
	slices.Sort(list)
	return list[(len(list)*p+99)/100-1]
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
