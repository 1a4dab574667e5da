// Package memfs is a disk in memory that knows what of it is stable, and says what a crash at this instant may leave.
//
// It implements [logd/log.FS] under that interface's sync contract. A copy of it shares pages, which never change once
// written, so images are cheap enough to be made by the hundred thousand.
//
//	            now: what a process sees          disk: what is stable
//	names       create, rename, remove, mkdir ──► SyncDir of the directory
//	bytes       WriteAt, Truncate ─────────────► Sync of the file, WriteSync of the bytes
//	size        WriteAt, Truncate ─────────────► Sync of the file
//
//	Clone()            the process ends: all that was written is seen again, and is no more stable than before
//	FailSync()         a sync failed: what wasn't stable is seen, but no later sync writes it (fsyncgate)
//	Crash(unit)        the power fails: each unit of unstable bytes is old, new or of a time between, each size one that was
//	  .Image(picks)    passed, each change of a name done or not, all independently
//
// Assumptions, which are those of docs about real disks too: a unit is written whole or not at all; bytes that nobody wrote
// and that lie behind a stable size are zeros; changes of names in one directory become stable one by one, in any order,
// but each as a whole; a name leads to its file's bytes whether or not they are stable.
//
// Invariants:
//
//	D1  A page is never changed once it is in a content.
//	D2  What is stable stays in every image.
//	D3  Equal content and names make equal sums, whatever way led there; what a failed sync left makes another.
package memfs
