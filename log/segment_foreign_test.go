package log

import (
	"fmt"
	"testing"
)

const foreignDir = "seg/00000000000000000008"

// foreign returns a disk with the segments of two groups: those of filled, and others whose first segment begins at the same offset. Of
// the other group each batch has a number of offsets, and of bytes besides its header.
func foreign(t *testing.T, offsets, payload int) (*memFS, Options) {
	t.Helper()
	d, opt := filled(t)
	var counts []int
	for range 12 {
		counts = append(counts, offsets)
	}
	_, b := row(0, payload, counts...)
	if done := NewRunner(d).Run(Plan{Ops: newSegments(foreignDir, opt).append(nil, b)}); done.Err != nil {
		t.Fatal(done.Err)
	}
	return d, opt
}

// An index file, or a start file, that belongs to another group's segment at the same offset is whole and of good checksum. It was swapped
// with ours, or written to the wrong place. Where it was believed, every interval of the segment was found damaged, and no peer's bytes
// ever fitted it (S5).
func TestForeignIndex(t *testing.T) {
	mark := filledMark(0, 80)
	_, all := row(0, 39, 10, 10, 10, 10, 10, 10, 10, 10)
	for _, other := range []struct{ offsets, payload int }{{10, 39}, {10, 40}, {9, 39}, {11, 39}, {4, 139}, {1, 500}, {7, 20}} {
		for _, lost := range []string{"nothing", "the file", "half of it", "a bit"} {
			t.Run(fmt.Sprintf("%d offsets, %d bytes, %s lost", other.offsets, other.payload, lost), func(t *testing.T) {
				d, opt := foreign(t, other.offsets, other.payload)
				x := d.nodes[foreignDir+"/00000000000000000000.index"].now
				damage(d, indexOf(firstLog), x)
				switch b := d.nodes[firstLog].now; lost {
				case "the file":
					damage(d, firstLog, nil)
				case "half of it":
					damage(d, firstLog, b[:150])
				case "a bit":
					b[170] ^= 1
					damage(d, firstLog, b)
				}
				for i := range 2 {
					p, err := openSegments(d, testDir, opt, mark)
					if err != nil {
						t.Fatal(err)
					}
					if i == 0 && lost == "nothing" && len(p.holes()) > 0 {
						t.Errorf("holes %v, though no batch is lost", p.holes())
					}
					if i > 0 && len(p.holes()) > 0 {
						t.Errorf("holes %v after all was mended", p.holes())
					}
					scrubAll(t, d, p)
					healWith(t, d, p, all)
					scrubAll(t, d, p)
					expectFound(t, d, p, all, nil)
				}
			})
		}
	}
}

// scrubAll reads all that isn't known to be damaged, and tells what is.
func scrubAll(t *testing.T, d *memFS, p *segments) {
	t.Helper()
	for at := int64(0); ; {
		rd, next, ok := p.scrub(at)
		if !ok {
			return
		}
		bad, _ := p.verify(rd, NewRunner(d).Read(rd).Data)
		for _, rd := range bad {
			p.suspect(rd)
		}
		at = next
	}
}

// An index that is ours, whole, and leads to the right hash, and still says of what lies between what isn't so, is given up once peers'
// sound batches end again and again where it has none: then the hashes around what is lost decide, and another's batches are not taken.
func TestWrongIndexIsGivenUp(t *testing.T) {
	mark := filledMark(0, 80)
	_, all := row(0, 39, 10, 10, 10, 10, 10, 10, 10, 10)
	entries := func(at ...uint32) (x index) {
		for i := 0; i < len(at); i += 2 {
			x = append(x, indexEntry{offset: at[i], pos: at[i+1], hash: uint64(i)})
		}
		return x
	}
	for name, x := range map[string]index{
		"all of it":       entries(0, 0, 9, 100, 19, 201),
		"one interval":    entries(0, 0, 29, 299),
		"many intervals":  entries(0, 0, 1, 20, 2, 40, 3, 60, 11, 110, 22, 230),
		"the first place": {{offset: 0, pos: 0}, {offset: 10, pos: 90, hash: filledMark(0, 10).BatchHash}, {offset: 20, pos: 200, hash: filledMark(0, 20).BatchHash}},
		"the last place":  {{offset: 0, pos: 0}, {offset: 10, pos: 100, hash: filledMark(0, 10).BatchHash}, {offset: 21, pos: 200, hash: filledMark(0, 20).BatchHash}},
	} {
		for _, lost := range []string{"nothing", "the file"} {
			t.Run(name+", lost: "+lost, func(t *testing.T) {
				d, opt := filled(t)
				s, err := decodeIndex(testDir, d.nodes[indexOf(firstLog)].now)
				if err != nil {
					t.Fatal(err)
				}
				s.index = x
				damage(d, indexOf(firstLog), encodeIndex(testDir, s))
				if lost == "the file" {
					damage(d, firstLog, nil)
				}
				p, err := openSegments(d, testDir, opt, mark)
				if err != nil {
					t.Fatal(err)
				}
				scrubAll(t, d, p)
				other := testBatch(0, 1, 10, 39, 7) // another time
				for range 100 {
					if _, err := p.fit(0, [][]byte{other, all[1], all[2]}); err == nil {
						t.Fatal("another's batch is taken")
					}
				}
				healsForGood(t, d, p, mark, all)
			})
		}
	}
}

// healsForGood mends everything, and opens again: nothing is missing.
func healsForGood(t *testing.T, d *memFS, p *segments, mark Mark, all [][]byte) {
	t.Helper()
	healWith(t, d, p, all)
	expectFound(t, d, p, all, nil)
	p, err := openSegments(d, testDir, p.opt, mark)
	if err != nil {
		t.Fatal(err)
	}
	scrubAll(t, d, p)
	if len(p.spans) > 0 {
		t.Errorf("opened again: holes %v", p.holes())
	}
}

// An index from before a crash, when the segment ended with another batch, says a last interval, an end and a hash that no peer's batches
// lead to. What is lost there runs on into the next segment, of which no file is left to say where it begins.
func TestStaleEndIsGivenUp(t *testing.T) {
	mark := filledMark(0, 80)
	_, all := row(0, 39, 10, 10, 10, 10, 10, 10, 10, 10)
	for _, have := range []int{0, 50, 150, 230} {
		t.Run(fmt.Sprintf("%d bytes are left", have), func(t *testing.T) {
			d, opt := filled(t)
			s, err := decodeIndex(testDir, d.nodes[indexOf(firstLog)].now)
			if err != nil {
				t.Fatal(err)
			}
			s.end, s.size, s.hash = 22, 470, HashBatch(filledMark(0, 20).BatchHash, testBatch(20, 1, 2, 209, 1))
			damage(d, indexOf(firstLog), encodeIndex(testDir, s))
			damage(d, firstLog, d.nodes[firstLog].now[:have])
			for _, suffix := range []string{logSuffix, indexSuffix, startSuffix} {
				damage(d, testDir+"/00000000000000000030"+suffix, nil)
			}
			p, err := openSegments(d, testDir, opt, mark)
			if err != nil {
				t.Fatal(err)
			}
			healsForGood(t, d, p, mark, all)
		})
	}
}

// A batch from before a crash, sound and in the place of ours, but shorter: what a peer has lies across its end, where the hole begins.
func TestStaleBatchBeforeAHole(t *testing.T) {
	mark := filledMark(0, 80)
	_, all := row(0, 39, 10, 10, 10, 10, 10, 10, 10, 10)
	for _, index := range []bool{false, true} {
		t.Run(fmt.Sprintf("index: %t", index), func(t *testing.T) {
			d, opt := filled(t)
			b := append(d.nodes[firstLog].now[:200:200], testBatch(20, 1, 5, 39, 7)...)
			damage(d, firstLog, b)
			if !index {
				damage(d, indexOf(firstLog), nil)
			}
			p, err := openSegments(d, testDir, opt, mark)
			if err != nil {
				t.Fatal(err)
			}
			scrubAll(t, d, p)
			healWith(t, d, p, all)
			expectFound(t, d, p, all, nil)
		})
	}
}

// A log start within an interval of which a peer has sent a part: what follows is proved by the hash before that interval all the same.
func TestTrimWithinRepair(t *testing.T) {
	d, opt := segFS(), Options{SegmentBytes: 1000, IndexBytes: 250}
	_, all := row(0, 39, 10, 10, 10, 10, 10, 10, 10, 10)
	if done := NewRunner(d).Run(Plan{Ops: newSegments(testDir, opt).append(nil, all)}); done.Err != nil {
		t.Fatal(done.Err)
	}
	p, err := openSegments(d, testDir, opt, filledMark(0, 80))
	if err != nil {
		t.Fatal(err)
	}
	rd, _ := p.find(0, 0, true)
	p.suspect(rd)
	r, err := p.fit(0, all[:1])
	if err != nil {
		t.Fatal(err)
	}
	ops, _ := p.planRepair(nil, r)
	if done := NewRunner(d).Run(Plan{Ops: ops}); done.Err != nil {
		t.Fatal(done.Err)
	}
	p.repaired(r)
	p.trim(nil, 10)
	for range 20 {
		h := p.holes()[0]
		other := testBatch(10, 1, 10, 39, 17)
		batches := [][]byte{other, all[2]}
		if h.From == 0 {
			batches = [][]byte{all[0], other, all[2]}
		}
		if _, err := p.fit(h.From, batches); err == nil {
			t.Fatal("another's batch is taken")
		}
	}
	healWith(t, d, p, all)
	expectFound(t, d, p, all, nil)
}
