package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"recents/server"
	"recents/server/nim"
	"recents/server/sqlite"
)

// serve runs until ctx ends, or until the store fails.
func serve(ctx context.Context, c *config, log *slog.Logger, stdout io.Writer) (err error) {
	if err := makeDataDir(c.dataDir); err != nil {
		return err
	}
	if c.dev {
		if c.keys.Secret, err = devSecret(c.dataDir); err != nil {
			return err
		}
	}
	db, err := sqlite.Open(databaseOf(c.dataDir), sqlite.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	m := newMetrics(db)
	h, err := server.New(ctx, handlerOptions(c, db, m, log, fail))
	if err != nil {
		return err
	}
	m.watch(h.Ahead)
	site, err := newSite(assets, withNIM(c, h))
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", c.listen)
	if err != nil {
		return err
	}
	return runServer(ctx, c, h, httpServer(site, log), l, log, stdout)
}

// makeDataDir keeps what users wrote from the machine's other users.
func makeDataDir(dir string) error { return os.MkdirAll(dir, 0o700) }

func handlerOptions(c *config, db *sqlite.DB, m *metrics, log *slog.Logger, fail context.CancelCauseFunc) server.Options {
	return server.Options{
		Accounts: db, Config: c.rules, Keys: c.keys, Now: now, NewID: newID, Timeout: c.timeout,
		Origins: c.origins, Dev: c.dev, TrustProxy: c.trustProxy, Limits: c.limits, Heartbeat: c.heartbeat,
		Healthy: db.Healthy, Failed: func(err error) { fail(&storeFailure{err}) },
		Log: log, Metrics: m, Exposition: m.handler(),
	}
}

// withNIM puts the vendor's calls before the service's own, when asked to.
func withNIM(c *config, h http.Handler) http.Handler {
	if !c.nim {
		return h
	}
	vendor := nim.New(nim.Options{API: h, ServerKey: c.keys.ServerKey, AppKey: c.nimKey, AppSecret: c.nimSecret, Now: now})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, nim.Prefix) {
			vendor.ServeHTTP(w, r)
			return
		}
		h.ServeHTTP(w, r)
	})
}

func now() int64 { return time.Now().UnixMilli() }

// newID returns 128 random bits as 32 hex digits.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the process first
	return hex.EncodeToString(b[:])
}

// devSecret keeps the secret of dev tokens beside the data, so that a page that
// is open goes on working over a restart.
func devSecret(dir string) ([]byte, error) {
	path := filepath.Join(dir, "dev-token-secret")
	secret, err := os.ReadFile(path)
	if err == nil && len(secret) >= minSecret {
		return secret, nil
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	secret = []byte(newID() + newID())
	return secret, os.WriteFile(path, secret, 0o600)
}

// httpServer bounds what a slow or hostile caller can hold.
func httpServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}

// runServer serves on l until ctx ends, and then stops in order: no new callers,
// the calls that run end, sockets close with 1001.
func runServer(ctx context.Context, c *config, h *server.Handler, srv *http.Server, l net.Listener, log *slog.Logger, stdout io.Writer) error {
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	housekeeping := make(chan struct{})
	background, cancel := context.WithCancel(ctx)
	go func() {
		defer close(housekeeping)
		collect(background, h, log)
	}()
	defer func() {
		cancel()
		<-housekeeping
	}()
	if err := announce(ctx, c, l, log, stdout); err != nil {
		return errors.Join(err, stop(c.grace, h, srv))
	}
	select {
	case err := <-served:
		return errors.Join(err, stop(c.grace, h, srv))
	case <-ctx.Done():
	}
	log.Info("stopping")
	err := stop(c.grace, h, srv)
	var failure *storeFailure
	if errors.As(context.Cause(ctx), &failure) {
		err = errors.Join(failure, err)
	}
	return err
}

// storeFailure is why a server stops of itself: a store that refuses writes
// after a failed one has to be opened anew.
type storeFailure struct{ err error }

func (f *storeFailure) Error() string { return "the store failed: " + f.err.Error() }
func (f *storeFailure) Unwrap() error { return f.err }

// announce seeds when asked to, and says where the server is.
func announce(ctx context.Context, c *config, l net.Listener, log *slog.Logger, stdout io.Writer) error {
	address := "http://" + l.Addr().String()
	log.Info("serving", "address", address, "version", version, "data", c.dataDir)
	if !c.dev {
		return nil
	}
	if c.seed {
		if err := seed(newClient(ctx, address, devServerKey), time.Now(), func(done, total int64) {}); err != nil && ctx.Err() == nil {
			return fmt.Errorf("seed: %w", err)
		}
	}
	_, err := fmt.Fprintln(stdout, address)
	return err
}

// stop ends what runs, for at most grace; then it cuts what is left.
func stop(grace time.Duration, h *server.Handler, srv *http.Server) error {
	h.Stop()
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	closed := make(chan error, 1)
	go func() { closed <- h.Close(ctx) }()
	err := srv.Shutdown(ctx)
	err = errors.Join(err, <-closed)
	if err != nil {
		err = errors.Join(fmt.Errorf("not all that ran ended within %s: %w", grace, err), srv.Close())
	}
	return err
}

const collectEvery = time.Hour

// collect does the housekeeping at start and each hour.
func collect(ctx context.Context, h *server.Handler, log *slog.Logger) {
	tick := time.NewTicker(collectEvery)
	defer tick.Stop()
	for {
		if err := h.Collect(ctx); err != nil && ctx.Err() == nil {
			log.Error("housekeeping failed", "error", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
