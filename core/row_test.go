package core_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"recents/core"
)

// vector is one line of testdata/rows.jsonl: a row as it travels, and the
// session that users get of it.
type vector struct {
	Name    string          `json:"name"`
	Row     json.RawMessage `json:"row"`
	Session json.RawMessage `json:"session,omitempty"`
	Brief   json.RawMessage `json:"brief,omitempty"` // with needLastMsg=0
}

// The golden vectors pin the wire. UPDATE_GOLDEN=1 writes them anew; read the
// diff.
func TestGoldenRows(t *testing.T) {
	path := filepath.Join("testdata", "rows.jsonl")
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	var fresh bytes.Buffer
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		var v vector
		require.NoError(t, json.Unmarshal([]byte(line), &v), line)
		row, err := core.ParseRow(v.Row)
		require.NoError(t, err, v.Name)
		assert.Equal(t, string(v.Row), string(core.AppendRow(nil, &row)), "%s: the row's own text comes back", v.Name)
		if !row.Deleted {
			full, brief := core.AppendSession(nil, &row, true), core.AppendSession(nil, &row, false)
			if os.Getenv("UPDATE_GOLDEN") == "" {
				assert.Equal(t, string(v.Session), string(full), v.Name)
				assert.Equal(t, string(v.Brief), string(brief), v.Name)
			}
			v.Session, v.Brief = full, brief
		}
		writeVector(t, &fresh, v)
	}
	if os.Getenv("UPDATE_GOLDEN") != "" {
		require.NoError(t, os.WriteFile(path, fresh.Bytes(), 0o644))
	}
}

func writeVector(t *testing.T, w *bytes.Buffer, v vector) {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	require.NoError(t, e.Encode(v))
}

// Every golden session reads into the documented types without loss.
func TestGoldenSessionsMatchTheTypes(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("testdata", "rows.jsonl"))
	require.NoError(t, err)
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		var v vector
		require.NoError(t, json.Unmarshal([]byte(line), &v))
		if v.Session == nil {
			continue
		}
		d := json.NewDecoder(bytes.NewReader(v.Session))
		d.DisallowUnknownFields()
		var s core.RecentSession
		require.NoError(t, d.Decode(&s), v.Name)
		assert.Equal(t, s.SessionType, s.SessionTypePair)
		assert.Equal(t, s.RevokeNotification != nil, *s.LastMsgType == 1, "non-null exactly when it is a revoke")
		if s.LastMsg != nil {
			assert.True(t, json.Valid([]byte(*s.LastMsg)))
		}
	}
}

func TestParseRowRefuses(t *testing.T) {
	for row, text := range map[string]string{
		`[]`:                                      "row: malformed JSON at byte 0",
		`{"q":1,"t":1}`:                           "row: k is missing",
		`{"k":"bob","q":1,"t":1}`:                 `row: k: sessionId: "bob" does not start with p2p|, team| or super_team|`,
		`{"k":"p2p|a/b","q":1,"t":1}`:             `row: k: sessionId: "a/b" holds /`,
		`{"k":"p2p|a","t":1}`:                     "row: q: 0 is under 1",
		`{"k":"p2p|a","q":-1,"t":1}`:              "row: q: -1 is under 1",
		`{"k":"p2p|a","q":1.5,"t":1}`:             "row: q: 1.5 is not a whole number",
		`{"k":"p2p|a","q":1}`:                     "row: t: 0 is under 1",
		`{"k":"p2p|a","q":1,"t":1,"xq":2}`:        "row: xq: 2 is not within 0 and q",
		`{"k":"p2p|a","q":1,"t":1,"x":7}`:         "row: x: is not a string",
		`{"k":"p2p|a","q":1,"t":1,"m":"text"}`:    "row: m: is not an object",
		`{"k":"p2p|a","q":1,"t":1,"mt":1}`:        "row: mt and r contradict each other",
		`{"k":"p2p|a","q":1,"t":1,"r":{}}`:        "row: mt and r contradict each other",
		`{"k":"p2p|a","q":1,"t":1,"mt":1,"r":[]}`: "row: r: is not an object",
		`{"k":"p2p|a","q":1,"t":1,"mt":2,"r":{}}`: "row: mt: 2 is not 0 or 1",
		`{"k":"p2p|a","q":1,"t":1,"m":{"a":}}`:    "row: malformed JSON at byte 34",
		`{"k":"p2p|a","q":1,"t":1} ` + "\x00":     "row: malformed JSON at byte 26",
	} {
		_, err := core.ParseRow([]byte(row))
		assert.EqualError(t, err, text, row)
	}
}

func TestUnknownMembersOfARowAreSkipped(t *testing.T) {
	row, err := core.ParseRow([]byte(`{"k":"p2p|a","new":{"q":9},"q":1,"t":1}`))
	require.NoError(t, err)
	assert.EqualValues(t, 1, row.Seq)
}

func FuzzParseRow(f *testing.F) {
	text, err := os.ReadFile(filepath.Join("testdata", "rows.jsonl"))
	require.NoError(f, err)
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		var v vector
		require.NoError(f, json.Unmarshal([]byte(line), &v))
		f.Add([]byte(v.Row))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		row, err := core.ParseRow(b)
		if err != nil {
			return
		}
		again, err := core.ParseRow(core.AppendRow(nil, &row))
		require.NoError(t, err)
		assert.Equal(t, row, again)
		if !row.Deleted {
			assert.True(t, json.Valid(core.AppendSession(nil, &row, true)))
			assert.True(t, json.Valid(core.AppendSession(nil, &row, false)))
		}
	})
}
