package group

import (
	"github.com/twmb/franz-go/pkg/kmsg"
)

// InvalidCommit is INVALID_COMMIT_OFFSET_SIZE: the offsets don't fit, into one write or into the bound of all.
const InvalidCommit int16 = 28

// commit takes an OffsetCommit, which is answered once its records are committed.
func (m *Machine) commit(g *group, c Call, req *kmsg.OffsetCommitRequest) {
	codes := map[offsetKey]int16{}
	refuse := func(code int16) { m.answer(c.Ticket, commitResponse(req, func(offsetKey) int16 { return code })) }
	if code := m.mayCommit(g, c, req); code != None {
		refuse(code)
		return
	}
	if k := g.classic; k != nil && (k.state == stable || k.state == preparing) {
		if b := k.byID[req.MemberID]; b != nil {
			m.session(g, b, b.session)
		}
	}
	var records []Record
	bytes := 0
	for i := range req.Topics {
		t := &req.Topics[i]
		for j := range t.Partitions {
			k := offsetKey{t.Topic, t.Partitions[j].Partition}
			o, code := m.offsetOf(c, req, &t.Partitions[j])
			if t.TopicID != [16]byte{} {
				o.topic, o.seen = t.TopicID, c.Seen
			}
			if _, known := g.table.offsets[k]; code == None && !known && m.live+bytes > m.cfg.StateBytes {
				code = InvalidCommit
			}
			if codes[k] = code; code == None {
				r := Record{encodeOffsetKey(g.id, k), encodeOffset(o)}
				bytes += r.size()
				records = append(records, r)
			}
		}
	}
	if bytes > m.cfg.WriteBytes {
		refuse(InvalidCommit)
		return
	}
	answer := func(code int16) {
		m.answer(c.Ticket, commitResponse(req, func(k offsetKey) int16 {
			if own := codes[k]; own != None {
				return own
			}
			return code
		}))
	}
	if len(records) == 0 {
		answer(None)
		return
	}
	m.write(g, records, false, answer)
}

// offsetOf is what is kept of a commit.
func (m *Machine) offsetOf(c Call, req *kmsg.OffsetCommitRequest, p *kmsg.OffsetCommitRequestTopicPartition) (offset, int16) {
	o := offset{at: p.Offset, epoch: p.LeaderEpoch, commit: m.now.Wall, expire: -1}
	if c.Version < 6 {
		o.epoch = -1
	}
	if p.Metadata != nil {
		o.metadata = *p.Metadata
	}
	if len(o.metadata) > m.cfg.MetadataBytes {
		return o, MetadataTooLarge
	}
	if c.Version <= 4 && req.RetentionTimeMillis >= 0 {
		o.expire = m.now.Wall + req.RetentionTimeMillis
	}
	return o, None
}

// mayCommit refuses whom a commit isn't for (C5), as OffsetMetadataManager.validateOffsetCommit and
// ClassicGroup.validateOffsetCommit do. A group that nobody has joined takes commits from anybody who names no generation.
func (m *Machine) mayCommit(g *group, c Call, req *kmsg.OffsetCommitRequest) int16 {
	if g.consumer != nil {
		return g.consumer.mayCommit(c, req)
	}
	k := g.classic
	switch {
	case !g.exists() && req.Generation >= 0 && c.Version >= 9:
		return NotFound
	case !g.exists() && req.Generation >= 0:
		return IllegalGeneration
	case k == nil:
		k = newClassic()
	}
	switch {
	case req.Generation < 0 && k.state == empty:
		return None
	case req.Generation >= 0 || req.MemberID != "" || req.InstanceID != nil:
		if code := k.check(req.MemberID, req.InstanceID); code != None {
			return code
		}
		if req.Generation != k.generation {
			return IllegalGeneration
		}
	case k.state != empty:
		return UnknownMember
	}
	if k.state == completing {
		return RebalanceInProgress // it knows of the new generation, and not yet of its assignment
	}
	return None
}

func commitResponse(req *kmsg.OffsetCommitRequest, codeOf func(offsetKey) int16) *kmsg.OffsetCommitResponse {
	resp := kmsg.NewPtrOffsetCommitResponse()
	resp.Topics = make([]kmsg.OffsetCommitResponseTopic, len(req.Topics))
	for i := range req.Topics {
		rt := kmsg.NewOffsetCommitResponseTopic()
		rt.Topic = req.Topics[i].Topic
		rt.Partitions = make([]kmsg.OffsetCommitResponseTopicPartition, len(req.Topics[i].Partitions))
		for j, p := range req.Topics[i].Partitions {
			rp := kmsg.NewOffsetCommitResponseTopicPartition()
			rp.Partition, rp.ErrorCode = p.Partition, codeOf(offsetKey{rt.Topic, p.Partition})
			rt.Partitions[j] = rp
		}
		resp.Topics[i] = rt
	}
	return resp
}

// fetch answers with what is committed. What is on its way was waited for, as Kafka does if the client asks for it
// (require_stable): so an answer never lies behind what another client was told.
func (m *Machine) fetch(g *group, c Call, f FetchOffsets) {
	r := kmsg.NewOffsetFetchResponseGroup()
	r.Group = c.Group
	r.Topics = []kmsg.OffsetFetchResponseGroupTopic{}
	if g.consumer != nil {
		if r.ErrorCode = g.consumer.mayFetch(f); r.ErrorCode != None {
			m.answer(c.Ticket, r)
			return
		}
	}
	if f.All {
		for _, k := range g.table.partitions() {
			if n := len(r.Topics); n == 0 || r.Topics[n-1].Topic != k.topic {
				rt := kmsg.NewOffsetFetchResponseGroupTopic()
				rt.Topic = k.topic
				r.Topics = append(r.Topics, rt)
			}
			rt := &r.Topics[len(r.Topics)-1]
			rt.Partitions = append(rt.Partitions, m.fetched(g, k))
		}
	}
	seen := map[offsetKey]bool{} // what is named again isn't answered again: a request of 4 MiB could else ask for an answer of many GiB
	for _, t := range f.Topics {
		rt := kmsg.NewOffsetFetchResponseGroupTopic()
		rt.Topic = t.Topic
		for _, p := range t.Partitions {
			key := offsetKey{t.Topic, p}
			if seen[key] {
				continue
			}
			seen[key] = true
			rt.Partitions = append(rt.Partitions, m.fetched(g, key))
		}
		r.Topics = append(r.Topics, rt)
	}
	m.answer(c.Ticket, r)
}

// fetched is -1, without an error, for a partition of which nothing is committed; nor is what was committed for another topic of
// that name.
func (m *Machine) fetched(g *group, k offsetKey) kmsg.OffsetFetchResponseGroupTopicPartition {
	rp := kmsg.NewOffsetFetchResponseGroupTopicPartition()
	rp.Partition, rp.Offset, rp.LeaderEpoch = k.partition, -1, -1
	metadata := ""
	o, ok := g.table.offsets[k]
	if id, _, there := m.topics.Topic(k.topic); there && o.topic != [16]byte{} && o.topic != id && o.seen <= m.topics.Version() {
		ok = false
	}
	if ok {
		rp.Offset, rp.LeaderEpoch, metadata = o.at, o.epoch, o.metadata
	}
	rp.Metadata = &metadata
	return rp
}
