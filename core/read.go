package core

// Member is one member of an object that a reader knows, and where its value
// goes: a *int64 takes a whole number of 0 to MaxSafe, a *string a string, a
// *bool 0, 1, false or true, and a func(raw []byte) error reads the text itself.
// A reader reads b from the value's start on and returns its end.
type Member struct {
	Name string
	To   any
}

// reader reads a value whose grammar it checks itself: what is long is then
// looked at once.
type reader func(b []byte, start int) (end int, err error)

// Read reads the object in b into the members it knows, and skips the others.
// A refusal names the member in front.
func Read(b []byte, known ...Member) error {
	end, err := members(b, 0, func(name []byte, start int) (int, error) { return readMember(known, name, b, start) })
	if err != nil {
		return err
	}
	return atEnd(b, end)
}

// readMember reads the value at b[start:] into the member of that name, if there
// is one, and returns its end.
func readMember(known []Member, name, b []byte, start int) (end int, err error) {
	for i := range known {
		m := &known[i]
		if m.Name != string(name) {
			continue
		}
		if read, ok := m.To.(reader); ok {
			end, err = read(b, start)
			return end, prefixed(m.Name, err)
		}
		if end, err = skipValue(b, start); err == nil {
			err = prefixed(m.Name, m.take(b[start:end]))
		}
		return end, err
	}
	return skipValue(b, start)
}

func (m *Member) take(raw []byte) (err error) {
	switch to := m.To.(type) {
	case *int64:
		*to, err = intWithin(raw, 0, MaxSafe)
	case *string:
		*to, err = String(raw)
	case *bool:
		*to, err = flag(raw)
	case func(raw []byte) error:
		return to(raw)
	}
	return err
}

// flag reads 0, 1, true or false.
func flag(raw []byte) (bool, error) {
	switch string(raw) {
	case "0", "false":
		return false, nil
	case "1", "true":
		return true, nil
	}
	return false, BadParam(shown(raw) + " is not 0 or 1")
}

func intWithin(raw []byte, low, high int64) (int64, error) {
	n, err := Int(raw)
	switch {
	case err != nil:
		return 0, err
	case n < low:
		return 0, BadParam(Itoa(n) + " is under " + Itoa(low))
	case n > high:
		return 0, BadParam(Itoa(n) + " is over " + Itoa(high))
	}
	return n, nil
}

// within returns a reader of a whole number with bounds of its own.
func within(to *int64, low, high int64) func(raw []byte) error {
	return func(raw []byte) (err error) {
		*to, err = intWithin(raw, low, high)
		return err
	}
}

// prefixed puts a name in front of a refusal's text.
//
//go:noinline
func prefixed(name string, err error) error {
	if e, ok := err.(*Error); ok {
		return &Error{e.Code, name + ": " + e.Details}
	}
	return err
}
