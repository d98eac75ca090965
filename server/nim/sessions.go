package nim

import (
	"encoding/json"
	"net/http"
)

// listTTL is how long the token lives that one list is read with, seconds.
const listTTL = 60

// session is a RecentSession (contract.md §2), as far as the vendor's row has it.
type session struct {
	SessionID          string
	SessionType        string
	UpdateTime         int64
	Ext                *string
	LastMsg            string
	LastMsgType        int
	RevokeNotification *revoke
}

type revoke struct {
	Message       received
	RevokeAccount string
}

// received is a NIMMessage as a list holds it.
type received struct {
	UUID, ServerID, FromAccount, MessageType, Content, Ext string
	Timestamp                                              int64
	MessageAttachment, RemoteExtension                     json.RawMessage
}

// querySessionList reads an account's list. As the vendor's, it leaves the last
// messages out unless needLastMsg is 1.
func (h *Handler) querySessionList(r *http.Request, f *form) (map[string]any, error) {
	account := f.needed("accid")
	query := map[string]any{"minTimestamp": f.number("minTimestamp", 0), "maxTimestamp": f.number("maxTimestamp", 0),
		"limit": f.number("limit", 100), "needLastMsg": f.number("needLastMsg", 0)}
	if f.err != nil {
		return nil, f.err
	}
	var issued struct{ Token string }
	if err := h.api.post(r, "/v1/issueToken", map[string]any{"account": account, "ttlSeconds": listTTL}, &issued); err != nil {
		return nil, err
	}
	var list struct {
		HasMore     bool
		SessionList []session
	}
	if err := h.api.as(r, issued.Token, "/v1/queryMySessionList", query, &list); err != nil {
		return nil, err
	}
	rows := make([]map[string]any, len(list.SessionList))
	for i := range list.SessionList {
		row, err := list.SessionList[i].row()
		if err != nil {
			return nil, err
		}
		rows[i] = row
	}
	return map[string]any{"data": map[string]any{"hasMore": list.HasMore, "sessions": rows}}, nil
}

// sessionTypes are the vendor's numbers of the session types in a list.
var sessionTypes = map[string]int{"p2p": 1, "team": 2, "superTeam": 3}

// row returns a session in the vendor's words.
func (s *session) row() (map[string]any, error) {
	row := map[string]any{"sessionType": sessionTypes[s.SessionType], "updateTime": s.UpdateTime}
	if s.SessionType == "p2p" {
		row["accid"] = s.SessionID
	} else {
		row["tid"] = s.SessionID
	}
	if s.Ext != nil {
		row["ext"] = *s.Ext
	}
	switch {
	case s.RevokeNotification != nil:
		row["lastMsgType"], row["lastMsg"] = "RECALL", s.RevokeNotification.notice()
	case s.LastMsg != "":
		var m received
		if err := json.Unmarshal([]byte(s.LastMsg), &m); err != nil {
			return nil, err
		}
		row["lastMsgType"], row["lastMsg"] = "MESSAGE", m.message()
	}
	return row, nil
}

func (v *revoke) notice() map[string]any {
	m := &v.Message
	return map[string]any{"deleteMsgIdServer": idOf(m.UUID, m.ServerID), "deleteMsgIdClient": m.UUID,
		"deleteMsgCreateTime": m.Timestamp, "from": v.RevokeAccount}
}

func (m *received) message() map[string]any {
	out := map[string]any{"msgIdServer": idOf(m.UUID, m.ServerID), "msgIdClient": m.UUID, "from": m.FromAccount,
		"time": m.Timestamp, "type": numberOf(m.MessageType)}
	if m.Content != "" {
		out["body"] = m.Content
	}
	if len(m.MessageAttachment) > 0 {
		out["attach"] = string(m.MessageAttachment)
	}
	switch {
	case len(m.RemoteExtension) > 0:
		out["ext"] = string(m.RemoteExtension)
	case m.Ext != "":
		out["ext"] = m.Ext
	}
	return out
}

// numberOf is types the other way round; a notification, which no call sends,
// is 5.
func numberOf(messageType string) int64 {
	for n, name := range types {
		if name == messageType {
			return n
		}
	}
	if messageType == "notification" {
		return 5
	}
	return 100
}
