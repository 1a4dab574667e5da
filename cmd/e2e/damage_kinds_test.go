package e2e

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"logd/log"
	"logd/log/osfs"
)

// damageKind is what is done to a file of a stopped broker.
type damageKind int

const (
	flipBits damageKind = iota
	truncateFile
	zeroSectors
	swapBlocks
	deleteFile
	exchangeFiles
	damageKinds
)

func (k damageKind) String() string {
	return [...]string{"flip bits", "truncate", "zero sectors", "swap blocks", "delete", "exchange"}[k]
}

const sector = 512

// hurt is one damage that was done.
type hurt struct {
	kind   damageKind
	target string // what the file is: WAL, segment, index, start, logd.meta
	file   string // in the data directory
	what   string
	fates  []string // what inspect made of it
}

func (h *hurt) String() string {
	return fmt.Sprintf("%s of %s: %s", h.kind, h.file, h.what)
}

// targetOf says what a file of a data directory is; "" if it isn't to be hurt.
func targetOf(file string) string {
	switch name := filepath.Base(file); {
	case strings.HasSuffix(name, ".wal"):
		return "WAL"
	case strings.HasSuffix(name, ".log"):
		return "segment"
	case strings.HasSuffix(name, ".index"):
		return "index"
	case strings.HasSuffix(name, ".start"):
		return "start"
	case name == "logd.meta" || name == "logd.meta.copy":
		return "logd.meta"
	}
	return ""
}

// vandal damages the directory of one stopped broker. Of logd.meta it leaves one copy alone: without both there is no broker.
type vandal struct {
	t     *testing.T
	rng   *rand.Rand
	dir   string
	files map[string][]string // by target
	wal   []log.WriteGroup    // those that count
	meta  bool                // a copy of logd.meta was hurt
}

func newVandal(t *testing.T, rng *rand.Rand, dir string) *vandal {
	t.Helper()
	v := &vandal{t: t, rng: rng, dir: dir, files: map[string][]string{}}
	err := filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
		if target := targetOf(name); err == nil && target != "" {
			v.files[target] = append(v.files[target], name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	rep, _ := inspectWAL(t, dir)
	v.wal = rep.Writes
	return v
}

// keep leaves only some files to be hurt.
func (v *vandal) keep(which func(file string) bool) {
	for target, files := range v.files {
		v.files[target] = slices.DeleteFunc(files, func(file string) bool { return !which(file) })
	}
}

// inspectWAL is the WAL of a stopped broker's only shard.
func inspectWAL(t *testing.T, dir string) (log.WALReport, log.FS) {
	t.Helper()
	tree, err := osfs.NewReadOnly(dir)
	if err != nil {
		t.Fatal(err)
	}
	d, err := log.OpenDir(tree)
	if err != nil {
		t.Fatal(err)
	}
	d.Options.SegmentBytes, d.Options.IndexBytes = 1, 1 // not in the directory, and of no use here
	shard := log.Sub(tree, log.ShardDir(0))
	rep, err := log.InspectWAL(shard, d.Identity(0), d.Options)
	if err != nil {
		t.Fatal(err)
	}
	return rep, shard
}

// hurt does one damage.
func (v *vandal) hurt() *hurt {
	v.t.Helper()
	for {
		target := []string{"WAL", "WAL", "WAL", "WAL", "segment", "segment", "segment", "index", "index", "start", "logd.meta"}[v.rng.IntN(11)]
		files := v.files[target]
		if len(files) == 0 || target == "logd.meta" && v.meta {
			continue
		}
		file := files[v.rng.IntN(len(files))]
		st, err := os.Stat(file)
		if err != nil || st.Size() == 0 { // it was deleted or cut to nothing before
			continue
		}
		h := &hurt{kind: damageKind(v.rng.IntN(int(damageKinds))), target: target}
		if h.kind == exchangeFiles && (target == "WAL" || target == "logd.meta") {
			continue // there are two of each, which the other damages do enough to
		}
		v.meta = v.meta || target == "logd.meta"
		if h.file, err = filepath.Rel(v.dir, file); err == nil {
			err = v.do(h, file, st.Size())
		}
		if err != nil {
			v.t.Fatal(err)
		}
		return h
	}
}

func (v *vandal) do(h *hurt, file string, size int64) error {
	switch h.kind {
	case truncateFile:
		to := v.rng.Int64N(size)
		if v.rng.IntN(4) == 0 {
			to = 0
		}
		h.what = fmt.Sprintf("from %d to %d bytes", size, to)
		return os.Truncate(file, to)
	case deleteFile:
		h.what = fmt.Sprintf("%d bytes", size)
		return os.Remove(file)
	case exchangeFiles:
		return v.exchange(h, file)
	}
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close() // synced by nobody: the machine stays up
	at := v.place(h, size)
	switch h.kind {
	case flipBits:
		h.what = "bytes"
		for range 1 + v.rng.IntN(4) {
			b := make([]byte, 1)
			if _, err := f.ReadAt(b, at); err != nil {
				return err
			}
			b[0] ^= 1 << v.rng.IntN(8)
			h.what += fmt.Sprintf(" %d", at)
			if _, err := f.WriteAt(b, at); err != nil {
				return err
			}
			at = min(size-1, at+v.rng.Int64N(100))
		}
	case zeroSectors:
		at -= at % sector
		n := min(size-at, sector*(1+v.rng.Int64N(16)))
		h.what = fmt.Sprintf("bytes %d to %d", at, at+n-1)
		_, err = f.WriteAt(make([]byte, n), at)
	case swapBlocks:
		err = v.swap(h, f, at-at%log.BlockSize, size)
	}
	return err
}

// exchange has a file and another of its kind change places: half the time, where there is one, with a file of the same name, of
// another partition. All checksums stay good.
func (v *vandal) exchange(h *hurt, file string) error {
	var others, same []string
	for _, other := range v.files[h.target] {
		if _, err := os.Stat(other); err == nil && other != file {
			others = append(others, other)
			if filepath.Base(other) == filepath.Base(file) {
				same = append(same, other)
			}
		}
	}
	if len(same) > 0 && v.rng.IntN(2) == 0 {
		others = same
	}
	if len(others) == 0 {
		h.what = "there is no other"
		return nil
	}
	other := others[v.rng.IntN(len(others))]
	name, err := filepath.Rel(v.dir, other)
	h.what = "with " + name
	aside := file + ".exchange"
	for _, move := range [][2]string{{file, aside}, {other, file}, {aside, other}} {
		if err == nil {
			err = os.Rename(move[0], move[1])
		}
	}
	return err
}

// place chooses a byte: half of those in a WAL are in a write group that counts.
func (v *vandal) place(h *hurt, size int64) int64 {
	if h.target == "WAL" && len(v.wal) > 0 && v.rng.IntN(2) == 0 {
		if w := v.wal[v.rng.IntN(len(v.wal))]; strings.HasSuffix(h.file, w.File) {
			return min(size-1, w.Byte+v.rng.Int64N(int64(w.Blocks)*log.BlockSize))
		}
	}
	return v.rng.Int64N(size)
}

// swap exchanges a block with another, of the same file or of one like it; where there is no whole one, with what there is.
func (v *vandal) swap(h *hurt, f *os.File, at, size int64) error {
	files := v.files[h.target]
	other := files[v.rng.IntN(len(files))]
	g, err := os.OpenFile(other, os.O_RDWR, 0)
	if err != nil { // it was deleted
		other = f.Name()
		if g, err = os.OpenFile(other, os.O_RDWR, 0); err != nil {
			return err
		}
	}
	defer g.Close() // see above
	st, err := g.Stat()
	if err != nil {
		return err
	}
	if st.Size() == 0 || h.target == "logd.meta" {
		h.what = fmt.Sprintf("the head is overwritten by something else (%s)", filepath.Base(other))
		b := binary.BigEndian.AppendUint64(nil, v.rng.Uint64())
		_, err := f.WriteAt(b[:min(size, 8)], 0)
		return err
	}
	to := v.rng.Int64N(st.Size())
	to -= to % log.BlockSize
	n := min(log.BlockSize, size-at, st.Size()-to)
	h.what = fmt.Sprintf("%d bytes at %d with %s at %d", n, at, filepath.Base(other), to)
	a, b := make([]byte, n), make([]byte, n)
	if _, err := f.ReadAt(a, at); err != nil {
		return err
	}
	if _, err := g.ReadAt(b, to); err != nil {
		return err
	}
	if _, err := f.WriteAt(b, at); err != nil {
		return err
	}
	_, err = g.WriteAt(a, to)
	return err
}
