package sim

import (
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"

	"logd/checker"
)

// sends tells of a client's request.
func (v *watcher) sends(c *client, node int, k *call) {
	if v == nil {
		return
	}
	v.called++
	v.calls[k] = v.called
	e := Called{Number: v.called, Client: int64(c.number), Session: c.sessions, Broker: v.w.nodes[node].id, Part: v.w.asksAbout(k), Trim: k.trim,
		Request: fmt.Sprintf("%s v%d%s", kmsg.NameForKey(k.key), k.version, k.wants())}
	if k.op.Kind != 0 {
		e.Op = &k.op
	}
	v.tell(v.w.now, e)
}

// returns tells of its end. By then it may be known which life of a fleeting topic it was about.
func (v *watcher) returns(k *call, outcome checker.Outcome) {
	if v == nil || v.calls[k] == 0 {
		return
	}
	e := Returned{Number: v.calls[k], Part: v.w.asksAbout(k), Outcome: outcome, Code: k.code, Text: v.w.toldOf(k)}
	if k.op.Kind != 0 {
		e.Op = &k.op
	}
	delete(v.calls, k)
	v.tell(v.w.now, e)
}

// asksAbout names the partition that a call is about: that of a group is where it is kept. Of a fleeting topic whose life isn't known, or
// of all of a topic, it is what the client named; "" if that is nothing.
func (w *World) asksAbout(k *call) string {
	switch {
	case k.part >= 0:
		return w.partName(k.part)
	case k.group != "":
		if g := w.keptIn(k.group); g != nil {
			return g.name
		}
	case k.topic > 0 && k.op.Kind != 0 && k.life != nil:
		return labelledLife(k.life, k.index)
	case k.topic > 0 && k.op.Kind != 0:
		return labelled(k.topic-1, k.index)
	case k.topic > 0:
		return fleetingNames[k.topic-1]
	}
	return ""
}

// wants says what a request asks for that its partition and its operation don't.
func (k *call) wants() string {
	switch h := k.change; {
	case k.group != "":
		return " of " + k.group
	case h != nil && h.create:
		return fmt.Sprintf(", %d partitions, %d replicas", h.parts, h.copies)
	case h != nil && h.life != nil:
		return ", " + h.life.label
	}
	return ""
}

// toldOf says what an answer about a group, or about a topic that comes and goes, says.
func (w *World) toldOf(k *call) string {
	if k.code != codeNone {
		return ""
	}
	switch r := k.resp.(type) {
	case *kmsg.FindCoordinatorResponse:
		id := r.NodeID
		if len(r.Coordinators) > 0 {
			id = r.Coordinators[0].NodeID
		}
		return fmt.Sprintf("broker %d", id)
	case *kmsg.JoinGroupResponse:
		return fmt.Sprintf("member %s, generation %d of %d members, led by %s", r.MemberID, r.Generation, len(r.Members), r.LeaderID)
	case *kmsg.ConsumerGroupHeartbeatResponse:
		return fmt.Sprintf("epoch %d%s", r.MemberEpoch, w.given(r))
	case *kmsg.CreateTopicsResponse, *kmsg.DeleteTopicsResponse:
		if h := k.change; h != nil && h.life != nil {
			return h.life.label
		}
	}
	return ""
}

// given is an assignment, by the topics' names where their ids are of the workload's topics.
func (w *World) given(r *kmsg.ConsumerGroupHeartbeatResponse) string {
	if r.Assignment == nil {
		return ""
	}
	var b strings.Builder
	b.WriteString(", is to have")
	for _, t := range r.Assignment.Topics {
		fmt.Fprintf(&b, " %x:%v", t.TopicID[:4], t.Partitions)
	}
	return b.String()
}
