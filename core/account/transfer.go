package account

import (
	"strconv"

	"recents/core"
)

// How an account moves from one place to another: page by page, all that its
// Store holds, so that the copy answers as the original would. Only the epoch is
// another, since a reader's cursor is of one log: its next read is a reset.

// TransferVersion is the page's format. A place that knows another refuses it.
const TransferVersion = 1

const (
	transferBytes = 512 << 10 // from which on a page ends; what it ends with may be as long as a message
	transferRun   = 64        // entries that are read at once
)

// Transfer is one page of an account on its way.
type Transfer struct {
	Account  string
	Meta     Meta   // of the whole account, as it is where it comes from
	From     string // where the page begins, "" for the first one
	Next     string // where the next one does, "" after the last one
	Clients  []Client
	Receipts []Receipt
	Revokes  []PendingRevoke
	Records  []Record // rising by Seq
}

// section is a kind of what a transfer carries. They come in this order; the
// records, which make a list what it is, are the last.
type section struct {
	mark byte
	read func(s Store, after string, limit int) (entries []entry, err error)
}

// entry is one thing of a transfer: its place in its section, how it is put into
// a page, and about how long it is there.
type entry struct {
	at    string
	bytes int
	into  func(*Transfer)
}

const entryBytes = 100 // of an entry's names and numbers

var sections = []section{
	{'c', func(s Store, after string, limit int) ([]entry, error) {
		list, err := s.Clients(after, limit)
		return entries(list, func(c *Client) entry {
			return entry{c.ID, len(c.ID) + 2*len(c.Unapplied), func(t *Transfer) { t.Clients = append(t.Clients, *c) }}
		}), err
	}},
	{'k', func(s Store, after string, limit int) ([]entry, error) {
		list, err := s.Receipts(after, limit)
		return entries(list, func(r *Receipt) entry {
			return entry{r.Key, len(r.Key) + len(r.Hash) + 2*len(r.Answer), func(t *Transfer) { t.Receipts = append(t.Receipts, *r) }}
		}), err
	}},
	{'p', func(s Store, after string, limit int) ([]entry, error) {
		list, err := s.PendingRevokes(after, limit)
		return entries(list, func(p *PendingRevoke) entry {
			return entry{p.MsgID, len(p.MsgID) + 2*len(p.Body), func(t *Transfer) { t.Revokes = append(t.Revokes, *p) }}
		}), err
	}},
	{'r', func(s Store, after string, limit int) ([]entry, error) {
		seq, err := strconv.ParseInt("0"+after, 10, 64) // "" is before the first
		if err != nil {
			return nil, core.BadParam("after: " + core.Quote(after) + " is no position of an export")
		}
		list, err := s.Records(seq, limit)
		return entries(list, func(r *Record) entry {
			return entry{core.Itoa(r.Seq), len(r.Msg) + len(r.Revoke) + 6*len(r.Ext), func(t *Transfer) { t.Records = append(t.Records, *r) }}
		}), err
	}},
}

func entries[T any](list []T, of func(*T) entry) []entry {
	out := make([]entry, len(list))
	for i := range list {
		out[i] = of(&list[i])
	}
	return out
}

// Export returns the page that begins at a position, "" for the first one. A
// page is at most about 512 KiB and one message more. An account whose list changed
// since its first page is code 409: the pages would be of two moments. What changes
// no list is not seen to: a receipt, or a revoke that came before its message.
func (a *Account) Export(from string) (*Transfer, error) {
	if !a.Exists() {
		return nil, &core.Error{Code: core.CodeNotFound, Details: "account: " + core.Quote(a.Name) + " was never written"}
	}
	moment := core.Cursor{Epoch: a.meta.Epoch, Seq: a.meta.Seq}.String()
	p, err := parsePosition(from, moment)
	if err != nil {
		return nil, err
	}
	t := &Transfer{Account: a.Name, Meta: a.meta, From: from}
	for size := 0; p.section < len(sections); {
		list, err := sections[p.section].read(a.store, p.after, transferRun)
		if err != nil {
			return nil, err
		}
		for _, e := range list {
			if size >= transferBytes {
				t.Next = p.text(moment)
				return t, nil
			}
			e.into(t)
			size += e.bytes + entryBytes
			p.after = e.at
		}
		if len(list) < transferRun {
			p = position{section: p.section + 1}
		}
	}
	return t, nil
}

// position is how far an export has come.
type position struct {
	section int
	after   string // the last entry that was told of it
}

// text is "mark, moment, space, after": no epoch holds a space.
func (p position) text(moment string) string {
	return string(sections[p.section].mark) + moment + " " + p.after
}

func parsePosition(text, moment string) (position, error) {
	if text == "" {
		return position{}, nil
	}
	for i, s := range sections {
		if text[0] != s.mark {
			continue
		}
		after, ok := cutPrefix(text[1:], moment+" ")
		if !ok {
			return position{}, &core.Error{Code: core.CodeConflict, Details: "after: the account changed since this export began: begin again"}
		}
		return position{i, after}, nil
	}
	return position{}, core.BadParam("after: " + core.Quote(text) + " is no position of an export")
}

func cutPrefix(s, prefix string) (string, bool) {
	if len(s) < len(prefix) || s[:len(prefix)] != prefix {
		return s, false
	}
	return s[len(prefix):], true
}

// Import takes the next page of an account that moves here, and returns the
// cursor that the page after it has to name; "" after the last one. cursor is ""
// with the first page. That one forgets what was here, which must be nothing
// unless replace says so.
//
// The pages are one import and not one transaction: until the last one the
// account holds a part. It has an epoch of its own for as long, so that every
// reader is reset once more when it is whole.
func (a *Account) Import(t *Transfer, cursor string, replace bool) (next string, err error) {
	if t.Account != a.Name {
		return "", core.BadParam("page: is of the account " + core.Quote(t.Account) + ", not of " + core.Quote(a.Name))
	}
	if err := a.follows(t, cursor, replace); err != nil {
		return "", err
	}
	if t.From == "" {
		a.change.Wipe = true
		a.meta = Meta{Epoch: a.env.NewEpoch}
	}
	if err := a.takeRecords(t); err != nil {
		return "", err
	}
	a.change.Clients, a.change.Receipts, a.change.PutRevokes = t.Clients, t.Receipts, t.Revokes
	a.meta.LastTime, a.meta.Floor = t.Meta.LastTime, t.Meta.Floor
	if t.Next != "" {
		return a.importCursor(t.Next), nil
	}
	if a.meta.Digest != t.Meta.Digest {
		return "", core.BadParam("page: the digest of all records is " + a.meta.Digest.String() + ", not " + t.Meta.Digest.String() + ": a page is missing or was altered")
	}
	a.meta.Seq, a.meta.Epoch = t.Meta.Seq, a.env.NewEpoch
	return "", nil
}

func (a *Account) importCursor(from string) string {
	return core.Cursor{Epoch: a.meta.Epoch, Seq: a.meta.Seq}.String() + " " + from
}

// follows tells whether the page is the next one of what was imported so far.
func (a *Account) follows(t *Transfer, cursor string, replace bool) error {
	switch {
	case t.From != "" && cursor != a.importCursor(t.From):
		return &core.Error{Code: core.CodeConflict, Details: "cursor: this is not the next page, or the account changed since this import began: begin again"}
	case t.From == "" && a.meta.Seq > 0 && !replace:
		return &core.Error{Code: core.CodeConflict, Details: "account: " + core.Quote(a.Name) + " holds sessions; replace: 1 forgets them"}
	}
	return nil
}

func (a *Account) takeRecords(t *Transfer) error {
	for i := range t.Records {
		r := &t.Records[i]
		if r.Seq <= a.meta.Seq || r.Seq > t.Meta.Seq {
			return core.BadParam("page: records: seq " + core.Itoa(r.Seq) + " is not over " + core.Itoa(a.meta.Seq) + " and at most " + core.Itoa(t.Meta.Seq))
		}
		a.meta.Seq = r.Seq
		if r.State == Live {
			a.meta.Digest ^= core.Hash(r.Key.String(), r.Seq)
		}
		a.puts = append(a.puts, *r)
	}
	return nil
}
