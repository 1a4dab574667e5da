package sim

import (
	"fmt"

	"logd/log"
)

// bootFS is a disk as a booting process sees it: calls take no time of their own, and the one numbered crashAt and all
// after it fail, because the process is dead from then on.
type bootFS struct {
	d       *Disk
	calls   int
	crashAt int // 0: never
}

var _ log.FS = (*bootFS)(nil)

// step counts a call and tells whether the process still lives to make it.
func (b *bootFS) step() error {
	b.calls++
	if b.crashAt > 0 && b.calls >= b.crashAt {
		return ErrCrashed
	}
	return nil
}

func (b *bootFS) crashed() bool { return b.crashAt > 0 && b.calls >= b.crashAt }

func (b *bootFS) Open(name string) (log.File, error) {
	if err := b.step(); err != nil {
		return nil, err
	}
	ino, err := b.d.file("open", name)
	if err != nil {
		return nil, err
	}
	return &bootFile{b, ino}, nil
}

func (b *bootFS) Create(name string) (log.File, error) {
	if err := b.step(); err != nil {
		return nil, err
	}
	ino, err := b.d.create(name)
	if err != nil {
		return nil, err
	}
	return &bootFile{b, ino}, nil
}

func (b *bootFS) Rename(from, to string) error {
	if err := b.step(); err != nil {
		return err
	}
	return b.d.rename(from, to)
}

func (b *bootFS) Remove(name string) error {
	if err := b.step(); err != nil {
		return err
	}
	return b.d.remove(name)
}

func (b *bootFS) List(dir string) ([]string, error) {
	if err := b.step(); err != nil {
		return nil, err
	}
	return b.d.list(dir)
}

func (b *bootFS) Mkdir(dir string) error {
	if err := b.step(); err != nil {
		return err
	}
	return b.d.mkdir(dir)
}

func (b *bootFS) SyncDir(dir string) error {
	if err := b.step(); err != nil {
		return err
	}
	return b.d.syncDir(dir)
}

type bootFile struct {
	b   *bootFS
	ino *inode
}

func (f *bootFile) ReadAt(p []byte, off int64) (int, error) {
	if f.b.crashed() {
		return 0, ErrCrashed
	}
	return inodeReader{f.ino}.ReadAt(p, off)
}

// WriteAt leaves a random part behind if the process dies in its midst.
func (f *bootFile) WriteAt(p []byte, off int64) (int, error) {
	if f.b.crashed() {
		return 0, ErrCrashed
	}
	if err := f.b.step(); err != nil {
		n := f.b.d.rng.IntN(len(p)+1) &^ (sectorSize - 1)
		f.ino.write(f.b.d, p[:n], off)
		return n, err
	}
	if !f.b.d.fits(f.ino, off+int64(len(p))) {
		f.b.d.squeeze(f.ino, p, off)
		return 0, log.ErrNoSpace
	}
	if f.ino.blind(off, int64(len(p))) {
		return 0, ErrDevice
	}
	f.ino.write(f.b.d, p, off)
	return len(p), nil
}

func (f *bootFile) WriteSync(p []byte, off int64) error {
	checkAligned(p, off)
	if _, err := f.WriteAt(p, off); err != nil {
		return err
	}
	f.ino.stable(f.b.d, off, len(p))
	return nil
}

func (f *bootFile) Sync() error {
	if err := f.b.step(); err != nil {
		return err
	}
	f.ino.endSync(f.b.d, f.ino.beginSync(), true)
	return nil
}

func (f *bootFile) Truncate(size int64) error {
	if err := f.b.step(); err != nil {
		return err
	}
	if !f.b.d.fits(f.ino, size) {
		return log.ErrNoSpace
	}
	f.ino.truncate(f.b.d, size)
	return nil
}

func (f *bootFile) Size() (int64, error) {
	if f.b.crashed() {
		return 0, ErrCrashed
	}
	return f.ino.size, nil
}

func (f *bootFile) Close() error { return nil }

// checkAligned holds writers to the contract of log.File.WriteSync.
func checkAligned(p []byte, off int64) {
	if len(p)%pageSize != 0 || off%pageSize != 0 {
		panic(fmt.Sprintf("invariant W6: a synced write of %d bytes at %d is not in whole blocks of %d", len(p), off, pageSize))
	}
}
