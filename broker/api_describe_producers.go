package broker

import "github.com/twmb/franz-go/pkg/kmsg"

// producersCall asks a partition's leader for its producers.
type producersCall struct{}

// knownProducers answers it.
type knownProducers struct {
	code int16
	rows []kmsg.DescribeProducersResponseTopicPartitionActiveProducer
}

// run answers with the log as the leader has it, uncommitted batches included, as Kafka's ReplicaManager.activeProducerState.
func (producersCall) run(s *Shard, p *partition, o origin) {
	a := knownProducers{code: s.leads(p, -1), rows: []kmsg.DescribeProducersResponseTopicPartitionActiveProducer{}}
	if a.code == errNone {
		for _, e := range p.g.Producers().Entries() {
			row := kmsg.NewDescribeProducersResponseTopicPartitionActiveProducer()
			row.ProducerID, row.ProducerEpoch, row.LastSequence, row.LastTimestamp = e.ID, int32(e.Epoch), e.LastSequence(), e.Last().Timestamp
			row.CoordinatorEpoch, row.CurrentTxnStartOffset = -1, -1
			a.rows = append(a.rows, row)
		}
	}
	s.answer(o, a)
}

// describeProducers answers a DescribeProducers request.
func (s *Shard) describeProducers(r *request, req *kmsg.DescribeProducersRequest) {
	n := 0
	for i := range req.Topics {
		n += len(req.Topics[i].Partitions)
	}
	r.expect(n+1, func() { s.respondProducers(r, req) })
	k := 0
	twice := namedTwice(func(name func(topic string, part int32)) {
		for _, t := range req.Topics {
			for _, q := range t.Partitions {
				name(t.Topic, q)
			}
		}
	})
	for _, t := range req.Topics {
		topic, unknown := s.topicOf(t.Topic, UUID{}, false)
		for _, q := range t.Partitions {
			group, code := uint64(0), unknown
			switch {
			case twice[fetchKey{topic: t.Topic, part: q}]:
				code = errBadRequest
			case checkTopicName(t.Topic).is():
				code = errBadTopic
			case code == errNone:
				group, code = groupOf(topic, q)
			}
			if code != errNone {
				s.answered(origin{id: r.id, part: k}, knownProducers{code: code})
			} else {
				s.call(r, k, group, producersCall{})
			}
			k++
		}
	}
	s.deadline(r, s.cfg.Limits.AdminWait)
	s.answered(origin{id: r.id, part: n}, knownProducers{})
}

func (s *Shard) respondProducers(r *request, req *kmsg.DescribeProducersRequest) {
	resp := kmsg.NewPtrDescribeProducersResponse()
	resp.Topics = []kmsg.DescribeProducersResponseTopic{}
	k := 0
	for _, t := range req.Topics {
		rt := kmsg.NewDescribeProducersResponseTopic()
		rt.Topic = t.Topic
		rt.Partitions = []kmsg.DescribeProducersResponseTopicPartition{}
		for _, q := range t.Partitions {
			a, ok := r.parts[k].(knownProducers)
			if !ok {
				a.code = errTimedOut
			}
			rp := kmsg.NewDescribeProducersResponseTopicPartition()
			rp.Partition, rp.ErrorCode, rp.ActiveProducers = q, a.code, a.rows
			if rp.ActiveProducers == nil {
				rp.ActiveProducers = []kmsg.DescribeProducersResponseTopicPartitionActiveProducer{}
			}
			rt.Partitions = append(rt.Partitions, rp)
			k++
		}
		resp.Topics = append(resp.Topics, rt)
	}
	s.respond(r, resp)
}
