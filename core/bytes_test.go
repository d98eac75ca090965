package core

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestNumbersAreLittleEndian(t *testing.T) {
	for _, n := range []uint64{0, 1, 0xff, 0x0102030405060708, 1<<64 - 1} {
		assert.Equal(t, binary.LittleEndian.AppendUint32(nil, uint32(n)), AppendUint32(nil, uint32(n)))
		assert.Equal(t, binary.LittleEndian.AppendUint64(nil, n), AppendUint64(nil, n))
		assert.Equal(t, uint32(n), Uint32(AppendUint32(nil, uint32(n))))
	}
}
