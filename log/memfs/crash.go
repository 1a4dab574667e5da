package memfs

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// Crash is all that a loss of power at one instant may leave, as a row of choices.
type Crash struct {
	m       *FS
	choices []choice
	names   map[*node]string
}

// choice is a change of a name (op), a file's size, or a unit of its bytes. Option 0 is what is stable, the last what was seen.
type choice struct {
	op     int // index into FS.ops, -1 if it is none
	n      *node
	sizes  []int64
	page   int
	sector int     // -1: the whole page
	pages  []*page // the options of a unit
}

// Crash looks at everything that isn't stable; unit is [SectorSize] or [PageSize], what the device writes whole.
func (m *FS) Crash(unit int) *Crash {
	c := &Crash{m: m, names: map[*node]string{}}
	var nodes []*node
	see := func(name string, n *node) {
		if n != nil && c.names[n] == "" {
			c.names[n] = name
			nodes = append(nodes, n)
		}
	}
	for i, op := range m.ops {
		c.choices = append(c.choices, choice{op: i})
		see(op.add, op.node)
	}
	for _, name := range slices.Sorted(maps.Keys(m.disk)) {
		see(name, m.disk[name])
	}
	slices.SortFunc(nodes, func(a, b *node) int { return strings.Compare(c.names[a], c.names[b]) })
	for _, n := range nodes {
		if sizes := n.sizesLeft(int64(unit)); len(sizes) > 0 {
			c.choices = append(c.choices, choice{op: -1, n: n, sizes: sizes})
		}
		for _, i := range slices.Sorted(maps.Keys(n.dirty)) {
			c.page(n, i, unit)
		}
	}
	return c
}

// sizesLeft lists the sizes that a file may be left with: those it had, and while it grew those at each unit between.
func (n *node) sizesLeft(unit int64) []int64 {
	if len(n.sizes) == 0 {
		return nil
	}
	all := []int64{n.disk.size}
	for at := (n.disk.size/unit + 1) * unit; at < n.now.size; at += unit {
		all = append(all, at)
	}
	all = append(all, n.sizes...)
	var left []int64
	for _, s := range all {
		if !slices.Contains(left, s) && s != n.now.size || len(left) == 0 {
			left = append(left, s)
		}
	}
	return append(left, n.now.size) // once more, if it is what it was
}

// page adds the choices of one page.
func (c *Crash) page(n *node, i, unit int) {
	versions := append([]*page{n.disk.page(i)}, n.dirty[i]...)
	if unit == PageSize {
		if left := distinct(versions, (*page).total); len(left) > 1 {
			c.choices = append(c.choices, choice{op: -1, n: n, page: i, sector: -1, pages: left})
		}
		return
	}
	for s := range pageSectors {
		if left := distinct(versions, func(p *page) uint64 { return p.sum(s) }); len(left) > 1 {
			c.choices = append(c.choices, choice{op: -1, n: n, page: i, sector: s, pages: left})
		}
	}
}

// distinct drops repeated versions; the first stays first, the last last. One is left if all are equal.
func distinct(versions []*page, sum func(*page) uint64) []*page {
	first, last := sum(versions[0]), sum(versions[len(versions)-1])
	left := versions[:1:1]
	seen := []uint64{first, last}
	for _, p := range versions[1:] {
		if s := sum(p); !slices.Contains(seen, s) {
			left, seen = append(left, p), append(seen, s)
		}
	}
	if first == last && len(left) == 1 {
		return left
	}
	return append(left, versions[len(versions)-1])
}

// Options returns for each choice the number of its options, at least 2. Option 0 is what is stable, the last what was seen.
func (c *Crash) Options() []int {
	options := make([]int, len(c.choices))
	for i := range c.choices {
		options[i] = c.choices[i].options()
	}
	return options
}

func (c *choice) options() int {
	switch {
	case c.op >= 0:
		return 2
	case c.sizes != nil:
		return len(c.sizes)
	}
	return len(c.pages)
}

// Describe names an option of a choice.
func (c *Crash) Describe(i, option int) string {
	ch := &c.choices[i]
	name := c.names[ch.n]
	how := fmt.Sprintf("version %d of %d", option, ch.options()-1)
	switch {
	case option == 0:
		how = "old"
	case option == ch.options()-1:
		how = "new"
	}
	switch {
	case ch.op >= 0 && c.m.ops[ch.op].add == "":
		return fmt.Sprintf("%s removed: %t", c.m.ops[ch.op].del, option == 1)
	case ch.op >= 0:
		return fmt.Sprintf("%s named: %t", c.m.ops[ch.op].add, option == 1)
	case ch.sizes != nil:
		return fmt.Sprintf("%s size %d", name, ch.sizes[option])
	case ch.sector < 0:
		return fmt.Sprintf("%s byte %d+%d %s", name, ch.page*PageSize, PageSize, how)
	}
	return fmt.Sprintf("%s byte %d+%d %s", name, ch.page*PageSize+ch.sector*SectorSize, SectorSize, how)
}

// Image returns a stable disk for one option of each choice; the crashed disk stays as it is (D2).
func (c *Crash) Image(pick []int) *FS {
	names := maps.Clone(c.m.disk)
	size := map[*node]int64{}
	pages := map[*node]map[int]*page{}
	for i := range c.choices {
		ch := &c.choices[i]
		switch {
		case ch.op >= 0:
			if pick[i] == 1 {
				c.m.ops[ch.op].apply(names)
			}
		case ch.sizes != nil:
			size[ch.n] = ch.sizes[pick[i]]
		default:
			if pages[ch.n] == nil {
				pages[ch.n] = map[int]*page{}
			}
			pages[ch.n][ch.page] = ch.take(pages[ch.n], pick[i])
		}
	}
	left := &FS{nodes: make(map[string]*node, len(names))}
	for _, name := range slices.Sorted(maps.Keys(names)) { // a directory before what is in it
		if parent := left.nodes[path.Dir(name)]; name != "." && (parent == nil || !parent.dir) {
			continue // its directory was lost
		}
		n := names[name]
		is := &node{dir: n.dir, now: n.disk.share()}
		for i, p := range pages[n] { // order: pages are independent
			is.now.set(i, p)
		}
		if s, ok := size[n]; ok {
			is.now.resize(s)
		}
		is.disk = is.now.share()
		left.nodes[name] = is
	}
	left.disk = maps.Clone(left.nodes)
	return left
}

// take returns the page with the picked option of this choice in it, over what earlier choices made of it.
func (c *choice) take(made map[int]*page, option int) *page {
	p := c.pages[option]
	if c.sector < 0 {
		return p
	}
	is, ok := made[c.page]
	if !ok {
		is = c.n.disk.page(c.page)
	}
	if is.sum(c.sector) == p.sum(c.sector) {
		return is
	}
	next := &page{summed: true}
	if is != nil {
		*next = *is
	}
	from, to := c.sector*SectorSize, (c.sector+1)*SectorSize
	if p == nil {
		clear(next.b[from:to])
	} else {
		copy(next.b[from:to], p.b[from:to])
	}
	next.sums[c.sector] = p.sum(c.sector)
	if next.sums == zeroPage.sums {
		return nil
	}
	return next
}

// resize cuts, or extends by zeros.
func (c *content) resize(size int64) {
	for i := int(size / PageSize); i < len(c.pages); i++ {
		if p := c.pages[i]; p != nil {
			c.set(i, p.head(int(size-int64(i)*PageSize)))
		}
	}
	c.size = size
}
