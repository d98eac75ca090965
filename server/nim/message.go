package nim

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
)

// message is a NIMMessage (contract.md §2), as far as the vendor's calls fill it.
type message struct {
	UUID              string          `json:"uuid"`
	MessageType       string          `json:"messageType"`
	MessageSubType    int64           `json:"messageSubType,omitempty"`
	Content           string          `json:"content,omitempty"`
	FromNickname      string          `json:"fromNickname,omitempty"`
	Timestamp         int64           `json:"timestamp,omitempty"`
	MessageAttachment json.RawMessage `json:"messageAttachment,omitempty"`
	RemoteExtension   json.RawMessage `json:"remoteExtension,omitempty"`
	Ext               string          `json:"ext,omitempty"` // an extension that is no JSON object, as it came
	PushContent       string          `json:"pushContent,omitempty"`
	PushPayload       string          `json:"pushPayload,omitempty"`
	SessionUpdate     *bool           `json:"sessionUpdate,omitempty"`
}

// sending is the body of sendMessage.
type sending struct {
	From        string   `json:"from"`
	To          string   `json:"to"`
	SessionType string   `json:"sessionType"`
	Message     message  `json:"message"`
	Recipients  []string `json:"recipients,omitempty"`
}

// types are the vendor's numbers of the message types.
var types = map[int64]string{0: "text", 1: "image", 2: "audio", 3: "video", 4: "location", 6: "file", 10: "tip", 100: "custom"}

// scopes are the vendor's numbers (ope) of the session types.
var scopes = map[int64]string{0: "p2p", 1: "team", 2: "superTeam"}

// idPrefix stands before a msgid in the uuid of a message that sendMsg sent: so
// recall, which is given the msgid, knows the uuid.
const idPrefix = "nim-"

// newID returns a msgid. It stays under 2^53, unlike a serverId, since the
// vendor's own SDKs for backends read it as a floating-point number. It rises,
// and after a restart goes on above what was given out, as the clock does.
func (h *Handler) newID() int64 {
	for {
		last := h.lastID.Load()
		id := max(last+1, h.opts.Now()<<12)
		if h.lastID.CompareAndSwap(last, id) {
			return id
		}
	}
}

// readMessage reads what sendMsg and sendBatchMsg share.
func readMessage(f *form) message {
	m := message{MessageSubType: f.number("subType", 0), PushContent: either(f, "pushcontent", "pushContent"), PushPayload: f.text("payload")}
	number := f.number("type", 0)
	m.MessageType = types[number]
	if m.MessageType == "" {
		f.fail("type", strconv.FormatInt(number, 10)+" is not one of 0, 1, 2, 3, 4, 6, 10, 100")
	}
	m.setBody(f.needed("body"), f)
	m.setExt(f.text("ext"))
	m.setOption(f)
	for _, name := range []string{"msgSenderNoSense", "msgReceiverNoSense"} {
		if f.flag(name) {
			f.fail(name, "1 is not supported: a message has a session on each of its sides")
		}
	}
	return m
}

// either reads a parameter that the vendor spells in two ways.
func either(f *form, a, b string) string {
	if v := f.text(a); v != "" {
		return v
	}
	return f.text(b)
}

// setBody takes a body: of a text or a tip {"msg":"…"}, of the others the
// attachment.
func (m *message) setBody(body string, f *form) {
	o, ok := f.object("body")
	if !ok {
		f.fail("body", "is no JSON object")
		return
	}
	if m.MessageType != "text" && m.MessageType != "tip" {
		m.MessageAttachment = json.RawMessage(body)
		return
	}
	if json.Unmarshal(o["msg"], &m.Content) != nil {
		f.fail("body", "msg is no string")
	}
}

func (m *message) setExt(ext string) {
	var o map[string]json.RawMessage
	if json.Unmarshal([]byte(ext), &o) == nil && o != nil {
		m.RemoteExtension = json.RawMessage(ext)
	} else {
		m.Ext = ext
	}
}

// setOption takes of the options the one that concerns a session list.
func (m *message) setOption(f *form) {
	if f.text("option") == "" {
		return
	}
	o, ok := f.object("option")
	if !ok {
		f.fail("option", "is no JSON object")
		return
	}
	if raw, given := o["sessionUpdate"]; given {
		var v bool
		if json.Unmarshal(raw, &v) != nil {
			f.fail("option", "sessionUpdate is no boolean")
		}
		m.SessionUpdate = &v
	}
}

// send delivers a message under a new msgid, and returns that and the time.
func (h *Handler) send(r *http.Request, s sending) (id, timetag int64, err error) {
	id = h.newID()
	s.Message.UUID = idPrefix + strconv.FormatInt(id, 10)
	var sent struct{ Timestamp int64 }
	err = h.api.post(r, "/v1/sendMessage", s, &sent)
	return id, sent.Timestamp, err
}

func (h *Handler) sendMsg(r *http.Request, f *form) (map[string]any, error) {
	scope := f.number("ope", -1)
	s := sending{From: f.needed("from"), To: f.needed("to"), SessionType: scopes[scope], Message: readMessage(f)}
	if s.SessionType == "" {
		f.fail("ope", strconv.FormatInt(scope, 10)+" is not one of 0, 1, 2")
	}
	if f.err != nil {
		return nil, f.err
	}
	id, at, err := h.send(r, s)
	return map[string]any{"data": map[string]any{"msgid": id, "timetag": at, "antispam": false}}, err
}

// maxBatch is the most accounts that one sendBatchMsg takes.
const maxBatch = 500

// sendBatchMsg sends to each account a message of its own. It ends at the first
// that fails: those before it were sent.
func (h *Handler) sendBatchMsg(r *http.Request, f *form) (map[string]any, error) {
	from, to, m := f.needed("fromAccid"), f.list("toAccids", maxBatch), readMessage(f)
	if f.err != nil {
		return nil, f.err
	}
	ids, last := map[string]int64{}, int64(0)
	for _, account := range to {
		id, at, err := h.send(r, sending{From: from, To: account, SessionType: "p2p", Message: m})
		if err != nil {
			return nil, err
		}
		ids[account], last = id, at
	}
	data := map[string]any{"unregister": []string{}, "timetag": last}
	if f.text("returnMsgid") == "true" {
		data["msgids"] = ids
	}
	return data, nil
}

// recalls are the vendor's numbers (type) of a recall by session type.
var recalls = map[int64]string{7: "p2p", 8: "team", 12: "superTeam"}

// recall takes back a message that sendMsg or sendBatchMsg sent.
func (h *Handler) recall(r *http.Request, f *form) (map[string]any, error) {
	kind := f.number("type", -1)
	typ := recalls[kind]
	if typ == "" {
		f.fail("type", strconv.FormatInt(kind, 10)+" is not one of 7, 8, 12")
	}
	f.needed("deleteMsgid")
	id := f.number("deleteMsgid", 0)
	from, to := f.needed("from"), f.needed("to")
	f.needed("timetag")
	f.number("timetag", 0) // the id names the message; a number all the same
	if f.err == nil && (id <= 0 || id >= 1<<53) {
		f.fail("deleteMsgid", strconv.FormatInt(id, 10)+" is no msgid that sendMsg gives")
	}
	if f.err != nil {
		return nil, f.err
	}
	var none any
	return map[string]any{}, h.api.post(r, "/v1/revokeMessage", map[string]any{"from": from, "to": to, "sessionType": typ, "operator": from,
		"uuid": idPrefix + strconv.FormatInt(id, 10), "notice": f.text("msg"), "attach": f.text("attach")}, &none)
}

// idOf returns the id by which recall names a message of these ids.
func idOf(uuid, serverID string) string {
	if id, ok := strings.CutPrefix(uuid, idPrefix); ok {
		return id
	}
	return serverID
}
