package core

// Digest is the XOR of Hash over an account's live rows: two sides that hold
// the same rows at the same seqs have the same one (sync.md R5).
type Digest uint64

// Hash is FNV-1a over the key's text and the seq, finished with the mixer of
// MurmurHash3, since XOR of bare FNV values of similar keys cancels too easily.
func Hash(key string, seq int64) Digest {
	h := uint64(14695981039346656037)
	for i := 0; i < len(key); i++ {
		h = (h ^ uint64(key[i])) * 1099511628211
	}
	for s, i := uint64(seq), 0; i < 8; i++ {
		h = (h ^ s&255) * 1099511628211
		s >>= 8
	}
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	h = (h ^ h>>33) * 0xc4ceb9fe1a85ec53
	return Digest(h ^ h>>33)
}

// String returns 16 hex digits: a 64-bit number does not survive JSON.
func (d Digest) String() string {
	const digits = "0123456789abcdef"
	var b [16]byte
	for i := range b {
		b[i] = digits[d>>(60-4*i)&15]
	}
	return string(b[:])
}

// ParseDigest reads what String wrote.
func ParseDigest(s string) (Digest, error) {
	if len(s) != 16 {
		return 0, BadParam("digest: " + Quote(s) + " is not 16 hex digits")
	}
	var d Digest
	for i := 0; i < 16; i++ {
		c := s[i]
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		default:
			return 0, BadParam("digest: " + Quote(s) + " is not 16 hex digits")
		}
		d = d<<4 | Digest(c)
	}
	return d, nil
}
