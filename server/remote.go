package server

import (
	"context"
	"net/http"
	"strconv"

	"recents/core"
	"recents/core/account"
)

// Remote is the way to the accounts that a Handler's store does not hold: at
// the edge each account has a store of its own, and a message is written in its
// sender's and then carried to the others'.
type Remote interface {
	// Holds reports whether the store holds the account.
	Holds(account string) bool

	// Post has a parcel carried to accounts elsewhere, where AcceptParcel takes
	// it. The parcel is remembered in the transaction, so it is on its way
	// exactly when the rest of the transaction is durable; it may arrive twice.
	Post(tx account.Tx, to []string, parcel []byte) error
}

// delivery is what a call does to each account that it concerns: a message that
// arrives, or one that is taken back.
type delivery struct {
	message  *account.Message
	raw      []byte // of message, as it was sent
	order    uint64 // that message was parsed with: a given time has changed its own
	byServer bool   // message may carry a time of its own
	revoke   *account.Revoke
}

func (d *delivery) apply(a *account.Account) error {
	if d.revoke != nil {
		return a.Revoke(d.revoke)
	}
	return a.Deliver(d.message)
}

// deliver applies d to the accounts that are here, and posts it to the others.
func (w *work) deliver(names []string, d *delivery) error {
	var elsewhere []string
	for _, name := range names {
		if r := w.h.opts.Remote; r != nil && !r.Holds(name) {
			elsewhere = append(elsewhere, name)
			continue
		}
		a, err := w.open(name)
		if err != nil {
			return err
		}
		if err := d.apply(a); err != nil {
			return err
		}
	}
	if len(elsewhere) == 0 || d.changesNothing() {
		return nil
	}
	return w.h.opts.Remote.Post(w.tx, elsewhere, d.encode())
}

// changesNothing tells that no account would be another after d.
func (d *delivery) changesNothing() bool { return d.message != nil && !d.message.SessionUpdate }

// encode makes a parcel. A message travels as it was sent, with what the server
// gave it beside: the receiver reads it by the same rules.
func (d *delivery) encode() []byte {
	if v := d.revoke; v != nil {
		b := core.AppendStr([]byte{'{'}, `"from":`, v.From)
		b = core.AppendStr(b, `,"to":`, v.To.String())
		b = core.AppendStr(b, `,"revoke":`, v.UUID)
		b = core.AppendStr(b, `,"operator":`, v.Operator)
		b = core.AppendStr(b, `,"notice":`, v.Notice)
		return append(core.AppendStr(b, `,"attach":`, v.Attach), '}')
	}
	m := d.message
	b := core.AppendStr([]byte{'{'}, `"from":`, m.From)
	b = core.AppendStr(b, `,"to":`, m.To.String())
	b = core.AppendStr(b, `,"uuid":`, m.UUID)
	b = core.AppendStr(b, `,"order":`, strconv.FormatUint(d.order, 10))
	b = append(b, `,"byServer":`+strconv.FormatBool(d.byServer)+`,"message":`...)
	return append(append(b, d.raw...), '}')
}

// decodeDelivery reads a parcel of encode's.
func decodeDelivery(parcel []byte) (*delivery, error) {
	var from, to, uuid, order string
	var raw []byte
	byServer := false
	v := &account.Revoke{}
	err := params{"from": text(&from), "to": text(&to), "uuid": text(&uuid), "order": text(&order), "message": rawJSON(&raw),
		"byServer": func(raw []byte) error { byServer = string(raw) == "true"; return nil },
		"revoke":   text(&v.UUID), "operator": text(&v.Operator), "notice": text(&v.Notice), "attach": text(&v.Attach)}.read(parcel)
	if err != nil {
		return nil, err
	}
	key, err := core.ParseKey(to)
	if err != nil {
		return nil, err
	}
	if v.UUID != "" {
		v.From, v.To = from, key
		return &delivery{revoke: v}, nil
	}
	n, err := strconv.ParseUint(order, 10, 64)
	if err != nil {
		return nil, err
	}
	m, err := account.ParseMessage(raw, from, key, n, byServer)
	if err != nil {
		return nil, err
	}
	m.UUID = uuid // given by the sender's server when the message had none
	return &delivery{message: m}, nil
}

// AcceptParcels delivers what Remote.Post sent to an account of this store, in
// the order given and in one transaction. A parcel that was accepted before
// changes nothing.
func (h *Handler) AcceptParcels(ctx context.Context, name string, parcels [][]byte) error {
	return h.update(ctx, func(w *work) error {
		for _, p := range parcels {
			d, err := decodeDelivery(p)
			if err != nil {
				return err
			}
			if err := w.deliver([]string{name}, d); err != nil {
				return err
			}
		}
		return nil
	})
}

// nextOrder gives a message its order: higher than any of its session. One
// store hands them out from one sequence. Where accounts are apart, each sender
// has its own, begun above what it has sent and received, clocks that differ
// included; and two senders in one millisecond must not give the same, or each
// would take the other's message for its own come again. So each has a place of
// its own within the millisecond.
func (h *Handler) nextOrder(w *work, s *sending) (uint64, error) {
	if h.opts.Remote == nil {
		return account.NextOrder(h.order, w.now), nil
	}
	held, err := w.tx.Account(s.from).Row(s.key.String())
	if err != nil {
		return 0, err
	}
	last := h.order
	if held != nil {
		last = max(last, held.MsgOrder)
	}
	begin, end := account.NextOrder(0, w.now), account.NextOrder(0, w.now+1)
	place := uint64(core.Hash(s.from, 0)) % (end - begin)
	return max(begin+place, last+1), nil
}

// Home names the store that a call of the server key's belongs to: that of the
// account that acts, or of the group that is set. It is the zero Home when any
// place may answer, since the call is refused or touches no store: without the
// key no caller gets to a store by a name that it makes up.
func (h *Handler) Home(r *http.Request, body []byte) Home {
	if !h.auth.isServerKey(bearer(r)) || r.Method != http.MethodPost {
		return Home{}
	}
	home := Home{Server: true}
	var s sending
	var id string
	read := params{"from": text(&s.from), "account": text(&s.from), "teamId": text(&id), "sessionType": text(&s.typ)}
	if core.Strict(body) != nil || read.read(body) != nil {
		return home
	}
	switch r.URL.Path {
	case "/v1/sendMessage", "/v1/revokeMessage", "/v1/deleteMessageOneWay", "/v1/exportAccount", "/v1/importAccount":
		if core.CheckID("account", s.from) == nil {
			home.Account = s.from
		}
	case "/v1/setTeamMembers":
		t, err := core.ParseSessionType(s.typ)
		if err == nil && t != core.P2P && core.CheckID("teamId", id) == nil {
			home.Team = core.Key{Type: t, ID: id}.String()
		}
	}
	return home
}

// Home is the place of a call: an account's or a group's, by its session key.
type Home struct {
	Account, Team string
	Server        bool // the server key calls
}
