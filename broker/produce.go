package broker

import (
	"cmp"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// produceCall appends one batch to a partition.
type produceCall struct{ batch []byte }

func (c produceCall) run(s *Shard, p *partition, o origin) {
	if code := s.leads(p, -1); code != errNone {
		s.answer(o, appended{code: code, offset: -1, start: -1})
		return
	}
	if no := s.noRoom(); no.is() {
		s.turnAway(p, c.batch)
		s.answer(o, appended{code: no.code, offset: -1, start: -1, result: refusedBy(no)})
		return
	}
	if no := s.servesProducers(c.batch); no.is() {
		s.answer(o, appended{code: no.code, offset: -1, start: -1, result: refusedBy(no)})
		return
	}
	if s.queued+len(c.batch) > s.cfg.Limits.QueueBytes {
		s.turnAway(p, c.batch)
		s.answer(o, appended{code: errNotEnough, offset: -1, start: -1})
		return
	}
	s.propose(p, o, c.batch)
}

// producePart is one partition of a Produce request.
type producePart struct {
	group uint64
	no    refusal
	batch checkedBatch
}

// produce answers a Produce request. acks=1 gets what acks=all gets: an acknowledgement is a majority's completed syncs
// (G1). acks=0 has no response, and so no acknowledgement.
func (s *Shard) produce(r *request, req *kmsg.ProduceRequest) {
	var parts []producePart
	for _, t := range req.Topics {
		topic, code := s.topicOf(t.Topic, t.TopicID, req.Version >= 13)
		for _, q := range t.Partitions {
			var p producePart
			if code == errNone {
				p.group, p.no.code = groupOf(topic, q.Partition)
			} else {
				p.no.code = code
			}
			switch { // in the order of ReplicaManager.appendRecords and appendToLocalLog
			case p.no.is():
			case req.Acks < -1 || req.Acks > 1:
				p.no = refuse(errBadAcks, "acks is %d, expected -1, 0 or 1", req.Acks)
			case internalTopic(topic.Name):
				p.no = refuse(errBadTopic, "Cannot append to internal topic %s", topic.Name)
			default:
				p.batch, p.no = checkRecords(q.Records, s.rulesOf(topic, req.Version))
			}
			parts = append(parts, p)
		}
	}
	s.appendAll(r, req, parts)
}

// rulesOf is what a topic's batches are held to.
func (s *Shard) rulesOf(t *Topic, version int16) batchRules {
	before, after := t.timestampRange()
	return batchRules{version: version, compacted: t.compacted(), beforeMax: before, afterMax: after, maxBytes: batchBytes(t.MaxMessageBytes(s.cfg.Topics), s.store.MaxEntry()),
		segmentBytes: t.SegmentBytes(), logAppendTime: t.LogAppendTime(), wall: s.now.Wall}
}

// batchBytes is the most bytes of a batch: no more than the topic's setting, the WAL and an envelope take.
func batchBytes(setting int32, entry int) int32 {
	return min(setting, int32(min(entry, MaxEntryBytes)))
}

func (s *Shard) appendAll(r *request, req *kmsg.ProduceRequest, parts []producePart) {
	r.expect(len(parts)+1, func() { s.respondProduce(r, req, parts) })
	for i, p := range parts {
		if p.no.is() {
			s.answered(origin{id: r.id, part: i}, appended{code: p.no.code, offset: -1, start: -1})
		} else {
			s.call(r, i, p.group, produceCall{p.batch.bytes})
		}
	}
	wait := min(max(time.Duration(req.TimeoutMillis)*time.Millisecond, 0), s.cfg.Limits.ProduceWait)
	s.deadline(r, wait)
	s.answered(origin{id: r.id, part: len(parts)}, appended{})
}

// respondNothing ends a Produce with acks=0. There is no response to carry an error, so an error closes the connection, as
// in Kafka: a client would otherwise go on sending to a broker that takes nothing.
func (s *Shard) respondNothing(r *request, parts []producePart) {
	conn := r.conn
	for k := range parts {
		if a, ok := r.parts[k].(appended); ok && a.code != errNone {
			s.closeConn(conn, fmt.Sprintf("a produce with acks=0 failed with code %d; its client can't be told otherwise", a.code))
			break
		}
	}
	s.respond(r, nil)
}

// respondProduce builds the response; a batch without an answer by the deadline is unclear (design.md, section 3).
func (s *Shard) respondProduce(r *request, req *kmsg.ProduceRequest, parts []producePart) {
	if req.Acks == 0 {
		s.respondNothing(r, parts)
		return
	}
	resp := kmsg.NewPtrProduceResponse()
	var nodes hints
	k := 0
	for _, t := range req.Topics {
		if len(t.Partitions) == 0 {
			continue // Kafka's answers are made of partitions
		}
		rt := kmsg.NewProduceResponseTopic()
		rt.Topic, rt.TopicID = t.Topic, t.TopicID
		for _, q := range t.Partitions {
			a, ok := r.parts[k].(appended)
			if !ok {
				a = appended{code: errTimedOut, offset: -1, start: -1}
			}
			rp := kmsg.NewProduceResponseTopicPartition()
			rp.Partition, rp.ErrorCode, rp.BaseOffset, rp.LogStartOffset = q.Partition, a.code, a.offset, a.start
			rp.LogAppendTime = -1
			if a.code == errNotLeader && req.Version >= 10 {
				rp.CurrentLeader.LeaderID, rp.CurrentLeader.LeaderEpoch = nodes.leader(s, parts[k].group, a.code)
			}
			if a.code == errNone {
				rp.LogAppendTime = parts[k].batch.appendTime
			}
			rp.ErrorMessage = messageOf(a.code, cmp.Or(parts[k].no.message, a.result.Message))
			rp.ErrorRecords = errorRecords(parts[k].batch.rejected)
			rt.Partitions = append(rt.Partitions, rp)
			k++
		}
		resp.Topics = append(resp.Topics, rt)
	}
	resp.Brokers = nodes.ofProduce()
	s.respond(r, resp)
}
