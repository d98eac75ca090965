package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
)

// envPrefix stands before a flag's name in the environment: -account-rate is
// RECENTS_ACCOUNT_RATE.
const envPrefix = "RECENTS_"

func envName(flagName string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(flagName, "-", "_"))
}

// setFromEnv sets the flags that the command line did not.
func setFromEnv(f *flag.FlagSet, getenv func(string) string) (err error) {
	given := map[string]bool{"config": true, "version": true}
	f.Visit(func(one *flag.Flag) { given[one.Name] = true })
	f.VisitAll(func(one *flag.Flag) {
		text := getenv(envName(one.Name))
		if err != nil || given[one.Name] || text == "" {
			return
		}
		if bad := f.Set(one.Name, text); bad != nil {
			err = fmt.Errorf("%s: %w", envName(one.Name), bad)
		}
	})
	return err
}

// withFile adds what a file says to what the environment does not.
func withFile(path string, getenv func(string) string) (func(string) string, error) {
	if path == "" {
		path = getenv(envName("config"))
	}
	if path == "" {
		return getenv, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("-config: %w", err)
	}
	values, err := readEnvFile(string(text))
	if err != nil {
		return nil, fmt.Errorf("-config: %s: %w", path, err)
	}
	return func(name string) string {
		if v := getenv(name); v != "" {
			return v
		}
		return values[name]
	}, nil
}

// readEnvFile reads lines NAME=value, as systemd's EnvironmentFile and Docker's
// --env-file have them: a value may stand in quotes, # begins a comment line. No
// error shows a value, which may be a secret.
func readEnvFile(text string) (map[string]string, error) {
	values := map[string]string{}
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		name = strings.TrimSpace(name)
		if !ok || !strings.HasPrefix(name, envPrefix) {
			return nil, fmt.Errorf("line %d is not %sNAME=value", i+1, envPrefix)
		}
		if _, twice := values[name]; twice {
			return nil, fmt.Errorf("line %d: %s stands twice", i+1, name)
		}
		values[name] = unquote(strings.TrimSpace(value))
	}
	return values, nil
}

func unquote(v string) string {
	if n := len(v); n > 1 && (v[0] == '"' || v[0] == '\'') && v[n-1] == v[0] {
		return v[1 : n-1]
	}
	return v
}
