package core

// Cursor is a position in one account's change log. Its text, "epoch.seq", is
// opaque to users.
type Cursor struct {
	Epoch string // "" before the first answer of a server
	Seq   int64
}

func (c Cursor) String() string { return c.Epoch + "." + Itoa(c.Seq) }

// ParseCursor reads what String wrote.
func ParseCursor(s string) (Cursor, error) {
	i := len(s) - 1
	for i >= 0 && s[i] != '.' {
		i--
	}
	if i < 0 {
		return Cursor{}, BadParam("cursor: " + Quote(s) + " is not epoch.seq")
	}
	seq, err := Int([]byte(s[i+1:]))
	if err != nil || seq < 0 {
		return Cursor{}, BadParam("cursor: " + Quote(s) + " is not epoch.seq")
	}
	if err := checkEpoch(s[:i]); err != nil {
		return Cursor{}, err
	}
	return Cursor{s[:i], seq}, nil
}

func checkEpoch(s string) error {
	if len(s) > MaxEpoch {
		return BadParam("epoch: " + Itoa(int64(len(s))) + " bytes is over " + Itoa(MaxEpoch))
	}
	return nil
}
