package log

import (
	"errors"
	"strings"
	"testing"
)

// rottenStore returns a store of several laps whose last write group is a seal, and the disk of one lap before.
func rottenStore(t testing.TB) (r *rig, before *memFS) {
	t.Helper()
	opt := testOpt
	opt.WALFiles = 3
	r = newRig(t, opt)
	r.s.Create(5, []byte("five"), Mark{})
	r.s.SetState(5, State{Term: 1, Vote: 2})
	for i := range uint64(120) {
		if i == 70 {
			before = r.fs.clone()
		}
		r.s.Append(5, entries(2*i+1, 1, 2, 1500))
		r.idle(t)
		for _, h := range r.s.Reclaim() {
			hash, _ := r.s.EntryHash(5, h.Last)
			r.s.Flush(5, nil, Mark{Index: h.Last, Term: 1, EntryHash: hash})
		}
		r.idle(t)
	}
	r.s.Seal()
	r.idle(t)
	r.open(t)
	return r, before
}

// TestStoreFindsRot damages each sector that counts, in four ways: each is named, and nothing is lost silently.
func TestStoreFindsRot(t *testing.T) {
	r, before := rottenStore(t)
	want := r.rec.show()
	w, err := scanWAL(r.fs, testID, r.opt)
	if err != nil {
		t.Fatal(err)
	}
	v, err := w.judge()
	if err != nil || v.cut != nil || len(v.top.dir().records) != 0 {
		t.Fatalf("%+v: %v", v, err)
	}
	live, lost := 0, 0
	for slot := range w.sectors {
		for i, number := range w.sectors[slot] {
			if i >= blockSectors && (number < v.floor || number == rotten) {
				continue
			}
			live++
			name := walName(slot)
			at := r.fs.nodes[name].now[i*sectorSize : (i+1)*sectorSize]
			for way, damaged := range map[string]string{
				"flipped":     string(at[:i%504]) + string(at[i%504]^4) + string(at[i%504+1:]),
				"zeroed":      strings.Repeat("\x00", sectorSize),
				"lost":        string(before.nodes[name].now[i*sectorSize : (i+1)*sectorSize]),
				"misdirected": string(r.fs.nodes[name].now[(i^1)*sectorSize : (i^1+1)*sectorSize]),
			} {
				if damaged == string(at) || i < blockSectors && (i > 0 || way == "lost") {
					continue
				}
				bad := r.fs.clone()
				copy(bad.nodes[name].now[i*sectorSize:], damaged[:sectorSize])
				_, rec, err := Open(bad, testID, r.opt)
				switch {
				case err == nil && number == v.top.number && (way == "zeroed" || way == "lost") && rec.Cut != "" && rec.show() == want:
					lost++ // the seal itself can't be told from a torn one (S3)
				case !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), name):
					t.Fatalf("%s sector %d of write group %d %s: %v", name, i, number, way, err)
				}
			}
		}
	}
	t.Logf("%d sectors that count, %d times the seal was cut", live, lost)
	if live < 300 || lost == 0 {
		t.Fatal("too few")
	}
}

// TestDamageIsNamed shows what recovery says.
func TestDamageIsNamed(t *testing.T) {
	r := newRig(t, testOpt)
	r.s.Create(5, nil, Mark{})
	r.idle(t)
	r.s.Append(5, entries(1, 1, 3, 900))
	r.idle(t)
	r.s.Seal()
	r.idle(t)
	wal := func(fs *memFS, sector int) []byte {
		return fs.nodes["wal/0000.wal"].now[sector*sectorSize : (sector+1)*sectorSize]
	}
	for _, c := range []struct {
		damage func(fs *memFS)
		want   string
	}{
		{func(fs *memFS) { wal(fs, 26)[5] ^= 1 }, "damaged: wal/0000.wal byte 13312: write group 2, entry of group 5 index 1 to entry of group 5 index 2: " +
			"expected a sector of write group 2, found bytes that fit nowhere, which say crc 5e8505ea and write group 2"},
		{func(fs *memFS) { clear(wal(fs, 24)) }, "damaged: wal/0000.wal byte 12288: write group 2, first directory of 3 records: expected a sector of write group 2, found zeros"},
		{func(fs *memFS) { copy(wal(fs, 25), wal(fs, 26)) }, "damaged: wal/0000.wal byte 12800: write group 2, entry of group 5 index 1: " +
			"expected a sector of write group 2, found a sector of write group 2 that belongs in wal/0000.wal byte 13312 (misdirected)"},
		{func(fs *memFS) { wal(fs, 38)[5] ^= 1 }, "damaged: wal/0000.wal byte 19456: write group 2, second directory of 3 records: " +
			"expected a sector of write group 2, found bytes that fit nowhere, which say crc 0530ed13 and write group 2"},
		{func(fs *memFS) { clear(fs.nodes["wal/0000.wal"].now[24*sectorSize : 40*sectorSize]) }, "damaged: wal/0000.wal byte 4096: expected write group 2 before it"},
		{func(fs *memFS) { wal(fs, 0)[3] ^= 1 }, "damaged: wal/0000.wal byte 0: the header begins"},
		{func(fs *memFS) { wal(fs, 56)[3] ^= 1 }, "damaged: wal/0000.wal byte 28672: expected what write group 4 or later replaces, found bytes"},
		{func(fs *memFS) { delete(fs.nodes, "wal/0001.wal") }, "damaged: wal/0001.wal: file does not exist"},
		{func(fs *memFS) { fs.Mkdir("seg/00000000000000000077") }, "damaged: seg/00000000000000000077 holds segments of group 77: expected a record of it in the WAL, found none"},
	} {
		fs := r.fs.clone()
		c.damage(fs)
		_, _, err := Open(fs, testID, testOpt)
		if !errors.Is(err, ErrDamaged) || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%v\nexpected\n%s", err, c.want)
		}
	}
}
