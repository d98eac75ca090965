package sqlite

import (
	"errors"
	"fmt"
	"strings"

	"recents/server/sqlstore"
)

// applicationID marks a file as one of Recents: "RCNT".
const applicationID = 0x52434e54

// lock keeps a second process, and a second Open in this one, off the file. It
// is an exclusive transaction on a file of its own, so that it works wherever
// the engine does and goes when the process does; on the data's own file it
// would keep the readers out too.
func lock(path string) (*conn, error) {
	c, err := dial(path, nil, "busy_timeout = 0")
	if err != nil {
		return nil, fmt.Errorf("the lock file: %w", err)
	}
	if err := c.Exec("BEGIN EXCLUSIVE"); err != nil {
		err = fmt.Errorf("the lock file: %w", err)
		if resultCode(err) == codeBusy {
			err = errors.New("is open in another process, or in this one already")
		}
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// prepareFile checks what the file is before it writes to it, and leaves it in
// WAL mode with the newest schema.
func prepareFile(c *conn) error {
	fresh, err := identify(c)
	if err != nil {
		return err
	}
	if err := useWAL(c); err != nil {
		return err
	}
	// The limit gives a log's space back after a long view has let it grow.
	err = c.set(append(durable(), "temp_store = MEMORY", "cache_size = -32768", "journal_size_limit = 67108864",
		fmt.Sprintf("wal_autocheckpoint = %d", logPages))...)
	if err != nil {
		return err
	}
	if err := c.Exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	err = sqlstore.Migrate(c)
	if err == nil && fresh {
		err = c.set(fmt.Sprintf("application_id = %d", applicationID))
	}
	if err != nil {
		return errors.Join(err, c.Exec("ROLLBACK"))
	}
	return c.Exec("COMMIT")
}

// durable is how a connection that writes syncs. fullfsync is for macOS, where a
// plain fsync does not reach the disk.
func durable() []string { return []string{"synchronous = FULL", "fullfsync = ON"} }

// identify refuses a file that is not Recents' own. fresh tells that nothing
// was written to it.
func identify(c *conn) (fresh bool, err error) {
	tables, err := c.integer("SELECT count(*) FROM sqlite_schema")
	switch code := resultCode(err); {
	case code == codeNotDB:
		return false, fmt.Errorf("is not an SQLite database: %w", err)
	case code == codeCorrupt:
		return false, fmt.Errorf("is damaged: %w", err)
	case err != nil || tables == 0:
		return err == nil, err
	}
	id, err := c.integer("PRAGMA application_id")
	if err == nil && id != applicationID {
		err = fmt.Errorf("is another program's database: application_id is %#x, not %#x", id, applicationID)
	}
	return false, err
}

func useWAL(c *conn) error {
	mode, err := c.text("PRAGMA journal_mode = WAL")
	if err == nil && !strings.EqualFold(mode, "wal") {
		err = fmt.Errorf("the file system allows no write-ahead log: journal_mode is %q", mode)
	}
	return err
}

// The engine's result codes that say what to do next.
const (
	codeBusy    = 5
	codeIOErr   = 10
	codeCorrupt = 11
	codeNotDB   = 26
)

// resultCode returns the primary result code of an error of the engine, 0 for
// any other.
func resultCode(err error) int { return extendedCode(err) & 0xff }

func extendedCode(err error) int {
	var coded interface{ Code() int }
	if errors.As(err, &coded) {
		return coded.Code()
	}
	return 0
}
