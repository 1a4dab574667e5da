package broker

import "github.com/twmb/franz-go/pkg/kmsg"

// initProducerID answers an InitProducerId request, in the order of Kafka 4.1's KafkaApis.handleInitProducerIdRequest and
// TransactionCoordinator.handleInitProducerId: an id without its epoch, or the other way round, is INVALID_REQUEST; without a
// transactional id a new producer id is given, epoch 0, whatever id and epoch the producer had (KIP-360: it raises the epoch of
// one by itself). An empty transactional id is INVALID_REQUEST there, and so is any here: there are no transactions yet, and a
// client ends its attempt by this code, as by FindCoordinator's, which it asks before; COORDINATOR_NOT_AVAILABLE would have it
// wait for ever.
func (s *Shard) initProducerID(r *request, req *kmsg.InitProducerIDRequest) {
	if (req.ProducerID == -1) != (req.ProducerEpoch == -1) || req.TransactionalID != nil {
		s.respondProducerID(r, givenID{code: errBadRequest, id: -1})
		return
	}
	r.expect(1, func() {
		a, ok := r.parts[0].(givenID)
		if !ok {
			a = givenID{code: errLoading, id: -1}
		}
		s.respondProducerID(r, a)
	})
	s.deadline(r, s.cfg.Limits.AdminWait)
	s.giveID(origin{shard: s.cfg.Shard, id: r.id})
}

func (s *Shard) respondProducerID(r *request, a givenID) {
	resp := kmsg.NewPtrInitProducerIDResponse()
	resp.ErrorCode, resp.ProducerID, resp.ProducerEpoch = a.code, a.id, 0
	if a.code != errNone {
		resp.ProducerEpoch = -1
	}
	s.respond(r, resp)
}
