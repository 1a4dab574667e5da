package broker

import (
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"logd/log"
	"logd/transport"
)

// fetchPlan is a Fetch request under way: which calls it makes, again each time it is woken.
type fetchPlan struct {
	r       *request
	req     *kmsg.FetchRequest
	session *fetchSession // nil: none
	partial bool          // the answer has only those partitions that something is new of
	rows    []*fetchRow
	calls   []fetchPart
	until   time.Duration
	busy    bool // calls are out
	stale   bool // something moved meanwhile: look again
	cold    bool // what is on the disk was asked for, too
	overdue bool // calls are out still when it was time to answer
}

// fetchPart is one partition of a Fetch.
type fetchPart struct {
	group uint64
	code  int16 // not 0: refused without asking
	call  fetchCall
}

// fetch begins a Fetch request, of a session or not (KIP-227).
func (s *Shard) fetch(r *request, req *kmsg.FetchRequest) {
	f, code := s.fetches.open(s, req)
	if code != errNone {
		resp := kmsg.NewPtrFetchResponse()
		resp.Topics = []kmsg.FetchResponseTopic{}
		resp.ErrorCode = code
		s.respond(r, resp)
		return
	}
	wait := min(time.Duration(max(req.MaxWaitMillis, 0))*time.Millisecond, s.cfg.Limits.FetchWait)
	f.r, f.req, f.until = r, req, s.now.Mono+wait
	for _, row := range f.rows {
		topic, code := s.topicOf(row.topic, row.id, req.Version >= 13)
		part := fetchPart{code: code, call: fetchCall{offset: row.offset, epoch: row.epoch, lastEpoch: row.lastEpoch,
			max: s.mostOf(req, row), rack: req.Rack, anywhere: req.Version >= 11, memory: true, watch: wait > 0, until: f.until}}
		if code == errNone {
			part.group, part.code = groupOf(topic, row.part)
		}
		f.calls = append(f.calls, part)
	}
	r.woken = func() { s.refetch(f) }
	s.refetch(f)
	if wait > 0 && s.requests[r.id] == r {
		s.deadline(r, wait)
	}
}

// mostOf is the most bytes of one partition that a response may have, but for its first batch.
func (s *Shard) mostOf(req *kmsg.FetchRequest, row *fetchRow) int {
	return min(int(max(row.max, 0)), s.bytesOf(req))
}

// bytesOf is the most bytes of a response, but for its first batch.
func (s *Shard) bytesOf(req *kmsg.FetchRequest) int {
	return min(int(max(req.MaxBytes, 0)), s.cfg.Limits.FetchBytes)
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

// readCold asks for what is on the disk, in the order of the partitions and no more than the response has room for: all of them
// together could fill the memory. It reports whether there is any. Those that had to wait go first next time (reorder).
func (s *Shard) readCold(f *fetchPlan) bool {
	left, given := s.bytesOf(f.req), false
	var rows []int
	for k, row := range f.rows {
		a := f.r.parts[k].(fetched)
		if a.cold && (left > 0 || !given) {
			rows = append(rows, k)
			a.size = max(1, min(left, s.mostOf(f.req, row), s.cfg.Limits.ColdRead))
		}
		left, given = left-min(a.size, max(left, 0)), given || a.size > 0
	}
	if len(rows) == 0 {
		return false
	}
	last := len(f.calls)
	f.cold = true
	f.r.await(append(rows, last))
	for _, k := range rows {
		c := f.calls[k]
		c.call.memory = false
		s.call(f.r, k, c.group, c.call)
	}
	s.answered(origin{id: f.r.id, part: last}, fetched{})
	return true
}

// fetchedAll answers if there is enough, something urgent, or no more time; else it waits to be woken. What was asked for is waited
// for, however late it is: who wants an answer at once would else never get anything from a disk that takes longer. Only from one
// that hangs nothing is said, as nothing is known.
func (s *Shard) fetchedAll(f *fetchPlan) {
	if f.r.left > 0 && !f.overdue {
		f.overdue = true
		s.deadline(f.r, s.cfg.Limits.FetchWait)
		return
	}
	if f.r.left == 0 && !f.cold && s.readCold(f) {
		return
	}
	late, size, urgent := s.now.Mono >= f.until, 0, false
	for _, a := range f.r.parts {
		if a != nil {
			size += a.(fetched).size
			urgent = urgent || a.(fetched).urgent()
		}
	}
	f.busy = f.r.left > 0
	switch {
	case late || urgent || f.cold || len(f.calls) == 0 || size >= min(int(f.req.MinBytes), s.bytesOf(f.req)):
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
	resp.Version, resp.Topics = f.req.Version, []kmsg.FetchResponseTopic{}
	if f.session != nil {
		resp.SessionID = f.session.id
	}
	left := s.bytesOf(f.req)
	var records [][][]byte
	var gave, gaveNot []*fetchRow
	var nodes hints
	given := false
	for k, row := range f.rows {
		a, ok := f.r.parts[k].(fetched)
		if !ok {
			a = fetched{code: errOffsetNotYet, hw: -1, start: -1}
		}
		take, size := takeBatches(a.batches, min(left, s.mostOf(f.req, row)), !given)
		given, left = given || size > 0, left-size
		if size > 0 {
			gave = append(gave, row)
		} else {
			gaveNot = append(gaveNot, row)
		}
		if news := row.tell(a, size); f.partial && !news {
			continue
		}
		rp := fetchedRow(row, a)
		if f.req.IsolationLevel == 0 && f.calls[k].group != 0 {
			rp.AbortedTransactions = nil // as Kafka says that nobody asked
		}
		if f.req.Version >= 16 && (a.code == errNotLeader || a.code == errFencedEpoch) {
			rp.CurrentLeader.LeaderID, rp.CurrentLeader.LeaderEpoch = nodes.leader(s, f.calls[k].group, a.code)
		}
		if n := len(resp.Topics); n == 0 || resp.Topics[n-1].Topic != row.topic || resp.Topics[n-1].TopicID != row.id {
			rt := kmsg.NewFetchResponseTopic()
			rt.Topic, rt.TopicID = row.topic, row.id
			resp.Topics = append(resp.Topics, rt)
		}
		records = append(records, take)
		rt := &resp.Topics[len(resp.Topics)-1]
		rt.Partitions = append(rt.Partitions, rp)
	}
	if f.session != nil {
		f.session.reorder(gaveNot, gave)
	}
	resp.Brokers = nodes.ofFetch()
	s.respondBufs(f.r, transport.AppendFetch(f.r.in.Corr, resp, records))
}

// fetchedRow is one partition's part of a response, but its records.
func fetchedRow(row *fetchRow, a fetched) kmsg.FetchResponseTopicPartition {
	rp := kmsg.NewFetchResponseTopicPartition()
	rp.Partition, rp.ErrorCode = row.part, a.code
	rp.HighWatermark, rp.LastStableOffset, rp.LogStartOffset = a.hw, a.hw, a.start
	rp.AbortedTransactions, rp.PreferredReadReplica = []kmsg.FetchResponseTopicPartitionAbortedTransaction{}, a.preferred-1
	if a.diverged.known() {
		rp.DivergingEpoch.Epoch, rp.DivergingEpoch.EndOffset = a.diverged.epoch, a.diverged.offset
	}
	return rp
}

// takeBatches takes whole batches up to a size; but the first one in any case, if so asked.
func takeBatches(batches [][]byte, most int, first bool) (take [][]byte, size int) {
	for _, data := range batches {
		n := 0
		for n < len(data) {
			_, next, err := log.ParseBatch(data[n:])
			if err != nil {
				break // its end was cut to the size asked for
			}
			if size+n+next > most && !(first && size+n == 0) {
				break
			}
			n += next
		}
		if n > 0 {
			take, size = append(take, data[:n:n]), size+n
		}
		if n < len(data) {
			break
		}
	}
	return take, size
}
