package account

import (
	"strconv"

	"github.com/tidwall/gjson"

	"recents/core"
)

// Message is one message on its way to the accounts that it concerns. It is
// made once, by ParseMessage, and delivered to each.
type Message struct {
	From string
	To   core.Key // p2p: the receiving account; else the group
	UUID string   // the client's id; with From it names the message
	// Order rises with each message of a server: of two messages of a session
	// the one with the higher order is the newer. Its upper 42 bits are Time.
	Order uint64
	Time  int64 // ms
	// Imported tells that the sender gave Time, which may be old.
	Imported      bool
	SessionUpdate bool   // false: the message does not count for session lists
	serverID      uint64 // the order at which it arrived, whatever time it carries
	messageType   string
	status        string
	rest          []byte // the members that the server does not set: `,"name":value` each, as they came
}

// orderBits is how many bits of an order count messages within a millisecond.
const orderBits = 22

// NextOrder returns the order of a message that arrives at now, given the one
// before it. It never falls, even when the clock does.
func NextOrder(last uint64, now int64) uint64 {
	return max(uint64(now)<<orderBits, last+1)
}

// ParseMessage reads the NIMMessage of a sendMessage call. raw must have passed
// core.Strict. order and now are the server's; givenTime allows the message to
// carry a timestamp of its own, as an import does.
func ParseMessage(raw []byte, from string, to core.Key, order uint64, givenTime bool) (*Message, error) {
	m := &Message{
		From: from, To: to, Order: order, serverID: order, Time: int64(order >> orderBits),
		SessionUpdate: true, messageType: `"text"`, status: `"success"`,
	}
	obj := gjson.ParseBytes(raw)
	if !obj.IsObject() {
		return nil, core.BadParam("message: is not an object")
	}
	var err error
	var given int64
	obj.ForEach(func(name, v gjson.Result) bool {
		if check := messageMembers[name.Str]; check != nil {
			if text := check(v); text != "" {
				err = core.BadParam("message." + name.Str + ": " + text)
				return false
			}
		}
		given = m.take(name, v, given)
		return true
	})
	if err != nil {
		return nil, err
	}
	if givenTime && given != 0 {
		err = m.setTime(given)
	}
	return m, err
}

// take keeps one member, and returns the timestamp when it is that.
func (m *Message) take(name, v gjson.Result, given int64) int64 {
	switch name.Str {
	case "uuid":
		m.UUID = v.Str
	case "timestamp":
		given = v.Int()
	case "messageType":
		m.messageType = v.Raw
	case "status":
		if v.Type == gjson.String {
			m.status = v.Raw
		}
	case "serverId", "sessionId", "sessionType", "fromAccount", "messageDirection": // the server's to say
	default:
		if name.Str == "sessionUpdate" {
			m.SessionUpdate = v.Type != gjson.False
		}
		m.rest = append(append(append(append(m.rest, ','), name.Raw...), ':'), v.Raw...)
	}
	return given
}

// futureSlack is how far ahead of the server's clock a given timestamp may be;
// it then counts as now. Backends' clocks differ by less.
const futureSlack = 5 * 60 * 1000

func (m *Message) setTime(given int64) error {
	switch {
	case given > m.Time+futureSlack:
		return core.BadParam("message.timestamp: " + core.Itoa(given) + " is over the server's time " + core.Itoa(m.Time))
	case given < m.Time:
		// Two of one time count in the order of their arrival, to the millisecond: at
		// the edge the lower bits of a serverID tell of its sender.
		m.Order = uint64(given)<<orderBits | m.serverID>>orderBits&(1<<orderBits-1)
		m.Time = given
		m.Imported = true
	}
	return nil
}

// messageMembers says what is wrong with a member of a NIMMessage, "" when
// nothing is (contract.md §2). Members that are not here are kept unseen.
var messageMembers = map[string]func(gjson.Result) string{
	"uuid":              shortText(core.MaxUUID),
	"timestamp":         wholeNumber,
	"messageType":       messageType,
	"messageSubType":    wholeNumber,
	"content":           kind("a string", gjson.String),
	"fromNickname":      kind("a string", gjson.String),
	"pushContent":       kind("a string", gjson.String),
	"callbackExtension": kind("a string", gjson.String),
	"status":            kind("a string", gjson.String),
	"sessionUpdate":     kind("a boolean", gjson.True, gjson.False),
	"messageAttachment": object,
	"remoteExtension":   object,
}

func kind(name string, types ...gjson.Type) func(gjson.Result) string {
	return func(v gjson.Result) string {
		for _, t := range append(types, gjson.Null) {
			if v.Type == t {
				return ""
			}
		}
		return "is not " + name
	}
}

func object(v gjson.Result) string {
	if v.IsObject() || v.Type == gjson.Null {
		return ""
	}
	return "is not an object"
}

func shortText(limit int) func(gjson.Result) string {
	return func(v gjson.Result) string {
		switch {
		case v.Type != gjson.String:
			return "is not a string"
		case v.Str == "":
			return "is empty"
		case len(v.Str) > limit:
			return strconv.Itoa(len(v.Str)) + " bytes is over " + strconv.Itoa(limit)
		}
		return ""
	}
}

func wholeNumber(v gjson.Result) string {
	n, err := core.Int([]byte(v.Raw))
	_, text := core.CodeOf(err)
	if err == nil && n < 0 {
		text = v.Raw + " is under 0"
	}
	return text
}

func messageType(v gjson.Result) string {
	switch v.Str {
	case "text", "image", "audio", "video", "location", "file", "notification", "tip", "robot", "custom", "avchat":
		return ""
	}
	return v.Raw + " is not one of text, image, audio, video, location, file, notification, tip, robot, custom, avchat"
}

// KeyIn returns the session that the message belongs to in an account.
func (m *Message) KeyIn(account string) core.Key { return keyIn(account, m.From, m.To) }

func keyIn(account, from string, to core.Key) core.Key {
	if to.Type == core.P2P && account == to.ID {
		return core.Key{Type: core.P2P, ID: from}
	}
	return to
}

// ServerID returns the message's serverId: digits that pass 2^53.
func (m *Message) ServerID() string { return strconv.FormatUint(m.serverID, 10) }

// appendFor appends the NIMMessage as the account sees it.
func (m *Message) appendFor(dst []byte, account string) []byte {
	dst = m.appendIDs(dst, account)
	dst = append(append(dst, `,"status":`...), m.status...)
	return append(append(dst, m.rest...), '}')
}

// appendIDs appends what is kept of a message when it is revoked, and leaves
// the object open.
func (m *Message) appendIDs(dst []byte, account string) []byte {
	k := m.KeyIn(account)
	direction := "received"
	if account == m.From {
		direction = "outgoing"
	}
	dst = core.AppendString(append(dst, `{"uuid":`...), m.UUID)
	dst = core.AppendString(append(dst, `,"serverId":`...), m.ServerID())
	dst = core.AppendString(append(dst, `,"sessionId":`...), k.ID)
	dst = core.AppendString(append(dst, `,"sessionType":`...), k.Type.String())
	dst = core.AppendString(append(dst, `,"fromAccount":`...), m.From)
	dst = append(append(dst, `,"messageType":`...), m.messageType...)
	dst = append(append(dst, `,"timestamp":`...), strconv.FormatInt(m.Time, 10)...)
	return core.AppendString(append(dst, `,"messageDirection":`...), direction)
}

// deletedAt returns when a session was deleted, ms, or of one that was collected
// since the time that it was deleted before.
func (a *Account) deletedAt(r Record) int64 {
	if r.State == Husk {
		return r.ChangedAt - a.env.Config.TombstoneAge // ChangedAt is when it became one
	}
	return r.ChangedAt
}

// Deliver makes m its session's last message, when it is newer than the one
// held. An order that is not higher is a redelivery, or was overtaken: it
// changes nothing, on a tombstone too, so that a late one cannot bring a
// deleted session back (I5).
func (a *Account) Deliver(m *Message) error {
	if !m.SessionUpdate {
		return nil
	}
	was, existed, err := a.row(m.KeyIn(a.Name))
	if err != nil || existed && m.Order <= was.MsgOrder {
		return err
	}
	live := existed && was.State == Live
	if existed && !live && m.Imported && m.Time <= a.deletedAt(was) {
		return nil // history from before the delete
	}
	r := Record{Row: core.Row{Key: m.KeyIn(a.Name)}, MsgID: m.UUID, MsgOrder: m.Order}
	if live {
		r.Ext, r.HasExt, r.ExtSeq = was.Ext, was.HasExt, was.ExtSeq
	}
	if r.UpdateTime, err = a.messageTime(m, was, live); err != nil {
		return err
	}
	r.Msg = m.appendFor(nil, a.Name)
	if err := a.applyPendingRevoke(m, &r); err != nil {
		return err
	}
	a.put(was, existed, r)
	return nil
}

// messageTime gives the session's new update time. An import keeps its own,
// moved to the nearest free millisecond upward, but moves no session back.
func (a *Account) messageTime(m *Message, was Record, live bool) (int64, error) {
	if !m.Imported {
		return a.nextTime(), nil
	}
	if live && m.Time <= was.UpdateTime {
		return was.UpdateTime, nil
	}
	t, err := a.store.FreeTime(m.Time)
	a.meta.LastTime = max(a.meta.LastTime, t)
	return t, err
}

// SentReceipt looks for an earlier sendMessage of this account with m's uuid.
// It returns that one's answer, or code 409 when its body was another; "" tells
// that m is new.
func (a *Account) SentReceipt(uuid, hash string) (answer string, err error) {
	return a.Receipt("m|"+uuid, hash, "message.uuid")
}

// PutSentReceipt remembers the answer to m for its sender.
func (a *Account) PutSentReceipt(uuid, hash, answer string) {
	a.PutReceipt("m|"+uuid, hash, answer)
}

// Receipt returns the answer that was given under an idempotency key, "" when
// none was within Config.IdempotencyAge. Another hash is code 409, with the
// parameter named.
func (a *Account) Receipt(key, hash, param string) (answer string, err error) {
	r, err := a.store.Receipt(key)
	if err != nil || r == nil || r.At <= a.env.Now-a.env.Config.IdempotencyAge {
		return "", err
	}
	if r.Hash != hash {
		return "", &core.Error{Code: core.CodeConflict, Details: param + ": was used with another body"}
	}
	return r.Answer, nil
}

// PutReceipt remembers an answer under an idempotency key.
func (a *Account) PutReceipt(key, hash, answer string) {
	a.change.Receipts = append(a.change.Receipts, Receipt{Key: key, Hash: hash, Answer: answer, At: a.env.Now})
}
