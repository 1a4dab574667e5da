package log

import (
	"bytes"
	"testing"
)

// TestSalvage: of an interval that is lost on three replicas, each of which has another bad batch in it, each batch is found on two.
func TestSalvage(t *testing.T) {
	_, whole := row(30, 39, 10, 10, 10)
	found := map[int64]int{}
	for bad := range 3 {
		d, p, _ := openedSegments(t)
		d.nodes[secondLog].now[100*bad+50] ^= 1
		s := p.segmentAt(30)
		s.index = s.index[:1] // one interval for all of the file
		rd := Read{File: secondLog, Len: 300, First: 30}
		lost, err := p.verify(rd, NewRunner(d).Read(rd).Data)
		if len(lost) != 1 || err == nil {
			t.Fatalf("batch %d: %v, %v", bad, lost, err)
		}
		p.suspect(lost[0])
		for i, b := range whole {
			offset := int64(30 + 10*i)
			if _, ok := p.find(offset, 0, true); ok {
				t.Errorf("batch %d is bad, and offset %d is found as if nothing were", bad, offset)
			}
			rd, ok := p.findLost(offset, 0)
			if !ok {
				t.Fatalf("batch %d is bad: offset %d isn't found", bad, offset)
			}
			if got := Salvage(NewRunner(d).Read(rd).Data, offset, 100); len(got) > 0 {
				found[offset]++
				if i == bad || len(got) != 1 || !bytes.Equal(got[0], b) {
					t.Errorf("batch %d is bad: offset %d: %d batches, %x", bad, offset, len(got), got[0])
				}
			}
		}
	}
	for i := range whole {
		if n := found[int64(30+10*i)]; n != 2 {
			t.Errorf("the batch at offset %d is found on %d replicas", 30+10*i, n)
		}
	}
}
