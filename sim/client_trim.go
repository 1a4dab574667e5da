package sim

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"logd/checker"
)

// What deleted prefixes mean for the history (W11). Trims, and questions for the log start, are operations of it. A log start, once a
// client was told of it, or once a replica has applied it, holds for ever; the checker goes on judging every value at its
// offset. So that it stays exact:
//
//	T1  Nobody trims what he hasn't read: below the offset that is asked for, each record was returned by an ok read of the
//	    same client, so its place is bound in the history (S15). The finishers read from the log start on.
//	T2  Retention deletes what nobody may have read. What is missing then are whole batches of unknown outcome, which tile
//	    exactly if all are of one size: a topic with retention gets batches of one record.
//	T3  OFFSET_OUT_OF_RANGE is right if and only if the offset asked for is below a log start that some replica has applied
//	    when the answer arrives, whether the read began before that or not. Such a read failed, and shows nothing.
//	T4  Records below the log start may still be served, by a leader that doesn't know yet or reads a file that is on its way
//	    out: they are the records of these offsets, and judged as ever.
//	T5  A log start is no higher than the highest offset that was asked to be trimmed (but in a topic with retention), and
//	    than the high watermark.
//	T6  Who asks for the log start, or trims, is told no less than anybody was told before he asked.
type trimmer struct {
	part int
	at   []int64 // by partition: read up to here, from the start that it was told of
	lost bool    // its offset is below the log start
}

func newTrimmer(w *World) *trimmer { return &trimmer{at: make([]int64, w.partitions())} }

func (r *trimmer) act(c *client) {
	w := c.w
	if w.phase != phaseStorm || c.inflight > 0 {
		return
	}
	node, ok := c.leader(r.part)
	if !ok {
		return
	}
	start, at := w.views.told[r.part], r.at[r.part]
	switch {
	case r.lost:
		c.earliest(node, r.part)
	case at > start && c.rng.IntN(8) == 0:
		c.trim(node, r.part, start+1+c.rng.Int64N(at-start))
	default:
		c.fetch(node, r.part, at)
	}
}

func (r *trimmer) done(c *client, k *call) {
	switch {
	case k.earliest && k.code == codeNone && k.answered:
		r.at[r.part], r.lost = max(r.at[r.part], k.start), false
	case k.code == codeOutOfRange:
		r.lost = true
	case good(k) && k.op.Kind == checker.Read:
		if n := int64(len(k.op.Values)); n > 0 {
			r.at[r.part] = k.op.From + n
		} else {
			r.part = (r.part + 1) % c.w.partitions()
		}
	}
	c.soon(c.pause(c.w.opt.Load.Think))
}

// trim asks that the records before an offset be deleted.
func (c *client) trim(node, part int, to int64) {
	c.ask(request{kind: askTrim, node: node, part: part, at: to, version: int16(c.rng.IntN(3))})
}

func (c *client) askTrim(a request) {
	w, part, to := c.w, a.part, a.at
	k := &call{part: part, trim: to, floor: w.views.told[part], op: checker.Op{Kind: checker.Trim, From: to}}
	req := kmsg.NewPtrDeleteRecordsRequest()
	req.SetVersion(a.version)
	req.TimeoutMillis = int32(w.opt.Load.Timeout.Milliseconds())
	t := kmsg.NewDeleteRecordsRequestTopic()
	t.Topic = w.topic(part)
	p := kmsg.NewDeleteRecordsRequestTopicPartition()
	p.Partition, p.Offset = int32(part%w.opt.Load.Partitions), to
	t.Partitions = append(t.Partitions, p)
	req.Topics = append(req.Topics, t)
	w.views.asked[part] = max(w.views.asked[part], to)
	c.send(a.node, k, req, false)
}

func (c *client) trimmed(k *call, resp *kmsg.DeleteRecordsResponse) bool {
	w := c.w
	if len(resp.Topics) != 1 || len(resp.Topics[0].Partitions) != 1 {
		w.violate(BadResponse, "client %d: a trim of one partition is answered for %d topics", c.number, len(resp.Topics))
		return false
	}
	p := &resp.Topics[0].Partitions[0]
	switch k.code = p.ErrorCode; {
	case k.code == codeOutOfRange:
		w.violate(BadResponse, "client %d: %s can't be trimmed to %d, it says, and %d offsets were read before", c.number, w.partName(k.part), k.trim, w.views.known[k.part])
	case k.code != codeNone:
		return false
	case p.LowWatermark < k.trim:
		w.violate(BadStart, "client %d: %s was trimmed to %d, and begins at %d", c.number, w.partName(k.part), k.trim, p.LowWatermark)
	default:
		k.op.Off = p.LowWatermark
		w.count[CountTrims]++
		c.learnStart(k, p.LowWatermark)
	}
	return true
}

// earliest asks for the log start.
func (c *client) earliest(node, part int) {
	c.ask(request{kind: askStart, node: node, part: part, version: c.listVersion()})
}

func (c *client) askStart(a request) {
	k := &call{part: a.part, earliest: true, floor: c.w.views.told[a.part], op: checker.Op{Kind: checker.Start}}
	c.send(a.node, k, c.listOffsets(a, -2), false)
}

// learnStart takes a log start that a broker told.
func (c *client) learnStart(k *call, start int64) {
	k.start, k.answered = start, true
	c.read[k.part] = max(c.read[k.part], start)
	c.w.views.tells(k.part, start, k.floor)
}

// outOfRange: an offset is below the log start, or the broker errs (T3). Beyond the end nobody asks (S13).
func (c *client) outOfRange(k *call) {
	w := c.w
	if start := w.views.startOf(k.part); k.op.From >= start {
		w.violate(BadResponse, "client %d: offset %d of %s is out of range (S13); %d were known when it was asked, and no replica's log starts above %d",
			c.number, k.op.From, w.partName(k.part), w.views.known[k.part], start)
	}
	w.count[CountBelowStart]++
}
