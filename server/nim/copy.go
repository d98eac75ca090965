package nim

import (
	"crypto/md5" //nolint:gosec // the vendor's scheme
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
)

// copied is a message copy: the vendor posts it for each message that its own
// service delivers. All members are strings there.
type copied struct {
	EventType, ConvType, To, FromAccount, FromNick string
	MsgType, Body, Attach, Ext                     string
	MsgTimestamp, MsgidClient, TMembers            string
}

// messageEvent is the eventType of what is said in a session. The others (log
// in, calls, rooms) are taken and let fall: they feed no list.
const messageEvent = "1"

var conversations = map[string]string{"PERSON": "p2p", "TEAM": "team", "SUPER_TEAM": "superTeam"}

var copiedTypes = map[string]string{
	"TEXT": "text", "PICTURE": "image", "AUDIO": "audio", "VIDEO": "video", "LOCATION": "location", "NOTIFICATION": "notification",
	"FILE": "file", "NETCALL_AUDIO": "avchat", "NETCALL_VEDIO": "avchat", "TIPS": "tip", "CUSTOM": "custom",
}

// serveCopy delivers a message copy. Its status tells whether it is to be sent
// again: 503 for what passes, 200 for what was taken, 400 for what never will.
func (h *Handler) serveCopy(w http.ResponseWriter, r *http.Request) {
	err := h.takeCopy(w, r)
	var f *fault
	status := http.StatusOK
	switch {
	case err == nil:
	case errors.As(err, &f) && f.code == 403:
		status = http.StatusForbidden
	case errors.As(err, &f) && (f.code == 404 || f.code == 414 || f.code == 431):
		status = http.StatusBadRequest
	default:
		status = http.StatusServiceUnavailable
	}
	answer(w, status, nil, err)
}

func (h *Handler) takeCopy(w http.ResponseWriter, r *http.Request) error {
	if r.Method != http.MethodPost {
		return bad("method: this call takes POST")
	}
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return bad("body: ended before its length, or is over " + strconv.Itoa(maxBody) + " bytes")
	}
	if err := h.checkCopy(r.Header, b); err != nil {
		return err
	}
	var c copied
	if err := json.Unmarshal(b, &c); err != nil {
		return bad("body: is no message copy")
	}
	s, ok, err := c.sending()
	if err != nil || !ok {
		return err
	}
	var sent any
	err = h.api.post(r, "/v1/sendMessage", s, &sent)
	var f *fault
	if errors.As(err, &f) && f.code == 404 && s.SessionType != "p2p" {
		if s.Recipients = c.members(); len(s.Recipients) > 0 {
			return h.api.post(r, "/v1/sendMessage", s, &sent)
		}
	}
	return err
}

// checkCopy holds MD5, the body's, and CheckSum, hex of
// SHA1(AppSecret+MD5+CurTime), to the app's secret.
func (h *Handler) checkCopy(header http.Header, body []byte) error {
	digest := md5.Sum(body) //nolint:gosec // the vendor's scheme
	given, at := header.Get("MD5"), header.Get("CurTime")
	ms, err := strconv.ParseInt(at, 10, 64)
	switch {
	case !same(header.Get("CheckSum"), sum(h.opts.AppSecret+given+at)):
		return &fault{403, "bad http header: CheckSum is not that of AppSecret, MD5 and CurTime"}
	case !same(given, hex.EncodeToString(digest[:])):
		return &fault{403, "bad http header: MD5 is not the body's"}
	case err != nil || ms < h.opts.Now()-sumAge || ms > h.opts.Now()+sumAge:
		return &fault{403, "bad http header: CurTime is no time in ms within 5 minutes"}
	}
	return nil
}

// sending returns the message of a copy, and whether it is one at all.
func (c *copied) sending() (s sending, ok bool, err error) {
	typ, kind := conversations[c.ConvType], copiedTypes[c.MsgType]
	if c.EventType != messageEvent || typ == "" || kind == "" {
		return s, false, nil
	}
	at, err := strconv.ParseInt(c.MsgTimestamp, 10, 64)
	if err != nil {
		return s, false, bad("msgTimestamp: is no number of ms")
	}
	if c.MsgidClient == "" { // without it the same copy, sent again, would be another message
		return s, false, bad("msgidClient: is missing or empty")
	}
	m := message{UUID: c.MsgidClient, MessageType: kind, FromNickname: c.FromNick, Content: c.Body, Timestamp: at}
	m.setExt(c.Ext)
	var attachment map[string]json.RawMessage
	if json.Unmarshal([]byte(c.Attach), &attachment) == nil && attachment != nil {
		m.MessageAttachment = json.RawMessage(c.Attach)
	}
	return sending{From: c.FromAccount, To: c.To, SessionType: typ, Message: m}, true, nil
}

// members returns the accounts that a copy says a group message concerns: used
// only for a group whose members were never set here.
func (c *copied) members() []string {
	var l []string
	if json.Unmarshal([]byte(c.TMembers), &l) != nil || len(l) == 0 {
		return nil
	}
	return append(l, c.FromAccount)
}
