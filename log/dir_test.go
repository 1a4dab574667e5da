package log

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
)

func TestDirFiles(t *testing.T) {
	d := Dir{Broker: 3, Incarnation: 0xabcdef, Shards: 2, Options: testOpt, Generation: 17, Joins: true, Moving: 0xabcde}
	sameBytes(t, "logd-meta", d.encode())
	d.Generation, d.Joins, d.Moving = 0, false, 0
	disk := newMemFS()
	if _, err := OpenDir(disk); !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	cut := errors.New("cut")
	for n := 0; ; n++ { // ended at each operation, by a loss of power that keeps some, it can be done again
		disk = newMemFS()
		err := FormatDir(&limited{FS: disk, left: n, err: cut}, d)
		if err == nil {
			break
		}
		if !errors.Is(err, cut) {
			t.Fatal(err)
		}
		for k := range 3 {
			i := 0
			left := disk.losePower(func() bool { i++; return (i+n)%3 >= k })
			switch _, err := OpenDir(left); {
			case errors.Is(err, fs.ErrNotExist):
				if err := FormatDir(left, d); err != nil {
					t.Fatal(err)
				}
			case err != nil:
				t.Fatal(err)
			}
			openAll(t, left, d)
		}
		if _, err := StartDir(disk); err == nil { // the process ended, then the power: what was opened is still there
			openAll(t, disk.losePower(func() bool { return false }), d)
		}
	}
	disk = disk.losePower(func() bool { return false })
	openAll(t, disk, d)
	is, err := OpenDir(disk)
	d.Options.SegmentBytes, d.Options.IndexBytes = 0, 0
	if err != nil || is != d {
		t.Fatalf("%+v: %v", is, err)
	}
	if err := FormatDir(disk, Dir{Shards: 1, Options: testOpt}); !errors.Is(err, fs.ErrExist) {
		t.Fatal(err)
	}
}

// openAll opens the stores of a data directory, which hold nothing.
func openAll(t *testing.T, disk *memFS, d Dir) {
	t.Helper()
	if _, err := OpenDir(disk); err != nil {
		t.Fatal(err)
	}
	for shard := range d.Shards {
		if _, rec, err := Open(Sub(disk, ShardDir(shard)), d.Identity(shard), testOpt); err != nil || len(rec.Groups) != 0 {
			t.Fatalf("shard %d: %v", shard, err)
		}
	}
}

// limited ends after some changes.
type limited struct {
	FS
	left int
	err  error
}

func (l *limited) use() error {
	if l.left--; l.left < 0 {
		return l.err
	}
	return nil
}

func (l *limited) Create(name string) (File, error) {
	if err := l.use(); err != nil {
		return nil, err
	}
	f, err := l.FS.Create(name)
	return &limitedFile{f, l}, err
}

func (l *limited) Open(name string) (File, error) {
	f, err := l.FS.Open(name)
	return &limitedFile{f, l}, err
}

func (l *limited) Mkdir(name string) error { return errors.Join(l.use(), l.FS.Mkdir(name)) }

func (l *limited) Remove(name string) error { return errors.Join(l.use(), l.FS.Remove(name)) }

func (l *limited) SyncDir(name string) error {
	if err := l.use(); err != nil {
		return err
	}
	return l.FS.SyncDir(name)
}

func (l *limited) Rename(from, to string) error {
	if err := l.use(); err != nil {
		return err
	}
	return l.FS.Rename(from, to)
}

type limitedFile struct {
	File
	l *limited
}

func (f *limitedFile) WriteSync(p []byte, off int64) error {
	if err := f.l.use(); err != nil {
		return err
	}
	return f.File.WriteSync(p, off)
}

func (f *limitedFile) WriteAt(p []byte, off int64) (int, error) {
	if err := f.l.use(); err != nil {
		return 0, err
	}
	return f.File.WriteAt(p, off)
}

func (f *limitedFile) Truncate(size int64) error {
	if err := f.l.use(); err != nil {
		return err
	}
	return f.File.Truncate(size)
}

func (f *limitedFile) Sync() error {
	if err := f.l.use(); err != nil {
		return err
	}
	return f.File.Sync()
}

// startable returns a directory whose two shards hold a group each.
func startable(t *testing.T) (*memFS, Dir) {
	t.Helper()
	disk := newMemFS()
	d := Dir{Broker: 3, Incarnation: 0xa, Shards: 2, Options: testOpt}
	if err := FormatDir(disk, d); err != nil {
		t.Fatal(err)
	}
	for shard := range d.Shards {
		r := &rig{opt: testOpt}
		var err error
		if r.s, _, err = Open(Sub(disk, ShardDir(shard)), d.Identity(shard), testOpt); err != nil {
			t.Fatal(err)
		}
		for lane := range r.run {
			r.run[lane] = NewRunner(Sub(disk, ShardDir(shard)))
		}
		r.s.Create(uint64(shard+5), nil, Mark{})
		r.s.Append(uint64(shard+5), entries(1, 1, 1, 10))
		r.idle(t)
	}
	return disk, d
}

// TestGenerationRises: no two starts have the same generation, whatever instant one of them ends at, and whichever copy of
// logd.meta rots.
func TestGenerationRises(t *testing.T) {
	disk, _ := startable(t)
	cut := errors.New("cut")
	last := uint64(0)
	for n := range 60 {
		d, err := StartDir(&limited{FS: disk, left: n % 20, err: cut})
		if err != nil && !errors.Is(err, cut) {
			t.Fatal(err)
		}
		if err == nil {
			if d.Generation <= last {
				t.Fatalf("generation %d after %d", d.Generation, last)
			}
			last = d.Generation
		}
		i := 0
		disk = disk.losePower(func() bool { i++; return (i+n)%3 > 0 })
		name := metaName
		if n%2 == 0 {
			name = metaCopy
		}
		if node := disk.nodes[name]; err == nil && n%4 < 2 {
			node.now[n%len(node.now)] ^= 1
		} else if err == nil {
			delete(disk.nodes, name)
			delete(disk.disk, name)
		}
	}
	if last < 10 {
		t.Fatalf("only %d starts", last)
	}
}

// rotHalfMade damages the WALs that are being formatted in the place of those that are aside, and counts them.
func rotHalfMade(disk *memFS) (n int) {
	d, err := OpenDir(disk)
	if err != nil || d.Moving == 0 {
		return 0
	}
	for shard := range d.Shards {
		names, _ := disk.List(ShardDir(shard) + "/" + walDir)
		if _, err := disk.List(AsideDir(d.Moving, shard)); err != nil {
			continue
		}
		for _, name := range names {
			if is := disk.nodes[ShardDir(shard)+"/"+walDir+"/"+name]; len(is.now) > BlockSize {
				is.now[BlockSize+100] ^= 1
				is.disk = slices.Clone(is.now)
				n++
			}
		}
	}
	return n
}

// What was stored is never taken for half made, even if an old logd.meta says that its shard is being formatted.
func TestStoredIsNotHalfMade(t *testing.T) {
	disk, _ := startable(t)
	old, err := StartDir(disk)
	if err != nil {
		t.Fatal(err)
	}
	is, err := SetAside(disk, old, 0xb)
	if err != nil {
		t.Fatal(err)
	}
	s, _, err := Open(Sub(disk, ShardDir(0)), is.Identity(0), testOpt)
	if err != nil {
		t.Fatal(err)
	}
	s.Create(5, nil, Mark{})
	p, ok := s.Plan(LaneWAL)
	if d := NewRunner(Sub(disk, ShardDir(0))).Run(p); !ok || d.Err != nil {
		t.Fatal(ok, d.Err)
	}
	is.Moving = old.Incarnation
	if err := is.write(disk); err != nil {
		t.Fatal(err)
	}
	name := ShardDir(0) + "/" + walName(0)
	was := slices.Clone(disk.nodes[name].now)
	if _, err := StartDir(disk); !errors.Is(err, fs.ErrExist) || !slices.Equal(disk.nodes[name].now, was) {
		t.Fatalf("it is formatted again: %v", err)
	}
}

// TestSetAside ends it at each operation, by a loss of power that keeps some of what isn't stable: at the next start the
// directory is the old one, whole, or the new one, empty, and the old shards are beside it.
func TestSetAside(t *testing.T) {
	cut := errors.New("cut")
	made, d := startable(t)
	steps, rotten := 0, 0
	for n := 0; ; n++ {
		disk := made.clone()
		old, err := StartDir(disk)
		if err != nil {
			t.Fatal(err)
		}
		_, end := SetAside(&limited{FS: disk, left: n, err: cut}, old, 0xb)
		if end != nil && !errors.Is(end, cut) {
			t.Fatal(end)
		}
		for k := range 4 {
			i := 0
			left := disk.losePower(func() bool { i++; return (i*k+n)%4 > k })
			if k%2 == 1 {
				rotten += rotHalfMade(left)
			}
			is, err := StartDir(left)
			if err != nil {
				t.Fatalf("operation %d: %v", n, err)
			}
			if is.Generation <= old.Generation || is.Moving != 0 || is.Broker != d.Broker || is.Joins != (is.Incarnation == 0xb) {
				t.Fatalf("operation %d: %+v", n, is)
			}
			for shard := range d.Shards {
				_, rec, err := Open(Sub(left, ShardDir(shard)), is.Identity(shard), testOpt)
				if err != nil {
					t.Fatalf("operation %d: %v", n, err)
				}
				if is.Incarnation == 0xa {
					if end == nil || len(rec.Groups) != 1 {
						t.Fatalf("operation %d: it is the old one, with %d groups", n, len(rec.Groups))
					}
					continue
				}
				aside, kept, err := Open(Sub(left, AsideDir(0xa, shard)), d.Identity(shard), testOpt)
				if err != nil || len(rec.Groups) != 0 || len(kept.Groups) != 1 || len(kept.Groups[0].Entries) != 1 || aside == nil {
					t.Fatalf("operation %d: %d groups, aside %v: %v", n, len(rec.Groups), kept, err)
				}
			}
		}
		if steps = n; end == nil {
			break
		}
	}
	if rotten < 5 {
		t.Errorf("%d files were damaged while they were made", rotten)
	}
	t.Logf("%d operations", steps)
	if steps < 30 {
		t.Fatal("too few")
	}
}

// TestOtherVersions: the directories of other versions are refused with a line that says what to do.
func TestOtherVersions(t *testing.T) {
	for _, c := range []struct {
		version int
		want    string
	}{{1, "delete the directory of one broker at a time, it rejoins"}, {4, "from a newer program"}} {
		disk, d := startable(t)
		for _, name := range []string{metaName, metaCopy} {
			b := disk.nodes[name].now
			copy(b, fmt.Sprintf("logd %d", c.version))
		}
		if _, err := StartDir(disk); !errors.Is(err, ErrVersion) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("version %d: %v", c.version, err)
		}
		disk, _ = startable(t)
		b := disk.nodes["shard-0/wal/0001.wal"].now[:BlockSize]
		b[11] = byte(c.version)
		sum := checksum(b[:BlockSize-4])
		copy(b[BlockSize-4:], []byte{byte(sum >> 24), byte(sum >> 16), byte(sum >> 8), byte(sum)})
		if _, _, err := Open(Sub(disk, "shard-0"), d.Identity(0), testOpt); !errors.Is(err, ErrVersion) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("version %d: %v", c.version, err)
		}
	}
}

// Where both copies are damaged a person is told in what.
func TestDamagedMeta(t *testing.T) {
	sealed := func(text string) []byte {
		return fmt.Appendf(nil, "%scrc %08x\n", text, checksum([]byte(text)))
	}
	for _, c := range []struct {
		what, want string
		of         func(b []byte) []byte
	}{
		{"a bit", "logd.meta: the last line is \"crc ", func(b []byte) []byte { b[15] ^= 1; return b }},
		{"no end", "logd.meta: expected a CRC in the last line, found 30 bytes without one", func(b []byte) []byte { return b[:30] }},
		{"an end in its midst", "logd.meta: the last line is \"crc ", func(b []byte) []byte { return b[:len(b)-6] }},
		{"another text", "logd.meta: the CRC is right, and a line isn't: ", func([]byte) []byte { return sealed("logd 3\nbroker x\n") }},
		{"a text with more", "logd.meta: the CRC is right, and the text is none that this program writes: ", func(b []byte) []byte {
			return sealed(strings.Replace(string(b[:len(b)-len("crc 01234567\n")]), "broker ", "broker  ", 1))
		}},
	} {
		disk, _ := startable(t)
		for _, name := range []string{metaName, metaCopy} {
			disk.nodes[name].now = c.of(slices.Clone(disk.nodes[name].now))
		}
		if _, err := StartDir(disk); !errors.Is(err, ErrDamaged) || errors.Is(err, ErrVersion) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, expected %q", c.what, err, c.want)
		}
	}
}
