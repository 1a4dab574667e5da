package log

import "testing"

// Of the segments that are older than a time as a whole one interval each is looked at, however long they are.
func TestFindTimePassesOverOldSegments(t *testing.T) {
	const segments, intervals = 50, 40
	p := newSegments(testDir, Options{SegmentBytes: intervals * (BatchHeader + 100), IndexBytes: 1})
	for i := range int64(segments * intervals) {
		p.append(nil, [][]byte{testBatch(i, 1, 1, 100, 1000+i)})
		p.flushed()
	}
	if len(p.live) != segments {
		t.Fatalf("%d segments, expected %d", len(p.live), segments)
	}
	for _, c := range []struct {
		ts, start, want int64
		ok              bool
	}{
		{ts: 0, want: 0, ok: true},
		{ts: 1000 + 17, want: 17, ok: true},
		{ts: 1000 + 17, start: 30, want: 30, ok: true},
		{ts: 1000 + 45*intervals + 3, want: 45*intervals + 3, ok: true},
		{ts: 1000 + segments*intervals, ok: false},
	} {
		p.logStart = c.start
		got, looked, ok := p.findTime(c.ts)
		if got != c.want || ok != c.ok {
			t.Errorf("time %d is found at offset %d, %t, expected %d, %t", c.ts, got, ok, c.want, c.ok)
		}
		if looked > segments+intervals {
			t.Errorf("time %d: looked at %d intervals of %d segments with %d each", c.ts, looked, segments, intervals)
		}
	}
}
