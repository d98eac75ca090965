package core

import (
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

// A small JSON reader and writer for our own texts. It exists for the browser:
// encoding/json costs 246 KB of wasm there and gjson 297 (architecture.md).
// Nothing here recurses, so no input can overflow the stack of a wasm
// instance: open arrays and objects are bits of a fixed array.

func malformed(i int) *Error { return BadParam("malformed JSON at byte " + Itoa(int64(i))) }

var errDepth = BadParam("JSON is nested deeper than " + Itoa(MaxDepth))

func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

// nesting is a stack of open containers: a set bit is an object.
type nesting struct {
	bits  [MaxDepth / 64]uint64
	depth int
}

func (n *nesting) push(object bool) bool {
	if n.depth == MaxDepth {
		return false
	}
	word, bit := n.depth/64, uint64(1)<<(n.depth%64)
	if n.bits[word] &^= bit; object {
		n.bits[word] |= bit
	}
	n.depth++
	return true
}

func (n *nesting) inObject() bool {
	d := n.depth - 1
	return n.bits[d/64]&(1<<(d%64)) != 0
}

// skipValue returns the end of the JSON value at b[i:], whose grammar it
// checks whole.
func skipValue(b []byte, i int) (int, error) {
	if i < len(b) && b[i] == '"' { // as most are
		return skipString(b, i)
	}
	var open nesting
	for {
		var err error
		var opened bool
		if i, opened, err = enterValue(b, skipSpace(b, i), &open); err != nil {
			return i, err
		}
		if opened {
			continue
		}
		if i, err = leaveValue(b, i, &open); err != nil || open.depth == 0 {
			return i, err
		}
	}
}

// enterValue reads a scalar, an empty container, or the opening of another up
// to where its first value stands (opened is true then).
func enterValue(b []byte, i int, open *nesting) (end int, opened bool, err error) {
	if i >= len(b) {
		return i, false, malformed(i)
	}
	switch c := b[i]; c {
	case '{', '[':
		if !open.push(c == '{') {
			return i, false, errDepth
		}
		i = skipSpace(b, i+1)
		if i < len(b) && b[i] == c+2 { // ']' and '}' are two above '[' and '{'
			open.depth--
			return i + 1, false, nil
		}
		if c == '{' {
			i, err = skipName(b, skipFlat(b, i))
		}
		return i, true, err
	case '"':
		i, err = skipString(b, i)
		return i, false, err
	case 't':
		i, err = skipWord(b, i, "true")
		return i, false, err
	case 'f':
		i, err = skipWord(b, i, "false")
		return i, false, err
	case 'n':
		i, err = skipWord(b, i, "null")
		return i, false, err
	}
	i, err = skipNumber(b, i)
	return i, false, err
}

// leaveValue goes on after a value: over the ends of containers, up to where
// the next value stands or the outermost one has ended.
func leaveValue(b []byte, i int, open *nesting) (int, error) {
	for open.depth > 0 {
		i = skipSpace(b, i)
		if i >= len(b) {
			return i, malformed(i)
		}
		object := open.inObject()
		switch {
		case b[i] == ',' && object:
			return skipName(b, skipFlat(b, skipSpace(b, i+1)))
		case b[i] == ',':
			return i + 1, nil
		case b[i] == '}' && object, b[i] == ']' && !object:
			open.depth--
			i++
		default:
			return i, malformed(i)
		}
	}
	return i, nil
}

// skipFlat goes over members of an object, from the one that may stand at b[i:]
// on, to the first that is not flat, or that is the last. That one is read by the
// rules.
func skipFlat(b []byte, i int) int {
	for s := view(b); ; {
		_, end := flatMember(s, i)
		if end >= len(s) || s[end] != ',' {
			return i
		}
		i = end + 1
	}
}

// flatMember returns where the value of the member at s[i:] begins and ends, if the
// member is flat, as nearly all are: a name, and a text or a whole number, without
// an escape, a space or a sign. The name then ends two bytes before the value. For
// any other member end is len(s).
func flatMember(s string, i int) (value, end int) {
	if i >= len(s) || s[i] != '"' {
		return i, len(s)
	}
	if i = skipPlain(s, i+1); i+2 >= len(s) || s[i] != '"' || s[i+1] != ':' {
		return i, len(s)
	}
	return i + 2, flatValue(s, i+2)
}

// flatValue is flatMember of a value that stands at s[i:].
func flatValue(s string, i int) (end int) {
	switch c := s[i]; {
	case c == '"':
		if i = skipPlain(s, i+1); i < len(s) && s[i] == '"' {
			return i + 1
		}
	case c >= '1' && c <= '9':
		for i++; i < len(s) && s[i]-'0' <= 9; i++ {
		}
		return i
	}
	return len(s)
}

// skipName reads a member's name and its colon.
func skipName(b []byte, i int) (int, error) {
	i, err := skipString(b, i)
	if err != nil {
		return i, err
	}
	if i = skipSpace(b, i); i >= len(b) || b[i] != ':' {
		return i, malformed(i)
	}
	return i + 1, nil
}

func skipWord(b []byte, i int, word string) (int, error) {
	if len(b)-i < len(word) || string(b[i:i+len(word)]) != word {
		return i, malformed(i)
	}
	return i + len(word), nil
}

func skipString(b []byte, i int) (int, error) {
	if i >= len(b) || b[i] != '"' {
		return i, malformed(i)
	}
	for i = skipPlain(view(b), i+1); i < len(b); i = skipPlain(view(b), i+1) {
		switch {
		case b[i] == '"':
			return i + 1, nil
		case b[i] != '\\':
			return i, malformed(i)
		}
		if i++; i >= len(b) || !validEscape(b, i) {
			return i, malformed(i)
		}
	}
	return i, malformed(i)
}

// Each byte of a word, for what skipPlain asks of eight at once.
const (
	ones  = 0x0101010101010101
	highs = 0x80 * ones
)

// skipPlain returns where in s[i:] the next byte stands that a JSON string
// cannot hold as it is: a quote, a backslash or a control character; len(s)
// when there is none. Texts are most of a row, so it looks at eight bytes at
// once: x-ones borrows into the high bit of a byte that was zero, and of the
// bytes that say so the lowest is always right.
func skipPlain(s string, i int) int {
	for ; i+8 <= len(s); i += 8 {
		x := word(s[i : i+8])
		quote, slash := x^('"'*ones), x^('\\'*ones)
		found := ((quote-ones)&^quote | (slash-ones)&^slash | (x-0x20*ones)&^x) & highs
		if found != 0 {
			return i + firstByte(found)
		}
	}
	for ; i < len(s); i++ {
		if c := s[i]; c < 0x20 || c == '"' || c == '\\' {
			return i
		}
	}
	return i
}

// NextControl returns where in b[i:] the next control character stands, len(b) when
// there is none. Like skipPlain, it looks at eight bytes at once.
func NextControl(b []byte, i int) int {
	s := view(b)
	for ; i+8 <= len(s); i += 8 {
		x := word(s[i : i+8])
		if found := (x - 0x20*ones) &^ x & highs; found != 0 {
			return i + firstByte(found)
		}
	}
	for ; i < len(s) && s[i] >= 0x20; i++ {
	}
	return i
}

// firstByte returns which byte of a word holds its lowest set bit.
func firstByte(x uint64) int { return bits.TrailingZeros64(x) / 8 }

func validEscape(b []byte, i int) bool {
	switch b[i] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return true
	case 'u':
		_, ok := hexRune(b, i+1)
		return ok
	}
	return false
}

func hexRune(b []byte, i int) (r rune, ok bool) {
	if i+4 > len(b) {
		return 0, false
	}
	for _, c := range b[i : i+4] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

func skipDigits(b []byte, i int) (end int, ok bool) {
	start := i
	for i < len(b) && b[i] >= '0' && b[i] <= '9' {
		i++
	}
	return i, i > start
}

func skipNumber(b []byte, i int) (int, error) {
	if i < len(b) && b[i] == '-' {
		i++
	}
	start := i
	i, ok := skipDigits(b, i)
	if !ok || b[start] == '0' && i > start+1 {
		return start, malformed(start)
	}
	if i < len(b) && b[i] == '.' {
		if i, ok = skipDigits(b, i+1); !ok {
			return i, malformed(i)
		}
	}
	if i < len(b) && (b[i] == 'e' || b[i] == 'E') {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		if i, ok = skipDigits(b, i); !ok {
			return i, malformed(i)
		}
	}
	return i, nil
}

// Valid reports whether b is exactly one JSON value, with its reason when not.
func Valid(b []byte) error {
	i, err := skipValue(b, 0)
	if err != nil {
		return err
	}
	if i = skipSpace(b, i); i != len(b) {
		return malformed(i)
	}
	return nil
}

// Fields calls each with the members of the one object that b holds: the name
// with its escapes resolved, and the value's text. It stops at the first
// error. Slices are valid during the call.
func Fields(b []byte, each func(name, raw []byte) error) error {
	end, err := members(b, 0, func(name []byte, start int) (int, error) {
		end, err := skipValue(b, start)
		if err == nil {
			err = each(name, b[start:end])
		}
		return end, err
	})
	if err != nil {
		return err
	}
	return atEnd(b, end)
}

// members walks the object at b[start:] and returns its end. read is told each
// member's name and where its value starts, checks that value's grammar, and
// returns its end: so a caller that looks into a value looks at it once.
func members(b []byte, start int, read func(name []byte, start int) (end int, err error)) (end int, err error) {
	i, more, err := firstMember(b, start, '{')
	for more && err == nil {
		var name []byte
		if name, i, err = scanName(b, i); err != nil {
			break
		}
		if i, err = read(name, i); err == nil {
			i, more, err = nextMember(b, i, '}')
		}
	}
	return i, err
}

// walk walks the object or array at b[start:] and returns its end. read is told
// where each member starts, and returns its end.
func walk(b []byte, start int, opener byte, read func(start int) (end int, err error)) (end int, err error) {
	i, more, err := firstMember(b, start, opener)
	for more && err == nil {
		if i, err = read(i); err == nil {
			i, more, err = nextMember(b, i, opener+2) // as in enterValue
		}
	}
	return i, err
}

// scanName reads the member's name at b[i:] and returns where its value starts.
func scanName(b []byte, i int) (name []byte, start int, err error) {
	end, err := skipString(b, i)
	if err != nil {
		return nil, end, err
	}
	name = b[i+1 : end-1]
	if hasEscape(name) {
		s, err := String(b[i:end])
		if err != nil {
			return nil, i, err
		}
		name = []byte(s)
	}
	if end = skipSpace(b, end); end >= len(b) || b[end] != ':' {
		return nil, end, malformed(end)
	}
	return name, skipSpace(b, end+1), nil
}

// Items calls each with the text of every element of the one array in b.
func Items(b []byte, each func(raw []byte) error) error {
	end, err := walk(b, 0, '[', func(start int) (int, error) {
		end, err := skipValue(b, start)
		if err == nil {
			err = each(b[start:end])
		}
		return end, err
	})
	if err != nil {
		return err
	}
	return atEnd(b, end)
}

// firstMember goes into the object or array at b[i:], to the start of its first
// member, or over its end when it has none.
func firstMember(b []byte, i int, opener byte) (next int, more bool, err error) {
	i = skipSpace(b, i)
	if i >= len(b) || b[i] != opener {
		return i, false, malformed(i)
	}
	i = skipSpace(b, i+1)
	if i < len(b) && b[i] == opener+2 { // as in enterValue
		return i + 1, false, nil
	}
	return i, true, nil
}

// nextMember goes from the end of one member to the start of the next, or over
// the container's end.
func nextMember(b []byte, i int, closer byte) (next int, more bool, err error) {
	i = skipSpace(b, i)
	switch {
	case i < len(b) && b[i] == ',':
		return skipSpace(b, i+1), true, nil
	case i < len(b) && b[i] == closer:
		return i + 1, false, nil
	}
	return i, false, malformed(i)
}

// atEnd refuses what stands behind the one value that b is to hold.
func atEnd(b []byte, i int) error {
	if i = skipSpace(b, i); i != len(b) {
		return malformed(i)
	}
	return nil
}

// hasEscape reports whether the inside of a JSON string holds an escape.
func hasEscape(raw []byte) bool { return skipPlain(view(raw), 0) < len(raw) }

// String returns the value of a JSON string's text. It refuses what would not
// come back as it came: bytes that are no UTF-8, and lone surrogates.
func String(raw []byte) (string, error) {
	if len(raw) < 2 || raw[0] != '"' {
		return "", BadParam("is not a string")
	}
	raw = raw[1 : len(raw)-1]
	if !utf8.Valid(raw) {
		return "", BadParam("is not UTF-8")
	}
	if !hasEscape(raw) {
		return string(raw), nil
	}
	out := make([]byte, 0, len(raw))
	for start := 0; ; {
		i := skipPlain(view(raw), start)
		out = append(out, raw[start:i]...)
		if i == len(raw) {
			return view(out), nil
		}
		var ok bool
		if out, start, ok = unescape(out, raw, i); !ok {
			return "", BadParam("holds a lone surrogate")
		}
	}
}

// unescape appends the character that the escape at raw[i] stands for.
func unescape(out, raw []byte, i int) (_ []byte, next int, ok bool) {
	if c := raw[i+1]; c != 'u' {
		return append(out, unescaped(c)), i + 2, true
	}
	r, _ := hexRune(raw, i+2)
	i += 6
	if utf16.IsSurrogate(r) {
		if i+1 >= len(raw) || raw[i] != '\\' || raw[i+1] != 'u' {
			return out, i, false
		}
		low, _ := hexRune(raw, i+2)
		if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
			return out, i, false
		}
		i += 6
	}
	return utf8.AppendRune(out, r), i, true
}

// unescaped returns what a letter stands for behind a backslash.
func unescaped(letter byte) byte {
	switch letter {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return letter // " \ /
}

// Int returns the value of a JSON whole number's text, which must be within
// what every JSON reader carries exactly: ±(2^53-1).
func Int(raw []byte) (int64, error) {
	if len(raw) == 0 || raw[0] != '-' && (raw[0] < '0' || raw[0] > '9') {
		return 0, BadParam(shown(raw) + " is not a number")
	}
	digits := raw
	if raw[0] == '-' {
		digits = raw[1:]
	}
	var n int64
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, BadParam(shown(raw) + " is not a whole number")
		}
		if n = n*10 + int64(c-'0'); n > MaxSafe {
			return 0, BadParam(shown(raw) + " is beyond 2^53-1")
		}
	}
	if raw[0] == '-' {
		n = -n
	}
	return n, nil
}

// shown returns a value's own text for an error, cut when it is long.
func shown(raw []byte) string {
	if len(raw) <= maxQuoted {
		return string(raw)
	}
	cut := maxQuoted
	for cut > 0 && raw[cut]&0xc0 == 0x80 {
		cut--
	}
	return string(raw[:cut]) + "…"
}

// UTF16Len returns the length of s in UTF-16 code units: what JS calls length.
func UTF16Len(s string) int {
	n := 0
	for _, r := range s {
		n++
		if r > 0xffff {
			n++
		}
	}
	return n
}
