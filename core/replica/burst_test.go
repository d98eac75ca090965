package replica_test

import (
	"fmt"
	"testing"

	"recents/core"
	"recents/core/replica"
)

// BenchmarkBurst is a live frame with so many rows, into 10,000 sessions, told to a
// shell that keeps texts, and stored: what one change of it takes.
func BenchmarkBurst(b *testing.B) {
	for _, size := range []int{1, 100} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			r, row := loadedWith(10_000, `,"texts":true`)
			seq := int64(10_000)
			rows := make([]core.Row, size)
			var frame []byte
			b.ReportAllocs()
			for b.Loop() {
				for i := range rows {
					seq++
					row.Key.ID, row.Seq, row.UpdateTime = fmt.Sprint("f", seq*7919%10_000), seq, 1_700_000_000_000+seq
					rows[i] = row
				}
				f := core.Frame{Kind: core.FrameDelta, Epoch: "e", From: seq - int64(size), To: seq, Rows: rows}
				frame = core.AppendFrame(frame[:0], &f)
				for fx := r.Handle(replica.Event{Kind: replica.EvFrame, ID: 1, Data: append([]byte(nil), frame...)}); len(fx) > 0; fx = goOn(r, fx) {
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*size), "ns/change")
		})
	}
}

// goOn does what a shell does for effects that wait for nothing outside.
func goOn(r *replica.Replica, fx []replica.Effect) (next []replica.Effect) {
	for i := range fx {
		switch fx[i].Kind {
		case replica.FxPause:
			next = append(next, r.Handle(replica.Event{Kind: replica.EvGoOn})...)
		case replica.FxStore:
			next = append(next, r.Handle(replica.Event{Kind: replica.EvStored, ID: fx[i].ID})...)
		}
	}
	return next
}
