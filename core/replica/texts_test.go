package replica_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"recents/core"
	"recents/core/replica"
)

// holder is a shell that keeps texts, as js/src/core.ts does.
type holder struct {
	*replica.Replica
	t     *testing.T
	texts map[string]string
	given int // texts, so far
	most  int // texts that were held at once
	calls int64
}

func newHolder(t *testing.T, sessions int) (*holder, core.Row) {
	r, row := loadedWith(sessions, `,"texts":true`)
	return &holder{Replica: r, t: t, texts: map[string]string{}}, row
}

// on handles an event and returns the reply to a call, with its texts in place.
func (h *holder) on(ev replica.Event) (reply string) {
	for _, fx := range h.Handle(ev) {
		switch fx.Kind {
		case replica.FxText:
			h.given++
			h.texts[strconv.FormatInt(fx.ID, 10)] = string(fx.Data)
			h.most = max(h.most, len(h.texts))
		case replica.FxForget:
			clear(h.texts)
		case replica.FxReply:
			parts := strings.Split(string(fx.Data), "\x01")
			for i := 1; i < len(parts); i += 2 {
				text, held := h.texts[parts[i]]
				require.True(h.t, held, "a text is named that was not given, or is let go of: %s", parts[i])
				parts[i] = text
			}
			reply = strings.Join(parts, "")
		}
	}
	return reply
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
