package replica

import "recents/core"

// Batch is one write to storage: all of it happens in one transaction, or
// nothing, and only while the stored meta record is the expected one. So two
// tabs that both believe to be the writer do no harm (sync.md, "The replica").
//
// Its encoding, the data of FxStore: the header's length (uint32, little
// endian), the header's JSON
//
//	{"expect":{"epoch":"…","cursor":1,"generation":1},"meta":{…},"clear":true,"chunks":[9,8],"journal":7,"journalAt":0,"head":6,"done":5}
//
// and then the blobs whose lengths it gives: the journal record (0: none), as
// number journalAt; the head (0: none), the newest page in the form that the
// boot path shows. The chunks, of which it gives the lengths as well, came before
// it, one FxChunk each, to be stored as number 0 and up. expect is null
// when no meta must be stored. clear deletes all chunks and journal records
// first. done, when it is not 0, has the outbox forget the writes whose first
// mid is at most that, if its client id is the one in meta: the rows of this
// batch contain them (R4).
type Batch struct {
	Expect  *Meta // nil: nothing may be stored yet
	Meta    Meta
	Clear   bool
	Chunks  []int // their lengths
	Journal []byte
	Head    []byte
	Done    int64
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
	dst = core.AppendStr(dst, `{"epoch":`, m.Epoch)
	dst = core.AppendNum(dst, `,"cursor":`, m.Cursor)
	dst = core.AppendNum(dst, `,"generation":`, m.Generation)
	dst = core.AppendNum(dst, `,"lowest":`, m.Lowest)
	dst = core.AppendNum(dst, `,"asOf":`, m.AsOf)
	dst = core.AppendNum(dst, `,"journal":`, m.Journal)
	return append(core.AppendStr(dst, `,"clientId":`, m.ClientID), '}')
}

// parseMeta reads what append wrote. It returns nil for whatever it cannot
// have written: that is no stored state.
func parseMeta(b []byte) *Meta {
	var m Meta
	err := core.Read(b, core.Member{Name: "epoch", To: &m.Epoch}, core.Member{Name: "cursor", To: &m.Cursor},
		core.Member{Name: "generation", To: &m.Generation}, core.Member{Name: "lowest", To: &m.Lowest},
		core.Member{Name: "asOf", To: &m.AsOf}, core.Member{Name: "journal", To: &m.Journal},
		core.Member{Name: "clientId", To: &m.ClientID})
	if err != nil || m.Epoch == "" || len(m.Epoch) > core.MaxEpoch || len(m.ClientID) > core.MaxClientID || m.Generation < 1 {
		return nil
	}
	return &m
}

// encode returns the batch as FxStore carries it.
func (b *Batch) encode() []byte {
	head := core.AppendText(nil, `{"expect":`)
	if b.Expect == nil {
		head = core.AppendText(head, "null")
	} else {
		head = b.Expect.append(head)
	}
	head = b.Meta.append(core.AppendText(head, `,"meta":`))
	head = core.AppendFlag(head, `,"clear":`, b.Clear)
	head = core.AppendText(head, `,"chunks":[`)
	comma := ""
	for _, c := range b.Chunks {
		head = core.AppendNum(head, comma, int64(c))
		comma = ","
	}
	head = core.AppendNum(head, `],"journal":`, int64(len(b.Journal)))
	head = core.AppendNum(head, `,"journalAt":`, b.Meta.Journal-1)
	head = core.AppendNum(head, `,"head":`, int64(len(b.Head)))
	head = append(core.AppendNum(head, `,"done":`, b.Done), '}')

	out := core.AppendUint32(make([]byte, 0, 4+len(head)+len(b.Journal)+len(b.Head)), uint32(len(head)))
	out = core.AppendRaw(out, "", head)
	return core.AppendRaw(core.AppendRaw(out, "", b.Journal), "", b.Head)
}
