package log

import (
	"errors"
	"io"
	"io/fs"
)

// ErrNoSpace is wrapped by an error of an [FS] that has no room for bytes or names, or none left for this user. The operation
// may have been done in part.
var ErrNoSpace = errors.New("no space left")

// ErrDevice is wrapped by an error of an [FS] that says of the device, or of what it keeps, that it is broken. Any other error, too many
// open files or no memory, says nothing of what is stored: nobody may take what can't be opened for lost then (G10).
var ErrDevice = errors.New("the device failed")

// Gone tells whether an error says that a file, or a part of it, is lost.
func Gone(err error) bool { return errors.Is(err, fs.ErrNotExist) || errors.Is(err, ErrDevice) }

// FS is a directory tree that a shard keeps its files in; names are slash-separated and relative to the data directory.
// It is implemented by log/osfs on a real disk and by the simulator's disk. Together with [File] it is all that the core
// calls out through.
//
// The sync contract, which every implementation keeps and the simulator attacks:
//   - Bytes written are stable only after Sync of that file, or WriteSync of them, returned nil. Before that a crash of the
//     machine may keep any subset of the sectors written, or a torn mix of old and new within the device's atomic unit.
//   - A created, renamed or removed name is stable only after SyncDir of its directory returned nil.
//   - A write of a part of a block may need to read the rest of it, and fails with [ErrDevice] where that can't be read. One of whole
//     blocks doesn't, wherever the file ends.
//   - After a failed write or sync nothing may be assumed of the bytes concerned, and nothing is retried.
type FS interface {
	// Open opens a file that exists, for reading and writing; an error wraps fs.ErrNotExist if there is none, and [ErrDevice] if it is
	// there and the device can't say what it is.
	Open(name string) (File, error)
	// Create makes an empty file; an error wraps fs.ErrExist if there is one.
	Create(name string) (File, error)
	// Rename replaces to by from, atomically.
	Rename(from, to string) error
	// Remove removes a file or an empty directory.
	Remove(name string) error
	// List returns the names in a directory, sorted; an error wraps fs.ErrNotExist if there is no such directory.
	List(dir string) ([]string, error)
	// Mkdir makes one directory; one that exists already is no error.
	Mkdir(dir string) error
	// SyncDir makes the names in dir stable.
	SyncDir(dir string) error
}

// File is one open file of an [FS].
type File interface {
	// An error of ReadAt wraps [ErrDevice] as that of Open: only then are the bytes lost.
	io.ReaderAt
	io.WriterAt
	// WriteSync writes p at off and returns when it is stable. p's length and off are multiples of [BlockSize]; p comes
	// from [AlignedBytes], so that a direct write needs no copy.
	WriteSync(p []byte, off int64) error
	// Sync makes everything written so far stable, the file's size included.
	Sync() error
	// Truncate sets the size in bytes.
	Truncate(size int64) error
	// Size returns the size in bytes; an error wraps [ErrDevice] as that of Open.
	Size() (int64, error)
	Close() error
}
