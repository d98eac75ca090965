package server

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Limits bound what one account and one address may ask for. The zero value of
// a field is no limit.
type Limits struct {
	AccountRate, AddressRate   float64 // requests a second
	AccountBurst, AddressBurst int     // requests at once; 0: four seconds of the rate
	AccountSockets             int     // open WebSockets and waiting calls of one account
	Sockets                    int     // open WebSockets and waiting calls in all
}

// DefaultLimits are generous: a person's tabs stay far below, a loop gone wild
// does not.
func DefaultLimits() Limits {
	return Limits{AccountRate: 100, AddressRate: 1000, AccountSockets: 100, Sockets: 20000}
}

type limiter struct {
	account, address *buckets
	slots            *slots
}

func newLimiter(l Limits) *limiter {
	return &limiter{
		account: newBuckets(l.AccountRate, l.AccountBurst),
		address: newBuckets(l.AddressRate, l.AddressBurst),
		slots:   &slots{max: l.Sockets, maxEach: l.AccountSockets, open: map[string]int{}},
	}
}

// bucketsKept bounds the names in one generation, and so the memory: about
// 200 bytes a name.
const bucketsKept = 50_000

// buckets are token buckets by name, in two generations. A full young one
// becomes the old one, and the old one is forgotten: only names that were idle
// while bucketsKept others called are.
type buckets struct {
	mu         sync.Mutex
	rate       rate.Limit
	burst      int
	young, old map[string]*rate.Limiter
}

// newBuckets returns nil, which limits nothing, for a rate of 0.
func newBuckets(perSecond float64, burst int) *buckets {
	if perSecond <= 0 {
		return nil
	}
	if burst <= 0 {
		burst = max(1, int(4*perSecond))
	}
	return &buckets{rate: rate.Limit(perSecond), burst: burst, young: map[string]*rate.Limiter{}}
}

// wait takes one token of a name's bucket at now (ms). When there is none, it
// returns how long it takes until there is.
func (b *buckets) wait(name string, now int64) time.Duration {
	if b == nil {
		return 0
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	at := time.UnixMilli(now)
	r := b.bucket(name).ReserveN(at, 1)
	delay := r.DelayFrom(at)
	if delay > 0 {
		r.CancelAt(at)
	}
	return delay
}

func (b *buckets) bucket(name string) *rate.Limiter {
	l, ok := b.young[name]
	if ok {
		return l
	}
	if l, ok = b.old[name]; !ok {
		l = rate.NewLimiter(b.rate, b.burst)
	}
	if len(b.young) >= bucketsKept {
		b.young, b.old = map[string]*rate.Limiter{}, b.young
	}
	b.young[name] = l
	return l
}

// slots counts the open sockets, and the calls that wait in place of one.
type slots struct {
	mu           sync.Mutex
	max, maxEach int
	all          int
	open         map[string]int
}

// take reports whether the account may open one more. When it may, give gives
// the place back.
func (s *slots) take(account string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.max > 0 && s.all >= s.max || s.maxEach > 0 && s.open[account] >= s.maxEach {
		return false
	}
	s.all++
	s.open[account]++
	return true
}

func (s *slots) give(account string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all--
	if s.open[account]--; s.open[account] == 0 {
		delete(s.open, account)
	}
}
