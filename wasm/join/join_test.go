package main

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// file makes a wasm file of a custom section and a data section.
func file(segments ...segment) []byte {
	b := []byte("\x00asm\x01\x00\x00\x00" + "\x00\x02\x01x")
	body := appendSegments(nil, segments)
	return append(append(b, dataSection, byte(len(body))), body...)
}

func segmentsOf(t *testing.T, b []byte) []segment {
	t.Helper()
	list, ok := readSegments(b[headerLen+4+2:]) // behind the custom section and a length of one byte
	require.True(t, ok)
	return list
}

func TestJoin(t *testing.T) {
	far := uint32(1 << 20)
	out, err := join(file(
		segment{100, []byte("ab")}, segment{104, []byte("c")}, // a gap of 2
		segment{105, []byte("d")},                            // none
		segment{106 + joinBelow, []byte{1, 0}},               // just too wide
		segment{far, []byte("e")}, segment{far, []byte("f")}, // the same place twice: the last one wins
		segment{50, []byte{0, 2}}, // a zero in front is there anyway
	), false)
	require.NoError(t, err)
	assert.Equal(t, []segment{
		{51, append(append([]byte{2}, make([]byte, 48)...), "ab\x00\x00cd"...)}, {106 + joinBelow, []byte{1}}, {far, []byte("f")},
	}, segmentsOf(t, out))
	assert.Equal(t, "\x00\x02\x01x", string(out[headerLen:headerLen+4]), "other sections stay")
	again, err := join(out, false)
	require.NoError(t, err)
	assert.Equal(t, out, again)
}

func TestJoinRefuses(t *testing.T) {
	good := file(segment{1, []byte("abc")})
	passive := bytes.Replace(good, []byte{1, 0, i32Const}, []byte{1, 1, i32Const}, 1)
	for name, b := range map[string][]byte{
		"nothing": nil, "no magic": []byte("GIF89a-- "), "cut": good[:len(good)-1], "a passive segment": passive,
		"a length beyond the end": []byte("\x00asm\x01\x00\x00\x00\x0b\x7f"), "data at two gigabytes": file(segment{0x80000000, []byte("a")}),
		"more segments than fit": []byte("\x00asm\x01\x00\x00\x00\x0b\x05\xff\xff\xff\xff\x0f"),
	} {
		_, err := join(b, false)
		assert.ErrorIs(t, err, errMalformed, name)
	}
}

func TestSignedNumbers(t *testing.T) {
	for _, n := range []int32{0, 1, 63, 64, -1, -64, -65, 1 << 20, 1<<31 - 1, -1 << 31} {
		r := reader{b: appendSigned(nil, n)}
		assert.Equal(t, uint32(n), r.signed(), n)
		assert.False(t, r.bad)
		assert.Empty(t, r.b)
	}
}
