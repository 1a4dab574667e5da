package memfs

import (
	"maps"
	"slices"
)

// content is a file's bytes. Pages beyond the slice, and bytes beyond size, are zeros.
type content struct {
	pages []*page
	size  int64
	own   bool // no other content has the same slice
}

func (c *content) page(i int) *page {
	if i >= len(c.pages) {
		return nil
	}
	return c.pages[i]
}

func (c *content) set(i int, p *page) {
	if !c.own {
		c.pages, c.own = slices.Clone(c.pages), true
	}
	for len(c.pages) <= i {
		c.pages = append(c.pages, nil)
	}
	c.pages[i] = p
}

// share returns a content with the same pages; each copies them before it changes them.
func (c *content) share() content {
	c.own = false
	return *c
}

func (c *content) sum() uint64 {
	h := uint64(0)
	for i, p := range c.pages {
		if p != nil {
			h += mix(p.total(), uint64(i)+1)
		}
	}
	return mix(h, uint64(c.size)+1)
}

// node is a file or a directory.
type node struct {
	dir    bool
	now    content
	disk   content
	dirty  map[int][]*page // by page, all that it was since it was last stable; the last is now's
	failed map[int]bool    // dirty pages that the cache takes for clean, since a sync failed
	sizes  []int64         // all sizes since the size was last stable
}

func (n *node) stable() bool { return len(n.dirty) == 0 && len(n.sizes) == 0 }

// put changes a page.
func (n *node) put(i int, p *page) {
	n.now.set(i, p)
	if n.dirty == nil {
		n.dirty = map[int][]*page{}
	}
	n.dirty[i] = append(n.dirty[i], p)
	delete(n.failed, i)
}

func (n *node) write(p []byte, off int64) {
	end := off + int64(len(p))
	for len(p) > 0 {
		i, at := int(off/PageSize), int(off%PageSize)
		k := min(len(p), PageSize-at)
		n.put(i, newPage(n.now.page(i), p[:k], at))
		p, off = p[k:], off+int64(k)
	}
	if end > n.now.size {
		n.now.size = end
		n.sizes = append(n.sizes, end)
	}
}

// writeSync is write, stable. Whole pages are stable, other bytes of the file no more than before.
func (n *node) writeSync(p []byte, off int64) {
	n.write(p, off)
	for i := int(off / PageSize); int64(i)*PageSize < off+int64(len(p)); i++ {
		n.disk.set(i, n.now.page(i))
		delete(n.dirty, i)
	}
	if end := off + int64(len(p)); end > n.disk.size {
		n.disk.size = end
		if end == n.now.size {
			n.sizes = nil
		}
	}
}

func (n *node) truncate(size int64) {
	for i := int(size / PageSize); i < len(n.now.pages); i++ {
		if p := n.now.pages[i]; p != nil {
			n.put(i, p.head(int(size-int64(i)*PageSize)))
		}
	}
	if size != n.now.size {
		n.now.size = size
		n.sizes = append(n.sizes, size)
	}
}

// sync makes everything stable, but for pages that a failed sync left: these are never written out.
func (n *node) sync() {
	if n.stable() {
		return
	}
	old := n.disk
	n.disk, n.sizes = n.now.share(), nil
	for i := range n.dirty { // order: pages are independent
		if n.failed[i] {
			n.disk.set(i, old.page(i))
		} else {
			delete(n.dirty, i)
		}
	}
}

func (n *node) failSync() {
	if n.failed == nil {
		n.failed = map[int]bool{}
	}
	for i := range n.dirty { // order: pages are independent
		n.failed[i] = true
	}
}

func (n *node) clone() *node {
	c := &node{dir: n.dir, now: n.now.share(), disk: n.disk.share(), sizes: slices.Clone(n.sizes), failed: maps.Clone(n.failed)}
	if len(n.dirty) > 0 {
		c.dirty = maps.Clone(n.dirty)
		for i, versions := range c.dirty { // order: pages are independent
			c.dirty[i] = slices.Clip(versions)
		}
	}
	return c
}
