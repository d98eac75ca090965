package core

// Little-endian numbers of the buffers that cross between Go and JavaScript.
// encoding/binary has the same, but imports reflect.

// AppendUint32 appends n in four bytes.
func AppendUint32(dst []byte, n uint32) []byte {
	return append(dst, byte(n), byte(n>>8), byte(n>>16), byte(n>>24))
}

// AppendUint64 appends n in eight bytes.
func AppendUint64(dst []byte, n uint64) []byte {
	return AppendUint32(AppendUint32(dst, uint32(n)), uint32(n>>32))
}

// Uint32 reads the four bytes that b begins with.
func Uint32(b []byte) uint32 {
	_ = b[3]
	return uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24
}

// word reads the eight bytes of s. The compiler makes one load of it.
func word(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}
