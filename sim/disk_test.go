package sim

import (
	"bytes"
	"errors"
	"io/fs"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"logd/log"
)

// model is what the contract of log.FS says of one file: what reads see, and per sector every value that a power loss may
// leave behind.
type model struct {
	seen  []byte
	maybe [][][]byte // per sector: contents that the device may hold; the last is what is seen
}

const modelPages = 4

func newModel() *model {
	m := &model{seen: make([]byte, modelPages*pageSize), maybe: make([][][]byte, modelPages*sectors)}
	for i := range m.maybe {
		m.maybe[i] = [][]byte{make([]byte, sectorSize)}
	}
	return m
}

func (m *model) write(p []byte, off int) {
	copy(m.seen[off:], p)
	for s := off / sectorSize; s <= (off+len(p)-1)/sectorSize; s++ {
		m.maybe[s] = append(m.maybe[s], bytes.Clone(m.seen[s*sectorSize:(s+1)*sectorSize]))
	}
}

func (m *model) settle(from, to int) {
	for s := from; s < to; s++ {
		m.maybe[s] = m.maybe[s][len(m.maybe[s])-1:]
	}
}

// A power loss leaves in each sector something that was written there at or after its last sync; a crash leaves all.
func TestDiskKeepsTheContract(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		unit := rapid.SampledFrom([]int{sectorSize, pageSize}).Draw(t, "unit")
		d := NewDisk(rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1)), unit)
		b := &bootFS{d: d}
		f, err := b.Create("f")
		must(t, err, f.Truncate(modelPages*pageSize), f.Sync(), b.SyncDir(""))
		m := newModel()
		fill := byte(0)
		t.Repeat(map[string]func(*rapid.T){
			"format": func(t *rapid.T) {
				off := rapid.IntRange(0, modelPages-1).Draw(t, "page") * pageSize
				p := make([]byte, pageSize)
				m.write(p, off)
				_, err := f.WriteAt(p, int64(off))
				must(t, err)
			},
			"write": func(t *rapid.T) {
				off := rapid.IntRange(0, len(m.seen)-1).Draw(t, "off")
				n := rapid.IntRange(1, min(6000, len(m.seen)-off)).Draw(t, "n")
				fill++
				p := bytes.Repeat([]byte{fill}, n)
				if _, err := f.WriteAt(p, int64(off)); err != nil {
					t.Fatal(err)
				}
				m.write(p, off)
			},
			"write-sync": func(t *rapid.T) {
				pg := rapid.IntRange(0, modelPages-1).Draw(t, "page")
				fill++
				p := bytes.Repeat([]byte{fill}, pageSize)
				must(t, f.WriteSync(p, int64(pg*pageSize)))
				m.write(p, pg*pageSize)
				m.settle(pg*sectors, (pg+1)*sectors)
			},
			"sync": func(t *rapid.T) { must(t, f.Sync()); m.settle(0, len(m.maybe)) },
			"power": func(t *rapid.T) {
				d.PowerLoss()
				got := make([]byte, len(m.seen))
				if n, err := f.ReadAt(got, 0); n != len(got) {
					t.Fatalf("%d bytes left, %v", n, err)
				}
				for s := range m.maybe {
					left := got[s*sectorSize : (s+1)*sectorSize]
					if !legal(m.maybe[s], left) {
						t.Fatalf("sector %d holds %d, which no write since its sync left there", s, left[0])
					}
					m.maybe[s] = [][]byte{bytes.Clone(left)}
				}
				copy(m.seen, got)
			},
			"": func(t *rapid.T) {
				got := make([]byte, len(m.seen))
				f.ReadAt(got, 0)
				if !bytes.Equal(got, m.seen) {
					t.Fatal("a read doesn't see what was written")
				}
			},
		})
	})
}

func legal(maybe [][]byte, left []byte) bool {
	for _, p := range maybe {
		if bytes.Equal(p, left) {
			return true
		}
	}
	return false
}

func must(t interface{ Fatal(...any) }, errs ...error) {
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// Every fate of unsynced sectors turns up: all kept, all lost, and a mix within one 4 KiB block.
func TestDiskPowerLossReachesEveryFate(t *testing.T) {
	var kept, lost, mixed int
	for seed := range uint64(200) {
		d := NewDisk(rand.New(rand.NewPCG(seed, 2)), sectorSize)
		b := &bootFS{d: d}
		f, err := b.Create("f")
		must(t, err, f.Truncate(pageSize), f.Sync(), b.SyncDir(""))
		f.WriteAt(bytes.Repeat([]byte{1}, pageSize), 0)
		d.PowerLoss()
		got := make([]byte, pageSize)
		f.ReadAt(got, 0)
		switch n := bytes.Count(got, []byte{1}); {
		case n == pageSize:
			kept++
		case n == 0:
			lost++
		default:
			mixed++
		}
	}
	if kept < 10 || lost < 10 || mixed < 10 {
		t.Fatalf("of 200 power losses %d kept all, %d lost all, %d mixed", kept, lost, mixed)
	}
}

// A name is stable after its own directory's sync, and a file's sync doesn't help it.
func TestDiskNames(t *testing.T) {
	gone, stayed := 0, 0
	for seed := range uint64(100) {
		d := NewDisk(rand.New(rand.NewPCG(seed, 3)), sectorSize)
		b := &bootFS{d: d}
		must(t, b.Mkdir("a"), b.SyncDir(""))
		f, err := b.Create("a/sure")
		must(t, err, f.Sync(), b.SyncDir("a"))
		f, err = b.Create("a/new")
		must(t, err, f.Sync())
		d.PowerLoss()
		if _, err := b.Open("a/sure"); err != nil {
			t.Fatal(err)
		}
		switch _, err := b.Open("a/new"); {
		case err == nil:
			stayed++
		case errors.Is(err, fs.ErrNotExist):
			gone++
		default:
			t.Fatal(err)
		}
	}
	if gone < 10 || stayed < 10 {
		t.Fatalf("an unsynced name was lost %d times and kept %d times", gone, stayed)
	}
}

// An unsynced rename over a file leaves the old one or the new one, never neither.
func TestDiskRenameIsAtomic(t *testing.T) {
	for seed := range uint64(100) {
		d := NewDisk(rand.New(rand.NewPCG(seed, 4)), sectorSize)
		b := &bootFS{d: d}
		for i, name := range []string{"meta", "temp"} {
			f, err := b.Create(name)
			must(t, err)
			f.WriteAt([]byte{byte(i + 1)}, 0)
			must(t, f.Sync(), b.SyncDir(""))
		}
		must(t, b.Rename("temp", "meta"))
		d.PowerLoss()
		f, err := b.Open("meta")
		must(t, err)
		p := make([]byte, 1)
		f.ReadAt(p, 0)
		_, err = b.Open("temp")
		if was := p[0] == 1; was != (err == nil) {
			t.Fatalf("meta holds file %d and temp's error is %v", p[0], err)
		}
	}
}

// After a failed sync reads see the bytes, and a second sync doesn't save them; writing them again does.
func TestDiskFailedSync(t *testing.T) {
	lost := 0
	for seed := range uint64(50) {
		d := NewDisk(rand.New(rand.NewPCG(seed, 5)), sectorSize)
		b := &bootFS{d: d}
		f, err := b.Create("f")
		must(t, err, f.Truncate(2*pageSize), f.Sync(), b.SyncDir(""))
		f.WriteAt(bytes.Repeat([]byte{1}, 2*pageSize), 0)
		w := d.begin(log.Op{Kind: log.OpSync, File: "f"}, "", true)
		if err := d.end(&w, ""); !errors.Is(err, ErrDevice) {
			t.Fatal(err)
		}
		f.WriteAt(bytes.Repeat([]byte{1}, pageSize), 0)
		must(t, f.Sync())
		d.PowerLoss()
		got := make([]byte, 2*pageSize)
		f.ReadAt(got, 0)
		if bytes.Count(got[:pageSize], []byte{1}) != pageSize {
			t.Fatal("rewritten and synced bytes were lost")
		}
		if bytes.Count(got[pageSize:], []byte{1}) != pageSize {
			lost++
		}
	}
	if lost != 50 {
		t.Fatalf("a sync after a failed one saved the bytes in %d of 50 runs", 50-lost)
	}
}

// A sync covers what was written before it began, and nothing written while it ran.
func TestDiskWriteDuringSync(t *testing.T) {
	lost := 0
	for seed := range uint64(100) {
		d := NewDisk(rand.New(rand.NewPCG(seed, 6)), sectorSize)
		b := &bootFS{d: d}
		f, err := b.Create("f")
		must(t, err, f.Truncate(pageSize), f.Sync(), b.SyncDir(""))
		f.WriteAt([]byte{1}, 0)
		f.WriteAt([]byte{1}, sectorSize)
		w := d.begin(log.Op{Kind: log.OpSync, File: "f"}, "", false)
		f.WriteAt([]byte{2}, 0)
		must(t, d.end(&w, ""))
		d.PowerLoss()
		p := make([]byte, sectorSize+1)
		f.ReadAt(p, 0)
		if p[sectorSize] != 1 || p[0] != 1 && p[0] != 2 {
			t.Fatalf("the sync's bytes are %d and %d", p[0], p[sectorSize])
		}
		if p[0] == 1 {
			lost++
		}
	}
	if lost == 0 {
		t.Fatal("a write during a sync was never lost")
	}
}

func TestDiskRotIsRead(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 7))
	d := NewDisk(rng, sectorSize)
	b := &bootFS{d: d}
	if name, _, ok := d.Somewhere(rng, classes[:]...); ok {
		t.Fatalf("an empty disk rots at %s", name)
	}
	f, err := b.Create("0.log")
	must(t, err)
	f.WriteAt(make([]byte, pageSize), 0)
	must(t, f.Sync(), b.SyncDir(""))
	for {
		if name, off, ok := d.Somewhere(rng, classes[:]...); ok && d.holds(name, off) {
			must(t, d.Flip(name, off, usualBit))
			break
		}
	}
	p := make([]byte, pageSize)
	f.ReadAt(p, 0)
	if bytes.Equal(p, make([]byte, pageSize)) {
		t.Fatal("nothing is rotten")
	}
}

// A power loss that keeps nothing brings zeros back, though pages of zeros take no memory and what they are kept in had other bytes before.
func TestLossBringsZerosBack(t *testing.T) {
	for seed := range uint64(20) {
		d := NewDisk(rand.New(rand.NewPCG(seed, 1)), sectorSize)
		d.keep = keepNone
		b := &bootFS{d: d}
		other, err := b.Create("other")
		must(t, err)
		f, err := b.Create("f")
		must(t, err, b.SyncDir(""), f.Truncate(pageSize), f.Sync())
		for fill := range byte(3) {
			_, err = other.WriteAt(bytes.Repeat([]byte{fill + 7}, 2*pageSize), 0)
			must(t, err, other.Sync())
		}
		_, err = f.WriteAt(make([]byte, pageSize), 0)
		must(t, err)
		_, err = f.WriteAt(bytes.Repeat([]byte{1}, sectorSize), 0)
		must(t, err)
		d.PowerLoss()
		is := make([]byte, pageSize)
		if _, err = f.ReadAt(is, 0); err != nil || !bytes.Equal(is, make([]byte, pageSize)) {
			t.Fatalf("seed %d: byte 0 is %d, byte %d is %d, expected zeros: %v", seed, is[0], sectorSize, is[sectorSize], err)
		}
	}
}
