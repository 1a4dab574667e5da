package broker

import (
	"testing"

	pb "go.etcd.io/raft/v3/raftpb"
)

// Others' entries are taken as long as half of the WAL has room for what waits for it, and one message of them always; what isn't entries
// is taken anyway (B14).
func TestBurstWaitsForRoom(t *testing.T) {
	l := startLone(t)
	s := l.s
	entries := &pb.Message{Type: pb.MsgApp.Enum(), Entries: []*pb.Entry{{}}}
	most := int(s.burstWAL)
	if want := loneOptions.WALFiles * int(loneOptions.WALFileBytes) / 2; most != want {
		t.Fatalf("%d bytes may wait, expected %d", most, want)
	}
	for _, c := range []struct {
		arrived, size int
		m             *pb.Message
		want          bool
	}{
		{0, 3 * most, entries, true}, // it can't come in parts
		{most / 2, most / 2, entries, true},
		{most / 2, most/2 + 1, entries, false},
		{1, most, entries, false},
		{most, most, &pb.Message{Type: pb.MsgApp.Enum()}, true},
		{most, most, &pb.Message{Type: pb.MsgHeartbeat.Enum()}, true},
	} {
		s.arrived = c.arrived
		got := s.takes(c.m, c.size)
		if got != c.want {
			t.Errorf("%d bytes of %s behind %d that wait: taken %t, expected %t", c.size, c.m.GetType(), c.arrived, got, c.want)
		}
		if counts := got && len(c.m.Entries) > 0; counts != (s.arrived > c.arrived) {
			t.Errorf("%d bytes of %s behind %d: %d wait then", c.size, c.m.GetType(), c.arrived, s.arrived)
		}
	}
	s.settle()
	if s.arrived != 0 {
		t.Errorf("once all is staged, %d bytes count as arrived", s.arrived)
	}
}
