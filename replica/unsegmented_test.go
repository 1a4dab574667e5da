package replica

import "testing"

// Bytes that are on their way into a segment are in none yet: a log that has records is never said to have no bytes.
func TestUnsegmentedWhileFlushed(t *testing.T) {
	c := newCluster(t, 3)
	n := c.lead(1)
	if _, err := n.g.Propose(n.g.hard.Term, [][]byte{sizedBatch(1, 250, 0), sizedBatch(1, 250, 0)}); err != nil {
		t.Fatal(err)
	}
	c.run()
	before := n.g.Unsegmented()
	if before < 500 {
		t.Fatalf("%d bytes are in no segment, expected 500 and more", before)
	}
	if !n.g.Flush(1 << 20) {
		t.Fatal("there is nothing to flush")
	}
	if got := n.g.Unsegmented(); got < 500 {
		t.Errorf("while they are written to a segment, %d bytes count as in none, before %d", got, before)
	}
	c.run()
	if got := n.g.Unsegmented(); got > before-500 {
		t.Errorf("once they are in a segment, %d bytes count as in none, before %d", got, before)
	}
}
