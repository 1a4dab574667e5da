package e2e

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"

	"logd/transport"
)

// envelopes come to the peers' port: heads that lie about who speaks, and bodies that are none, also from one who speaks
// the truth about itself. (A peer that forges whole messages is not defended against: that is what TLS will be for.)
func (b *besieged) envelopes(rng *rand.Rand) {
	truth := b.header(b.c.nodes[1])
	many(rng, 400, 20, func(i int, rng *rand.Rand) {
		h := truth
		switch i % 8 {
		case 0:
			h.From = []int32{0, -1, 1, 4, math.MaxInt32, math.MinInt32}[rng.IntN(6)]
		case 1:
			h.To = []int32{0, -1, 2, 4, math.MaxInt32}[rng.IntN(5)]
		case 2:
			h.Cluster = [16]byte(randomBytes(rng, 16))
		case 3:
			h.Incarnation = rng.Uint64()
		case 4:
			h.ToIncarnation = rng.Uint64()
		case 5:
			h.Shard = uint16(rng.Uint32())
		}
		data := flat(transport.AppendEnvelope(nil, h, nil))
		for range rng.IntN(4) {
			var msgs []transport.Msg
			for range rng.IntN(20) {
				msgs = append(msgs, transport.Msg{Kind: uint8(rng.IntN(10)), Group: []uint64{0, 1, 2, 3, math.MaxUint64, rng.Uint64()}[rng.IntN(6)], Bufs: [][]byte{b.body(rng)}})
			}
			data = append(data, flat(transport.AppendEnvelope(nil, h, msgs))...)
		}
		if rng.IntN(3) == 0 { // the checksum of the head doesn't hold any more
			data[rng.IntN(len(data))] ^= byte(1 + rng.IntN(255))
		}
		throw(b.n.peer, data[:len(data)-rng.IntN(2)*rng.IntN(len(data))])
	})
}

// header is the truth about another broker.
func (b *besieged) header(n *node) transport.Header {
	h := transport.Header{From: n.id, Boot: 1, To: b.n.id}
	meta, err := os.ReadFile(filepath.Join(n.data, "logd.meta"))
	if err != nil {
		b.t.Fatal(err)
	}
	var version, broker int
	if _, err := fmt.Sscanf(string(meta), "logd %d\nbroker %d\nincarnation %x\n", &version, &broker, &h.Incarnation); err != nil {
		b.t.Fatalf("logd.meta: %v", err)
	}
	return h
}

// body is what no message is.
func (b *besieged) body(rng *rand.Rand) []byte {
	texts := []string{"", "null", "{}", "[]", "{", `{"hello":{}}`, `{"hello":{"to":18446744073709551615}}`, `{"hello":{"formed":{"cluster":"","brokers":[]}}}`,
		`{"range":{"g":2,"r":8589934593,"from":-1,"max":-1}}`, `{"range":{"g":2,"r":8589934593,"from":9223372036854775807,"max":9223372036854775807}}`,
		`{"range":{"g":0}}`, `{"leading":[]}`, `{"leading":[{"g":99999,"t":0}]}`, `{"propose":{"id":1,"cmd":""}}`, `{"propose":{"id":1,"cmd":"AAAA"}}`,
		`{"proposed":{"id":1}}`, `{"placed":{}}`, `{"unknown":1}`, `{"scrub":true}`, `{"replicas":true}`, `{"scrub":1}`}
	if rng.IntN(2) == 0 {
		return []byte(texts[rng.IntN(len(texts))])
	}
	return randomBytes(rng, rng.IntN(300))
}

func flat(bufs [][]byte) []byte { return slices.Concat(bufs...) }
