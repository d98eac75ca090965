package sqlite

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestCheckpointerIsWokenByEnoughWrites: not by each commit, and never waited
// for.
func TestCheckpointerIsWokenByEnoughWrites(t *testing.T) {
	c := &checkpointer{wake: make(chan struct{}, 1)}
	require.Equal(t, checkpointWrites-1, c.committed(checkpointWrites-1))
	require.Empty(t, c.wake)
	for range 2 { // the second while the first waits
		require.Zero(t, c.committed(checkpointWrites))
		require.Len(t, c.wake, 1)
	}
}

// TestTheLogIsMovedBesideTheWriter: the commits since the file was made are in
// the log alone until the checkpointer has run, and in the file then, while the
// writer and the readers have it open.
func TestTheLogIsMovedBesideTheWriter(t *testing.T) {
	db := open(t, Options{})
	for n := range int64(200) {
		require.NoError(t, deliver(db, n, 1000))
	}
	sizeOf := func() int64 {
		s, err := os.Stat(db.path)
		require.NoError(t, err)
		return s.Size()
	}
	before := sizeOf()
	for range 3 { // the third finds room when the second was taken, so the first is done
		db.mover.wake <- struct{}{}
	}
	require.Greater(t, sizeOf(), before)
	require.Zero(t, db.Stats().Unmoved)
}

// TestAFailedCheckpointIsCounted has one fail: what was
// written stays, and the writer goes on.
func TestAFailedCheckpointIsCounted(t *testing.T) {
	db := open(t, Options{})
	require.NoError(t, deliver(db, 1, 10))
	require.NoError(t, db.mover.conn.Exec("BEGIN"))
	_, err := db.mover.conn.integer("SELECT count(*) FROM accounts") // now it reads, and a reader moves no log
	require.NoError(t, err)
	for range 3 {
		db.mover.wake <- struct{}{}
	}
	require.NotZero(t, db.Stats().Unmoved)
	require.NoError(t, db.Healthy())
	require.NoError(t, deliver(db, 2, 10))
}
