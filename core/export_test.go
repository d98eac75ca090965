package core

// The plain readers beside which the tests hold the quick ones.

func RowByNames(b []byte) (Row, error) {
	r, end, err := rowByNames(b, 0)
	if err == nil {
		err = prefixed("row", atEnd(b, end))
	}
	return r, err
}

func FrameByNames(b []byte) (Frame, error) { return frameByNames(b) }

func SkipFlat(b []byte, i int) int { return skipFlat(b, i) }

// LastMessage returns the texts that a session takes of a message, by the quick
// reader and by the plain one; flat is false when the quick one left it to the
// other.
func LastMessage(msg []byte) (quick, plain []string, flat bool) {
	var p, q picked
	flat = q.takeFlat(msg)
	_ = Fields(msg, func(name, raw []byte) error {
		p.take(string(name), raw)
		return nil
	})
	for i := range p {
		quick, plain = append(quick, string(q[i])), append(plain, string(p[i]))
	}
	return quick, plain, flat
}
