package memfs

import (
	"fmt"
	"path"
)

// Damage changes bytes of a file, in the cache and on the disk, as rot and writes that go astray do. The pages must be stable.
func (m *FS) Damage(name string, p []byte, off int64) error {
	n, err := m.get(name, false)
	if err != nil {
		return err
	}
	if end := off + int64(len(p)); end > n.disk.size || end > n.now.size {
		return fmt.Errorf("%s: damage of %d+%d, the file has %d bytes", name, off, len(p), n.disk.size)
	}
	for len(p) > 0 {
		i, at := int(off/PageSize), int(off%PageSize)
		if len(n.dirty[i]) > 0 {
			return fmt.Errorf("%s: page %d isn't stable", name, i)
		}
		k := min(len(p), PageSize-at)
		pg := newPage(n.now.page(i), p[:k], at)
		n.now.set(i, pg)
		n.disk.set(i, pg)
		p, off = p[k:], off+int64(k)
	}
	return nil
}

// Lose takes a file away, in the cache and on the disk.
func (m *FS) Lose(name string) error {
	name = path.Clean(name)
	if m.nodes[name] == nil || m.disk[name] != m.nodes[name] {
		return fmt.Errorf("%s: isn't there, or its name isn't stable", name)
	}
	delete(m.nodes, name)
	delete(m.disk, name)
	return nil
}
