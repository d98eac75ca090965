package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/andybalholm/brotli"
)

// compressAbove is the size in bytes from which a brotli form is worth a file:
// below it the answer fits into one packet either way.
const compressAbove = 1024

// size is a file's, in bytes: as it is, and in brotli at quality 11.
type size struct{ raw, brotli int }

// layout is the directory that is embedded, while it is being filled.
type layout struct {
	out, cache string
	sizes      map[string]size // by path within out
	kept       map[string]bool // all that belongs into out
}

// copyTree copies every file under dir to prefix within out.
func (l *layout) copyTree(dir, prefix string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return l.add(filepath.ToSlash(filepath.Join(prefix, rel)), data)
	})
}

func (l *layout) add(name string, data []byte) error {
	packed, err := l.compress(data)
	if err != nil {
		return err
	}
	l.sizes[name] = size{len(data), len(packed)}
	if err := l.write(name, data); err != nil || len(data) <= compressAbove {
		return err
	}
	return l.write(name+".br", packed)
}

// write leaves a file that holds the data already as it is.
func (l *layout) write(name string, data []byte) error {
	l.kept[name] = true
	path := filepath.Join(l.out, filepath.FromSlash(name))
	if have, err := os.ReadFile(path); err == nil && bytes.Equal(have, data) {
		return nil
	}
	return writeFile(path, data)
}

func writeFile(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o644)
}

// compress returns the brotli form of data. It is kept under the hash of data,
// since quality 11 takes seconds for the wasm module.
func (l *layout) compress(data []byte) ([]byte, error) {
	sum := sha256.Sum256(data)
	path := filepath.Join(l.cache, hex.EncodeToString(sum[:])+".br")
	if packed, err := os.ReadFile(path); err == nil {
		return packed, nil
	}
	var b bytes.Buffer
	w := brotli.NewWriterLevel(&b, brotli.BestCompression)
	if _, err := w.Write(data); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	// Renamed into place, so that a build that was stopped leaves no half form.
	if err := writeFile(path+".new", b.Bytes()); err != nil {
		return nil, err
	}
	return b.Bytes(), os.Rename(path+".new", path)
}

// removeStale deletes what an earlier build left and this one has no more.
func (l *layout) removeStale() error {
	return filepath.WalkDir(l.out, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(l.out, path)
		if err != nil || l.kept[filepath.ToSlash(rel)] {
			return err
		}
		return os.Remove(path)
	})
}
