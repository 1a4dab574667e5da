package memfs

import (
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"logd/log"
)

// FS is the disk. It is for one goroutine, and so are all that share its pages.
type FS struct {
	nodes map[string]*node // by clean name, as a process sees them; "." is the root
	disk  map[string]*node // stable names
	ops   []nameOp         // changes of names that are not stable, in order
}

// nameOp is a change of names in one directory: node appears as add, and the name del disappears.
type nameOp struct {
	add, del string
	node     *node
}

// New returns an empty disk.
func New() *FS {
	root := &node{dir: true}
	return &FS{nodes: map[string]*node{".": root}, disk: map[string]*node{".": root}}
}

func (m *FS) get(name string, dir bool) (*node, error) {
	n := m.nodes[path.Clean(name)]
	if n == nil || n.dir != dir {
		return nil, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	}
	return n, nil
}

// Open opens a file that exists.
func (m *FS) Open(name string) (log.File, error) {
	n, err := m.get(name, false)
	if err != nil {
		return nil, err
	}
	return file{n}, nil
}

func (m *FS) add(name string, n *node) error {
	name = path.Clean(name)
	if m.nodes[name] != nil {
		return fmt.Errorf("%s: %w", name, fs.ErrExist)
	}
	if _, err := m.get(path.Dir(name), true); err != nil {
		return err
	}
	m.nodes[name] = n
	m.ops = append(m.ops, nameOp{add: name, node: n})
	return nil
}

// Create makes an empty file.
func (m *FS) Create(name string) (log.File, error) {
	n := &node{}
	if err := m.add(name, n); err != nil {
		return nil, err
	}
	return file{n}, nil
}

// Mkdir makes a directory; one that is there is no error.
func (m *FS) Mkdir(name string) error {
	if _, err := m.get(name, true); err == nil {
		return nil
	}
	return m.add(name, &node{dir: true})
}

// Rename replaces to by from, in the same directory; a directory replaces nothing, and takes along what is in it.
func (m *FS) Rename(from, to string) error {
	from, to = path.Clean(from), path.Clean(to)
	n := m.nodes[from]
	if n == nil {
		return fmt.Errorf("%s: %w", from, fs.ErrNotExist)
	}
	if path.Dir(from) != path.Dir(to) {
		return fmt.Errorf("rename %s %s: names are changed within their directory only", from, to)
	}
	if n.dir && m.nodes[to] != nil {
		return fmt.Errorf("rename %s %s: %w", from, to, fs.ErrExist)
	}
	op := nameOp{add: to, del: from, node: n}
	op.apply(m.nodes)
	m.ops = append(m.ops, op)
	return nil
}

// Remove removes a file or an empty directory.
func (m *FS) Remove(name string) error {
	name = path.Clean(name)
	n := m.nodes[name]
	if n == nil {
		return fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	}
	if n.dir {
		if names, _ := m.List(name); len(names) > 0 {
			return fmt.Errorf("%s: not empty: %q", name, names)
		}
	}
	delete(m.nodes, name)
	m.ops = append(m.ops, nameOp{del: name})
	return nil
}

// List returns the names in a directory, sorted.
func (m *FS) List(dir string) ([]string, error) {
	if _, err := m.get(dir, true); err != nil {
		return nil, err
	}
	dir = path.Clean(dir)
	var names []string
	for name := range m.nodes { // order: sorted below
		if name != "." && path.Dir(name) == dir {
			names = append(names, path.Base(name))
		}
	}
	slices.Sort(names)
	return names, nil
}

func (op nameOp) in(dir string) bool {
	return op.add != "" && path.Dir(op.add) == dir || op.del != "" && path.Dir(op.del) == dir
}

func (op nameOp) apply(names map[string]*node) {
	if op.del != "" && op.add != "" && op.node.dir {
		for _, name := range slices.Sorted(maps.Keys(names)) {
			if in, ok := strings.CutPrefix(name, op.del+"/"); ok {
				names[op.add+"/"+in] = names[name]
				delete(names, name)
			}
		}
	}
	if op.del != "" {
		delete(names, op.del)
	}
	if op.add != "" {
		names[op.add] = op.node
	}
}

// SyncDir makes the names in a directory stable.
func (m *FS) SyncDir(dir string) error {
	if _, err := m.get(dir, true); err != nil {
		return err
	}
	var rest []nameOp
	for _, op := range m.ops {
		if op.in(path.Clean(dir)) {
			op.apply(m.disk)
		} else {
			rest = append(rest, op)
		}
	}
	m.ops = rest
	return nil
}

// Stable says whether a loss of power would leave everything as it is seen now.
func (m *FS) Stable() bool {
	if len(m.ops) > 0 {
		return false
	}
	for _, n := range m.nodes { // order: any of them decides
		if !n.stable() {
			return false
		}
	}
	return true
}

// Clone returns a copy: what is left when the process ends.
func (m *FS) Clone() *FS {
	c := &FS{nodes: make(map[string]*node, len(m.nodes)), disk: make(map[string]*node, len(m.disk))}
	twin := make(map[*node]*node, len(m.nodes))
	of := func(n *node) *node {
		if n != nil && twin[n] == nil {
			twin[n] = n.clone()
		}
		return twin[n]
	}
	for name, n := range m.nodes { // order: copies are independent
		c.nodes[name] = of(n)
	}
	for name, n := range m.disk { // order: copies are independent
		c.disk[name] = of(n)
	}
	for _, op := range m.ops {
		c.ops = append(c.ops, nameOp{add: op.add, del: op.del, node: of(op.node)})
	}
	return c
}

// FailSync is what a failed sync leaves: nothing that isn't stable need ever be, though it is seen, until it is written again.
func (m *FS) FailSync() {
	for _, n := range m.nodes { // order: files are independent
		n.failSync()
	}
}

// Sum tells disks apart by names, sizes and bytes, both as seen and as stable, and by what no sync will write (D3).
func (m *FS) Sum() uint64 {
	h := sumNames(m.nodes, func(n *node) *content { return &n.now })
	if m.Stable() {
		return h
	}
	for name, n := range m.nodes { // order: addition commutes
		for i := range n.dirty { // order: addition commutes
			if n.failed[i] {
				h += mix(sumName(name), uint64(i)<<1|1)
			}
		}
	}
	return mix(h, sumNames(m.disk, func(n *node) *content { return &n.disk }))
}

func sumNames(names map[string]*node, of func(*node) *content) uint64 {
	h := uint64(0)
	for name, n := range names { // order: addition commutes
		is := uint64(1)
		if !n.dir {
			is = of(n).sum()
		}
		h += mix(sumName(name), is)
	}
	return h
}

// Names returns all names that are seen, sorted.
func (m *FS) Names() []string { return slices.Sorted(maps.Keys(m.nodes)) }

type file struct{ n *node }

func (f file) ReadAt(p []byte, off int64) (int, error) {
	c := &f.n.now
	if off >= c.size {
		return 0, io.EOF
	}
	total := int(min(int64(len(p)), c.size-off))
	for n := 0; n < total; {
		i, at := int((off+int64(n))/PageSize), int((off+int64(n))%PageSize)
		k := min(total-n, PageSize-at)
		if pg := c.page(i); pg == nil {
			clear(p[n : n+k])
		} else {
			copy(p[n:n+k], pg.b[at:])
		}
		n += k
	}
	if total < len(p) {
		return total, io.EOF
	}
	return total, nil
}

func (f file) WriteAt(p []byte, off int64) (int, error) {
	f.n.write(p, off)
	return len(p), nil
}

func (f file) WriteSync(p []byte, off int64) error {
	if off%log.BlockSize != 0 || len(p)%log.BlockSize != 0 {
		return fmt.Errorf("synchronous write of %d+%d is not in whole blocks of %d", off, len(p), log.BlockSize)
	}
	f.n.writeSync(p, off)
	return nil
}

func (f file) Sync() error {
	f.n.sync()
	return nil
}

func (f file) Truncate(size int64) error {
	f.n.truncate(size)
	return nil
}

func (f file) Size() (int64, error) { return f.n.now.size, nil }
func (f file) Close() error         { return nil }
