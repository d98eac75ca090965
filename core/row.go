package core

// Row is one session as it travels between server and replica: one entry of an
// account's change log. There is one row a key, so the log compacts itself.
//
// Its JSON has short names, in this order, and leaves zero values out:
//
//	{"k":"p2p|bob","q":12,"t":1700000000000,"x":"…","xq":3,"m":{…},"mt":1,"r":{…},"d":1}
type Row struct {
	Key        Key
	Seq        int64  // q: position in the account's change log
	UpdateTime int64  // t: ms
	Ext        string // x
	HasExt     bool   // x is there: "" is a cleared ext, absence one never set
	ExtSeq     int64  // xq: seq of the newest change of ext
	Msg        []byte // m: the last message, a NIMMessage's JSON text as this account sees it
	Revoked    bool   // mt 1: the last message was revoked, and Revoke tells of it
	Revoke     []byte // r: a RevokeMsgNotification's JSON text
	Deleted    bool   // d 1: a tombstone
}

// Room returns about how many bytes the row's JSON takes: enough for all but
// texts that are escaped at every turn.
func (r *Row) Room() int {
	return len(r.Key.ID) + len(r.Ext) + len(r.Ext)/8 + len(r.Msg) + len(r.Revoke) + 96
}

// AppendRow appends the row's JSON.
func AppendRow(dst []byte, r *Row) []byte {
	dst = AppendStr(dst, `{"k":`, r.Key.String())
	dst = AppendNum(dst, `,"q":`, r.Seq)
	dst = AppendNum(dst, `,"t":`, r.UpdateTime)
	if r.HasExt {
		dst = AppendStr(dst, `,"x":`, r.Ext)
	}
	if r.ExtSeq != 0 {
		dst = AppendNum(dst, `,"xq":`, r.ExtSeq)
	}
	if len(r.Msg) > 0 {
		dst = AppendRaw(dst, `,"m":`, r.Msg)
	}
	if r.Revoked {
		dst = AppendRaw(dst, `,"mt":1,"r":`, r.Revoke)
	}
	if r.Deleted {
		dst = AppendText(dst, `,"d":1`)
	}
	return append(dst, '}')
}

// ParseRow reads a row's JSON and believes none of it: rows come from a network
// and from a browser's storage, where anything may have happened to them
// (sync.md R6). Byte slices of the row point into b. Unknown members are
// skipped, so that a newer server can add some.
func ParseRow(b []byte) (Row, error) {
	r, end, _, err := rowAt(b, 0)
	if err == nil {
		err = prefixed("row", atEnd(b, end))
	}
	return r, err
}

// rowAt reads the row at b[start:] and returns its end, and whether its text is
// known to be AppendRow's to the byte.
func rowAt(b []byte, start int) (r Row, end int, plain bool, err error) {
	if end, plain = r.takeWritten(b, start); end > 0 {
		return r, end, plain, r.check()
	}
	r, end, err = rowByNames(b, start)
	return r, end, false, err
}

// rowByNames is rowAt of a row that is written in any way.
func rowByNames(b []byte, start int) (r Row, end int, err error) {
	end, err = members(b, start, func(name []byte, value int) (int, error) {
		end, err := skipValue(b, value)
		if err == nil {
			err = r.set(string(name), b[value:end:end])
		}
		return end, err
	})
	if err != nil {
		return Row{}, end, prefixed("row", err)
	}
	return r, end, r.check()
}

// takeWritten reads the row at b[start:] if it is as AppendRow writes one, which
// needs no look for names, and returns its end: 0 for any other, of which the rules
// say what it is. plain tells that the text is AppendRow's to the byte, which it may
// not be when the ext holds an escape: most characters have several.
func (r *Row) takeWritten(b []byte, start int) (end int, plain bool) {
	key, seq, time, rest := rowFront(view(b[start:]))
	if key == "" {
		return 0, false
	}
	k, err := ParseKey(string([]byte(key))) // a copy: key is a view of b
	if err != nil {
		return 0, false
	}
	r.Key, r.Seq, r.UpdateTime = k, seq, time
	if rest, plain, err = r.takeExt(rest); err != nil {
		return 0, false
	}
	if rest, r.Msg, err = cutObject(rest, `,"m":{`); err != nil {
		return 0, false
	}
	if rest, r.Revoke, err = cutObject(rest, `,"mt":1,"r":{`); err != nil {
		return 0, false
	}
	r.Revoked = len(r.Revoke) > 0
	if rest, r.Deleted = cutPrefix(rest, `,"d":1`); rest == "" || rest[0] != '}' {
		return 0, false
	}
	return len(b) - len(rest) + 1, plain
}

// takeExt reads the ext and its seq, if s begins with them; plain: without an escape.
func (r *Row) takeExt(s string) (rest string, plain bool, err error) {
	plain = true
	if s, r.HasExt = cutPrefix(s, `,"x":`); r.HasExt {
		end, err := skipString(bytesOf(s), 0)
		if err != nil {
			return s, false, err
		}
		if r.Ext, err = String(bytesOf(s[:end])); err != nil {
			return s, false, err
		}
		plain = len(r.Ext) == end-len(`""`)
		s = s[end:]
	}
	after, ok := cutPrefix(s, `,"xq":`)
	if !ok {
		return s, plain, nil
	}
	if r.ExtSeq, rest = leadingInt(after); r.ExtSeq == 0 {
		return s, false, malformed(0) // or a 0, which AppendRow leaves out
	}
	return rest, plain, nil
}

// cutObject takes the object off whose name and brace s may begin with.
func cutObject(s, name string) (rest string, object []byte, err error) {
	after, ok := cutPrefix(s, name)
	if !ok {
		return s, nil, nil
	}
	start := len(s) - len(after) - 1
	end, err := skipValue(bytesOf(s), start)
	if err != nil {
		return s, nil, err
	}
	return s[end:], bytesOf(s)[start:end:end], nil
}

func (r *Row) set(name string, raw []byte) (err error) {
	switch name {
	case "k":
		var s string
		if s, err = String(raw); err == nil {
			r.Key, err = ParseKey(s)
		}
	case "q":
		r.Seq, err = Int(raw)
	case "t":
		r.UpdateTime, err = Int(raw)
	case "x":
		r.HasExt = true
		r.Ext, err = String(raw)
	case "xq":
		r.ExtSeq, err = Int(raw)
	case "m":
		r.Msg = raw
	case "mt":
		r.Revoked, err = flag(raw)
	case "r":
		r.Revoke = raw
	case "d":
		r.Deleted, err = flag(raw)
	}
	return prefixed(name, err)
}

// check holds the row to what AppendRow can have written.
func (r *Row) check() error {
	switch {
	case r.Key.Type == 0:
		return BadParam("row: k is missing")
	case r.Seq < 1:
		return BadParam("row: q: " + Itoa(r.Seq) + " is under 1")
	case r.UpdateTime < 1:
		return BadParam("row: t: " + Itoa(r.UpdateTime) + " is under 1")
	case r.ExtSeq < 0 || r.ExtSeq > r.Seq:
		return BadParam("row: xq: " + Itoa(r.ExtSeq) + " is not within 0 and q")
	case len(r.Msg) > 0 && r.Msg[0] != '{':
		return BadParam("row: m: is not an object")
	case r.Revoked != (len(r.Revoke) > 0):
		return BadParam("row: mt and r contradict each other")
	case r.Revoked && r.Revoke[0] != '{':
		return BadParam("row: r: is not an object")
	}
	return nil
}

// usualRow is about how many bytes a row has.
const usualRow = 600

// rowsAt reads the array of rows at b[start:] and returns its end. At most limit
// are taken, one more is an error: no peer may make a reader hold more than it
// asked for.
func rowsAt(b []byte, start, limit int) (rows []Row, end int, err error) {
	end, err = walk(b, start, '[', func(start int) (int, error) {
		if len(rows) == limit {
			return start, BadParam("rows: more than " + Itoa(int64(limit)))
		}
		row, end, _, err := rowAt(b, start)
		if err != nil {
			return end, err
		}
		if rows == nil {
			rows = make([]Row, 0, min(1+(len(b)-start)/usualRow, limit))
		}
		rows = append(rows, row)
		return end, nil
	})
	return rows, end, err
}

// AppendRows appends name and an array of rows.
func AppendRows(dst []byte, name string, rows []Row) []byte {
	dst = AppendText(dst, name)
	for i := range rows {
		dst = AppendRow(AppendText(dst, opening(i)), &rows[i])
	}
	return AppendText(dst, closing(len(rows)))
}

// opening returns what stands before the i-th element of an array, and closing
// what stands behind the last of n.
func opening(i int) string {
	if i == 0 {
		return "["
	}
	return ","
}

func closing(n int) string {
	if n == 0 {
		return "[]"
	}
	return "]"
}
