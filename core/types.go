package core

// The shapes of contract.md §2, as documentation and as the one source of the
// TypeScript types (core/wiregen). The core itself never builds them: it
// appends their JSON (AppendSession), since reflection is too big for a browser.

// RecentSession is one conversation of the account.
type RecentSession struct {
	SessionID          string                 `json:"sessionId"`                                                      // bare id: the friend's account, or the group's id
	SessionType        string                 `json:"sessionType" ts:"SessionType"`                                   // p2p, team or superTeam
	SessionTypePair    string                 `json:"sessionTypePair" ts:"SessionType"`                               // the session type again
	UpdateTime         int64                  `json:"updateTime"`                                                     // ms, server clock; different for every session of an account
	Ext                *string                `json:"ext,omitempty"`                                                  // private string of the owner; absent when never set, "" when cleared
	LastMsg            *string                `json:"lastMsg,omitempty"`                                              // JSON text of a NIMMessage; absent without one, and when it was revoked
	LastMsgType        *int                   `json:"lastMsgType,omitempty" ts:"0 | 1"`                               // 0 ordinary or none, 1 revoked; left out with needLastMsg 0
	RevokeNotification *RevokeMsgNotification `json:"revokeNotification,omitempty" ts:"RevokeMsgNotification | null"` // non-null exactly when lastMsgType is 1; left out with needLastMsg 0
	RecentSession      NIMSession             `json:"recentSession"`                                                  // the session again in the client's form
}

// RevokeMsgNotification tells of a last message that was taken back.
type RevokeMsgNotification struct {
	Message          NIMMessage `json:"message"`                    // what is left: ids, time, from and type; content is null
	RevokeAccount    string     `json:"revokeAccount"`              // who revoked: the operator, not the sender
	CustomInfo       string     `json:"customInfo"`                 // the notice's text
	Attach           string     `json:"attach"`                     // as the operator gave it
	CallbackExt      string     `json:"callbackExt"`                // as the backend gave it
	NotificationType int        `json:"notificationType"`           // 0
	RevokeType       string     `json:"revokeType" ts:"RevokeType"` // by the session's type
}

// NIMSession is a session in the form that the vendor's clients use.
type NIMSession struct {
	SessionID             string         `json:"sessionId"`
	SessionType           string         `json:"sessionType" ts:"SessionType"`
	SenderAccount         string         `json:"senderAccount,omitempty"`
	SenderNickname        string         `json:"senderNickname,omitempty"`
	LastMessageID         string         `json:"lastMessageId,omitempty"` // the message's uuid
	LastMessageType       string         `json:"lastMessageType,omitempty" ts:"MessageType"`
	LastMessageStatus     string         `json:"lastMessageStatus,omitempty"`
	LastMessageContent    string         `json:"lastMessageContent,omitempty"`
	LastMessageTime       int64          `json:"lastMessageTime,omitempty"` // ms
	LastMessageAttachment map[string]any `json:"lastMessageAttachment,omitempty"`
	UnreadCount           int            `json:"unreadCount" ts:"0"`  // always 0: the service counts no unread
	Extension             map[string]any `json:"extension,omitempty"` // ext parsed, when it is a JSON object
}

// NIMMessage is a message; members that are not named here are handed back as
// they came.
type NIMMessage struct {
	UUID              string         `json:"uuid"`     // client id
	ServerID          string         `json:"serverId"` // digits, beyond 2^53
	SessionID         string         `json:"sessionId"`
	SessionType       string         `json:"sessionType" ts:"SessionType"`
	FromAccount       string         `json:"fromAccount"`
	FromNickname      string         `json:"fromNickname,omitempty"`
	Content           *string        `json:"content,omitempty" ts:"string | null"`
	MessageType       string         `json:"messageType" ts:"MessageType"`
	MessageSubType    int            `json:"messageSubType,omitempty"`
	MessageAttachment map[string]any `json:"messageAttachment,omitempty"`
	Timestamp         int64          `json:"timestamp"`                                     // ms
	MessageDirection  string         `json:"messageDirection" ts:"'outgoing' | 'received'"` // as this account sees it
	Status            string         `json:"status,omitempty"`
	RemoteExtension   map[string]any `json:"remoteExtension,omitempty"`
	PushContent       string         `json:"pushContent,omitempty"`
	CallbackExtension string         `json:"callbackExtension,omitempty"`
	SessionUpdate     *bool          `json:"sessionUpdate,omitempty"` // false: does not count for session lists
}
