package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"logd/log/osfs"
)

// reserveName is a file of zeros that holds room on the disk. It is given up when a write to a segment finds the disk full, so that
// what was acknowledged before finds its place, and made anew once there is room again.
const (
	reserveName  = "logd.reserve"
	reserveBytes = 64 << 20
)

// reserve is that file. It is used by one goroutine.
type reserve struct {
	path  string
	bytes int64
	held  bool
}

// holdReserve makes the reserve of a data directory, unless it is there already. An error wraps that of the file system.
func holdReserve(dir string, bytes int64) (*reserve, error) {
	r := &reserve{path: filepath.Join(dir, reserveName), bytes: bytes}
	return r, r.hold()
}

// hold takes the room, if it isn't held. What a failure leaves is removed again.
func (r *reserve) hold() error {
	if st, err := os.Stat(r.path); err == nil && st.Size() == r.bytes {
		r.held = true
		return nil
	}
	err := r.fill()
	if err != nil {
		err = fmt.Errorf("reserve of %d bytes: %w", r.bytes, err)
		if gone := os.Remove(r.path); gone != nil && !errors.Is(gone, fs.ErrNotExist) {
			err = errors.Join(err, gone)
		}
	}
	r.held = err == nil
	return err
}

// fill writes zeros, not a hole: only written blocks are sure to be there.
func (r *reserve) fill() error {
	f, err := os.OpenFile(r.path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer f.Close() // synced below
	zeros := make([]byte, 1<<20)
	for left := r.bytes; left > 0; left -= int64(len(zeros)) {
		if _, err := f.Write(zeros[:min(left, int64(len(zeros)))]); err != nil {
			return err
		}
	}
	return f.Sync()
}

// giveUpReserve removes the reserve of a data directory that no process uses, so that one can start on a full disk: the directory
// remembers each start, which takes blocks.
func giveUpReserve(dir string) error {
	tree, err := osfs.New(dir, osfs.Options{UnsafeNoSync: true}) // writes nothing
	if err != nil {
		return err
	}
	if err := tree.Lock(); err != nil {
		return err
	}
	defer tree.Unlock() // nothing was written
	return tree.Remove(reserveName)
}

// release gives the room up.
func (r *reserve) release() error {
	r.held = false
	return os.Remove(r.path)
}
