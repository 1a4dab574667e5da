// Package osfs keeps a shard's files in a directory of a real file system: [log.FS] on Linux and macOS.
//
// It has no policy: no retries, no caching of its own, no background work. What it adds to package os is that a write or a
// name is stable when it says so.
//
//	            Linux, direct                 Linux, else          macOS                 UnsafeNoSync
//	WriteSync   O_DIRECT|O_DSYNC write        write, fdatasync     write, F_FULLFSYNC    write
//	Sync        fdatasync                     fdatasync            F_FULLFSYNC           nothing
//	SyncDir     fsync of the directory        the same             F_FULLFSYNC           nothing
//
// Invariants:
//
//	O1  A nil error of WriteSync, Sync and SyncDir means that the device was told to make it stable, but in UnsafeNoSync,
//	    which Mode says loudly.
//	O2  An error is returned as it came, a full disk or quota named by [log.ErrNoSpace] besides, a broken device by
//	    [log.ErrDevice], and the operation is not tried again.
//	O3  A file system that lives in memory (tmpfs, ramfs) is refused, but with UnsafeNoSync.
//	O4  Of all processes, one at a time has the directory locked.
//	O5  A ReadOnly changes nothing, whatever is asked of it.
//	O6  The tree's own name is stable when New returns, whoever made it.
package osfs
