package replica

import "recents/core"

// A chunk is a run of rows in one storage record: ten thousand small records
// cost ten times what forty big ones do (architecture.md, "Pack rows in
// IndexedDB"). A journal record has the same form, tombstones included.
//
//	"RCN2", uint32 count, uint32 checksum, then each row as uint32 length and JSON
//
// All numbers are little endian; the checksum is core.Checksum of what follows it.
const (
	chunkMagic  = "RCN2"
	chunkHeader = len(chunkMagic) + 8
	chunkRows   = 256
)

func encodeChunk(rows [][]byte) []byte {
	size := chunkHeader
	for _, r := range rows {
		size += 4 + len(r)
	}
	return appendChunk(make([]byte, 0, size), rows)
}

func appendChunk(dst []byte, rows [][]byte) []byte {
	at := len(dst)
	b := append(dst, chunkMagic...)
	b = core.AppendUint32(b, uint32(len(rows)))
	b = append(b, 0, 0, 0, 0)
	for _, r := range rows {
		b = core.AppendUint32(b, uint32(len(r)))
		b = append(b, r...)
	}
	core.AppendUint32(b[:at+chunkHeader-4], core.Checksum(b[at+chunkHeader:])) // in place of the four zeros
	return b
}

// decodeChunk returns the rows' texts, which point into b, and false for bytes
// that encodeChunk cannot have written.
func decodeChunk(b []byte) ([][]byte, bool) {
	if len(b) < chunkHeader || string(b[:len(chunkMagic)]) != chunkMagic {
		return nil, false
	}
	count := int(core.Uint32(b[4:]))
	sum := core.Uint32(b[8:])
	b = b[chunkHeader:]
	if count > len(b)/4 || core.Checksum(b) != sum {
		return nil, false
	}
	rows := make([][]byte, 0, count)
	for range count {
		if len(b) < 4 {
			return nil, false
		}
		n := int(core.Uint32(b))
		if n > len(b)-4 {
			return nil, false
		}
		rows = append(rows, b[4:4+n:4+n])
		b = b[4+n:]
	}
	return rows, len(b) == 0
}
