package replica

// WithoutLastRow returns a well-formed chunk that lacks its last row: damage
// that only the digest can find.
func WithoutLastRow(chunk []byte) []byte {
	rows, _ := decodeChunk(chunk)
	return encodeChunk(rows[:len(rows)-1])
}

// EncodeChunk is encodeChunk.
var EncodeChunk = encodeChunk
