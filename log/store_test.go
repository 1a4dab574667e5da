package log

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

var (
	testID  = Identity{Broker: 3, Incarnation: 0x1122334455667788, Shard: 1, Shards: 2}
	testOpt = Options{WALFiles: 2, WALFileBytes: 128 << 10, GroupBytes: 16 << 10, SegmentBytes: 4 << 10, IndexBytes: 512}
)

// rig runs a store on a memFS, one operation at a time.
type rig struct {
	fs    *memFS
	opt   Options
	s     *Store
	rec   *Recovered
	run   [Lanes]*Runner
	plans [Lanes]Plan // what is out
	next  [Lanes]int  // operation of it
}

func newRig(tb rapid.TB, opt Options) *rig {
	tb.Helper()
	r := &rig{fs: newMemFS(), opt: opt}
	if err := Format(r.fs, testID, opt); err != nil {
		tb.Fatal(err)
	}
	r.open(tb)
	return r
}

// open opens the store on r.fs, as after a crash.
func (r *rig) open(tb rapid.TB) {
	tb.Helper()
	if err := r.tryOpen(); err != nil {
		tb.Fatal(err)
	}
}

func (r *rig) tryOpen() error {
	var err error
	r.s, r.rec, err = Open(r.fs, testID, r.opt)
	for lane := range r.run {
		r.run[lane], r.plans[lane], r.next[lane] = NewRunner(r.fs), Plan{}, 0
	}
	return err
}

// step runs one operation of a lane, and returns whether there was anything to do.
func (r *rig) step(tb rapid.TB, lane Lane) bool {
	p := &r.plans[lane]
	if len(p.Ops) == 0 {
		var ok bool
		if *p, ok = r.s.Plan(lane); !ok {
			return false
		}
		r.next[lane] = 0
	}
	op := p.Ops[r.next[lane]]
	if err := r.run[lane].Do(op); err != nil {
		tb.Fatalf("%v: %v", op, err)
	}
	if r.next[lane]++; r.next[lane] == len(p.Ops) {
		for _, op := range p.Ops {
			for i := range op.Data {
				op.Data[i] = 0xdb // it is the driver's till now; nobody may look at it later
			}
		}
		d := Done{Lane: lane, ID: p.ID}
		*p = Plan{}
		if err := r.s.Done(d); err != nil {
			tb.Fatal(err)
		}
	}
	return true
}

// idle runs both lanes until there is nothing to do.
func (r *rig) idle(tb rapid.TB) {
	tb.Helper()
	for r.step(tb, LaneWAL) || r.step(tb, LaneFill) {
	}
}

// tear begins the next operation of a lane and leaves its sectors unstable.
func (r *rig) tear(lane Lane) {
	p := &r.plans[lane]
	if len(p.Ops) == 0 {
		var ok bool
		if *p, ok = r.s.Plan(lane); !ok {
			return
		}
		r.next[lane] = 0
	}
	op := p.Ops[r.next[lane]]
	if op.Kind == OpWriteSync {
		op.Kind = OpWrite
	}
	if op.Kind == OpWrite {
		r.run[lane].Do(op)
	}
}

// entries makes n entries of size bytes each.
func entries(index, term uint64, n, size int) []Entry {
	var es []Entry
	for i := range n {
		data := bytes.Repeat([]byte{byte(index) + byte(i)}, size)
		es = append(es, Entry{Index: index + uint64(i), Term: term, Data: data})
	}
	return es
}

// show describes what was recovered in a few words.
func (rec *Recovered) show() string {
	var b strings.Builder
	for _, g := range rec.Groups {
		if g.Dropped {
			fmt.Fprintf(&b, "%d: dropped\n", g.ID)
			continue
		}
		fmt.Fprintf(&b, "%d: %s term %d vote %d commit %d mark %d/%d log %d-%d:", g.ID, g.Meta, g.State.Term, g.State.Vote, g.State.Commit,
			g.Mark.Index, g.Mark.Term, g.Mark.LogStart, g.Mark.LogEnd)
		for _, e := range g.Entries {
			fmt.Fprintf(&b, " %d/%d+%d", e.Index, e.Term, len(e.Data))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func expectShow(t *testing.T, rec *Recovered, want string) {
	t.Helper()
	want = strings.ReplaceAll(strings.TrimLeft(want, "\n"), "\t", "")
	if got := rec.show(); got != want {
		t.Fatalf("recovered\n%sexpected\n%s", got, want)
	}
}

func TestStoreKeeps(t *testing.T) {
	r := newRig(t, testOpt)
	r.s.Create(7, []byte("seven"), Mark{Conf: []byte("a")})
	r.s.Create(2, []byte("two"), Mark{})
	r.s.SetState(7, State{Term: 3, Vote: 9})
	r.s.Append(7, entries(1, 3, 4, 100))
	r.s.Append(7, entries(3, 4, 1, 10)) // cuts 3 and 4
	seq := r.s.Append(2, entries(1, 1, 1, 5000))
	if r.s.Durable() != 0 || r.s.Staged(2) != seq {
		t.Fatalf("durable %d, staged %d; expected 0, %d", r.s.Durable(), r.s.Staged(2), seq)
	}
	r.idle(t)
	if r.s.Durable() != seq {
		t.Fatalf("durable %d, expected %d", r.s.Durable(), seq)
	}
	r.s.Drop(2)
	r.s.SetState(7, State{Term: 4, Vote: 0, Commit: 2})
	r.idle(t)
	r.open(t)
	expectShow(t, r.rec, `
		2: dropped
		7: seven term 4 vote 0 commit 2 mark 0/0 log 0-0: 1/3+100 2/3+100 3/4+10
	`)
}

// TestStoreRolls goes around the ring with a group that never commits, whose entries must be copied on and on, in more than
// one write group each time. Whatever instant the power goes, they are there.
func TestStoreRolls(t *testing.T) {
	opt := testOpt
	opt.GroupBytes = 8 << 10
	r := newRig(t, opt)
	r.s.Create(1, nil, Mark{})
	r.s.Create(9, nil, Mark{})
	r.s.SetState(9, State{Term: 1, Vote: 4})
	stuck := entries(1, 1, 6, 2500)
	r.s.Append(9, stuck)
	r.idle(t)
	check := func() {
		after := &rig{fs: r.fs.losePower(func() bool { return false }), opt: opt}
		after.open(t)
		if g := after.rec.Groups[1]; len(g.Entries) != len(stuck) || g.State.Vote != 4 {
			t.Fatalf("recovered\n%s", after.rec.show())
		}
	}
	index, copies := uint64(0), 0
	for range 400 {
		r.s.Append(1, entries(index+1, 1, 2, 700))
		r.idle(t)
		for _, hold := range r.s.Reclaim() {
			if hold.Group == 1 {
				h, _ := r.s.EntryHash(1, hold.Last)
				r.s.Flush(1, nil, Mark{Index: hold.Last, Term: 1, EntryHash: h})
			} else if hold.Copy {
				r.s.Copy(9, stuck)
				for r.step(t, LaneWAL) {
					check()
				}
				copies++
			}
		}
		r.idle(t)
		if index += 2; r.s.Durable() != r.s.seq {
			t.Fatalf("durable %d, expected %d; blocked %t", r.s.Durable(), r.s.seq, r.s.Blocked())
		}
	}
	check()
	if laps := r.s.ring.lap - 2; laps < 5 || copies < 5 {
		t.Fatalf("only %d rolls, %d copies", laps, copies)
	}
	r.open(t)
	if g := r.rec.Groups[0]; g.Mark.Index+uint64(len(g.Entries)) != index {
		t.Fatalf("recovered\n%s", r.rec.show())
	}
}

// TestDurableWaitsForWhatCuts: an entry that was cut before it was written is never reported durable before the cut is.
func TestDurableWaitsForWhatCuts(t *testing.T) {
	opt := testOpt
	opt.GroupBytes = 8 << 10
	r := newRig(t, opt)
	r.s.Create(1, nil, Mark{})
	r.s.Create(2, nil, Mark{})
	r.idle(t)
	first := r.s.Append(1, entries(1, 1, 1, 3000))
	gone := r.s.Append(1, entries(2, 1, 1, 3000))
	r.s.Append(2, entries(1, 1, 1, 100))
	cut := r.s.Append(1, entries(2, 2, 1, 6000))
	r.step(t, LaneWAL)
	if d := r.s.Durable(); d != first || d >= gone {
		t.Fatalf("durable %d, expected %d; %d is still to be written", d, first, cut)
	}
	r.idle(t)
	r.s.Append(2, entries(2, 1, 1, 3000))
	r.s.Plan(LaneWAL)
	state := r.s.SetState(1, State{Term: 7})
	r.s.Drop(1)
	if err := r.s.Done(Done{Lane: LaneWAL, ID: r.s.planID[LaneWAL]}); err != nil {
		t.Fatal(err)
	}
	if d := r.s.Durable(); d >= state {
		t.Fatalf("durable %d, but state %d is never written, and the drop not yet", d, state)
	}
	r.idle(t)
	if d := r.s.Durable(); d != r.s.seq {
		t.Fatalf("durable %d, expected %d", d, r.s.seq)
	}
}

func TestStoreFlush(t *testing.T) {
	r := newRig(t, testOpt)
	r.s.Create(1, nil, Mark{})
	var batches [][]byte
	var es []Entry
	for i := range 20 {
		b := testBatch(int64(i), 1, 1, 300, int64(1000+i))
		batches = append(batches, b)
		es = append(es, Entry{Index: uint64(i + 1), Term: 1, Data: b})
	}
	r.s.Append(1, es)
	r.idle(t)
	h, _ := r.s.EntryHash(1, 15)
	m := Mark{Index: 15, Term: 1, LogEnd: 15, EntryHash: h, App: []byte("app")}
	for _, b := range batches[:15] {
		m.BatchHash = HashBatch(m.BatchHash, b)
	}
	r.s.Flush(1, batches[:15], m)
	if !r.s.Flushing(1) || r.s.Flushed(1).Index != 0 {
		t.Fatal("flushed too early")
	}
	r.idle(t)
	if r.s.Flushing(1) || r.s.Flushed(1).Index != 15 || r.s.SegmentEnd(1) != 15 {
		t.Fatalf("flushed to %d, segments to %d", r.s.Flushed(1).Index, r.s.SegmentEnd(1))
	}
	r.open(t)
	expectShow(t, r.rec, `
		1:  term 0 vote 0 commit 15 mark 15/1 log 0-15: 16/1+361 17/1+361 18/1+361 19/1+361 20/1+361
	`)
	rd, ok := r.s.Find(1, 14, 0)
	if !ok {
		t.Fatal("offset 14 is not found")
	}
	data := NewRunner(r.fs).Read(rd).Data
	if b, next, err := CutBatches(data, 14, 1<<20, true); err != nil || next != 15 || !bytes.Equal(b, batches[14]) {
		t.Fatalf("read to %d: %v", next, err)
	}
}

// TestStoreInstall: a follower too far behind gets the leader's segments, whose log start is beyond its end.
func TestStoreInstall(t *testing.T) {
	r := newRig(t, testOpt)
	r.s.Create(1, nil, Mark{})
	r.s.Append(1, entries(1, 1, 3, 50))
	r.idle(t)
	r.s.ResetSegments(1, 100, 5)
	r.s.Transfer(1, [][]byte{testBatch(100, 5, 10, 50, 1)})
	r.idle(t)
	r.s.Transfer(1, [][]byte{testBatch(110, 5, 1, 50, 1)})
	r.idle(t)
	before := r.fs.clone()
	if r.s.SegmentEnd(1) != 111 {
		t.Fatalf("segments end at %d", r.s.SegmentEnd(1))
	}
	hash, _ := r.s.HashAt(1, 111)
	if want := HashBatch(HashBatch(5, testBatch(100, 5, 10, 50, 1)), testBatch(110, 5, 1, 50, 1)); hash != want {
		t.Fatalf("running hash %016x, expected %016x", hash, want)
	}
	r.s.Install(1, Mark{Index: 50, Term: 5, LogStart: 100, LogEnd: 111, EntryHash: 77, BatchHash: hash})
	r.s.Append(1, entries(51, 5, 1, 9))
	r.idle(t)
	r.open(t)
	expectShow(t, r.rec, `
		1:  term 0 vote 0 commit 50 mark 50/5 log 100-111: 51/5+9
	`)
	r.fs = before
	r.open(t)
	expectShow(t, r.rec, `
		1:  term 0 vote 0 commit 0 mark 0/0 log 0-0: 1/1+50 2/1+50 3/1+50
	`)
	if r.s.SegmentEnd(1) != 0 {
		t.Fatalf("segments end at %d", r.s.SegmentEnd(1))
	}
}

// TestSegmentsWaitForTheirGroup: files of a group that the WAL doesn't know would be damage.
func TestSegmentsWaitForTheirGroup(t *testing.T) {
	r := newRig(t, testOpt)
	r.s.Create(1, nil, Mark{})
	r.s.Transfer(1, [][]byte{testBatch(0, 1, 1, 10, 1)})
	if p, ok := r.s.Plan(LaneFill); ok {
		t.Fatalf("planned %v before the group is durable", p.Ops)
	}
	r.idle(t)
	if end := r.s.SegmentEnd(1); end != 1 {
		t.Fatalf("segments end at %d", end)
	}
}

func TestStoreRefusesOthers(t *testing.T) {
	r := newRig(t, testOpt)
	other := testID
	other.Incarnation++
	if _, _, err := Open(r.fs, other, testOpt); !errors.Is(err, ErrForeign) {
		t.Fatal(err)
	}
	opt := testOpt
	opt.WALFiles = 3
	if _, _, err := Open(r.fs, testID, opt); err == nil {
		t.Fatal("opened with another number of files")
	}
	r.s.Create(1, nil, Mark{})
	r.idle(t)
	if err := Format(r.fs, testID, testOpt); err == nil {
		t.Fatal("formatted over data")
	}
}
