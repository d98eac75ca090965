package server

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
)

// A token that is remembered is believed from its check until its end, and at no
// other time: then its check says what is wrong with it.
func TestAKnownTokenHoldsForItsOwnTime(t *testing.T) {
	alice := caller{account: "alice", expires: 2000}
	for now, want := range map[int64]bool{
		999:  false, // the clock went back to before the check, maybe before nbf
		1000: true,
		1999: true,
		2000: false, // the leeway after it is the check's to give
		3000: false,
	} {
		k := newKnownTokens()
		k.keep("token", alice, 1000)
		who, ok := k.find("token", now)
		assert.Equal(t, want, ok, "at %d", now)
		if ok {
			assert.Equal(t, alice, who)
		}
		_, ok = k.find("tokem", 1500)
		assert.False(t, ok, "another one")
	}
}

// Two generations are kept: what is asked for stays, and the rest goes.
func TestKnownTokensAreBounded(t *testing.T) {
	k := newKnownTokens()
	keep := func(n int) {
		k.keep(fmt.Sprint("token", n), caller{account: fmt.Sprint("a", n), expires: 2000}, 1000)
	}
	for n := range 10 * knownKept {
		keep(n)
		_, ok := k.find("token0", 1500)
		assert.True(t, ok, "what is in use, after %d others", n)
		assert.LessOrEqual(t, len(k.young)+len(k.old), 2*knownKept)
	}
	_, ok := k.find("token1", 1500)
	assert.False(t, ok, "what was not asked for again")
	who, _ := k.find("token0", 1500)
	assert.Equal(t, "a0", who.account)
}
