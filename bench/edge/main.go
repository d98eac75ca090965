// Command edge measures the CPU that the worker takes for a list of 100 and for
// a delivery, beside the same written by hand in plain JavaScript (peer.mjs):
// the same statements, in the same runtime, turn by turn in one run.
//
//	go run ./bench/edge -workerd e2e/node_modules/.bin/workerd -ours build/edge -peer build/peer -out build/bench
//
// It exits 1 when the worker takes more than its bound.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"recents/bench/report"
)

const (
	bound   = 2.0 // times the peer's CPU
	rounds  = 11
	pairs   = 20  // of accounts that send and receive
	readers = 4   // accounts whose lists are read: one alone would come to its limit of requests
	listed  = 150 // sessions of each of them, of which a page of 100 is read
	warmups = 2   // rounds that are not counted

	peerName = "plain JavaScript"
)

func main() {
	workerd := flag.String("workerd", "e2e/node_modules/.bin/workerd", "the runtime")
	ours := flag.String("ours", "build/edge", "directory of the worker")
	peer := flag.String("peer", "build/peer", "directory of the peer")
	out := flag.String("out", "build/bench", "directory for the results")
	flag.Parse()
	ok, err := run(*workerd, *ours, *peer, *out)
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench edge:", err)
	}
	if err != nil || !ok {
		os.Exit(1)
	}
}

func run(workerd, ours, peer, out string) (ok bool, err error) {
	var places [2]*place
	for i, dir := range []string{ours, peer} {
		if places[i], err = start(workerd, dir); err != nil {
			return false, err
		}
		defer func() { err = errors.Join(err, places[i].end()) }()
		if err := places[i].fill(); err != nil {
			return false, fmt.Errorf("%s: %w", dir, err)
		}
	}
	var lines []report.Line
	for _, m := range []struct {
		name  string
		calls int // a round
		call  func(p *place, n int) error
	}{
		{"CPU of a list of 100", 100, (*place).list},
		{"CPU of a delivery", 100, (*place).deliver},
	} {
		l, err := measure(places, m.name, m.calls, m.call)
		if err != nil {
			return false, err
		}
		lines = append(lines, l)
	}
	return report.Publish(out, "edge", lines)
}

// measure lets both take turns, so that what else the machine does falls on
// both alike, and compares round by round.
func measure(places [2]*place, name string, calls int, call func(*place, int) error) (report.Line, error) {
	sample := report.Sample{
		Line:   report.Line{Measure: name, Unit: "µs", Against: peerName, Bound: bound},
		Rounds: map[string][]float64{},
	}
	for round := range rounds + warmups {
		for i, p := range places {
			before := p.cpu()
			for n := range calls {
				if err := call(p, round*calls+n); err != nil {
					return report.Line{}, fmt.Errorf("%s: %s: %w", p.dir, name, err)
				}
			}
			if side := [2]string{report.Ours, peerName}[i]; round >= warmups {
				sample.Rounds[side] = append(sample.Rounds[side], float64(p.cpu()-before)/1000/float64(calls))
			}
		}
	}
	return sample.Judge()
}

// place is one runtime with one of the two workers in it.
type place struct {
	dir, url string
	tokens   [readers]string // of the accounts that read
	data     string
	process  *exec.Cmd
}

const (
	serverKey   = "bench"
	tokenSecret = "the-token-secret-of-the-bench-0123456789"
)

func start(workerd, dir string) (*place, error) {
	data, err := os.MkdirTemp("", "recents-bench-")
	if err != nil {
		return nil, err
	}
	p := &place{dir: dir, data: data}
	p.process = exec.Command(workerd, "serve", filepath.Join(dir, "workerd.capnp"), "--socket-addr=http=127.0.0.1:0",
		"--directory-path=storage="+data, "--directory-path=site="+data, "--control-fd=1")
	p.process.Env = append(os.Environ(), "RECENTS_DEV=", "RECENTS_SERVER_KEY="+serverKey, "RECENTS_TOKEN_PUBLIC_KEY=",
		"RECENTS_TOKEN_SECRET="+tokenSecret, "RECENTS_ALLOW_ORIGIN=")
	p.process.Stderr = os.Stderr
	stdout, err := p.process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.process.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: did not start: %w", dir, err), p.end())
	}
	var told struct{ Port int }
	if err := json.Unmarshal(line, &told); err != nil {
		return nil, errors.Join(err, p.end())
	}
	p.url = fmt.Sprint("http://127.0.0.1:", told.Port)
	return p, nil
}

func (p *place) end() error {
	killed := p.process.Process.Kill()
	_ = p.process.Wait() // it was killed
	return errors.Join(killed, os.RemoveAll(p.data))
}

// cpu is the time that all threads of the process have run, ns. Other systems
// than Linux do not tell it of a process that runs.
func (p *place) cpu() (sum int64) {
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", p.process.Process.Pid)) // the pattern is good
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // a thread that ended
		}
		ran, _, _ := strings.Cut(string(text), " ")
		n, _ := strconv.ParseInt(ran, 10, 64) // the kernel writes numbers
		sum += n
	}
	return sum
}

// fill gives an account its sessions, and the pairs their first message. The
// peer takes the tokens that the worker signs.
func (p *place) fill() error {
	for r := range readers {
		reader := fmt.Sprint("reader", r)
		token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"sub": reader, "exp": time.Now().Add(time.Hour).Unix()}).SignedString([]byte(tokenSecret))
		if err != nil {
			return err
		}
		p.tokens[r] = token
		for i := range listed {
			if err := p.send(fmt.Sprint("peer", i), reader, fmt.Sprint("fill", r, " ", i)); err != nil {
				return err
			}
		}
	}
	for i := range pairs {
		if err := p.deliver(i); err != nil {
			return err
		}
	}
	if p.cpu() == 0 {
		return errors.New("this system does not tell the CPU time of a process: the benchmark needs Linux")
	}
	return nil
}

func (p *place) list(n int) error {
	body, err := p.call("queryMySessionList", p.tokens[n%readers], `{"minTimestamp":0,"maxTimestamp":0,"needLastMsg":1,"limit":100,"hasMore":0}`)
	if err == nil && strings.Count(body, `"recentSession":`) != 100 {
		err = fmt.Errorf("a list of %d bytes is not of 100 sessions", len(body))
	}
	return err
}

func (p *place) deliver(n int) error {
	pair := n % pairs
	return p.send(fmt.Sprint("sender", pair), fmt.Sprint("receiver", pair), fmt.Sprint(p.dir, n))
}

const text = "Shall we meet at the station at seven, or is that too early for you? I can bring breakfast."

func (p *place) send(from, to, uuid string) error {
	_, err := p.call("sendMessage", serverKey, fmt.Sprintf(`{"from":%q,"to":%q,"sessionType":"p2p","message":{"uuid":%q,"messageType":"text","content":%q,"fromNickname":%q}}`,
		from, to, uuid, text, from))
	return err
}

func (p *place) call(path, token, body string) (string, error) {
	r, err := http.NewRequest(http.MethodPost, p.url+"/v1/"+path, bytes.NewReader([]byte(body)))
	if err != nil {
		return "", err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer func() { _ = res.Body.Close() }() // read to its end below
	answer, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %s", path, res.Status, answer)
	}
	return string(answer), err
}
