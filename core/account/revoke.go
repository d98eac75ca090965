package account

import (
	"github.com/tidwall/gjson"

	"recents/core"
)

// Revoke takes a message back.
type Revoke struct {
	From, UUID  string   // together they name the message
	To          core.Key // as in the Message
	Operator    string   // who revokes
	Notice      string   // text that clients show in its place
	Attach      string
	CallbackExt string
}

// Revoke turns the session's last message into a revoke when it is that very
// message; the update time stays. A message that has not arrived yet is revoked
// when it does. An older one, an unknown one of a deleted session, and a second
// revoke change nothing (contract.md §4).
func (a *Account) Revoke(v *Revoke) error {
	was, existed, err := a.row(keyIn(a.Name, v.From, v.To))
	if err != nil {
		return err
	}
	if !existed || was.MsgID != v.UUID {
		a.change.PutRevokes = append(a.change.PutRevokes, PendingRevoke{MsgID: pendingKey(v.From, v.UUID), Body: v.encode(), At: a.env.Now})
		return nil
	}
	msg := gjson.ParseBytes(was.Msg)
	if was.State != Live || was.Revoked || msg.Get("fromAccount").Str != v.From {
		return nil
	}
	r := was
	r.Msg, r.Revoked = nil, true
	r.Revoke = v.appendNotification(nil, remains(msg))
	a.put(was, true, r)
	return nil
}

// Erase forgets the last message of a session when it is the one named, for
// this account alone: lastMsg is absent then, and the update time stays.
func (a *Account) Erase(k core.Key, uuid string) error {
	was, existed, err := a.row(k)
	if err != nil || !existed || was.State != Live || was.MsgID != uuid || len(was.Msg) == 0 && !was.Revoked {
		return err
	}
	r := was
	r.Msg, r.Revoked, r.Revoke = nil, false, nil
	a.put(was, true, r)
	return nil
}

// applyPendingRevoke makes a record that m was just put into a revoked one,
// when the revoke came first.
func (a *Account) applyPendingRevoke(m *Message, r *Record) error {
	p, err := a.store.PendingRevoke(pendingKey(m.From, m.UUID))
	if err != nil || p == nil {
		return err
	}
	v := decodeRevoke(p.Body)
	if v.To != m.To {
		return nil
	}
	r.Msg, r.Revoked = nil, true
	r.Revoke = v.appendNotification(nil, append(m.appendIDs(nil, a.Name), `,"content":null}`...))
	a.change.DropRevokes = append(a.change.DropRevokes, p.MsgID)
	return nil
}

// pendingKey names a message that has not arrived: its uuid alone is anyone's
// to choose. No account holds a line feed.
func pendingKey(from, uuid string) string { return from + "\n" + uuid }

// remains returns what a revoke keeps of a message: its ids, time, from and
// type, with content null.
func remains(msg gjson.Result) []byte {
	out := []byte{'{'}
	for _, name := range []string{"uuid", "serverId", "sessionId", "sessionType", "fromAccount", "fromNickname",
		"messageType", "timestamp", "messageDirection"} {
		if v := msg.Get(name); v.Exists() {
			out = append(append(core.AppendString(out, name), ':'), v.Raw...)
			out = append(out, ',')
		}
	}
	return append(out, `"content":null}`...)
}

var revokeTypes = map[core.SessionType]string{
	core.P2P: "p2pDeleteMsg", core.Team: "teamDeleteMsg", core.SuperTeam: "superTeamDeleteMsg",
}

// appendNotification appends the RevokeMsgNotification of contract.md §2.
func (v *Revoke) appendNotification(dst, message []byte) []byte {
	dst = append(append(dst, `{"message":`...), message...)
	dst = core.AppendString(append(dst, `,"revokeAccount":`...), v.Operator)
	dst = core.AppendString(append(dst, `,"customInfo":`...), v.Notice)
	dst = core.AppendString(append(dst, `,"attach":`...), v.Attach)
	dst = core.AppendString(append(dst, `,"callbackExt":`...), v.CallbackExt)
	dst = core.AppendString(append(dst, `,"notificationType":0,"revokeType":`...), revokeTypes[v.To.Type])
	return append(dst, '}')
}

func (v *Revoke) encode() string {
	b := []byte(`{"to":`)
	b = core.AppendString(b, v.To.String())
	for _, f := range [...]struct{ name, value string }{{"from", v.From}, {"uuid", v.UUID}, {"operator", v.Operator},
		{"notice", v.Notice}, {"attach", v.Attach}, {"callbackExt", v.CallbackExt}} {
		b = append(core.AppendString(append(b, ','), f.name), ':')
		b = core.AppendString(b, f.value)
	}
	return string(append(b, '}'))
}

func decodeRevoke(body string) *Revoke {
	get := func(name string) string { return gjson.Get(body, name).Str }
	v := &Revoke{From: get("from"), UUID: get("uuid"), Operator: get("operator"),
		Notice: get("notice"), Attach: get("attach"), CallbackExt: get("callbackExt")}
	v.To, _ = core.ParseKey(get("to")) // a body of ours; an unreadable one matches no message
	return v
}
