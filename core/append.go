package core

import (
	"strconv"
	"unsafe"
)

// The writers that every encoder here is made of. They are kept out of line:
// an append costs 200 bytes of wasm wherever it stands, a call 60, and the
// encoders are hundreds of them.

// AppendText appends s as it is.
//
//go:noinline
func AppendText(dst []byte, s string) []byte { return append(dst, s...) }

// AppendNum appends name, which is a member's name with its punctuation, and a
// number.
//
//go:noinline
func AppendNum(dst []byte, name string, n int64) []byte {
	return strconv.AppendInt(append(dst, name...), n, 10)
}

// AppendStr appends name and a JSON string.
//
//go:noinline
func AppendStr(dst []byte, name, value string) []byte {
	return AppendString(append(dst, name...), value)
}

// AppendFlag appends name and a boolean.
//
//go:noinline
func AppendFlag(dst []byte, name string, v bool) []byte {
	if v {
		return AppendText(append(dst, name...), "true")
	}
	return AppendText(append(dst, name...), "false")
}

// AppendRaw appends name and a JSON text.
//
//go:noinline
func AppendRaw(dst []byte, name string, raw []byte) []byte {
	return append(append(dst, name...), raw...)
}

// AppendString appends s as a JSON string, escaping what JSON.stringify would.
func AppendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := skipPlain(s, 0); i < len(s); i = skipPlain(s, i+1) {
		dst = appendEscape(append(dst, s[start:i]...), s[i])
		start = i + 1
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}

// appendEscape appends the escape of a character that a JSON string cannot hold.
func appendEscape(dst []byte, c byte) []byte {
	const digits = "0123456789abcdef"
	// The letters of \b \t \n, of none for \v, and of \f \r, from 8 on.
	const letters = "btn\x00fr"
	switch {
	case c == '"' || c == '\\':
		return append(dst, '\\', c)
	case c >= 8 && c < 8+byte(len(letters)) && letters[c-8] != 0:
		return append(dst, '\\', letters[c-8])
	}
	return append(dst, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
}

// view returns b as a string without a copy; b must not change while it is used.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// bytesOf returns s as bytes without a copy; they must not be changed.
func bytesOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }
