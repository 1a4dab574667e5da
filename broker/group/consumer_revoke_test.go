package group

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// owner is a member of the new protocol that says what it has.
type owner struct {
	id    string
	epoch int32
	told  []int32 // partitions of t0
}

func (o *owner) beat(r *rig, has []int32) int16 {
	req := kmsg.NewPtrConsumerGroupHeartbeatRequest()
	req.Group, req.MemberID, req.MemberEpoch, req.RebalanceTimeoutMillis = "g", o.id, o.epoch, 60_000
	req.SubscribedTopicNames = []string{"t0"}
	req.Topics = []kmsg.ConsumerGroupHeartbeatRequestTopic{}
	if len(has) > 0 {
		req.Topics = append(req.Topics, kmsg.ConsumerGroupHeartbeatRequestTopic{TopicID: topicN(0), Partitions: has})
	}
	a := r.call("g", 1, req).(*kmsg.ConsumerGroupHeartbeatResponse)
	if a.ErrorCode != None {
		return a.ErrorCode
	}
	o.epoch = a.MemberEpoch
	if a.Assignment != nil {
		o.told = nil
		for _, t := range a.Assignment.Topics {
			o.told = append(o.told, t.Partitions...)
		}
	}
	return None
}

// Each request to give partitions back has the whole rebalance timeout, also one that comes when an earlier one was met just in time
// (KIP-848; GroupMetadataManager.maybeReconcile in Kafka).
func TestEachRevocationHasItsTime(t *testing.T) {
	r := newRig(t, 6)
	a, b, c := &owner{id: "a"}, &owner{id: "b"}, &owner{id: "c"}
	beat := func(o *owner, has []int32) {
		t.Helper()
		if code := o.beat(r, has); code != None {
			t.Fatalf("at %v: member %s is answered %d", r.now.Mono, o.id, code)
		}
	}
	beat(a, nil)
	all := a.told
	beat(b, nil)
	r.pass(5 * time.Second)
	beat(a, all) // it is to give three back
	rest := a.told
	for range 9 {
		r.pass(5 * time.Second)
		beat(a, all)
		beat(b, nil)
	}
	beat(c, nil)
	beat(a, rest) // it has, in time, and is to give one more
	if len(all) != 6 || len(rest) != 3 || len(a.told) != 2 {
		t.Fatalf("a was to have %v, then %v, then %v", all, rest, a.told)
	}
	for range 4 {
		r.pass(5 * time.Second)
		beat(a, rest)
		beat(b, nil)
		beat(c, nil)
	}
}
