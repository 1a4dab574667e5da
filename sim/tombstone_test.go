package sim

import (
	"testing"
	"time"

	"logd/log"
)

// TestTombstonesGo: topics come and go, some hundred of them, on brokers whose WAL has room for the tombstones of 170 replicas: they must
// leave it, with the shard that has the metadata and with another.
func TestTombstonesGo(t *testing.T) {
	o := DrawSized(1, 10*time.Second, Size{Brokers: 3, Shards: 2})
	o.Faults.Weight = [faultKinds]int{}
	o.Store = log.Options{WALFiles: 4, WALFileBytes: 128 << 10, GroupBytes: 16 << 10, SegmentBytes: 16 << 10, IndexBytes: 1024}
	o.Load = LoadOptions{Topics: 1, Partitions: 1, Replicas: 3, Appenders: 1, Tailers: 1, Depth: 1, Think: 10 * time.Millisecond, Records: 1, Bytes: 100, Timeout: time.Second,
		Fleeting: 3, Lives: 25 * time.Millisecond}
	o.Limits.UncommittedBytes = log.MaxEntry(o.Store) / 16
	r := Run(o, Env{})
	if r.Violation != nil {
		t.Errorf("%.300s", r.Violation)
	}
	if n := r.Counts[CountTopicsDeleted]; n < 300 {
		t.Errorf("%d topics were deleted, expected 300", n)
	}
}
