package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"recents/server"
)

// process is a server that runs beside the benchmark.
type process struct {
	cmd     *exec.Cmd
	address string
}

// asked is the process with clients that send what next makes.
func (p *process) asked(next func() []byte) contender {
	return contender{overHTTP(p.address, next), p.cpu}
}

// stop ends the process. Not all catch the signal, and that is no failure.
func (p *process) stop() error {
	signalled := p.cmd.Process.Signal(syscall.SIGTERM)
	err := p.cmd.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) && !exit.Exited() {
		err = nil
	}
	return errors.Join(signalled, err)
}

// ours is recentsd with what the clients of the benchmark need to know of it.
type ours struct {
	process
	size     size
	requests [][]byte // the list of each account
	sent     atomic.Int64
	run      int64 // tells one run's messages from another's on the same data
}

const (
	serverKey   = "the-server-key-of-the-benchmark-0123456789"
	tokenSecret = "the-token-secret-of-the-benchmark-0123456789"
)

// startOurs starts the server on a directory that was filled, as it is run but
// for the rates, which would refuse one address that calls so often, and for a
// line of log a call.
func startOurs(binary, dir string, s size) (*ours, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(binary, "-listen", address, "-data", dir, "-account-rate", "0", "-address-rate", "0", "-log", "warn")
	cmd.Env = append(os.Environ(), "RECENTS_SERVER_KEY="+serverKey, "RECENTS_TOKEN_SECRET="+tokenSecret)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	o := &ours{process: process{cmd, address}, size: s, run: time.Now().UnixMilli()}
	if err := untilReady(address); err != nil {
		return nil, errors.Join(err, o.stop())
	}
	for i := range s.accounts {
		token, err := tokenOf(accountName(i))
		if err != nil {
			return nil, errors.Join(err, o.stop())
		}
		o.requests = append(o.requests, httpRequest("POST", "/v1/queryMySessionList", address, "Bearer "+token, `{"limit":100}`))
	}
	return o, nil
}

func tokenOf(account string) (string, error) {
	token, _, err := server.Keys{Secret: []byte(tokenSecret)}.Issue(account, 24*time.Hour, time.Now().UnixMilli())
	return token, err
}

// freeAddress is a loopback address that was free just now: a server that is
// not in dev mode tells its own in its log alone.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// untilReady asks until the server answers, for ten seconds.
func untilReady(address string) (err error) {
	for begun := time.Now(); time.Since(begun) < 10*time.Second; time.Sleep(20 * time.Millisecond) {
		var answer *http.Response
		if answer, err = http.Get("http://" + address + "/readyz"); err == nil {
			return answer.Body.Close()
		}
	}
	return fmt.Errorf("the server on %s did not get ready: %w", address, err)
}

func (o *ours) lists() contender {
	return o.asked(func() []byte { return o.requests[rand.IntN(len(o.requests))] })
}

// deliveries are new messages in sessions that both ends have.
func (o *ours) deliveries() contender {
	return o.asked(func() []byte {
		from := rand.IntN(o.size.accounts)
		return o.message(accountName(from), accountName(o.size.neighbour(from, rand.IntN(o.size.sessions))))
	})
}

// message is a call that sends one.
func (o *ours) message(from, to string) []byte {
	n := int(o.sent.Add(1))
	return httpRequest("POST", "/v1/sendMessage", o.address, "Bearer "+serverKey, fmt.Sprintf(
		`{"from":%q,"to":%q,"sessionType":"p2p","message":%s}`, from, to, messageJSON(fmt.Sprintf("run-%d-%d", o.run, n), n)))
}

// pocketBase is the peer with the same rows.
type pocketBase struct {
	process
	size     size
	requests [][]byte
	backend  string
	sent     atomic.Int64
	run      int64
}

func fillPocketBase(binary, dir, from string) error {
	cmd := exec.Command(binary, "fill", dir, from)
	cmd.Stderr = os.Stderr
	return cmd.Run()
}

func startPocketBase(binary, dir string, s size) (*pocketBase, error) {
	cmd := exec.Command(binary, "serve", dir, "127.0.0.1:0")
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &pocketBase{process: process{cmd: cmd}, size: s, run: time.Now().UnixMilli()}
	var told struct {
		Address, Backend string
		Tokens           []string
	}
	if err := json.NewDecoder(stdout).Decode(&told); err != nil {
		return nil, errors.Join(err, p.stop())
	}
	p.address, p.backend = told.Address, told.Backend
	// The rule of the collection adds the account, as the server's token does.
	query := url.Values{"perPage": {"100"}, "skipTotal": {"1"}, "sort": {"-update_time"}, "filter": {"state = 0 && update_time <= 9007199254740991"}}
	for _, token := range told.Tokens {
		p.requests = append(p.requests, httpRequest("GET", "/api/collections/sessions/records?"+query.Encode(), p.address, token, ""))
	}
	return p, untilReady(p.address)
}

func (p *pocketBase) lists() contender {
	return p.asked(func() []byte { return p.requests[rand.IntN(len(p.requests))] })
}

// creates are new records with the columns of a session after a message, one
// where a delivery of ours writes both ends' rows, heads and a receipt.
func (p *pocketBase) creates() contender {
	return p.asked(func() []byte {
		n := p.sent.Add(1)
		at := p.run + n // a seq and a time that no other record of the account has
		uuid := fmt.Sprintf("run-%d-%d", p.run, n)
		return httpRequest("POST", "/api/collections/sessions/records", p.address, p.backend, fmt.Sprintf(
			`{"account":"a%014d","key":"p2p|%s","seq":%d,"update_time":%d,"ext_seq":0,"msg":%s,"msg_id":%q,"msg_order":"%d","state":0,"changed_at":%d}`,
			rand.IntN(p.size.accounts)+1, uuid, at, at, strconv.Quote(messageJSON(uuid, int(n))), uuid, at<<20, at))
	})
}

// resident is the memory of the process in bytes, as Linux tells it.
func (p *process) resident() (int64, error) {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(p.cmd.Process.Pid), "status"))
	if err != nil {
		return 0, err
	}
	_, rest, found := strings.Cut(string(text), "VmRSS:")
	fields := strings.Fields(rest)
	if !found || len(fields) == 0 {
		return 0, errors.New("VmRSS is not told by this system: the benchmark needs Linux")
	}
	kilobytes, err := strconv.ParseInt(fields[0], 10, 64)
	return kilobytes << 10, err
}

// cpu is the time that all threads of the process have run, as Linux tells it.
func (p *process) cpu() (time.Duration, error) { return cpuOf(strconv.Itoa(p.cmd.Process.Pid)) }

func cpuOf(pid string) (sum time.Duration, err error) {
	threads, err := filepath.Glob(filepath.Join("/proc", pid, "task/*/schedstat"))
	for _, name := range threads {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // a thread that ended
		}
		ran, _, _ := strings.Cut(string(text), " ")
		n, err := strconv.ParseInt(ran, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", name, err)
		}
		sum += time.Duration(n)
	}
	if sum == 0 {
		err = errors.Join(err, errors.New("the CPU time of a process is not told by this system: the benchmark needs Linux"))
	}
	return sum, err
}

// metric is a figure of GET /metrics.
func (o *ours) metric(name string) (float64, error) {
	answer, err := http.Get("http://" + o.address + "/metrics")
	if err != nil {
		return 0, err
	}
	defer func() { _ = answer.Body.Close() }() // what matters was read
	for in := bufio.NewScanner(answer.Body); in.Scan(); {
		if value, ok := strings.CutPrefix(in.Text(), name+" "); ok {
			return strconv.ParseFloat(value, 64)
		}
	}
	return 0, fmt.Errorf("the server has no metric %q", name)
}
