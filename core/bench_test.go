package core_test

import (
	"fmt"
	"testing"

	"recents/core"
)

// benchRow is a row as most are: 600 bytes, of which every third is Chinese.
func benchRow(i int) core.Row {
	content := "station tomorrow the draft breakfast see you on my way call me perfect next week photos a bit late thanks rain tickets station the draft tomorrow breakfast on my way see you perfect photos rain next week "
	if i%3 == 0 {
		content = "周末去爬山吗 好的没问题 明天见 我在路上了 ありがとう また来週 写真を送ります 점심 먹었어요 회의는 세 시 谢谢你的帮助 "
	}
	from := fmt.Sprint("user-", i)
	msg := fmt.Sprintf(`{"uuid":"6d2b79f5-%d","serverId":"7130316800000%06d","sessionId":"%s","sessionType":"p2p","fromAccount":"%s","messageType":"text","timestamp":%d,"messageDirection":"received","status":"success","fromNickname":"Ada %d","content":"%s","pushContent":"You have a new message"}`,
		i, i, from, from, 1_700_000_000_000+i, i, content)
	return core.Row{Key: core.Key{Type: core.P2P, ID: from}, Seq: int64(i), UpdateTime: 1_700_000_000_000 + int64(i),
		HasExt: true, Ext: `{"pinned":false,"tag":"t3"}`, ExtSeq: 1, Msg: []byte(msg)}
}

func benchRows(n int) (rows []core.Row) {
	for i := range n {
		rows = append(rows, benchRow(i+1))
	}
	return rows
}

func BenchmarkParseRow(b *testing.B) {
	var texts [][]byte
	for _, row := range benchRows(99) {
		texts = append(texts, core.AppendRow(nil, &row))
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := core.ParseRow(texts[i%len(texts)]); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseFrame(b *testing.B) {
	for _, n := range []int{1, 100} {
		f := core.Frame{Kind: core.FrameDelta, Epoch: "e", From: 0, To: int64(n), Rows: benchRows(n)}
		text := core.AppendFrame(nil, &f)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := core.ParseFrame(text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkAppendRow(b *testing.B) {
	rows := benchRows(99)
	var dst []byte
	for i := 0; b.Loop(); i++ {
		dst = core.AppendRow(dst[:0], &rows[i%len(rows)])
	}
}

func BenchmarkAppendSession(b *testing.B) {
	rows := benchRows(99)
	var dst []byte
	for i := 0; b.Loop(); i++ {
		dst = core.AppendSession(dst[:0], &rows[i%len(rows)], true)
	}
}
