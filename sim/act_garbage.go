package sim

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"logd/transport"
)

// garbage has somebody connect to a broker, send what is no sound request, and hang up some time later. Nothing of it may be seen by
// anybody else: what it asks for changes nothing, or is refused.
type garbage struct {
	node int
	seed uint64        // draws the bytes
	hold time.Duration // the connection stays so long
}

// stranger is whoever sends what no client of the history does. What is answered to it, it doesn't read.
func (w *World) stranger() *client {
	return &client{w: w, number: 0, over: true, lines: make([]*line, len(w.nodes))}
}

// intrude connects a stranger to a broker, and sends bytes.
func (w *World) intrude(to *node, bytes []byte, hold time.Duration) *conn {
	c := w.dial(w.stranger(), to)
	c.garbage = true
	c.up.write(bytes)
	w.strangers = append(w.strangers, c)
	w.after(hold, func() { w.leaves(c) })
	return c
}

// leaves has a stranger hang up.
func (w *World) leaves(c *conn) {
	if i := slices.Index(w.strangers, c); i >= 0 {
		w.strangers = slices.Delete(w.strangers, i, i+1)
		c.hangUp()
	}
}

func (a garbage) do(w *World) error {
	w.count[CountGarbage]++
	w.intrude(w.nodes[a.node], rubbish(w, stream(a.seed, streamAct, 1)), a.hold)
	return nil
}

func (a garbage) text(w *World) string {
	return fmt.Sprintf("garbage %d %d hold=%v", w.nodes[a.node].id, a.seed, a.hold)
}

func parseGarbage(t *teller, args []string) (act, error) {
	n, err := t.broker(args[0])
	if err != nil {
		return nil, err
	}
	a := garbage{node: n.index, hold: time.Second}
	if a.seed, err = strconv.ParseUint(args[1], 10, 64); err == nil && len(args) > 2 {
		a.hold, err = parseHold(args[2])
	}
	return a, err
}

func parseHold(word string) (time.Duration, error) {
	value, ok := strings.CutPrefix(word, "hold=")
	if !ok {
		return 0, fmt.Errorf("%q isn't hold=DURATION", word)
	}
	return parseTime(value)
}

// vandalize sends garbage to some broker.
func (f *nemesis) vandalize() {
	n := f.w.nodes[f.rng.IntN(len(f.w.nodes))]
	f.w.decide(garbage{n.index, f.seed(), time.Duration(1+f.rng.Int64N(3000)) * time.Millisecond})
}

// rubbish draws what is sent: random bytes, lengths that are a threat or a lie, sound heads with other bodies, sound bodies that ask
// for what nobody should, and batches whose checksum is wrong.
func rubbish(w *World, rng *rand.Rand) []byte {
	frame := func(b []byte) []byte { return append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), b...) }
	switch rng.IntN(7) {
	case 0:
		return noise(rng, 1+rng.IntN(400))
	case 1:
		length := pick(rng, uint32(1<<32-1), 1<<31, 1<<31-1, transport.MaxFrame+1, 0)
		return append(binary.BigEndian.AppendUint32(nil, length), noise(rng, rng.IntN(100))...)
	case 2: // a frame that is never whole
		length := pick(rng, uint32(100), 5000, 60_000, transport.MaxFrame)
		return append(binary.BigEndian.AppendUint32(nil, length), noise(rng, rng.IntN(100))...)
	case 3:
		head := binary.BigEndian.AppendUint16(nil, uint16(pick(rng, 0, 1, 2, 3, 18, 32, 60, 99, 0xffff)))
		head = binary.BigEndian.AppendUint16(head, uint16(rng.IntN(20)))
		return frame(append(head, noise(rng, rng.IntN(200))...))
	case 4:
		var b []byte
		for range 50 {
			b = append(b, frame(noise(rng, rng.IntN(9)))...)
		}
		return b
	case 5:
		b := transport.AppendRequest("stranger", 1, hostile(w, rng))
		for range 1 + rng.IntN(4) {
			b[8+rng.IntN(len(b)-8)] ^= 1 << rng.IntN(8) // API and version stay
		}
		return b
	}
	var b []byte
	for range 1 + rng.IntN(30) {
		b = append(b, transport.AppendRequest("stranger", int32(rng.Uint32()), hostile(w, rng))...)
	}
	return b
}

func noise(rng *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return b
}

// hostile is a request that parses, and asks for what there isn't. None of it may change anything.
func hostile(w *World, rng *rand.Rand) kmsg.Request {
	part := rng.IntN(w.partitions())
	wild := func() int64 { return pick(rng, int64(-3), -1, 0, 1, 1<<31-1, 1<<62, -1<<63, 1<<63-1) }
	switch rng.IntN(4) {
	case 0:
		req := kmsg.NewPtrProduceRequest()
		req.Version, req.Acks, req.TimeoutMillis = int16(3+rng.IntN(10)), int16(pick(rng, -1, 0, 1, 7)), 1000
		p := kmsg.NewProduceRequestTopicPartition()
		p.Partition = int32(part % w.opt.Load.Partitions)
		p.Records = encodeBatch([]string{"stranger"}, 20, epoch)
		p.Records[17] ^= 0xff // its checksum
		if rng.IntN(2) == 0 {
			p.Records = p.Records[:rng.IntN(len(p.Records))]
		}
		t := kmsg.NewProduceRequestTopic()
		t.Topic, t.Partitions = w.topic(part), append(t.Partitions, p)
		req.Topics = append(req.Topics, t)
		return req
	case 1:
		req := kmsg.NewPtrFetchRequest()
		req.Version, req.MaxWaitMillis, req.MinBytes, req.MaxBytes = int16(4+rng.IntN(9)), int32(rng.IntN(1000)), int32(wild()), int32(wild())
		req.SessionID, req.SessionEpoch = int32(wild()), int32(wild())
		p := kmsg.NewFetchRequestTopicPartition()
		p.Partition, p.FetchOffset, p.PartitionMaxBytes, p.CurrentLeaderEpoch = int32(wild()), wild(), int32(wild()), int32(wild())
		t := kmsg.NewFetchRequestTopic()
		t.Topic, t.Partitions = w.topic(part), append(t.Partitions, p)
		req.Topics = append(req.Topics, t)
		return req
	case 2:
		req := kmsg.NewPtrListOffsetsRequest()
		req.Version, req.ReplicaID, req.IsolationLevel = int16(1+rng.IntN(9)), int32(wild()), int8(wild())
		p := kmsg.NewListOffsetsRequestTopicPartition()
		p.Partition, p.Timestamp, p.CurrentLeaderEpoch = int32(wild()), wild(), int32(wild())
		t := kmsg.NewListOffsetsRequestTopic()
		t.Topic, t.Partitions = w.topic(part), append(t.Partitions, p)
		req.Topics = append(req.Topics, t)
		return req
	}
	req := kmsg.NewPtrMetadataRequest()
	req.Version = int16(rng.IntN(10))
	for range rng.IntN(20) {
		t := kmsg.NewMetadataRequestTopic()
		t.Topic = kmsg.StringPtr(string(noise(rng, rng.IntN(300))))
		req.Topics = append(req.Topics, t)
	}
	return req
}
