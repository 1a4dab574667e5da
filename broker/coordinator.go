package broker

import (
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"

	"logd/broker/deadline"
	"logd/broker/group"
	"logd/log"
)

// coordinator is what the leader of a partition of __consumer_offsets does for the groups of that partition. It lives for
// one term:
//
//	leads, has committed in its term ─► reads the partition, from log start to high watermark ─► serves ─► leads no longer
//
// What its machine has to write is proposed like any produce; what is committed comes back by apply, in the order of the
// log, and only then is a client told (G7). All that waits when the term ends is answered NOT_COORDINATOR.
type coordinator struct {
	term    uint64
	m       *group.Machine
	loading bool
	number  uint64 // of this shard's that have loaded; 0 while it loads
	from    int64  // where it began to load
	at, to  int64  // while it loads: the next offset to read, and the end
	last    group.Ticket
	open    map[group.Ticket]origin
	timer   *deadline.Timer
	out     group.Out
}

// keeps says what a partition is for, once the metadata does.
type keeps uint8

const (
	keepsUnknown keeps = iota
	keepsRecords
	keepsGroups
)

// coordinate begins and ends a partition's coordinator with its leadership.
func (s *Shard) coordinate(p *partition) {
	if p.keeps == keepsUnknown {
		if t, _ := s.meta.PartitionOf(p.group); t != nil {
			p.keeps = keepsRecords
			if t.Name == topicOffsets {
				p.keeps = keepsGroups
			}
		}
	}
	if p.keeps != keepsGroups {
		return
	}
	term, _ := p.g.Leading()
	serves := p.g.Serving() && !p.damaged && !s.stopping
	if p.coord != nil && (!serves || p.coord.term != term) {
		s.unloadGroups(p)
	}
	if serves && p.coord == nil && !s.writesGroups(p) {
		s.loadGroups(p, term)
	}
}

// writesGroups reports whether writes of an earlier coordinator of this term are under way, which no load would see.
func (s *Shard) writesGroups(p *partition) bool {
	for _, row := range [...][]*proposal{p.queue, p.pending} {
		for _, q := range row {
			if s.writes[q.o.id] != nil && q.o.broker == 0 && q.o.shard == s.cfg.Shard {
				return true
			}
		}
	}
	return false
}

// loadGroups begins to read the partition: everything that any leader ever acknowledged lies before the high watermark of
// one that has committed in its own term (R8).
func (s *Shard) loadGroups(p *partition, term uint64) {
	cfg := s.cfg.Limits.Groups
	cfg.WriteBytes = min(cfg.WriteBytes, s.store.MaxEntry()/2) // a batch is a little more than its records
	c := &coordinator{term: term, loading: true, m: group.New(cfg, s.rng), from: p.g.LogStart(), at: p.g.LogStart(), to: p.g.HighWatermark(), open: map[group.Ticket]origin{}}
	p.coord = c
	s.loads.under++
	s.loadMore(p, c)
}

// loads sums up what coordinators have loaded, for one line in the log when the last one of many is done.
type loads struct {
	under      int // way
	partitions int // loaded since the last line, and in them
	groups     int
	records    int64
	at         int // tick of the last
}

func (l *loads) ended(c *coordinator, tick int) {
	if l.under, l.at = l.under-1, tick; !c.loading {
		l.partitions, l.groups, l.records = l.partitions+1, l.groups+c.m.Groups(), l.records+c.to-c.from
	}
}

func (s *Shard) loadsTick() {
	if l := &s.loads; l.under == 0 && l.partitions > 0 && s.ticks-l.at >= s.cfg.Limits.ElectionTicks { // others follow after an election
		s.log(LevelInfo, "coordinating consumer groups", "partitions", l.partitions, "groups", l.groups, "records_read", l.records)
		*l = loads{}
	}
}

// loadMore reads on, a piece in a turn.
func (s *Shard) loadMore(p *partition, c *coordinator) {
	if c.at >= c.to {
		c.loading = false
		c.m.Loaded(s.groupNow(), s.groupOut(c))
		s.loaded++
		c.number = s.loaded
		s.loads.ended(c, s.ticks)
		s.carryGroups(p, c)
		return
	}
	s.readBatches(p, c.at, s.cfg.Limits.ColdRead, func(batches [][]byte, code int16) {
		if p.coord != c {
			return
		}
		if code != errNone { // its bytes are lost here, or it is no leader any more
			s.unloadGroups(p)
			return
		}
		for _, data := range batches {
			for len(data) > 0 && c.at < c.to {
				b, n, err := log.ParseBatch(data)
				if err != nil {
					s.log(LevelError, "a batch of groups can't be read", "partition", s.nameOf(p.group), "offset", c.at, "error", err.Error())
					s.unloadGroups(p)
					return
				}
				s.replayGroups(p, c, b.NextOffset(), data[:n])
				c.at, data = b.NextOffset(), data[n:]
			}
		}
		s.timers.Set(s.now.Mono+1, func() {
			if p.coord == c {
				s.loadMore(p, c)
			}
		})
	})
}

// replayGroups takes one batch. What isn't understood is left out, as Kafka does, and said.
func (s *Shard) replayGroups(p *partition, c *coordinator, next int64, batch []byte) {
	records, err := group.ReadBatch(batch)
	if e := c.m.Replay(next, records); err == nil {
		err = e
	}
	if err != nil {
		s.log(LevelWarn, "a record of groups is left out", "partition", s.nameOf(p.group), "before_offset", next, "error", err.Error())
	}
}

// unloadGroups ends a coordinator; whoever waits is told to look for another.
func (s *Shard) unloadGroups(p *partition) {
	c := p.coord
	if c == nil {
		return
	}
	p.coord = nil
	if c.loading {
		s.loads.ended(c, s.ticks)
	}
	s.timers.Cancel(c.timer)
	for _, t := range c.m.Unload() {
		s.answer(c.open[t], group.Refused(group.NotCoordinator))
	}
	s.touch(p.group) // it may lead still, and begin anew
}

func (s *Shard) groupNow() group.Now { return group.Now{Mono: s.now.Mono, Wall: s.now.Wall} }

// groupOut is an empty Out for a machine to fill, which sees the topics as they are now.
func (s *Shard) groupOut(c *coordinator) *group.Out {
	c.m.See(groupTopics{s.meta})
	clear(c.out.Answers)
	clear(c.out.Writes)
	c.out = group.Out{Answers: c.out.Answers[:0], Writes: c.out.Writes[:0]}
	return &c.out
}

// carryGroups does what a machine wants done.
func (s *Shard) carryGroups(p *partition, c *coordinator) {
	for _, a := range c.out.Answers {
		o := c.open[a.Ticket]
		delete(c.open, a.Ticket)
		s.answer(o, a.Body)
	}
	for _, note := range c.out.Notes {
		s.log(LevelWarn, note, "partition", s.nameOf(p.group))
	}
	for _, w := range c.out.Writes {
		s.writeGroups(p, c, w)
	}
	if c.out.Trim > p.g.LogStart() {
		s.log(LevelInfo, "groups were copied forward", "partition", s.nameOf(p.group), "log_start", p.g.LogStart(), "to", c.out.Trim)
		s.trim(p, origin{shard: s.cfg.Shard}, c.out.Trim)
	}
	s.groupTimer(p, c)
}

// writeGroups proposes a batch of records and has the machine told of its end.
func (s *Shard) writeGroups(p *partition, c *coordinator, w group.Write) {
	id := s.next()
	s.writes[id] = func(a appended) { s.groupsWritten(p, c, w, a) }
	s.propose(p, origin{shard: s.cfg.Shard, id: id}, group.AppendBatch(nil, s.now.Wall, w.Records))
}

func (s *Shard) groupsWritten(p *partition, c *coordinator, w group.Write, a appended) {
	switch {
	case p.coord != c:
		return
	case a.code == errNone:
		c.m.Committed(s.groupNow(), w.ID, a.offset+int64(len(w.Records)), s.groupOut(c))
	case a.code == unclear.code:
		s.unloadGroups(p) // it may be in the log or not: only reading it again can tell
		return
	default:
		c.m.Failed(s.groupNow(), w.ID, group.NotAvailable, s.groupOut(c))
	}
	s.carryGroups(p, c)
}

// groupTimer sets the time for the machine's next deadline.
func (s *Shard) groupTimer(p *partition, c *coordinator) {
	at, ok := c.m.Next()
	if ok && c.timer.WaitsFor(at) {
		return
	}
	s.timers.Cancel(c.timer)
	if !ok {
		return
	}
	c.timer = s.timers.Set(at, func() {
		if p.coord == c {
			c.m.Expire(s.groupNow(), s.groupOut(c))
			s.carryGroups(p, c)
		}
	})
}

// groupCall is one call to a group's coordinator; its answer is the call's, or a [group.Refused].
type groupCall struct {
	c     group.Call
	fresh bool // answered by a coordinator that a quorum confirms: an older one would know older offsets
}

func (c groupCall) run(s *Shard, p *partition, o origin) {
	if code := s.coordinates(p); code != errNone {
		s.answer(o, group.Refused(code))
		return
	}
	if n := c.queues(); n > 0 && s.queued+n > s.cfg.Limits.QueueBytes { // as a produce is refused, and it was certainly not proposed
		s.answer(o, group.Refused(group.NotAvailable))
		return
	}
	if !c.fresh {
		c.do(s, p, o)
		return
	}
	s.linearize(p, func(ok bool) {
		switch code := s.coordinates(p); {
		case code != errNone:
			s.answer(o, group.Refused(code))
		case !ok:
			s.answer(o, group.Refused(group.NotCoordinator))
		default:
			c.do(s, p, o)
		}
	})
}

// queues is how many bytes a commit of offsets has wait to be proposed, about; what members do is bounded by their number.
func (c groupCall) queues() int {
	req, commits := c.c.Body.(*kmsg.OffsetCommitRequest)
	if !commits {
		return 0
	}
	n := 2 * rowBytes // the batch's header
	for i := range req.Topics {
		t := &req.Topics[i]
		for k := range t.Partitions {
			n += 2*rowBytes + len(req.Group) + len(t.Topic) + sizeOf(t.Partitions[k].Metadata)
		}
	}
	return n
}

func (c groupCall) do(s *Shard, p *partition, o origin) {
	k := p.coord
	k.last++
	c.c.Ticket = k.last
	k.open[k.last] = o
	k.m.Do(s.groupNow(), c.c, s.groupOut(k))
	s.carryGroups(p, k)
}

// coordinates refuses what this broker can't do for a partition's groups.
func (s *Shard) coordinates(p *partition) int16 {
	switch {
	case s.stopping || s.leads(p, -1) != errNone:
		return group.NotCoordinator
	case p.coord == nil || p.coord.loading:
		return group.Loading
	}
	return errNone
}

// mostGroups is how many groups one request may be about: all are asked in one turn.
const mostGroups = 10_000

// callGroup sends a call to the coordinator of its group, if it is this broker. What is beyond mostGroups is answered as what an answer
// has no room for.
func (s *Shard) callGroup(r *request, part int, c group.Call, fresh bool) {
	if part >= mostGroups {
		s.answered(origin{id: r.id, part: part}, group.Refused(group.NotAvailable))
		return
	}
	t := s.meta.TopicByName(topicOffsets)
	if t == nil {
		s.answered(origin{id: r.id, part: part}, group.Refused(group.NotCoordinator))
		return
	}
	c.Version, c.Client, c.Host = r.in.Version, r.in.ClientID, hostOf(r.conn.remote)
	n := group.PartitionFor(c.Group, int32(len(t.Partitions)))
	s.call(r, part, t.Partitions[n].Group, groupCall{c, fresh})
}

// hostOf is where a client is, as Kafka writes it (InetAddress.toString without a name).
func hostOf(remote string) string {
	if i := strings.LastIndexByte(remote, ':'); i >= 0 {
		remote = strings.Trim(remote[:i], "[]")
	}
	return "/" + remote
}

// makeOffsets has the topic made that groups are kept in, if it isn't there.
func (s *Shard) makeOffsets() {
	if !s.meta.Formed() || s.creating[topicOffsets] > s.now.Mono {
		return
	}
	s.creating[topicOffsets] = s.now.Mono + s.cfg.Limits.election()
	d := s.cfg.Topics
	c := CreateTopic{Name: topicOffsets, Partitions: d.OffsetsPartitions, Replication: d.replicas(s.meta), ID: drawUUID(s.rng),
		Configs: []TopicConfig{{configRetentionTime, "-1"}, {configSegmentBytes, fmt.Sprint(offsetsSegmentBytes)}}}
	s.send(metaGroup, origin{shard: s.cfg.Shard}, metaCall{EncodeCommand(c)})
}

// offsetsSegmentBytes is offsets.topic.segment.bytes.
const offsetsSegmentBytes = 100 << 20
