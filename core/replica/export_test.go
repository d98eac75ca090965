package replica

import "recents/core"

// WithoutLastRow returns a well-formed chunk that lacks its last row: damage
// that only the digest can find.
func WithoutLastRow(chunk []byte) []byte {
	rows, _ := decodeChunk(chunk)
	return encodeChunk(rows[:len(rows)-1])
}

// EncodeChunk is encodeChunk.
var EncodeChunk = encodeChunk

// Coalesce is coalesce of writes of one mutation each that were not sent before.
func Coalesce(muts []core.Mutation) (sent []core.Mutation) {
	var batch []*write
	for i := range muts {
		batch = append(batch, &write{first: muts[i].Mid, muts: muts[i : i+1], tries: 1})
	}
	sent = append(sent, muts...)
	coalesce(batch, sent)
	return sent
}
