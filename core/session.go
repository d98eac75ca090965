package core

import "strconv"

func appendInt(dst []byte, name string, n int64) []byte {
	return strconv.AppendInt(append(dst, name...), n, 10)
}

// AppendSession appends the RecentSession that a row is, as contract.md §2 has
// it. The last message and all that speaks of it are left out when needLastMsg
// is false. The row must be live.
func AppendSession(dst []byte, r *Row, needLastMsg bool) []byte {
	name := r.Key.Type.String()
	dst = append(dst, `{"sessionId":`...)
	dst = AppendString(dst, r.Key.ID)
	dst = append(append(append(dst, `,"sessionType":"`...), name...), '"')
	dst = append(append(append(dst, `,"sessionTypePair":"`...), name...), '"')
	dst = appendInt(dst, `,"updateTime":`, r.UpdateTime)
	if r.HasExt {
		dst = append(dst, `,"ext":`...)
		dst = AppendString(dst, r.Ext)
	}
	if needLastMsg {
		dst = appendLast(dst, r)
	}
	dst = append(dst, `,"recentSession":`...)
	dst = appendNIMSession(dst, r, needLastMsg)
	return append(dst, '}')
}

func appendLast(dst []byte, r *Row) []byte {
	if r.Revoked {
		dst = append(dst, `,"lastMsgType":1,"revokeNotification":`...)
		return append(dst, r.Revoke...)
	}
	if len(r.Msg) > 0 {
		dst = append(dst, `,"lastMsg":`...)
		dst = AppendString(dst, r.Msg)
	}
	return append(dst, `,"lastMsgType":0,"revokeNotification":null`...)
}

func appendNIMSession(dst []byte, r *Row, needLastMsg bool) []byte {
	dst = append(dst, `{"sessionId":`...)
	dst = AppendString(dst, r.Key.ID)
	dst = append(append(append(dst, `,"sessionType":"`...), r.Key.Type.String()...), '"')
	msg := lastMessage(r)
	for i, raw := range msg {
		f := &nimSessionFields[i]
		if len(raw) > 0 && (needLastMsg || !f.last) {
			dst = append(append(append(append(dst, ',', '"'), f.to...), '"', ':'), raw...)
		}
	}
	dst = append(dst, `,"unreadCount":0`...)
	if r.HasExt && len(r.Ext) > 1 && r.Ext[0] == '{' && Valid([]byte(r.Ext)) == nil {
		dst = append(append(dst, `,"extension":`...), r.Ext...)
	}
	return append(dst, '}')
}

// nimSessionFields maps a NIMMessage's member to the NIMSession's.
var nimSessionFields = [...]struct {
	from, to string
	last     bool // one of the lastMessage* members, left out with needLastMsg=0
}{
	{"fromAccount", "senderAccount", false},
	{"fromNickname", "senderNickname", false},
	{"uuid", "lastMessageId", true},
	{"messageType", "lastMessageType", true},
	{"status", "lastMessageStatus", true},
	{"content", "lastMessageContent", true},
	{"timestamp", "lastMessageTime", true},
	{"messageAttachment", "lastMessageAttachment", true},
}

// lastMessage picks the members that nimSessionFields names out of the row's
// message, or out of what is left of a revoked one.
func lastMessage(r *Row) (picked [len(nimSessionFields)][]byte) {
	msg := r.Msg
	if r.Revoked {
		msg = Field(r.Revoke, "message")
	}
	if len(msg) == 0 {
		return picked
	}
	_ = Fields(msg, func(name, raw []byte) error { // grammar was checked with the row
		for i := range nimSessionFields {
			if nimSessionFields[i].from == string(name) && string(raw) != "null" {
				picked[i] = raw
			}
		}
		return nil
	})
	return picked
}

// Field returns the text of the object's member of that name; nil when there
// is none, or when b is no object.
func Field(b []byte, name string) (value []byte) {
	_ = Fields(b, func(n, raw []byte) error {
		if string(n) == name {
			value = raw
		}
		return nil
	})
	return value
}

// AppendSessionList appends a RecentSessionList: the sessions newest first,
// and where the next page starts (NextMax).
func AppendSessionList(dst []byte, rows []Row, hasMore, needLastMsg bool, nextMax int64) []byte {
	dst = append(dst, `{"hasMore":`...)
	dst = strconv.AppendBool(dst, hasMore)
	dst = append(dst, `,"sessionList":[`...)
	for i := range rows {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = AppendSession(dst, &rows[i], needLastMsg)
	}
	dst = append(dst, ']')
	dst = appendInt(dst, `,"nextMaxTimestamp":`, nextMax)
	return append(dst, '}')
}

// NextMax returns the maxTimestamp that asks for the page after rows, 0 when
// there is none: update times of one account are all different, so the next
// page starts one millisecond below.
func NextMax(rows []Row, hasMore bool) int64 {
	if !hasMore || len(rows) == 0 {
		return 0
	}
	return rows[len(rows)-1].UpdateTime - 1
}
