package log

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
)

// Dir is what a data directory says of itself, in its file logd.meta.
type Dir struct {
	Broker      int32
	Incarnation uint64 // drawn when the directory was formatted (S7)
	Shards      int
	Options     Options // SegmentBytes and IndexBytes are not in the file
	Generation  uint64  // of the last start; rises at each, durably, before a word is said
	Joins       bool    // it was made to rejoin: it never forms a cluster
	Moving      uint64  // not 0: the incarnation whose shards are being set aside
}

// Identity returns whose log a shard's is.
func (d Dir) Identity(shard int) Identity {
	return Identity{Broker: d.Broker, Incarnation: d.Incarnation, Shard: uint16(shard), Shards: uint16(d.Shards)}
}

// ShardDir is the name of a shard's folder in the data directory, for [Sub].
func ShardDir(shard int) string { return fmt.Sprintf("shard-%d", shard) }

// The file logd.meta is text; the last line is the CRC-32C of those before it. On disk, don't change.
const (
	metaName    = "logd.meta"
	metaTemp    = "logd.meta.tmp"
	metaVersion = 1
	metaFormat  = "broker %d\nincarnation %016x\nshards %d\nwal-files %d\nwal-file-bytes %d\ngroup-bytes %d\n"
)

func (d Dir) encode() []byte {
	s := fmt.Sprintf("logd %d\n"+metaFormat, metaVersion, d.Broker, d.Incarnation, d.Shards,
		d.Options.WALFiles, d.Options.WALFileBytes, d.Options.GroupBytes)
	return fmt.Appendf(nil, "%scrc %08x\n", s, crc32.Checksum([]byte(s), castagnoli))
}

// FormatDir makes a data directory: the stores of all shards, and at last, when these are durable, logd.meta. What a
// FormatDir that was cut short left behind is made anew; data are refused, see [Format]. The error wraps [fs.ErrExist] if
// the directory has a logd.meta.
func FormatDir(fsys FS, d Dir) error {
	if err := d.Options.Check(); err != nil {
		return err
	}
	if d.Shards < 1 || d.Shards > 1<<15 {
		return fmt.Errorf("options: %d shards, expected 1 to %d", d.Shards, 1<<15)
	}
	if f, err := fsys.Open(metaName); !errors.Is(err, fs.ErrNotExist) {
		if err == nil {
			f.Close() // was not used
			err = fs.ErrExist
		}
		return fmt.Errorf("%s: %w", metaName, err)
	}
	for shard := range d.Shards {
		if err := fsys.Mkdir(ShardDir(shard)); err != nil {
			return err
		}
		if err := Format(Sub(fsys, ShardDir(shard)), d.Identity(shard), d.Options); err != nil {
			return fmt.Errorf("%s: %w", ShardDir(shard), err)
		}
	}
	f, err := fsys.Create(metaTemp)
	if errors.Is(err, fs.ErrExist) {
		f, err = fsys.Open(metaTemp)
	}
	if err != nil {
		return err
	}
	defer f.Close() // synced below
	b := d.encode()
	if err := f.Truncate(int64(len(b))); err != nil {
		return err
	}
	if _, err := f.WriteAt(b, 0); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := fsys.SyncDir("."); err != nil { // shards first, so that logd.meta is never there without them
		return err
	}
	if err := fsys.Rename(metaTemp, metaName); err != nil {
		return err
	}
	return fsys.SyncDir(".")
}

// OpenDir reads logd.meta. The error wraps [fs.ErrNotExist] if there is none, [ErrVersion] or [ErrDamaged].
func OpenDir(fsys FS) (Dir, error) {
	f, err := fsys.Open(metaName)
	if err != nil {
		return Dir{}, fmt.Errorf("%s: %w", metaName, err)
	}
	defer f.Close() // only read
	b := make([]byte, 4096)
	n, err := f.ReadAt(b, 0)
	if n == 0 {
		return Dir{}, fmt.Errorf("%w: %s is empty or can't be read: %v", ErrDamaged, metaName, err)
	}
	if err := fsys.SyncDir("."); err != nil {
		return Dir{}, fmt.Errorf("%s: %w", metaName, err)
	}
	return decodeDir(b[:n])
}

// StartDir opens a data directory for a start: it finishes a [SetAside] that was cut short, and raises the generation by one,
// durably, before it returns. Errors are those of [OpenDir].
func StartDir(fsys FS) (Dir, error) {
	panic("log: start of a directory: not built yet")
}

// SetAside gives a directory that must not speak any more a new incarnation, which joins: the shards of the old one are kept
// beside it, under [AsideDir], until somebody deletes them. A crash in its midst is finished by [StartDir].
func SetAside(fsys FS, d Dir, incarnation uint64) (Dir, error) {
	panic("log: setting a directory aside: not built yet")
}

// AsideDir is the name that a shard's folder of an earlier incarnation has.
func AsideDir(incarnation uint64, shard int) string {
	return fmt.Sprintf("aside-%016x-%s", incarnation, ShardDir(shard))
}

func decodeDir(b []byte) (Dir, error) {
	var version int
	var d Dir
	if _, err := fmt.Sscanf(string(b), "logd %d\n", &version); err == nil && version != metaVersion {
		return Dir{}, fmt.Errorf("%w: %s has version %d, this program knows %d", ErrVersion, metaName, version, metaVersion)
	}
	o := &d.Options
	_, err := fmt.Sscanf(string(b), "logd %d\n"+metaFormat, &version, &d.Broker, &d.Incarnation, &d.Shards, &o.WALFiles, &o.WALFileBytes, &o.GroupBytes)
	if err != nil || string(d.encode()) != string(b) {
		return Dir{}, fmt.Errorf("%w: %s: expected %q, found %q: %v", ErrDamaged, metaName, d.encode(), b, err)
	}
	return d, nil
}
