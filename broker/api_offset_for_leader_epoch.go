package broker

import (
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// epochCall asks where a leader epoch ends in one partition (KIP-320).
type epochCall struct {
	current, epoch int32
	until          time.Duration // nobody waits for the answer any more
}

// epochAnswer answers an epochCall.
type epochAnswer struct {
	code int16
	end  epochEnd
}

// Only a leader that a quorum confirms answers: a consumer that is told a smaller end than there is throws away its place.
func (c epochCall) run(s *Shard, p *partition, o origin) {
	if code := s.leads(p, c.current); code != errNone {
		s.answer(o, epochAnswer{code: code})
		return
	}
	s.linearize(p, func(ok bool) {
		if !ok {
			s.answer(o, epochAnswer{code: errNotLeader})
			return
		}
		s.endOfEpoch(p, waiter{o, c.until}, c.epoch, func(e epochEnd, code int16) { s.answer(o, epochAnswer{code, e}) })
	})
}

// offsetForLeaderEpoch answers an OffsetForLeaderEpoch request.
func (s *Shard) offsetForLeaderEpoch(r *request, req *kmsg.OffsetForLeaderEpochRequest) {
	n := 0
	for i := range req.Topics {
		n += len(req.Topics[i].Partitions)
	}
	r.expect(n+1, func() { s.respond(r, epochsResponse(req, r.parts)) })
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
				s.answered(origin{id: r.id, part: k}, epochAnswer{code: code})
			} else {
				s.call(r, k, group, epochCall{q.CurrentLeaderEpoch, q.LeaderEpoch, s.now.Mono + wait})
			}
			k++
		}
	}
	s.deadline(r, wait)
	s.answered(origin{id: r.id, part: n}, epochAnswer{})
}

func epochsResponse(req *kmsg.OffsetForLeaderEpochRequest, answers []any) *kmsg.OffsetForLeaderEpochResponse {
	resp := kmsg.NewPtrOffsetForLeaderEpochResponse()
	resp.Version = req.Version
	resp.Topics = []kmsg.OffsetForLeaderEpochResponseTopic{}
	k := 0
	for _, t := range req.Topics {
		rt := kmsg.NewOffsetForLeaderEpochResponseTopic()
		rt.Topic, rt.Partitions = t.Topic, []kmsg.OffsetForLeaderEpochResponseTopicPartition{}
		for _, q := range t.Partitions {
			a, ok := answers[k].(epochAnswer)
			if !ok {
				a.code = errTimedOut
			}
			row := kmsg.NewOffsetForLeaderEpochResponseTopicPartition()
			row.Partition, row.ErrorCode, row.LeaderEpoch, row.EndOffset = q.Partition, a.code, noEpoch, -1
			if a.end.known() {
				row.LeaderEpoch, row.EndOffset = a.end.epoch, a.end.offset
			}
			rt.Partitions = append(rt.Partitions, row)
			k++
		}
		resp.Topics = append(resp.Topics, rt)
	}
	return resp
}
