package sim

import (
	"fmt"
	"io"
	"time"

	"logd/log"
)

// work is one planned operation under way: begun at one instant, ended or abandoned at a later one, so that a crash may
// fall in its midst.
type work struct {
	op    log.Op
	name  string // op.File below the disk's root
	ino   *inode
	token syncToken
	wrote int // bytes of op.Data written when it began
	fail  bool
	err   error
	gone  *stray // where it goes instead; nil: where it should
	size  int64  // of the file, if it is cut to that at last; 0: it isn't
}

// begin starts an operation of the store that lives under prefix. fail injects a device error.
func (d *Disk) begin(op log.Op, prefix string, fail bool) work {
	w := work{op: op, name: prefix + op.File, fail: fail}
	switch op.Kind {
	case log.OpWrite, log.OpWriteSync, log.OpSync, log.OpTruncate:
		if w.ino, w.err = d.file(op.Kind.String(), w.name); w.err != nil {
			return w
		}
	}
	switch op.Kind {
	case log.OpWriteSync, log.OpWrite:
		if op.Kind == log.OpWriteSync {
			checkAligned(op.Data, op.Off)
		}
		if op.Kind == log.OpWrite && len(w.ino.bad) > 0 {
			op = w.whole()
		}
		if !d.fits(w.ino, op.Off+int64(len(op.Data))) {
			d.squeeze(w.ino, op.Data, op.Off)
			w.err = log.ErrNoSpace
			return w
		}
		if w.ino.blind(op.Off, int64(len(op.Data))) {
			w.err = ErrDevice
			return w
		}
		if op.Kind == log.OpWriteSync && !fail {
			if w.gone = d.strays(w.name, w.ino, op.Off, op.Data); w.gone != nil {
				return w
			}
		}
		w.wrote = len(op.Data)
		if d.rng.IntN(3) == 0 || fail {
			w.wrote = d.rng.IntN(len(op.Data)+1) &^ (sectorSize - 1)
		}
		w.ino.write(d, op.Data[:w.wrote], op.Off)
	case log.OpSync:
		w.token = w.ino.beginSync()
	}
	return w
}

// whole has a write be of whole blocks where it must, as [log.Runner] has, and returns what is written.
func (w *work) whole() log.Op {
	end := max(w.ino.size, w.op.Off+int64(len(w.op.Data)))
	w.op.Data, w.op.Off = log.WholeBlocks(inodeReader{w.ino}, w.op.Data, w.op.Off)
	if w.op.Off+int64(len(w.op.Data)) > end {
		w.size = end
	}
	return w.op
}

// inodeReader reads a file as [io.ReaderAt] has it.
type inodeReader struct{ ino *inode }

func (r inodeReader) ReadAt(p []byte, off int64) (int, error) {
	n, err := r.ino.readAt(p, off)
	if err == nil && n < len(p) {
		err = io.EOF
	}
	return n, err
}

// end completes an operation and returns what the process gets to see.
func (d *Disk) end(w *work, prefix string) error {
	if w.err != nil {
		return w.err
	}
	if w.fail {
		switch {
		case w.op.Kind == log.OpSync:
			w.ino.endSync(d, w.token, false)
		case w.op.Kind != log.OpWriteSync && d.rng.IntN(2) == 0:
			_ = d.finish(w, prefix) // done all the same, and nobody is told
		}
		return ErrDevice
	}
	return d.finish(w, prefix)
}

// finish does what is left of an operation that nothing is wrong with.
func (d *Disk) finish(w *work, prefix string) error {
	switch w.op.Kind {
	case log.OpWrite, log.OpWriteSync:
		if w.gone != nil {
			d.land(w.gone)
			return nil
		}
		w.ino.write(d, w.op.Data[w.wrote:], w.op.Off+int64(w.wrote))
		if w.op.Kind == log.OpWriteSync {
			w.ino.stable(d, w.op.Off, len(w.op.Data))
			d.proven(w.name)
		}
		if w.size > 0 {
			w.ino.truncate(d, w.size)
		}
		return nil
	case log.OpSync:
		d.strayPage(w.name, w.ino, w.token)
		w.ino.endSync(d, w.token, true)
		return nil
	case log.OpTruncate:
		if !d.fits(w.ino, w.op.Off) {
			return log.ErrNoSpace
		}
		w.ino.truncate(d, w.op.Off)
		return nil
	case log.OpCreate:
		_, err := d.create(w.name)
		return err
	case log.OpMkdir:
		return d.mkdir(w.name)
	case log.OpRename:
		return d.rename(w.name, prefix+w.op.To)
	case log.OpRemove:
		return d.remove(w.name)
	case log.OpSyncDir:
		return d.syncDir(w.name)
	}
	panic(fmt.Sprintf("sim: operation of unknown kind %d", w.op.Kind))
}

// abandon is what becomes of an operation whose process was killed in its midst: the kernel ends it, or drops it where it
// stands. After a power loss nothing ends any more.
func (d *Disk) abandon(w *work, prefix string, powerLost bool) {
	if !powerLost && d.rng.IntN(2) == 0 {
		_ = d.end(w, prefix) // nobody is there to be told
		return
	}
	if w.op.Kind == log.OpSync && w.err == nil && w.ino.syncing > 0 {
		w.ino.syncing--
	}
}

// DiskOptions is how fast and how reliable the disks of a world are.
type DiskOptions struct {
	Unit  int           // bytes written all or nothing: 512 or 4096
	Read  time.Duration // of one read
	Write time.Duration // of one write into the cache
	Sync  time.Duration // of one sync, synced write or directory operation
	Stall int           // per mille of operations that take a hundred times as long
}

// duration draws how long an operation takes.
func (d *Disk) duration(o *DiskOptions, kind log.OpKind) time.Duration {
	base := o.Sync
	if kind == log.OpWrite {
		base = o.Write
	}
	return d.draw(o, base)
}

func (d *Disk) draw(o *DiskOptions, base time.Duration) time.Duration {
	t := base/2 + time.Duration(d.rng.Int64N(int64(base)+1))
	if d.drag > 1 {
		return t * time.Duration(d.drag)
	}
	if o.Stall > 0 && d.rng.IntN(1000) < o.Stall {
		t *= 100
	}
	return t
}
