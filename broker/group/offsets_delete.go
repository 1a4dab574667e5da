package group

import (
	"github.com/twmb/franz-go/pkg/kmsg"
)

// deleteOffsets takes an OffsetDelete: not of topics that members are subscribed to.
func (m *Machine) deleteOffsets(g *group, c Call, req *kmsg.OffsetDeleteRequest) {
	resp := kmsg.NewPtrOffsetDeleteResponse()
	resp.Topics = []kmsg.OffsetDeleteResponseTopic{}
	k := g.classic
	switch {
	case c.Group == "":
		resp.ErrorCode = InvalidGroup
	case !g.exists():
		resp.ErrorCode = NotFound
	case k != nil && k.state != empty && k.kind != consumerType:
		resp.ErrorCode = NonEmpty
	}
	if resp.ErrorCode != None {
		m.answer(c.Ticket, resp)
		return
	}
	var records []Record
	for _, t := range req.Topics {
		rt := kmsg.NewOffsetDeleteResponseTopic()
		rt.Topic = t.Topic
		for _, p := range t.Partitions {
			rp := kmsg.NewOffsetDeleteResponseTopicPartition()
			rp.Partition = p.Partition
			key := offsetKey{t.Topic, p.Partition}
			if g.wants(t.Topic) {
				rp.ErrorCode = Subscribed
			} else if _, ok := g.table.offsets[key]; ok {
				records = append(records, Record{Key: encodeOffsetKey(g.id, key)})
			}
			rt.Partitions = append(rt.Partitions, rp)
		}
		resp.Topics = append(resp.Topics, rt)
	}
	m.writeOr(g, records, func(code int16) {
		if code != None {
			resp.ErrorCode, resp.Topics = code, []kmsg.OffsetDeleteResponseTopic{}
		}
		m.answer(c.Ticket, resp)
	})
}

// writeOr writes records as a group record, so that everything else of the group waits; if there are none it is done.
func (m *Machine) writeOr(g *group, records []Record, done func(code int16)) {
	bytes := 0
	for _, r := range records {
		bytes += r.size()
	}
	switch {
	case len(records) == 0:
		done(None)
	case bytes > m.cfg.WriteBytes:
		done(UnknownServer)
	default:
		m.write(g, records, true, done)
	}
}

// delete takes one group of a DeleteGroups: all that is known of it, if nobody is a member.
func (m *Machine) delete(g *group, c Call) {
	r := kmsg.NewDeleteGroupsResponseGroup()
	r.Group = c.Group
	switch {
	case !g.exists():
		r.ErrorCode = NotFound
	case !g.vacant():
		r.ErrorCode = NonEmpty
	}
	if r.ErrorCode != None {
		m.answer(c.Ticket, r)
		return
	}
	m.writeOr(g, g.table.tombstones(g.id), func(code int16) {
		if r.ErrorCode = code; code == None {
			m.forget(g)
		}
		m.answer(c.Ticket, r)
	})
}

// forget drops what isn't in records: ids that were given to members who haven't joined.
func (m *Machine) forget(g *group) {
	if k := g.classic; k != nil {
		for _, t := range k.pending { // order: each is cancelled
			m.timers.Cancel(t)
			m.members--
		}
	}
	g.classic, g.consumer = nil, nil
	m.recount(g)
}

// tombstones delete a whole table.
func (t *table) tombstones(group string) []Record {
	out := t.records(group)
	for i := range out {
		out[i].Value = nil
	}
	return out
}

// expireOffsets deletes offsets that have been of no use for as long as the retention says, now and every so often.
func (m *Machine) expireOffsets() {
	m.in(m.cfg.CheckEvery, m.expireOffsets)
	for _, g := range m.sorted() {
		m.admit(g, op{need: needWhole, run: m.expireGroup})
	}
}

// expireGroup goes by Kafka's rules (ClassicGroup.offsetExpirationCondition, KIP-211): of a group that nobody is a member
// of, from when the last one left; of a stable group of consumers, what none is subscribed to, from the commit; of a group
// that nobody ever joined, from the commit; of a consumer group, what none is subscribed to, from the commit.
func (m *Machine) expireGroup(g *group) {
	k := g.classic
	if k == nil {
		k = newClassic()
	}
	since := k.since
	switch {
	case k.kind == "":
		since = -1
	case k.state == empty:
	case k.state == stable && k.known:
		since = -1
	default:
		return
	}
	var records []Record
	bytes := 0
	all := true
	for _, key := range g.table.partitions() {
		o := g.table.offsets[key]
		r := Record{Key: encodeOffsetKey(g.id, key)}
		if g.wants(key.topic) && !g.vacant() || !o.expired(since, m.now.Wall, m.cfg.Retention.Milliseconds()) || bytes+r.size() > m.cfg.WriteBytes/2 {
			all = false
			continue
		}
		records, bytes = append(records, r), bytes+r.size()
	}
	vacant := g.vacant() && len(k.pending) == 0
	if all && vacant {
		for _, key := range g.table.keys() {
			records = append(records, Record{Key: []byte(key)})
		}
	}
	gone := all && vacant && len(records) > 0
	m.writeOr(g, records, func(code int16) {
		if code == None && gone {
			m.forget(g)
		}
	})
}

// expired tells whether an offset has been of no use for too long; since is when its group became so, -1 for the commit.
func (o offset) expired(since, wall, retention int64) bool {
	if o.expire >= 0 {
		return wall >= o.expire
	}
	if since < 0 {
		since = o.commit
	}
	return wall-since >= retention
}
