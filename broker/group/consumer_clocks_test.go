package group

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// static is a heartbeat of a static member.
func static(q *heartbeat) *heartbeat {
	q.InstanceID = ptr("i")
	return q
}

// commitAlone commits an offset of t0's first partition as a consumer that assigns partitions itself does.
func (r *rig) commitAlone(group string, at int64) int16 {
	r.t.Helper()
	req := kmsg.NewPtrOffsetCommitRequest()
	req.Group, req.Generation = group, -1
	p := kmsg.NewOffsetCommitRequestTopicPartition()
	p.Offset = at
	req.Topics = []kmsg.OffsetCommitRequestTopic{{Topic: "t0", Partitions: []kmsg.OffsetCommitRequestTopicPartition{p}}}
	return r.call(group, 8, req).(*kmsg.OffsetCommitResponse).Topics[0].Partitions[0].ErrorCode
}

// The clocks of a static member stop when another takes its place: they know the group as it was, and would end it again when there
// is another of its name, of which then nothing is copied forward any more.
func TestReplacedMembersClocksStop(t *testing.T) {
	r := newRig(t, 4)
	r.mustBeat(static(joining("a", nil, "t0")))
	r.mustBeat(static(beating("a", epochStaticLeave, nil)))
	r.mustBeat(static(joining("b", nil, "t0")))
	old := r.m.groups["g"]
	expect(t, "members with clocks", len(old.clocks), 1)
	r.mustBeat(static(beating("b", epochLeave, nil)))
	expect(t, "deletion", r.call("g", 2, Delete{}).(kmsg.DeleteGroupsResponseGroup).ErrorCode, None)
	expect(t, "commit", r.commitAlone("g", 7), None)
	r.pass(time.Minute)
	expect(t, "topics with an offset", r.offsetsOf("g"), 1)
}

// What comes late to a group that was deleted leaves the next one of its name alone.
func TestNextGroupOfTheName(t *testing.T) {
	r := newRig(t, 4)
	expect(t, "commit", r.commitAlone("g", 7), None)
	old := r.m.groups["g"]
	expect(t, "deletion", r.call("g", 2, Delete{}).(kmsg.DeleteGroupsResponseGroup).ErrorCode, None)
	expect(t, "commit", r.commitAlone("g", 8), None)
	r.turn(func(out *Out) {
		r.m.enter(r.now, out)
		r.m.admit(old, op{run: func(*group) {}}) // as a deadline does
		r.m.out = nil
	})
	expect(t, "topics with an offset", r.offsetsOf("g"), 1)
}

// offsetsOf is of how many topics a group has offsets.
func (r *rig) offsetsOf(group string) int {
	r.t.Helper()
	return len(r.call(group, 8, FetchOffsets{All: true, Epoch: -1}).(kmsg.OffsetFetchResponseGroup).Topics)
}
