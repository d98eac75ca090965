package replica_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"recents/core/replica"
)

// The server says how long the token is good for, so the page's clock has no say
// in when it is replaced.
func TestC3ATokenIsReplacedBeforeItExpires(t *testing.T) {
	for _, tc := range []struct{ expiresIn, after int64 }{
		{3_600_000, 3_540_000}, // a minute before
		{90_000, 45_000},       // at half of its life, when that is short
		{6_000, 5_000},         // but not at once, over and over
		{1_000, 5_000},
	} {
		for _, jump := range []int64{0, 30 * 365 * 86_400_000, -30 * 365 * 86_400_000} {
			t.Run(fmt.Sprint(tc.expiresIn, " ms, the clock jumps by ", jump), func(t *testing.T) {
				w := newWorld(t)
				w.fill(1)
				w.expiresIn = tc.expiresIn
				w.now += jump
				w.open()
				dialed := w.dialed
				w.pass(tc.after - 1)
				require.Equal(t, dialed, w.dialed, "not early")
				w.pass(1)
				assert.Equal(t, dialed+1, w.dialed, "and not late")
				assert.Equal(t, 1, w.fresh, "with a new token")
				assert.Equal(t, "live", w.connection())
				t.Attr("C3", fmt.Sprintf("a token of %d s is replaced after %d s, with a clock 30 years off too", tc.expiresIn/1000, tc.after/1000))
			})
		}
	}
}

func TestC3AServerThatNamesNoExpiryIsNotAskedForOne(t *testing.T) {
	w := newWorld(t)
	w.fill(1)
	w.open()
	dialed := w.dialed
	w.pass(86_400_000)
	assert.Equal(t, dialed, w.dialed)
	assert.Zero(t, w.fresh)
}

// What a refused token asks for is a new one: on the socket and on requests.
func TestARefusedTokenIsReplacedOnce(t *testing.T) {
	w := newWorld(t)
	w.fill(1)
	w.open()
	w.handle(replica.Event{Kind: replica.EvClosed, ID: w.lastDial, Code: 4401})
	w.run()
	w.pass(1000)
	assert.Equal(t, 1, w.fresh, "the next socket has a new token")
	assert.Equal(t, "live", w.connection())

	w.setOnline(false)
	w.setOnline(true)
	assert.Equal(t, 1, w.fresh, "and the one after it the same")

	w.slow = "/v1/mutate"
	w.setExt("f0", "x")
	require.Len(t, w.heldBack, 1)
	w.heldBack[0].Code, w.heldBack[0].Data = 401, []byte(`{"code":302,"errorDetails":"token: expired"}`)
	w.slow = ""
	fetched := len(w.freshFetches)
	w.release()
	assert.Equal(t, []string{"/v1/mutate"}, w.freshFetches[fetched:], "asked once more, with a new token")
	_, exts := w.onServer()
	assert.Equal(t, map[string]string{"f0": "x"}, exts)
	assert.Equal(t, "live", w.connection(), "the app hears nothing of it")
}

func TestN11APollWhoseTokenExpiredGoesOnWithANewOne(t *testing.T) {
	w := polling(t, true)
	w.answerPolls()
	w.pass(1000)
	require.Len(t, w.polls, 1)
	old := w.polls[0]
	w.polls = nil
	w.handle(replica.Event{Kind: replica.EvResponse, ID: old.ID, Code: 401, Data: []byte(`{"code":302,"errorDetails":"token: expired while the call waited"}`)})
	w.run()
	require.Len(t, w.polls, 1)
	assert.EqualValues(t, replica.FetchFresh|replica.FetchSlow, w.polls[0].Code)
	assert.Equal(t, "live", w.connection())
}
