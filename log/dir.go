package log

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
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

	Spoke   [maxSpoke]Start // starts that spoke for their replicas, oldest first, zeros behind the last; see [NoteStart]
	Forgets uint64          // of starts up to this generation none is in Spoke, though they may have spoken
}

// Start is one start of a directory. A copy of the directory comes to the same generations, but not to the same processes.
type Start struct {
	Generation uint64
	Boot       uint64 // the process, drawn
}

// maxSpoke bounds the starts that a directory remembers.
const maxSpoke = 16

// Identity returns whose log a shard's is.
func (d Dir) Identity(shard int) Identity {
	return Identity{Broker: d.Broker, Incarnation: d.Incarnation, Shard: uint16(shard), Shards: uint16(d.Shards)}
}

// ShardDir is the name of a shard's folder in the data directory, for [Sub].
func ShardDir(shard int) string { return fmt.Sprintf("shard-%d", shard) }

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
	for _, name := range []string{metaCopy, metaName} {
		if f, err := fsys.Open(name); !errors.Is(err, fs.ErrNotExist) {
			if err == nil {
				f.Close() // was not used
				err = fs.ErrExist
			}
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if err := formatShards(fsys, d); err != nil {
		return err
	}
	return d.write(fsys) // after the shards, so that it is never there without them
}

// formatShards makes the stores of all shards, durably.
func formatShards(fsys FS, d Dir) error {
	for shard := range d.Shards {
		if err := fsys.Mkdir(ShardDir(shard)); err != nil {
			return err
		}
		if err := Format(Sub(fsys, ShardDir(shard)), d.Identity(shard), d.Options); err != nil {
			return fmt.Errorf("%s: %w", ShardDir(shard), err)
		}
	}
	return fsys.SyncDir(".")
}

// write replaces both copies of logd.meta, durably, one after the other.
func (d Dir) write(fsys FS) error {
	for _, name := range []string{metaCopy, metaName} {
		if err := d.writeCopy(fsys, name); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func (d Dir) writeCopy(fsys FS, name string) error {
	f, err := fsys.Create(metaTemp)
	if errors.Is(err, fs.ErrExist) {
		f, err = fsys.Open(metaTemp)
	}
	if err != nil {
		return err
	}
	defer f.Close() // synced below
	b := d.encode()
	if err := f.Truncate(0); err != nil {
		return err
	}
	if _, err := f.WriteAt(b, 0); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := fsys.Rename(metaTemp, name); err != nil {
		return err
	}
	return fsys.SyncDir(".")
}

// OpenDir reads logd.meta, and changes nothing. The error wraps [fs.ErrNotExist] if there is none, [ErrVersion], or
// [ErrDamaged] if neither copy is good; any other is of the system, and says nothing of the directory.
func OpenDir(fsys FS) (Dir, error) {
	d, err := readDir(fsys, metaCopy)
	if err == nil || !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrVersion) && !errors.Is(err, fs.ErrNotExist) {
		return d, err
	}
	d, other := readDir(fsys, metaName)
	if other == nil {
		return d, nil
	}
	for _, kind := range []error{ErrVersion, ErrDamaged} {
		for _, e := range []error{other, err} {
			if errors.Is(e, kind) {
				return Dir{}, e
			}
		}
	}
	return Dir{}, other
}

func readDir(fsys FS, name string) (Dir, error) {
	f, err := fsys.Open(name)
	if errors.Is(err, ErrDevice) {
		return Dir{}, fmt.Errorf("%w: %s: %w", ErrDamaged, name, err)
	}
	if err != nil {
		return Dir{}, fmt.Errorf("%s: %w", name, err)
	}
	defer f.Close() // only read
	b := make([]byte, 4096)
	n, err := f.ReadAt(b, 0)
	if n == 0 {
		return Dir{}, fmt.Errorf("%w: %s is empty or can't be read: %v", ErrDamaged, name, err)
	}
	return decodeDir(name, b[:n])
}

// StartDir opens a data directory for a start: it finishes a [SetAside] that was cut short, and raises the generation by one,
// durably, before it returns, so that no two starts ever speak under the same one. Errors are those of [OpenDir].
func StartDir(fsys FS) (Dir, error) {
	d, err := OpenDir(fsys)
	if err != nil {
		return Dir{}, err
	}
	if d, err = d.move(fsys); err != nil {
		return Dir{}, err
	}
	d.Generation++
	return d, d.write(fsys)
}

// SetAside gives a directory that must not speak any more a new incarnation, which joins: the shards of the old one are kept
// beside it, under [AsideDir], until somebody deletes them. It is durable when SetAside returns; a crash in its midst is
// finished by [StartDir]:
//
//	logd.meta: new incarnation, joins, moving old ─► shards renamed ─► shards formatted ─► logd.meta: moving none
//
// The generation stays: it counts starts of the directory.
func SetAside(fsys FS, d Dir, incarnation uint64) (Dir, error) {
	if incarnation == d.Incarnation || incarnation == 0 || d.Moving != 0 {
		panic(fmt.Sprintf("log: incarnation %016x, moving %016x, is set aside for %016x (S7)", d.Incarnation, d.Moving, incarnation))
	}
	d.Incarnation, d.Moving, d.Joins = incarnation, d.Incarnation, true
	d.Spoke, d.Forgets = [maxSpoke]Start{}, 0 // those were the other's
	if err := d.write(fsys); err != nil {
		return Dir{}, fmt.Errorf("set aside: %w", err)
	}
	return d.move(fsys)
}

// move finishes setting aside. A shard whose old folder is aside already may have been formatted anew in part.
func (d Dir) move(fsys FS) (Dir, error) {
	if d.Moving == 0 {
		return d, nil
	}
	names, err := fsys.List(".")
	if err != nil {
		return Dir{}, fmt.Errorf("set aside: %w", err)
	}
	for shard := range d.Shards {
		aside := AsideDir(d.Moving, shard)
		if slices.Contains(names, aside) || !slices.Contains(names, ShardDir(shard)) {
			continue
		}
		if err := fsys.Rename(ShardDir(shard), aside); err != nil {
			return Dir{}, fmt.Errorf("set aside: %w", err)
		}
	}
	if err := fsys.SyncDir("."); err != nil { // else a crash may bring an old folder back where a new one is
		return Dir{}, fmt.Errorf("set aside: %w", err)
	}
	sized := d
	sized.Options.SegmentBytes, sized.Options.IndexBytes = 1, 1 // not in the file, and of no use here
	for shard := range d.Shards {
		if err := removeHalfMade(Sub(fsys, ShardDir(shard)), d.Identity(shard), sized.Options); err != nil {
			return Dir{}, fmt.Errorf("set aside: %s: %w", ShardDir(shard), err)
		}
	}
	if err := formatShards(fsys, sized); err != nil {
		return Dir{}, fmt.Errorf("set aside: %w", err)
	}
	d.Moving = 0
	if err := d.write(fsys); err != nil {
		return Dir{}, fmt.Errorf("set aside: %w", err)
	}
	return d, nil
}

// removeHalfMade removes the WAL of a shard that is being formatted anew, whose old folder is aside: nothing was ever kept in it, and what a
// crash or rot has made of it may look otherwise. One that isn't this shard's, or has a write group that formatting doesn't write, is left
// for [Format] to refuse.
func removeHalfMade(shard FS, id Identity, opt Options) error {
	names, err := shard.List(walDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	w, scanned := scanWAL(shard, id, opt)
	if scanned != nil {
		return nil
	}
	top := w.top
	if w.close(); top > 1 {
		return nil
	}
	for _, name := range names {
		if err == nil {
			err = shard.Remove(walDir + "/" + name)
		}
	}
	return err
}

// AsideDir is the name that a shard's folder of an earlier incarnation has.
func AsideDir(incarnation uint64, shard int) string {
	return fmt.Sprintf("aside-%016x-%s", incarnation, ShardDir(shard))
}
