package broker

import (
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// allRecords as an offset means the high watermark (DeleteRecordsRequest.HIGH_WATERMARK).
const allRecords = -1

// deleteCall deletes a partition's records before an offset.
type deleteCall struct{ offset int64 }

// run has it judged by a leader that a quorum confirms: one that is behind would refuse an offset that was read elsewhere.
// The codes are those of Kafka's Partition.deleteRecordsOnLeader and UnifiedLog.maybeIncrementLogStartOffset.
func (c deleteCall) run(s *Shard, p *partition, o origin) {
	if code := s.leads(p, -1); code != errNone {
		s.answer(o, trimmed{code: code, start: -1})
		return
	}
	s.linearize(p, func(ok bool) {
		to, end := c.offset, p.g.HighWatermark()
		if to == allRecords {
			to = end
		}
		switch {
		case !ok:
			s.answer(o, trimmed{code: errNotLeader, start: -1})
		case to < 0 || to > end:
			s.answer(o, trimmed{code: errOffsetRange, start: -1})
		case to <= p.g.LogStart():
			s.answer(o, trimmed{start: p.g.LogStart()})
		default:
			s.trim(p, o, to)
		}
	})
}

// deleteRecords answers a DeleteRecords request. A partition without an answer by the deadline is unclear: its records may
// still go.
func (s *Shard) deleteRecords(r *request, req *kmsg.DeleteRecordsRequest) {
	n := 0
	for i := range req.Topics {
		n += len(req.Topics[i].Partitions)
	}
	r.expect(n+1, func() { s.respondDeleteRecords(r, req) })
	k := 0
	for _, t := range req.Topics {
		topic, unknown := s.topicOf(t.Topic, UUID{}, false)
		for _, q := range t.Partitions {
			group, code := uint64(0), unknown
			if internalTopic(t.Topic) { // ReplicaManager.deleteRecordsOnLocalLog
				code = errBadTopic
			}
			if code == errNone {
				group, code = groupOf(topic, q.Partition)
			}
			if code != errNone {
				s.answered(origin{id: r.id, part: k}, trimmed{code: code, start: -1})
			} else {
				s.call(r, k, group, deleteCall{q.Offset})
			}
			k++
		}
	}
	s.deadline(r, min(max(time.Duration(req.TimeoutMillis)*time.Millisecond, 0), s.cfg.Limits.ProduceWait))
	s.answered(origin{id: r.id, part: n}, trimmed{})
}

func (s *Shard) respondDeleteRecords(r *request, req *kmsg.DeleteRecordsRequest) {
	resp := kmsg.NewPtrDeleteRecordsResponse()
	resp.Topics = []kmsg.DeleteRecordsResponseTopic{}
	k := 0
	for _, t := range req.Topics {
		rt := kmsg.NewDeleteRecordsResponseTopic()
		rt.Topic = t.Topic
		rt.Partitions = []kmsg.DeleteRecordsResponseTopicPartition{}
		for _, q := range t.Partitions {
			a, ok := r.parts[k].(trimmed)
			if !ok {
				a = trimmed{code: errTimedOut, start: -1}
			}
			rp := kmsg.NewDeleteRecordsResponseTopicPartition()
			rp.Partition, rp.ErrorCode, rp.LowWatermark = q.Partition, a.code, a.start
			rt.Partitions = append(rt.Partitions, rp)
			k++
		}
		resp.Topics = append(resp.Topics, rt)
	}
	s.respond(r, resp)
}
