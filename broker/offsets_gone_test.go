package broker

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

func (l *lone) deleteTopic(name string) {
	l.Helper()
	req := kmsg.NewPtrDeleteTopicsRequest()
	req.Version, req.TimeoutMillis, req.TopicNames = 5, 5000, []string{name}
	if r := ask[*kmsg.DeleteTopicsResponse](l, req).Topics[0]; r.ErrorCode != errNone {
		l.Fatal(r.ErrorCode)
	}
}

// What was committed for a topic goes with it, at once and for good; a topic of the same name has none of it, nor have others
// lost theirs. (Kafka's GroupCoordinatorService.onPartitionsDeleted.)
func TestOffsetsGoWithTheirTopic(t *testing.T) {
	l := startGroups(t)
	l.create("b")
	for i, topic := range []string{"a", "b"} {
		if code := l.commit("g", "", -1, topic, int64(5+i)); code != errNone {
			t.Fatal(code)
		}
	}
	at := func(topic string) int64 { return l.committed("g", topic).Topics[0].Partitions[0].Offset }
	l.deleteTopic("b")
	l.await("the offset to go", func() bool { return at("b") == -1 })
	l.create("b")
	if a, b := at("a"), at("b"); a != 5 || b != -1 {
		t.Fatalf("offsets %d and %d, expected 5 and -1", a, b)
	}
	if code := l.commit("g", "", -1, "b", 7); code != errNone {
		t.Fatal(code)
	}
	l.deleteTopic("b") // while nobody coordinates what becomes of it
	l.boot()
	l.findCoordinator("g")
	l.await("the offset to go", func() bool { return at("b") == -1 })
	l.create("b")
	if a, b := at("a"), at("b"); a != 5 || b != -1 {
		t.Fatalf("after a restart offsets %d and %d, expected 5 and -1", a, b)
	}
	l.deleteTopic("a")
	l.await("the offset to go", func() bool { return at("a") == -1 })
	l.pass(l.s.cfg.Limits.Groups.CheckEvery)
	if r := ask[*kmsg.DescribeGroupsResponse](l, &kmsg.DescribeGroupsRequest{Version: 5, Groups: []string{"g"}}).Groups[0]; r.State != "Dead" {
		t.Fatalf("a group without offsets or members is %s", r.State)
	}
}
