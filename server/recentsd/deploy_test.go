package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const root = "../.."

func contentOf(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	require.NoError(t, err)
	return string(text)
}

// instructions are a Dockerfile's, each with what follows its name.
func instructions(text string) map[string][]string {
	all := map[string][]string{}
	for _, line := range strings.Split(text, "\n") {
		if name, rest, ok := strings.Cut(strings.TrimSpace(line), " "); ok && !strings.HasPrefix(name, "#") {
			all[name] = append(all[name], rest)
		}
	}
	return all
}

// TestDockerfile holds deploy/Dockerfile to what is there, since no test builds
// it: that takes a daemon.
func TestDockerfile(t *testing.T) {
	does := instructions(contentOf(t, "deploy/Dockerfile"))
	built := regexp.MustCompile(`-o (build/recentsd) `).FindStringSubmatch(contentOf(t, "build.sh"))
	require.NotNil(t, built, "what build.sh leaves")
	for _, what := range does["COPY"] {
		words := strings.Fields(what)
		from := words[:len(words)-1]
		if strings.HasPrefix(from[0], "--from=build") {
			source := from[len(from)-1]
			assert.Contains(t, []string{"/src/" + built[1], "/data"}, source)
			continue
		}
		for _, name := range from {
			_, err := os.Stat(filepath.Join(root, name))
			assert.NoError(t, err, what)
		}
	}

	var command []string
	require.NoError(t, json.Unmarshal([]byte(does["ENTRYPOINT"][0]), &command))
	require.Equal(t, "/recentsd", command[0])
	c, err := parse(strings.Join(command[1:], " "), map[string]string{envServerKey: long, envSecret: long})
	require.NoError(t, err)
	assert.Equal(t, does["VOLUME"], []string{c.dataDir})
	assert.Equal(t, does["EXPOSE"], []string{strings.TrimPrefix(c.listen, ":")})
	assert.Regexp(t, `^[1-9]\d*:[1-9]\d*$`, does["USER"][len(does["USER"])-1], "not root, by number: there is no file of names")

	image := strings.TrimPrefix(strings.Fields(does["FROM"][0])[0], "golang:")
	assert.Contains(t, contentOf(t, "go.mod"), "\ngo "+image+".", "the Go that the module asks for")
	ignored := strings.Fields(contentOf(t, ".dockerignore"))
	for _, name := range []string{"build", "data", "e2e/node_modules"} {
		assert.Contains(t, ignored, name, "what is of this machine goes into no image")
	}
}

// TestUnit holds deploy/recentsd.service to the flags that there are and, where
// systemd is, to what it understands.
func TestUnit(t *testing.T) {
	unit := contentOf(t, "deploy/recentsd.service")
	start := regexp.MustCompile(`(?m)^ExecStart=(\S+) (.*)$`).FindStringSubmatch(unit)
	require.NotNil(t, start)
	state, credentials := t.TempDir(), t.TempDir()
	secrets := envServerKey + "=" + long + "\n" + envSecret + "=" + long + "\n"
	require.NoError(t, os.WriteFile(filepath.Join(credentials, "recents.env"), []byte(secrets), 0o600))
	c, err := parse(strings.NewReplacer("%S", state, "${CREDENTIALS_DIRECTORY}", credentials).Replace(start[2]), nil)
	require.NoError(t, err)
	assert.Equal(t, filepath.Join(state, regexp.MustCompile(`(?m)^StateDirectory=(.*)$`).FindStringSubmatch(unit)[1]), c.dataDir)
	assert.Contains(t, unit, "\nDynamicUser=yes\n", "not root")
	stop, err := time.ParseDuration(regexp.MustCompile(`(?m)^TimeoutStopSec=(.*)$`).FindStringSubmatch(unit)[1])
	require.NoError(t, err)
	assert.Greater(t, stop, c.grace, "it is killed only after it had its time")

	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Log("not read by systemd, which is not here")
		return
	}
	self, err := os.Executable()
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "recentsd.service") // of a program that is there, as the unit's own is not
	require.NoError(t, os.WriteFile(file, []byte(strings.Replace(unit, start[1], self, 1)), 0o600))
	told, err := exec.Command(analyze, "verify", "--man=no", file).CombinedOutput()
	assert.NoError(t, err, string(told))
	assert.NotContains(t, string(told), file, "it warns of nothing")
}

// TestDashboard holds deploy/grafana.json to metrics that there are.
func TestDashboard(t *testing.T) {
	source := contentOf(t, "server/recentsd/metrics.go")
	names := regexp.MustCompile(`recents_[a-z_]+`).FindAllString(contentOf(t, "deploy/grafana.json"), -1)
	require.NotEmpty(t, names)
	for _, name := range names {
		assert.Contains(t, source, `"`+strings.TrimSuffix(name, "_bucket")+`"`)
	}
}
