package log

import (
	"encoding/binary"
	"errors"
	"testing"
)

// FuzzOpen opens images in which some bytes were changed, some of them in sectors that are sealed again as if they had been
// written so: there is no panic, and what isn't refused holds together.
func FuzzOpen(f *testing.F) {
	r, _ := rottenStore(f)
	f.Add([]byte{})
	f.Add([]byte{0, 0, 8, 0x10, 1, 2, 0, 9, 0x10, 7})
	f.Fuzz(func(t *testing.T, changes []byte) {
		disk := r.fs.clone()
		for ; len(changes) >= 5; changes = changes[5:] {
			slot, how := int(changes[0]&3)%3, changes[0]>>2
			img := disk.nodes[walName(slot)].now
			at := int(binary.BigEndian.Uint16(changes[1:]))<<2 | int(changes[3]&3)
			at %= len(img)
			img[at] = changes[4]
			if sector := at / sectorSize; how&1 == 1 && sector >= blockSectors {
				b := img[sector*sectorSize : (sector+1)*sectorSize]
				number := uint64(binary.BigEndian.Uint32(b[sectorPayload+4:]))
				sealSector(b, sectorSeed(testID.hash(), slot, sector, number), number)
			}
		}
		s, rec, err := Open(disk, testID, r.opt)
		if err != nil {
			if !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrForeign) && !errors.Is(err, ErrVersion) {
				t.Fatal(err)
			}
			return
		}
		for _, g := range rec.Groups {
			last := g.Mark.Index + uint64(len(g.Entries))
			if _, ok := s.EntryHash(g.ID, last); !ok && !g.Dropped {
				t.Fatalf("group %d has no hash at its end %d", g.ID, last)
			}
		}
	})
}

// FuzzRecords decodes anything as directory, mark, create record and logd.meta.
func FuzzRecords(f *testing.F) {
	m := Mark{Index: 3, Term: 2, LogEnd: 9, Conf: []byte("c")}
	f.Add(appendMark(nil, &m))
	f.Add(appendCreate(nil, []byte("meta"), &m))
	d := directory{number: 3, floor: 2}
	_, items := goldenGroup(f)
	f.Add(encodeDir(nil, &d, items))
	f.Add(Dir{Broker: 1, Shards: 2, Options: testOpt}.encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		if d, err := parseDir(b); err == nil && len(d.records)*recordHeader > len(b) {
			t.Fatalf("%d records in %d bytes", len(d.records), len(b))
		}
		if m, err := getMark(header{}, b); err == nil && string(appendMark(nil, &m)) != string(b) {
			t.Fatal("mark is not what it was")
		}
		if meta, m, err := getCreate(header{}, b); err == nil && string(appendCreate(nil, meta, &m)) != string(b) {
			t.Fatal("create record is not what it was")
		}
		if d, err := decodeDir(metaName, b); err == nil && string(d.encode()) != string(b) {
			t.Fatal("logd.meta is not what it was")
		}
	})
}

// FuzzReplay takes any records, as if they had stood in sound write groups.
func FuzzReplay(f *testing.F) {
	_, items := goldenGroup(f)
	var seed []byte
	for i := range items {
		h := items[i].header()
		seed = append(h.append(append(seed, byte(h.length))), items[i].data[:h.length&0xff]...)
	}
	f.Add(seed)
	f.Fuzz(func(t *testing.T, b []byte) {
		r := &replay{groups: map[uint64]*replayed{}}
		for len(b) > recordHeader {
			n, h := int(b[0]), getHeader(b[1:])
			b = b[1+recordHeader:]
			n = min(n, len(b))
			_ = r.record(&h, b[:n], n == 0 && h.length > 0, 3, 1)
			b = b[n:]
		}
		for _, id := range r.ids {
			if g := r.groups[id]; g.finish() == nil && len(g.entries) > 0 && g.entries[0].Index != g.mark.Index+1 {
				t.Fatalf("group %d: entries from %d on, mark at %d", id, g.entries[0].Index, g.mark.Index)
			}
		}
	})
}
