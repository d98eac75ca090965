package core_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"recents/core"
)

// contract.md §3, queryMySessionList.
func TestParseListRequest(t *testing.T) {
	q, err := core.ParseListRequest([]byte(`{}`))
	require.NoError(t, err)
	assert.Equal(t, core.ListRequest{NeedLastMsg: true, Limit: 100}, q)
	q, err = core.ParseListRequest([]byte(`{"minTimestamp":5,"maxTimestamp":5,"needLastMsg":0,"limit":1,"hasMore":1,"other":[]}`))
	require.NoError(t, err)
	assert.Equal(t, core.ListRequest{Min: 5, Max: 5, Limit: 1}, q)
	q, err = core.ParseListRequest([]byte(`{"minTimestamp":5,"maxTimestamp":0,"needLastMsg":false}`))
	require.NoError(t, err, "max 0 is no bound")
	assert.False(t, q.NeedLastMsg)

	for body, text := range map[string]string{
		`{"limit":0}`:                         "limit: 0 is under 1",
		`{"limit":-1}`:                        "limit: -1 is under 1",
		`{"limit":101}`:                       "limit: 101 is over 100",
		`{"limit":"5"}`:                       `limit: "5" is not a number`,
		`{"limit":"NaN"}`:                     `limit: "NaN" is not a number`,
		`{"limit":null}`:                      "limit: null is not a number",
		`{"limit":9007199254740993}`:          "limit: 9007199254740993 is beyond 2^53-1",
		`{"minTimestamp":9007199254740993}`:   "minTimestamp: 9007199254740993 is beyond 2^53-1",
		`{"maxTimestamp":-5}`:                 "maxTimestamp: -5 is under 0",
		`{"minTimestamp":6,"maxTimestamp":5}`: "minTimestamp: 6 is over maxTimestamp 5",
		`{"hasMore":2}`:                       "hasMore: 2 is not 0 or 1",
		`{"needLastMsg":"1"}`:                 `needLastMsg: "1" is not 0 or 1`,
		`{"limit":`:                           "body: malformed JSON at byte 9",
		``:                                    "body: malformed JSON at byte 0",
		`[]`:                                  "body: is not a JSON object",
		`null`:                                "body: is not a JSON object",
	} {
		_, err := core.ParseListRequest([]byte(body))
		assertBadParam(t, err, text, body)
	}
}

func assertBadParam(t *testing.T, err error, text, body string) {
	t.Helper()
	code, details := core.CodeOf(err)
	assert.Equal(t, core.CodeBadParam, code, body)
	assert.Equal(t, text, details, body)
}

// contract.md §3, updateMySession.
func TestParseExtRequest(t *testing.T) {
	body := func(ext string) []byte { return []byte(`{"sessionId":"bob","sessionType":"p2p","ext":` + ext + `}`) }
	for _, ext := range []string{"", strings.Repeat("x", 1023), strings.Repeat("x", 1024), strings.Repeat("小", 1024), strings.Repeat("😀", 512), strings.Repeat("x", 1022) + "😀"} {
		q, err := core.ParseExtRequest(body(string(core.AppendString(nil, ext))), core.MaxExt)
		require.NoError(t, err)
		assert.Equal(t, ext, q.Ext)
		assert.Equal(t, core.Key{Type: core.P2P, ID: "bob"}, q.Key)
	}
	for ext, text := range map[string]string{
		`"` + strings.Repeat("x", 1025) + `"`:       "ext: 1025 UTF-16 code units is over 1024",
		`"` + strings.Repeat("x", 1023) + "😀" + `"`: "ext: 1025 UTF-16 code units is over 1024",
		`"` + strings.Repeat("😀", 513) + `"`:        "ext: 1026 UTF-16 code units is over 1024",
		`"ab\u0000c"`:                               "ext: holds U+0000 at byte 2",
		`"\ud83d"`:                                  "ext: holds a lone surrogate",
		`null`:                                      "ext: is not a string",
		`5`:                                         "ext: is not a string",
		`{}`:                                        "ext: is not a string",
	} {
		_, err := core.ParseExtRequest(body(ext), core.MaxExt)
		assertBadParam(t, err, text, ext)
	}
	_, err := core.ParseExtRequest([]byte(`{"sessionId":"bob","sessionType":"p2p"}`), core.MaxExt)
	assertBadParam(t, err, "ext: is missing", "")
	_, err = core.ParseExtRequest([]byte(`{"sessionType":"p2p","ext":""}`), core.MaxExt)
	assertBadParam(t, err, "sessionId: is missing", "")
	_, err = core.ParseExtRequest(body(`"toolong"`), 6)
	assertBadParam(t, err, "ext: 7 UTF-16 code units is over 6", "the bound is configurable")
}

// contract.md §3, deleteMySession.
func TestParseDeleteRequest(t *testing.T) {
	body := func(n int) []byte {
		keys := make([]string, n)
		for i := range keys {
			keys[i] = fmt.Sprintf(`{"sessionId":"u%d","sessionType":"p2p"}`, i)
		}
		return []byte(`{"sessionList":[` + strings.Join(keys, ",") + `]}`)
	}
	for _, n := range []int{1, 100} {
		keys, err := core.ParseDeleteRequest(body(n))
		require.NoError(t, err)
		assert.Len(t, keys, n)
	}
	for _, n := range []int{0, 101, 1000} {
		_, err := core.ParseDeleteRequest(body(n))
		assertBadParam(t, err, fmt.Sprintf("sessionList: %d keys is not within 1 and 100", n), "")
	}
	keys, err := core.ParseDeleteRequest([]byte(`{"sessionList":[{"sessionId":"u","sessionType":"p2p"},{"sessionId":"p2p|u"}]}`))
	require.NoError(t, err)
	assert.Len(t, keys, 1, "a key that stands twice counts once")
	for b, text := range map[string]string{
		`{}`:                    "sessionList: 0 keys is not within 1 and 100",
		`{"sessionList":null}`:  "sessionList: null is not an array",
		`{"sessionList":["u"]}`: `sessionList: 0: "u" is not an object`,
		`{"sessionList":[{"sessionId":"u","sessionType":"p2p"},{"sessionId":"team|u","sessionType":"p2p"}]}`: `sessionList: 1: sessionId: "team|u" contradicts sessionType p2p`,
	} {
		_, err := core.ParseDeleteRequest([]byte(b))
		assertBadParam(t, err, text, b)
	}
}
