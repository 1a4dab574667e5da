package log

import "testing"

// The leader epoch of the last batch of a closed segment has rotted, and a crash has left the next segment's start file: what is appended
// then doesn't have to follow from that epoch.
func TestRottenEpochBeforeRoll(t *testing.T) {
	d, opt := filled(t)
	_, all := row(0, 39, 10, 10, 10, 10, 10, 10, 10, 10)
	damage(d, thirdLog, nil) // its start file is there
	at := len(d.nodes[secondLog].now) - 100 + 12
	d.nodes[secondLog].now[at] ^= 1
	damage(d, secondLog, d.nodes[secondLog].now)
	p, err := openSegments(d, testDir, opt, filledMark(0, 60))
	if err != nil {
		t.Fatal(err)
	}
	if done := NewRunner(d).Run(Plan{Ops: p.append(nil, all[6:])}); done.Err != nil {
		t.Fatal(done.Err)
	}
	p.flushed()
	scrubAll(t, d, p)
	healWith(t, d, p, all)
	expectFound(t, d, p, all, nil)
}
