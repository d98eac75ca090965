package core_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"

	"recents/core"
)

func TestARowsHeadIsThatOfTheWholeRow(t *testing.T) {
	msg := []byte(`{"content":"\"d\":1}","d":1}`)
	for name, row := range map[string]core.Row{
		"bare":             {},
		"with an ext":      {HasExt: true, Ext: `,"d":1}`, ExtSeq: 3},
		"with a message":   {Msg: msg},
		"revoked":          {Revoked: true, Revoke: msg},
		"deleted":          {Deleted: true},
		"deleted, with it": {Msg: msg, Deleted: true},
		"of big numbers":   {Seq: core.MaxSafe, UpdateTime: core.MaxSafe},
	} {
		for _, key := range []string{"p2p|bob", "team|a|b", "super_team|周末"} {
			row.Key, _ = core.ParseKey(key)
			row.Seq, row.UpdateTime = max(row.Seq, 12), max(row.UpdateTime, 1_700_000_000_000)
			head, ok := core.ReadRowHead(core.AppendRow(nil, &row))
			assert.True(t, ok, "%s, %s", name, key)
			assert.Equal(t, core.RowHead{Key: key, Seq: row.Seq, UpdateTime: row.UpdateTime, Deleted: row.Deleted}, head, "%s, %s", name, key)
		}
	}
}

func TestARowsHeadIsReadOfNothingElse(t *testing.T) {
	for _, text := range []string{
		"", "{", `{"k":"`, `{"k":"p2p|bob"`, `{"k":"p2p|bob","q":`, `{"k":"p2p|bob","q":1,"t":`, `{"k":"p2p|bob","q":1,"t":2`,
		`{"q":1,"k":"p2p|bob","t":2}`,                // another order
		`{ "k":"p2p|bob","q":1,"t":2}`,               // a space
		`{"k":"p2p|b\u006fb","q":1,"t":2}`,           // an escape
		`{"k":"p2p|","q":1,"t":2}`,                   // no id
		`{"k":"chat|bob","q":1,"t":2}`,               // no type
		"{\"k\":\"p2p|\xff\",\"q\":1,\"t\":2}",       // no UTF-8
		`{"k":"p2p|bob","q":0,"t":2}`,                // bounds
		`{"k":"p2p|bob","q":-1,"t":2}`,               //
		`{"k":"p2p|bob","q":1,"t":0}`,                //
		`{"k":"p2p|bob","q":9007199254740992,"t":2}`, //
		`{"k":"p2p|bob","q":1,"t":99999999999999999999999}`,
		`{"k":"p2p|bob","q":01,"t":2}`,  // no JSON
		`{"k":"p2p|bob","q":1.5,"t":2}`, // no whole number
		`{"k":"p2p|bob","q":1,"t":2e3}`, //
		`{"k":"p2p|bob","q":1,"t":2}}`,  // something behind it
		`{"k":"p2p|bob","q":1,"t":2} `,  //
	} {
		_, ok := core.ReadRowHead([]byte(text))
		assert.False(t, ok, text)
	}
}

func TestARowsHeadKeepsNothingOfTheBytes(t *testing.T) {
	text := []byte(`{"k":"p2p|bob","q":1,"t":2}`)
	head, ok := core.ReadRowHead(text)
	clear(text)
	assert.True(t, ok)
	assert.Equal(t, "p2p|bob", head.Key)
}

// Of what AppendRow wrote, the head is what the whole row says.
func FuzzReadRowHead(f *testing.F) {
	f.Add([]byte(`{"k":"p2p|bob","q":12,"t":1700000000000,"x":"…","xq":3,"m":{},"d":1}`))
	f.Add([]byte(`{"k":"team|a","q":1,"t":2,"m":{"d":1}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		head, ok := core.ReadRowHead(b)
		row, err := core.ParseRow(b)
		if err != nil || !bytes.Equal(core.AppendRow(nil, &row), b) {
			return
		}
		assert.True(t, ok || bytes.IndexByte(b, '\\') >= 0, "%s", b)
		if ok {
			assert.Equal(t, core.RowHead{Key: row.Key.String(), Seq: row.Seq, UpdateTime: row.UpdateTime, Deleted: row.Deleted}, head)
		}
	})
}
