package log

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// rottenStore returns a store of several laps whose last write group is a seal, and the disk of one lap before.
func rottenStore(t testing.TB) (r *rig, before *memFS) {
	t.Helper()
	opt := testOpt
	opt.WALFiles = 3
	r = newRig(t, opt)
	r.s.Create(5, []byte("five"), Mark{Conf: []byte("conf")})
	r.s.SetState(5, State{Term: 1, Vote: 2})
	for i := range uint64(120) {
		if i == 70 {
			before = r.fs.clone()
		}
		r.s.Append(5, entries(2*i+1, 1, 2, 1500))
		r.idle(t)
		for _, h := range r.s.Reclaim() {
			hash, _ := r.s.EntryHash(5, h.Last)
			r.s.Flush(5, nil, Mark{Index: h.Last, Term: 1, EntryHash: hash, Conf: []byte("conf"), App: []byte("app")})
		}
		r.idle(t)
	}
	r.s.Seal()
	r.idle(t)
	r.open(t)
	return r, before
}

// scan returns what a scan of a sound disk finds.
func (r *rig) scan(t testing.TB) (*walScan, verdict) {
	t.Helper()
	w, err := scanWAL(r.fs, testID, r.opt)
	if err != nil {
		t.Fatal(err)
	}
	v, err := w.judge()
	if err != nil {
		t.Fatal(err)
	}
	return w, v
}

// sickFS is a disk with sectors that can't be read until they are written.
type sickFS struct {
	*memFS
	sick map[string]map[int]bool // by file
	deny string                  // a file that can't be opened
	why  error                   // for this, not since the device is sick
}

type sickFile struct {
	File
	fs   *sickFS
	name string
}

var errSick = fmt.Errorf("input/output error: %w", ErrDevice)

func (s *sickFS) Open(name string) (File, error) {
	if name == s.deny {
		return nil, cmp.Or(s.why, errSick)
	}
	f, err := s.memFS.Open(name)
	return &sickFile{f, s, name}, err
}

func (s *sickFS) Rename(from, to string) error {
	if from == s.deny {
		s.deny = ""
	}
	return s.memFS.Rename(from, to)
}

func (f *sickFile) ReadAt(p []byte, off int64) (int, error) {
	for i := range f.fs.sick[f.name] { // order: any will do
		if int64(i+1)*sectorSize > off && int64(i)*sectorSize < off+int64(len(p)) {
			return 0, errSick
		}
	}
	return f.File.ReadAt(p, off)
}

func (f *sickFile) WriteSync(p []byte, off int64) error {
	for i := off / sectorSize; i < (off+int64(len(p)))/sectorSize; i++ {
		delete(f.fs.sick[f.name], int(i))
	}
	return f.File.WriteSync(p, off)
}

// sameLog compares what was recovered with what must be, but for holes, which must be of the right entries.
func sameLog(got, want *Recovered) error {
	if len(got.Groups) != len(want.Groups) {
		return fmt.Errorf("%d groups, expected %d", len(got.Groups), len(want.Groups))
	}
	for i := range want.Groups {
		a, b := &got.Groups[i], &want.Groups[i]
		if a.ID != b.ID || a.Dropped != b.Dropped || a.State != b.State || !bytes.Equal(a.Meta, b.Meta) || len(a.Entries) != len(b.Entries) {
			return fmt.Errorf("recovered\n%sexpected\n%s", got.show(), want.show())
		}
		if fmt.Sprintf("%+v", a.Mark) != fmt.Sprintf("%+v", b.Mark) {
			return fmt.Errorf("mark %+v, expected %+v", a.Mark, b.Mark)
		}
		holes, h := a.Holes, b.Mark.EntryHash
		for k := range b.Entries {
			is, e := a.Entries[k], b.Entries[k]
			before := h
			h = HashEntry(h, e)
			if len(holes) > 0 && holes[0].Index == e.Index {
				if want := (Hole{e.Index, e.Term, e.Type, uint32(len(e.Data)), checksum(e.Data), before, h}); holes[0] != want || is.Data != nil {
					return fmt.Errorf("hole %+v, expected %+v", holes[0], want)
				}
				holes = holes[1:]
				is.Data = e.Data
			}
			if is.Index != e.Index || is.Term != e.Term || is.Type != e.Type || !bytes.Equal(is.Data, e.Data) {
				return fmt.Errorf("group %d: index %d: got term %d, %d bytes", a.ID, e.Index, is.Term, len(is.Data))
			}
		}
		if len(holes) > 0 {
			return fmt.Errorf("group %d: holes %+v of nothing", a.ID, holes)
		}
	}
	return nil
}

// holes counts them.
func (rec *Recovered) holes() (n int) {
	for _, g := range rec.Groups {
		n += len(g.Holes)
	}
	return n
}

// recoverRot opens a damaged disk. Either it may have lost a vote, says so and changes nothing; or all is there but for holes,
// also after a loss of power, and when these were filled everything is, also after another one.
func (r *rig) recoverRot(t rapid.TB, disk FS, mem *memFS) (*Recovered, error) {
	t.Helper()
	before := mem.clone()
	_, rec, err := Open(disk, testID, r.opt)
	if err != nil {
		if !errors.Is(err, ErrVotesLost) || !errors.Is(err, ErrDamaged) || strings.Contains(err.Error(), "\n") {
			t.Fatal(err)
		}
		for _, name := range slices.Sorted(maps.Keys(before.nodes)) {
			if is := mem.nodes[name]; is == nil || !bytes.Equal(is.now, before.nodes[name].now) {
				t.Fatalf("%s was changed, though %v", name, err)
			}
		}
		return nil, err
	}
	if err := sameLog(rec, r.rec); err != nil {
		t.Fatalf("%v: %v", err, rec.Damage)
	}
	for _, d := range rec.Damage {
		if d.File == "" || d.Expected == "" || d.Found == "" || d.Fate == 0 || d.Fate == FateHole && (d.Group == 0 || d.Index == 0 || d.WriteGroup == 0) {
			t.Fatalf("damage is not named: %+v", d)
		}
	}
	again := &rig{fs: mem.losePower(func() bool { return false }), opt: r.opt}
	again.open(t)
	if err := sameLog(again.rec, r.rec); err != nil || again.rec.holes() > rec.holes() || again.rec.Cut != "" {
		t.Fatalf("after a loss of power: %v, %d holes after %d, cut %q", err, again.rec.holes(), rec.holes(), again.rec.Cut)
	}
	left := 0 // unreadable blocks, which were left as they are
	if sick, ok := disk.(*sickFS); ok {
		for _, sectors := range sick.sick { // order: a sum
			left += len(sectors)
		}
	}
	for _, d := range again.rec.Damage {
		if d.Fate == FateHealed && left == 0 {
			t.Fatalf("not healed before: %v; the first recovery found %v", d, rec.Damage)
		}
	}
	for _, g := range r.rec.Groups {
		for _, e := range g.Entries {
			_, err := again.s.Fill(g.ID, e)
			if err != nil && !errors.Is(err, ErrNoHole) {
				t.Fatal(err)
			}
		}
	}
	again.idle(t)
	again.fs = again.fs.losePower(func() bool { return false })
	again.open(t)
	if err := sameLog(again.rec, r.rec); err != nil || again.rec.holes() > 0 {
		t.Fatalf("after all was filled: %v, %d holes", err, again.rec.holes())
	}
	return rec, nil
}

// TestOneBadSector damages each sector that counts, in five ways: nothing is lost but bytes of entries, of which the identity
// is known.
func TestOneBadSector(t *testing.T) {
	r, before := rottenStore(t)
	w, v := r.scan(t)
	count := map[string]int{}
	for slot := range w.sectors {
		live := v.live(slot, len(w.sectors[slot]))
		for i := range w.sectors[slot] {
			if !live[i] || i%5 != slot && i > blockSectors {
				continue
			}
			name := walName(slot)
			at := r.fs.nodes[name].now[i*sectorSize : (i+1)*sectorSize]
			for way, damaged := range map[string]string{
				"flipped":     string(at[:i%504]) + string(at[i%504]^4) + string(at[i%504+1:]),
				"zeroed":      strings.Repeat("\x00", sectorSize),
				"stale":       string(before.nodes[name].now[i*sectorSize : (i+1)*sectorSize]),
				"misdirected": string(r.fs.nodes[name].now[(i^1)*sectorSize : (i^1+1)*sectorSize]),
				"unreadable":  "",
			} {
				if damaged == string(at) {
					continue
				}
				bad := &sickFS{memFS: r.fs.clone(), sick: map[string]map[int]bool{}}
				if way == "unreadable" {
					bad.sick[name] = map[int]bool{i: true}
				}
				copy(bad.nodes[name].now[i*sectorSize:], damaged)
				copy(bad.nodes[name].disk[i*sectorSize:], damaged)
				rec, err := r.recoverRot(t, bad, bad.memFS)
				switch {
				case err != nil:
					t.Fatalf("%s sector %d of write group %d %s: %v", name, i, w.sectors[slot][i], way, err)
				case rec.Cut != "":
					count["cut"]++ // the seal can't be told from a torn one (S3)
				case len(rec.Damage) == 0:
					t.Fatalf("%s sector %d of write group %d %s: found nothing", name, i, w.sectors[slot][i], way)
				default:
					count[rec.Damage[0].Fate.String()]++
				}
			}
		}
	}
	t.Log(count)
	if count["cut"] == 0 || count["healed"] == 0 || count["hole"] == 0 {
		t.Fatal("too few")
	}
}
