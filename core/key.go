package core

import "unicode/utf8"

// SessionType is the kind of a conversation. The zero value is no type.
type SessionType uint8

// The session types that Recents keeps. The vendor's others (none, system,
// ysf, chatRoom) are refused with code 414.
const (
	P2P       SessionType = 1
	Team      SessionType = 2
	SuperTeam SessionType = 3
)

var (
	typeNames    = [...]string{"", "p2p", "team", "superTeam"}
	typePrefixes = [...]string{"", "p2p", "team", "super_team"}
)

// String returns the JSON name: "p2p", "team" or "superTeam".
func (t SessionType) String() string { return typeNames[t] }

// ParseSessionType reads a JSON name.
func ParseSessionType(name string) (SessionType, error) {
	for t := P2P; t <= SuperTeam; t++ {
		if typeNames[t] == name {
			return t, nil
		}
	}
	return 0, BadParam("sessionType: " + Quote(name) + " is not one of p2p, team, superTeam")
}

// Key names one session of an account. On the wire it is one string,
// "p2p|accid", "team|tid" or "super_team|tid".
type Key struct {
	Type SessionType
	ID   string // bare: the friend's account, or the group's id
}

// String returns the session key as one string.
func (k Key) String() string { return typePrefixes[k.Type] + "|" + k.ID }

// ParseKey reads a whole session key. It splits at the first '|' only, since
// an account may hold '|' itself (contract.md §1).
func ParseKey(s string) (Key, error) {
	t, id, ok := splitKey(s)
	if !ok {
		return Key{}, BadParam("sessionId: " + Quote(s) + " does not start with p2p|, team| or super_team|")
	}
	if err := CheckID("sessionId", id); err != nil {
		return Key{}, err
	}
	return Key{t, id}, nil
}

// ResolveKey makes a key of what a caller gave: a bare id with a type, a whole
// session key with the same type, or a whole session key alone.
func ResolveKey(sessionID, sessionType string) (Key, error) {
	var t SessionType
	if sessionType != "" {
		var err error
		if t, err = ParseSessionType(sessionType); err != nil {
			return Key{}, err
		}
	}
	id := sessionID
	if kt, bare, ok := splitKey(sessionID); ok {
		if t != 0 && kt != t {
			return Key{}, BadParam("sessionId: " + Quote(sessionID) + " contradicts sessionType " + sessionType)
		}
		t, id = kt, bare
	}
	if t == 0 {
		return Key{}, BadParam("sessionType: missing, and sessionId has no p2p|, team| or super_team| prefix")
	}
	if err := CheckID("sessionId", id); err != nil {
		return Key{}, err
	}
	return Key{t, id}, nil
}

func splitKey(s string) (SessionType, string, bool) {
	for t := P2P; t <= SuperTeam; t++ {
		n := len(typePrefixes[t])
		if len(s) > n && s[n] == '|' && s[:n] == typePrefixes[t] {
			return t, s[n+1:], true
		}
	}
	return 0, "", false
}

// CheckID holds an account or a group id to the rule of contract.md §1:
// 1 to MaxID bytes of UTF-8, no control characters, no '/'. The error names
// the parameter.
func CheckID(name, id string) error {
	switch {
	case id == "":
		return BadParam(name + ": is empty")
	case len(id) > MaxID:
		return BadParam(name + ": " + Itoa(int64(len(id))) + " bytes is over " + Itoa(MaxID))
	case !utf8.ValidString(id):
		return BadParam(name + ": is not UTF-8")
	}
	for _, r := range id {
		if r < 0x20 || r >= 0x7f && r < 0xa0 {
			return BadParam(name + ": holds the control character U+" + hex4(r))
		}
		if r == '/' {
			return BadParam(name + ": " + Quote(id) + " holds /")
		}
	}
	return nil
}
