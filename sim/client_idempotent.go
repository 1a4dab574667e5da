package sim

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"logd/checker"
)

// An idempotent producer's client sends the same batch, under the same sequence, until it knows what became of it, to whatever broker
// leads by then, with up to five batches on their way. It is judged so (G6):
//
//	I1  A value is one operation of the history, however often it is sent: called when it is sent first, ended by the first answer
//	    that settles it. A second copy in the log is a value at two offsets there.
//	I2  Every answer that says where a batch is says the same.
//	I3  Values of one producer id and epoch stand in a partition in the order in which they were sent first.
//	I4  A batch is refused as out of order only if one before it isn't settled, or one that was sent behind it may be there in its
//	    stead: as the first of a producer of which nothing is known, since this one was lost or refused, or as one of so many that
//	    this one isn't remembered. What was acknowledged is known, for as long as producers are kept: nothing is there in the
//	    stead of what follows it.
//	I5  No producer id is given twice.
//	I6  A producer's newest epoch isn't fenced.
//
// What it gives up (it has waited too long, or restarts) is of unknown outcome; it goes on with a new id, or epoch, and new values.
type idempotent struct {
	has    bool // an id
	id     int64
	epoch  int16
	live   []*sending      // not settled, in order
	lines  []*lineup       // by partition, of this id and epoch
	heard  []time.Duration // by partition: when the last one of this id was acknowledged, 0 if none was
	asking bool
}

// sending is one batch.
type sending struct {
	k      *call // the operation
	id     int64
	epoch  int16
	first  int32
	bytes  []byte
	since  time.Duration
	flying int // requests under way with it
	ended  bool
	nth    int // batch of the lineup
	in     *lineup
}

// lineup is what one producer id and epoch sent to a partition, in order.
type lineup struct {
	next   int32 // sequence
	offs   []int64
	before time.Duration   // when the last one of the same id in an earlier epoch was acknowledged, 0 if none was
	acked  []time.Duration // by batch, 0: it wasn't
}

// inFlight is how many batches a client may have under way (KIP-98).
const inFlight = 5

// retrier is the role of such a client.
type retrier struct{ part int }

func (r *retrier) done(c *client, _ *call) { c.soon(c.pause(c.w.opt.Load.Think / 4)) }

func (r *retrier) act(c *client) {
	w, p := c.w, c.producer()
	if w.phase != phaseStorm {
		c.renounce()
		return
	}
	defer c.soon(c.pause(c.w.opt.Load.Think))
	switch {
	case p.asking:
		return
	case p.has && (len(p.live) > 0 && w.now-p.live[0].since > w.patience() || c.rng.IntN(1000) < w.opt.Load.Restarts):
		if c.rng.IntN(2) == 0 && p.epoch < math.MaxInt16 {
			c.ask(request{kind: askBump, part: -1})
			return
		}
		fallthrough
	case !p.has:
		c.ask(request{kind: askProducer, part: -1, node: c.rng.IntN(w.opt.Brokers), version: int16(c.rng.IntN(6))})
		return
	}
	node, ok := c.leader(r.part)
	if !ok {
		return
	}
	a := request{node: node, part: r.part, acks: -1, version: int16(8 + c.rng.IntN(6))}
	again := slices.IndexFunc(p.live, func(b *sending) bool { return b.flying == 0 })
	if again < 0 && len(p.live) > 0 && c.rng.IntN(20) == 0 {
		again = c.rng.IntN(len(p.live)) // though it is on its way
	}
	if again >= 0 {
		a.kind, a.at = askResend, int64(p.live[again].first)
	} else if len(p.live) < inFlight {
		a.kind, a.records, a.size, a.at = askSend, 1+c.rng.IntN(w.opt.Load.Records), 10+c.rng.IntN(w.opt.Load.Bytes), r.sequence(c)
		if w.retains(r.part) {
			a.records = 1 // (T2)
		}
	} else {
		return
	}
	c.ask(a)
}

// sequence is the next one. A producer of which nothing is known may begin with any: some begin shortly before the highest.
func (r *retrier) sequence(c *client) int64 {
	if next, ok := c.nextSequence(r.part); ok {
		return next
	}
	if c.rng.IntN(4) == 0 {
		return math.MaxInt32 - c.rng.Int64N(20)
	}
	return 0
}

// nextSequence is the only one with which the client's next batch for a partition may begin; not ok if any may.
func (c *client) nextSequence(part int) (next int64, ok bool) {
	p := c.producer()
	if l := p.lines[part]; l != nil {
		return int64(l.next), true
	}
	return 0, p.epoch > 0 // a higher epoch begins with 0 (KIP-360)
}

// patience is how long a batch is sent again: half of what its producer is remembered for at least, so that none is that was forgotten.
func (w *World) patience() time.Duration {
	keep := w.opt.Limits.ProducerKeep
	for _, n := range w.nodes {
		keep = min(keep, n.limits.ProducerKeep)
	}
	return keep / 24 / 2
}

func (c *client) producer() *idempotent {
	if c.idem == nil {
		n := c.w.partitions()
		c.idem = &idempotent{lines: make([]*lineup, n), heard: make([]time.Duration, n)}
	}
	return c.idem
}

// askID restarts the client: what it was at is of unknown outcome, and it asks for a producer id.
func (c *client) askID(a request) {
	p := c.producer()
	c.renounce()
	for _, l := range slices.Clone(c.lines) {
		if l != nil {
			c.drop(l)
		}
	}
	p.has, p.asking = false, true
	req := kmsg.NewPtrInitProducerIDRequest()
	req.SetVersion(a.version)
	if a.version >= 3 && p.id > 0 {
		req.ProducerID, req.ProducerEpoch = p.id, p.epoch
	}
	c.send(a.node, &call{part: -1}, req, false)
}

// bump raises the epoch, as clients do by themselves (KIP-360).
func (c *client) bump() {
	c.renounce()
	p := c.producer()
	p.epoch++
	clear(p.lines)
}

func (c *client) gotID(k *call, resp *kmsg.InitProducerIDResponse) {
	w, p := c.w, c.producer()
	if k.code = resp.ErrorCode; k.code != codeNone {
		if k.code != codeLoading {
			w.violate(BadResponse, "client %d asks for a producer id, and is refused with code %d", c.number, kept(k.code))
		}
		w.refused(k, k.code, "answers "+coordinatorCodes[k.code])
		return
	}
	if w.producerIDs[resp.ProducerID] || resp.ProducerEpoch != 0 {
		w.violate(IDTwice, "client %d is given producer id %d, epoch %d, which was given before (I5)", c.number, resp.ProducerID, resp.ProducerEpoch)
		return
	}
	w.producerIDs[resp.ProducerID] = true
	p.has, p.id, p.epoch = true, resp.ProducerID, resp.ProducerEpoch
	clear(p.lines)
	clear(p.heard)
}

// renounce gives up all batches that aren't settled.
func (c *client) renounce() {
	if c.idem == nil {
		return
	}
	for len(c.idem.live) > 0 {
		c.settle(c.idem.live[0], checker.Unknown)
	}
}

// settle ends a batch's operation.
func (c *client) settle(b *sending, outcome checker.Outcome) {
	b.ended = true
	c.idem.live = slices.DeleteFunc(c.idem.live, func(other *sending) bool { return other == b })
	b.k.op.Outcome = outcome
	c.w.judge.complete(&b.k.op)
	c.w.watch.returns(b.k, outcome)
	c.w.markEnded(b.k, c.number)
	c.tally(b.k)
	if outcome == checker.Unknown {
		c.sessions++
	}
}

// askNew sends new values as one batch, from a sequence on.
func (c *client) askNew(a request) {
	w, p := c.w, c.producer()
	l := p.lines[a.part]
	if l == nil {
		l = &lineup{before: p.heard[a.part]}
		p.lines[a.part] = l
	}
	b := &sending{k: &call{part: a.part, op: checker.Op{Kind: checker.Append}}, id: p.id, epoch: p.epoch, first: int32(a.at), since: w.now, nth: len(l.acked), in: l}
	l.acked = append(l.acked, 0)
	for range a.records {
		c.values++
		name := fmt.Sprintf("%d.%d", c.number, c.values)
		b.k.op.Values = append(b.k.op.Values, name)
		w.lined[name] = placeInLine{b.in, len(l.offs)}
		l.offs = append(l.offs, -1)
	}
	l.next = int32(uint32(b.first+int32(a.records)) & math.MaxInt32)
	b.bytes = encodeStamped(b.k.op.Values, a.size, recordTime)
	be := binary.BigEndian
	be.PutUint64(b.bytes[43:], uint64(p.id))
	be.PutUint16(b.bytes[51:], uint16(p.epoch))
	be.PutUint32(b.bytes[53:], uint32(b.first))
	be.PutUint32(b.bytes[17:], crc32.Checksum(b.bytes[21:], castagnoli))
	b.k.op.Client, b.k.op.Session, b.k.op.Partition = int64(c.number), c.sessions, w.partName(a.part)
	b.k.op.Idempotent, b.k.op.Producer, b.k.op.Epoch, b.k.op.Seq = true, p.id, int64(p.epoch), int64(b.first)
	p.live = append(p.live, b)
	w.judge.invoke(&b.k.op)
	w.markAsked(b.k, c.number)
	b.k.key = int16(kmsg.Produce)
	w.watch.sends(c, a.node, b.k) // the append, from its first request to the answer that settles it
	c.sendBatch(a, b)
}

// askAgain sends a batch that isn't settled once more.
func (c *client) askAgain(a request) {
	b := c.unsettled(a.part, a.at)
	c.w.markLoad(MarkRetry)
	c.sendBatch(a, b)
}

// unsettled is the batch of a partition with a first sequence that isn't settled; nil if there is none.
func (c *client) unsettled(part int, sequence int64) *sending {
	for _, b := range c.producer().live {
		if b.k.part == part && int64(b.first) == sequence {
			return b
		}
	}
	return nil
}

func (c *client) sendBatch(a request, b *sending) {
	b.flying++
	req := c.produceRequest(a, b.bytes)
	c.send(a.node, &call{part: a.part, batch: b}, req, false)
}

// sentOne settles a batch by an answer.
func (c *client) sentOne(k *call, p *kmsg.ProduceResponseTopicPartition) checker.Outcome {
	w, b := c.w, k.batch
	op := &b.k.op
	switch k.code = p.ErrorCode; {
	case k.code == codeNone && b.ended:
		if op.Outcome == checker.OK && op.Off != p.BaseOffset {
			w.violate(RetryElsewhere, "client %d: producer %d, epoch %d, sequence %d is at offset %d of %s by one answer, and at %d by another (I2)",
				c.number, b.id, b.epoch, b.first, op.Off, op.Partition, p.BaseOffset)
		}
		return checker.OK
	case k.code == codeNone:
		op.Off = p.BaseOffset
		b.in.acked[b.nth], c.idem.heard[k.part] = w.now, w.now
		w.views.acknowledged(k.part, p.BaseOffset+int64(len(op.Values)))
		w.copies.acknowledged(k.part, p.BaseOffset, len(op.Values), crcOf(b.bytes))
		w.stamps.acknowledged(k.part, p.BaseOffset, op.Values)
		for i, v := range op.Values {
			w.placed(v, p.BaseOffset+int64(i))
		}
		c.settle(b, checker.OK)
		return checker.OK
	case b.ended:
	case k.code == codeSequence:
		c.outOfOrder(b)
	case k.code == codeProducerEpoch:
		w.violate(BadResponse, "client %d: producer %d is refused for its epoch %d, and has no newer one (I6)", c.number, b.id, b.epoch)
	case slices.Contains(impossible, k.code):
		w.violate(BadResponse, "client %d: a sound batch for %s is refused with code %d", c.number, w.partName(k.part), kept(k.code))
	case k.code == codeNotEnough && p.ErrorMessage != nil && strings.HasPrefix(*p.ErrorMessage, "too many producers"):
		k.code = codeNone // a bound, and none of those that are judged by refused
		w.markLoad(MarkProducersFull)
	}
	return checker.Unknown
}

// outOfOrder judges a refusal (I4). What can't be there any more, since others are, is given up with its epoch.
func (c *client) outOfOrder(b *sending) {
	w, l := c.w, b.in
	first := slices.IndexFunc(c.idem.live, func(other *sending) bool { return other.in == l })
	if c.idem.live[first] != b || b.flying > 1 { // this answer's own request counts
		w.markLoad(MarkGap)
		return
	}
	before, behind := l.before, len(l.acked)-1-b.nth
	if b.nth > 0 {
		before = l.acked[b.nth-1] // it was: whoever gives up a batch gives up the lineup
	}
	known := before > 0 && w.now-before < w.patience()
	if behind == 0 && (b.nth == 0 || known) || known && behind < inFlight {
		w.violate(SequenceRefused, "client %d: producer %d, epoch %d: sequence %d, batch %d of %d that were sent, is refused as out of order; the one before it was acknowledged at %v (I4)",
			c.number, b.id, b.epoch, b.first, b.nth+1, len(l.acked), before)
		return
	}
	c.bump()
}

// placeInLine is where a value stands in its lineup.
type placeInLine struct {
	in *lineup
	at int
}

// placed notes where a value is (I3).
func (w *World) placed(value string, off int64) {
	p, ok := w.lined[value]
	if !ok || p.in.offs[p.at] >= 0 {
		return // another place is for the checker
	}
	offs := p.in.offs
	offs[p.at] = off
	before, after := p.at-1, p.at+1
	for before >= 0 && offs[before] < 0 {
		before--
	}
	for after < len(offs) && offs[after] < 0 {
		after++
	}
	if before >= 0 && offs[before] > off || after < len(offs) && offs[after] < off {
		w.violate(ProducerOrder, "%q is at offset %d, and a value that its producer sent before it, or after it, on the other side (I3)", value, off)
	}
}
