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

// What is read quickly is what the plain reader makes of it, the refusal included.

// members are put together to rows and messages: flat ones and those that the quick
// readers have to leave to the others.
var texts = []string{
	`""`, `"a"`, `"1234567"`, `"12345678"`, `"123456789"`, `"周末去爬山吗"`, `"é"`, `"😀"`, `"\ud83d\ude00"`, `"\ud83d"`, `"a\"b"`, `"\\"`, `"\u0041"`, `"\n"`, "\"\xff\"",
	"\"\x01\"", `"`, `"a`, `0`, `1`, `12345678901`, `01`, `-1`, `1.5`, `1e3`, `true`, `null`, `nul`, `{}`, `[]`, `{"a":{"b":[1,{"c":"}"}]}}`, `{"a":1,"b":"x","c":2}`, ``, ` 1`, `1 `, `9007199254740992`,
}

func TestARowIsReadQuicklyAsByItsNames(t *testing.T) {
	check := func(text string) {
		t.Helper()
		quick, err := core.ParseRow([]byte(text))
		plain, want := core.RowByNames([]byte(text))
		assert.Equal(t, want, err, text)
		assert.Equal(t, plain, quick, text)
		_, _ = parseSnapshotPage(t, []byte(`{"epoch":"e1","asOf":5,"rows":[`+text+`],"more":false,"nextMaxTime":0}`)) // for its text
	}
	head := `{"k":"p2p|bob","q":12,"t":1700000000000`
	for _, v := range texts {
		check(`{"k":` + v + `,"q":12,"t":17}`)
		check(`{"k":"p2p|` + strings.Trim(v, `"`) + `","q":12,"t":17}`)
		check(`{"k":"p2p|bob","q":` + v + `,"t":17}`)
		check(`{"k":"p2p|bob","q":12,"t":` + v + `}`)
		for _, name := range []string{"x", "xq", "m", "mt", "r", "d", "new", "k"} {
			member := `,"` + name + `":` + v
			check(head + member + `}`)
			check(head + `,"x":"e","xq":3` + member + `,"m":{"a":1},"d":1}`)
			check(head + `,"m":{"content":` + v + `}` + member + `}`)
			check(head + `,"mt":1,"r":{}` + member + `} `)
			check(head + member)
		}
	}
	whole := head + `,"x":"e","xq":3,"m":{"a":{}},"mt":1,"r":{"b":1},"d":1}`
	for end := range whole {
		check(whole[:end])
		check(whole[:end] + " " + whole[end:])
	}
}

func TestAFrameIsReadQuicklyAsByItsNames(t *testing.T) {
	check := func(text string) {
		t.Helper()
		quick, err := core.ParseFrame([]byte(text))
		plain, want := core.FrameByNames([]byte(text))
		assert.Equal(t, want, err, text)
		if err == nil {
			assert.Equal(t, plain, quick, text)
		}
	}
	row := `{"k":"p2p|bob","q":2,"t":17,"m":{"a":1}}`
	for _, v := range texts {
		check(`{"t":` + v + `,"epoch":"e","from":1,"to":2,"rows":[],"lastMid":0}`)
		check(`{"t":"delta","epoch":` + v + `,"from":1,"to":2,"rows":[` + row + `],"lastMid":0}`)
		check(`{"t":"delta","epoch":"e","from":` + v + `,"to":2,"rows":[` + row + `],"lastMid":0}`)
		check(`{"t":"delta","epoch":"e","from":1,"to":` + v + `,"rows":[` + row + `],"lastMid":0}`)
		check(`{"t":"delta","epoch":"e","from":1,"to":2,"rows":` + v + `,"lastMid":0}`)
		check(`{"t":"delta","epoch":"e","from":1,"to":2,"rows":[` + v + `],"lastMid":0}`)
		check(`{"t":"delta","epoch":"e","from":1,"to":2,"rows":[` + row + `],"lastMid":` + v + `}`)
		check(`{"t":"delta","epoch":"e","from":1,"to":2,"rows":[` + row + `],"lastMid":0,"new":` + v + `}`)
	}
	whole := `{"t":"delta","epoch":"e","from":0,"to":3,"rows":[` + row + `,{"k":"team|a","q":3,"t":18,"d":1}],"lastMid":7}`
	for end := range whole {
		check(whole[:end])
		check(whole[:end] + " " + whole[end:])
	}
}

func TestALastMessageIsPickedQuicklyAsByItsNames(t *testing.T) {
	names := []string{"fromAccount", "fromNickname", "uuid", "messageType", "status", "content", "timestamp", "messageAttachment", "serverId", `\u0075uid`}
	for i, name := range names {
		for _, v := range texts {
			msg := []byte(`{"other":"x","` + names[(i+1)%len(names)] + `":"y","` + name + `":` + v + `}`)
			if !json.Valid(msg) {
				continue
			}
			quick, plain, flat := core.LastMessage(msg)
			if flat {
				assert.Equal(t, plain, quick, "%s", msg)
			}
			wide := bytes.Replace(msg, []byte(`":"y`), []byte(`": "y`), 1)
			_, again, flat := core.LastMessage(wide)
			assert.False(t, flat)
			assert.Equal(t, plain, again, "%s", wide)
		}
	}
	_, _, flat := core.LastMessage([]byte(`{"uuid":"u","timestamp":17,"content":"周末"}`))
	assert.True(t, flat, "as messages are")
}

// A flat member is no other than the rules would read, whatever stands where among
// the eight bytes that are looked at together.
func TestFlatMembersAreJSON(t *testing.T) {
	for length := range 20 {
		for at := range length {
			for c := range 256 {
				for _, form := range []string{`{"%":1,"b":2}`, `{"a":"%","b":2}`, `{"%:1,"b":2}`, `{"a":"%,"b":2}`, `{"a":7%,"b":2}`, `{"a":%,"b":2}`} {
					text := bytes.Repeat([]byte{'1'}, length)
					text[at] = byte(c)
					b := bytes.Replace([]byte(form), []byte("%"), text, 1)
					next := core.SkipFlat(b, 1)
					assert.Equal(t, json.Valid(b), core.Valid(b) == nil, "%q", b)
					if next > 1 {
						assert.Equal(t, json.Valid(b), json.Valid(append([]byte{'{'}, b[next:]...)), "%q: the next member is at %d", b, next)
						assert.True(t, json.Valid(append(append([]byte{}, b[:next-1]...), '}')), "%q: a member ends at %d", b, next-1)
					}
				}
			}
		}
	}
}

func TestTheNextControlCharacterIsFoundWhereverItStands(t *testing.T) {
	for length := range 20 {
		for at := range length {
			for c := range 256 {
				text := bytes.Repeat([]byte{0xff}, length)
				text[at] = byte(c)
				for from := range length {
					want := length
					if c < 0x20 && from <= at {
						want = at
					}
					assert.Equal(t, want, core.NextControl(text, from), "%#x at %d of %d, from %d", c, at, length, from)
				}
			}
		}
	}
}

// A session in two is the session.
func TestASessionApartIsTheWhole(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("testdata", "rows.jsonl"))
	require.NoError(t, err)
	apart := 0
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		var v vector
		require.NoError(t, json.Unmarshal([]byte(line), &v))
		row, err := core.ParseRow(v.Row)
		require.NoError(t, err)
		if row.Deleted {
			continue
		}
		session, hole := core.AppendSessionApart([]byte("before"), &row)
		session = session[len("before"):]
		require.True(t, json.Valid(session), "%s", session)
		if hole > 0 {
			hole -= len("before")
			apart++
		}
		assert.Equal(t, hole > 0, !row.Revoked && len(row.Msg) > 0, v.Name)
		assert.Equal(t, string(v.Session), string(core.AppendWhole(nil, session, hole, row.Msg)), v.Name)
	}
	assert.Positive(t, apart)
}

func TestTheKeyStandsInTheText(t *testing.T) {
	for id, stands := range map[string]bool{"bob": true, "a|b": true, "周末": true, `a"b`: false, `a\b`: false} {
		row := core.Row{Key: core.Key{Type: core.Team, ID: id}, Seq: 1, UpdateTime: 2, HasExt: true}
		want := ""
		if stands {
			want = row.Key.String()
		}
		assert.Equal(t, want, core.KeyIn(core.AppendRow(nil, &row)))
	}
}

func FuzzQuickRow(f *testing.F) {
	f.Add([]byte(`{"k":"p2p|bob","q":12,"t":1700000000000,"x":"…","xq":3,"m":{"uuid":"u","content":"c"},"d":1}`))
	f.Add([]byte(`{"k":"team|a","q":1,"t":2,"mt":1,"r":{"message":{"timestamp":17}}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		quick, err := core.ParseRow(b)
		plain, want := core.RowByNames(b)
		require.Equal(t, want, err)
		require.Equal(t, plain, quick)
		if err != nil || quick.Deleted {
			return
		}
		session, hole := core.AppendSessionApart(nil, &quick)
		assert.Equal(t, core.AppendSession(nil, &quick, true), core.AppendWhole(nil, session, hole, quick.Msg))
		if len(quick.Msg) > 0 {
			if picked, byNames, flat := core.LastMessage(quick.Msg); flat {
				assert.Equal(t, byNames, picked)
			}
		}
	})
}
