package sim

import (
	"encoding/binary"
	"math"
	"slices"
	"testing"
	"time"

	"logd/broker"
	"logd/log"
)

// A batch that differs on one disk is found at the end of a run, also where its own checksum doesn't reach.
func TestCopiesAreCompared(t *testing.T) {
	for name, c := range map[string]struct {
		at   func(s stored) int64
		want string
	}{
		"body":  {func(s stored) int64 { return s.at + int64(s.size) - 2 }, SegmentDamaged},
		"epoch": {func(s stored) int64 { return s.at + 15 }, LogsDiffer},
		"base":  {func(s stored) int64 { return s.at + 7 }, SegmentDamaged},
	} {
		w := stormy(t, 3)
		w.atRest()
		if w.violation != nil || w.count[CountCompared] == 0 {
			t.Fatalf("%d batches compared, %v", w.count[CountCompared], w.violation)
		}
		n := w.nodes[1]
		for _, g := range w.views.groups {
			all := slices.DeleteFunc(n.disk.segmentsOf(g.id), func(s stored) bool { return s.base < g.start })
			if g.part >= 0 && len(all) > 2 && w.violation == nil {
				must(t, n.disk.Flip(all[1].file, c.at(all[1]), usualBit))
				w.compare(g)
			}
		}
		if w.violation == nil || w.violation.Name != c.want {
			t.Errorf("%s: %v, expected %s", name, w.violation, c.want)
		}
	}
}

// Zombies that come one after the other once everybody else has gone are clients, and what is held for them is no leak; what is held
// when they have gone too is one.
func TestZombiesAreNoLeak(t *testing.T) {
	w := stormy(t, 3)
	for i := range 30 {
		w.client(2).askNow(request{kind: askAppend, acks: -1, version: 8, records: 1, size: 20, late: time.Duration(1+i) * 300 * time.Millisecond})
	}
	came := w.now + 9*time.Second
	w.atRest()
	if w.violation != nil {
		t.Fatal(w.violation)
	}
	if w.zombies != 0 || len(w.strangers) != 0 || w.now < came {
		t.Errorf("it is over at %v with %d zombies still to come and %d strangers there, expected none of either after %v", w.now, w.zombies, len(w.strangers), came)
	}
	kept := w.dial(w.stranger(), w.nodes[0])
	w.settleFor(time.Second)
	w.leaks()
	if kept.host == nil || w.violation == nil || w.violation.Name != Leaked {
		t.Errorf("a connection that is kept: %v, expected %s", w.violation, Leaked)
	}
}

// Between the end of a plan and the turn that hears of it a shard is at work: what it does next is not begun, a deletion for one.
func TestEndedPlanIsWork(t *testing.T) {
	w := stormy(t, 3)
	h := w.nodes[1].proc.hosts[0]
	for _, n := range w.nodes {
		for _, other := range n.proc.hosts {
			other.lanes[log.LaneFill].busy, other.inbox = false, nil
		}
	}
	if w.filling() {
		t.Fatal("no lane is busy, and nothing has ended")
	}
	for lane, want := range map[log.Lane]bool{log.LaneWAL: false, log.LaneFill: true} {
		h.inbox = []broker.Event{broker.PlanDone{Done: log.Done{Lane: lane}}}
		if got := w.filling(); got != want {
			t.Errorf("a plan of lane %d has ended: filling %t, expected %t", lane, got, want)
		}
	}
}

// A replica of a running broker that is left behind is found; that of one that stays broken is none.
func TestBehind(t *testing.T) {
	w, _ := toyWorld(t, 1, 1)
	o := watching{w}
	expect(t, o.turn(1, view(1, 5, false, 7, 7)), "")
	expect(t, o.turn(2, view(2, 5, false, 6, 7)), "")
	expect(t, o.turn(0, view(0, 5, true, 7, 7)), "")
	if w.behind() == "" {
		t.Error("broker 3 lacks index 7, and isn't behind")
	}
	w.nodes[2].behind.way = stayAlone
	if got := w.behind(); got != "" {
		t.Errorf("all that count have it: %s", got)
	}
}

// started gives a view with a log start.
func started(node int, start, highWatermark int64) broker.GroupView {
	v := view(node, 5, false, uint64(highWatermark), uint64(highWatermark))
	v.LogStart = start
	return v
}

// A log starts where somebody asked it to, never elsewhere, and never earlier again (T5, T6).
func TestLogStart(t *testing.T) {
	w, _ := toyWorld(t, 1, 1)
	w.opt.Load.Retention = 0
	o, v := watching{w}, w.views
	v.asked[0] = 5
	expect(t, o.turn(0, started(0, 5, 9)), "")
	expect(t, o.turn(1, started(1, 0, 9)), "")
	v.tells(0, 5, 0)
	if w.violation != nil || v.told[0] != 5 {
		t.Fatal(w.violation, v.told)
	}
	v.tells(0, 4, 5)
	expect(t, w.violation.Name, BadStart)
	w.violation = nil
	v.tells(0, 6, 5) // that high is none
	expect(t, w.violation.Name, BadStart)
	expect(t, o.turn(1, started(1, 6, 9)), BadStart)
	w.opt.Load.Topics, w.opt.Load.Retention = 1, 1
	expect(t, o.turn(1, started(1, 7, 9)), "")
	expect(t, o.turn(1, started(1, 10, 9)), BadStart)
}

// OFFSET_OUT_OF_RANGE is right below a log start that is applied somewhere, and wrong from there on (T3).
func TestOutOfRange(t *testing.T) {
	for from, want := range []string{"", "", "", BadResponse, BadResponse} {
		w, _ := toyWorld(t, 1, 1)
		w.views.asked[0] = 3
		expect(t, watching{w}.turn(0, started(0, 3, 9)), "")
		k := &call{part: 0}
		k.op.From = int64(from)
		newClient(w, 2, ear{}).outOfRange(k)
		got := ""
		if w.violation != nil {
			got = w.violation.Name
		}
		if got != want {
			t.Errorf("from %d: %q, expected %q", from, got, want)
		}
	}
}

// With repair, a replica that comes back with holes vouches for nothing, and owes all that it had; without, it is short.
func TestOwed(t *testing.T) {
	w, _ := toyWorld(t, 1, 1)
	o := watching{w}
	expect(t, o.turn(1, view(1, 5, false, 7, 7)), "")
	w.views.forget(w.nodes[1])
	expect(t, o.turn(1, view(1, 5, false, 4, 4)), RecoveredShort)
	r := &w.views.find(2).replicas[1]
	r.owed, r.condition = 7, condition{}
	w.violation = nil
	w.views.host = w.nodes[1].proc.hosts[0]
	short := view(1, 5, false, 4, 4)
	w.views.paid(w.views.find(2), r, &short)
	expect(t, w.violation.Name, RecoveredShort)
}

// Where a page of another file landed in a segment, the file goes on behind it, not in it, however many sound batches it holds.
func TestStrayPageInASegment(t *testing.T) {
	var file []byte
	add := func(b []byte, base, n int64) []byte {
		for at := base; at < base+n; at++ {
			one := encodeBatch([]string{"1.1"}, 400, epoch)
			binary.BigEndian.PutUint64(one, uint64(at))
			b = append(b, one...)
		}
		return b
	}
	file = add(file, 0, 60)
	page := add(nil, 30, 12)
	copy(file[2*pageSize:3*pageSize], page)
	all := batchesOf("shard-0/seg/00000000000000000003/00000000000000000000.log", file, math.MaxInt64)
	bad := slices.IndexFunc(all, func(s stored) bool { return s.err != nil })
	if bad < 0 || bad+1 >= len(all) || all[bad+1].at < 3*pageSize || all[bad+1].base != all[bad+1].at/int64(len(page)/12) {
		t.Fatalf("of %d pieces the %dth is unsound, and then: %+v", len(all), bad, all[min(bad+1, len(all)-1)])
	}
	if last := all[len(all)-1]; last.err != nil || last.next != 60 {
		t.Fatalf("the last piece is %+v", last)
	}
}

// A story's places are those that it names: each hits what it says, on a disk with known contents.
func TestWALParts(t *testing.T) {
	w := stormy(t, 3)
	groups := w.nodes[0].disk.walOf(0)
	entries := slices.DeleteFunc(slices.Clone(groups), func(g walGroup) bool {
		return !slices.ContainsFunc(g.records, func(r walRecord) bool { return r.offset >= 0 })
	})
	if len(groups) < 3 || len(entries) < 1 {
		t.Fatalf("%d write groups, %d with batches", len(groups), len(entries))
	}
	g := entries[len(entries)-1]
	for what, in := range map[string][2]int64{
		"directory": {g.at, g.byteAt(int64(g.dirLen))},
		"second":    {g.secondAt(), g.end()},
		"payload":   {g.byteAt(int64(g.dirLen)), g.secondAt()},
		"trailer":   {g.end() - sectorSize, g.end()},
		"all":       {g.at, g.end()},
	} {
		spots, err := placeGroup(groups, "entries", what)
		must(t, err)
		for _, s := range spots {
			if s.file != g.file || s.at < in[0] || s.at >= in[1] {
				t.Errorf("%s: byte %d of %s, expected %d to %d of %s", what, s.at, s.file, in[0], in[1], g.file)
			}
		}
	}
}
