//go:build linux || darwin

package osfs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"unsafe"

	"logd/log"
)

// file is one open file. Its direct descriptor, which writes past the page cache and returns when the device has the bytes
// (and what is needed to find them) stable, is opened by the first WriteSync; the kernel keeps the two coherent.
type file struct {
	fs       *FS
	buffered *os.File
	direct   *os.File
}

// ReadAt implements [log.File].
func (f *file) ReadAt(p []byte, off int64) (int, error) {
	n, err := f.buffered.ReadAt(p, off)
	return n, named(err)
}

// WriteAt implements [log.File].
func (f *file) WriteAt(p []byte, off int64) (int, error) {
	n, err := f.buffered.WriteAt(p, off)
	return n, named(err)
}

// Truncate implements [log.File].
func (f *file) Truncate(size int64) error { return named(f.buffered.Truncate(size)) }

// Size implements [log.File].
func (f *file) Size() (int64, error) {
	st, err := f.buffered.Stat()
	if err != nil {
		return 0, named(err)
	}
	return st.Size(), nil
}

// Sync implements [log.File].
func (f *file) Sync() error {
	if f.fs.opt.UnsafeNoSync {
		return nil
	}
	return named(syncData(f.buffered))
}

// WriteSync implements [log.File]. Bytes that aren't from [log.AlignedBytes] cost a copy.
func (f *file) WriteSync(p []byte, off int64) error {
	if len(p)%log.BlockSize != 0 || off%log.BlockSize != 0 {
		return fmt.Errorf("write-sync %s: %d bytes at %d, expected multiples of %d", f.buffered.Name(), len(p), off, log.BlockSize)
	}
	if !f.fs.direct {
		if _, err := f.WriteAt(p, off); err != nil {
			return err
		}
		return f.Sync()
	}
	if err := f.openDirect(); err != nil {
		return err
	}
	if uintptr(unsafe.Pointer(unsafe.SliceData(p)))%log.BlockSize != 0 {
		q := log.AlignedBytes(len(p))
		copy(q, p)
		p = q
	}
	_, err := f.direct.WriteAt(p, off)
	return named(err)
}

// openDirect opens the direct descriptor if it isn't: by name, so it makes sure that this is still the same file.
func (f *file) openDirect() error {
	if f.direct != nil {
		return nil
	}
	d, err := os.OpenFile(f.buffered.Name(), os.O_WRONLY|directFlags, 0)
	if err != nil {
		return err
	}
	a, aerr := f.buffered.Stat()
	b, berr := d.Stat()
	err = errors.Join(aerr, berr)
	if err == nil && !os.SameFile(a, b) {
		err = fmt.Errorf("%s: %w: the name is another file's by now", f.buffered.Name(), fs.ErrInvalid)
	}
	if err != nil {
		d.Close() // nothing was written
		return err
	}
	f.direct = d
	return nil
}

// Close implements [log.File].
func (f *file) Close() error {
	err := f.buffered.Close()
	if f.direct != nil {
		err = errors.Join(err, f.direct.Close())
	}
	return err
}
