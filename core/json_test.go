package core_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"recents/core"
)

var jsonTexts = []string{
	`{}`, `[]`, `null`, `true`, `false`, `0`, `-0`, `-1.5e+10`, `"a"`, `"\u00e9\n\"\\\/"`, `[1,2,[3,{"a":[]}]]`, ` { "a" : [ 1 , 2 ] , "b" : { } } `,
	`{"a":1,"a":2}`, `1e400`, `123456789012345678901234567890`, `"\ud83d\ude00"`, `"\ud83d"`,
	``, ` `, `{`, `}`, `[`, `[1,]`, `[,1]`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{a:1}`, `01`, `1.`, `.5`, `1e`, `+1`, `--1`, `tru`, `nul`, `"`, `"\x"`, `"\u12"`, "\"\n\"",
	`[1}`, `{"a":1]`, `1 2`, `{} {}`, `"a"b`, "\xff", `'a'`, `NaN`, `Infinity`, `[1 2]`, `{"a":1 "b":2}`, `//`, `{"a":1}x`,
}

// The scanner and encoding/json agree on what is JSON.
func TestValidAgreesWithTheStandardLibrary(t *testing.T) {
	for _, s := range jsonTexts {
		assert.Equal(t, json.Valid([]byte(s)), core.Valid([]byte(s)) == nil, "%q", s)
	}
}

func FuzzValid(f *testing.F) {
	for _, s := range jsonTexts {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		err := core.Valid(b)
		if deep := bytes.Count(b, []byte("[")) + bytes.Count(b, []byte("{")); deep < core.MaxDepth {
			assert.Equal(t, json.Valid(b), err == nil)
		}
		if core.Strict(b) == nil {
			assert.NoError(t, err, "Strict is stricter")
		}
	})
}

// What stops a string is found wherever it stands, and nothing else stops it:
// eight bytes are looked at together, so every place among them counts.
func TestAStringEndsWhereItDoes(t *testing.T) {
	for length := range 20 {
		for at := range length {
			for c := range 256 {
				text := bytes.Repeat([]byte{'x'}, length)
				text[at] = byte(c)
				raw := append(append([]byte{'"'}, text...), '"')
				assert.Equal(t, json.Valid(raw), core.Valid(raw) == nil, "byte %#x at %d of %d", c, at, length)
				if c < 0x80 {
					want, err := json.Marshal(string(text))
					require.NoError(t, err)
					again, err := core.String(core.AppendString(nil, string(text)))
					require.NoError(t, err)
					assert.Equal(t, string(text), again, "%s", want)
				}
			}
		}
	}
}

func FuzzString(f *testing.F) {
	for _, s := range []string{`"a"`, `"\ud83d\ude00"`, `"\ud83d"`, `"\ude00\ud83d"`, `"\u0000"`, "\"\xff\"", `"é😀"`, `"\b\f\n\r\t\/"`, `"\ud83dx"`, `"\ud83d\u0041"`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if core.Valid(raw) != nil || raw[0] != '"' || raw[len(raw)-1] != '"' {
			return
		}
		got, err := core.String(raw)
		if err != nil {
			return
		}
		var want string
		require.NoError(t, json.Unmarshal(raw, &want))
		assert.Equal(t, want, got)
		again, err := core.String(core.AppendString(nil, got))
		require.NoError(t, err)
		assert.Equal(t, got, again, "what is written reads back")
		assert.True(t, utf8.ValidString(got))
	})
}

func TestStringRefusesWhatWouldNotComeBack(t *testing.T) {
	for raw, text := range map[string]string{
		`"\ud83d"`:       "holds a lone surrogate",
		`"\ude00"`:       "holds a lone surrogate",
		`"\ud83d\u0041"`: "holds a lone surrogate",
		"\"\xc3\"":       "is not UTF-8",
		`5`:              "is not a string",
		`null`:           "is not a string",
	} {
		_, err := core.String([]byte(raw))
		assert.EqualError(t, err, text, raw)
	}
}

func TestInt(t *testing.T) {
	for raw, want := range map[string]int64{"0": 0, "-0": 0, "7": 7, "-7": -7, "9007199254740991": 1<<53 - 1} {
		got, err := core.Int([]byte(raw))
		require.NoError(t, err, raw)
		assert.Equal(t, want, got)
	}
	for raw, text := range map[string]string{
		`"5"`:                          `"5" is not a number`,
		`null`:                         "null is not a number",
		`1.5`:                          "1.5 is not a whole number",
		`1e3`:                          "1e3 is not a whole number",
		`9007199254740992`:             "9007199254740992 is beyond 2^53-1",
		`99999999999999999999999999`:   "99999999999999999999999999 is beyond 2^53-1",
		`"` + strings.Repeat("x", 200): `"` + strings.Repeat("x", 79) + "… is not a number",
	} {
		_, err := core.Int([]byte(raw))
		assert.EqualError(t, err, text)
	}
}

func TestDepthIsBounded(t *testing.T) {
	deep := func(n int) []byte { return []byte(strings.Repeat("[", n) + strings.Repeat("]", n)) }
	assert.NoError(t, core.Valid(deep(core.MaxDepth)))
	assert.EqualError(t, core.Valid(deep(core.MaxDepth+1)), "JSON is nested deeper than 256")
	assert.Error(t, core.Valid(bytes.Repeat([]byte("["), 1<<20)), "1 MB deep")
	objects := strings.Repeat(`{"a":`, core.MaxDepth) + "1" + strings.Repeat("}", core.MaxDepth)
	assert.NoError(t, core.Strict([]byte(objects)))
}

func TestStrict(t *testing.T) {
	many := func(last string) string {
		var b strings.Builder
		b.WriteString("{")
		for i := range 40 {
			b.WriteString(`"k` + core.Itoa(int64(i)) + `":1,`)
		}
		return b.String() + `"` + last + `":1}`
	}
	for s, text := range map[string]string{
		`{"a":1,"b":{"a":1},"c":[{"a":1},{"a":1}]}`: "",
		many("k40"):             "",
		`{"a":1,"a":2}`:         `"a" stands twice in one object`,
		`{"a":1,"\u0061":2}`:    `"a" stands twice in one object`,
		`[{"x":{"b":1,"b":1}}]`: `"b" stands twice in one object`,
		many("k3"):              `"k3" stands twice in one object`,
		`{"a":"\ud800"}`:        "a string at byte 5 holds a lone surrogate",
		`{"\ud800":1}`:          "a string at byte 1 holds a lone surrogate",
		"{\"a\":\"\xff\"}":      "is not UTF-8",
		`{"a":[1,2}`:            "malformed JSON at byte 9",
		`{"a":1`:                "malformed JSON at byte 6",
	} {
		err := core.Strict([]byte(s))
		if text == "" {
			assert.NoError(t, err, s)
		} else {
			assert.EqualError(t, err, text, s)
		}
	}
}

func TestUTF16Len(t *testing.T) {
	for s, n := range map[string]int{"": 0, "a": 1, "é": 1, "小": 1, "😀": 2, "a😀b": 4} {
		assert.Equal(t, n, core.UTF16Len(s), s)
	}
}
