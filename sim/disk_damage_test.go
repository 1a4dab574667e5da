package sim

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"testing"

	"logd/log"
)

// testDisk has a file of so many pages, each filled with its number, all stable.
func testDisk(t *testing.T, seed uint64, name string, pages int) (*Disk, *bootFS, log.File) {
	d := NewDisk(rand.New(rand.NewPCG(seed, 8)), sectorSize)
	b := &bootFS{d: d}
	dir, _ := split(name)
	must(t, b.Mkdir(dir), b.SyncDir(""))
	f, err := b.Create(name)
	must(t, err)
	for i := range pages {
		_, err := f.WriteAt(page8(byte(i)), int64(i)*pageSize)
		must(t, err)
	}
	must(t, f.Sync(), b.SyncDir(dir))
	return d, b, f
}

func page8(fill byte) []byte { return bytes.Repeat([]byte{fill}, pageSize) }

// run runs one operation to its end.
func (d *Disk) run(t *testing.T, op log.Op) {
	t.Helper()
	w := d.begin(op, "", false)
	must(t, d.end(&w, ""))
}

func readPage(t *testing.T, f log.File, i int) []byte {
	t.Helper()
	p := make([]byte, pageSize)
	if n, err := f.ReadAt(p, int64(i)*pageSize); n != pageSize {
		t.Fatalf("page %d: %d bytes, %v", i, n, err)
	}
	return p
}

// A lost write is acknowledged, and its place keeps what it held; the next one is done.
func TestDiskLostWrite(t *testing.T) {
	d, _, f := testDisk(t, 1, "wal/0.wal", 4)
	said := 0
	d.astray = func(string) { said++ }
	d.arm(armed{under: "wal/"})
	d.run(t, log.Op{Kind: log.OpWriteSync, File: "wal/0.wal", Off: pageSize, Data: page8(9)})
	d.run(t, log.Op{Kind: log.OpWriteSync, File: "wal/0.wal", Off: 2 * pageSize, Data: page8(10)})
	d.settle() // the second write proves that the first was acknowledged
	d.PowerLoss()
	for i, want := range []byte{0, 1, 10, 3} {
		if got := readPage(t, f, i)[0]; got != want {
			t.Fatalf("page %d holds %d, expected %d", i, got, want)
		}
	}
	if said != 1 {
		t.Fatalf("told of %d strayed writes", said)
	}
}

// A lost write that nothing follows can't be told from a torn one, and doesn't outlive the crash of its process.
func TestDiskLostWriteIsSettled(t *testing.T) {
	d, _, f := testDisk(t, 2, "wal/0.wal", 4)
	d.arm(armed{under: "wal/"})
	d.run(t, log.Op{Kind: log.OpWriteSync, File: "wal/0.wal", Off: pageSize, Data: page8(9)})
	if got := readPage(t, f, 1)[0]; got != 1 {
		t.Fatalf("the page holds %d before", got)
	}
	d.settle()
	d.PowerLoss()
	if got := readPage(t, f, 1)[0]; got != 9 {
		t.Fatalf("the page holds %d after", got)
	}
}

// A misdirected write changes exactly one other place of its size.
func TestDiskMisdirectedWrite(t *testing.T) {
	other := 0
	for seed := range uint64(40) {
		d, b, f := testDisk(t, seed, "wal/0.wal", 4)
		must(t, b.Mkdir("seg"))
		g, err := b.Create("seg/0.log")
		must(t, err)
		g.WriteAt(make([]byte, 2*pageSize), 0)
		must(t, g.Sync())
		d.arm(armed{misdirected: true, under: "wal/"})
		d.run(t, log.Op{Kind: log.OpWriteSync, File: "wal/0.wal", Off: pageSize, Data: page8(9)})
		if readPage(t, f, 1)[0] != 1 {
			t.Fatal("its own place doesn't keep what it held")
		}
		hit := 0
		for i := range 4 {
			hit += bytes.Count(readPage(t, f, i), []byte{9})
		}
		for i := range 2 {
			n := bytes.Count(readPage(t, g, i), []byte{9})
			hit, other = hit+n, other+n
		}
		if hit != pageSize {
			t.Fatalf("%d bytes landed", hit)
		}
	}
	if other == 0 || other == 40*pageSize {
		t.Fatalf("%d of 40 landed in another file", other/pageSize)
	}
}

// A page that goes astray at a sync reads as it was, at once, whatever is synced later.
func TestDiskStrayedPage(t *testing.T) {
	for _, misdirected := range []bool{false, true} {
		d, _, f := testDisk(t, 3, "seg/0.log", 4)
		d.arm(armed{misdirected: misdirected, under: "seg/"})
		d.run(t, log.Op{Kind: log.OpWrite, File: "seg/0.log", Off: pageSize, Data: page8(9)})
		d.run(t, log.Op{Kind: log.OpSync, File: "seg/0.log"})
		must(t, f.Sync())
		d.PowerLoss()
		nines := 0
		for i := range 4 {
			nines += bytes.Count(readPage(t, f, i), []byte{9})
		}
		if want := map[bool]int{true: pageSize}[misdirected]; readPage(t, f, 1)[0] != 1 || nines != want {
			t.Fatalf("misdirected %t: its page holds %d, %d of its bytes are anywhere, expected %d", misdirected, readPage(t, f, 1)[0], nines, want)
		}
	}
}

// A bad sector fails every read that touches it, at run time and at boot, and is whole again once it was written.
func TestDiskReadError(t *testing.T) {
	d, b, f := testDisk(t, 4, "seg/0.log", 2)
	must(t, d.Bad("seg/0.log", 3*sectorSize+7))
	p := make([]byte, pageSize)
	if n, err := f.ReadAt(p, 0); n != 3*sectorSize || !errors.Is(err, ErrDevice) {
		t.Fatalf("a read over it gives %d bytes: %v", n, err)
	}
	if n, err := f.ReadAt(p[:3*sectorSize], 0); n != 3*sectorSize || err != nil {
		t.Fatalf("a read before it gives %d bytes: %v", n, err)
	}
	if n, err := f.ReadAt(p, 4*sectorSize); n != pageSize || err != nil {
		t.Fatalf("a read after it gives %d bytes: %v", n, err)
	}
	d.PowerLoss()
	g, err := b.Open("seg/0.log")
	must(t, err)
	if _, err := g.ReadAt(p[:1], 3*sectorSize+511); !errors.Is(err, ErrDevice) {
		t.Fatalf("after a power loss: %v", err)
	}
	if _, err := g.WriteAt(p[:pageSize-1], 0); !errors.Is(err, ErrDevice) {
		t.Fatalf("a write of a part of its page, the rest of which can't be read: %v", err)
	}
	g.WriteAt(page8(5), 0)
	if n, err := g.ReadAt(p, 0); n != pageSize || err != nil || p[3*sectorSize] != 5 {
		t.Fatalf("written, it gives %d bytes, %d: %v", n, p[3*sectorSize], err)
	}
}

// A planned write of a part of a page with a bad sector is of whole blocks: what else can be read stays as it is, and so does the file's end.
func TestDiskWritesWholeBlocks(t *testing.T) {
	d, b, _ := testDisk(t, 4, "seg/0.log", 2)
	f, err := b.Open("seg/0.log")
	must(t, err)
	must(t, f.Truncate(pageSize+1500))
	must(t, f.Sync())
	must(t, d.Bad("seg/0.log", pageSize+sectorSize))
	w := d.begin(log.Op{Kind: log.OpWrite, File: "seg/0.log", Off: pageSize + 1200, Data: page8(9)[:300]}, "", false)
	must(t, d.end(&w, ""))
	p := make([]byte, pageSize+1500)
	if n, err := f.ReadAt(p, 0); n != len(p) || err != nil {
		t.Fatalf("the file gives %d bytes: %v", n, err)
	}
	if size, _ := f.Size(); size != int64(len(p)) || p[pageSize-1] != 0 || p[pageSize] != 1 || p[pageSize+sectorSize] != 0 || p[pageSize+2*sectorSize] != 1 || p[pageSize+1200] != 9 {
		t.Fatalf("%d bytes: %v", size, p[pageSize:])
	}
}

// A full disk refuses what needs room, and only that; it may have done a part that fits. It goes on when there is space.
func TestDiskFull(t *testing.T) {
	d, b, f := testDisk(t, 5, "seg/0.log", 2)
	d.Fill(pageSize)
	if _, err := f.WriteAt(page8(7), pageSize+1); err != nil {
		t.Fatalf("one page of room: %v", err)
	}
	w := d.begin(log.Op{Kind: log.OpWrite, File: "seg/0.log", Off: 2 * pageSize, Data: make([]byte, pageSize+1)}, "", false)
	if err := d.end(&w, ""); !errors.Is(err, log.ErrNoSpace) {
		t.Fatalf("a write that grows the file: %v", err)
	}
	if size, _ := f.Size(); size < 2*pageSize+1 || d.used() > d.limit {
		t.Fatalf("the file has %d bytes", size)
	}
	if err := f.Truncate(4 * pageSize); !errors.Is(err, log.ErrNoSpace) {
		t.Fatalf("a longer file: %v", err)
	}
	if _, err := b.Create("seg/1.log"); !errors.Is(err, log.ErrNoSpace) {
		t.Fatalf("a new file: %v", err)
	}
	d.run(t, log.Op{Kind: log.OpWriteSync, File: "seg/0.log", Off: 0, Data: page8(3)})
	must(t, f.Sync(), f.Truncate(10))
	_, err := b.Create("seg/1.log")
	must(t, err)
	d.Space()
	must(t, f.Truncate(40*pageSize))
}

// A copy holds what was there when it was taken, as often as it is put back.
func TestDiskBackup(t *testing.T) {
	d, b, f := testDisk(t, 6, "seg/0.log", 2)
	image := d.Snapshot()
	f.WriteAt(page8(9), 0)
	must(t, f.Sync(), b.Remove("seg/0.log"))
	for range 2 {
		d.Restore(image)
		d.PowerLoss()
		g, err := b.Open("seg/0.log")
		must(t, err)
		if !slices.Equal(readPage(t, g, 0), page8(0)) || !slices.Equal(readPage(t, g, 1), page8(1)) {
			t.Fatal("the copy differs")
		}
		g.WriteAt(page8(8), 0)
	}
}

// Each kind of damage is seen by reads, survives a sync and a power loss, and touches nothing else.
func TestDiskDamage(t *testing.T) {
	d, b, f := testDisk(t, 7, "seg/0.log", 3)
	must(t, d.Flip("seg/0.log", pageSize+5, usualBit), d.Zero("seg/0.log", 2*pageSize+1, 3), f.Sync())
	d.PowerLoss()
	want := slices.Concat(page8(0), page8(1), page8(2))
	want[pageSize+5] ^= 0x10
	clear(want[2*pageSize+1 : 2*pageSize+4])
	got := make([]byte, len(want))
	f.ReadAt(got, 0)
	if !bytes.Equal(got, want) {
		t.Fatal("another place than the damaged ones changed")
	}
	must(t, d.Cut("seg/0.log", pageSize+100))
	d.PowerLoss()
	if n, err := f.ReadAt(got, 0); n != pageSize+100 || err != io.EOF {
		t.Fatalf("cut, it has %d bytes: %v", n, err)
	}
	must(t, d.Lose("seg/0.log"))
	d.PowerLoss()
	if _, err := b.Open("seg/0.log"); err == nil {
		t.Fatal("a lost file is there")
	}
	if err := d.Flip("seg/0.log", 0, usualBit); err == nil {
		t.Fatal("a file that isn't there was damaged")
	}
}

// Damage of a sector that is still to be written back is overwritten.
func TestDiskDamageBelowTheCache(t *testing.T) {
	d, _, f := testDisk(t, 8, "seg/0.log", 1)
	f.WriteAt([]byte{7}, 3)
	must(t, d.Zero("seg/0.log", 0, sectorSize))
	if p := readPage(t, f, 0); p[3] != 7 || p[4] != 0 {
		t.Fatal("the cache isn't above the device")
	}
	must(t, f.Sync())
	d.PowerLoss()
	if p := readPage(t, f, 0); p[3] != 7 {
		t.Fatal("what was synced is lost")
	}
}

// A disk with drag takes so many times as long.
func TestDiskDrag(t *testing.T) {
	o := DiskOptions{Write: 100, Sync: 1000}
	d := NewDisk(rand.New(rand.NewPCG(1, 9)), sectorSize)
	var plain, slow int64
	for range 200 {
		d.drag = 0
		plain += int64(d.duration(&o, log.OpSync))
		d.drag = 30
		slow += int64(d.duration(&o, log.OpSync))
	}
	if slow < 25*plain || slow > 35*plain {
		t.Fatalf("%d and %d", plain, slow)
	}
}
