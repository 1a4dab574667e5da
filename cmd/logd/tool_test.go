package main

import (
	"io"
	"net"
	"slices"
	"testing"
	"time"

	"logd/broker"
	"logd/transport"
)

// The private API (docs/peer-api.md): a tool need not know whom it talks to, its hello chooses the shard, and the answer comes back
// on its connection.
func TestToolIsAnswered(t *testing.T) {
	answers := func(shard byte) fake {
		return func(_ broker.Now, events []broker.Event, out *broker.Output) {
			for _, e := range events {
				if e, ok := e.(broker.PeerFrame); ok {
					h, msgs, err := transport.ParseEnvelope(e.Data)
					if err != nil || h.From != broker.ToolID || len(msgs) != 1 {
						t.Errorf("%+v %v %v", h, msgs, err)
					}
					back := transport.Header{From: 2, To: broker.ToolID, Boot: 88}
					body := [][]byte{{shard}, msgs[0].Body}
					out.Replies = append(out.Replies, broker.PeerReply{Conn: e.Conn, Bufs: transport.AppendEnvelope(nil, back, []transport.Msg{{Kind: broker.KindTool, Bufs: body}})},
						broker.PeerReply{Conn: 1 << 60}) // one that has gone meanwhile
				}
			}
			stops(events, out)
		}
	}
	r := runNode(t, 2, nil, nil, answers('a'), answers('b'))
	for shard, want := range []string{"aping", "bping", "aping"} { // modulo the number of shards
		nc, err := net.Dial("tcp", r.peers)
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		nc.SetDeadline(time.Now().Add(wait))
		h := transport.Header{From: broker.ToolID, Shard: uint16(shard)}
		ping := []transport.Msg{{Kind: broker.KindTool, Bufs: [][]byte{[]byte("ping")}}}
		for i := range 3 {
			if i == 0 {
				nc.Write(transport.AppendEnvelope(nil, h, nil)[0])
			}
			nc.Write(slices.Concat(transport.AppendEnvelope(nil, h, ping)...))
			back := slices.Concat(transport.AppendEnvelope(nil, transport.Header{From: 2, To: broker.ToolID, Boot: 88},
				[]transport.Msg{{Kind: broker.KindTool, Bufs: [][]byte{[]byte(want)}}})...)
			got := make([]byte, len(back))
			if _, err := io.ReadFull(nc, got); err != nil || !slices.Equal(got, back) {
				t.Fatalf("shard %d, question %d: got %q, %v", shard, i, got, err)
			}
		}
	}
}
