package log

import (
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
)

// memFS is a disk in memory that knows what is stable. A crash of the process keeps all that was written, and remembers what
// of it is not stable; a loss of power keeps any chosen subset of the unstable sectors, sizes and names.
type memFS struct {
	nodes map[string]*memNode // by clean name, as seen now; "." is the root
	disk  map[string]*memNode // stable names
	ops   []nameOp            // unstable changes of names, in order
	count map[OpKind]int
}

// nameOp is a change of names in one directory: node appears as add, and the name del disappears.
type nameOp struct {
	add, del string
	node     *memNode
}

type memNode struct {
	dir   bool
	now   []byte
	disk  []byte
	dirty map[int]bool // sectors of now that are not stable; false if a sync failed and the cache takes them for clean (S4)
}

func newMemFS() *memFS {
	root := &memNode{dir: true}
	return &memFS{nodes: map[string]*memNode{".": root}, disk: map[string]*memNode{".": root}, count: map[OpKind]int{}}
}

func (m *memFS) get(name string, dir bool) (*memNode, error) {
	n := m.nodes[path.Clean(name)]
	if n == nil || n.dir != dir {
		return nil, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	}
	return n, nil
}

func (m *memFS) Open(name string) (File, error) {
	n, err := m.get(name, false)
	return &memFile{n: n, m: m}, err
}

func (m *memFS) add(name string, n *memNode) error {
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

func (m *memFS) Create(name string) (File, error) {
	m.count[OpCreate]++
	n := &memNode{dirty: map[int]bool{}}
	return &memFile{n: n, m: m}, m.add(name, n)
}

func (m *memFS) Mkdir(name string) error {
	m.count[OpMkdir]++
	if _, err := m.get(name, true); err == nil {
		return nil
	}
	return m.add(name, &memNode{dir: true})
}

func (m *memFS) Rename(from, to string) error {
	m.count[OpRename]++
	n := m.nodes[path.Clean(from)]
	if n == nil {
		return fmt.Errorf("%s: %w", from, fs.ErrNotExist)
	}
	if path.Dir(from) != path.Dir(to) {
		panic("rename between directories")
	}
	op := nameOp{add: path.Clean(to), del: path.Clean(from), node: n}
	op.apply(m.nodes)
	if n.dir {
		for i := range m.ops { // what isn't stable in it goes with it
			m.ops[i].add, m.ops[i].del = moved(m.ops[i].add, op), moved(m.ops[i].del, op)
		}
	}
	m.ops = append(m.ops, op)
	return nil
}

// moved returns the name that something below a renamed directory has now.
func moved(name string, op nameOp) string {
	if below, ok := strings.CutPrefix(name, op.del+"/"); ok {
		return op.add + "/" + below
	}
	return name
}

func (m *memFS) Remove(name string) error {
	m.count[OpRemove]++
	name = path.Clean(name)
	if m.nodes[name] == nil {
		return fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	}
	if names, err := m.List(name); err == nil && len(names) > 0 {
		return fmt.Errorf("%s: not empty: %q", name, names)
	}
	delete(m.nodes, name)
	m.ops = append(m.ops, nameOp{del: name})
	return nil
}

func (m *memFS) List(dir string) ([]string, error) {
	if _, err := m.get(dir, true); err != nil {
		return nil, err
	}
	var names []string
	for name := range m.nodes {
		if name != "." && path.Dir(name) == path.Clean(dir) {
			names = append(names, path.Base(name))
		}
	}
	slices.Sort(names)
	return names, nil
}

func (op nameOp) in(dir string) bool {
	return op.add != "" && path.Dir(op.add) == dir || op.del != "" && path.Dir(op.del) == dir
}

func (op nameOp) apply(names map[string]*memNode) {
	if op.del != "" && op.node != nil && op.node.dir {
		for _, name := range slices.Sorted(maps.Keys(names)) {
			if to := moved(name, op); to != name {
				names[to] = names[name]
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

func (m *memFS) SyncDir(dir string) error {
	m.count[OpSyncDir]++
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

// unstable returns the number of choices that a loss of power has.
func (m *memFS) unstable() int {
	n := 0
	m.losePower(func() bool { n++; return true })
	return n
}

// losePower returns what is left after a loss of power; keep is asked, in a fixed order, for each thing that isn't stable.
func (m *memFS) losePower(keep func() bool) *memFS {
	left := newMemFS()
	names := maps.Clone(m.disk)
	for _, op := range m.ops {
		if keep() {
			op.apply(names)
		}
	}
	all := map[*memNode]bool{}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if parent := names[path.Dir(name)]; parent == nil || !parent.dir {
			continue // its directory was lost
		}
		n := names[name]
		if all[n] {
			panic(name + ": two names for one file")
		}
		all[n] = true
		is := &memNode{dir: n.dir, dirty: map[int]bool{}}
		if !n.dir {
			is.disk = n.lose(keep)
			is.now = slices.Clone(is.disk)
		}
		left.nodes[name] = is
	}
	left.disk = maps.Clone(left.nodes)
	return left
}

func (n *memNode) lose(keep func() bool) []byte {
	size := len(n.disk)
	if len(n.now) != size && keep() {
		size = len(n.now)
	}
	b := make([]byte, size)
	copy(b, n.disk)
	for _, i := range slices.Sorted(maps.Keys(n.dirty)) {
		from, to := i*sectorSize, min((i+1)*sectorSize, len(n.now), size)
		if from < to && keep() {
			copy(b[from:to], n.now[from:to])
		}
	}
	return b
}

// clone returns a copy with the same stable and unstable parts: what a crash of the process leaves.
func (m *memFS) clone() *memFS {
	c := &memFS{nodes: map[string]*memNode{}, disk: map[string]*memNode{}, count: map[OpKind]int{}}
	twin := map[*memNode]*memNode{}
	node := func(n *memNode) *memNode {
		if n != nil && twin[n] == nil {
			twin[n] = &memNode{dir: n.dir, now: slices.Clone(n.now), disk: slices.Clone(n.disk), dirty: maps.Clone(n.dirty)}
		}
		return twin[n]
	}
	for name, n := range m.nodes {
		c.nodes[name] = node(n)
	}
	for name, n := range m.disk {
		c.disk[name] = node(n)
	}
	for _, op := range m.ops {
		c.ops = append(c.ops, nameOp{add: op.add, del: op.del, node: node(op.node)})
	}
	return c
}

type memFile struct {
	n *memNode
	m *memFS
}

func (f *memFile) ReadAt(p []byte, off int64) (int, error) {
	if off >= int64(len(f.n.now)) {
		return 0, io.EOF
	}
	n := copy(p, f.n.now[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (f *memFile) WriteAt(p []byte, off int64) (int, error) {
	f.m.count[OpWrite]++
	if end := off + int64(len(p)); end > int64(len(f.n.now)) {
		f.n.now = append(f.n.now, make([]byte, end-int64(len(f.n.now)))...)
	}
	copy(f.n.now[off:], p)
	for i := off / sectorSize; i*sectorSize < off+int64(len(p)); i++ {
		f.n.dirty[int(i)] = true
	}
	return len(p), nil
}

func (f *memFile) WriteSync(p []byte, off int64) error {
	if off%BlockSize != 0 || len(p)%BlockSize != 0 {
		panic(fmt.Sprintf("write of %d+%d is not in whole blocks", off, len(p)))
	}
	if _, err := f.WriteAt(p, off); err != nil {
		return err
	}
	f.m.count[OpWriteSync]++
	if len(f.n.disk) < len(f.n.now) {
		f.n.disk = append(f.n.disk, make([]byte, len(f.n.now)-len(f.n.disk))...)
	}
	copy(f.n.disk[off:off+int64(len(p))], p)
	for i := off / sectorSize; i*sectorSize < off+int64(len(p)); i++ {
		delete(f.n.dirty, int(i))
	}
	return nil
}

func (f *memFile) Sync() error {
	f.m.count[OpSync]++
	old := f.n.disk
	f.n.disk = slices.Clone(f.n.now)
	for i, dirty := range f.n.dirty {
		if dirty {
			delete(f.n.dirty, i)
			continue
		}
		from, to := i*sectorSize, min((i+1)*sectorSize, len(f.n.disk)) // never written out
		if from < to {
			clear(f.n.disk[from:to])
			if from < len(old) {
				copy(f.n.disk[from:to], old[from:])
			}
		}
	}
	return nil
}

// failSync is what a sync that failed leaves: nothing of what it was to write need be stable, and no later sync tries again.
func (m *memFS) failSync() {
	for _, n := range m.nodes {
		for i := range n.dirty {
			n.dirty[i] = false
		}
	}
}

func (f *memFile) Truncate(size int64) error {
	f.m.count[OpTruncate]++
	old := len(f.n.now)
	if int64(old) > size {
		f.n.now = f.n.now[:size:size]
	} else {
		f.n.now = append(f.n.now, make([]byte, size-int64(old))...)
	}
	for i := min(old, int(size)) / sectorSize; i*sectorSize < max(old, int(size)); i++ {
		f.n.dirty[i] = true
	}
	return nil
}

func (f *memFile) Size() (int64, error) { return int64(len(f.n.now)), nil }
func (f *memFile) Close() error         { return nil }
