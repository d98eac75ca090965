package core

// Checksum tells bytes that were changed from those that were written: a bit
// here or there, a piece cut off or moved. It takes eight bytes a step, as a
// browser's stored list is megabytes and is checked at each start; FNV-1a, byte
// by byte, took as long as all else of a load. Each step is one to one, by which
// no change within eight bytes is ever lost before the end.
func Checksum(b []byte) uint32 {
	s := view(b)
	h := uint64(len(s)) ^ 14695981039346656037
	for ; len(s) >= 8; s = s[8:] {
		h = (h ^ word(s)) * 0xff51afd7ed558ccd
		h ^= h >> 32
	}
	for i := 0; i < len(s); i++ {
		h = (h ^ uint64(s[i])) * 0xc4ceb9fe1a85ec53
		h ^= h >> 32
	}
	return uint32(h)
}
