package broker

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"logd/broker/group"
)

// Commits that can't be proposed wait up to the bound of a shard's queue; one more is refused, to be sent again, and so is a produce.
func TestCommitsAreQueuedToABound(t *testing.T) {
	l := startGroups(t)
	if code := l.commit("g", "", -1, "a", 1); code != errNone {
		t.Fatal(code)
	}
	l.s.cfg.Limits.QueueBytes, l.s.cfg.Limits.UncommittedBytes, l.hold = 2000, 1, true
	const sent = 40
	refused, answers := 0, 0
	take := func() {
		r, ok := l.received(commitRequest("g", "", -1, "a", 1))
		if !ok {
			return
		}
		answers++
		switch code := r.(*kmsg.OffsetCommitResponse).Topics[0].Partitions[0].ErrorCode; code {
		case group.NotAvailable:
			refused++
		case errNone:
		default:
			t.Errorf("a commit gets %d", code)
		}
	}
	for i := range int64(sent) {
		l.send(commitRequest("g", "", -1, "a", 2+i))
		if l.s.queued > l.s.cfg.Limits.QueueBytes {
			t.Fatalf("%d bytes wait to be proposed after %d commits, the bound is %d", l.s.queued, i+1, l.s.cfg.Limits.QueueBytes)
		}
	}
	if l.s.queued == 0 {
		t.Error("nothing waits")
	}
	l.completeHeld()
	l.await("all answers", func() bool { take(); return answers == sent })
	if refused == 0 || refused > sent-5 {
		t.Errorf("%d commits of %d are refused", refused, sent)
	}
	if code := l.commit("g", "", -1, "a", 100); code != errNone {
		t.Errorf("a commit afterwards gets %d", code)
	}
}
