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
	s, ok := cutPrefix(view(b), `{"k":"`)
	if !ok {
		return RowHead{}, false
	}
	end := skipPlain(s, 0)
	key := s[:end]
	if s, ok = cutPrefix(s[end:], `","q":`); !ok {
		return RowHead{}, false
	}
	if h.Seq, s = leadingInt(s); h.Seq < 1 {
		return RowHead{}, false
	}
	if s, ok = cutPrefix(s, `,"t":`); !ok {
		return RowHead{}, false
	}
	if h.UpdateTime, s = leadingInt(s); h.UpdateTime < 1 || s == "" || s[0] != ',' && s != "}" {
		return RowHead{}, false
	}
	if _, err := ParseKey(key); err != nil {
		return RowHead{}, false
	}
	h.Key = string([]byte(key)) // a copy: key is a view of b
	h.Deleted = endsWith(s, `,"d":1}`)
	return h, true
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
// other use for.
func cutPrefix(s, prefix string) (rest string, ok bool) {
	if len(s) < len(prefix) || s[:len(prefix)] != prefix {
		return s, false
	}
	return s[len(prefix):], true
}

func endsWith(s, suffix string) bool {
	return len(s) >= len(suffix) && s[len(s)-len(suffix):] == suffix
}
