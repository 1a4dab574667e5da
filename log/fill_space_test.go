package log

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// spaceRig is a store with one group whose segments are written by transfers, and the batches so far.
func spaceRig(t *testing.T) (*rig, [][]byte) {
	t.Helper()
	opt := testOpt
	opt.SegmentBytes, opt.IndexBytes = 250, 100
	r := newRig(t, opt)
	r.s.Create(1, nil, Mark{})
	r.s.Create(2, nil, Mark{})
	_, b := row(0, 39, 10, 10, 10, 10, 10, 10, 10, 10)
	r.s.Transfer(1, b[:2])
	r.idle(t)
	return r, b
}

// runFull runs a fill plan whose operation number n finds no room, having done a part of it.
func (r *rig) runFull(t *testing.T, p Plan, n int) {
	t.Helper()
	run := NewRunner(r.fs)
	for _, op := range p.Ops[:n] {
		if err := run.Do(op); err != nil {
			t.Fatalf("%v: %v", op, err)
		}
	}
	if op := p.Ops[n]; op.Kind == OpWrite {
		op.Data = op.Data[:len(op.Data)/2]
		if err := run.Do(op); err != nil {
			t.Fatalf("%v: %v", op, err)
		}
	}
	r.fs.failSync() // and what was written since may never reach the disk
	if err := r.s.Done(Done{Lane: p.Lane, ID: p.ID, Ran: n, Err: fmt.Errorf("disk: %w", ErrNoSpace)}); err != nil {
		t.Fatal(err)
	}
}

// A disk that is full at any operation of an append, a crash at any operation of what takes it back and of the second try, or
// none: nothing is half appended, and with room again all is there, and stable.
func TestNoSpaceAtEachOperation(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for n := 0; ; n++ {
		more := false
		for crash := -1; crash < 40; crash++ {
			r, b := spaceRig(t)
			r.s.Transfer(1, b[2:7]) // two rolls
			p, _ := r.s.Plan(LaneFill)
			if n >= len(p.Ops) {
				break
			}
			more = true
			r.runFull(t, p, n)
			if !r.s.Starved() || r.s.SegmentEnd(1) != 20 {
				t.Fatalf("operation %d: starved %t, end %d", n, r.s.Starved(), r.s.SegmentEnd(1))
			}
			if !crashes(t, r, b, crash, rng) {
				break
			}
		}
		if !more {
			break
		}
	}
}

// crashes goes on after no room was found, with a crash after so many operations, or none if negative. It says whether there
// were so many.
func crashes(t *testing.T, r *rig, b [][]byte, crash int, rng *rand.Rand) bool {
	t.Helper()
	steps := 0
	for _, full := range []bool{true, false} {
		if !full {
			if n := r.fs.nodes["seg/00000000000000000001/00000000000000000000.log"]; len(n.now) != 200 || len(r.s.groups[1].segs.live) != 1 {
				t.Fatalf("%d bytes stay of an append that was taken back, %d segments", len(n.now), len(r.s.groups[1].segs.live))
			}
			r.s.Retry()
		}
		for r.step(t, LaneFill) {
			if steps++; steps == crash {
				fs := r.fs.losePower(func() bool { return rng.IntN(2) == 0 })
				after := &rig{fs: fs, opt: r.opt}
				after.open(t)
				end := after.s.SegmentEnd(1)
				expectSegments(t, after, b[:end/10])
				after.s.Transfer(1, b[end/10:])
				after.idle(t)
				expectSegments(t, after, b)
				return true
			}
		}
	}
	if r.s.Starved() || r.s.SegmentEnd(1) != 70 {
		t.Fatalf("starved %t, end %d", r.s.Starved(), r.s.SegmentEnd(1))
	}
	expectSegments(t, r, b[:7])
	r.fs = r.fs.losePower(func() bool { return false })
	r.open(t)
	expectSegments(t, r, b[:7]) // no mark vouches for them, but they are sound
	return crash < 0
}

// expectSegments reads what group 1 has.
func expectSegments(t *testing.T, r *rig, want [][]byte) {
	t.Helper()
	if end := r.s.SegmentEnd(1); end != int64(len(want))*10 || len(r.s.SegmentHoles(1)) > 0 {
		t.Fatalf("end %d, expected %d; holes %v", end, len(want)*10, r.s.SegmentHoles(1))
	}
	for i, b := range want {
		rd, ok := r.s.Find(1, int64(i)*10, 0)
		if !ok {
			t.Fatalf("offset %d isn't found", i*10)
		}
		got, _, err := rd.Cut(NewRunner(r.fs).Read(rd).Data, int64(i)*10, 0, true)
		if err != nil || !bytes.Equal(got, b) {
			t.Fatalf("offset %d: %v", i*10, err)
		}
	}
}

// While the disk is full other groups' complete jobs stay, trims go on, and any other error ends the store.
func TestNoSpaceKeepsTheRest(t *testing.T) {
	r, b := spaceRig(t)
	r.s.Transfer(2, b[:1])
	r.s.Transfer(1, b[2:7])
	p, _ := r.s.Plan(LaneFill)
	n := slices.IndexFunc(p.Ops, func(op Op) bool {
		return op.Kind == OpSync && op.File == "seg/00000000000000000001/00000000000000000000.log"
	})
	r.runFull(t, p, n)
	if r.s.SegmentEnd(2) != 10 || r.s.SegmentEnd(1) != 20 || !r.s.Starved() {
		t.Fatalf("ends %d and %d, starved %t", r.s.SegmentEnd(2), r.s.SegmentEnd(1), r.s.Starved())
	}
	undo, _ := r.s.Plan(LaneFill)
	if got := fmt.Sprint(lines(undo.Ops)); got != "[truncate seg/00000000000000000001/00000000000000000000.log 200]" {
		t.Fatalf("taken back by %s", got)
	}
	if err := r.s.Done(Done{Lane: LaneFill, ID: undo.ID, Err: ErrNoSpace}); err != nil { // not even that finds room
		t.Fatal(err)
	}
	if p, ok := r.s.Plan(LaneFill); ok {
		t.Fatalf("tried again by itself: %v", lines(p.Ops))
	}
	r.s.Transfer(2, b[1:2])
	h, _ := r.s.HashAt(1, 20)
	r.s.Install(1, Mark{Index: 5, Term: 1, LogEnd: 20, BatchHash: h})
	for r.step(t, LaneWAL) {
	}
	if p, ok := r.s.Plan(LaneFill); ok {
		t.Fatalf("appends don't wait: %v", lines(p.Ops))
	}
	r.s.Drop(2)
	r.idle(t)
	if _, err := r.fs.List(segDir(2)); err == nil {
		t.Fatal("a drop waits for space")
	}
	r.s.Retry()
	r.idle(t)
	expectSegments(t, r, b[:7])
	r.s.Transfer(1, b[7:])
	p, _ = r.s.Plan(LaneFill)
	if err := r.s.Done(Done{Lane: LaneFill, ID: p.ID, Err: errors.New("input/output error")}); err == nil {
		t.Fatal("an error of the disk was passed over")
	}
	if _, ok := r.s.Plan(LaneFill); ok {
		t.Fatal("planned after an error of the disk")
	}
}

// A repair that finds no room is tried again, and so is an index file.
func TestNoSpaceInRepair(t *testing.T) {
	for n := range 20 {
		r, b := spaceRig(t)
		r.s.Transfer(1, b[2:])
		r.idle(t)
		h, _ := r.s.HashAt(1, 80)
		r.s.Install(1, Mark{Index: 5, Term: 1, LogEnd: 80, BatchHash: h})
		r.idle(t)
		for _, suffix := range []string{logSuffix, indexSuffix, startSuffix} {
			damage(r.fs, "seg/00000000000000000001/00000000000000000030"+suffix, nil)
		}
		r.open(t)
		if got := fmt.Sprint(r.s.SegmentHoles(1)); got != "[{30 60}]" || len(r.rec.Groups[0].SegmentDamage) == 0 {
			t.Fatalf("holes %s", got)
		}
		if err := r.s.Repair(1, 30, b[3:6]); err != nil || !r.s.Repairing(1) {
			t.Fatal(err)
		}
		left := n
		for {
			p, ok := r.s.Plan(LaneFill)
			if !ok {
				if !r.s.Starved() {
					break
				}
				r.s.Retry()
				continue
			}
			if left < len(p.Ops) && left >= 0 {
				r.runFull(t, p, left)
				left = -1
				continue
			}
			left -= len(p.Ops)
			if err := r.s.Done(NewRunner(r.fs).Run(p)); err != nil {
				t.Fatalf("full at operation %d: %v", n, err)
			}
		}
		expectSegments(t, r, b)
		r.fs = r.fs.losePower(func() bool { return false })
		r.open(t)
		expectSegments(t, r, b)
		if len(r.rec.Groups[0].SegmentDamage) > 0 || !r.s.groups[1].segs.live[1].indexed {
			t.Fatalf("full at operation %d: %q", n, r.rec.Groups[0].SegmentDamage)
		}
	}
}

// What takes an append back finds no room either, and a job without operations comes by while that waits: it is taken back once.
func TestTakenBackOnce(t *testing.T) {
	r, b := spaceRig(t)
	r.s.Transfer(1, b[2:7])
	p, _ := r.s.Plan(LaneFill)
	r.runFull(t, p, slices.IndexFunc(p.Ops, func(op Op) bool { return op.Kind == OpCreate })+1)
	undo, _ := r.s.Plan(LaneFill)
	if err := r.s.Done(Done{Lane: LaneFill, ID: undo.ID, Err: ErrNoSpace}); err != nil {
		t.Fatal(err)
	}
	r.s.ResetSegments(2, 100, 7)
	if p, ok := r.s.Plan(LaneFill); ok {
		t.Fatalf("planned though the disk is full: %v", lines(p.Ops))
	}
	r.s.Retry()
	r.idle(t)
	expectSegments(t, r, b[:7])
}
