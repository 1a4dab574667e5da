package replica

import (
	"testing"

	"logd/log"
)

// A flush whose mark a crash took leaves batches behind the mark. They are committed: the replica goes on behind them, writes
// none of them twice, and its next marks agree with what is there.
func TestFlushGoesOnBehindTheMark(t *testing.T) {
	c := newCluster(t, 3)
	a := c.lead(1)
	for range 5 {
		a.propose(2)
		c.run()
	}
	for range 3 { // the others learn what is committed
		c.tick()
	}
	b := c.node(2)
	b.stuck = true // the segments are written, the mark isn't
	if !b.g.Flush(1 << 20) {
		t.Fatal("nothing to flush")
	}
	b.turn()
	end, hash := b.store.SegmentEnd(testGroup), b.g.seg.hash
	b.stuck = false
	b.open(nil)
	if mark := b.store.Flushed(testGroup); mark.LogEnd != 0 || end != 10 || b.g.seg != (segment{end, hash}) {
		t.Fatalf("the mark says %d, the segments end at %d; the replica begins at %+v, expected %d", mark.LogEnd, end, b.g.seg, end)
	}
	for range 3 {
		c.tick()
	}
	b.g.Flush(200) // a part of what is there already
	c.run()
	a.propose(3)
	c.run()
	for range 3 {
		c.tick()
		b.g.Flush(1 << 20)
		c.run()
	}
	if mark := b.store.Flushed(testGroup); mark.LogEnd != 13 || b.store.SegmentEnd(testGroup) != 13 {
		t.Fatalf("the mark says %d, the segments end at %d; expected 13", mark.LogEnd, b.store.SegmentEnd(testGroup))
	}
	for at := int64(0); at < 13; {
		rd, ok := b.store.Find(testGroup, at, 0)
		if !ok {
			t.Fatalf("offset %d isn't found", at)
		}
		_, next, err := log.CutBatches(b.lanes[log.LaneFill].Read(rd).Data, at, 0, true)
		if err != nil {
			t.Fatal(err)
		}
		at = next
	}
}
