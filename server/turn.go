package server

import "sync"

// turn runs one kind of work in a goroutine that is there only while there is
// some, and in one at a time.
type turn struct {
	mu      sync.Mutex
	running bool
	again   bool // there is more since it began
	ended   bool
	workers sync.WaitGroup
}

// wake has work run, once more when it runs just now. Work that reports false is
// never run again. wake does not block.
func (t *turn) wake(work func() bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.ended:
	case t.running:
		t.again = true
	default:
		t.running = true
		t.workers.Go(func() {
			for t.more(work()) {
			}
		})
	}
}

func (t *turn) more(good bool) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ended = t.ended || !good
	t.running, t.again = t.again && !t.ended, false
	return t.running
}

// over ends it: no work runs any more when it returns.
func (t *turn) over() {
	t.mu.Lock()
	t.ended = true
	t.mu.Unlock()
	t.workers.Wait()
}
