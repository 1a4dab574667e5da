package sim

import (
	"fmt"
	"testing"
	"time"

	"logd/broker"
	"logd/log"
)

// TestFoundByTime: an answer is wrong if what was certainly there says so: acknowledged before it was asked, and above any log start.
func TestFoundByTime(t *testing.T) {
	w, _ := toyWorld(t, 1, 1)
	g := w.views.group(9)
	g.part, g.start = 0, 2
	w.stamps.rows[0] = []stamped{{1, 90, 1}, {2, 50, 1}, {3, 70, 1}, {4, 70, 1}, {5, 60, 1}, {6, 99, time.Hour}}
	for _, c := range []struct {
		ts     int64
		newest bool
		is     found
		wrong  bool
	}{
		{60, false, found{3, 70}, false}, {60, false, found{4, 70}, true}, {60, false, found{3, 71}, true}, {71, false, found{-1, -1}, false},
		{70, false, found{-1, -1}, true}, {71, false, found{6, 99}, false}, {71, false, found{5, 60}, true}, {80, false, found{1, 90}, false},
		{71, false, found{9, 75}, false}, // whose append isn't known to be acknowledged
		{0, true, found{3, 70}, false}, {0, true, found{4, 70}, true}, {0, true, found{5, 60}, true}, {0, true, found{6, 99}, false}, {0, true, found{-1, -1}, true},
	} {
		if why, by := w.stamps.judge(0, c.ts, c.newest, time.Minute, c.is); (why != "") != c.wrong {
			t.Errorf("%+v: %q, by %+v", c, why, by)
		}
	}
}

// TestStampsVary: times aren't in the order of the records, some are equal, all are such that stories can say them; and a batch says the
// first and the highest of its records' times.
func TestStampsVary(t *testing.T) {
	same, back, names := 0, 0, []string(nil)
	for n := range 1000 {
		names = append(names, fmt.Sprintf("7.%d", n+1))
		switch at := stampOf(names[n]); {
		case at < 1 || at > 1<<30:
			t.Fatalf("%s has time %d", names[n], at)
		case n > 0 && at == stampOf(names[n-1]):
			same++
		case n > 0 && at < stampOf(names[n-1]):
			back++
		}
	}
	if same == 0 || back < 50 {
		t.Errorf("of 1000 records %d have the time of the one before, %d an earlier one", same, back)
	}
	b, _, err := log.ParseBatch(encodeStamped(names[:9], 20, recordTime))
	highest := recordTime(names[0])
	for _, v := range names[:9] {
		highest = max(highest, recordTime(v))
	}
	if err != nil || b.MaxTimestamp != highest {
		t.Errorf("the batch's highest time is %d, expected %d: %v", b.MaxTimestamp, highest, err)
	}
}

// hoard is a shard that says how much of a log it has.
type hoard struct {
	*toy
	bytes int64
}

func (k hoard) Kept(uint64) int64 { return k.bytes }

// TestRetentionKeeps: where retention has deleted, what is to be kept is there.
func TestRetentionKeeps(t *testing.T) {
	for bytes, want := range map[int64]bool{999: true, 1000: false} { // order: independent
		w, toys := toyWorld(t, 1, 1)
		w.opt.Load.Topics, w.opt.Load.Partitions, w.opt.Load.Retention = 1, 1, 1000
		h := w.nodes[0].proc.hosts[0]
		h.shard, w.views.host = hoard{toys[0][0], bytes}, h
		g := w.views.group(9)
		g.part = 0
		w.views.started(g, &broker.GroupView{GroupFacts: broker.GroupFacts{Group: 9, Leading: true, LogStart: 5, HighWatermark: 9}})
		if (w.violation != nil) != want {
			t.Errorf("%d bytes are kept: %v", bytes, w.violation)
		}
	}
}
