package account

import (
	"strconv"

	"recents/core"
)

// AppendTransfer appends a page's JSON:
//
//	{"v":1,"account":"alice","epoch":"…","seq":9,"lastTime":…,"floor":0,"digest":"…","from":"","next":"…",
//	 "clients":[{"id":"…","lastMid":1,"seenAt":…}],"receipts":[{"key":"…","hash":"…","answer":"…","at":…}],
//	 "revokes":[{"msgId":"…","body":"…","at":…}],
//	 "records":[{"row":{…},"state":0,"msgId":"…","msgOrder":"…","changedAt":…}]}
//
// row is the wire's (core.Row).
func AppendTransfer(dst []byte, t *Transfer) []byte {
	dst = core.AppendNum(dst, `{"v":`, TransferVersion)
	dst = core.AppendStr(dst, `,"account":`, t.Account)
	dst = core.AppendStr(dst, `,"epoch":`, t.Meta.Epoch)
	dst = core.AppendNum(dst, `,"seq":`, t.Meta.Seq)
	dst = core.AppendNum(dst, `,"lastTime":`, t.Meta.LastTime)
	dst = core.AppendNum(dst, `,"floor":`, t.Meta.Floor)
	dst = core.AppendStr(dst, `,"digest":`, t.Meta.Digest.String())
	dst = core.AppendStr(dst, `,"from":`, t.From)
	dst = core.AppendStr(dst, `,"next":`, t.Next)
	dst = appendList(dst, `,"clients":[`, t.Clients, appendClient)
	dst = appendList(dst, `,"receipts":[`, t.Receipts, appendReceipt)
	dst = appendList(dst, `,"revokes":[`, t.Revokes, appendRevoke)
	dst = appendList(dst, `,"records":[`, t.Records, appendRecord)
	return append(dst, '}')
}

func appendList[T any](dst []byte, name string, list []T, one func([]byte, *T) []byte) []byte {
	dst = core.AppendText(dst, name)
	for i := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = one(dst, &list[i])
	}
	return append(dst, ']')
}

func appendClient(dst []byte, c *Client) []byte {
	dst = core.AppendStr(dst, `{"id":`, c.ID)
	dst = core.AppendNum(dst, `,"lastMid":`, c.LastMid)
	if c.Unapplied != "" {
		dst = core.AppendStr(dst, `,"unapplied":`, c.Unapplied)
	}
	return append(core.AppendNum(dst, `,"seenAt":`, c.SeenAt), '}')
}

func appendReceipt(dst []byte, r *Receipt) []byte {
	dst = core.AppendStr(dst, `{"key":`, r.Key)
	dst = core.AppendStr(dst, `,"hash":`, r.Hash)
	dst = core.AppendStr(dst, `,"answer":`, r.Answer)
	return append(core.AppendNum(dst, `,"at":`, r.At), '}')
}

func appendRevoke(dst []byte, p *PendingRevoke) []byte {
	dst = core.AppendStr(dst, `{"msgId":`, p.MsgID)
	dst = core.AppendStr(dst, `,"body":`, p.Body)
	return append(core.AppendNum(dst, `,"at":`, p.At), '}')
}

func appendRecord(dst []byte, r *Record) []byte {
	dst = core.AppendRow(core.AppendText(dst, `{"row":`), &r.Row)
	dst = core.AppendNum(dst, `,"state":`, int64(r.State))
	dst = core.AppendStr(dst, `,"msgId":`, r.MsgID)
	dst = core.AppendStr(dst, `,"msgOrder":`, strconv.FormatUint(r.MsgOrder, 10))
	return append(core.AppendNum(dst, `,"changedAt":`, r.ChangedAt), '}')
}

// ParseTransfer reads what AppendTransfer wrote, and believes none of it.
func ParseTransfer(b []byte) (*Transfer, error) {
	t := &Transfer{}
	var v int64
	err := core.Read(b, core.Member{Name: "v", To: &v}, core.Member{Name: "account", To: &t.Account},
		core.Member{Name: "epoch", To: &t.Meta.Epoch}, core.Member{Name: "seq", To: &t.Meta.Seq},
		core.Member{Name: "lastTime", To: &t.Meta.LastTime}, core.Member{Name: "floor", To: &t.Meta.Floor},
		core.Member{Name: "digest", To: digest(&t.Meta.Digest)},
		core.Member{Name: "from", To: &t.From}, core.Member{Name: "next", To: &t.Next},
		core.Member{Name: "clients", To: list(&t.Clients, parseClient)}, core.Member{Name: "receipts", To: list(&t.Receipts, parseReceipt)},
		core.Member{Name: "revokes", To: list(&t.Revokes, parseRevoke)}, core.Member{Name: "records", To: list(&t.Records, parseRecord)})
	if err == nil && v != TransferVersion {
		err = core.BadParam("v: " + core.Itoa(v) + " is not " + core.Itoa(TransferVersion) + ", the one that this server knows")
	}
	return t, err
}

func list[T any](to *[]T, one func([]byte) (T, error)) func([]byte) error {
	return func(raw []byte) error {
		return core.Items(raw, func(item []byte) error {
			v, err := one(item)
			*to = append(*to, v)
			return err
		})
	}
}

func digest(to *core.Digest) func([]byte) error {
	return func(raw []byte) error {
		text, err := core.String(raw)
		if err == nil {
			*to, err = core.ParseDigest(text)
		}
		return err
	}
}

func parseClient(b []byte) (c Client, err error) {
	err = core.Read(b, core.Member{Name: "id", To: &c.ID}, core.Member{Name: "lastMid", To: &c.LastMid},
		core.Member{Name: "seenAt", To: &c.SeenAt}, core.Member{Name: "unapplied", To: func(raw []byte) (err error) {
			if c.Unapplied, err = core.String(raw); err == nil {
				_, err = parseUnapplied(c.Unapplied)
			}
			return err
		}})
	return c, err
}

func parseReceipt(b []byte) (r Receipt, err error) {
	err = core.Read(b, core.Member{Name: "key", To: &r.Key}, core.Member{Name: "hash", To: &r.Hash},
		core.Member{Name: "answer", To: &r.Answer}, core.Member{Name: "at", To: &r.At})
	return r, err
}

func parseRevoke(b []byte) (p PendingRevoke, err error) {
	err = core.Read(b, core.Member{Name: "msgId", To: &p.MsgID}, core.Member{Name: "body", To: &p.Body}, core.Member{Name: "at", To: &p.At})
	return p, err
}

func parseRecord(b []byte) (r Record, err error) {
	var state int64
	err = core.Read(b, core.Member{Name: "state", To: &state}, core.Member{Name: "msgId", To: &r.MsgID}, core.Member{Name: "changedAt", To: &r.ChangedAt},
		core.Member{Name: "row", To: func(raw []byte) (err error) { r.Row, err = core.ParseRow(raw); return err }},
		core.Member{Name: "msgOrder", To: func(raw []byte) error {
			text, err := core.String(raw)
			if err == nil {
				r.MsgOrder, err = strconv.ParseUint(text, 10, 64)
			}
			if err != nil {
				return core.BadParam("is no text of a whole number below 2^64")
			}
			return nil
		}})
	r.State = State(state)
	switch {
	case err != nil:
		return r, err
	case r.Key.Type == 0:
		return r, core.BadParam("row: is missing")
	case state > int64(Husk) || r.Deleted != (r.State != Live):
		return r, core.BadParam("state: " + core.Itoa(state) + " is not 0 to 2, or contradicts the row")
	}
	return r, nil
}
