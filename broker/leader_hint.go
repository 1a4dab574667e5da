package broker

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// hints are the brokers that a response names as leaders beside its errors, so that the client needn't ask Metadata first
// (KIP-951). They are hints: what a leader does with a request doesn't hang on them.
type hints []BrokerInfo

// leader names the leader of a group, and its epoch; -1 and -1 if it isn't known, has no address, or is this broker, which
// has just said that it doesn't lead.
func (h *hints) leader(s *Shard, group uint64, code int16) (id, epoch int32) {
	id, epoch, ok := reachable(s.meta, s.view.leaderOf, group)
	if !ok || id == s.cfg.Broker && code == errNotLeader {
		return noBroker, noEpoch
	}
	if !slices.ContainsFunc(*h, func(b BrokerInfo) bool { return b.ID == id }) {
		*h = append(*h, *s.meta.Broker(id))
	}
	return id, epoch
}

func (h hints) ofFetch() []kmsg.FetchResponseBroker {
	var out []kmsg.FetchResponseBroker
	for _, b := range h {
		out = append(out, kmsg.FetchResponseBroker{NodeID: b.ID, Host: b.Host, Port: b.Port, Rack: rackOf(b)})
	}
	return out
}

func (h hints) ofProduce() []kmsg.ProduceResponseBroker {
	var out []kmsg.ProduceResponseBroker
	for _, b := range h {
		out = append(out, kmsg.ProduceResponseBroker{NodeID: b.ID, Host: b.Host, Port: b.Port, Rack: rackOf(b)})
	}
	return out
}
