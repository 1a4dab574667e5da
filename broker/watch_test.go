package broker

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// A fetch that waited in vain leaves nothing behind, though nothing is ever appended to its partition again.
func TestWatchersAreForgotten(t *testing.T) {
	l := startLone(t)
	p := l.create("quiet")
	req := kmsg.NewPtrFetchRequest()
	req.SetVersion(12)
	req.MaxWaitMillis, req.MinBytes, req.MaxBytes = 500, 1, 1<<20
	part := kmsg.NewFetchRequestTopicPartition()
	part.PartitionMaxBytes, part.CurrentLeaderEpoch = 1<<20, -1
	req.Topics = []kmsg.FetchRequestTopic{{Topic: "quiet", Partitions: []kmsg.FetchRequestTopicPartition{part}}}
	l.send(req)
	if len(p.watch) != 1 {
		t.Fatalf("%d fetches wait, expected one", len(p.watch))
	}
	l.pass(400 * time.Millisecond)
	if _, answered := l.received(req); answered || len(p.watch) != 1 {
		t.Fatalf("after 400 of 500 ms: answered %t, %d fetches wait", answered, len(p.watch))
	}
	l.pass(200 * time.Millisecond)
	if _, answered := l.received(req); !answered || len(p.watch) != 0 {
		t.Fatalf("after 600 of 500 ms: answered %t, %d fetches wait", answered, len(p.watch))
	}
}
