package main

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/tidwall/gjson"

	"recents/core"
	"recents/core/account"
	"recents/server"
)

// sockets are the open ones of the object at hand, as the shell holds them. What
// is sent leaves when the call's transaction is committed.
type sockets interface {
	all() []server.Carried
	send(i int, frame []byte)
	keep(i int, c *server.Carried)
	close(i int, code int, reason string)
}

var errNoOperation = errors.New("edge: there is no such operation")

// operate runs one of the calls that the objects and the front make themselves;
// no request from outside names one.
func (w *worker) operate(r *http.Request, name string, body []byte) ([]byte, error) {
	ctx := r.Context()
	switch name {
	case "home":
		return appendHome(nil, w.handler.Home(r, body)), nil
	case "migrate":
		err := w.at.migrate()
		return core.AppendString(nil, w.at.name), err
	case "accept":
		return null, w.accept(ctx, body)
	case "team":
		return w.team(ctx, string(body))
	case "hear":
		w.hear(ctx, body)
		return null, nil
	case "next":
		batch, err := nextBatch(w.at.db, w.at.now())
		return appendBatch(nil, batch), err
	case "settle": // and the next batch with it
		w.at.stirred = true
		if err := settle(w.at.db, w.at.now(), body); err != nil {
			return nil, err
		}
		batch, err := nextBatch(w.at.db, w.at.now())
		return appendBatch(nil, batch), err
	case "wake":
		w.at.stirred = true
		w.expire()
		return null, w.handler.Collect(ctx)
	}
	return nil, errNoOperation
}

var null = []byte("null")

func appendHome(dst []byte, h server.Home) []byte {
	dst = core.AppendStr(dst, `{"account":`, h.Account)
	dst = core.AppendStr(dst, `,"team":`, h.Team)
	return append(core.AppendFlag(dst, `,"server":`, h.Server), '}')
}

// accept takes parcels, a JSON array of texts, for the object's account.
func (w *worker) accept(ctx context.Context, body []byte) error {
	var parcels [][]byte
	err := core.Items(body, func(raw []byte) error {
		p, err := core.String(raw)
		parcels = append(parcels, []byte(p))
		return err
	})
	if err != nil {
		return err
	}
	return w.handler.AcceptParcels(ctx, w.at.name, parcels)
}

// team returns the object's own group as JSON, null when it was never set.
func (w *worker) team(ctx context.Context, key string) (data []byte, err error) {
	k, err := core.ParseKey(key)
	if err != nil {
		return nil, err
	}
	err = w.at.View(ctx, func(tx account.Tx) error {
		t, err := tx.Team(k)
		data = appendTeam(nil, t)
		return err
	})
	return data, err
}

func appendTeam(dst []byte, t *account.Team) []byte {
	if t == nil {
		return append(dst, null...)
	}
	dst = core.AppendStr(dst, `{"owner":`, t.Owner)
	dst = appendStrings(append(dst, `,"managers":`...), t.Managers)
	dst = appendStrings(append(dst, `,"members":`...), t.Members)
	return append(dst, '}')
}

func appendStrings(dst []byte, list []string) []byte {
	dst = append(dst, '[')
	for i, s := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = core.AppendString(dst, s)
	}
	return append(dst, ']')
}

// give takes a group that was fetched, as team told it.
func (p *place) give(key, data string) error {
	k, err := core.ParseKey(key)
	if err != nil {
		return err
	}
	p.given = map[string]*account.Team{key: nil}
	t := gjson.Parse(data)
	if t.IsObject() {
		p.given[key] = &account.Team{Key: k, Owner: t.Get("owner").Str, Managers: stringsOf(t.Get("managers")), Members: stringsOf(t.Get("members"))}
	}
	return nil
}

func stringsOf(list gjson.Result) (out []string) {
	for _, v := range list.Array() {
		out = append(out, v.Str)
	}
	return out
}

// hear answers one frame of the only socket at hand.
func (w *worker) hear(ctx context.Context, frame []byte) {
	c := w.sockets.all()[0]
	code, reason := w.handler.Hear(ctx, &c, frame, func(out []byte) { w.sockets.send(0, out) })
	w.sockets.keep(0, &c)
	w.at.stirred = true // its token ends one day
	if code != 0 {
		w.sockets.close(0, code, reason)
	}
}

// publish tells the object's sockets of a change.
func (w *worker) publish(deltas []*account.Delta) {
	for _, d := range deltas {
		if d.Account != w.at.name {
			continue
		}
		all := w.sockets.all()
		if len(all) == 0 {
			continue
		}
		shared := server.DeltaHead(d)
		for i := range all {
			w.tell(i, &all[i], d, shared)
		}
	}
}

func (w *worker) tell(i int, c *server.Carried, d *account.Delta, shared []byte) {
	if c.Expires <= w.at.now() {
		w.sockets.close(i, server.CloseToken, "the token expired")
		return
	}
	before := *c
	if frame := c.Told(d, shared); frame != nil {
		w.sockets.send(i, frame)
	}
	if *c != before {
		w.sockets.keep(i, c)
	}
}

// pulled notes by a call of /v1/sync that the sockets of its client are read.
func (w *worker) pulled(body []byte) {
	client := gjson.GetBytes(body, "clientId").Str
	all := w.sockets.all()
	for i := range all {
		if c := &all[i]; c.Live && c.ClientID == client && c.Frames > 0 {
			c.Pulled()
			w.sockets.keep(i, c)
		}
	}
}

// wakeAt is when the object has something to do by itself, 0 for never: the
// place's own, or the end of a socket's token.
func (w *worker) wakeAt() (int64, error) {
	at, err := w.at.wakeAt()
	for _, c := range w.sockets.all() {
		if at == 0 || c.Expires < at {
			at = c.Expires
		}
	}
	return at, err
}

// expire closes the sockets whose token's time is over.
func (w *worker) expire() {
	all := w.sockets.all()
	for i := range all {
		if all[i].Expires <= w.at.now() {
			w.sockets.close(i, server.CloseToken, "the token expired")
		}
	}
}

// appendCarried appends a socket's state as the shell keeps it beside it.
func appendCarried(dst []byte, c *server.Carried) []byte {
	dst = core.AppendStr(dst, `{"account":`, c.Account)
	dst = core.AppendNum(dst, `,"expires":`, c.Expires)
	dst = core.AppendStr(dst, `,"clientId":`, c.ClientID)
	dst = core.AppendNum(dst, `,"lastMid":`, c.LastMid)
	dst = core.AppendNum(dst, `,"frames":`, int64(c.Frames))
	dst = core.AppendNum(dst, `,"bytes":`, int64(c.Bytes))
	dst = core.AppendFlag(dst, `,"behind":`, c.Behind)
	return append(core.AppendFlag(dst, `,"live":`, c.Live), '}')
}

func parseCarried(list string) (all []server.Carried) {
	for _, v := range gjson.Parse(list).Array() {
		all = append(all, server.Carried{Account: v.Get("account").Str, Expires: v.Get("expires").Int(),
			ClientID: v.Get("clientId").Str, LastMid: v.Get("lastMid").Int(), Live: v.Get("live").Bool(),
			Frames: int(v.Get("frames").Int()), Bytes: int(v.Get("bytes").Int()), Behind: v.Get("behind").Bool()})
	}
	return all
}

// splitList reads a list with commas, as the environment holds it.
func splitList(text string) (list []string) {
	for _, one := range strings.Split(text, ",") {
		if one = strings.TrimSpace(one); one != "" {
			list = append(list, one)
		}
	}
	return list
}
