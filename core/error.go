package core

import "strconv"

// Result codes, as contract.md §3 lists them. Success is CodeOK over HTTP and
// 0 in the JS API.
const (
	CodeOK          = 200
	CodeQueued      = 202
	CodeToken       = 302
	CodeForbidden   = 403
	CodeNotFound    = 404
	CodeTimeout     = 408
	CodeConflict    = 409
	CodeTooLarge    = 413
	CodeBadParam    = 414
	CodeOffline     = 415
	CodeTooMany     = 416
	CodeServer      = 500
	CodeUnavailable = 503
)

// The bounds of what a call may carry.
const (
	MaxID       = 64        // bytes of an account or a group id
	MaxPage     = 100       // sessions a query
	MaxKeys     = 100       // keys a delete
	MaxSyncRows = 500       // rows a sync or snapshot page
	MaxWait     = 25_000    // ms that a sync may wait for a change
	MaxMuts     = 100       // mutations a batch
	MaxExt      = 1024      // UTF-16 code units of an ext, unless configured
	MaxDepth    = 256       // nested arrays and objects in any JSON
	MaxSafe     = 1<<53 - 1 // the largest integer that JSON carries exactly
	MaxClientID = 64        // bytes of a client id
	MaxEpoch    = 64        // bytes of an epoch; account makes ones of 16
	MaxUUID     = 128       // bytes of a message's uuid
	MaxBody     = 64 << 10  // bytes of a call's body
	MaxSendBody = 256 << 10 // bytes of a sendMessage body
	MaxFrame    = 64 << 10  // bytes of a WebSocket frame from a client
	MaxMembers  = 2000      // members of a team
	SyncVersion = 1         // v of the sync protocol
)

// Error is a refusal that a caller may see: a result code, and a text that
// names the value and its bound. Any other error is internal: code 500
// outside, logged inside.
type Error struct {
	Code    int
	Details string
}

func (e *Error) Error() string { return e.Details }

// BadParam returns an Error with code 414. It stays out of line, as do the
// writers of append.go and for their reason: there are a hundred of it.
//
//go:noinline
func BadParam(details string) *Error { return &Error{CodeBadParam, details} }

// CodeOf returns the code and the text that a caller may see of err.
func CodeOf(err error) (int, string) {
	if err == nil {
		return CodeOK, ""
	}
	if e, ok := err.(*Error); ok {
		return e.Code, e.Details
	}
	return CodeServer, "internal error"
}

// Itoa is strconv's: the core does not use fmt, which alone costs the browser
// 121 KB (architecture.md, decisions).
func Itoa(n int64) string { return strconv.FormatInt(n, 10) }

// maxQuoted bounds how much of a bad value an error text repeats.
const maxQuoted = 80

// Quote returns s as JSON text for an error message, cut when it is long.
func Quote(s string) string {
	if len(s) > maxQuoted {
		cut := maxQuoted
		for cut > 0 && s[cut]&0xc0 == 0x80 {
			cut--
		}
		return string(AppendString(nil, s[:cut])) + "…"
	}
	return string(AppendString(nil, s))
}

func hex4(r rune) string {
	const digits = "0123456789ABCDEF"
	return string([]byte{digits[r>>12&15], digits[r>>8&15], digits[r>>4&15], digits[r&15]})
}
