package log

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// faulty is a store for the rows of the decision table, three write groups behind the first one of a new WAL:
//
//	block 1  write group 1: nothing
//	block 3  write group 2: group 5 and 6 are created; group 5 votes for 9 in term 3
//	block 5  write group 3: group 5's entries 1 to 6 of 900 bytes, in sectors 40 to 50; second directory in block 7
//	block 8  write group 4: group 6's entry 1; second directory in block 9
type faulty struct {
	*rig
	t *testing.T
}

func newFaulty(t *testing.T, files int) *faulty {
	t.Helper()
	opt := testOpt
	opt.WALFiles = files
	r := newRig(t, opt)
	r.s.Create(5, []byte("five"), Mark{Conf: []byte("conf")})
	r.s.Create(6, nil, Mark{})
	r.s.SetState(5, State{Term: 3, Vote: 9})
	r.idle(t)
	r.s.Append(5, entries(1, 3, 6, 900))
	r.idle(t)
	r.s.Append(6, entries(1, 1, 1, 600))
	r.idle(t)
	f := &faulty{rig: &rig{fs: r.fs.clone(), opt: opt}, t: t}
	f.open(t)
	w, v := f.scan(t)
	var at []int
	for _, l := range v.chain {
		at = append(at, l.start/blockSectors)
	}
	if l := v.chain[2]; !slices.Equal(at, []int{1, 3, 5, 8}) || l.dir().copyAt != 2 || v.last().dir().copyAt != 1 {
		t.Fatalf("write groups are in blocks %v", at)
	}
	w.close()
	f.fs = r.fs
	return f
}

func (f *faulty) sector(i int) []byte {
	return f.fs.nodes[walName(0)].now[i*sectorSize : (i+1)*sectorSize]
}

// rot flips a bit of each sector; stale makes them what they were before.
func (f *faulty) rot(sectors ...int) {
	for _, i := range sectors {
		f.sector(i)[7] ^= 1
	}
	f.stable()
}

func (f *faulty) stale(sectors ...int) {
	for _, i := range sectors {
		clear(f.sector(i))
	}
	f.stable()
}

func (f *faulty) stable() {
	for _, n := range f.fs.nodes {
		if !n.dir {
			n.disk = slices.Clone(n.now)
		}
	}
}

// expect opens it. What is found must be the fates, in order, or the error, and its text begin so.
func (f *faulty) expect(fates string, text string) *Recovered {
	f.t.Helper()
	return f.expectOn(f.fs, fates, text)
}

func (f *faulty) expectOn(disk FS, fates string, text string) *Recovered {
	f.t.Helper()
	rep, err := InspectWAL(disk, testID, f.opt)
	if err != nil {
		f.t.Fatal(err)
	}
	rec, err := f.recoverRot(f.t, disk, f.fs)
	if err != nil || rep.Lost != nil {
		if fates != "lost" || err == nil || rep.Lost == nil && !strings.Contains(text, "seg/") || !strings.HasPrefix(err.Error(), text) {
			f.t.Fatalf("expected %s %q, got %v\ninspection says %v", fates, text, err, rep.Lost)
		}
		return nil
	}
	var got []string
	for _, d := range rec.Damage {
		got = append(got, d.Fate.String())
	}
	if rec.Cut != "" {
		got = append(got, "cut")
	}
	if is := strings.Join(got, " "); is != fates || !strings.HasPrefix(fmt.Sprint(rec.Damage), "["+text) {
		f.t.Fatalf("expected %s %q, got %s %v", fates, text, is, rec.Damage)
	}
	if fmt.Sprint(rep.Damage) != fmt.Sprint(rec.Damage) || rep.Cut != rec.Cut || fmt.Sprintf("%+v", rep.Groups) != fmt.Sprintf("%+v", rec.Groups) {
		f.t.Fatalf("inspection says %v %q", rep.Damage, rep.Cut)
	}
	return rec
}

func TestFaultTornTail(t *testing.T) {
	f := newFaulty(t, 2)
	whole := f.rec
	f.rec = &Recovered{Groups: slices.Clone(whole.Groups)}
	f.rec.Groups[1].Entries = nil // of write group 4
	f.stale(64, 66)
	f.expect("cut", "")
}

func TestFaultSecondDirectoryOfMiddle(t *testing.T) {
	f := newFaulty(t, 2)
	f.rot(56)
	f.expect("healed", "wal/0000.wal byte 28672: write group 3: expected second directory of 6 records, found bytes that fit nowhere, which say crc ")
}

func TestFaultFirstDirectoryOfMiddle(t *testing.T) {
	f := newFaulty(t, 2)
	f.rot(24) // write group 2, with marks and the vote in it
	f.expect("healed", "wal/0000.wal byte 12288: write group 2: expected first directory of 3 records, found ")
}

func TestFaultDirectoryOfLast(t *testing.T) {
	for _, i := range []int{64, 72, 79} {
		f := newFaulty(t, 2)
		f.rot(i)
		f.expect([]string{"hole", "healed", "healed"}[slices.Index([]int{64, 72, 79}, i)], fmt.Sprintf("wal/0000.wal byte %d: write group 4:", i*sectorSize))
	}
}

func TestFaultPadding(t *testing.T) {
	f := newFaulty(t, 2)
	f.rot(28, 70)
	f.expect("healed healed", "wal/0000.wal byte 14336: write group 2: expected nothing but padding, found ")
}

func TestFaultPayloadOfMiddle(t *testing.T) {
	f := newFaulty(t, 2)
	f.rot(43)
	f.expect("hole", "wal/0000.wal byte 22016: write group 3: group 5 index 2: expected entry term 3 of 900 bytes with crc ")
}

func TestFaultStalePayloadOfMiddle(t *testing.T) {
	f := newFaulty(t, 2)
	f.stale(42)
	f.expect("hole hole", "wal/0000.wal byte 21504: write group 3: group 5 index 1: ")
}

func TestFaultMisdirectedWrite(t *testing.T) {
	f := newFaulty(t, 2)
	copy(f.sector(45), f.sector(44))
	f.stable()
	f.expect("hole", "wal/0000.wal byte 23040: write group 3: group 5 index 3: expected entry term 3 of 900 bytes with crc e419d491, found a sector of write group 3 that belongs in wal/0000.wal byte 22528 (misdirected)")
}

// A rotten sector of the last write group beside one that holds what was there before: it may be torn, or not. What is
// known of it is kept, and stays so whatever instant the power goes while it is being rewritten.
func TestFaultRotInLast(t *testing.T) {
	f := newFaulty(t, 2)
	f.rot(65)
	f.stale(75)
	f.expect("healed hole", "wal/0000.wal byte 38400: write group 4: expected nothing but padding, found zeros: healed")
	f = newFaulty(t, 2)
	f.rot(76)
	f.stale(65)
	f.expect("healed hole", "")
	f = newFaulty(t, 2)
	f.stale(64, 65)
	f.rot(72, 73, 74, 75, 76, 77, 78)
	f.expect("lost", "damaged: a vote may be lost: wal/0000.wal byte 32768: write group 4: expected one readable directory, found ")
}

func TestFaultBothDirectories(t *testing.T) {
	f := newFaulty(t, 2)
	f.rot(24, 32)
	f.expect("lost", "damaged: a vote may be lost: wal/0000.wal byte 12288: write group 2: expected one readable directory, found both directories are bad, and a later write group proves that it was synced: 2 bad sectors")
}

func TestFaultWholeGroupMissing(t *testing.T) {
	f := newFaulty(t, 2)
	for i := 40; i < 64; i++ {
		f.rot(i)
	}
	f.expect("lost", "damaged: a vote may be lost: wal/0000.wal byte 20480: write group 3: expected it here, or at the beginning of the next file, found bytes")
}

func TestFaultWholeGroupsRottenBehindTheTop(t *testing.T) {
	f := newFaulty(t, 2)
	for i := 64; i < 80; i++ {
		f.rot(i)
	}
	f.expect("lost", "damaged: a vote may be lost: wal/0000.wal byte 32768: write group 4: expected it, or what it would replace, found bytes")
}

func TestFaultNothingLeft(t *testing.T) {
	f := newFaulty(t, 2)
	for i := blockSectors; i < 80; i++ {
		f.stale(i)
	}
	f.expect("lost", "damaged: a vote may be lost: wal/0000.wal byte 4096: expected a write group in the WAL, one is written when it is made, found none")
}

func TestFaultHeader(t *testing.T) {
	f := newFaulty(t, 2)
	f.rot(0)
	f.expect("healed", "wal/0000.wal byte 0: expected its header, found a header that begins")
}

// Bytes behind the top that fit nowhere, beside others that show what was there before: no write group was there.
func TestFaultStrayRot(t *testing.T) {
	f := newFaulty(t, 2)
	f.rot(80, 90, 200)
	f.expect("healed healed healed", "wal/0000.wal byte 40960: expected what no write group that counts is in, found bytes")
}

func TestFaultUnneededFileMissing(t *testing.T) {
	for _, c := range []struct {
		slot int
		want string
	}{{2, "healed"}, {0, "lost"}, {1, "lost"}} { // the next write group may have been the first of file 1
		f := newFaulty(t, 3)
		delete(f.fs.nodes, walName(c.slot))
		delete(f.fs.disk, walName(c.slot))
		f.expect(c.want, map[string]string{"healed": "wal/0002.wal byte 0: expected a file that can be opened, found wal/0002.wal: file does not exist", "lost": "damaged: a vote may be lost: wal"}[c.want])
	}
}

func TestFaultUnneededFileCannotBeOpened(t *testing.T) {
	f := newFaulty(t, 3)
	f.expectOn(&sickFS{memFS: f.fs, deny: walName(2)}, "healed", "wal/0002.wal byte 0: expected a file that can be opened, found input/output error")
	if f.fs.nodes[walName(2)+".bad"] == nil {
		t.Fatal("what can't be read was deleted")
	}
}

// Too many open files, no memory, or no permission says nothing of what is in a file: a sound directory would be given up for it.
func TestFileThatMayBeSound(t *testing.T) {
	for _, name := range []string{walName(0), walName(2)} {
		f := newFaulty(t, 3)
		why := errors.New("too many open files")
		if _, _, err := Open(&sickFS{memFS: f.fs, deny: name, why: why}, testID, f.opt); !errors.Is(err, why) || errors.Is(err, ErrVotesLost) || errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
		f.open(t) // as it was
	}
	disk, _ := startable(t)
	why := errors.New("too many open files")
	if _, err := StartDir(&sickFS{memFS: disk, deny: metaCopy, why: why}); !errors.Is(err, why) || errors.Is(err, ErrDamaged) {
		t.Error(err)
	}
}

// A file that is too short: what is missing is known, or counts for nothing, or was a payload.
func TestFaultShortFile(t *testing.T) {
	for size, want := range map[int]string{
		100 * BlockSize / 4: "healed", 10*BlockSize + BlockSize/2: "healed", // behind the last write group
		10 * BlockSize: "lost", 9 * BlockSize: "lost", // there may have been more
	} {
		f := newFaulty(t, 2)
		n := f.fs.nodes[walName(0)]
		n.now = slices.Clone(n.now[:size])
		f.stable()
		f.expect(want, map[string]string{"healed": fmt.Sprintf("wal/0000.wal byte %d: expected 131072 bytes, found %d bytes", size, size), "lost": "damaged: a vote may be lost: wal/0000.wal"}[want])
	}
	f := newFaulty(t, 2)
	n := f.fs.nodes[walName(0)]
	n.now = append(slices.Clone(n.now), 1, 2, 3)
	f.stable()
	f.expect("healed", "wal/0000.wal byte 131072: expected 131072 bytes, found 131075 bytes")
}

// Sectors that can't be read are bad ones, with all of their block. A payload's are not written over.
func TestFaultUnreadable(t *testing.T) {
	for _, c := range []struct {
		sector int
		want   string
	}{{24, "healed"}, {60, "healed"}, {43, "hole hole hole hole hole"}, {50, "hole hole"}, {72, "healed"}, {300 - 60, "healed"}, {0, "healed"}} {
		f := newFaulty(t, 2)
		sick := &sickFS{memFS: f.fs, sick: map[string]map[int]bool{walName(0): {c.sector: true}}}
		rec := f.expectOn(sick, c.want, "wal/0000.wal byte ")
		if left := len(sick.sick[walName(0)]); left != min(1, rec.holes()) {
			t.Fatalf("sector %d: %d unreadable sectors are left, %d holes", c.sector, left, rec.holes())
		}
	}
}

func TestFaultSegmentsOfAnUnknownGroup(t *testing.T) {
	f := newFaulty(t, 2)
	f.fs.Mkdir("seg/00000000000000000077")
	f.expect("lost", "damaged: a vote may be lost: seg/00000000000000000077 byte 0: expected a record of the group in the WAL, found none")
}

func TestFaultForeign(t *testing.T) {
	f := newFaulty(t, 2)
	other := testID
	other.Incarnation++
	if _, _, err := Open(f.fs, other, f.opt); !errors.Is(err, ErrForeign) || errors.Is(err, ErrVotesLost) {
		t.Fatal(err)
	}
}

// TestFaultSuperseded: what a later record cuts, covers or gives again is no hole.
func TestFaultSuperseded(t *testing.T) {
	for what, later := range map[string]func(r *rig){
		"mark": func(r *rig) {
			h, _ := r.s.EntryHash(5, 6)
			r.s.Flush(5, nil, Mark{Index: 6, Term: 3, EntryHash: h, Conf: []byte("conf")})
		},
		"append":  func(r *rig) { r.s.SetState(5, State{Term: 4}); r.s.Append(5, entries(1, 4, 2, 10)) },
		"install": func(r *rig) { r.s.Install(5, Mark{Index: 9, Term: 3, EntryHash: 7}) },
		"drop":    func(r *rig) { r.s.Drop(5) },
	} {
		f := newFaulty(t, 2)
		r := &rig{fs: f.fs, opt: f.opt}
		r.open(t)
		later(r)
		r.idle(t)
		clone := &rig{fs: r.fs.clone(), opt: f.opt}
		clone.open(t)
		f.rec = clone.rec
		f.rot(43)
		t.Log(what)
		f.expect("superseded", "wal/0000.wal byte 22016: write group 3: group 5 index 2: expected entry term 3")
	}
}

// TestFaultEveryRewriteCanEnd damages the last two write groups and ends recovery at each operation, by a loss of power that
// keeps any part: what the next one finds is the same.
func TestFaultEveryRewriteCanEnd(t *testing.T) {
	cut := errors.New("cut")
	for name, damage := range map[string]func(f *faulty){
		"rot and stale in the last":    func(f *faulty) { f.rot(65); f.stale(66, 75) },
		"stale in the one before torn": func(f *faulty) { f.stale(44, 58); f.stale(64, 72, 73); f.rec.Groups[1].Entries = nil },
		"short, with padding in it": func(f *faulty) {
			n := f.fs.nodes[walName(0)]
			n.now = slices.Clone(n.now[:10*BlockSize+700])
			f.rot(79)
		},
		"header, stray, and a directory": func(f *faulty) { f.rot(0, 24, 90) },
	} {
		f := newFaulty(t, 2)
		damage(f)
		f.stable()
		made, ends := f.fs, 0
		for n := 0; ; n++ {
			disk := made.clone()
			_, _, err := Open(&limited{FS: disk, left: n, err: cut}, testID, f.opt)
			if err != nil && !errors.Is(err, cut) {
				t.Fatalf("%s, operation %d: %v", name, n, err)
			}
			for k := range 6 {
				i := 0
				f.fs = disk.losePower(func() bool { i++; return (i*(k+1)+i/7+n)%5 >= k })
				if _, rerr := f.recoverRot(t, f.fs, f.fs); rerr != nil {
					t.Fatalf("%s, operation %d: %v", name, n, rerr)
				}
			}
			if ends = n; err == nil {
				break
			}
		}
		if ends < 5 {
			t.Fatalf("%s: only %d operations", name, ends)
		}
	}
}

// What looks torn isn't provably so where a later write group, which would prove that it was synced, may have been: at the beginning of
// a next file that is gone, or behind it.
func TestFaultTornTailBeforeRot(t *testing.T) {
	f := newFaulty(t, 2)
	f.stale(64, 66)
	delete(f.fs.nodes, walName(1))
	delete(f.fs.disk, walName(1))
	f.expect("lost", "damaged: a vote may be lost: wal/0001.wal byte 4096: write group 5: expected it, or what it would replace, found")
	f = newFaulty(t, 2)
	f.stale(66)
	for i := 80; i < 96; i++ {
		f.rot(i)
	}
	f.expect("lost", "damaged: a vote may be lost: wal/0000.wal byte 40960: write group 5: expected it, or what it would replace, found")
}

// Of a write group whose directory is longer than a block, the first blocks may be all that reached the disk: nothing in them is bad.
func TestFaultTornBehindABlock(t *testing.T) {
	opt := testOpt
	opt.WALFiles = 2
	r := newRig(t, opt)
	r.s.Create(5, nil, Mark{})
	r.idle(t)
	f := &faulty{rig: &rig{fs: r.fs.clone(), opt: opt}, t: t}
	f.open(t)
	whole := f.rec
	r.s.Append(5, entries(1, 3, 150, 1))
	r.idle(t)
	f.fs, f.rec = r.fs, whole
	w, v := f.scan(t)
	last := *v.last()
	w.close()
	blocks := (last.end - last.start) / blockSectors
	if last.dir().copyAt < 2 {
		t.Fatalf("the second directory is at block %d of %d", last.dir().copyAt, blocks)
	}
	for kept := 1; kept < last.dir().copyAt; kept++ {
		f.fs = r.fs.clone()
		for i := last.start + kept*blockSectors; i < last.end; i++ {
			clear(f.sector(i))
		}
		f.stable()
		f.expect("cut", "")
	}
}
