package main

import (
	"testing"

	"logd/broker"
	"logd/transport"
)

// The greatest entry that a broker takes from a client fits an envelope, behind as many small messages as there may be before it.
func TestGreatestEntryFitsAnEnvelope(t *testing.T) {
	small := [][]byte{make([]byte, 40)} // a heartbeat
	var msgs []transport.Msg
	for size := 0; size+len(small[0]) < broker.DefaultLimits().EnvelopeBytes; size += len(small[0]) {
		msgs = append(msgs, transport.Msg{Kind: 1, Group: 1 << 40, Bufs: small})
	}
	msgs = append(msgs, transport.Msg{Kind: 1, Group: 1 << 40, Bufs: [][]byte{make([]byte, 1<<10), make([]byte, broker.MaxEntryBytes)}})
	frames := transport.NewFrames(maxEnvelope)
	size := 0
	for _, b := range transport.AppendEnvelope(nil, transport.Header{From: 1, To: 2}, msgs) {
		size += len(b)
		frames.Feed(b)
	}
	if _, ok, err := frames.Next(); !ok || err != nil {
		t.Errorf("an envelope of %d bytes, %d may be: %v", size, maxEnvelope, err)
	}
}
