package core

// AppendSession appends the RecentSession that a row is, as contract.md §2 has
// it. The last message and all that speaks of it are left out when needLastMsg
// is false. The row must be live.
func AppendSession(dst []byte, r *Row, needLastMsg bool) []byte {
	dst = appendIdentity(dst, r)
	dst = AppendStr(dst, `,"sessionTypePair":`, r.Key.Type.String())
	dst = AppendNum(dst, `,"updateTime":`, r.UpdateTime)
	if r.HasExt {
		dst = AppendStr(dst, `,"ext":`, r.Ext)
	}
	if needLastMsg {
		dst = appendLast(dst, r)
	}
	dst = AppendText(dst, `,"recentSession":`)
	dst = appendNIMSession(dst, r, needLastMsg)
	return append(dst, '}')
}

func appendIdentity(dst []byte, r *Row) []byte {
	return AppendStr(AppendStr(dst, `{"sessionId":`, r.Key.ID), `,"sessionType":`, r.Key.Type.String())
}

func appendLast(dst []byte, r *Row) []byte {
	if r.Revoked {
		return AppendRaw(dst, `,"lastMsgType":1,"revokeNotification":`, r.Revoke)
	}
	if len(r.Msg) > 0 {
		dst = AppendStr(dst, `,"lastMsg":`, view(r.Msg))
	}
	return AppendText(dst, `,"lastMsgType":0,"revokeNotification":null`)
}

func appendNIMSession(dst []byte, r *Row, needLastMsg bool) []byte {
	dst = appendIdentity(dst, r)
	msg := lastMessage(r)
	for i, raw := range msg {
		f := &nimSessionFields[i]
		if len(raw) > 0 && (needLastMsg || !f.last) {
			dst = AppendRaw(dst, f.to, raw)
		}
	}
	dst = AppendText(dst, `,"unreadCount":0`)
	if r.HasExt && len(r.Ext) > 1 && r.Ext[0] == '{' && Valid(bytesOf(r.Ext)) == nil {
		dst = AppendText(AppendText(dst, `,"extension":`), r.Ext)
	}
	return append(dst, '}')
}

// nimSessionFields maps a NIMMessage's member to the NIMSession's.
var nimSessionFields = [...]struct {
	from, to string // to with its punctuation
	last     bool   // one of the lastMessage* members, left out with needLastMsg=0
}{
	{"fromAccount", `,"senderAccount":`, false},
	{"fromNickname", `,"senderNickname":`, false},
	{"uuid", `,"lastMessageId":`, true},
	{"messageType", `,"lastMessageType":`, true},
	{"status", `,"lastMessageStatus":`, true},
	{"content", `,"lastMessageContent":`, true},
	{"timestamp", `,"lastMessageTime":`, true},
	{"messageAttachment", `,"lastMessageAttachment":`, true},
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
	return AppendSessions(dst, len(rows), hasMore, nextMax, func(dst []byte, i int) []byte {
		return AppendSession(dst, &rows[i], needLastMsg)
	})
}

// AppendSessions is AppendSessionList of n sessions that append writes.
func AppendSessions(dst []byte, n int, hasMore bool, nextMax int64, append func(dst []byte, i int) []byte) []byte {
	dst = AppendFlag(dst, `{"hasMore":`, hasMore)
	dst = AppendText(dst, `,"sessionList":`)
	for i := range n {
		dst = append(AppendText(dst, opening(i)), i)
	}
	dst = AppendText(dst, closing(n))
	return AppendText(AppendNum(dst, `,"nextMaxTimestamp":`, nextMax), "}")
}

// NextMax returns the maxTimestamp that asks for the page after rows, 0 when
// there is none: update times of one account are all different, so the next
// page starts one millisecond below.
func NextMax(rows []Row, hasMore bool) int64 {
	if !hasMore || len(rows) == 0 {
		return 0
	}
	return NextBelow(rows[len(rows)-1].UpdateTime)
}

// NextBelow returns the maxTimestamp that asks for what is older than a session
// of that update time.
func NextBelow(updateTime int64) int64 { return updateTime - 1 }
