package sim

import (
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"logd/checker"
)

// readers differ in where they read.
type readMode int

const (
	readFromZero readMode = iota // all of a partition, then the next one
	readFromLast                 // what is new, by long poll
	readAnywhere
	readModes
)

// reader fetches, one request at a time.
type reader struct {
	mode readMode
	part int
	at   int64
	lost bool // its offset is below the log start
}

func (r *reader) act(c *client) {
	w := c.w
	if w.phase != phaseStorm || c.inflight > 0 {
		return
	}
	switch r.mode {
	case readAnywhere:
		r.part = c.rng.IntN(w.partitions())
		start := w.views.told[r.part]
		r.at = start + c.rng.Int64N(max(0, w.views.known[r.part]-start)+1)
	case readFromLast:
		r.at = max(r.at, w.views.known[r.part]-int64(c.rng.IntN(3)))
	}
	node, ok := c.leader(r.part)
	switch {
	case !ok:
	case r.lost:
		c.earliest(node, r.part)
	default:
		if c.moved(r.part, r.at) {
			c.epochEnd(node, r.part)
			return
		}
		if near := c.near[r.part]; near >= 0 {
			node = near
		} else if c.rng.IntN(8) == 0 {
			node = c.rng.IntN(w.opt.Brokers)
		}
		c.fetch(node, r.part, max(0, r.at))
	}
}

func (r *reader) done(c *client, k *call) {
	switch {
	case k.earliest && k.answered:
		r.at, r.lost = k.start, false
	case k.code == codeOutOfRange:
		r.lost = true
	}
	if k.op.Kind == checker.Read && k.op.Outcome == checker.OK {
		r.at = k.op.From + int64(len(k.op.Values))
		if len(k.op.Values) == 0 && r.mode == readFromZero {
			r.part, r.at = (r.part+1)%c.w.partitions(), 0
			r.at = c.w.views.told[r.part]
		}
		if r.mode == readFromLast && c.rng.IntN(20) == 0 {
			r.part, r.at = c.rng.IntN(c.w.partitions()), 0
		}
	}
	c.soon(c.pause(c.w.opt.Load.Think))
}

// fetch asks for a partition's records from an offset on. Answers are what they are: not linearizable, but never wrong.
func (c *client) fetch(node, part int, from int64) {
	w := c.w
	a := request{kind: askRead, node: node, part: part, at: from, version: int16(4 + c.rng.IntN(15))}
	a.wait = time.Duration(c.rng.Int64N(w.opt.Load.Timeout.Milliseconds()/2+1)) * time.Millisecond
	if w.phase == phaseCalm {
		a.wait = 0
	}
	a.most = 1 << (9 + c.rng.IntN(9))
	a.mostOf = 1 << (9 + c.rng.IntN(9))
	if w.drawn() && w.phase == phaseStorm { // the calm isn't recorded: it must draw the same when it is told (W12)
		a.rack, a.session = c.rng.IntN(w.opt.Load.Racks+1), c.rng.IntN(3) == 0
	}
	c.ask(a)
}

func (c *client) askRead(a request) {
	w := c.w
	k := &call{part: a.part, rack: a.rack, op: checker.Op{Kind: checker.Read, From: a.at}}
	req := kmsg.NewPtrFetchRequest()
	req.SetVersion(a.version)
	topic := a.part / w.opt.Load.Partitions
	if req.Version > 12 && c.ids[topic] == [16]byte{} {
		req.SetVersion(12)
	}
	req.MinBytes, req.MaxWaitMillis, req.MaxBytes = 1, int32(a.wait.Milliseconds()), a.most
	req.Rack = rackName(a.rack)
	t := kmsg.NewFetchRequestTopic()
	t.Topic, t.TopicID = topicNames[topic], c.ids[topic]
	p := kmsg.NewFetchRequestTopicPartition()
	p.Partition, p.FetchOffset, p.PartitionMaxBytes = int32(a.part%w.opt.Load.Partitions), a.at, a.mostOf
	if last := c.last[a.part]; last.next == a.at && last.next > 0 {
		p.LastFetchedEpoch = last.epoch
	}
	t.Partitions = append(t.Partitions, p)
	req.Topics = append(req.Topics, t)
	if a.session && req.Version >= 7 {
		k.session = true
		c.session(a.node).asks(req)
	}
	if n := w.nodes[a.node]; n.proc != nil {
		if g := w.groupOfPart(a.part); g != nil && g.replicas[n.index].live {
			k.boot, k.reached = n.proc.boot, g.replicas[n.index].highWatermark
		}
	}
	c.send(a.node, k, req, false)
}

// nothing judges an answer without records: of what a broker had applied when it was asked some must come (G9).
func (c *client) nothing(k *call) {
	if n := c.w.nodes[k.line.node]; k.op.From < k.reached && n.proc != nil && n.proc.boot == k.boot {
		c.w.violate(BadResponse, "client %d reads %s from %d, and broker %d, which had applied all up to %d when it was asked, gives nothing", c.number, c.w.partName(k.part), k.op.From, n.id, k.reached)
	}
}

func (c *client) fetched(k *call, resp *kmsg.FetchResponse) checker.Outcome {
	w := c.w
	if k.code = resp.ErrorCode; k.session {
		k.line.session.answered(resp)
	}
	switch {
	case k.code != codeNone:
		return checker.Failed
	case k.session && len(resp.Topics) == 0:
		c.nothing(k)
		return checker.OK // nothing new
	}
	if len(resp.Topics) != 1 || len(resp.Topics[0].Partitions) != 1 {
		w.violate(BadResponse, "client %d: a fetch of one partition is answered for %d topics", c.number, len(resp.Topics))
		return checker.Failed
	}
	p := &resp.Topics[0].Partitions[0]
	if k.code = p.ErrorCode; k.code == codeOutOfRange {
		c.outOfRange(k)
	}
	if k.code != codeNone {
		return checker.Failed
	}
	if g := w.groupOfPart(k.part); g != nil && (p.HighWatermark > g.end || p.LogStartOffset > g.start) {
		w.violate(BadResponse, "client %d reads %s: high watermark %d, log start %d; no replica had more than %d, %d", c.number, w.partName(k.part), p.HighWatermark, p.LogStartOffset, g.end, g.start)
	}
	if p.DivergingEpoch.Epoch >= 0 { // what was read is committed: no log ever parts from it
		w.violate(BadResponse, "client %d has read %s up to %d, of epoch %d last; it is told that epoch %d ends at %d", c.number, w.partName(k.part), k.op.From, c.last[k.part].epoch, p.DivergingEpoch.Epoch, p.DivergingEpoch.EndOffset)
		return checker.Failed
	}
	if p.PreferredReadReplica >= 0 && !c.sentNear(k, p) {
		return checker.Failed
	}
	dense := true
	err := decodeBatches(p.RecordBatches, func(off int64, value []byte) {
		if off < k.op.From {
			return // the batch that contains the offset comes whole
		}
		dense = dense && off == k.op.From+int64(len(k.op.Values))
		k.op.Values = append(k.op.Values, nameOf(value))
		k.op.Offs = append(k.op.Offs, off)
		w.placed(k.op.Values[len(k.op.Values)-1], off)
	})
	if err != nil {
		w.violate(BadResponse, "client %d: fetch of %s from %d: %v", c.number, w.partName(k.part), k.op.From, gist(err))
		return checker.Failed
	}
	if n := len(k.op.Values); n == 0 && p.HighWatermark >= 0 && p.PreferredReadReplica < 0 {
		c.nothing(k)
	} else if n > 0 {
		c.last[k.part] = w.views.epochsRead(k.part, p.RecordBatches)
		w.views.seen(k.part, k.op.Offs[n-1]+1)
		if k.op.From <= c.read[k.part] {
			c.read[k.part] = max(c.read[k.part], k.op.Offs[n-1]+1)
		}
	}
	if !dense { // no topic is compacted, so a hole is a record left out (G4)
		w.violate(BadResponse, "client %d: fetch of %s from %d leaves offsets out: %v", c.number, w.partName(k.part), k.op.From, k.op.Offs)
	}
	k.op.Offs = nil
	return checker.OK
}
