package broker

import (
	"math"
	"testing"
)

// A batch is one entry of the WAL, and of an envelope: a setting that allows more has it refused as too large, and not taken for what no
// peer ever gets.
func TestBatchesThatPeersTake(t *testing.T) {
	for _, c := range []struct {
		setting int32
		entry   int
		want    int32
	}{
		{setting: 1000, entry: 2000, want: 1000},
		{setting: 3000, entry: 2000, want: 2000},
		{setting: 50 << 20, entry: 64 << 20, want: MaxEntryBytes},
		{setting: math.MaxInt32, entry: 1 << 34, want: MaxEntryBytes},
	} {
		if got := batchBytes(c.setting, c.entry); got != c.want {
			t.Errorf("a setting of %d, and a WAL that takes %d: batches of %d bytes at most, expected %d", c.setting, c.entry, got, c.want)
		}
	}
}
