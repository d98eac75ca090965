package sqlite

import (
	"net/url"
	"sync/atomic"
)

// checkpointer moves what was committed from the log into the file, beside the
// writer: the pages of a large file lie far apart, and the engine's own way,
// within a commit, has every caller wait for all of them and for two more syncs.
//
// It cannot be all: under constant writing it never comes to the log's end, so
// the log would never begin anew. That is left to the writer, which finds
// little to do when the log is long (logPages).
type checkpointer struct {
	conn    *conn
	wake    chan struct{} // holds one
	stopped chan struct{}
	failed  atomic.Uint64
}

const (
	// checkpointWrites is after how many statements that write, each of two or
	// three pages, the log is moved.
	checkpointWrites = 4096
	// logPages is from what length on the writer moves the log in its commits.
	logPages = 16384
)

func openCheckpointer(path string, o Options) (*checkpointer, error) {
	c, err := dial(path, url.Values{"mode": {"rw"}}, append(durable(), busyTimeout(o), "wal_autocheckpoint = 0")...)
	if err != nil {
		return nil, err
	}
	return &checkpointer{conn: c, wake: make(chan struct{}, 1), stopped: make(chan struct{})}, nil
}

// committed is told of the statements that a commit has written since the
// checkpointer was last woken, and returns how many count on.
func (c *checkpointer) committed(writes int) (left int) {
	if writes < checkpointWrites {
		return writes
	}
	select {
	case c.wake <- struct{}{}:
	default: // it is at work, and will see these too
	}
	return 0
}

// run works until stop. PASSIVE waits for nobody: it moves what no reader
// needs in the log. An attempt that fails moves the log on by nothing, so the
// next one writes the same pages again; nothing that was committed is lost.
func (c *checkpointer) run() {
	defer close(c.stopped)
	for range c.wake {
		if err := c.conn.Exec("PRAGMA wal_checkpoint(PASSIVE)"); err != nil {
			c.failed.Add(1)
		}
	}
}

// stop ends run. No commit may be told after it.
func (c *checkpointer) stop() {
	close(c.wake)
	<-c.stopped
}
