// Package progresstest opens terminals (tests only).
package progresstest

import (
	"fmt"
	"io"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// Terminal returns a terminal to write to, and what ends it and returns all that
// was written. It skips the test where the machine gives none.
func Terminal(t *testing.T) (terminal *os.File, shown func() string) {
	t.Helper()
	t.Setenv("TERM", "xterm")
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip("this machine lets nobody open a terminal (/dev/ptmx), which some containers do not: ", err)
	}
	terminal, err = slave(screen)
	if err != nil {
		t.Fatal(err, screen.Close())
	}
	all := make(chan string)
	go func() {
		text, _ := io.ReadAll(screen) // EIO is how a terminal ends
		all <- string(text)
	}()
	return terminal, func() string {
		t.Helper()
		if err := terminal.Close(); err != nil {
			t.Error(err)
		}
		text := <-all
		if err := screen.Close(); err != nil {
			t.Error(err)
		}
		return text
	}
}

// slave opens the end that a program has of what the screen shows.
func slave(screen *os.File) (*os.File, error) {
	if err := unix.IoctlSetPointerInt(int(screen.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		return nil, fmt.Errorf("unlock: %w", err)
	}
	n, err := unix.IoctlGetInt(int(screen.Fd()), unix.TIOCGPTN)
	if err != nil {
		return nil, fmt.Errorf("number: %w", err)
	}
	return os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
}
