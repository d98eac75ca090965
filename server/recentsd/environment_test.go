package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAFlagGoesBeforeTheEnvironmentAndThatBeforeTheFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "recents.env")
	require.NoError(t, os.WriteFile(file, []byte(`
# a comment
RECENTS_SERVER_KEY="`+long+`"
RECENTS_TOKEN_SECRET = '`+long+`'
RECENTS_ACCOUNT_RATE=1
RECENTS_ADDRESS_RATE=2
RECENTS_SOCKETS=3
RECENTS_ALLOW_ORIGIN=https://a.example,https://b.example
`), 0o600))
	c, err := parse("-account-rate 7 -config "+file, map[string]string{"RECENTS_ACCOUNT_RATE": "8", "RECENTS_ADDRESS_RATE": "9"})
	require.NoError(t, err)
	require.Equal(t, []float64{7, 9}, []float64{c.limits.AccountRate, c.limits.AddressRate})
	require.Equal(t, 3, c.limits.Sockets)
	require.Equal(t, origins{"https://a.example", "https://b.example"}, c.origins)
	require.Equal(t, long, c.keys.ServerKey)
	require.Equal(t, []byte(long), c.keys.Secret)

	c, err = parse("", map[string]string{"RECENTS_CONFIG": file, "RECENTS_LOG": "error"})
	require.NoError(t, err)
	require.Equal(t, 3, c.limits.Sockets)
	require.Equal(t, "ERROR", c.logLevel.String())
}

func TestAFileThatIsNotOneOfSettingsIsRefused(t *testing.T) {
	for text, want := range map[string]string{
		"RECENTS_SERVER_KEY": "line 1 is not", "\nPATH=" + long: "line 2 is not", "RECENTS_LOG=info\nRECENTS_LOG=warn": "line 2: RECENTS_LOG stands twice",
		"RECENTS_SOCKETS=many": "RECENTS_SOCKETS", "RECENTS_HEARTBEAT=1ms": "-heartbeat",
	} {
		file := filepath.Join(t.TempDir(), "recents.env")
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		_, err := parse("-config "+file, map[string]string{envServerKey: long, envSecret: long})
		require.ErrorContains(t, err, want, text)
		require.NotContains(t, err.Error(), long)
	}
	_, err := parse("-config /no/such/file", map[string]string{envServerKey: long, envSecret: long})
	require.ErrorContains(t, err, "-config: open /no/such/file")
}
