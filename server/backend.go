package server

import (
	"context"
	"net/http"
	"time"

	"recents/core"
	"recents/core/account"
)

// The calls of the chat app's own backend. Two of them a user may make too, for
// its own account.

// Bounds of a token's life.
const (
	DefaultTokenLife = 24 * time.Hour
	MaxTokenLife     = 365 * 24 * time.Hour

	defaultTTL = int64(DefaultTokenLife / time.Second)
	maxTTL     = int64(MaxTokenLife / time.Second)
)

// issueToken is no write that an Idempotency-Key could repeat: a receipt would
// keep the token readable in the store.
func (h *Handler) issueToken(_ context.Context, q *request) ([]byte, error) {
	var name string
	ttl := defaultTTL
	err := params{"account": text(&name), "ttlSeconds": number(&ttl)}.read(q.body)
	if err == nil {
		err = checkID("account", name)
	}
	switch {
	case err != nil:
		return nil, err
	case ttl < 1:
		return nil, core.BadParam("ttlSeconds: " + core.Itoa(ttl) + " is under 1")
	case ttl > maxTTL:
		return nil, core.BadParam("ttlSeconds: " + core.Itoa(ttl) + " is over " + core.Itoa(maxTTL))
	}
	return h.tokenOf(name, ttl)
}

func (h *Handler) tokenOf(name string, ttl int64) ([]byte, error) {
	token, expires, err := h.opts.Keys.Issue(name, time.Duration(ttl)*time.Second, h.opts.Now())
	if err != nil {
		return nil, err
	}
	data := core.AppendString([]byte(`{"token":`), token)
	data = append(data, `,"expiresAt":`+core.Itoa(expires)+`}`...)
	return data, nil
}

// devToken gives anyone on this machine a token of any account, in dev mode
// only. admit has held the Host header to loopback names.
func (h *Handler) devToken(_ context.Context, q *request) ([]byte, error) {
	if err := h.checkDevPeer(q.http); err != nil {
		return nil, err
	}
	var name string
	err := params{"account": text(&name)}.read(q.body)
	if err == nil {
		err = checkID("account", name)
	}
	if err != nil {
		return nil, err
	}
	return h.tokenOf(name, defaultTTL)
}

func (h *Handler) checkDevPeer(r *http.Request) error {
	if !peer(r).IsLoopback() {
		return forbidden("dev/token: only callers on this machine")
	}
	if origin := r.Header.Get("Origin"); !h.origins.allows(origin, r.Host) {
		return forbidden("Origin: " + core.Quote(origin) + " is not allowed")
	}
	return nil
}

// sending is what a sendMessage and a revokeMessage name alike.
type sending struct {
	from, to, typ string
	recipients    []string // nil: both ends, or the stored members
	key           core.Key // of to
}

func (s *sending) params() params {
	return params{"from": text(&s.from), "to": text(&s.to), "sessionType": text(&s.typ), "recipients": accounts(&s.recipients)}
}

// check holds the ids to their rules, and a user to its own account.
func (s *sending) check(who caller) error {
	if err := checkID("from", s.from); err != nil {
		return err
	}
	if err := checkID("to", s.to); err != nil {
		return err
	}
	t, err := core.ParseSessionType(s.typ)
	s.key = core.Key{Type: t, ID: s.to}
	switch {
	case err != nil:
		return err
	case s.recipients != nil && t == core.P2P:
		return core.BadParam("recipients: a p2p message has none")
	case s.recipients != nil && len(s.recipients) == 0:
		return core.BadParam("recipients: 0 accounts is under 1")
	case who.server:
		return nil
	case s.from != who.account:
		return s.ofAnother()
	case s.recipients != nil:
		return forbidden("recipients: only the server key may name them")
	}
	return nil
}

func (s *sending) ofAnother() error {
	return forbidden("from: " + core.Quote(s.from) + " is not the token's account")
}

// concerned returns the accounts that the message is or was delivered to, and
// its group when that was looked up.
func (s *sending) concerned(w *work) ([]string, *account.Team, error) {
	switch {
	case s.key.Type == core.P2P:
		return distinct(s.from, s.to), nil, nil
	case s.recipients != nil:
		return distinct(s.recipients...), nil, nil
	}
	t, err := w.team(s.key)
	if err != nil {
		return nil, nil, err
	}
	return t.Members, t, nil
}

func (h *Handler) sendMessage(ctx context.Context, q *request) ([]byte, error) {
	var s sending
	var raw []byte
	p := s.params()
	p["message"] = rawJSON(&raw)
	err := p.read(q.body)
	if err == nil {
		err = s.check(q.caller)
	}
	if err == nil && raw == nil {
		err = missing("message")
	}
	if err != nil {
		return nil, err
	}
	return h.write(ctx, q, s.from, func(w *work) (string, error) { return h.send(w, q, &s, raw) })
}

// send delivers one message. The sender's account remembers its uuid, so that
// it is sent once however often the call is made.
func (h *Handler) send(w *work, q *request, s *sending, raw []byte) (string, error) {
	to, team, err := s.concerned(w)
	if err != nil {
		return "", err
	}
	if team != nil && !q.caller.server && !team.Has(s.from) {
		return "", forbidden("to: the token's account is no member of " + core.Quote(s.key.String()))
	}
	order, err := h.nextOrder(w, s)
	if err != nil {
		return "", err
	}
	h.order = order
	m, err := account.ParseMessage(raw, s.from, s.key, order, q.caller.server)
	if err != nil {
		return "", err
	}
	if m.UUID == "" {
		m.UUID = h.opts.NewID()
	}
	sender, err := w.open(s.from)
	if err != nil {
		return "", err
	}
	hash := q.hash()
	if answer, err := sender.SentReceipt(m.UUID, hash); err != nil || answer != "" {
		return answer, err
	}
	if err := w.deliver(to, &delivery{message: m, raw: raw, order: order, byServer: q.caller.server}); err != nil {
		return "", err
	}
	answer := sent(m)
	sender.PutSentReceipt(m.UUID, hash, answer)
	return answer, nil
}

// sent is sendMessage's data. The uuid is in it for a sender that gave none: a
// revoke names the message by it.
func sent(m *account.Message) string {
	b := core.AppendStr([]byte{'{'}, `"serverId":`, m.ServerID())
	b = append(b, `,"timestamp":`+core.Itoa(m.Time)...)
	return string(append(core.AppendStr(b, `,"uuid":`, m.UUID), '}'))
}

func (h *Handler) revokeMessage(ctx context.Context, q *request) ([]byte, error) {
	var s sending
	var v account.Revoke
	p := s.params()
	p["uuid"], p["operator"] = text(&v.UUID), text(&v.Operator)
	p["notice"], p["attach"] = optionalText(&v.Notice), optionalText(&v.Attach)
	if err := p.read(q.body); err != nil {
		return nil, err
	}
	if err := checkRevoke(q.caller, &s, &v); err != nil {
		return nil, err
	}
	v.From, v.To = s.from, s.key
	return h.write(ctx, q, acting(q, s.from), func(w *work) (string, error) {
		to, team, err := s.concerned(w)
		if err != nil {
			return "", err
		}
		if team != nil && !q.caller.server && !team.MayRevoke(v.Operator, v.From) {
			return "", forbidden("operator: may revoke neither another's message nor one of a group that it is not in")
		}
		return null, w.deliver(to, &delivery{revoke: &v})
	})
}

// acting is the account that remembers a write's answer: a user's own, else the
// one that the call is about.
func acting(q *request, about string) string {
	if q.caller.server {
		return about
	}
	return q.caller.account
}

// checkRevoke holds ids to their rules and a user to contract.md §4: it revokes
// as itself, and in a p2p session only what it sent. In a group the Team says.
func checkRevoke(who caller, s *sending, v *account.Revoke) error {
	as := who
	if s.typ != core.P2P.String() {
		as.account = s.from
	}
	if err := s.check(as); err != nil {
		return err
	}
	if err := checkUUID(v.UUID); err != nil {
		return err
	}
	if err := checkID("operator", v.Operator); err != nil {
		return err
	}
	if !who.server && v.Operator != who.account {
		return forbidden("operator: " + core.Quote(v.Operator) + " is not the token's account")
	}
	return nil
}

func (h *Handler) setTeamMembers(ctx context.Context, q *request) ([]byte, error) {
	var id, typ string
	t := &account.Team{}
	given := false
	err := params{"teamId": text(&id), "sessionType": text(&typ), "owner": optionalText(&t.Owner), "managers": accounts(&t.Managers),
		"members": func(raw []byte) error { given = true; return accounts(&t.Members)(raw) }}.read(q.body)
	if err == nil && !given {
		err = missing("members")
	}
	if err == nil {
		err = completeTeam(t, id, typ)
	}
	if err != nil {
		return nil, err
	}
	return h.write(ctx, q, partitionOf(t.Key), func(w *work) (string, error) { return null, w.tx.PutTeam(t) })
}

// completeTeam checks a group, and makes its owner and managers members.
func completeTeam(t *account.Team, id, typ string) (err error) {
	if err = checkID("teamId", id); err != nil {
		return err
	}
	if t.Key.Type, err = core.ParseSessionType(typ); err != nil {
		return err
	}
	if t.Key.ID = id; t.Key.Type == core.P2P {
		return core.BadParam(`sessionType: "p2p" is not one of team, superTeam`)
	}
	t.Managers = distinct(t.Managers...)
	all := t.Members
	if t.Owner != "" {
		if err := core.CheckID("owner", t.Owner); err != nil {
			return err
		}
		all = append([]string{t.Owner}, all...)
	}
	t.Members = distinct(append(all, t.Managers...)...)
	if n := len(t.Members); n > core.MaxMembers {
		return core.BadParam("members: " + core.Itoa(int64(n)) + " accounts with owner and managers is over " + core.Itoa(core.MaxMembers))
	}
	return nil
}

func (h *Handler) deleteOneWay(ctx context.Context, q *request) ([]byte, error) {
	var name, id, typ, uuid string
	err := params{"account": text(&name), "sessionId": text(&id), "sessionType": text(&typ), "uuid": text(&uuid)}.read(q.body)
	if err == nil {
		err = checkID("account", name)
	}
	if err == nil {
		err = checkUUID(uuid)
	}
	if err == nil && id == "" {
		err = core.BadParam("sessionId: is missing or empty")
	}
	if err != nil {
		return nil, err
	}
	key, err := core.ResolveKey(id, typ)
	if err != nil {
		return nil, err
	}
	return h.write(ctx, q, name, func(w *work) (string, error) {
		a, err := w.open(name)
		if err != nil {
			return "", err
		}
		return null, a.Erase(key, uuid)
	})
}
