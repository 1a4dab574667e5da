package log

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
	"testing"
)

const (
	firstLog  = testDir + "/00000000000000000000.log"
	secondLog = testDir + "/00000000000000000030.log"
	thirdLog  = testDir + "/00000000000000000060.log"
)

func indexOf(log string) string { return strings.TrimSuffix(log, logSuffix) + indexSuffix }
func startOf(log string) string { return strings.TrimSuffix(log, logSuffix) + startSuffix }

// reorder has the batches of a file, of 100 bytes each, change places.
func reorder(d *memFS, name string, order ...int) {
	was := bytes.Clone(d.nodes[name].now)
	for to, from := range order {
		copy(d.nodes[name].now[to*100:], was[from*100:from*100+100])
	}
	damage(d, name, d.nodes[name].now)
}

// holeCase is a damage of the disk that filled returns.
type holeCase struct {
	name   string
	damage func(*memFS)
	want   string // holes
	says   string
}

func holeCases() []holeCase {
	cut := func(name string, n int) func(*memFS) {
		return func(d *memFS) { damage(d, name, d.nodes[name].now[:n]) }
	}
	flip := func(name string, at int, lose ...string) func(*memFS) {
		return func(d *memFS) {
			d.nodes[name].now[at] ^= 4
			damage(d, name, d.nodes[name].now)
			for _, name := range lose {
				damage(d, name, nil)
			}
		}
	}
	lose := func(names ...string) func(*memFS) {
		return func(d *memFS) {
			for _, name := range names {
				damage(d, name, nil)
			}
		}
	}
	return []holeCase{
		{"directory lost", func(d *memFS) { *d = *segFS() }, "[{5 80}]", "offsets 5 to 80 are in no file"},
		{"all batch files lost", lose(firstLog, secondLog, thirdLog), "[{0 30} {30 60} {60 80}]", "the file has 0 bytes (is there: false), its index says 300"},
		{"first file lost", lose(firstLog), "[{0 30}]", "offsets 0 to 30 are lost"},
		{"first file and index lost", lose(firstLog, indexOf(firstLog)), "[{5 30}]", "offsets 5 to 30 are in no file"},
		{"middle file lost", lose(secondLog), "[{30 60}]", "offsets 30 to 60 are lost"},
		{"middle file, index and start lost", lose(secondLog, indexOf(secondLog), startOf(secondLog)), "[{30 60}]", "offsets 30 to 60 are in no file"},
		{"last file lost", lose(thirdLog), "[{60 80}]", "offsets 60 to 80 are in no file"},
		{"last file short", cut(thirdLog, 199), "[{70 80}]", "byte 100, offset 70: record batch is cut short"},
		{"last file empty", cut(thirdLog, 0), "[{60 80}]", "byte 0, offset 60"},
		{"closed file short", cut(firstLog, 200), "[{20 30}]", "the file has 200 bytes (is there: true), its index says 300: offsets 20 to 30 are lost"},
		{"closed file short, index lost", func(d *memFS) { cut(firstLog, 150)(d); lose(indexOf(firstLog))(d) }, "[{10 30}]", "byte 100, offset 10: record batch is cut short"},
		{"rot in the open file", flip(thirdLog, 50), "[{60 70}]", "byte 0, offset 60: bad record batch: crc is"},
		{"rot at the open file's end", flip(thirdLog, 150), "[{70 80}]", "byte 100, offset 70: bad record batch: crc is"},
		{"rot in the open file's length", flip(thirdLog, 8), "[{60 70}]", "byte 0, offset 60"},
		{"rot in the open file's magic", flip(thirdLog, 16), "[{60 70}]", "magic is 6, expected 2"},
		{"rot in the open file's base offset", flip(thirdLog, 7), "[{60 70}]", "base offset is 56, expected 60"},
		{"rot in the open file's leader epoch", flip(thirdLog, 15), "[{60 80}]", "running hash at offset 80 is not"},
		{"rot in the open file's last leader epoch", flip(thirdLog, 115), "[{60 80}]", "running hash at offset 80 is not"},
		{"rot in a closed file without index", flip(firstLog, 170, indexOf(firstLog)), "[{10 20}]", "byte 100, offset 10: bad record batch: crc is"},
		{"rot in a closed file with a rotten index", func(d *memFS) { flip(firstLog, 170)(d); flip(indexOf(firstLog), 30)(d) }, "[{10 20}]", "byte 100, offset 10"},
		{"rot in two places without index", func(d *memFS) { flip(firstLog, 70, indexOf(firstLog))(d); flip(firstLog, 270)(d) }, "[{0 10} {20 30}]", "byte 200, offset 20"},
		{"batches in other places", func(d *memFS) { reorder(d, thirdLog, 1, 0) }, "[{60 80}]", "base offset is 70, expected 60"},
		{"batches in other places without index", func(d *memFS) { reorder(d, firstLog, 2, 1, 0); lose(indexOf(firstLog))(d) }, "[{0 10} {20 30}]", "base offset is 20, expected 0"},
		{"mark within a batch", func(d *memFS) {
			d.nodes[thirdLog].now = append(d.nodes[thirdLog].now[:100], testBatch(70, 1, 11, 39, 70)...)
		}, "[{70 80}]",
			"the batch at offset 70 goes to 81, expected 80 at most"},
		{"a block in the wrong place", func(d *memFS) { copy(d.nodes[thirdLog].now, d.nodes[secondLog].now[:100]) }, "[{60 70}]", "base offset is 30, expected 60"},
	}
}

// Each damage that opening can see becomes a hole that is named; everything else is found, appends go on, and what peers send
// makes it whole, so that a second opening finds nothing.
func TestOpenRemembersHoles(t *testing.T) {
	mark := filledMark(5, 80)
	for _, c := range holeCases() {
		t.Run(c.name, func(t *testing.T) {
			d, opt := filled(t)
			_, all := row(0, 39, 10, 10, 10, 10, 10, 10, 10, 10)
			c.damage(d)
			before := d.clone()
			p, err := openSegments(d, testDir, opt, mark)
			if err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprint(p.holes()); got != c.want || !strings.Contains(strings.Join(p.damage, "\n"), c.says) {
				t.Errorf("holes %s, expected %s\n%q\nexpected %q in it", got, c.want, p.damage, c.says)
			}
			for name, n := range before.nodes { // order: each by itself
				if now := d.nodes[name]; strings.HasSuffix(name, logSuffix) && (now == nil || !bytes.HasPrefix(now.now, n.now)) {
					t.Errorf("%s was changed by opening", name)
				}
			}
			expectFound(t, d, p, all, p.holes())
			appendMore(t, d, p)
			healWith(t, d, p, all)
			expectFound(t, d, p, all, nil)
			m := Mark{LogStart: 5, LogEnd: 90, BatchHash: p.synced}
			d = d.losePower(func() bool { return false })
			if p, err = openSegments(d, testDir, opt, m); err != nil || len(p.damage) > 0 || len(p.spans) > 0 {
				t.Fatalf("opened again: %v, %q, holes %v", err, p.damage, p.holes())
			}
			_, more := row(80, 39, 10)
			expectFound(t, d, p, append(all, more...), nil)
		})
	}
}

// A closed file's last batch that is met too early counts, since it may be in its place; what lies behind it then is cut. It is given by
// peers as any other hole is.
func TestLastBatchTooEarly(t *testing.T) {
	d, opt := filled(t)
	_, all := row(0, 39, 10, 10, 10, 10, 10, 10, 10, 10)
	reorder(d, firstLog, 1, 2, 0)
	damage(d, indexOf(firstLog), nil)
	p, err := openSegments(d, testDir, opt, filledMark(5, 80))
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(p.holes()); got != "[{0 20}]" {
		t.Errorf("holes %s, %q", got, p.damage)
	}
	expectFound(t, d, p, all, p.holes())
	healWith(t, d, p, all)
	expectFound(t, d, p, all, nil)
	if p, err = openSegments(d.losePower(func() bool { return false }), testDir, opt, filledMark(5, 80)); err != nil || len(p.damage)+len(p.spans) > 0 {
		t.Fatalf("opened again: %v, %q, holes %v", err, p.damage, p.holes())
	}
}

// expectFound reads all offsets from 5 on: what isn't in a hole is found, what is isn't.
func expectFound(t *testing.T, d *memFS, p *segments, all [][]byte, holes []Range) {
	t.Helper()
	for at := int64(5); at < int64(len(all))*10; at++ {
		rd, ok := p.find(at, 0, true)
		lost := slices.ContainsFunc(holes, func(h Range) bool { return h.From/10 <= at/10 && at < h.To })
		if ok == lost {
			t.Fatalf("offset %d is found: %t, holes %v", at, ok, holes)
		}
		if !ok {
			continue
		}
		got, _, err := rd.Cut(NewRunner(d).Read(rd).Data, at, 0, true)
		if err != nil || !bytes.Equal(got, all[at/10]) {
			t.Fatalf("offset %d: %v", at, err)
		}
	}
}

// appendMore appends one batch at 80.
func appendMore(t *testing.T, d *memFS, p *segments) {
	t.Helper()
	_, b := row(80, 39, 10)
	if done := NewRunner(d).Run(Plan{Ops: p.append(nil, b)}); done.Err != nil {
		t.Fatal(done.Err)
	}
	p.flushed()
}

// healWith repairs with one batch at a time.
func healWith(t *testing.T, d *memFS, p *segments, all [][]byte) {
	t.Helper()
	for i := 0; len(p.holes()) > 0; i++ {
		h := p.holes()[0]
		r, err := p.fit(h.From, all[h.From/10:h.From/10+1])
		if err != nil && !errors.Is(err, ErrMisfit) || i > 50 {
			t.Fatalf("repair %d, holes %v: %v", i, p.holes(), err)
		}
		if err != nil {
			continue
		}
		ops, _ := p.planRepair(nil, r)
		if done := NewRunner(d).Run(Plan{Ops: ops}); done.Err != nil {
			t.Fatal(done.Err)
		}
		p.repaired(r)
	}
	for _, s := range p.live {
		if s.sealed {
			if done := NewRunner(d).Run(Plan{Ops: p.planIndex(nil, s)}); done.Err != nil {
				t.Fatal(done.Err)
			}
			s.told()
		}
	}
}

// openedSegments returns three whole segments.
func openedSegments(t *testing.T) (*memFS, *segments, [][]byte) {
	t.Helper()
	d, opt := filled(t)
	p, err := openSegments(d, testDir, opt, filledMark(0, 80))
	if err != nil {
		t.Fatal(err)
	}
	_, all := row(0, 39, 10, 10, 10, 10, 10, 10, 10, 10)
	return d, p, all
}

// A batch within a record of a rotten batch is never taken for one of the log: a consumer doesn't see it, and the hole closes.
func TestBatchWithinRecord(t *testing.T) {
	d, opt := segFS(), Options{SegmentBytes: 1 << 20, IndexBytes: 1}
	p := newSegments(testDir, opt)
	inner := testBatch(5, 1, 5, 20, 1) // leads exactly to the next real one
	outer := testBatch(0, 1, 10, len(inner), 1)
	copy(outer[BatchHeader:], inner)
	binary.BigEndian.PutUint32(outer[17:], crc32.Checksum(outer[batchCRCFrom:], castagnoli))
	all := [][]byte{outer, testBatch(10, 1, 10, 39, 1), testBatch(20, 1, 10, 39, 1)}
	if done := NewRunner(d).Run(Plan{Ops: p.append(nil, all)}); done.Err != nil {
		t.Fatal(done.Err)
	}
	p.flushed()
	m := Mark{LogEnd: 30, BatchHash: p.synced}
	d.nodes[firstLog].now[10] ^= 0x40 // the length
	p, err := openSegments(d, testDir, opt, m)
	if err != nil {
		t.Fatal(err)
	}
	for at := range int64(30) {
		if rd, ok := p.find(at, 0, false); ok {
			t.Errorf("offset %d is found at %+v, holes %v", at, rd, p.holes())
		}
	}
	healWith(t, d, p, all)
	expectFound(t, d, p, nil, nil)
	for at, want := range map[int64][]byte{0: all[0], 5: all[0], 10: all[1], 29: all[2]} { // order: each by itself
		rd, ok := p.find(at, 0, false)
		if got := NewRunner(d).Read(rd).Data; !ok || !bytes.Equal(got, want) {
			t.Errorf("offset %d: found %t, %d bytes", at, ok, len(got))
		}
	}
}

// S5: bytes of a peer are taken if they are sound, contiguous, of the right size, and lead to the hash that is known.
func TestRepairTakesOnlyWhatFits(t *testing.T) {
	_, all := row(0, 39, 10, 10, 10, 10, 10, 10, 10, 10)
	other := testBatch(30, 1, 10, 39, 99)
	epoch := slices.Clone(all[3])
	Stamp(epoch, 30, 2)
	for _, c := range []struct {
		name    string
		from    int64
		batches [][]byte
		want    error
	}{
		{"rotten", 30, [][]byte{append(slices.Clone(all[3][:99]), 7)}, ErrBadBatch},
		{"cut", 30, [][]byte{all[3][:99]}, ErrShortBatch},
		{"two in one", 30, [][]byte{append(slices.Clone(all[3]), all[4]...)}, ErrBadBatch},
		{"not the next", 30, [][]byte{all[4]}, ErrBadBatch},
		{"gap", 30, [][]byte{all[3], all[5]}, ErrBadBatch},
		{"another's", 30, [][]byte{other}, ErrMisfit},
		{"another leader epoch", 30, [][]byte{epoch}, ErrMisfit},
		{"too long", 30, [][]byte{testBatch(30, 1, 10, 40, 30)}, ErrMisfit},
		{"too short", 30, [][]byte{testBatch(30, 1, 10, 38, 30)}, ErrMisfit},
		{"too few offsets", 30, [][]byte{testBatch(30, 1, 9, 39, 30)}, ErrMisfit},
		{"beyond the hole", 30, [][]byte{testBatch(30, 1, 40, 39, 30)}, ErrMisfit},
		{"right, then another's", 30, [][]byte{all[3], testBatch(40, 1, 10, 39, 99)}, ErrMisfit},
	} {
		d, p, _ := openedSegments(t)
		p.suspect(Read{File: secondLog, Off: 0, Len: 300})
		if got := fmt.Sprint(p.holes()); got != "[{30 60}]" {
			t.Fatalf("holes %s", got)
		}
		if _, err := p.fit(c.from, c.batches); !errors.Is(err, c.want) || p.fix != nil {
			t.Errorf("%s: %v, expected %v", c.name, err, c.want)
		}
		healWith(t, d, p, all)
		expectFound(t, d, p, all, nil)
	}
	_, p, _ := openedSegments(t)
	if _, err := p.fit(30, all[3:4]); err == nil {
		t.Error("a repair without a hole was taken")
	}
	p.suspect(Read{File: secondLog, Off: 0, Len: 300})
	if _, err := p.fit(40, all[4:5]); err == nil {
		t.Error("a repair in the midst of a hole was taken")
	}
	if _, err := p.fit(30, all[3:4]); err != nil {
		t.Error(err)
	}
	if _, err := p.fit(30, all[3:4]); err == nil {
		t.Error("a second repair was taken")
	}
}

// Where the hash is known at a hole's end only, a wrong part of it is found then, and is a hole again.
func TestMisfitIsAHoleAgain(t *testing.T) {
	d, opt := filled(t)
	damage(d, secondLog, nil)
	damage(d, indexOf(secondLog), nil)
	p, err := openSegments(d, testDir, opt, filledMark(0, 80))
	if err != nil {
		t.Fatal(err)
	}
	_, all := row(0, 39, 10, 10, 10, 10, 10, 10, 10, 10)
	mend := func(from int64, b []byte) error {
		r, err := p.fit(from, [][]byte{b})
		if err != nil {
			return err
		}
		ops, _ := p.planRepair(nil, r)
		if done := NewRunner(d).Run(Plan{Ops: ops}); done.Err != nil {
			t.Fatal(done.Err)
		}
		p.repaired(r)
		return nil
	}
	if err := mend(30, testBatch(30, 1, 10, 45, 99)); err != nil {
		t.Fatal(err)
	}
	if _, ok := p.find(35, 0, true); ok || fmt.Sprint(p.holes()) != "[{40 60}]" {
		t.Fatalf("what isn't proved is found; holes %v", p.holes())
	}
	if err := mend(40, all[4]); err != nil {
		t.Fatal(err)
	}
	if err := mend(50, all[5]); !errors.Is(err, ErrMisfit) || !strings.Contains(err.Error(), "offsets 30 to 60") {
		t.Fatal(err)
	}
	if fmt.Sprint(p.holes()) != "[{30 60}]" {
		t.Fatalf("holes %v", p.holes())
	}
	healWith(t, d, p, all)
	expectFound(t, d, p, all, nil)
}

// A closed segment with a good index isn't read at opening: its rot is found by scrubbing, to the interval, leader epochs too.
func TestScrubFindsRot(t *testing.T) {
	for _, at := range []int{5, 15, 16, 19, 120, 215, 299} {
		d, p, all := openedSegments(t)
		d.nodes[secondLog].now[at] ^= 1
		bad := 0
		for from := int64(0); ; {
			rd, next, ok := p.scrub(from)
			if !ok {
				break
			}
			from = next
			found, err := p.verify(rd, NewRunner(d).Read(rd).Data)
			if (err != nil) != (rd.File == secondLog) || err != nil && !errors.Is(err, ErrDamaged) {
				t.Errorf("byte %d, %+v: %v", at, rd, err)
			}
			for _, rd := range found {
				p.suspect(rd)
				bad++
			}
		}
		lo := int64(30 + at/100*10)
		if got := fmt.Sprint(p.holes()); bad != 1 || got != fmt.Sprintf("[{%d %d}]", lo, lo+10) {
			t.Errorf("byte %d: %d intervals, holes %s", at, bad, got)
		}
		healWith(t, d, p, all)
		expectFound(t, d, p, all, nil)
	}
}
