package replica

import (
	"strconv"

	"recents/core"
)

// Batch is one write to storage: all of it happens in one transaction, or
// nothing, and only while the stored meta record is the expected one. So two
// tabs that both believe to be the writer do no harm (sync.md, "The replica").
//
// Its encoding, the data of FxStore: the header's length (uint32, little
// endian), the header's JSON
//
//	{"expect":{"epoch":"…","cursor":1,"generation":1},"meta":{…},"clear":true,"chunks":[9,8],"journal":7,"journalAt":0,"head":6}
//
// and then the blobs whose lengths it gives: the chunks, to be stored as number
// 0 and up; the journal record (0: none), as number journalAt; the head (0:
// none), the newest page in the form that the boot path shows. expect is null
// when no meta must be stored. clear deletes all chunks and journal records
// first.
type Batch struct {
	Expect  *Meta // nil: nothing may be stored yet
	Meta    Meta
	Clear   bool
	Chunks  [][]byte
	Journal []byte
	Head    []byte
}

// Meta is the stored record that says what the chunks and the journal add up to.
type Meta struct {
	Epoch      string
	Cursor     int64
	Generation int64 // rises with each rewrite of the chunks
	Lowest     int64 // sessions with an older update time may be missing; 0: none is
	AsOf       int64 // when this was the server's state, ms
	Journal    int64 // journal records
	ClientID   string
}

// same reports whether two records stand for the same stored state.
func (m *Meta) same(o *Meta) bool {
	return m.Epoch == o.Epoch && m.Cursor == o.Cursor && m.Generation == o.Generation
}

func (m *Meta) append(dst []byte) []byte {
	dst = core.AppendString(append(dst, `{"epoch":`...), m.Epoch)
	dst = appendInt(dst, `,"cursor":`, m.Cursor)
	dst = appendInt(dst, `,"generation":`, m.Generation)
	dst = appendInt(dst, `,"lowest":`, m.Lowest)
	dst = appendInt(dst, `,"asOf":`, m.AsOf)
	dst = appendInt(dst, `,"journal":`, m.Journal)
	dst = core.AppendString(append(dst, `,"clientId":`...), m.ClientID)
	return append(dst, '}')
}

// parseMeta reads what append wrote. It returns nil for whatever it cannot
// have written: that is no stored state.
func parseMeta(b []byte) *Meta {
	var m Meta
	err := core.Fields(b, func(name, raw []byte) (err error) {
		switch string(name) {
		case "epoch":
			m.Epoch, err = core.String(raw)
		case "cursor":
			m.Cursor, err = core.Int(raw)
		case "generation":
			m.Generation, err = core.Int(raw)
		case "lowest":
			m.Lowest, err = core.Int(raw)
		case "asOf":
			m.AsOf, err = core.Int(raw)
		case "journal":
			m.Journal, err = core.Int(raw)
		case "clientId":
			m.ClientID, err = core.String(raw)
		}
		return err
	})
	if err != nil || m.Epoch == "" || m.Cursor < 0 || m.Generation < 1 || m.Lowest < 0 || m.Journal < 0 {
		return nil
	}
	return &m
}

func appendInt(dst []byte, name string, n int64) []byte {
	return strconv.AppendInt(append(dst, name...), n, 10)
}

// encode returns the batch as FxStore carries it.
func (b *Batch) encode() []byte {
	head := append([]byte(nil), `{"expect":`...)
	if b.Expect == nil {
		head = append(head, "null"...)
	} else {
		head = b.Expect.append(head)
	}
	head = b.Meta.append(append(head, `,"meta":`...))
	head = strconv.AppendBool(append(head, `,"clear":`...), b.Clear)
	head = append(head, `,"chunks":[`...)
	size := len(b.Journal) + len(b.Head)
	for i, c := range b.Chunks {
		if i > 0 {
			head = append(head, ',')
		}
		head = strconv.AppendInt(head, int64(len(c)), 10)
		size += len(c)
	}
	head = appendInt(head, `],"journal":`, int64(len(b.Journal)))
	head = appendInt(head, `,"journalAt":`, b.Meta.Journal-1)
	head = append(appendInt(head, `,"head":`, int64(len(b.Head))), '}')

	out := core.AppendUint32(make([]byte, 0, 4+len(head)+size), uint32(len(head)))
	out = append(out, head...)
	for _, c := range b.Chunks {
		out = append(out, c...)
	}
	return append(append(out, b.Journal...), b.Head...)
}
