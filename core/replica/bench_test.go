package replica_test

import (
	"fmt"
	"testing"

	"recents/core"
	"recents/core/replica"
)

// BenchmarkUpsert is one live frame with one row, into 10,000 sessions.
func BenchmarkUpsert(b *testing.B) {
	r, row := loaded(10_000)
	seq := int64(10_000)
	for i := 0; b.Loop(); i++ {
		seq++
		row.Key.ID, row.Seq, row.UpdateTime = fmt.Sprint("f", i%10_000), seq, 1_700_000_000_000+seq
		f := core.Frame{Kind: core.FrameDelta, Epoch: "e", From: seq - 1, To: seq, Rows: []core.Row{row}}
		r.Handle(replica.Event{Kind: replica.EvFrame, ID: 1, Data: core.AppendFrame(nil, &f)})
	}
}

// BenchmarkPage is a list of 100 from 10,000 sessions.
func BenchmarkPage(b *testing.B) {
	r, _ := loaded(10_000)
	for i := int64(1); b.Loop(); i++ {
		r.Handle(replica.Event{Kind: replica.EvCall, ID: i, Code: replica.CallList, Data: []byte(`{"limit":100}`)})
	}
}

// loaded returns a live replica of n sessions without storage.
func loaded(n int) (*replica.Replica, core.Row) { return loadedWith(n, "") }

// loadedWith is loaded with more members of the configuration.
func loadedWith(n int, config string) (*replica.Replica, core.Row) {
	row := core.Row{Msg: []byte(fmt.Sprintf(`{"uuid":"u","serverId":"7130316800004194304","sessionId":"bob","sessionType":"p2p","fromAccount":"bob","messageType":"text","timestamp":1700000000001,"messageDirection":"received","status":"success","fromNickname":"Bob","content":%q}`,
		"周末去爬山吗？ The quick brown fox jumps over the lazy dog, and on it goes for a while until it is six hundred bytes or so, which is what a message is in the field, more or less, with a nickname and an extension."))}
	row.Key = core.Key{Type: core.P2P}
	r := replica.New()
	r.Handle(replica.Event{Kind: replica.EvStart, Data: []byte(`{"account":"me","clientId":"c","seed":1,"storage":true,"online":true` + config + `}`)})
	r.Handle(replica.Event{Kind: replica.EvLoad, Data: []byte(fmt.Sprintf(`{"epoch":"e","cursor":%d,"generation":1}`, n))})
	for at := n; at > 0; at -= 256 {
		var rows [][]byte
		for i := at; i > max(at-256, 0); i-- {
			row.Key.ID, row.Seq, row.UpdateTime = fmt.Sprint("f", i), int64(i), 1_700_000_000_000+int64(i)
			rows = append(rows, core.AppendRow(nil, &row))
		}
		r.Handle(replica.Event{Kind: replica.EvChunk, Data: replica.EncodeChunk(rows)})
	}
	r.Handle(replica.Event{Kind: replica.EvLoaded})
	r.Handle(replica.Event{Kind: replica.EvOpened, ID: 1})
	f := core.Frame{Kind: core.FrameReady, Epoch: "e", Head: int64(n)}
	r.Handle(replica.Event{Kind: replica.EvFrame, ID: 1, Data: core.AppendFrame(nil, &f)})
	return r, row
}
