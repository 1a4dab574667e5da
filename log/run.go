package log

import (
	"errors"
	"fmt"
	"io"
	"slices"
)

// Do runs one operation.
func (r *Runner) Do(op Op) error {
	switch op.Kind {
	case OpMkdir:
		return r.fs.Mkdir(op.File)
	case OpSyncDir:
		return r.fs.SyncDir(op.File)
	case OpRename:
		r.Forget(op.File)
		r.Forget(op.To)
		return r.fs.Rename(op.File, op.To)
	case OpRemove:
		r.Forget(op.File)
		return r.fs.Remove(op.File)
	case OpCreate:
		f, err := r.fs.Create(op.File)
		if err == nil {
			r.open[op.File] = f
		}
		return err
	}
	f, err := r.file(op.File)
	if err != nil {
		return err
	}
	switch op.Kind {
	case OpWrite:
		r.dirty[op.File] = true
		err = writeAt(f, op.Data, op.Off)
	case OpWriteSync:
		err = f.WriteSync(op.Data, op.Off)
	case OpSync:
		err = f.Sync()
		delete(r.dirty, op.File)
	case OpTruncate:
		r.dirty[op.File] = true
		err = f.Truncate(op.Off)
	default:
		panic(fmt.Sprintf("log: operation of unknown kind %d", op.Kind))
	}
	return err
}

// Run runs a whole plan and returns its completion, the failed operation named in its error.
func (r *Runner) Run(p Plan) Done {
	clear(r.dirty)
	for i, op := range p.Ops {
		if len(r.open) >= r.Keep {
			r.closeSynced()
		}
		if err := r.Do(op); err != nil {
			return Done{Lane: p.Lane, ID: p.ID, Ran: i, Err: fmt.Errorf("%s: %w", op, err)}
		}
	}
	return Done{Lane: p.Lane, ID: p.ID, Ran: len(p.Ops)}
}

// Read runs a read into a fresh buffer.
func (r *Runner) Read(rd Read) ReadDone { return r.ReadInto(nil, rd) }

// ReadInto runs a read into a buffer that nothing else is in, or into a fresh one if that is too small.
func (r *Runner) ReadInto(buf []byte, rd Read) ReadDone {
	f, err := r.file(rd.File)
	if err != nil {
		return ReadDone{ID: rd.ID, Err: err}
	}
	buf = slices.Grow(buf[:0], rd.Len)[:rd.Len]
	n, err := f.ReadAt(buf, rd.Off)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	if err != nil { // all but the sectors that can't be read: the batches beside them are sound (S5)
		readPieces(f, buf, rd.Off, func(from, to int64) { clear(buf[from-rd.Off : to-rd.Off]) })
		n = len(buf)
	}
	return ReadDone{ID: rd.ID, Data: buf[:n], Brief: rd.Brief, Err: err}
}

// Forget closes a file that the runner may have open.
func (r *Runner) Forget(name string) {
	if f := r.open[name]; f != nil {
		f.Close() // its bytes were synced, or are not relied upon
		delete(r.open, name)
	}
}

// closeSynced closes what nothing was written to that is still to be synced: the sync of another descriptor needn't say that it failed.
func (r *Runner) closeSynced() {
	for name := range r.open { // order: closing is independent
		if !r.dirty[name] {
			r.Forget(name)
		}
	}
}

// Close closes all files.
func (r *Runner) Close() {
	for name := range r.open { // order: closing is independent
		r.Forget(name)
	}
}

func (r *Runner) file(name string) (File, error) {
	if f := r.open[name]; f != nil {
		return f, nil
	}
	f, err := r.fs.Open(name)
	if err == nil {
		r.open[name] = f
	}
	return f, err
}
