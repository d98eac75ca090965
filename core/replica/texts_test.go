package replica_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/tidwall/gjson"

	"recents/core"
	"recents/core/replica"
)

// holder is a shell that keeps texts, as js/src/core.ts does.
type holder struct {
	*replica.Replica
	t     *testing.T
	texts map[int64]string
	given int // texts, so far
	most  int // texts that were held at once
	calls int64
}

func newHolder(t *testing.T, sessions int) (*holder, core.Row) {
	r, row := loadedWith(sessions, `,"texts":true`)
	return &holder{Replica: r, t: t, texts: map[int64]string{}}, row
}

// on handles an event and returns the reply to a call, with its texts in place.
func (h *holder) on(ev replica.Event) (reply string) {
	for _, fx := range h.Handle(ev) {
		switch fx.Kind {
		case replica.FxTexts:
			for i, text := range sessionsIn(h.t, fx) {
				h.given++
				h.texts[fx.ID+int64(i)] = text
			}
			h.most = max(h.most, len(h.texts))
		case replica.FxForget:
			clear(h.texts)
		case replica.FxReply:
			if reply = string(fx.Data); fx.Code == 1 {
				reply = h.withTexts(reply)
			}
		}
	}
	return reply
}

// sessionsIn returns the sessions of an FxUpdates or FxTexts, each whole.
func sessionsIn(t *testing.T, fx replica.Effect) (sessions []string) {
	array, rest, _ := strings.Cut(string(fx.Data), string(rune(replica.FrameSeparator)))
	require.True(t, gjson.Valid(array))
	for _, session := range gjson.Parse(array).Array() {
		text := session.Raw
		if session.Get("lastMsg").Type == gjson.Number {
			var last string
			last, rest, _ = strings.Cut(rest, string(rune(replica.FrameSeparator)))
			require.True(t, gjson.Valid(last))
			text = strings.Replace(text, `"lastMsg":0`, `"lastMsg":`+string(core.AppendString(nil, last)), 1)
		}
		sessions = append(sessions, text)
	}
	require.Empty(t, rest, "a last message of no session")
	return sessions
}

// withTexts returns the reply with what the shell keeps in the place of the names.
func (h *holder) withTexts(reply string) string {
	list := gjson.Get(reply, "data.sessionList")
	sessions := []string{}
	for _, session := range list.Array() {
		if session.Type == gjson.Number {
			text, held := h.texts[session.Int()]
			require.True(h.t, held, "a session is named that was not given, or is let go of: %s", session.Raw)
			sessions = append(sessions, text)
		} else {
			sessions = append(sessions, session.Raw)
		}
	}
	return reply[:list.Index] + "[" + strings.Join(sessions, ",") + "]" + reply[list.Index+len(list.Raw):]
}

func (h *holder) list(parameters string) string {
	h.calls++
	return h.on(replica.Event{Kind: replica.EvCall, ID: h.calls, Code: replica.CallList, Data: []byte(parameters)})
}

// plainList is the same list of a replica that names nothing.
func plainList(r *replica.Replica, parameters string) string {
	for _, fx := range r.Handle(replica.Event{Kind: replica.EvCall, ID: 1, Code: replica.CallList, Data: []byte(parameters)}) {
		if fx.Kind == replica.FxReply {
			return string(fx.Data)
		}
	}
	return ""
}

func change(row core.Row, id string, seq int64) replica.Event {
	row.Key.ID, row.Seq, row.UpdateTime = id, seq, 1_700_000_000_000+seq
	f := core.Frame{Kind: core.FrameDelta, Epoch: "e", From: seq - 1, To: seq, Rows: []core.Row{row}}
	return replica.Event{Kind: replica.EvFrame, ID: 1, Data: core.AppendFrame(nil, &f)}
}

func TestATextIsGivenOnce(t *testing.T) {
	h, row := newHolder(t, 200)
	plain, _ := loaded(200)
	first := h.list(`{"limit":100}`)
	assert.Equal(t, plainList(plain, `{"limit":100}`), first)
	assert.Equal(t, 100, h.given)
	assert.Equal(t, first, h.list(`{"limit":100}`))
	assert.Equal(t, 100, h.given, "the shell holds them")

	h.on(change(row, "f7", 201))
	plain.Handle(change(row, "f7", 201))
	assert.Equal(t, plainList(plain, `{"limit":100}`), h.list(`{"limit":100}`))
	assert.Equal(t, 101, h.given, "one session changed")
	assert.Equal(t, plainList(plain, `{"limit":100,"needLastMsg":0}`), h.list(`{"limit":100,"needLastMsg":0}`))
	assert.Equal(t, 101, h.given, "what has no last message is not kept")
}

// Whatever is listed, every text that a page names is held, and no more than the
// bound are.
func TestTextsAreBounded(t *testing.T) {
	h, row := newHolder(t, 2000)
	plain, _ := loaded(2000)
	for page := range 30 {
		q := `{"limit":` + strconv.Itoa(40+page*2) + `,"maxTimestamp":` + strconv.Itoa(1_700_000_002_000-page*61) + `}`
		assert.Equal(t, plainList(plain, q), h.list(q))
		ev := change(row, "f"+strconv.Itoa(page), int64(2001+page))
		h.on(ev)
		plain.Handle(ev)
	}
	assert.Greater(t, h.given, 1000)
	assert.LessOrEqual(t, h.most, 512)
}

// What waiting writes make of a session is of this list alone: it stands in the
// page as it is, and nothing that the shell keeps shows it.
func TestWhatWaitsIsNotKept(t *testing.T) {
	h, _ := newHolder(t, 200)
	plain, _ := loaded(200)
	before := h.list(`{"limit":100}`)
	for i, parameters := range []string{
		`{"sessionId":"f199","sessionType":"p2p","ext":"mine"}`,
		`{"sessionId":"new","sessionType":"p2p","ext":"made"}`,
	} {
		ev := replica.Event{Kind: replica.EvCall, ID: 1000 + int64(i), Code: replica.CallUpdate, Data: []byte(parameters), Now: 1_800_000_000_000}
		h.on(ev)
		plain.Handle(ev)
	}
	remove := replica.Event{Kind: replica.EvCall, ID: 1002, Code: replica.CallDelete, Data: []byte(`{"sessionList":[{"sessionId":"f198","sessionType":"p2p"}]}`)}
	h.on(remove)
	plain.Handle(remove)

	list := h.list(`{"limit":100}`)
	assert.Equal(t, plainList(plain, `{"limit":100}`), list)
	assert.Equal(t, []string{"made", "mine"}, extsOf(list))
	assert.NotContains(t, list, `"f198"`)
	assert.Equal(t, 100, h.given, "none of those that wait")
	assert.Empty(t, extsOf(before))
	short := h.list(`{"limit":100,"needLastMsg":0}`)
	assert.Equal(t, plainList(plain, `{"limit":100,"needLastMsg":0}`), short)
	assert.Equal(t, []string{"made", "mine"}, extsOf(short))
}

func extsOf(list string) (exts []string) {
	for _, ext := range gjson.Get(list, "data.sessionList.#.ext").Array() {
		exts = append(exts, ext.String())
	}
	return exts
}

// Events and answers about one session are whole, whatever the shell keeps.
func TestOnlyListsNameWhatIsKept(t *testing.T) {
	h, row := newHolder(t, 200)
	plain, _ := loaded(200)
	h.list(`{"limit":100}`)
	ask := replica.Event{Kind: replica.EvCall, ID: 1000, Code: replica.CallGet, Data: []byte(`{"sessionId":"f150","sessionType":"p2p"}`)}
	for _, ev := range []replica.Event{ask, change(row, "f150", 201), ask} {
		assert.Equal(t, toldBy(t, plain.Handle(ev)), toldBy(t, h.Handle(ev)))
	}
}

// toldBy returns what reaches the app.
func toldBy(t *testing.T, fx []replica.Effect) (told []string) {
	for i := range fx {
		switch fx[i].Kind {
		case replica.FxReply:
			told = append(told, strconv.FormatInt(fx[i].Code, 10)+string(fx[i].Data))
		case replica.FxUpdates:
			told = append(told, sessionsIn(t, fx[i])...)
		}
	}
	return told
}
