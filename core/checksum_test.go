package core_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"

	"recents/core"
)

// What is stored now must be read by what comes later.
func TestChecksumsStayWhatTheyAre(t *testing.T) {
	for text, want := range map[string]uint32{
		"":                                  0x84222325,
		"a":                                 0xdf3f8bf2,
		"12345678":                          0x10653854,
		"the newest sessions of an account": 0x81ea9856,
	} {
		assert.Equal(t, want, core.Checksum([]byte(text)), "%q", text)
	}
}

func TestAChecksumTellsEveryChangedBit(t *testing.T) {
	whole := bytes.Repeat([]byte(`{"k":"p2p|bob","q":12}, `), 3)
	for length := range whole {
		was := whole[:length]
		sum := core.Checksum(was)
		for bit := range 8 * length {
			changed := bytes.Clone(was)
			changed[bit/8] ^= 1 << (bit % 8)
			assert.NotEqual(t, sum, core.Checksum(changed), "bit %d of %d bytes", bit, length)
		}
		assert.NotEqual(t, sum, core.Checksum(append(bytes.Clone(was), 0)), "%d bytes and a zero", length)
	}
}

// The same change twice, eight bytes apart, is what a sum of words would miss.
func TestAChecksumTellsPairsOfChanges(t *testing.T) {
	whole := bytes.Repeat([]byte("12345678"), 8)
	sum := core.Checksum(whole)
	for bit := range 64 {
		for apart := 8; apart <= 24; apart += 8 {
			changed := bytes.Clone(whole)
			changed[8+bit/8] ^= 1 << (bit % 8)
			changed[8+bit/8+apart] ^= 1 << (bit % 8)
			assert.NotEqual(t, sum, core.Checksum(changed), "bit %d, twice, %d bytes apart", bit, apart)
		}
	}
	moved := append(bytes.Clone(whole[:8]), whole...)
	copy(moved[8:], "87654321")
	swapped := bytes.Clone(moved)
	copy(swapped, moved[8:16])
	copy(swapped[8:], moved[:8])
	assert.NotEqual(t, core.Checksum(moved), core.Checksum(swapped), "two words in each other's place")
}
