package sim

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"

	"logd/checker"
)

// tailer asks for the log's end while others append: the only bound from above that a history of Kafka's has; and, now and then, for an
// offset by its time. In a storm in which
// none was ever told one it goes on in the calm, before the last appends.
type tailer struct{ part int }

func (r *tailer) act(c *client) {
	w := c.w
	if w.phase != phaseStorm && !w.owesTail() || c.inflight > 0 {
		return
	}
	r.part = c.rng.IntN(w.partitions())
	node, ok := c.leader(r.part)
	switch {
	case !ok:
	case w.phase == phaseStorm && c.rng.IntN(4) == 0: // the calm isn't recorded: it must draw the same when it is told (W12)
		c.byTime(node, r.part)
	default:
		c.tail(node, r.part)
	}
}

func (r *tailer) done(c *client, k *call) {
	c.w.tailed = c.w.tailed || k.op.Kind == checker.Tail && k.op.Outcome == checker.OK
	c.soon(c.pause(2 * c.w.opt.Load.Think))
}

// owesTail tells whether the calm has to wait for a tailer: every partition takes one more append in it, so that one answer is
// a bound from above.
func (w *World) owesTail() bool {
	return w.phase == phaseCalm && !w.tailed && slices.ContainsFunc(w.clients, func(c *client) bool { _, ok := c.role.(*tailer); return ok })
}

func (c *client) tail(node, part int) {
	c.ask(request{kind: askTail, node: node, part: part, version: c.listVersion()})
}

func (c *client) listVersion() int16 { return int16(1 + c.rng.IntN(10)) }

func (c *client) askTail(a request) {
	k := &call{part: a.part, op: checker.Op{Kind: checker.Tail}}
	c.send(a.node, k, c.listOffsets(a, -1), false)
}

// listOffsets is a request for one offset of a partition: -1 its end, -2 its start.
func (c *client) listOffsets(a request, which int64) *kmsg.ListOffsetsRequest {
	w, part := c.w, a.part
	req := kmsg.NewPtrListOffsetsRequest()
	req.SetVersion(a.version)
	req.ReplicaID = -1
	t := kmsg.NewListOffsetsRequestTopic()
	t.Topic = w.topic(part)
	p := kmsg.NewListOffsetsRequestTopicPartition()
	p.Partition, p.Timestamp = int32(part%w.opt.Load.Partitions), which
	t.Partitions = append(t.Partitions, p)
	req.Topics = append(req.Topics, t)
	return req
}

func (c *client) listed(k *call, resp *kmsg.ListOffsetsResponse) checker.Outcome {
	if len(resp.Topics) != 1 || len(resp.Topics[0].Partitions) != 1 {
		c.w.violate(BadResponse, "client %d: the end of one partition is answered for %d topics", c.number, len(resp.Topics))
		return checker.Failed
	}
	p := &resp.Topics[0].Partitions[0]
	if k.code = p.ErrorCode; k.code != codeNone {
		return checker.Failed
	}
	if k.byTime {
		return c.foundByTime(k, p)
	}
	if k.earliest {
		k.op.Off = p.Offset
		c.learnStart(k, p.Offset)
		return checker.OK
	}
	k.op.Off = p.Offset
	c.w.views.seen(k.part, p.Offset)
	return checker.OK
}
