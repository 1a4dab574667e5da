package sim

import (
	"testing"
	"time"

	"logd/log"
)

// TestCramped: a WAL without room is a cause while it is emptied, for as long as that may take, and no longer; one that nobody empties is a stall.
func TestCramped(t *testing.T) {
	for _, c := range []struct {
		name    string
		cramped cramped
		busy    bool
		want    bool
	}{
		{"there was room all the time", cramped{}, true, false},
		{"no room now, and it is emptied", cramped{since: time.Hour - time.Second, last: time.Hour, now: true}, true, true},
		{"no room now, and nobody empties it", cramped{since: time.Hour - time.Second, last: time.Hour, now: true}, false, false},
		{"no room for far too long", cramped{since: time.Minute, last: time.Hour, now: true}, true, false},
		{"no room a moment ago", cramped{since: time.Hour - 2*time.Second, last: time.Hour - time.Second}, false, true},
		{"no room a moment ago, for far too long", cramped{since: time.Minute, last: time.Hour - time.Second}, false, false},
		{"no room long ago", cramped{since: time.Minute, last: 2 * time.Minute}, false, false},
	} {
		w, _ := toyWorld(t, 1, 1)
		w.now = time.Hour
		w.opt.Disk.Sync, w.opt.Store.WALFiles, w.opt.Store.WALFileBytes, w.opt.Store.GroupBytes, w.opt.Limits.FlushChunk = 5*time.Millisecond, 3, 1<<20, 32<<10, 8<<10
		h := w.nodes[0].proc.hosts[0]
		h.cramped, h.lanes[log.LaneFill].busy, h.lanes[log.LaneWAL].busy = c.cramped, c.busy, false
		if got := h.crampedSince(time.Hour - 10*time.Second); got != c.want {
			t.Errorf("%s: a cause: %t, expected %t", c.name, got, c.want)
		}
	}
}
