package core_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"recents/core"
)

var wireRow = core.Row{Key: core.Key{Type: core.P2P, ID: "bob"}, Seq: 5, UpdateTime: 9, Ext: "e", HasExt: true, ExtSeq: 4}

// parseSnapshotPage reads a page to its end, and holds each row's text to be what
// AppendRow writes.
func parseSnapshotPage(t *testing.T, b []byte) (core.SnapshotPage, error) {
	t.Helper()
	s, err := core.ReadSnapshot(b)
	if err != nil {
		return core.SnapshotPage{}, err
	}
	p := core.SnapshotPage{Epoch: s.Epoch, AsOf: s.AsOf}
	for {
		row, text, err := s.Next()
		if row == nil {
			p.More, p.NextMax = s.More, s.NextMax
			return p, err
		}
		assert.Equal(t, string(core.AppendRow(nil, row)), string(text))
		p.Rows = append(p.Rows, *row)
	}
}

// Each message reads back as it was written, and its text is pinned.
func TestWireRoundTrips(t *testing.T) {
	row := `{"k":"p2p|bob","q":5,"t":9,"x":"e","xq":4}`

	sync := core.SyncRequest{V: 1, Cursor: core.Cursor{Epoch: "e1", Seq: 4}, ClientID: "c", Limit: 50}
	b := core.AppendSyncRequest(nil, &sync)
	assert.JSONEq(t, `{"v":1,"epoch":"e1","cursor":4,"clientId":"c","limit":50}`, string(b))
	gotSync, err := core.ParseSyncRequest(b)
	require.NoError(t, err)
	assert.Equal(t, sync, gotSync)
	waiting := sync
	waiting.WaitMs = core.MaxWait
	b = core.AppendSyncRequest(nil, &waiting)
	assert.JSONEq(t, `{"v":1,"epoch":"e1","cursor":4,"clientId":"c","limit":50,"waitMs":25000}`, string(b))
	gotSync, err = core.ParseSyncRequest(b)
	require.NoError(t, err)
	assert.Equal(t, waiting, gotSync)
	assert.JSONEq(t, `{"t":"hello","v":1,"epoch":"e1","cursor":4,"clientId":"c"}`, string(core.AppendHello(nil, &sync)))

	page := core.SyncPage{Epoch: "e1", From: 4, Next: 5, Head: 5, Rows: []core.Row{wireRow}, LastMid: 2, Digest: 255, HasDigest: true, Now: 77}
	b = core.AppendSyncPage(nil, &page)
	assert.JSONEq(t, `{"v":1,"epoch":"e1","from":4,"next":5,"head":5,"more":false,"rows":[`+row+`],"lastMid":2,"digest":"00000000000000ff","serverTime":77}`, string(b))
	gotPage, err := core.ParseSyncPage(b)
	require.NoError(t, err)
	assert.Equal(t, page, gotPage)

	page.Held = true
	gotPage, err = core.ParseSyncPage(core.AppendSyncPage(nil, &page))
	require.NoError(t, err)
	assert.Equal(t, page, gotPage)

	reset := core.SyncPage{Reset: core.ResetFloor, Epoch: "e1", Head: 9}
	b = core.AppendSyncPage(nil, &reset)
	assert.JSONEq(t, `{"v":1,"reset":true,"reason":"floor","epoch":"e1","head":9}`, string(b))
	gotPage, err = core.ParseSyncPage(b)
	require.NoError(t, err)
	assert.Equal(t, reset, gotPage)

	snap := core.SnapshotPage{Epoch: "e1", AsOf: 5, Rows: []core.Row{wireRow}, More: true, NextMax: 8}
	b = core.AppendSnapshotPage(nil, &snap)
	assert.JSONEq(t, `{"epoch":"e1","asOf":5,"rows":[`+row+`],"more":true,"nextMaxTime":8}`, string(b))
	gotSnap, err := parseSnapshotPage(t, b)
	require.NoError(t, err)
	assert.Equal(t, snap, gotSnap)

	mut := core.MutateRequest{ClientID: "c", Muts: []core.Mutation{
		{Mid: 1, Op: core.OpExt, Key: wireRow.Key, Ext: "e", Base: 3},
		{Mid: 2, Op: core.OpDelete, Key: wireRow.Key, Seen: 9, HasSeen: true},
		{Mid: 3, Op: core.OpDelete, Key: wireRow.Key},
		{Mid: 4, Op: core.OpSkip}, {Mid: 5, Op: core.OpSkip, By: 6}, {Mid: 6, Op: core.OpLost}}}
	b = core.AppendMutateRequest(nil, &mut)
	assert.JSONEq(t, `{"clientId":"c","muts":[{"mid":1,"op":"ext","key":"p2p|bob","ext":"e","base":3},{"mid":2,"op":"delete","key":"p2p|bob","seenTime":9},{"mid":3,"op":"delete","key":"p2p|bob"},{"mid":4,"op":"skip"},{"mid":5,"op":"skip","by":6},{"mid":6,"op":"lost"}]}`, string(b))
	gotMut, err := core.ParseMutateRequest(b, core.MaxExt)
	require.NoError(t, err)
	assert.Equal(t, mut, gotMut)

	done := core.MutatePage{LastMid: 2, Seq: 5, Gap: true, Results: []core.MutationResult{
		{Mid: 1, Code: 200, Again: true}, {Mid: 2, Code: 409, Outcome: core.OutcomeKeptNewer}}}
	b = core.AppendMutatePage(nil, &done)
	assert.JSONEq(t, `{"lastMid":2,"seq":5,"results":[{"mid":1,"code":200,"again":true},{"mid":2,"code":409,"outcome":"kept_newer"}],"gap":true}`, string(b))
	gotDone, err := core.ParseMutatePage(b)
	require.NoError(t, err)
	assert.Equal(t, done, gotDone)

	for text, f := range map[string]core.Frame{
		`{"t":"ready","epoch":"e1","head":5,"v":1,"lastMid":2,"heartbeatMs":25000,"tokenExpiresIn":60000}`: {Kind: core.FrameReady, Epoch: "e1", Head: 5, LastMid: 2, HeartbeatMs: 25000, TokenExpiresIn: 60000},
		`{"t":"reset","epoch":"e1","head":5,"reason":"ahead"}`:                                             {Kind: core.FrameReset, Epoch: "e1", Head: 5, Reason: core.ResetAhead},
		`{"t":"behind","epoch":"e1","head":5}`:                                                             {Kind: core.FrameBehind, Epoch: "e1", Head: 5},
		`{"t":"delta","epoch":"e1","from":4,"to":5,"rows":[` + row + `],"lastMid":2}`:                      {Kind: core.FrameDelta, Epoch: "e1", From: 4, To: 5, Rows: []core.Row{wireRow}, LastMid: 2},
	} {
		b := core.AppendFrame(nil, &f)
		assert.JSONEq(t, text, string(b))
		got, err := core.ParseFrame(b)
		require.NoError(t, err)
		assert.Equal(t, f, got)
	}
}

// A8: what a hostile server may not make a reader believe.
func TestWireRefusesWhatGoesNowhere(t *testing.T) {
	row := func(q string) string { return `{"k":"p2p|a","q":` + q + `,"t":1}` }
	for body, text := range map[string]string{
		`{"epoch":"e","from":3,"next":2,"head":3}`:                                            "from, next, head: 3, 2, 3 do not rise",
		`{"epoch":"e","from":3,"next":4,"head":3}`:                                            "from, next, head: 3, 4, 3 do not rise",
		`{"epoch":"e","from":3,"next":3,"head":3,"more":true}`:                                "next: 3 does not pass from while more is set",
		`{"epoch":"e","from":3,"next":4,"head":9,"more":true,"rows":[]}`:                      "rows: there is none while more is set",
		`{"from":3,"next":3,"head":3}`:                                                        "epoch: is missing",
		`{"epoch":"e","from":3,"next":5,"head":5,"rows":[` + row("5") + `,` + row("4") + `]}`: "rows: q 4 is not within 6 and 5",
		`{"epoch":"e","from":3,"next":5,"head":5,"rows":[` + row("3") + `]}`:                  "rows: q 3 is not within 4 and 5",
		`{"epoch":"e","from":3,"next":5,"head":5,"rows":[` + row("6") + `]}`:                  "rows: q 6 is not within 4 and 5",
		`{"epoch":"e","from":-3}`:                                                             "from: -3 is under 0",
	} {
		_, err := core.ParseSyncPage([]byte(body))
		assertBadParam(t, err, text, body)
	}
	for body, text := range map[string]string{
		`{"epoch":"e","rows":[` + row("1") + `,` + row("2") + `]}`:            "rows: t 1 does not fall",
		`{"epoch":"e","rows":[` + row("1") + `],"more":true,"nextMaxTime":1}`: "nextMaxTime: 1 does not pass the page",
		`{"epoch":"e","rows":[],"more":true}`:                                 "nextMaxTime: 0 does not pass the page",
		`{"epoch":"e","rows":[{"k":"p2p|a","q":1,"t":1,"d":1}]}`:              "rows: a deleted row in a snapshot",
		`{"rows":[` + row("1") + `],"epoch":"e"}`:                             "epoch: is missing",
		`{"epoch":"e","rows":[],"rows":[` + row("0") + `]}`:                   "row: q: 0 is under 1",
	} {
		_, err := parseSnapshotPage(t, []byte(body))
		assertBadParam(t, err, text, body)
	}
	for body, text := range map[string]string{
		`{"muts":[]}`:                "clientId: is missing",
		`{"clientId":"c","muts":[]}`: "muts: 0 mutations is not within 1 and 100",
		`{"clientId":"c","muts":[{"mid":1,"op":"ext","key":"p2p|a","ext":"x"},{"mid":3,"op":"ext","key":"p2p|a","ext":"x"}]}`: "muts: 1: mid: 3 does not follow 1",
		`{"clientId":"c","muts":[{"mid":9007199254740992,"op":"ext","key":"p2p|a","ext":"x"}]}`:                               "muts: 0: mid: 9007199254740992 is beyond 2^53-1",
		`{"clientId":"c","muts":[{"mid":1,"op":"skip","by":3},{"mid":2,"op":"skip"}]}`:                                        `muts: 0: by: 3 is not within 2 and 2`,
		`{"clientId":"c","muts":[{"mid":1,"op":"skip","by":1}]}`:                                                              `muts: 0: by: 1 is not within 2 and 1`,
		`{"clientId":"c","muts":[{"mid":1,"op":"move","key":"p2p|a"}]}`:                                                       `muts: 0: op: "move" is not ext, delete, skip or lost`,
		`{"clientId":"c","muts":[{"mid":1,"op":"ext","key":"p2p|a"}]}`:                                                        "muts: 0: ext: is missing",
	} {
		_, err := core.ParseMutateRequest([]byte(body), core.MaxExt)
		assertBadParam(t, err, text, body)
	}
}

// A page is read once, row by row, and is one only when all of it is.
func TestASnapshotPageIsReadToItsEnd(t *testing.T) {
	page := core.SnapshotPage{Epoch: "e1", AsOf: 5, More: true, NextMax: 1}
	for time := int64(3); time > 1; time-- {
		page.Rows = append(page.Rows, core.Row{Key: core.Key{Type: core.P2P, ID: core.Itoa(time)}, Seq: time, UpdateTime: time, Msg: []byte(`{"a":[1]}`)})
	}
	whole := core.AppendSnapshotPage(nil, &page)
	for cut := range whole {
		_, err := parseSnapshotPage(t, whole[:cut])
		assert.Error(t, err, string(whole[:cut]))
	}
	for _, behind := range []string{"}", "x", ",", "{}"} {
		_, err := parseSnapshotPage(t, append(whole[:len(whole):len(whole)], behind...))
		assert.Error(t, err, behind)
	}
	got, err := parseSnapshotPage(t, []byte(" "+strings.ReplaceAll(string(whole), ",", " ,\n")+" "))
	require.NoError(t, err)
	assert.Equal(t, page, got)

	s, err := core.ReadSnapshot(whole)
	require.NoError(t, err)
	_, text, err := s.Next()
	require.NoError(t, err)
	assert.Equal(t, string(core.AppendRow(nil, &page.Rows[0])), string(text))
}

// A row's text is a part of the page, without a copy, unless it is written in
// another way than ours.
func TestASnapshotsRowIsKeptAsItCame(t *testing.T) {
	const ours = `{"k":"p2p|bob","q":5,"t":9,"x":"{\"é\":\"/\"}","m":{"a": 1}}`
	for _, row := range []string{ours,
		`{"q":5,"k":"p2p|bob","t":9,"x":"{\"é\":\"/\"}","m":{"a": 1}}`,
		`{"k":"p2p|bob","q":5,"t":9,"x":"{\"\u00e9\":\"\/\"}","m":{"a": 1}}`,
		`{"k":"p2p|bob","q":5,"t":9,"x":"{\"é\":\"/\"}","m":{"a": 1},"new":true}`,
	} {
		page := []byte(`{"epoch":"e1","asOf":5,"rows":[` + row + `],"more":false,"nextMaxTime":0}`)
		s, err := core.ReadSnapshot(page)
		require.NoError(t, err)
		_, text, err := s.Next()
		require.NoError(t, err)
		assert.Equal(t, ours, string(text))
		at := bytes.Index(page, []byte(row))
		assert.Equal(t, row == ours, &text[0] == &page[at], row)
		if row == ours {
			assert.Equal(t, len(text), cap(text), "what is behind it is another's")
		}
	}
}

func TestASnapshotPageHasSoManyRows(t *testing.T) {
	page := core.SnapshotPage{Epoch: "e1"}
	for i := range int64(core.MaxSyncRows) {
		page.Rows = append(page.Rows, core.Row{Key: core.Key{Type: core.P2P, ID: core.Itoa(i)}, Seq: i + 1, UpdateTime: 1000 - i})
	}
	got, err := parseSnapshotPage(t, core.AppendSnapshotPage(nil, &page))
	require.NoError(t, err)
	assert.Len(t, got.Rows, core.MaxSyncRows)
	page.Rows = append(page.Rows, core.Row{Key: core.Key{Type: core.P2P, ID: "one more"}, Seq: 1, UpdateTime: 1})
	_, err = parseSnapshotPage(t, core.AppendSnapshotPage(nil, &page))
	assertBadParam(t, err, "rows: more than 500", "501 rows")
}

// The data of an answer is what stands in it, if that is a value.
func TestAnswerDataIsTheAnswersWhenItIsOneValue(t *testing.T) {
	for text, want := range map[string]string{
		`{"code":200,"data":{"a":1}}`: `{"a":1}`,
		`{"code":200,"data":null}`:    `null`,
		`{"code":200,"data":}`:        ``,
		`{"code":200,"data":1,"x":2}`: `1,"x":2`,
	} {
		data, ok := core.AnswerData([]byte(text))
		assert.True(t, ok, text)
		assert.Equal(t, want, string(data))
		assert.Equal(t, json.Valid([]byte(text)) && !strings.Contains(text, "x"), core.Valid(data) == nil, text)
	}
	for _, text := range []string{``, `{"code":200,"data":`, `{"code":200,"data":{"a":1}} `, `{"code":201,"data":{}}`, `{"data":{},"code":200}`} {
		_, ok := core.AnswerData([]byte(text))
		assert.False(t, ok, text)
	}
}

// No decoder of the wire panics, loops, or reads what does not write back as JSON.
func FuzzWire(f *testing.F) {
	for _, s := range []string{`{"t":"delta","epoch":"e1","from":4,"to":5,"rows":[{"k":"p2p|a","q":5,"t":1}],"lastMid":2}`,
		`{"v":1,"epoch":"e1","from":4,"next":5,"head":5,"more":false,"rows":[],"digest":"00000000000000ff"}`,
		`{"epoch":"e1","asOf":5,"rows":[{"k":"p2p|a","q":5,"t":1}],"more":true,"nextMaxTime":0}`,
		`{"clientId":"c","muts":[{"mid":1,"op":"ext","key":"p2p|a","ext":"x","base":3}]}`,
		`{"lastMid":2,"seq":5,"results":[{"mid":1,"code":200}]}`,
		`{"sessionList":[{"sessionId":"u","sessionType":"p2p"}],"limit":5,"ext":"x","sessionId":"p2p|u"}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if v, err := core.ParseFrame(b); err == nil {
			assert.True(t, json.Valid(core.AppendFrame(nil, &core.Frame{Kind: core.FrameDelta, Epoch: v.Epoch, Rows: v.Rows})))
		}
		if v, err := core.ParseSyncPage(b); err == nil {
			assert.True(t, json.Valid(core.AppendSyncPage(nil, &v)))
		}
		if v, err := parseSnapshotPage(t, b); err == nil {
			assert.True(t, json.Valid(core.AppendSnapshotPage(nil, &v)))
		}
		if v, err := core.ParseMutateRequest(b, core.MaxExt); err == nil {
			again, err := core.ParseMutateRequest(core.AppendMutateRequest(nil, &v), core.MaxExt)
			require.NoError(t, err)
			assert.Equal(t, len(v.Muts), len(again.Muts))
		}
		if v, err := core.ParseMutatePage(b); err == nil {
			assert.True(t, json.Valid(core.AppendMutatePage(nil, &v)))
		}
		_, _ = core.ParseSyncRequest(b)
		_, _ = core.ParseSnapshotRequest(b)
		_, _ = core.ParseListRequest(b)
		_, _ = core.ParseDeleteRequest(b)
		_, _ = core.ParseExtRequest(b, core.MaxExt)
	})
}
