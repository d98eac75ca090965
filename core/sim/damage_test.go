package sim

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
)

// What was written is still known of a write that was harmed twice: a tab that
// read it before may send it, and it counts as applied then.
func TestAWriteHarmedTwiceIsKnown(t *testing.T) {
	const write = `{"at":1,"muts":[{"mid":1,"op":"ext","key":"p2p|f1","ext":"w1","base":0}]}`
	w := &world{accepted: map[string]*device{"w1": nil}}
	s := &disk{outbox: []waiting{{Write: json.RawMessage(write)}}}
	for range 2 {
		w.damageOutbox(s)
		assert.Equal(t, "null", string(s.outbox[0].Write))
		assert.JSONEq(t, write, string(s.outbox[0].written()))
		assert.Empty(t, w.accepted, "it may be lost")
	}
}
