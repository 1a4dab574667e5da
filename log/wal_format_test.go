package log

import (
	"bytes"
	"encoding/hex"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"logd/golden"
)

// sameBytes compares b with testdata/name.golden, a hex dump in which lines of zeros are left out.
func sameBytes(t *testing.T, name string, b []byte) {
	t.Helper()
	var out strings.Builder
	for line := range strings.Lines(hex.Dump(b)) {
		if !strings.Contains(line, strings.Repeat("00 ", 8)+" "+strings.Repeat("00 ", 8)) {
			out.WriteString(line)
		}
	}
	golden.Same(t, filepath.Join("testdata", name+".golden"), []byte(out.String()))
}

func TestWALHeaderGolden(t *testing.T) {
	b := encodeHeader(testID, testOpt, 1)
	sameBytes(t, "wal-header", b)
	if bad, err := checkHeader(b, testID, testOpt, 1); err != nil || bad != "" {
		t.Fatal(bad, err)
	}
	for bit := range len(b) * 8 {
		b[bit/8] ^= 1 << (bit % 8)
		if bad, err := checkHeader(b, testID, testOpt, 1); bad == "" || err != nil {
			t.Fatalf("header with bit %d flipped is accepted: %v", bit, err)
		}
		b[bit/8] ^= 1 << (bit % 8)
	}
}

// goldenGroup writes one record of each kind, into block 3 of the second file.
func goldenGroup(t testing.TB) ([]byte, []item) {
	t.Helper()
	r := newRig(t, testOpt)
	g := &group{id: 7, meta: []byte("meta")}
	m := Mark{Index: 9, Term: 3, Conf: []byte("conf"), LogStart: 2, LogEnd: 40, EntryHash: 0xe1, BatchHash: 0xb1, App: []byte("app")}
	items := []item{
		r.s.createItem(g, m), stateItem(g, State{Term: 4, Vote: 6, Commit: 9}), markItem(kindMark, g, m), markItem(kindInstall, g, m),
		{kind: kindEntry, typ: EntryConfV2, g: g, index: 10, term: 4, hash: 0xe2, data: []byte("entry"), crc: 0x12345678},
		{kind: kindCopy, g: g, index: 10, term: 4, hash: 0xe2, data: append(make([]byte, 4800), "copy"...)},
		{kind: kindDrop, g: g}, {kind: kindCut, g: g, index: 10},
		{kind: kindLost, typ: EntryConf, g: g, index: 10, term: 4, hash: 0xe3, crc: 0x12345678, lost: 77},
	}
	d := directory{number: 0x100000005, floor: 0x100000002}
	dir := encodeDir(nil, &d, items)
	buf := bytes.Repeat([]byte{0xdb}, d.blocks*BlockSize) // as a used buffer
	p := packer{buf: buf, ident: testID.hash(), slot: 1, first: 3 * blockSectors, number: d.number}
	p.pack(dir, &d, func(write func([]byte)) {
		for i := range items {
			if !items[i].kind.inline() {
				write(items[i].data)
			}
		}
	})
	return buf, items
}

func TestWriteGroupGolden(t *testing.T) {
	b, items := goldenGroup(t)
	sameBytes(t, "wal-group", b)
	var payload []byte
	for i := range len(b) / sectorSize {
		sector := b[i*sectorSize : (i+1)*sectorSize]
		if !sectorIs(sector, testID.hash(), 1, 3*blockSectors+i, 0x100000005) {
			t.Fatalf("sector %d", i)
		}
		payload = append(payload, sector[:sectorPayload]...)
	}
	blocks, copyAt, ok := parseTrailer(payload)
	if !ok || blocks*BlockSize != len(b) {
		t.Fatalf("trailer says %d blocks, second directory in %d, %t", blocks, copyAt, ok)
	}
	first, err := parseDir(payload)
	second, err2 := parseDir(payload[copyAt*blockPayload:])
	if err != nil || err2 != nil || !reflect.DeepEqual(first, second) {
		t.Fatalf("directories %+v, %+v: %v, %v", first, second, err, err2)
	}
	inline, others := first.inline, payload[first.sum.dirLen():]
	for i, h := range first.records {
		from := &others
		if h.kind.inline() {
			from = &inline
		}
		if h != items[i].header() || !bytes.Equal((*from)[:h.length], items[i].data) {
			t.Fatalf("record %d is %+v", i, h)
		}
		*from = (*from)[h.length:]
	}
	meta, m, err := getCreate(first.records[0], items[0].data)
	if err != nil || string(meta) != "meta" || !reflect.DeepEqual(m, *items[0].mark) {
		t.Fatalf("create of %q, %+v: %v", meta, m, err)
	}
}

// TestSectorsProveTheirPlace: a sector is accepted by nobody else and nowhere else.
func TestSectorsProveTheirPlace(t *testing.T) {
	b := make([]byte, sectorSize)
	copy(b, "payload")
	ident := testID.hash()
	sealSector(b, sectorSeed(ident, 2, 77, 1<<32|9), 1<<32|9)
	other := testID
	other.Shard = 0
	for what, is := range map[string]bool{
		"identity": sectorIs(b, other.hash(), 2, 77, 1<<32|9), "slot": sectorIs(b, ident, 3, 77, 1<<32|9),
		"sector": sectorIs(b, ident, 2, 78, 1<<32|9), "group": sectorIs(b, ident, 2, 77, 1<<32|8), "upper bits": sectorIs(b, ident, 2, 77, 9),
	} {
		if is {
			t.Errorf("accepted with another %s", what)
		}
	}
	if !sectorIs(b, ident, 2, 77, 1<<32|9) {
		t.Error("not accepted")
	}
}

// TestLayout: the two directories never share a block, and all fits.
func TestLayout(t *testing.T) {
	for n := range 300 {
		for _, inline := range []int64{0, 77, 5000} {
			dirLen := sum{n: n, inline: inline}.dirLen()
			for _, payload := range []int64{0, 1, 3000, blockPayload - dirLen, blockPayload - dirLen + 1, 100000} {
				payload = max(payload, 0)
				blocks, at := sum{n, inline, payload}.layout()
				if int64(at)*blockPayload < dirLen+payload || int64(blocks-at)*blockPayload < dirLen+trailerSize || at < 1 || blocks <= at {
					t.Fatalf("%d records, %d and %d bytes: %d blocks, second directory in %d", n, inline, payload, blocks, at)
				}
			}
		}
	}
	most := sum{n: 1, bytes: int64(MaxEntry(testOpt))}
	if most.blocks() > (testOpt.fileBlocks()-1)/4+2 {
		t.Fatalf("an entry of %d bytes takes %d blocks of %d", most.bytes, most.blocks(), testOpt.fileBlocks())
	}
}

// TestZerosAreSealedAlike holds the short way of sealing a sector of zeros to the long one.
func TestZerosAreSealedAlike(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed, group := rapid.Uint32().Draw(t, "seed"), rapid.Uint64().Draw(t, "group")
		var long, short [sectorSize]byte
		sealSector(long[:], seed, group)
		sealZeros(short[:], seed, group)
		if long != short {
			t.Fatalf("seed %08x, write group %d: %x, and not %x", seed, group, short[sectorPayload:], long[sectorPayload:])
		}
	})
}
