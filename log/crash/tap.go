package crash

import (
	"logd/log"
	"logd/log/memfs"
)

// tap tells of each operation that changes a disk, before it is done: those of formatting and recovery, which no plan has.
type tap struct {
	*memfs.FS
	before func(op log.Op)
}

func (t *tap) Open(name string) (log.File, error) {
	f, err := t.FS.Open(name)
	return tapFile{f, name, t}, err
}

func (t *tap) Create(name string) (log.File, error) {
	t.before(log.Op{Kind: log.OpCreate, File: name})
	f, err := t.FS.Create(name)
	return tapFile{f, name, t}, err
}

func (t *tap) Rename(from, to string) error {
	t.before(log.Op{Kind: log.OpRename, File: from, To: to})
	return t.FS.Rename(from, to)
}

func (t *tap) Remove(name string) error {
	t.before(log.Op{Kind: log.OpRemove, File: name})
	return t.FS.Remove(name)
}

func (t *tap) Mkdir(dir string) error {
	t.before(log.Op{Kind: log.OpMkdir, File: dir})
	return t.FS.Mkdir(dir)
}

func (t *tap) SyncDir(dir string) error {
	t.before(log.Op{Kind: log.OpSyncDir, File: dir})
	return t.FS.SyncDir(dir)
}

type tapFile struct {
	log.File
	name string
	t    *tap
}

func (f tapFile) WriteAt(p []byte, off int64) (int, error) {
	f.t.before(log.Op{Kind: log.OpWrite, File: f.name, Off: off, Data: p})
	return f.File.WriteAt(p, off)
}

func (f tapFile) WriteSync(p []byte, off int64) error {
	f.t.before(log.Op{Kind: log.OpWriteSync, File: f.name, Off: off, Data: p})
	return f.File.WriteSync(p, off)
}

func (f tapFile) Sync() error {
	f.t.before(log.Op{Kind: log.OpSync, File: f.name})
	return f.File.Sync()
}

func (f tapFile) Truncate(size int64) error {
	f.t.before(log.Op{Kind: log.OpTruncate, File: f.name, Off: size})
	return f.File.Truncate(size)
}
