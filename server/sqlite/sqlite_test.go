package sqlite

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"recents/core/account"
	"recents/core/storetest"
)

// open opens a fresh file that is closed when the test ends.
func open(t testing.TB, o Options) *DB {
	t.Helper()
	db, err := Open(filepath.Join(t.TempDir(), "recents.db"), o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

func TestContract(t *testing.T) {
	storetest.Run(t, func(t *testing.T) account.Accounts { return open(t, Options{}) })
}
