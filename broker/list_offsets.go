package broker

import (
	"math"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"logd/log"
)

// Kafka's special timestamps (ListOffsetsRequest.java).
const (
	latestOffset        = -1
	earliestOffset      = -2
	maxTimestampOffset  = -3 // KIP-734
	earliestLocalOffset = -4 // KIP-405: what isn't in a remote tier; there is none
	latestTieredOffset  = -5 // KIP-1005
)

// listCall finds one offset of a partition.
type listCall struct {
	timestamp int64
	epoch     int32
	version   int16
	until     time.Duration // nobody waits for the answer any more
}

// listed answers a listCall.
type listed struct {
	code      int16
	offset    int64
	timestamp int64
	epoch     int32 // of the record at offset, or what the next one will have
}

func (c listCall) run(s *Shard, p *partition, o origin) {
	code := s.leads(p, c.epoch)
	if code == errNone && c.timestamp < 0 && c.version < listSince(c.timestamp) {
		code = errUnsupported
	}
	if code != errNone {
		s.answer(o, listed{code: code, offset: -1, timestamp: -1})
		return
	}
	// Every answer is one of a leader that a quorum confirms, the latest offset above all (B4).
	s.linearize(p, func(ok bool) {
		term, _ := p.g.Leading()
		a := listed{offset: -1, timestamp: -1, epoch: int32(term)}
		switch {
		case !ok:
			a.code = errNotLeader
		case c.timestamp == latestOffset:
			a.offset = p.g.HighWatermark()
		case c.timestamp == earliestOffset || c.timestamp == earliestLocalOffset:
			s.listStart(p, o, a)
			return
		case c.timestamp == latestTieredOffset: // nothing is in a remote tier
		case c.timestamp == maxTimestampOffset:
			s.scanNewest(p, waiter{o, c.until}, a)
			return
		default:
			s.scanTime(p, waiter{o, c.until}, c.timestamp, a)
			return
		}
		s.answer(o, a)
	})
}

// listSince is the first version that may ask for a special timestamp, as Kafka's ReplicaManager.fetchOffset has it, but for
// version 0, which Kafka no longer serves; 32767 for one that doesn't mean anything in Kafka 4.1.
func listSince(timestamp int64) int16 {
	switch timestamp {
	case latestOffset, earliestOffset:
		return 0
	case maxTimestampOffset:
		return 7
	case earliestLocalOffset:
		return 8
	case latestTieredOffset:
		return 9
	}
	return math.MaxInt16
}

// listStart answers with the log start, and the epoch of the record that is there; a is the answer of an empty log.
func (s *Shard) listStart(p *partition, o origin, a listed) {
	a.offset = p.g.LogStart()
	if a.offset >= p.g.HighWatermark() {
		s.answer(o, a)
		return
	}
	s.readBatches(p, a.offset, 1, func(batches [][]byte, code int16) {
		switch {
		case s.parts[p.group] != p:
			a.code = errNotLeader
		case code == errOffsetRange: // it has moved on
			s.listStart(p, o, a)
			return
		case code != errNone || len(batches) == 0:
			a.code = errStorage
		default:
			b, _, err := log.ParseBatch(batches[0])
			if a.epoch = b.LeaderEpoch; err != nil {
				a.code = errStorage
			}
		}
		if a.code != errNone {
			a.offset = -1
		}
		s.answer(o, a)
	})
}

// listOffsets answers a ListOffsets request.
func (s *Shard) listOffsets(r *request, req *kmsg.ListOffsetsRequest) {
	n := 0
	for i := range req.Topics {
		n += len(req.Topics[i].Partitions)
	}
	r.expect(n+1, func() {
		resp := kmsg.NewPtrListOffsetsResponse()
		k := 0
		for _, t := range req.Topics {
			rt := kmsg.NewListOffsetsResponseTopic()
			rt.Topic = t.Topic
			for _, q := range t.Partitions {
				rt.Partitions = append(rt.Partitions, listResponse(req.Version, q, r.parts[k]))
				k++
			}
			resp.Topics = append(resp.Topics, rt)
		}
		s.respond(r, resp)
	})
	k := 0
	wait := s.cfg.Limits.ReadIndexWait + time.Second
	twice := namedTwice(func(name func(topic string, part int32)) {
		for _, t := range req.Topics {
			for _, q := range t.Partitions {
				name(t.Topic, q.Partition)
			}
		}
	})
	for _, t := range req.Topics {
		topic, unknown := s.topicOf(t.Topic, UUID{}, false)
		for _, q := range t.Partitions {
			group, code := uint64(0), unknown
			if code == errNone {
				group, code = groupOf(topic, q.Partition)
			}
			if twice[fetchKey{topic: t.Topic, part: q.Partition}] {
				code = errBadRequest
			}
			if code != errNone {
				s.answered(origin{id: r.id, part: k}, listed{code: code, offset: -1, timestamp: -1})
			} else {
				s.call(r, k, group, listCall{q.Timestamp, q.CurrentLeaderEpoch, req.Version, s.now.Mono + wait})
			}
			k++
		}
	}
	s.deadline(r, wait)
	s.answered(origin{id: r.id, part: n}, listed{})
}

func listResponse(version int16, q kmsg.ListOffsetsRequestTopicPartition, answer any) kmsg.ListOffsetsResponseTopicPartition {
	a, ok := answer.(listed)
	if !ok {
		a = listed{code: errTimedOut, offset: -1, timestamp: -1}
	}
	rp := kmsg.NewListOffsetsResponseTopicPartition()
	rp.Partition, rp.ErrorCode, rp.LeaderEpoch = q.Partition, a.code, -1
	rp.Offset, rp.Timestamp = a.offset, a.timestamp
	if a.code == errNone && a.offset >= 0 {
		rp.LeaderEpoch = a.epoch
	}
	if version == 0 && a.code == errNone {
		rp.OldStyleOffsets = []int64{}
		if a.offset >= 0 && q.MaxNumOffsets > 0 {
			rp.OldStyleOffsets = []int64{a.offset}
		}
	}
	return rp
}
