package broker

import (
	"fmt"

	"logd/transport"
)

// origin is who waits for the answer to a call: a request of a shard of this broker, or another broker's forward.
type origin struct {
	broker int32 // 0: this one
	shard  int
	id     uint64 // of the request, or of the other broker's forward
	part   int    // which of the request's calls
}

// call is what a request wants of one partition. It runs on the shard that has the partition's group and is answered once
// (B7), at once or later.
type call interface {
	// run does it; p is nil if this broker has no such replica.
	run(s *Shard, p *partition, o origin)
}

// callMail carries a call to the shard that has its group; answerMail carries the answer back.
type (
	callMail struct {
		group uint64
		o     origin
		c     call
	}
	answerMail struct {
		o origin
		a any
	}
	// wakeMail says that a partition which a waiting fetch looked at has moved.
	wakeMail struct{ request uint64 }
	// metaMail publishes the metadata to siblings; it never changes any more (M6).
	metaMail struct{ m *Meta }
	// notedMail says that the metadata's shard speaks for its replicas.
	notedMail struct{}
	// knownMail is an answer to a question of another shard.
	knownMail struct {
		h transport.Header
		c knownControl
	}
	// raftMail is a raft message that came to another shard.
	raftMail struct {
		group uint64
		from  int32
		start started // of who sent it
		kind  uint8
		body  []byte
	}
)

// send has a call run where its group is.
func (s *Shard) send(group uint64, o origin, c call) {
	if to := s.shardOf(group); to != s.cfg.Shard {
		s.post(to, callMail{group, o, c})
		return
	}
	c.run(s, s.parts[group], o)
}

// answer brings an answer to who waits for it.
func (s *Shard) answer(o origin, a any) {
	switch {
	case o.broker != 0:
		s.answerForward(o, a)
	case o.shard != s.cfg.Shard:
		s.post(o.shard, answerMail{o, a})
	default:
		s.answered(o, a)
	}
}

func (s *Shard) post(to int, body any) {
	s.out.Mail = append(s.out.Mail, Mail{From: s.cfg.Shard, To: to, Body: body})
}

// postAll sends to every sibling.
func (s *Shard) postAll(body any) {
	for to := range s.cfg.Shards {
		if to != s.cfg.Shard {
			s.post(to, body)
		}
	}
}

func (s *Shard) mail(m Mail) {
	switch b := m.Body.(type) {
	case callMail:
		b.c.run(s, s.parts[b.group], b.o)
	case answerMail:
		s.answered(b.o, b.a)
	case wakeMail:
		s.wake(b.request)
	case metaMail:
		s.publish(b.m)
	case notedMail:
		s.metaNoted()
	case knownMail:
		s.known(b.h, b.c)
	case unfencedMail:
		s.unfence()
	case markedMail:
		s.metaMarked(b.index)
	case flushMail:
		s.tombs.flush = true
	case raftMail:
		s.raftMessage(b)
	case controlMail:
		s.control(b.from, b.c)
	case viewMail:
		s.learn(b.leads)
	default:
		panic(fmt.Sprintf("broker: mail of unknown type %T", b))
	}
}
