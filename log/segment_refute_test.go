package log

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// must runs operations on a disk.
func (d *memFS) must(t *testing.T, ops []Op) {
	t.Helper()
	if done := NewRunner(d).Run(Plan{Ops: ops}); done.Err != nil {
		t.Fatal(done.Err)
	}
}

// mended gives the holes what they lack, batch i of all being of 10 offsets from 10*i on, until there are none.
func (p *segments) mended(t *testing.T, d *memFS, all [][]byte) {
	t.Helper()
	for i := 0; len(p.holes()) > 0; i++ {
		h := p.holes()[0]
		if i == 100 {
			t.Errorf("never whole: %v", p.holes())
			return
		}
		r, err := p.fit(h.From, all[h.From/10:h.To/10])
		if err != nil {
			continue // a misfit of many makes one hole of several
		}
		ops, _ := p.planRepair(nil, r)
		d.must(t, ops)
		p.repaired(r)
	}
}

// epochsRise stamps batches of 10 offsets with leader epochs that end with two equal ones or more, and returns the mark behind each.
func epochsRise(all [][]byte) []Mark {
	marks := []Mark{{}}
	for i, b := range all {
		Stamp(b, int64(i)*10, int32(min(i+1, 3)))
		last := marks[i]
		marks = append(marks, Mark{LogEnd: last.LogEnd + 10, BatchHash: HashBatch(last.BatchHash, b)})
	}
	return marks
}

// A start file is believed by the next start. So none is written with a hash that lies behind the mark, where a leader epoch may have
// rotted, before a later mark has vouched for it: one that refutes it may be followed by a crash at once.
func TestNoStartFileBeforeAMarkVouches(t *testing.T) {
	_, all := row(0, 39, 10, 10, 10, 10, 10, 10, 10, 10)
	marks := epochsRise(all)
	d, opt := segFS(), Options{SegmentBytes: 250, IndexBytes: 100}
	p := newSegments(testDir, opt)
	d.must(t, p.append(nil, all[:3])) // the mark that was to follow wasn't durable
	p.flushed()
	d.nodes[firstLog].now[115] ^= 1 // 2 became 3, which the next batch has as well
	damage(d, firstLog, d.nodes[firstLog].now)
	p, err := openSegments(d, testDir, opt, marks[1])
	if err != nil || p.end() != 30 {
		t.Fatalf("end %d, %v", p.end(), err)
	}
	d.must(t, p.append(nil, all[3:]))
	p.flushed()
	p.vouch(marks[8])
	d = d.losePower(func() bool { return false }) // that mark is durable by now
	if p, err = openSegments(d, testDir, opt, marks[8]); err != nil {
		t.Fatal(err)
	}
	p.mended(t, d, all)
	expectFound(t, d, p, all, nil)
	for i, want := range all {
		r, _ := p.find(int64(i)*10, 0, false)
		data := NewRunner(d).Read(r).Data
		if got, _, err := r.Cut(data, int64(i)*10, 0, true); err != nil || !bytes.Equal(got, want) {
			t.Errorf("offset %d: found other bytes than were written (%v)", i*10, err)
		}
	}
}

// transferred is a store with a group to which the first n of eight batches were transferred.
func transferred(t *testing.T, n int) (*rig, [][]byte) {
	opt := testOpt
	opt.SegmentBytes, opt.IndexBytes = 250, 100
	r := newRig(t, opt)
	r.s.Create(1, nil, Mark{})
	_, b := row(0, 39, 10, 10, 10, 10, 10, 10, 10, 10)
	r.s.Transfer(1, b[:n])
	r.idle(t)
	return r, b
}

// What was withheld is written once a mark has vouched, for the open segment too: a trim takes the segment away that it would follow from.
func TestStartFileOnceAMarkVouches(t *testing.T) {
	r, _ := transferred(t, 8)
	names := []string{"seg/00000000000000000001/00000000000000000030.start", "seg/00000000000000000001/00000000000000000060.start"}
	for _, name := range names {
		if r.fs.nodes[name] != nil {
			t.Errorf("%s is there, and no mark has vouched for it", name)
		}
	}
	r.s.Install(1, Mark{Index: 5, Term: 1, LogEnd: 80, BatchHash: filledMark(0, 80).BatchHash})
	r.idle(t)
	for i, name := range names {
		at := int64(30 * (i + 1))
		n := r.fs.nodes[name]
		if n == nil {
			t.Fatalf("%s isn't there", name)
		}
		if hash, ok := decodeStart("seg/00000000000000000001", n.now, at); !ok || hash != filledMark(0, at).BatchHash {
			t.Errorf("%s says %016x (%t)", name, hash, ok)
		}
	}
	if r.open(t); len(r.s.SegmentHoles(1)) > 0 {
		t.Errorf("holes %v", r.s.SegmentHoles(1))
	}
}

// A trim leaves the segment that alone says which hash the next one begins with, till a start file says it.
func TestTrimLeavesWhatTellsTheHash(t *testing.T) {
	r, _ := transferred(t, 8)
	r.s.Install(1, Mark{Index: 5, Term: 1, LogStart: 70, LogEnd: 80, BatchHash: filledMark(0, 80).BatchHash})
	for r.step(t, LaneWAL) {
	}
	r.s.starved = true // start files find no room, trims go on
	r.s.Trim(1, 70)
	for r.step(t, LaneFill) {
	}
	if r.fs.nodes["seg/00000000000000000001/00000000000000000030.log"] == nil {
		t.Error("offsets 30 to 60 are gone, and no start file says the hash before 60")
	}
}

// The segments before may lie below the log start, and neither they nor the one that they tell the hash of have a file yet that says it:
// wherever the process ends, also in the midst of a start, and the power with it, no start takes that for damage, and none takes away
// what tells it before the start file is stable.
func TestStartFindsWhatTellsTheHash(t *testing.T) {
	for made := 0; ; made++ { // operations of index and start files
		r, _ := transferred(t, 8)
		mark := Mark{Index: 5, Term: 1, LogStart: 70, LogEnd: 80, BatchHash: filledMark(0, 80).BatchHash}
		r.s.Install(1, mark)
		for r.step(t, LaneWAL) {
		}
		for range made {
			if !r.step(t, LaneFill) {
				return
			}
		}
		maps.DeleteFunc(r.fs.nodes, func(name string, _ *memNode) bool { return strings.HasPrefix(name, "wal/") }) // no more of use
		for how, crash := range waysToEnd() {
			left := crash(r.fs.clone())
			for calls, whole := 0, false; !whole; calls++ {
				whole = startKilled(t, fmt.Sprintf("%s, after operation %d, start killed at call %d", how, made, calls), left.clone(), mark, r.opt, calls)
			}
		}
	}
}

// startKilled kills a start at a call, then the power is lost, and the next start is whole. It says whether the first one was.
func startKilled(t *testing.T, name string, d *memFS, mark Mark, opt Options, calls int) bool {
	t.Helper()
	const dir = "seg/00000000000000000001"
	kill := &killedFS{memFS: d, left: calls}
	_, killed := openSegments(kill, dir, opt, mark)
	if killed != nil && !errors.Is(killed, errKilled) {
		t.Fatalf("%s: %v", name, killed)
	}
	ways := waysToEnd()
	for i := range uint64(4) {
		rng := rand.New(rand.NewPCG(uint64(calls), i))
		ways[fmt.Sprintf("power, some is kept (%d)", i)] = func(d *memFS) *memFS { return d.losePower(func() bool { return rng.IntN(2) == 0 }) }
	}
	for how, crash := range ways {
		again := crash(d.clone())
		p, err := openSegments(again, dir, opt, mark)
		if err != nil || len(p.damage) > 0 || len(p.spans) > 0 || p.end() != 80 || p.start() != 60 {
			t.Fatalf("%s, then %s: log %d to %d, expected 60 to 80; damage %q, holes %v, %v", name, how, p.start(), p.end(), p.damage, p.holes(), err)
		}
		n := again.nodes[startOf(dir+"/00000000000000000060.log")]
		if n == nil {
			t.Fatalf("%s, then %s: the start file of offset 60 isn't there", name, how)
		}
		if hash, ok := decodeStart(dir, n.now, 60); !ok || hash != filledMark(0, 60).BatchHash {
			t.Fatalf("%s, then %s: the start file of offset 60 says %016x (%t)", name, how, hash, ok)
		}
	}
	return killed == nil
}

// Once the start file is there, the segment goes that the trim had left.
func TestTrimGoesOnOnceTheHashIsTold(t *testing.T) {
	r, _ := transferred(t, 8)
	r.s.Install(1, Mark{Index: 5, Term: 1, LogStart: 70, LogEnd: 80, BatchHash: filledMark(0, 80).BatchHash})
	for r.step(t, LaneWAL) {
	}
	r.s.starved = true
	r.s.Trim(1, 70)
	for r.step(t, LaneFill) {
	}
	r.s.Retry()
	r.idle(t)
	for _, name := range []string{"00000000000000000000.log", "00000000000000000030.log"} {
		if r.fs.nodes["seg/00000000000000000001/"+name] != nil {
			t.Errorf("%s is there, which a trim to offset 70 was to remove", name)
		}
	}
}

// A start file that was refuted is written anew, also if the disk is full just then: later it alone may say what the hash is.
func TestRefutedStartFileOnAFullDisk(t *testing.T) {
	const dir = "seg/00000000000000000001/"
	opt := testOpt
	opt.SegmentBytes, opt.IndexBytes = 250, 100
	_, all := row(0, 39, 10, 10, 10, 10, 10, 10, 10, 10)
	marks := epochsRise(all)
	r := newRig(t, opt)
	r.s.Create(1, nil, Mark{})
	var rotten [][]byte
	for _, b := range all {
		b = slices.Clone(b)
		b[15] = 3
		rotten = append(rotten, b)
	}
	r.s.Transfer(1, rotten)
	r.idle(t)
	if !r.s.Refute(1, marks[8]) {
		t.Fatal("not refuted")
	}
	r.s.Install(1, marks[8])
	for r.step(t, LaneWAL) {
	}
	for len(r.s.SegmentHoles(1)) > 0 {
		h := r.s.SegmentHoles(1)[0]
		_ = r.s.Repair(1, h.From, all[h.From/10:h.From/10+1]) // the bytes of a hole follow from one another
		for r.s.Repairing(1) {
			r.step(t, LaneFill)
		}
	}
	for full := true; ; {
		p, ok := r.s.Plan(LaneFill)
		n := slices.IndexFunc(p.Ops, func(op Op) bool { return op.Kind == OpWrite && op.File == dir+"00000000000000000030.index" })
		switch {
		case !ok && r.s.Starved():
			r.s.Retry()
			continue
		case full && n >= 0:
			full = false
			r.runFull(t, p, n)
			continue
		case ok:
			if err := r.s.Done(NewRunner(r.fs).Run(p)); err != nil {
				t.Fatal(err)
			}
			continue
		}
		break
	}
	n := r.fs.nodes[dir+"00000000000000000030.start"]
	if n == nil {
		t.Fatal("the start file of offset 30 isn't there")
	}
	if hash, ok := decodeStart("seg/00000000000000000001", n.now, 30); !ok || hash != marks[3].BatchHash {
		t.Errorf("the start file of offset 30 says %016x (%t), expected %016x", hash, ok, marks[3].BatchHash)
	}
}

// What is refuted begins with an interval, which may begin before the mark that vouched last: the bytes that are given must lead from there.
func TestRefutedWithinAnInterval(t *testing.T) {
	d, opt := segFS(), Options{SegmentBytes: 1 << 20, IndexBytes: 4096}
	_, all := row(0, 39, 10, 10, 10, 10)
	p := newSegments(testDir, opt)
	d.must(t, p.append(nil, all[:2]))
	p.flushed()
	m := filledMark(0, 20)
	p.vouch(m)
	p.doubt(m)
	rotten := [][]byte{slices.Clone(all[2]), slices.Clone(all[3])}
	for _, b := range rotten {
		b[15] = 3
	}
	d.must(t, p.append(nil, rotten))
	p.flushed()
	if !p.refute(filledMark(0, 40)) {
		t.Fatal("not refuted")
	}
	p.mended(t, d, all)
	expectFound(t, d, p, all, nil)
}

// A mark that is installed vouches as one of a flush does: what is refuted later lies behind it.
func TestInstallVouches(t *testing.T) {
	r, b := transferred(t, 6)
	r.s.Install(1, Mark{Index: 5, Term: 1, LogEnd: 60, BatchHash: filledMark(0, 60).BatchHash})
	r.idle(t)
	r.s.Transfer(1, b[6:])
	r.idle(t)
	if !r.s.Refute(1, Mark{Index: 6, Term: 1, LogEnd: 80, BatchHash: 1}) {
		t.Fatal("not refuted")
	}
	if h := r.s.SegmentHoles(1); h[0].From != 60 {
		t.Errorf("holes %v, though a durable mark has vouched for all up to 60", h)
	}
}

// A hole that was filled in part, up to where the log starts by then, begins within an interval: what is left of it isn't found.
func TestRestOfAHoleIsNotFound(t *testing.T) {
	d, opt := segFS(), Options{SegmentBytes: 1000, IndexBytes: 1}
	_, all := row(0, 39, 10, 10, 10, 10, 10, 10, 10, 10)
	d.must(t, newSegments(testDir, opt).append(nil, all))
	b := d.nodes[firstLog].now
	clear(b[:300])
	damage(d, firstLog, b)
	p, err := openSegments(d, testDir, opt, filledMark(0, 80))
	if err != nil {
		t.Fatal(err)
	}
	r, err := p.fit(0, all[:1])
	if err != nil {
		t.Fatal(err)
	}
	ops, _ := p.planRepair(nil, r)
	d.must(t, ops)
	p.repaired(r)
	d.must(t, p.trim(nil, 10))
	if rd, ok := p.find(10, 0, false); ok {
		t.Errorf("offset 10 is found by %+v, and the holes are %v", rd, p.holes())
	}
	p.mended(t, d, all)
}
