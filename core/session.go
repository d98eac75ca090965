package core

// AppendSession appends the RecentSession that a row is, as contract.md §2 has
// it. The last message and all that speaks of it are left out when needLastMsg
// is false. The row must be live.
func AppendSession(dst []byte, r *Row, needLastMsg bool) []byte {
	dst = appendOpening(dst, r)
	if needLastMsg {
		if !r.Revoked && len(r.Msg) > 0 {
			dst = AppendStr(dst, `,"lastMsg":`, view(r.Msg))
		}
		dst = appendLastType(dst, r)
	}
	return appendNIMSession(dst, r, needLastMsg)
}

// AppendSessionApart is AppendSession without the last message's text, to be handed
// on beside it: as a JSON string it is escaped by the one side and unescaped by the
// other, and both take as long as all else of a session. In its place stands a 0;
// hole is where in what is returned, 0 when the session has none.
func AppendSessionApart(dst []byte, r *Row) (session []byte, hole int) {
	dst = appendOpening(dst, r)
	if !r.Revoked && len(r.Msg) > 0 {
		dst = AppendText(dst, `,"lastMsg":0`)
		hole = len(dst) - 1
	}
	return appendNIMSession(appendLastType(dst, r), r, true), hole
}

// AppendWhole appends the session that AppendSessionApart wrote, with its last
// message in the hole: what AppendSession writes.
func AppendWhole(dst, session []byte, hole int, msg []byte) []byte {
	if hole == 0 {
		return append(dst, session...)
	}
	dst = AppendStr(dst, view(session[:hole]), view(msg))
	return append(dst, session[hole+1:]...)
}

func appendOpening(dst []byte, r *Row) []byte {
	dst = appendIdentity(dst, r)
	dst = AppendStr(dst, `,"sessionTypePair":`, r.Key.Type.String())
	dst = AppendNum(dst, `,"updateTime":`, r.UpdateTime)
	if r.HasExt {
		dst = AppendStr(dst, `,"ext":`, r.Ext)
	}
	return dst
}

func appendIdentity(dst []byte, r *Row) []byte {
	return AppendStr(AppendStr(dst, `{"sessionId":`, r.Key.ID), `,"sessionType":`, r.Key.Type.String())
}

func appendLastType(dst []byte, r *Row) []byte {
	if r.Revoked {
		return AppendRaw(dst, `,"lastMsgType":1,"revokeNotification":`, r.Revoke)
	}
	return AppendText(dst, `,"lastMsgType":0,"revokeNotification":null`)
}

// appendNIMSession ends a RecentSession with its last member.
func appendNIMSession(dst []byte, r *Row, needLastMsg bool) []byte {
	dst = appendIdentity(AppendText(dst, `,"recentSession":`), r)
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
	return AppendText(dst, "}}")
}

// nimSessionFields are the NIMSession's members that are one of a NIMMessage's,
// which fieldOf names.
var nimSessionFields = [...]struct {
	to   string // with its punctuation
	last bool   // one of the lastMessage* members, left out with needLastMsg=0
}{
	{`,"senderAccount":`, false},
	{`,"senderNickname":`, false},
	{`,"lastMessageId":`, true},
	{`,"lastMessageType":`, true},
	{`,"lastMessageStatus":`, true},
	{`,"lastMessageContent":`, true},
	{`,"lastMessageTime":`, true},
	{`,"lastMessageAttachment":`, true},
}

// fieldOf returns which of nimSessionFields the NIMMessage's member is, -1 for
// none.
func fieldOf(name string) int {
	switch name {
	case "fromAccount":
		return 0
	case "fromNickname":
		return 1
	case "uuid":
		return 2
	case "messageType":
		return 3
	case "status":
		return 4
	case "content":
		return 5
	case "timestamp":
		return 6
	case "messageAttachment":
		return 7
	}
	return -1
}

// picked are the texts of nimSessionFields; nil: there is none.
type picked [len(nimSessionFields)][]byte

func (p *picked) take(name string, raw []byte) {
	if i := fieldOf(name); i >= 0 && string(raw) != "null" {
		p[i] = raw
	}
}

// lastMessage picks the members that nimSessionFields names out of the row's
// message, or out of what is left of a revoked one, whose grammar was checked with
// the row.
func lastMessage(r *Row) (p picked) {
	msg := r.Msg
	if r.Revoked {
		msg = Field(r.Revoke, "message")
	}
	if len(msg) == 0 || p.takeFlat(msg) {
		return p
	}
	_ = Fields(msg, func(name, raw []byte) error {
		p.take(view(name), raw)
		return nil
	})
	return p
}

// takeFlat takes the members of a message that are all flat, as most messages' are,
// and reports whether they were.
func (p *picked) takeFlat(msg []byte) bool {
	s := view(msg)
	for i := 1; ; {
		value, end := flatMember(s, i)
		if end >= len(s) {
			return false
		}
		p.take(s[i+1:value-2], msg[value:end])
		switch s[end] {
		case ',':
			i = end + 1
		case '}':
			return true
		default:
			return false
		}
	}
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
