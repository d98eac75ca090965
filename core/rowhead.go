package core

// RowHead is what orders a row and tells it from the others.
type RowHead struct {
	Key        string // the whole session key
	Seq        int64
	UpdateTime int64
	Deleted    bool
}

// ReadRowHead reads the head of a row that AppendRow wrote, without a look at
// the messages, which are nearly all of it: a stored list is tens of thousands
// of rows, of which a page shows a hundred. It checks what it returns and
// nothing else, so the bytes must be known to be as they were written. ok is
// false for a row that is written in any other way, or whose key holds an
// escape: ParseRow reads those.
func ReadRowHead(b []byte) (h RowHead, ok bool) {
	key, seq, time, rest := rowFront(view(b))
	if key == "" || rest[0] != ',' && rest != "}" {
		return RowHead{}, false
	}
	if _, err := ParseKey(key); err != nil {
		return RowHead{}, false
	}
	// The key is copied: it is a view of b.
	return RowHead{Key: string([]byte(key)), Seq: seq, UpdateTime: time, Deleted: endsWith(rest, `,"d":1}`)}, true
}

// KeyIn returns the whole session key in the text of a row that AppendRow wrote, ""
// when it stands there with an escape. It is a part of b, which must not change as
// long as the key is used.
func KeyIn(b []byte) string {
	key, _, _, _ := rowFront(view(b))
	return key
}

// rowFront reads the members that every row begins with which AppendRow wrote, and
// returns what follows them, which is something. key is "" for a row that begins in
// any other way, or whose key holds an escape.
func rowFront(s string) (key string, seq, time int64, rest string) {
	s, ok := cutPrefix(s, `{"k":"`)
	if !ok {
		return "", 0, 0, s
	}
	end := skipPlain(s, 0)
	key = s[:end]
	if s, ok = cutPrefix(s[end:], `","q":`); !ok {
		return "", 0, 0, s
	}
	if seq, s = leadingInt(s); seq < 1 {
		return "", 0, 0, s
	}
	if s, ok = cutPrefix(s, `,"t":`); !ok {
		return "", 0, 0, s
	}
	if time, s = leadingInt(s); time < 1 || s == "" {
		return "", 0, 0, s
	}
	return key, seq, time, s
}

// leadingInt reads the digits that s begins with: a number above 0 and up to
// MaxSafe, else it returns 0.
func leadingInt(s string) (n int64, rest string) {
	i := 0
	for ; i < len(s) && s[i] >= '0' && s[i] <= '9'; i++ {
		if n = n*10 + int64(s[i]-'0'); n == 0 || n > MaxSafe {
			return 0, s
		}
	}
	return n, s[i:]
}

// cutPrefix and endsWith are those of package strings, which this one has no
// other use for. The first stays out of line for the size of the wasm.
//
//go:noinline
func cutPrefix(s, prefix string) (rest string, ok bool) {
	if len(s) < len(prefix) || s[:len(prefix)] != prefix {
		return s, false
	}
	return s[len(prefix):], true
}

func endsWith(s, suffix string) bool {
	return len(s) >= len(suffix) && s[len(s)-len(suffix):] == suffix
}
