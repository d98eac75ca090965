package core

// The four calls' parameters, read from a call's JSON by the same code in the
// server and in the browser, so that a bad value gets the same code and the
// same text from both, offline too.

// ListRequest is what queryMySessionList asks.
type ListRequest struct {
	Min, Max    int64 // ms, both inclusive, 0 = no bound
	NeedLastMsg bool
	Limit       int // 1 to MaxPage
}

// ParseListRequest reads {minTimestamp, maxTimestamp, needLastMsg, limit,
// hasMore}, all optional. The request's hasMore is checked and changes nothing,
// as in every SDK of the vendor's.
func ParseListRequest(b []byte) (ListRequest, error) {
	q := ListRequest{NeedLastMsg: true, Limit: MaxPage}
	limit, hasMore := int64(MaxPage), false
	err := params(b, Member{"minTimestamp", &q.Min}, Member{"maxTimestamp", &q.Max}, Member{"needLastMsg", &q.NeedLastMsg},
		Member{"limit", within(&limit, 1, MaxPage)}, Member{"hasMore", &hasMore})
	q.Limit = int(limit)
	if err == nil && q.Max != 0 && q.Min > q.Max {
		err = BadParam("minTimestamp: " + Itoa(q.Min) + " is over maxTimestamp " + Itoa(q.Max))
	}
	return q, err
}

// ParseKeyRequest reads {sessionId, sessionType} of queryMySession.
func ParseKeyRequest(b []byte) (Key, error) {
	var k keyParams
	if err := params(b, k.members()...); err != nil {
		return Key{}, err
	}
	return k.resolve()
}

// parseKey reads a key that is an element of a list.
func parseKey(item []byte) (Key, error) {
	if item[0] != '{' {
		return Key{}, BadParam(shown(item) + " is not an object")
	}
	return ParseKeyRequest(item)
}

// ExtRequest is what updateMySession asks.
type ExtRequest struct {
	Key Key
	Ext string
}

// ParseExtRequest reads {sessionId, sessionType, ext}; maxExt bounds ext in
// UTF-16 code units.
func ParseExtRequest(b []byte, maxExt int) (ExtRequest, error) {
	var k keyParams
	var q ExtRequest
	seen := false
	err := params(b, append(k.members(), Member{"ext", func(raw []byte) (err error) {
		seen = true
		q.Ext, err = ParseExt(raw, maxExt)
		return err
	}})...)
	if err != nil {
		return q, err
	}
	if !seen {
		return q, BadParam("ext: is missing")
	}
	q.Key, err = k.resolve()
	return q, err
}

// ParseExt reads an ext's JSON text: a string of at most maxExt UTF-16 code
// units that comes back as it came, so without U+0000 (which text columns and
// C libraries cut at) and without lone surrogates.
func ParseExt(raw []byte, maxExt int) (string, error) {
	s, err := String(raw)
	if err != nil {
		return "", err
	}
	if n := UTF16Len(s); n > maxExt {
		return "", BadParam(Itoa(int64(n)) + " UTF-16 code units is over " + Itoa(int64(maxExt)))
	}
	for i := 0; i < len(s); i++ {
		if s[i] == 0 {
			return "", BadParam("holds U+0000 at byte " + Itoa(int64(i)))
		}
	}
	return s, nil
}

// ParseDeleteRequest reads {sessionList: [{sessionId, sessionType}]} of
// deleteMySession: 1 to MaxKeys keys. A key that stands twice counts once.
func ParseDeleteRequest(b []byte) ([]Key, error) {
	var keys []Key
	n := 0
	err := params(b, Member{"sessionList", func(raw []byte) error {
		if raw[0] != '[' {
			return BadParam(shown(raw) + " is not an array")
		}
		return Items(raw, func(item []byte) error {
			if n++; n > MaxKeys {
				return nil // counted to the end for the text below
			}
			k, err := parseKey(item)
			keys = appendNew(keys, k)
			return prefixed(Itoa(int64(n-1)), err)
		})
	}})
	if err != nil {
		return nil, err
	}
	if n < 1 || n > MaxKeys {
		return nil, BadParam("sessionList: " + Itoa(int64(n)) + " keys is not within 1 and " + Itoa(MaxKeys))
	}
	return keys, nil
}

func appendNew(keys []Key, k Key) []Key {
	for _, have := range keys {
		if have == k {
			return keys
		}
	}
	return append(keys, k)
}

// params reads a call's body, and tells what is wrong with the body itself from
// what is wrong with a member of it.
func params(b []byte, members ...Member) error {
	if i := skipSpace(b, 0); i < len(b) && b[i] != '{' {
		return BadParam("body: is not a JSON object")
	}
	if err := Valid(b); err != nil {
		return prefixed("body", err)
	}
	return Read(b, members...)
}

// keyParams gathers the two members that name a session.
type keyParams struct{ id, typ string }

func (k *keyParams) members() []Member {
	return []Member{{"sessionId", nonEmpty(&k.id)}, {"sessionType", nonEmpty(&k.typ)}}
}

func nonEmpty(to *string) func(raw []byte) error {
	return func(raw []byte) (err error) {
		if *to, err = String(raw); err == nil && *to == "" {
			err = BadParam("is empty")
		}
		return err
	}
}

func (k *keyParams) resolve() (Key, error) {
	if k.id == "" {
		return Key{}, BadParam("sessionId: is missing")
	}
	return ResolveKey(k.id, k.typ)
}
