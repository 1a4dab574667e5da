package sim

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// What is said of an epoch's end is held against what was read: of the epoch, and of later ones.
func TestEpochEndsAreJudged(t *testing.T) {
	for _, row := range []struct {
		what         string
		code         int16
		epoch        int32
		end          int64
		start        int64
		current      int32
		since        bool // the leader was elected before it was asked
		violates, ok bool
	}{
		{what: "behind the position, before the next epoch", epoch: 4, end: 30, ok: true},
		{what: "at the position", epoch: 4, end: 20, violates: true}, // 25 had been read by somebody
		{what: "up to where it was read", epoch: 4, end: 25, ok: true},
		{what: "before the position", epoch: 4, end: 19, violates: true},
		{what: "another epoch", epoch: 3, end: 30, violates: true},
		{what: "behind a record of a later epoch", epoch: 4, end: 31, violates: true},
		{what: "the log starts there", epoch: 4, end: 31, start: 31, ok: true},
		{what: "nothing", epoch: -1, end: -1, violates: true},
		{what: "refused", code: codeNotLeader},
		{what: "fenced, and there is a later one", code: codeFencedEpoch, current: 6},
		{what: "fenced, and there is none", code: codeFencedEpoch, current: 7, violates: true},
		{what: "not heard of by the leader", code: codeUnknownEpoch, current: 7, since: true, violates: true},
		{what: "not heard of by one that is about to lead", code: codeUnknownEpoch, current: 7},
	} {
		w := newWorld(storyOptions(), Env{})
		g := w.views.group(5)
		g.part, g.leader, g.term, g.start = 0, 0, 7, row.start
		w.views.epochs[0][4], w.views.epochs[0][6] = epochSeen{10, 25}, epochSeen{30, 40}
		c := newClient(w, 2, mute{})
		k := &call{line: &line{}, stands: lastRead{20, 4}, reached: 25, current: row.current}
		if row.since {
			k.sent = 1
		}
		p := kmsg.NewOffsetForLeaderEpochResponseTopicPartition()
		p.ErrorCode, p.LeaderEpoch, p.EndOffset = row.code, row.epoch, row.end
		resp := kmsg.NewPtrOffsetForLeaderEpochResponse()
		resp.Topics = []kmsg.OffsetForLeaderEpochResponseTopic{{Topic: w.topic(0), Partitions: []kmsg.OffsetForLeaderEpochResponseTopicPartition{p}}}
		c.toldEnd(k, resp)
		if v := w.violation; (v != nil) != row.violates || v != nil && v.Name != EpochEnd {
			t.Errorf("%s: %v", row.what, v)
		}
		if told := c.asked[0] == 0; row.ok && !told || row.code != codeNone && told {
			t.Errorf("%s: its position counts as checked: %t", row.what, told)
		}
	}
}
