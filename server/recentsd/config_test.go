package main

import (
	"bytes"
	"encoding/base64"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"recents/core/account"
)

func parse(args string, env map[string]string) (*config, error) {
	return parseConfig(strings.Fields(args), func(name string) string { return env[name] }, &bytes.Buffer{})
}

var long = strings.Repeat("k", 32)

func TestConfigRefuses(t *testing.T) {
	good := map[string]string{envServerKey: long, envSecret: long}
	for _, c := range []struct {
		args  string
		env   map[string]string
		texts []string
	}{
		{"", nil, []string{envServerKey + " is not set", envSecret + " is not set", envPublicKey}},
		{"", map[string]string{envSecret: long}, []string{envServerKey + " is not set"}},
		{"", map[string]string{envServerKey: long}, []string{envSecret + " is not set", envPublicKey}},
		{"", map[string]string{envServerKey: long[1:], envSecret: long[1:]}, []string{envServerKey + ": 31 bytes is under 32", envSecret + ": 31 bytes is under 32"}},
		{"", map[string]string{envServerKey: long, envPublicKey: "x"}, []string{envPublicKey, "neither PEM nor base64"}},
		{"-seed", good, []string{"-seed: needs -dev"}},
		{"-dev -listen 0.0.0.0:8787", nil, []string{"-listen", "0.0.0.0:8787", "not a loopback address"}},
		{"-dev -listen :8787", nil, []string{"not a loopback address"}},
		{"-dev -listen [::]:8787", nil, []string{"not a loopback address"}},
		{"-dev -listen example.com:80", nil, []string{"not a loopback address"}},
		{"-dev -listen 8787", nil, []string{"-listen"}},
		{"-allow-origin https://a.example/", good, []string{"https://a.example/", "neither an origin"}},
		{"-allow-origin a.example", good, []string{"neither an origin"}},
		{"-dev what", nil, []string{"what", "not a flag"}},
		{"-nonsense", good, []string{"nonsense"}},
		{"-log loud", good, []string{"loud"}},
		{"-max-ext 0", good, []string{"-max-ext: 0 is under 1"}},
		{"-max-ext 8193", good, []string{"-max-ext: 8193 is over 8192"}},
		{"-tombstone-age 999ms", good, []string{"-tombstone-age: 999ms is under 1s"}},
		{"-tombstone-changes 0", good, []string{"-tombstone-changes: 0 is under 1"}},
		{"-idempotency-age -1h", good, []string{"-idempotency-age: -1h0m0s is under 1s"}},
		{"-heartbeat 0", good, []string{"-heartbeat: 0s is under 1s"}},
		{"-timeout 10ms", good, []string{"-timeout: 10ms is under 1s"}},
		{"-nim", good, []string{"-nim: needs", envNIMKey, envNIMSecret}},
		{"-nim -dev", map[string]string{envNIMKey: "app"}, []string{"-nim: needs", envNIMSecret}},
	} {
		_, err := parse(c.args, c.env)
		for _, text := range c.texts {
			require.ErrorContains(t, err, text, c.args)
		}
		if err != nil {
			require.NotContains(t, err.Error(), "kkkk", "no error shows a secret")
		}
	}
}

func TestConfigTakes(t *testing.T) {
	c, err := parse("-listen 0.0.0.0:80 -allow-origin https://a.example,https://b.example:8443 -allow-origin http://c -trust-proxy -account-rate 0 -sockets 7",
		map[string]string{envServerKey: long, envSecret: long})
	require.NoError(t, err)
	require.Equal(t, origins{"https://a.example", "https://b.example:8443", "http://c"}, c.origins)
	require.True(t, c.trustProxy)
	require.Zero(t, c.limits.AccountRate)
	require.Equal(t, 7, c.limits.Sockets)
	require.Equal(t, []byte(long), c.keys.Secret)
	require.Equal(t, slog.LevelInfo, c.logLevel)

	c, err = parse("", map[string]string{envServerKey: long, envPublicKey: base64.StdEncoding.EncodeToString([]byte(long))})
	require.NoError(t, err)
	require.Len(t, c.keys.PublicKey, 32)
	require.Empty(t, c.keys.Secret)

	for _, listen := range []string{"127.0.0.1:0", "localhost:80", "[::1]:80", "127.1.2.3:80"} {
		c, err = parse("-dev -listen "+listen, nil)
		require.NoError(t, err)
		require.Equal(t, "dev", c.keys.ServerKey)
		require.Equal(t, slog.LevelWarn, c.logLevel)
	}
	c, err = parse("-dev -max-ext 8192 -tombstone-age 1s -tombstone-changes 1 -idempotency-age 1h -token-audience im", nil)
	require.NoError(t, err)
	require.Equal(t, account.Config{MaxExt: 8192, TombstoneAge: 1000, TombstoneSeqs: 1, IdempotencyAge: 3600_000}, c.rules)
	require.Equal(t, "im", c.keys.Audience)
	c, err = parse("-dev", nil)
	require.NoError(t, err)
	require.Equal(t, account.Config{}.WithDefaults(), c.rules, "the flags' defaults are the rules' own")

	c, err = parse("-dev -log debug", nil)
	require.NoError(t, err)
	require.Equal(t, slog.LevelDebug, c.logLevel)
}

func TestExitCodesAndVersion(t *testing.T) {
	var out, errs bytes.Buffer
	none := func(string) string { return "" }
	require.Equal(t, 0, run(t.Context(), []string{"-version"}, none, &out, &errs))
	require.Equal(t, "recentsd "+version+"\n", out.String())
	require.Equal(t, 2, run(t.Context(), nil, none, &out, &errs))
	require.Contains(t, errs.String(), envServerKey)
	require.Equal(t, 0, run(t.Context(), []string{"-h"}, none, &out, &errs))
	require.Equal(t, 1, run(t.Context(), []string{"-dev", "-data", "/dev/null/x"}, none, &out, &errs), "a directory that cannot be")
}
