package account

import "recents/core"

// unapplied are the newest of a client's mutations that were taken and not
// applied, in the order of their mids. Who asks about one again hears why.
type unapplied []outcome

type outcome struct {
	mid int64
	why string // a core.Outcome
}

// mostUnapplied bounds what is remembered of a client: one batch. Nobody asks
// again about those before it, since the one after it was sent when it was
// answered.
const mostUnapplied = core.MaxMuts

// with returns the list with one mutation more, unless that was applied.
func (u unapplied) with(mid int64, why string) unapplied {
	if why == "" {
		return u
	}
	u = append(u, outcome{mid, why})
	return u[max(0, len(u)-mostUnapplied):]
}

// outcome returns why a mutation was not applied, "" when it was.
func (u unapplied) outcome(mid int64) string {
	for i := range u {
		if u[i].mid == mid {
			return u[i].why
		}
	}
	return ""
}

// append encodes the list: [{"mid":1,"outcome":"lost"},…], or "".
func (u unapplied) append() string {
	if len(u) == 0 {
		return ""
	}
	b := []byte("[")
	for i := range u {
		if i > 0 {
			b = append(b, ',')
		}
		b = core.AppendNum(b, `{"mid":`, u[i].mid)
		b = append(core.AppendStr(b, `,"outcome":`, u[i].why), '}')
	}
	return string(append(b, ']'))
}

func parseUnapplied(text string) (u unapplied, err error) {
	if text == "" {
		return nil, nil
	}
	err = core.Items([]byte(text), func(item []byte) error {
		var o outcome
		err := core.Read(item, core.Member{Name: "mid", To: &o.mid}, core.Member{Name: "outcome", To: &o.why})
		u = append(u, o)
		return err
	})
	return u, err
}
