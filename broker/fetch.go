package broker

import (
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"logd/log"
	"logd/transport"
)

// fetchCall reads one partition for a consumer.
type fetchCall struct {
	offset int64
	epoch  int32 // the leader epoch that the client believes in; -1 if it doesn't say
	max    int
	watch  bool          // if there is nothing: wake the request once there may be
	until  time.Duration // and no later than this
}

// fetched answers a fetchCall. The batches alias memory that never changes.
type fetched struct {
	code    int16
	hw      int64
	start   int64
	batches [][]byte
	size    int
}

func (c fetchCall) run(s *Shard, p *partition, o origin) {
	if code := s.leads(p, c.epoch); code != errNone {
		s.answer(o, fetched{code: code, hw: -1, start: -1})
		return
	}
	hw := p.g.HighWatermark()
	switch {
	case c.offset < 0:
		s.answer(o, fetched{code: errOffsetRange, hw: hw})
	case c.offset > hw:
		// Beyond the end is said only of what a quorum confirms: a stale leader must not send a consumer astray (S13).
		s.linearize(p, func(ok bool) {
			now := p.g.HighWatermark()
			switch {
			case !ok:
				s.answer(o, fetched{code: errOffsetNotYet, hw: now})
			case c.offset > now:
				s.answer(o, fetched{code: errOffsetRange, hw: now})
			default:
				c.serve(s, p, o)
			}
		})
	default:
		c.serve(s, p, o)
	}
}

// serve answers with applied batches (B3), or has the request woken when there are more.
func (c fetchCall) serve(s *Shard, p *partition, o origin) {
	hw := p.g.HighWatermark()
	if c.offset >= hw {
		if c.watch {
			s.watchFor(p, o, c.until)
		}
		s.answer(o, fetched{hw: hw})
		return
	}
	s.readBatches(p, c.offset, c.max, func(batches [][]byte, code int16) {
		f := fetched{code: code, hw: hw, batches: batches}
		for _, b := range batches {
			f.size += len(b)
		}
		s.answer(o, f)
	})
}

// leads checks that this replica leads, and in the term that a client believes in (KIP-320).
func (s *Shard) leads(p *partition, epoch int32) int16 {
	if p == nil || p.group == metaGroup {
		return errNotLeader
	}
	term, leads := p.g.Leading()
	switch {
	case !leads || s.stalled || p.damaged:
		return errNotLeader
	case epoch >= 0 && epoch < int32(term):
		return errFencedEpoch
	case epoch > int32(term):
		return errUnknownEpoch
	}
	return errNone
}

// readBatches reads committed batches from the one that contains offset on: from memory at once, else from a segment.
// offset is below the high watermark.
func (s *Shard) readBatches(p *partition, offset int64, max int, done func(batches [][]byte, code int16)) {
	if batches, ok := p.g.Batches(offset, max); ok {
		done(batches, errNone)
		return
	}
	rd, ok := s.store.Find(p.group, offset, min(max, s.cfg.Limits.ColdRead))
	if !ok {
		s.log(LevelError, "a committed offset is neither in memory nor in a segment", "group", p.group, "offset", offset)
		done(nil, errStorage)
		return
	}
	rd.ID = s.next()
	s.reads[rd.ID] = func(d log.ReadDone) {
		err := d.Err
		var data []byte
		if err == nil {
			data, _, err = rd.Cut(d.Data, offset, max, true)
		}
		if err != nil {
			s.stepAside(p, offset, rd.File, err)
			done(nil, errStorage)
			return
		}
		done([][]byte{data}, errNone)
	}
	s.out.Reads = append(s.out.Reads, rd)
}

// stepAside has a replica that can't read its own bytes neither serve nor lead any more (G10). It goes on following and
// voting: its log is whole, and what it can't read it doesn't delete.
func (s *Shard) stepAside(p *partition, offset int64, file string, err error) {
	if !p.damaged {
		p.damaged = true
		p.g.Hurt(true)
		s.log(LevelError, "a segment can't be read: this replica no longer leads or serves; wipe the broker's directory to rebuild it from its peers",
			"partition", s.nameOf(p.group), "group", p.group, "offset", offset, "file", file, "error", err.Error())
	}
	p.g.HandOver(0)
	s.touch(p.group)
}

func (s *Shard) readDone(d log.ReadDone) {
	f := s.reads[d.ID]
	delete(s.reads, d.ID)
	f(d)
}

// fetchPlan is a Fetch request under way: which calls it makes, again each time it is woken.
type fetchPlan struct {
	r     *request
	req   *kmsg.FetchRequest
	calls []fetchPart
	until time.Duration
	busy  bool // calls are out
	stale bool // something moved meanwhile: look again
}

// fetchPart is one partition of a Fetch.
type fetchPart struct {
	group uint64
	code  int16 // not 0: refused without asking
	call  fetchCall
}

// fetch begins a Fetch request. Sessions are not kept: every answer says session 0, and a client that names one is told
// that it is gone (KIP-227).
func (s *Shard) fetch(r *request, req *kmsg.FetchRequest) {
	if req.SessionID != 0 {
		resp := kmsg.NewPtrFetchResponse()
		resp.ErrorCode = errNoSession
		s.respond(r, resp)
		return
	}
	wait := min(time.Duration(max(req.MaxWaitMillis, 0))*time.Millisecond, s.cfg.Limits.FetchWait)
	f := &fetchPlan{r: r, req: req, until: s.now.Mono + wait}
	for _, t := range req.Topics {
		topic, code := s.topicOf(t.Topic, t.TopicID, req.Version >= 13)
		for _, q := range t.Partitions {
			part := fetchPart{code: code,
				call: fetchCall{offset: q.FetchOffset, epoch: q.CurrentLeaderEpoch, max: min(int(max(q.PartitionMaxBytes, 0)), s.cfg.Limits.FetchBytes), watch: wait > 0, until: f.until}}
			if code == errNone {
				part.group, part.code = groupOf(topic, q.Partition)
			}
			f.calls = append(f.calls, part)
		}
	}
	r.woken = func() { s.refetch(f) }
	s.refetch(f)
	if wait > 0 && s.requests[r.id] == r {
		s.deadline(r, wait)
	}
}

// refetch asks all partitions again.
func (s *Shard) refetch(f *fetchPlan) {
	if f.busy {
		f.stale = true
		return
	}
	f.busy, f.stale = true, false
	f.r.expect(len(f.calls)+1, func() { s.fetchedAll(f) })
	for i, c := range f.calls {
		if c.code != errNone {
			s.answered(origin{id: f.r.id, part: i}, fetched{code: c.code, hw: -1, start: -1})
		} else {
			s.call(f.r, i, c.group, c.call)
		}
	}
	s.answered(origin{id: f.r.id, part: len(f.calls)}, fetched{}) // all were sent: the last answer may come at once
}

// fetchedAll answers if there is enough, an error, or no more time; else it waits to be woken.
func (s *Shard) fetchedAll(f *fetchPlan) {
	late := s.now.Mono >= f.until
	if f.r.left > 0 && !late {
		return
	}
	size, failed := 0, false
	for _, a := range f.r.parts {
		if a != nil {
			size += a.(fetched).size
			failed = failed || a.(fetched).code != errNone
		}
	}
	f.busy = f.r.left > 0
	switch {
	case late || failed || len(f.calls) == 0 || size > 0 && size >= int(f.req.MinBytes):
		s.respondFetch(f)
	case f.stale:
		s.refetch(f)
	}
}

// wake has a waiting fetch look again; one that was answered meanwhile is gone.
func (s *Shard) wake(request uint64) {
	if r := s.requests[request]; r != nil && r.woken != nil {
		r.woken()
	}
}

// respondFetch builds the response: payloads are spliced, never copied; the first batch is given whatever its size, the
// rest within the client's bounds (KIP-74).
func (s *Shard) respondFetch(f *fetchPlan) {
	resp := kmsg.NewPtrFetchResponse()
	resp.Version = f.req.Version
	left := s.cfg.Limits.FetchBytes
	if f.req.Version >= 3 {
		left = min(left, int(max(f.req.MaxBytes, 0)))
	}
	var records [][][]byte
	given := false
	k := 0
	for _, t := range f.req.Topics {
		rt := kmsg.NewFetchResponseTopic()
		rt.Topic, rt.TopicID = t.Topic, t.TopicID
		for _, q := range t.Partitions {
			a, ok := f.r.parts[k].(fetched)
			if !ok { // its answer is late: nothing yet
				a = fetched{hw: -1, start: -1}
			}
			k++
			rp := kmsg.NewFetchResponseTopicPartition()
			rp.Partition, rp.ErrorCode = q.Partition, a.code
			rp.HighWatermark, rp.LastStableOffset, rp.LogStartOffset = a.hw, a.hw, a.start
			rp.AbortedTransactions, rp.PreferredReadReplica = []kmsg.FetchResponseTopicPartitionAbortedTransaction{}, -1
			var take [][]byte
			for _, b := range a.batches {
				if len(b) > left && given {
					break
				}
				given, left = true, left-len(b)
				take = append(take, b)
			}
			records = append(records, take)
			rt.Partitions = append(rt.Partitions, rp)
		}
		resp.Topics = append(resp.Topics, rt)
	}
	s.respondBufs(f.r, transport.AppendFetch(f.r.in.Corr, resp, records))
}

// topicOf finds a topic by name or by id.
func (s *Shard) topicOf(name string, id UUID, byID bool) (*Topic, int16) {
	if byID {
		if t := s.meta.TopicByID(id); t != nil {
			return t, errNone
		}
		return nil, errUnknownID
	}
	if t := s.meta.TopicByName(name); t != nil {
		return t, errNone
	}
	return nil, errUnknownTopic
}

// groupOf is the group of one partition of a topic.
func groupOf(t *Topic, partition int32) (uint64, int16) {
	if p := t.Partition(partition); p != nil {
		return p.Group, errNone
	}
	return 0, errUnknownTopic
}
