package core

import "unicode/utf8"

// Strict reports whether b is one JSON value that every reader takes alike: on
// top of Valid it refuses a name that stands twice in one object (readers
// differ in which they keep), text that is no UTF-8, and lone surrogates. The
// server holds every body to it before a byte is believed.
func Strict(b []byte) error {
	if err := Valid(b); err != nil {
		return err
	}
	if !utf8.Valid(b) {
		return BadParam("is not UTF-8")
	}
	var open []names
	for i := 0; i < len(b); {
		switch b[i] {
		case '{', '[':
			open = append(open, names{object: b[i] == '{'})
			i++
		case '}', ']':
			open = open[:len(open)-1]
			i++
		case '"':
			end, _ := skipString(b, i)
			s, err := String(b[i:end])
			if err != nil {
				return BadParam("a string at byte " + Itoa(int64(i)) + " " + err.Error())
			}
			after := skipSpace(b, end)
			isName := after < len(b) && b[after] == ':'
			if isName && !open[len(open)-1].add(s) {
				return BadParam(Quote(s) + " stands twice in one object")
			}
			i = end
		default:
			i++
		}
	}
	return nil
}

// names holds the member names of one open object: a list while it is short,
// a map above, so that an object of 50,000 members costs no square.
type names struct {
	object bool
	list   []string
	set    map[string]struct{}
}

const listedNames = 16

// add reports whether the name is new.
func (n *names) add(name string) bool {
	if n.set != nil {
		_, held := n.set[name]
		n.set[name] = struct{}{}
		return !held
	}
	for _, s := range n.list {
		if s == name {
			return false
		}
	}
	n.list = append(n.list, name)
	if len(n.list) > listedNames {
		n.set = make(map[string]struct{}, 2*listedNames)
		for _, s := range n.list {
			n.set[s] = struct{}{}
		}
	}
	return true
}
