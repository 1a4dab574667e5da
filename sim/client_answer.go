package sim

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"logd/checker"
)

// receive takes bytes of a connection, cut anywhere.
func (c *client) receive(cn *conn, b []byte) {
	l := c.lineOf(cn)
	if l == nil {
		return
	}
	l.frames.Feed(b)
	for {
		frame, ok, err := l.frames.Next()
		if err != nil {
			c.w.violate(BadResponse, "client %d: %v", c.number, gist(err))
		}
		if !ok || err != nil {
			return
		}
		c.response(l, frame)
		if c.lines[l.node] != l {
			return
		}
	}
}

func (c *client) response(l *line, frame []byte) {
	w := c.w
	if len(l.pending) == 0 {
		w.violate(BadResponse, "client %d gets %d bytes from broker %d, and nothing was asked", c.number, len(frame), l.node+1)
		return
	}
	k := l.pending[0]
	corr, resp, err := w.decoded.response(frame, k.key, k.version)
	switch {
	case corr != k.corr:
		w.violate(ResponseOrder, "client %d gets the response to request %d of broker %d, its next one is %d", c.number, corr, l.node+1, k.corr)
		return
	case err != nil:
		w.violate(BadResponse, "client %d, %s version %d: %v", c.number, kept(kmsg.NameForKey(k.key)), k.version, gist(err))
		return
	}
	l.pending = l.pending[1:]
	c.inflight--
	k.resp = resp
	if k.offer != nil {
		k.offer.answered = w.now
	}
	c.answered(k)
}

// answered settles what a response says.
func (c *client) answered(k *call) {
	if k.topic > 0 {
		c.end(k, c.met(k))
		return
	}
	outcome := checker.OK
	switch resp := k.resp.(type) {
	case *kmsg.MetadataResponse:
		c.metadata(k, resp)
	case *kmsg.CreateTopicsResponse:
		c.created(resp, k)
	case *kmsg.ProduceResponse:
		outcome = c.produced(k, resp)
	case *kmsg.InitProducerIDResponse:
		c.gotID(k, resp)
	case *kmsg.FetchResponse:
		outcome = c.fetched(k, resp)
	case *kmsg.ListOffsetsResponse:
		outcome = c.listed(k, resp)
	case *kmsg.OffsetForLeaderEpochResponse:
		outcome = c.toldEnd(k, resp)
	case *kmsg.DescribeTopicPartitionsResponse:
		outcome = c.layout(k, resp)
	case *kmsg.DescribeLogDirsResponse:
		outcome = c.dirs(k, resp)
	case *kmsg.DeleteRecordsResponse:
		if !c.trimmed(k, resp) {
			outcome = checker.Unknown // a leader that has lost its place may have proposed it
		}
	default:
		outcome = c.heard(k)
	}
	c.w.foreign(k)
	switch what := refusalCodes[k.code]; {
	case k.group != "":
		c.w.refusedByGroup(k)
	case what != "" && k.key != int16(kmsg.Metadata) && k.key != int16(kmsg.DescribeTopicPartitions):
		c.w.refused(k, k.code, "answers "+what)
	}
	if c.w.violation != nil {
		return
	}
	if k.part >= 0 && outcome != checker.OK {
		c.leaders[k.part], c.near[k.part] = -1, -1
	}
	c.consumed(k, outcome)
	c.end(k, outcome)
}

// end closes a call.
func (c *client) end(k *call, outcome checker.Outcome) {
	w := c.w
	k.ended = true
	if k.batch != nil {
		k.batch.flying--
	}
	if k.key == int16(kmsg.InitProducerID) {
		c.producer().asking = false
	}
	w.watch.returns(k, outcome)
	if k.op.Kind != 0 {
		k.op.Outcome = outcome
		if k.topic > 0 {
			k.op.Ret = int64(w.now)
		} else {
			w.judge.complete(&k.op)
			w.markEnded(k, c.number)
		}
		c.tally(k)
		if outcome == checker.Unknown {
			c.sessions++
		}
	}
	if w.trace.verbose() {
		w.trace.line(w.now, traceClient, "client %d: %s %s %v is %v, code %d, off %d, %d values", c.number, kmsg.NameForKey(k.key), k.op.Partition, k.op.ID, outcome, k.code, k.op.Off, len(k.op.Values))
	}
	if k.key == int16(kmsg.Metadata) {
		c.asking = false
		if r, ok := c.role.(*closer); ok {
			r.found(c)
		}
		c.soon(c.pause(retryAfter))
		return
	}
	c.role.done(c, k)
}

func (c *client) tally(k *call) {
	w := c.w
	switch k.op.Kind {
	case checker.Append:
		w.count[[...]Count{0, CountAcked, CountFailed, CountUnknown}[k.op.Outcome]]++
		if k.op.Outcome == checker.OK {
			w.count[CountAckedRecords] += int64(len(k.op.Values))
		}
	case checker.Read:
		w.count[CountReads]++
		w.count[CountRecordsRead] += int64(len(k.op.Values))
	case checker.Tail:
		w.count[CountTails]++
	}
}
