package sim

import (
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"logd/checker"
)

// appender sends values to one partition, several at a time.
type appender struct {
	part  int
	step  int // to the partition that it serves next; 0: it stays
	burst int // appends that follow at once
}

func (r *appender) act(c *client) {
	w := c.w
	if w.phase != phaseStorm {
		return
	}
	if c.inflight >= w.opt.Load.Depth {
		return // done plans the next
	}
	node, ok := c.leader(r.part)
	if !ok {
		return
	}
	n := 1 + c.rng.IntN(w.opt.Load.Records)
	if w.retains(r.part) {
		n = 1 // (T2)
	}
	c.append(node, r.part, n)
	if r.step > 0 {
		r.part = 1 + (r.part-1+r.step)%(w.partitions()-1)
	}
	if r.burst > 0 {
		r.burst--
	} else if c.rng.IntN(1000) < w.opt.Load.Burst {
		r.burst = burstLeast + c.rng.IntN(5*burstLeast)
		w.markLoad(MarkBurst)
	}
	c.soon(r.pause(c))
}

func (r *appender) done(c *client, _ *call) { c.soon(r.pause(c)) }

// pause is how long it thinks; in a burst hardly at all.
func (r *appender) pause(c *client) time.Duration {
	if r.burst > 0 {
		return c.pause(time.Millisecond)
	}
	return c.pause(c.w.opt.Load.Think)
}

// burstLeast is the least length of a burst.
const burstLeast = 20

// append sends n new values as one batch.
func (c *client) append(node, part, n int) { c.appendSized(node, part, n, 0) }

// appendSized sends values of so many bytes each, 0 for any.
func (c *client) appendSized(node, part, n, size int) {
	w := c.w
	a := request{kind: askAppend, node: node, part: part, records: n, size: size, version: int16(3 + c.rng.IntN(11))}
	a.acks = [...]int16{-1, -1, -1, 1}[c.rng.IntN(4)]
	if w.phase == phaseStorm && c.rng.IntN(1000) < w.opt.Load.Acks0 {
		a.acks = 0
	}
	if w.phase == phaseStorm && chance(c.rng, w.opt.Load.Late) {
		a.late = time.Duration(1+c.rng.Int64N(8000)) * time.Millisecond
	}
	if drawn := 10 + c.rng.IntN(w.opt.Load.Bytes); size == 0 {
		a.size = drawn
	}
	c.ask(a)
}

func (c *client) askAppend(a request) {
	k := &call{part: a.part, op: checker.Op{Kind: checker.Append}}
	for range a.records {
		c.values++
		k.op.Values = append(k.op.Values, fmt.Sprintf("%d.%d", c.number, c.values))
	}
	records := encodeStamped(k.op.Values, a.size, recordTime)
	k.crc = crcOf(records)
	req := c.produceRequest(a, records)
	if a.late > 0 {
		c.sendLate(a.node, k, req, a.late)
		return
	}
	c.send(a.node, k, req, a.acks == 0)
}

// produceRequest has one batch in it.
func (c *client) produceRequest(a request, records []byte) *kmsg.ProduceRequest {
	w := c.w
	req := kmsg.NewPtrProduceRequest()
	req.SetVersion(a.version)
	topic := a.part / w.opt.Load.Partitions
	if req.Version > 12 && c.ids[topic] == [16]byte{} {
		req.SetVersion(12)
	}
	req.Acks = a.acks
	req.TimeoutMillis = int32(w.opt.Load.Timeout.Milliseconds())
	t := kmsg.NewProduceRequestTopic()
	t.Topic, t.TopicID = topicNames[topic], c.ids[topic]
	p := kmsg.NewProduceRequestTopicPartition()
	p.Partition = int32(a.part % w.opt.Load.Partitions)
	p.Records = records
	t.Partitions = append(t.Partitions, p)
	req.Topics = append(req.Topics, t)
	return req
}

// refusals prove that nothing was proposed; impossible are those that a sound broker has no reason for here.
var (
	refusals   = []int16{codeUnknownTopic, codeNoLeader, codeNotLeader, codeNotEnough, codeUnknownID, codeInconsistentTop, codeBadTimestamp}
	impossible = []int16{codeCorrupt, codeTooLarge, codeBadAcks, codeUnsupported, codeInvalidRequest, codeBadRecord}
)

func (c *client) produced(k *call, resp *kmsg.ProduceResponse) checker.Outcome {
	w := c.w
	if len(resp.Topics) != 1 || len(resp.Topics[0].Partitions) != 1 {
		w.violate(BadResponse, "client %d: a produce to one partition is answered for %d topics", c.number, len(resp.Topics))
		return checker.Unknown
	}
	p := resp.Topics[0].Partitions[0]
	if k.batch != nil {
		return c.sentOne(k, &p)
	}
	k.code = p.ErrorCode
	switch {
	case k.code == codeNone:
		k.op.Off = p.BaseOffset
		w.views.acknowledged(k.part, p.BaseOffset+int64(len(k.op.Values)))
		w.copies.acknowledged(k.part, p.BaseOffset, len(k.op.Values), k.crc)
		w.stamps.acknowledged(k.part, p.BaseOffset, k.op.Values)
		return checker.OK
	case slices.Contains(refusals, k.code):
		return checker.Failed
	case slices.Contains(impossible, k.code):
		w.violate(BadResponse, "client %d: a sound batch for %s is refused with code %d", c.number, w.partName(k.part), kept(k.code))
	}
	return checker.Unknown
}
