package sqlite

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"
)

// Told hears how far a Backup or a Restore is: of a step, "copy" or "check", so
// many bytes of so many, or of 0 where the engine does not say. It may be called
// by another goroutine than the caller's, never by two at once.
type Told func(step string, done, total int64)

// Backup writes one moment's copy of the file at path, which may be in use by
// another process meanwhile, to a new file at to. It refuses a file that is
// there already. What stands at to is whole: it is written beside it first.
func Backup(path, to string, told Told) (err error) {
	if err := absent(to); err != nil {
		return err
	}
	to, err = filepath.Abs(to) // the engine would take "file:…" for a URI
	if err != nil {
		return err
	}
	part := to + ".part"
	if err := makePrivate(part); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("sqlite: backup of %s: %w", path, errors.Join(err, removed(part)))
		}
	}()
	if err := copyOut(path, part, told); err != nil {
		return err
	}
	if err := check(part, told); err != nil {
		return err
	}
	return moved(part, to)
}

// copyOut is the engine's own copy: one read transaction, over which writing
// goes on.
func copyOut(path, to string, told Told) (err error) {
	info, err := os.Stat(path)
	if err != nil {
		return err // the engine would make one
	}
	c, err := dial(path, nil, busyTimeout(Options{}.withDefaults()))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	if err := isOurs(c); err != nil {
		return err
	}
	defer watch(to, info.Size(), told)()
	return c.Exec("VACUUM INTO ?", to)
}

// watched is how far apart two looks at a growing file are.
const watched = 200 * time.Millisecond

// watch tells how a file grows that the engine writes, until what it returns is
// called. That the file cannot be looked at fails nothing.
func watch(path string, total int64, told Told) (stop func()) {
	told("copy", 0, total)
	var looking sync.WaitGroup
	done := make(chan struct{})
	looking.Go(func() {
		ticks := time.NewTicker(watched)
		defer ticks.Stop()
		for {
			select {
			case <-done:
				return
			case <-ticks.C:
			}
			if info, err := os.Stat(path); err == nil {
				told("copy", info.Size(), total)
			}
		}
	})
	return func() { close(done); looking.Wait() }
}

// makePrivate makes an empty file that the machine's other users cannot read:
// the engine would make it for all of them.
func makePrivate(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// isOurs is identify for a file that must hold something.
func isOurs(c *conn) error {
	fresh, err := identify(c)
	if err == nil && fresh {
		err = errors.New("is empty")
	}
	return err
}

// Restore puts a Backup's file in the place of path, with a new epoch for every
// account: readers that had seen more than it holds start over (sync.md). A
// file that is at path already is an error; with force it is kept beside it, as
// path.replaced. A file that a process has open is left alone.
func Restore(from, path string, force bool, told Told) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("sqlite: restore to %s: %w", path, err)
		}
	}()
	if err := check(from, told); err != nil {
		return fmt.Errorf("%s: %w", from, err)
	}
	l, err := lock(path + ".lock")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	if err := absent(path); err != nil && !force {
		return err
	}
	part := path + ".part"
	if err := prepareCopy(from, part, told); err != nil {
		return errors.Join(err, removed(part))
	}
	if err := setAside(path); err != nil {
		return err
	}
	return moved(part, path)
}

// prepareCopy makes the copy that is to be served.
func prepareCopy(from, part string, told Told) (err error) {
	if err := copyFile(from, part, told); err != nil {
		return err
	}
	c, err := dial(part, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	return c.Exec("UPDATE accounts SET epoch = lower(hex(randomblob(8)))")
}

func copyFile(from, to string, told Told) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, io.TeeReader(in, &copied{total: info.Size(), told: told}))
	return errors.Join(err, out.Close())
}

// copied tells of what goes past.
type copied struct {
	done, total int64
	told        Told
}

func (c *copied) Write(p []byte) (int, error) {
	c.done += int64(len(p))
	c.told("copy", c.done, c.total)
	return len(p), nil
}

// check holds a file that nobody has open to be ours, and sound to its last
// page.
func check(path string, told Told) (err error) {
	if _, err := os.Stat(path); err != nil {
		return err
	}
	told("check", 0, 0)
	c, err := dial(path, map[string][]string{"mode": {"ro"}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	if err := isOurs(c); err != nil {
		return err
	}
	verdict, err := c.text("PRAGMA integrity_check(1)")
	if err == nil && verdict != "ok" {
		err = fmt.Errorf("is damaged: %s", verdict)
	}
	return err
}

// setAside renames what is at path, the log with it: the engine would play an
// old log into whatever stands there next.
func setAside(path string) error {
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Rename(path+suffix, path+".replaced"+suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// moved has the file's bytes on the disk before it gets its name, and then the
// name.
func moved(part, to string) error {
	if err := synced(part); err != nil {
		return err
	}
	if err := os.Rename(part, to); err != nil {
		return err
	}
	if runtime.GOOS == "windows" { // which opens no directory, and has names on the disk by itself
		return nil
	}
	return synced(filepath.Dir(to))
}

func synced(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func absent(path string) error {
	_, err := os.Stat(path)
	switch {
	case err == nil:
		return fmt.Errorf("%s is there already", path)
	case errors.Is(err, os.ErrNotExist):
		return nil
	}
	return err
}

// removed is os.Remove, which does not mind that there is nothing.
func removed(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
