package sim

import (
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"logd/checker"
)

// fleetingParts is the most partitions that a fleeting topic has.
const fleetingParts = 2

// acquaintance is what a client knows of a fleeting topic, as of the last Metadata that told it: the life may be over by now.
type acquaintance struct {
	life    *life
	leaders []int // by partition: index of the broker that leads, -1 if nobody does
}

func (c *client) knows(topic int) *acquaintance {
	if c.fleeting == nil {
		c.fleeting = make([]acquaintance, c.w.opt.Load.Fleeting)
	}
	return &c.fleeting[topic]
}

// maker makes a fleeting topic, and some time later deletes it; after an unclear outcome it does either.
type maker struct {
	topic int
	there bool
	clear bool
}

func (r *maker) act(c *client) {
	w := c.w
	if w.phase != phaseStorm || c.inflight > 0 {
		return
	}
	creates := !r.there
	if !r.clear || c.rng.IntN(8) == 0 {
		creates = c.rng.IntN(2) == 0
	}
	a := request{part: -1, topic: r.topic, node: c.rng.IntN(w.opt.Brokers)}
	if creates {
		a.kind, a.version = askCreate, int16(2+c.rng.IntN(6))
		a.drawTopic(c)
	} else if a.kind, a.version = askDelete, int16(1+c.rng.IntN(6)); c.knows(r.topic).life != nil && c.rng.IntN(3) > 0 {
		a.version, a.byID = 6, true
	}
	c.asks(a)
}

// drawTopic draws what a new life is like.
func (a *request) drawTopic(c *client) {
	o := &c.w.opt.Load
	a.records, a.copies = 1+c.rng.IntN(fleetingParts), min(o.Replicas, c.w.opt.Brokers)
	if c.w.opt.Brokers <= 3 {
		a.copies = c.w.opt.Brokers
	}
	if chance(c.rng, o.Few) {
		a.copies = 1 + c.rng.IntN(c.w.opt.Brokers)
	}
	if !c.w.mayMake(a.copies) {
		a.copies = c.w.opt.Brokers
	}
	if o.FleetingKeeps > 0 && c.rng.IntN(2) == 0 {
		a.at = o.FleetingKeeps
	}
	a.size = c.rng.IntN(4) // of its other settings
}

func (r *maker) done(c *client, k *call) {
	if h := k.change; h != nil {
		if r.clear = h.clear; h.clear {
			r.there = h.create
		} else if h.create {
			c.w.markLoad(MarkCreateUnclear)
		}
	}
	if c.knows(r.topic).life == nil && r.there && k.change != nil { // it wants the id
		c.asks(request{kind: askTopic, part: -1, topic: r.topic, node: c.rng.IntN(c.w.opt.Brokers), version: int16(10 + c.rng.IntN(4))})
	}
	c.soon(c.pause(c.w.opt.Load.Lives))
}

// visitor appends to fleeting topics, reads them and asks for their ends, by what it knows of them, which may be old.
type visitor struct{ topic, index int }

func (r *visitor) act(c *client) {
	w := c.w
	if w.phase != phaseStorm || c.inflight > 0 {
		return
	}
	if c.rng.IntN(6) == 0 {
		r.topic = c.rng.IntN(w.opt.Load.Fleeting)
	}
	r.index = c.rng.IntN(fleetingParts)
	know := c.knows(r.topic)
	if r.index >= len(know.leaders) || know.leaders[r.index] < 0 || c.rng.IntN(40) == 0 {
		c.asks(request{kind: askTopic, part: -1, topic: r.topic, node: c.rng.IntN(w.opt.Brokers), version: int16(4 + c.rng.IntN(10))})
		return
	}
	a := request{part: -1, topic: r.topic, index: r.index, node: know.leaders[r.index], acks: -1}
	if c.rng.IntN(30) == 0 {
		a.node = c.rng.IntN(w.opt.Brokers)
	}
	switch k := c.rng.IntN(10); {
	case k < 5:
		a.kind, a.version, a.records, a.size = askPut, int16(3+c.rng.IntN(11)), 1+c.rng.IntN(w.opt.Load.Records), 10+c.rng.IntN(w.opt.Load.Bytes)
		if w.opt.Load.FleetingKeeps > 0 {
			a.records = 1 // (T2)
		}
	case k < 9:
		a.kind, a.version, a.wait = askGet, int16(4+c.rng.IntN(15)), time.Duration(c.rng.Int64N(w.opt.Load.Timeout.Milliseconds()/2+1))*time.Millisecond
		a.most, a.mostOf = 1<<(9+c.rng.IntN(9)), 1<<(9+c.rng.IntN(9))
		if know.life != nil && c.rng.IntN(3) > 0 {
			a.at = c.rng.Int64N(know.life.length(r.index) + 1)
		}
	default:
		a.kind, a.version = askEnd, c.listVersion()
	}
	c.asks(a)
}

func (r *visitor) done(c *client, k *call) { c.soon(c.pause(c.w.opt.Load.Think)) }

// askFleeting sends a request about a fleeting topic.
func (c *client) askFleeting(a request) {
	t, know := c.w.topics, c.knows(a.topic)
	k := &call{part: -1, topic: a.topic + 1, index: a.index}
	switch a.kind {
	case askCreate:
		k.change = t.call(a.topic, topicChange{create: true, copies: a.copies, parts: a.records, keeps: a.at > 0})
		c.sendFleeting(a, k, createFleeting(a))
	case askDelete:
		k.change = t.call(a.topic, topicChange{byID: a.byID && know.life != nil, life: map[bool]*life{true: know.life}[a.byID]})
		c.sendFleeting(a, k, c.deleteFleeting(a, k.change))
	case askTopic:
		req := kmsg.NewPtrMetadataRequest()
		req.AllowAutoTopicCreation = false
		req.Topics = []kmsg.MetadataRequestTopic{{Topic: kmsg.StringPtr(fleetingNames[a.topic])}}
		c.asking = true
		c.sendFleeting(a, k, req)
	case askPut:
		c.put(a, k)
	case askGet:
		c.get(a, k)
	case askEnd:
		k.op.Kind = checker.Tail
		if k.earliest = a.at > 0; k.earliest {
			k.op.Kind = checker.Start
		}
		req := kmsg.NewPtrListOffsetsRequest()
		req.ReplicaID = -1
		p := kmsg.NewListOffsetsRequestTopicPartition()
		p.Partition, p.Timestamp = int32(a.index), -1-a.at
		req.Topics = []kmsg.ListOffsetsRequestTopic{{Topic: fleetingNames[a.topic], Partitions: []kmsg.ListOffsetsRequestTopicPartition{p}}}
		c.sendFleeting(a, k, req)
	}
}

func (c *client) sendFleeting(a request, k *call, req kmsg.Request) {
	req.SetVersion(a.version)
	c.send(a.node, k, req, false)
}

func createFleeting(a request) *kmsg.CreateTopicsRequest {
	req := kmsg.NewPtrCreateTopicsRequest()
	req.TimeoutMillis = 1000
	t := kmsg.NewCreateTopicsRequestTopic()
	t.Topic, t.NumPartitions, t.ReplicationFactor = fleetingNames[a.topic], int32(a.records), int16(a.copies)
	set := func(name, value string) {
		row := kmsg.NewCreateTopicsRequestTopicConfig()
		row.Name, row.Value = name, kmsg.StringPtr(value)
		t.Configs = append(t.Configs, row)
	}
	if a.at > 0 {
		set("retention.bytes", fmt.Sprint(a.at))
	}
	if a.size&1 > 0 {
		set("segment.bytes", fmt.Sprint(1<<20))
	}
	if a.size&2 > 0 {
		set("message.timestamp.type", "LogAppendTime")
	}
	req.Topics = []kmsg.CreateTopicsRequestTopic{t}
	return req
}

func (c *client) deleteFleeting(a request, h *topicChange) *kmsg.DeleteTopicsRequest {
	req := kmsg.NewPtrDeleteTopicsRequest()
	req.TimeoutMillis, req.TopicNames = 1000, []string{fleetingNames[a.topic]}
	row := kmsg.DeleteTopicsRequestTopic{Topic: &req.TopicNames[0]}
	if h.life != nil {
		row = kmsg.DeleteTopicsRequestTopic{TopicID: h.life.id}
	}
	req.Topics = []kmsg.DeleteTopicsRequestTopic{row}
	return req
}

// byTopicID has a request name its topic by the id that the client knows, where its version can; else it goes by name.
func (c *client) byTopicID(a *request, k *call, since int16) (id [16]byte) {
	if a.version < since {
		return id
	}
	if k.life = c.knows(a.topic).life; k.life == nil {
		a.version = since - 1
		return id
	}
	return k.life.id
}

func (c *client) put(a request, k *call) {
	k.op.Kind = checker.Append
	for range a.records {
		c.values++
		k.op.Values = append(k.op.Values, fmt.Sprintf("%d.%d", c.number, c.values))
	}
	req := kmsg.NewPtrProduceRequest()
	req.Acks, req.TimeoutMillis = a.acks, int32(c.w.opt.Load.Timeout.Milliseconds())
	p := kmsg.NewProduceRequestTopicPartition()
	p.Partition, p.Records = int32(a.index), encodeBatch(k.op.Values, a.size, epoch+c.w.now.Milliseconds())
	t := kmsg.NewProduceRequestTopic()
	t.Topic, t.TopicID = fleetingNames[a.topic], c.byTopicID(&a, k, 13)
	t.Partitions = []kmsg.ProduceRequestTopicPartition{p}
	req.Topics = []kmsg.ProduceRequestTopic{t}
	c.w.nodes[a.node].offers(len(p.Records))
	c.sendFleeting(a, k, req)
}

func (c *client) get(a request, k *call) {
	k.op.Kind, k.op.From = checker.Read, a.at
	req := kmsg.NewPtrFetchRequest()
	req.MinBytes, req.MaxWaitMillis, req.MaxBytes = 1, int32(a.wait.Milliseconds()), a.most
	p := kmsg.NewFetchRequestTopicPartition()
	p.Partition, p.FetchOffset, p.PartitionMaxBytes = int32(a.index), a.at, a.mostOf
	t := kmsg.NewFetchRequestTopic()
	t.Topic, t.TopicID = fleetingNames[a.topic], c.byTopicID(&a, k, 13)
	t.Partitions = []kmsg.FetchRequestTopicPartition{p}
	req.Topics = []kmsg.FetchRequestTopic{t}
	c.sendFleeting(a, k, req)
}

// met takes an answer about a fleeting topic.
func (c *client) met(k *call) checker.Outcome {
	outcome := checker.OK
	switch resp := k.resp.(type) {
	case *kmsg.CreateTopicsResponse:
		c.metCreated(k, &resp.Topics[0])
	case *kmsg.DeleteTopicsResponse:
		c.metDeleted(k, &resp.Topics[0])
	case *kmsg.MetadataResponse:
		c.metTopic(k, resp)
	case *kmsg.ProduceResponse:
		outcome = c.metAppended(k, &resp.Topics[0].Partitions[0])
	case *kmsg.FetchResponse:
		outcome = c.metRead(k, resp)
	case *kmsg.ListOffsetsResponse:
		outcome = c.metEnd(k, &resp.Topics[0].Partitions[0])
	}
	switch k.code {
	case codeNone, codeOutOfRange:
	default:
		if know := c.knows(k.topic - 1); k.index < len(know.leaders) {
			know.leaders[k.index] = -1
		}
		if what := refusalCodes[k.code]; what != "" {
			c.w.topics.judgeRefusal(k, "answers "+what)
		}
	}
	return outcome
}

// unproposed are the answers to a change that prove that it was not proposed.
var unproposed = []int16{codeNotController, codeNotLeader, codeNoLeader, codeNotEnough}

func (c *client) metCreated(k *call, row *kmsg.CreateTopicsResponseTopic) {
	t, topic, h := c.w.topics, k.topic-1, k.change
	switch k.code = row.ErrorCode; {
	case k.code == codeNone:
		t.ends(h, true, true)
		t.created(topic, h, row.TopicID)
		c.w.count[CountTopicsMade]++
	case k.code == codeTopicExists:
		k.code = codeNone
		t.ends(h, true, false)
		t.taken(topic, h)
	case k.code == codeTimedOut:
		t.ends(h, false, false)
	case slices.Contains(unproposed, k.code):
		t.ends(h, true, false)
	default:
		c.w.violate(BadResponse, "client %d: a creation of %s is refused with code %d: %s", c.number, row.Topic, kept(k.code), gist(deref(row.ErrorMessage)))
	}
	c.knows(topic).life = nil
}

func (c *client) metDeleted(k *call, row *kmsg.DeleteTopicsResponseTopic) {
	t, topic, h := c.w.topics, k.topic-1, k.change
	switch k.code = row.ErrorCode; {
	case k.code == codeNone:
		t.ends(h, true, true)
		t.deleted(topic, h, row.TopicID)
		c.w.count[CountTopicsDeleted]++
	case k.code == codeUnknownTopic || k.code == codeUnknownID:
		k.code = codeNone
		t.ends(h, true, false)
		t.missing(topic, h)
	case k.code == codeTimedOut:
		t.ends(h, false, false)
	case slices.Contains(unproposed, k.code):
		t.ends(h, true, false)
	default:
		c.w.violate(BadResponse, "client %d: a deletion of %s is refused with code %d: %s", c.number, fleetingNames[topic], kept(k.code), gist(deref(row.ErrorMessage)))
	}
	c.knows(topic).life = nil
}

func (c *client) metTopic(k *call, resp *kmsg.MetadataResponse) {
	topic, know := k.topic-1, c.knows(k.topic-1)
	*know = acquaintance{}
	for _, row := range resp.Topics {
		if k.code = row.ErrorCode; k.code != codeNone {
			continue
		}
		if resp.Version >= 10 {
			know.life = c.w.topics.lifeOf(topic, row.TopicID)
			know.life.parts = len(row.Partitions)
			c.w.topics.told(k, know.life)
		}
		for _, p := range row.Partitions {
			for len(know.leaders) <= int(p.Partition) {
				know.leaders = append(know.leaders, -1)
			}
			if n := c.w.node(p.Leader); p.ErrorCode == codeNone && n != nil {
				know.leaders[p.Partition] = n.index
			}
		}
	}
}

func (c *client) metAppended(k *call, p *kmsg.ProduceResponseTopicPartition) checker.Outcome {
	switch k.code = p.ErrorCode; {
	case k.code == codeNone:
		k.op.Off = p.BaseOffset
		if k.life = c.w.topics.lifeOfAnswer(k); k.life != nil {
			k.life.acknowledged(c.w, k, p.BaseOffset+int64(len(k.op.Values)))
		}
		return checker.OK
	case slices.Contains(refusals, k.code):
		return checker.Failed
	case slices.Contains(impossible, k.code):
		c.w.violate(BadResponse, "client %d: a sound batch for %s is refused with code %d", c.number, labelled(k.topic-1, k.index), kept(k.code))
	}
	return checker.Unknown
}

// acknowledged: some replica must have applied it.
func (l *life) acknowledged(w *World, k *call, end int64) {
	if g := l.group(k.index); g != nil && g.end < end {
		w.violate(NotOnMajority, "%s: offset %d is acknowledged, and no replica's high watermark was ever above %d", g.named(), end-1, g.end)
	}
	l.seen(k.index, end)
}

func (c *client) metRead(k *call, resp *kmsg.FetchResponse) checker.Outcome {
	if k.code = resp.ErrorCode; k.code != codeNone {
		return checker.Failed
	}
	p := &resp.Topics[0].Partitions[0]
	if k.code = p.ErrorCode; k.code == codeOutOfRange && k.life != nil {
		if g := k.life.group(k.index); g == nil || k.op.From >= g.start {
			c.w.violate(BadResponse, "client %d: offset %d of %s is out of range (S13); %d were known when it was asked", c.number, k.op.From, labelledLife(k.life, k.index), k.life.length(k.index))
		}
	}
	if k.code != codeNone {
		return checker.Failed
	}
	if len(p.RecordBatches) == 0 && p.HighWatermark < 0 { // time was up before the partition's shard had answered: it says nothing of any log
		return checker.OK
	}
	k.life = c.w.topics.lifeOfAnswer(k)
	err := decodeBatches(p.RecordBatches, func(off int64, value []byte) {
		if off >= k.op.From {
			k.op.Values, k.op.Offs = append(k.op.Values, nameOf(value)), append(k.op.Offs, off)
		}
	})
	if err != nil {
		c.w.violate(BadResponse, "client %d: fetch of %s from %d: %v", c.number, labelled(k.topic-1, k.index), k.op.From, gist(err))
		return checker.Failed
	}
	if n := len(k.op.Offs); n > 0 && k.life != nil {
		k.life.seen(k.index, k.op.Offs[n-1]+1)
	}
	return checker.OK
}

func (c *client) metEnd(k *call, p *kmsg.ListOffsetsResponseTopicPartition) checker.Outcome {
	if k.code = p.ErrorCode; k.code != codeNone {
		return checker.Failed
	}
	k.op.Off, k.start, k.answered = p.Offset, p.Offset, true
	if k.life = c.w.topics.lifeOfAnswer(k); k.life != nil {
		k.life.seen(k.index, p.Offset)
	}
	return checker.OK
}

// told: a broker says that a life is there. It may not have heard of its end; what its process has dropped it has heard of, but what an
// earlier one has dropped, of which its disk tells, it may hear of later.
func (t *topicLedger) told(k *call, l *life) {
	n := t.w.nodes[k.line.node]
	for _, g := range l.groups {
		if g != nil && g.dropped[n.index] > 0 && g.dropped[n.index] == g.held[n.index] && g.dropped[n.index] < k.sent-time.Second && n.illSince(g.dropped[n.index]) == "" {
			t.w.violate(DeletedServed, "broker %d, asked at %v, says that %s is there, and has dropped its replica at %v (D4)", n.id, k.sent, l.label, g.dropped[n.index])
		}
	}
}

// judgeRefusal judges a refusal as others are, if what was asked for was surely there all the time.
func (t *topicLedger) judgeRefusal(k *call, what string) {
	l := k.life
	if k.change == nil {
		for _, other := range t.names[k.topic-1].lives {
			if l == nil && t.surely(other, k.sent-tellsWithin, t.w.now, nil) {
				l = other
			}
		}
		if l == nil || !t.surely(l, k.sent-tellsWithin, t.w.now, nil) {
			t.w.count[CountRefusedFleeting]++
			return
		}
		k.about = l.group(k.index)
	}
	t.w.refused(k, k.code, what)
}

// asks begins an operation of a fleeting topic's history.
func (t *topicLedger) asks(c *client, k *call) {
	t.w.judge.ids++
	k.op.ID, k.op.Call, k.op.Client, k.op.Session = t.w.judge.ids, int64(t.w.now), int64(c.number), c.sessions
	t.ops = append(t.ops, k)
}
