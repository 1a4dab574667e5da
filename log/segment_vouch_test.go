package log

import (
	"fmt"
	"testing"
)

// What follows the mark and is sound is kept, with its running hash. The checksum doesn't see the leader epoch, so one that
// only a single batch has is cut.
func TestKeepsWhatFollowsTheMark(t *testing.T) {
	for _, c := range []struct {
		name   string
		damage func(*memFS)
		end    int64
	}{
		{"whole", func(*memFS) {}, 80},
		{"cut within a batch", func(d *memFS) { damage(d, thirdLog, d.nodes[thirdLog].now[:150]) }, 70},
		{"rot in a record", func(d *memFS) { d.nodes[thirdLog].now[170] ^= 1 }, 70},
		{"rot in the last leader epoch", func(d *memFS) { d.nodes[thirdLog].now[115] ^= 4 }, 70},
		{"rot in a leader epoch", func(d *memFS) { d.nodes[secondLog].now[115] ^= 4 }, 40},
		{"a file lost", func(d *memFS) { damage(d, secondLog, nil) }, 30},
	} {
		d, opt := filled(t)
		c.damage(d)
		p, err := openSegments(d, testDir, opt, filledMark(0, 20))
		if err != nil || p.end() != c.end || p.synced != filledMark(0, c.end).BatchHash || len(p.spans) > 0 {
			t.Errorf("%s: end %d, expected %d; running hash %016x, holes %v, %v", c.name, p.end(), c.end, p.synced, p.holes(), err)
			continue
		}
		_, all := row(0, 39, 10, 10, 10, 10, 10, 10, 10, 10)
		if done := NewRunner(d).Run(Plan{Ops: p.append(nil, all[c.end/10:])}); done.Err != nil {
			t.Fatal(done.Err)
		}
		p.flushed()
		expectFound(t, d, p, all, nil)
	}
}

// Where all the same a leader epoch rotted behind the mark, a later mark's hash tells: it is a hole, and repaired.
func TestLaterMarkFindsRot(t *testing.T) {
	d, opt := filled(t)
	for _, name := range []string{secondLog, thirdLog} { // so that no batch differs from the next
		for at := 15; at < len(d.nodes[name].now); at += 100 {
			d.nodes[name].now[at] = 3
		}
	}
	p, err := openSegments(d, testDir, opt, filledMark(0, 30))
	if err != nil || p.end() != 80 {
		t.Fatalf("end %d, %v", p.end(), err)
	}
	p.fix = &repair{} // of a hole elsewhere, and queued: it doesn't keep a mark from being believed
	mustNotPanic(t, func() { p.vouch(filledMark(0, 80)) })
	if got := fmt.Sprint(p.holes()); got != "[{30 60} {60 80}]" {
		t.Fatalf("holes %s", got)
	}
	_, all := row(0, 39, 10, 10, 10, 10, 10, 10, 10, 10)
	healWith(t, d, p, all)
	expectFound(t, d, p, all, nil)
	if p, err = openSegments(d, testDir, opt, filledMark(0, 80)); err != nil || len(p.damage) > 0 || len(p.spans) > 0 {
		t.Errorf("opened again: %q, holes %v, %v", p.damage, p.holes(), err)
	}
	p, _ = openSegments(d, testDir, opt, filledMark(0, 80))
	mustPanic(t, "invariant L13", func() { p.vouch(Mark{LogEnd: 80, BatchHash: 1}) })
}

// The epoch that what is appended next must follow from may be the one that rotted.
func TestRefutedEpochIsNotFollowed(t *testing.T) {
	d, opt := filled(t)
	for _, name := range []string{secondLog, thirdLog} {
		for at := 15; at < len(d.nodes[name].now); at += 100 {
			d.nodes[name].now[at] = 3
		}
	}
	p, err := openSegments(d, testDir, opt, filledMark(0, 30))
	if err != nil || p.end() != 80 {
		t.Fatalf("end %d, %v", p.end(), err)
	}
	mustNotPanic(t, func() { p.vouch(filledMark(0, 80)) })
	_, all := row(0, 39, 10, 10, 10, 10, 10, 10, 10, 10, 10)
	mustNotPanic(t, func() {
		if done := NewRunner(d).Run(Plan{Ops: p.append(nil, all[8:])}); done.Err != nil {
			t.Fatal(done.Err)
		}
	})
	p.flushed()
	healWith(t, d, p, all)
	expectFound(t, d, p, all, nil)
}

func mustNotPanic(t *testing.T, do func()) {
	t.Helper()
	defer func() {
		t.Helper()
		if r := recover(); r != nil {
			t.Fatal(r)
		}
	}()
	do()
}

// What was appended behind batches that a mark refutes has start files with hashes that are refuted as well: they are written anew.
func TestRefutedStartFiles(t *testing.T) {
	d, opt := filled(t)
	for at := 15; at < len(d.nodes[firstLog].now); at += 100 {
		d.nodes[firstLog].now[at] = 3
	}
	for _, base := range []string{"30", "60"} {
		for _, suffix := range []string{logSuffix, indexSuffix, startSuffix} {
			damage(d, testDir+"/000000000000000000"+base+suffix, nil)
		}
	}
	p, err := openSegments(d, testDir, opt, Mark{})
	if err != nil || p.end() != 30 {
		t.Fatalf("end %d, %v", p.end(), err)
	}
	_, all := row(0, 39, 10, 10, 10, 10, 10, 10, 10, 10)
	for _, b := range all[3:] {
		b[15] = 3 // no epoch falls
	}
	hash := uint64(0)
	for i, b := range all {
		if i < 3 {
			b[15] = 1
		}
		hash = HashBatch(hash, b)
	}
	if done := NewRunner(d).Run(Plan{Ops: p.append(nil, all[3:])}); done.Err != nil {
		t.Fatal(done.Err)
	}
	p.flushed()
	p.vouch(Mark{LogEnd: 80, BatchHash: hash})
	healWith(t, d, p, all)
	hash = 0
	for _, b := range all[:3] {
		hash = HashBatch(hash, b)
	}
	n := d.nodes[testDir+"/00000000000000000030"+startSuffix]
	if n == nil {
		t.Fatal("the start file of offset 30 isn't there")
	}
	if got, ok := decodeStart(testDir, n.now, 30); !ok || got != hash {
		t.Errorf("the start file of offset 30 says %016x (%t), expected %016x", got, ok, hash)
	}
}

// A start file that is missing behind the mark is written once a later mark has vouched, and not before.
func TestMissingStartFileBehindTheMark(t *testing.T) {
	d, opt := filled(t)
	name := startOf(thirdLog)
	damage(d, name, nil)
	p, err := openSegments(d, testDir, opt, filledMark(0, 20))
	if err != nil || p.end() != 80 || d.nodes[name] != nil {
		t.Fatalf("end %d, start file made: %t, %v", p.end(), d.nodes[name] != nil, err)
	}
	p.vouch(filledMark(0, 80))
	for _, s := range p.live {
		d.must(t, p.planIndex(nil, s))
		s.told()
	}
	n := d.nodes[name]
	if n == nil {
		t.Fatal("there is none")
	}
	if hash, ok := decodeStart(testDir, n.now, 60); !ok || hash != filledMark(0, 60).BatchHash {
		t.Errorf("it says %016x (%t)", hash, ok)
	}
}

// A segment that the mark ends within, and that another follows, has no index file yet. A start that finds no start file of it writes one:
// it takes away what lies before it, below the log start, and what tells the hash with it.
func TestMissingStartFileAroundTheMark(t *testing.T) {
	d, opt := filled(t)
	for _, name := range []string{startOf(secondLog), indexOf(secondLog)} { // a mark had just vouched for it
		damage(d, name, nil)
	}
	for range 2 {
		p, err := openSegments(d, testDir, opt, filledMark(40, 50))
		if err != nil || p.start() != 30 || p.end() != 80 || len(p.damage) > 0 {
			t.Fatalf("log %d to %d, expected 30 to 80; damage %q, %v", p.start(), p.end(), p.damage, err)
		}
		d = d.losePower(func() bool { return false })
	}
}

// What is missing between two segments below the log start costs the hash, and nothing else: what follows isn't held against the one from
// before the gap.
func TestGapBelowTheLogStart(t *testing.T) {
	d, opt := filled(t)
	for _, name := range []string{secondLog, startOf(secondLog), indexOf(secondLog), startOf(thirdLog), indexOf(thirdLog)} {
		damage(d, name, nil)
	}
	p, err := openSegments(d, testDir, opt, filledMark(70, 80))
	if err != nil || len(p.spans) > 0 || p.end() != 80 {
		t.Fatalf("log up to %d, holes %v, damage %q, %v", p.end(), p.holes(), p.damage, err)
	}
}
