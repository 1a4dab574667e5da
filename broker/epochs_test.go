package broker

import (
	"fmt"
	"io/fs"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
	pb "go.etcd.io/raft/v3/raftpb"

	"logd/log"
)

// twoEpochs makes a topic with three records in each of two epochs.
func (l *lone) twoEpochs(topic string) (*partition, []int32) {
	l.Helper()
	l.create(topic, configRetentionTime, "-1")
	for range 2 {
		l.boot()
		l.await("leader", func() bool {
			p := l.s.parts[l.s.meta.TopicByName(topic).firstGroup()]
			return p != nil && p.g.Serving()
		})
		for range 3 {
			l.produce(topic, bigRecord(1000, l.now.Wall))
		}
	}
	epochs, begins := l.epochs(topic)
	if len(epochs) != 2 || begins[1] != 3 {
		l.Fatalf("epochs %v begin at %v", epochs, begins)
	}
	return l.s.parts[l.s.meta.TopicByName(topic).firstGroup()], epochs
}

// The log start passes, and the file goes, while an epoch is looked for: what is left is looked through.
func TestEpochIsLookedForWhileRecordsGo(t *testing.T) {
	l := startLone(t)
	p, epochs := l.twoEpochs("e")
	p.g.Flush(1 << 30)
	l.await("a segment", func() bool { return l.s.store.SegmentEnd(p.group) == 6 })
	p.g.Evict(0)
	l.slow = true
	req := kmsg.NewPtrOffsetForLeaderEpochRequest()
	req.Version = 4
	req.Topics = []kmsg.OffsetForLeaderEpochRequestTopic{{Topic: "e", Partitions: []kmsg.OffsetForLeaderEpochRequestTopicPartition{{CurrentLeaderEpoch: -1, LeaderEpoch: epochs[0]}}}}
	l.send(req)
	if len(l.reads) != 1 {
		t.Fatalf("%d reads are out", len(l.reads))
	}
	del := deleteRequest("e", 5)
	l.send(del)
	l.await("a later log start", func() bool { return p.g.LogStart() == 5 })
	gone := l.reads[0]
	l.reads, l.slow = nil, false
	l.turn(ReadDone{log.ReadDone{ID: gone.ID, Err: fs.ErrNotExist}})
	resp, ok := l.received(req)
	if !ok {
		t.Fatal("no answer")
	}
	q := resp.(*kmsg.OffsetForLeaderEpochResponse).Topics[0].Partitions[0]
	if q.ErrorCode != errNone || q.LeaderEpoch != epochs[0] || q.EndOffset != 5 || p.damaged {
		t.Errorf("%+v, damaged %t, expected epoch %d to end at 5", q, p.damaged, epochs[0])
	}
}

// A follower tells a client that their logs part only of an epoch whose end it has. Of one that may go on beyond what it has it knows
// nothing: the client is sent to the leader, and not back over what it has read.
func TestFollowerKnowsWhatItDoesNotKnow(t *testing.T) {
	l := startLone(t)
	p, epochs := l.twoEpochs("e")
	term, _ := p.g.Leading()
	p.g.Step(&pb.Message{Type: pb.MsgHeartbeat.Enum(), From: new(uint64(2)<<32 | 99), To: new(p.replica), Term: new(term + 5)}, &p.out)
	l.s.touch(p.group)
	l.turn()
	if _, leads := p.g.Leading(); leads || !l.s.follows(p) {
		t.Fatal("it doesn't follow")
	}
	for _, c := range []struct {
		offset int64
		last   int32
		want   string
	}{
		{3, epochs[0], "0 true"},
		{4, epochs[0], fmt.Sprintf("parted %d 3, 0 bytes", epochs[0])},
		{4, epochs[1], "0 true"},
		{6, epochs[1], "0 false"},
		{6, int32(term) + 5, fmt.Sprint(errNotLeader, " false")},
		{5, int32(term) + 5, fmt.Sprint(errNotLeader, " false")},
		{7, epochs[1], fmt.Sprint(errOffsetNotYet, " false")},
	} {
		if got := l.diverging("e", c.offset, c.last); got != c.want {
			t.Errorf("from %d with last epoch %d of %v: %s, expected %s", c.offset, c.last, epochs, got, c.want)
		}
	}
}

// What sends a client somewhere, or says where something ends, is said by a leader that a quorum confirms, and by no other: one that was
// deposed and doesn't know it lacks what others have appended since (S13).
func TestOnlyAConfirmedLeaderSays(t *testing.T) {
	l := startLone(t)
	p, epochs := l.twoEpochs("e")
	calls := []struct {
		what string
		c    call
		code func(a any) int16
		want int16
	}{
		{"where an epoch ends", epochCall{-1, epochs[0], time.Hour}, func(a any) int16 { return a.(epochAnswer).code }, errNotLeader},
		{"where the leader's own epoch ends", epochCall{-1, epochs[1], time.Hour}, func(a any) int16 { return a.(epochAnswer).code }, errNotLeader},
		{"the latest offset", listCall{latestOffset, -1, 9, time.Hour}, func(a any) int16 { return a.(listed).code }, errNotLeader},
		{"the offset at a time", listCall{0, -1, 9, time.Hour}, func(a any) int16 { return a.(listed).code }, errNotLeader},
		{"out of range", fetchCall{offset: 9, epoch: -1, lastEpoch: -1, max: 1}, func(a any) int16 { return a.(fetched).code }, errOffsetNotYet},
		{"where logs part", fetchCall{offset: 5, epoch: -1, lastEpoch: epochs[0], max: 1}, func(a any) int16 { return a.(fetched).code }, errNotLeader},
		{"where logs part, beyond the end", fetchCall{offset: 9, epoch: -1, lastEpoch: epochs[1], max: 1}, func(a any) int16 { return a.(fetched).code }, errOffsetNotYet},
		{"that records can't be deleted", deleteCall{9}, func(a any) int16 { return a.(trimmed).code }, errNotLeader},
	}
	var asked []*request
	for _, c := range calls {
		r := &request{id: l.s.next()}
		l.s.requests[r.id] = r
		r.expect(1, func() { delete(l.s.requests, r.id) })
		c.c.run(l.s, p, origin{id: r.id})
		if asked = append(asked, r); r.parts[0] != nil {
			t.Errorf("%s: %+v is said before anybody was asked", c.what, r.parts[0])
		}
	}
	term, _ := p.g.Leading()
	p.g.Step(&pb.Message{Type: pb.MsgHeartbeat.Enum(), From: new(uint64(2)<<32 | 99), To: new(p.replica), Term: new(term + 5)}, &p.out)
	l.s.touch(p.group)
	l.turn()
	for i, c := range calls {
		if a := asked[i].parts[0]; a == nil {
			t.Errorf("%s: no answer", c.what)
		} else if code := c.code(a); code != c.want {
			t.Errorf("%s: code %d of one who was deposed, expected %d", c.what, code, c.want)
		}
	}
}

// Neither a leader nor a follower serves while its disk hangs or bytes of it are lost (S12, G10); both do before and after.
func TestNobodyServesFromABadDisk(t *testing.T) {
	l := startLone(t)
	p, _ := l.twoEpochs("e")
	read := func() int16 {
		t.Helper()
		r := &request{id: l.s.next()}
		l.s.requests[r.id] = r
		r.expect(1, func() { delete(l.s.requests, r.id) })
		fetchCall{offset: 4, epoch: -1, lastEpoch: -1, max: 1, anywhere: true}.run(l.s, p, origin{id: r.id})
		a, ok := r.parts[0].(fetched)
		if !ok {
			t.Fatal("no answer at once")
		}
		return a.code
	}
	for _, who := range []string{"leader", "follower"} {
		if who == "follower" {
			term, _ := p.g.Leading()
			p.g.Step(&pb.Message{Type: pb.MsgHeartbeat.Enum(), From: new(uint64(2)<<32 | 99), To: new(p.replica), Term: new(term + 5)}, &p.out)
			l.s.touch(p.group)
			l.turn()
		}
		if code := read(); code != errNone {
			t.Errorf("%s: code %d", who, code)
		}
		p.damaged = true
		if code := read(); code != errNotLeader {
			t.Errorf("damaged %s: code %d", who, code)
		}
		p.damaged, l.s.disk.stalled = false, true
		if code := read(); code != errNotLeader {
			t.Errorf("%s whose disk hangs: code %d", who, code)
		}
		l.s.disk.stalled = false
	}
}
