package sim

import (
	"encoding/binary"

	"logd/broker"
	"logd/transport"
)

// misread carries an envelope whose length field has another bit to a broker's end of the stream, which is read as cmd/logd reads it. What
// comes out of step there can't be told from an envelope by its length: a frame that is too short, or of other bytes, is
// refused by its shard; and one that is too long is never waited for. Whoever reads the stream ends it by when the envelope that was
// sent is all there, and holds no more than that.
func (n *network) misread(from, to *node, shard int, frame []byte, bit int) {
	w := n.w
	w.count[CountCorrupted]++
	w.mark(MarkLengthCorrupted, to)
	length := binary.BigEndian.AppendUint32(nil, uint32(len(frame)))
	length[(bit-1)/8] ^= 1 << ((bit - 1) % 8)
	stream := transport.NewFrames(maxEnvelope)
	stream.Feed(length)
	stream.Feed(frame)
	ends := func(why error) {
		l, back := &n.links[from.index][to.index], &n.links[to.index][from.index]
		l.over = max(l.over, w.now+n.delay(back))
		if w.trace.verbose() {
			w.trace.line(w.now, traceDrop, "broker %d ends the stream from broker %d: %v", to.id, from.id, why)
		}
	}
	refused := false
	for {
		cut, ok, err := stream.Next()
		switch {
		case err != nil:
			ends(err)
			return
		case ok: // its shard must refuse it, and that ends the stream
			refused = true
			n.arrive(from, to, shard, peerConn(from.index)|corrupted, cut)
			continue
		}
		break
	}
	begun, want := stream.Begun()
	switch _, err := transport.CheckBegun(begun, want); {
	case err != nil:
		ends(err)
	case !refused:
		w.violate(StreamOutOfStep, "broker %d has %d bytes of an envelope from broker %d, %d with its length field before a bit of that flipped, and waits for %d",
			to.id, len(begun), from.id, len(frame), want)
	}
}

// maxEnvelope is what cmd/logd takes at the most.
const maxEnvelope = broker.MaxEntryBytes + 8<<20
