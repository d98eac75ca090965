package server

import (
	"recents/core"
)

// params is what a body's members are read into, by name. Members that are not
// named are skipped.
type params map[string]func(raw []byte) error

// read reads a body that passed core.Strict, and names the member in front of
// an error.
func (p params) read(body []byte) error {
	if err := core.Fields(body, func(name, raw []byte) error {
		if set := p[string(name)]; set != nil {
			return in(string(name), set(raw))
		}
		return nil
	}); err != nil {
		return notObject(body, err)
	}
	return nil
}

func notObject(body []byte, err error) error {
	for _, c := range body {
		switch c {
		case ' ', '\n', '\t', '\r':
		case '{':
			return err
		default:
			return core.BadParam("body: is not a JSON object")
		}
	}
	return err
}

func text(to *string) func([]byte) error {
	return func(raw []byte) (err error) {
		*to, err = core.String(raw)
		return err
	}
}

// optionalText is text that takes null as absent.
func optionalText(to *string) func([]byte) error {
	return func(raw []byte) error {
		if string(raw) == null {
			return nil
		}
		return text(to)(raw)
	}
}

func number(to *int64) func([]byte) error {
	return func(raw []byte) (err error) {
		*to, err = core.Int(raw)
		return err
	}
}

func rawJSON(to *[]byte) func([]byte) error {
	return func(raw []byte) error {
		*to = raw
		return nil
	}
}

// accounts reads an array of at most core.MaxMembers account ids.
func accounts(to *[]string) func([]byte) error {
	return func(raw []byte) error {
		if raw[0] != '[' {
			return core.BadParam("is not an array")
		}
		list, n := []string{}, 0
		err := core.Items(raw, func(item []byte) error {
			if n++; n > core.MaxMembers {
				return nil // counted to the end for the text below
			}
			id, err := core.String(item)
			list = append(list, id)
			if err != nil {
				return in(core.Itoa(int64(n-1)), err)
			}
			return core.CheckID(core.Itoa(int64(n-1)), id)
		})
		if err == nil && n > core.MaxMembers {
			err = core.BadParam(core.Itoa(int64(n)) + " accounts is over " + core.Itoa(core.MaxMembers))
		}
		*to = list
		return err
	}
}

// missing refuses a parameter that was not given.
func missing(name string) error { return core.BadParam(name + ": is missing") }

// checkID is core.CheckID with a text of its own for a parameter that was not
// given.
func checkID(name, id string) error {
	if id == "" {
		return core.BadParam(name + ": is missing or empty")
	}
	return core.CheckID(name, id)
}

func checkUUID(uuid string) error {
	switch {
	case uuid == "":
		return core.BadParam("uuid: is missing or empty")
	case len(uuid) > core.MaxUUID:
		return core.BadParam("uuid: " + core.Itoa(int64(len(uuid))) + " bytes is over " + core.Itoa(core.MaxUUID))
	}
	return nil
}
