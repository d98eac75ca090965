package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"recents/core"
	"recents/core/account"
	"recents/server"
)

// The environment of a server that is not in dev mode.
const (
	envServerKey = "RECENTS_SERVER_KEY"
	envSecret    = "RECENTS_TOKEN_SECRET"
	envPublicKey = "RECENTS_TOKEN_PUBLIC_KEY"
	envNIMKey    = "RECENTS_NIM_APP_KEY"
	envNIMSecret = "RECENTS_NIM_APP_SECRET"
)

// minSecret is the bytes that a secret needs: HS256's own strength.
const minSecret = 32

// devServerKey is known to everyone, which is why dev mode listens on loopback
// addresses only.
const devServerKey = "dev"

type config struct {
	dev, seed, trustProxy, showVersion bool
	nim                                bool
	nimKey, nimSecret                  string
	listen, dataDir, file              string
	origins                            origins
	limits                             server.Limits
	rules                              account.Config
	tombstoneAge, idempotencyAge       time.Duration
	heartbeat, timeout, grace          time.Duration
	logLevel                           slog.Level
	keys                               server.Keys // in dev mode without the secret, which the data directory keeps
}

// origins is a flag that may be given often, or with commas.
type origins []string

func (o *origins) String() string { return strings.Join(*o, ",") }

func (o *origins) Set(text string) error {
	for _, one := range strings.Split(text, ",") {
		u, err := url.Parse(one)
		if one != "*" && (err != nil || u.Scheme == "" || u.Host == "" || u.Scheme+"://"+u.Host != one) {
			return fmt.Errorf(`%q is neither an origin like "https://chat.example" nor "*"`, one)
		}
		*o = append(*o, one)
	}
	return nil
}

func parseConfig(args []string, getenv func(string) string, stderr io.Writer) (*config, error) {
	c := &config{limits: server.DefaultLimits()}
	f := c.flags()
	f.SetOutput(stderr)
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	getenv, err := withFile(c.file, getenv)
	if err != nil {
		return nil, err
	}
	if err := setFromEnv(f, getenv); err != nil {
		return nil, err
	}
	if f.NArg() > 0 {
		return nil, fmt.Errorf("%q is not a flag", f.Arg(0))
	}
	if c.showVersion {
		return c, nil
	}
	if err := c.checkLimits(); err != nil {
		return nil, err
	}
	if c.dev {
		return c, errors.Join(c.checkDev(isSet(f, "log")), c.readNIM(getenv))
	}
	return c, errors.Join(c.readKeys(getenv), c.readNIM(getenv))
}

func (c *config) flags() *flag.FlagSet {
	f := flag.NewFlagSet("recentsd", flag.ContinueOnError)
	f.Usage = func() {
		_, _ = io.WriteString(f.Output(), usage) // PrintDefaults minds no error either
		f.PrintDefaults()
	}
	f.BoolVar(&c.dev, "dev", false, `development: server key "dev", tokens for anyone on this machine, any loopback origin`)
	f.StringVar(&c.listen, "listen", "127.0.0.1:8787", "address to serve on")
	f.StringVar(&c.dataDir, "data", "data", "directory of the database; it is made when missing")
	f.BoolVar(&c.seed, "seed", false, "with -dev: fill an empty database with demo accounts")
	f.Var(&c.origins, "allow-origin", `web origin that may call; repeat it or use commas; "*" is any`)
	f.BoolVar(&c.trustProxy, "trust-proxy", false, "take the caller's address from the last one in X-Forwarded-For")
	f.Float64Var(&c.limits.AccountRate, "account-rate", c.limits.AccountRate, "requests a second of one account; 0 is no limit")
	f.Float64Var(&c.limits.AddressRate, "address-rate", c.limits.AddressRate, "requests a second from one address; 0 is no limit")
	f.IntVar(&c.limits.AccountSockets, "account-sockets", c.limits.AccountSockets, "open WebSockets of one account; 0 is no limit")
	f.IntVar(&c.limits.Sockets, "sockets", c.limits.Sockets, "open WebSockets in all; 0 is no limit")
	f.IntVar(&c.rules.MaxExt, "max-ext", core.MaxExt, "UTF-16 code units of an ext")
	f.DurationVar(&c.tombstoneAge, "tombstone-age", 30*24*time.Hour, "how long a delete is kept for devices that were away; older ones list again")
	f.Int64Var(&c.rules.TombstoneSeqs, "tombstone-changes", 1000, "newer changes of its account that a delete is kept for at least")
	f.DurationVar(&c.idempotencyAge, "idempotency-age", 24*time.Hour, "how long a write's answer is kept for repeats of it")
	f.StringVar(&c.keys.Audience, "token-audience", "", "aud that every token must have; without it, tokens with an aud are refused")
	f.BoolVar(&c.nim, "nim", false, "take the vendor's HTTP calls below /nimserver/; with -dev AppKey and AppSecret are \"dev\"")
	f.DurationVar(&c.heartbeat, "heartbeat", 25*time.Second, "how often a WebSocket's client should ping")
	f.DurationVar(&c.timeout, "timeout", 15*time.Second, "how long a call may wait for the store")
	f.DurationVar(&c.grace, "grace", 10*time.Second, "how long a stop waits for what runs")
	f.TextVar(&c.logLevel, "log", slog.LevelInfo, "debug, info, warn or error; with -dev the default is warn")
	f.StringVar(&c.file, "config", "", "file of lines NAME=value, as in the environment, which goes before it")
	f.BoolVar(&c.showVersion, "version", false, "print the version and exit")
	return f
}

// maxMaxExt is an ext whose every code unit may be escaped in a call's body.
const maxMaxExt = 8192

// checkLimits holds the flags to bounds within which the server works, and
// gives the rules their units.
func (c *config) checkLimits() error {
	c.rules.TombstoneAge, c.rules.IdempotencyAge = c.tombstoneAge.Milliseconds(), c.idempotencyAge.Milliseconds()
	for _, d := range []struct {
		name string
		is   time.Duration
	}{{"tombstone-age", c.tombstoneAge}, {"idempotency-age", c.idempotencyAge}, {"heartbeat", c.heartbeat}, {"timeout", c.timeout}} {
		if d.is < time.Second {
			return fmt.Errorf("-%s: %s is under 1s", d.name, d.is)
		}
	}
	switch {
	case c.rules.MaxExt < 1:
		return fmt.Errorf("-max-ext: %d is under 1", c.rules.MaxExt)
	case c.rules.MaxExt > maxMaxExt:
		return fmt.Errorf("-max-ext: %d is over %d", c.rules.MaxExt, maxMaxExt)
	case c.rules.TombstoneSeqs < 1:
		return fmt.Errorf("-tombstone-changes: %d is under 1", c.rules.TombstoneSeqs)
	}
	return nil
}

func isSet(f *flag.FlagSet, name string) bool {
	set := false
	f.Visit(func(fl *flag.Flag) { set = set || fl.Name == name })
	return set
}

func (c *config) checkDev(logSet bool) error {
	if !logSet {
		c.logLevel = slog.LevelWarn // the address shall be the last line that one sees
	}
	c.keys.ServerKey = devServerKey
	host, _, err := net.SplitHostPort(c.listen)
	if err != nil {
		return fmt.Errorf("-listen: %w", err)
	}
	if addr, err := netip.ParseAddr(host); host != "localhost" && (err != nil || !addr.IsLoopback()) {
		return fmt.Errorf("-listen: %q is not a loopback address, and -dev lets anyone in who reaches it", c.listen)
	}
	return nil
}

// readKeys takes the keys from the environment, and names all that is wrong.
func (c *config) readKeys(getenv func(string) string) error {
	var errs []error
	if c.seed {
		errs = append(errs, errors.New("-seed: needs -dev"))
	}
	c.keys.ServerKey = getenv(envServerKey)
	errs = append(errs, checkSecret(envServerKey, c.keys.ServerKey))
	secret, public := getenv(envSecret), getenv(envPublicKey)
	if secret == "" && public == "" {
		errs = append(errs, fmt.Errorf("%s is not set, nor is %s", envSecret, envPublicKey))
	}
	if secret != "" {
		errs = append(errs, checkSecret(envSecret, secret))
		c.keys.Secret = []byte(secret)
	}
	if public != "" {
		key, err := server.ParsePublicKey(public)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", envPublicKey, err))
		}
		c.keys.PublicKey = key
	}
	return errors.Join(errs...)
}

// readNIM takes the app's key and secret of the vendor's calls. The secret is
// the app's own, which it has already: it is held to no more than being there.
func (c *config) readNIM(getenv func(string) string) error {
	if !c.nim {
		return nil
	}
	c.nimKey, c.nimSecret = getenv(envNIMKey), getenv(envNIMSecret)
	if c.dev && c.nimKey == "" && c.nimSecret == "" {
		c.nimKey, c.nimSecret = devServerKey, devServerKey
	}
	if c.nimKey == "" || c.nimSecret == "" {
		return fmt.Errorf("-nim: needs %s and %s", envNIMKey, envNIMSecret)
	}
	return nil
}

func checkSecret(name, value string) error {
	switch {
	case value == "":
		return fmt.Errorf("%s is not set", name)
	case len(value) < minSecret:
		return fmt.Errorf("%s: %d bytes is under %d", name, len(value), minSecret)
	}
	return nil
}
