//go:build unix

package sqlite

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"recents/core/account"
)

// A child process of these tests is the test binary again, told by these
// variables what to be.
const (
	childFile  = "RECENTS_TEST_WRITE_TO"
	childLimit = "RECENTS_TEST_FILE_LIMIT"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(childFile); path != "" {
		if err := writeForEver(path); err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

const childWriters = 8

// writeForEver has every writer move its two accounts on, in step, and print
// each move once it was acknowledged: "writer seq". It returns when the DB takes
// no more.
func writeForEver(path string) error {
	db, err := Open(path, Options{})
	if err != nil {
		return err
	}
	if err := limitFiles(os.Getenv(childLimit)); err != nil {
		return err
	}
	var out sync.Mutex
	var wg sync.WaitGroup
	for w := range childWriters {
		wg.Go(func() {
			for {
				var seq int64
				err := db.Update(background, func(tx account.Tx) error {
					if err := write(tx, fmt.Sprint("left", w)); err != nil {
						return err
					}
					m, err := tx.Account(fmt.Sprint("left", w)).Meta()
					if err != nil {
						return err
					}
					seq = m.Seq
					return write(tx, fmt.Sprint("right", w))
				})
				if err != nil {
					return
				}
				out.Lock()
				fmt.Println(w, seq)
				out.Unlock()
			}
		})
	}
	wg.Wait()
	return db.Healthy()
}

// limitFiles makes the system refuse to write beyond so many bytes of any file:
// an I/O error that is not the test's invention.
func limitFiles(bytes string) error {
	if bytes == "" {
		return nil
	}
	signal.Ignore(syscall.SIGXFSZ)
	var limit uint64
	if _, err := fmt.Sscan(bytes, &limit); err != nil {
		return err
	}
	return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: limit, Max: limit})
}

// runChild starts a child, reads what it acknowledges into acked, and kills it
// after so many; it returns the child's last line that was no acknowledgement.
func runChild(t *testing.T, path, fileLimit string, acked map[int]int64, killAfter int) (last string) {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), childFile+"="+path, childLimit+"="+fileLimit)
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines := bufio.NewScanner(stdout)
	for n := 0; lines.Scan(); {
		var w int
		var seq int64
		if _, err := fmt.Sscanf(lines.Text(), "%d %d", &w, &seq); err != nil {
			last = lines.Text()
			continue
		}
		acked[w] = max(acked[w], seq)
		if n++; n == killAfter {
			require.NoError(t, cmd.Process.Kill())
		}
	}
	require.Error(t, cmd.Wait(), "a child never ends well")
	return last
}

// checkAcked opens the file again: all that was acknowledged is there, both
// accounts of a writer are in step, and the engine finds no damage.
func checkAcked(t *testing.T, path string, acked map[int]int64) {
	t.Helper()
	db, err := Open(path, Options{})
	require.NoError(t, err)
	for w := range childWriters {
		left, right := written(t, db, fmt.Sprint("left", w)), written(t, db, fmt.Sprint("right", w))
		assert.Equal(t, left, right, "writer %d", w)
		assert.GreaterOrEqual(t, left, acked[w], "writer %d", w)
	}
	assertSound(t, db)
	require.NoError(t, db.Close())
}

func TestS1Kill9LosesNothingAcknowledged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "recents.db")
	acked := map[int]int64{}
	for round := range 4 {
		require.Empty(t, runChild(t, path, "", acked, 50+rand.IntN(1000)), "round %d", round)
		checkAcked(t, path, acked)
	}
	t.Attr("S1", fmt.Sprintf("4 kills of a writing process, %d acknowledged transactions, 0 lost", total(acked)))
}

// total is how many moves were acknowledged: each writer's are 1, 2, 3, …
func total(acked map[int]int64) (n int64) {
	for _, seq := range acked {
		n += seq
	}
	return n
}

func TestS14AnIOErrorStopsTheWrites(t *testing.T) {
	path := filepath.Join(t.TempDir(), "recents.db")
	acked := map[int]int64{}
	for _, limit := range []string{"1000000", "1500000"} {
		last := runChild(t, path, limit, acked, -1)
		require.Contains(t, last, "no more writes until a restart, since a commit failed")
		checkAcked(t, path, acked)
	}
	require.NotEmpty(t, acked)
	t.Attr("S14", fmt.Sprintf("a file that may grow no further: writes stop, %d acknowledged ones kept", total(acked)))
}
