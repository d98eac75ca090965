package main

import (
	"encoding/hex"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"recents/core"
	"recents/core/replica"
)

// machineFunc is a machine of a test's own.
type machineFunc func(replica.Event) []replica.Effect

func (f machineFunc) Handle(ev replica.Event) []replica.Effect { return f(ev) }

func TestEffectsAreOneBuffer(t *testing.T) {
	out := appendEffects(nil, []replica.Effect{
		{Kind: replica.FxFetch, ID: 3, Code: 1, Path: "/v1/sync", Data: []byte("{}")},
		{Kind: replica.FxCancel, ID: -1},
		{Kind: replica.FxTimer, ID: core.MaxSafe, Code: 60000},
	})
	want := strings.ReplaceAll("05 0000000000000840 000000000000f03f 08000000 02000000 2f76312f73796e63 7b7d"+
		"0a 000000000000f0bf 0000000000000000 00000000 00000000"+
		"09 ffffffffffff3f43 00000000004ced40 00000000 00000000", " ", "")
	assert.Equal(t, want, hex.EncodeToString(out))
	assert.Equal(t, float64(core.MaxSafe), math.Float64frombits(0x433fffffffffffff), "the largest id is exact")
}

func TestAnEventArrivesWhole(t *testing.T) {
	var got []replica.Event
	s := shell{machine: machineFunc(func(ev replica.Event) []replica.Effect {
		got = append(got, ev)
		return nil
	})}
	copy(s.reserve(3), "abc")
	require.True(t, s.handle(replica.EvFrame, 5, 6, 7, 8))
	copy(s.reserve(3), "xyz")
	require.True(t, s.handle(replica.EvTimer, 9, 0, 0, 0))
	require.True(t, s.handle(replica.EvWake, 10, 0, 0, 0))

	assert.Equal(t, []replica.Event{
		{Kind: replica.EvFrame, Now: 5, ID: 6, Code: 7, After: 8, Data: []byte("abc")}, // kept, and not overwritten
		{Kind: replica.EvTimer, Now: 9, Data: []byte("xyz")},
		{Kind: replica.EvWake, Now: 10}, // no data of an earlier event
	}, got)
}

func TestOutputIsThatOfTheLastEvent(t *testing.T) {
	size := 0
	s := shell{machine: machineFunc(func(replica.Event) []replica.Effect {
		return []replica.Effect{{Kind: replica.FxStore, Data: make([]byte, size)}}
	})}
	for _, size = range []int{10, keptOut + 1, 10} {
		require.True(t, s.handle(replica.EvTimer, 0, 0, 0, 0))
		assert.Len(t, s.out, 25+size)
	}
	assert.Less(t, cap(s.out), keptOut, "what a big batch took is given back")
}

func TestAPanicIsAStatus(t *testing.T) {
	for _, tc := range []struct {
		thrown any
		want   string
	}{
		{"index out of range", "index out of range"},
		{errors.New("nil map"), "nil map"},
		{42, "panic"},
	} {
		calls := 0
		s := shell{machine: machineFunc(func(replica.Event) []replica.Effect {
			calls++
			panic(tc.thrown)
		})}
		assert.False(t, s.handle(replica.EvWake, 0, 0, 0, 0))
		assert.Equal(t, tc.want, string(s.out))

		assert.False(t, s.handle(replica.EvWake, 0, 0, 0, 0), "a dead shell stays dead")
		assert.Equal(t, 1, calls, "and its half-changed replica is not asked again")
		assert.Equal(t, tc.want, string(s.out))
	}
}

// The real replica behind the real shell: a call before anything is stored or
// connected is answered through the buffers.
func TestTheReplicaAnswersThroughTheShell(t *testing.T) {
	s := shell{machine: replica.New()}
	send := func(kind replica.EventKind, id, code int64, data string) string {
		copy(s.reserve(len(data)), data)
		require.True(t, s.handle(kind, 1, id, code, 0))
		return string(s.out)
	}
	send(replica.EvStart, 0, 0, `{"account":"alice","clientId":"c","seed":1,"storage":false,"online":false}`)
	assert.Contains(t, send(replica.EvCall, 1, replica.CallList, `{"limit":"NaN"}`), `limit: \"NaN\" is not a number`)
	assert.Contains(t, send(replica.EvCall, 2, replica.CallUpdate, `{"sessionId":"b","sessionType":"p2p","ext":"\ud800"}`), "lone surrogate")
}
