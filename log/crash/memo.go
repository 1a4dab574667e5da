package crash

import (
	"sync"

	"logd/log"
	"logd/log/memfs"
)

// opener recovers a disk, in place.
type opener func(fs *memfs.FS) *outcome

// memo remembers what recovery makes of a disk, which depends on the disk alone (X2). It is shared by all workers.
type memo struct {
	parts [64]struct {
		mu    sync.Mutex
		known map[uint64]recovered
	}
	mu    sync.Mutex
	equal map[uint64]*outcome // one of each, by its sum
}

// recovered is what recovery makes of one disk.
type recovered struct {
	out     *outcome
	fault   *Violation // recovery was not steady
	checked bool       // that was looked at
}

func newMemo() *memo {
	m := &memo{equal: map[uint64]*outcome{}}
	for i := range m.parts {
		m.parts[i].known = map[uint64]recovered{}
	}
	return m
}

func (m *memo) get(key uint64) (recovered, bool) {
	p := &m.parts[key%uint64(len(m.parts))]
	p.mu.Lock()
	defer p.mu.Unlock()
	r, ok := p.known[key]
	return r, ok
}

func (m *memo) put(key uint64, r recovered) recovered {
	m.mu.Lock()
	if is := m.equal[r.out.sum]; is != nil {
		r.out = is
	} else {
		m.equal[r.out.sum] = r.out
	}
	m.mu.Unlock()
	p := &m.parts[key%uint64(len(m.parts))]
	p.mu.Lock()
	defer p.mu.Unlock()
	if is, ok := p.known[key]; ok && is.checked {
		return is
	}
	p.known[key] = r
	return r
}

// recover opens a disk, which may be changed by that, unless what comes of it is known. It also opens what recovery left: as
// it is, and after a loss of power that keeps nothing which isn't stable. Both must give the same (S4).
func (m *memo) recover(fs *memfs.FS, key, kind uint64, open opener) recovered {
	if r, ok := m.get(key); ok && r.checked {
		return r
	}
	r := recovered{out: open(fs), checked: true}
	if r.out.failed == "" {
		r.fault = m.steady(r.out, fs, key, kind, open)
	}
	return m.put(key, r)
}

func (m *memo) steady(first *outcome, fs *memfs.FS, key, kind uint64, open opener) *Violation {
	again := func(what string, fs *memfs.FS) *Violation {
		next := fold(fs.Sum(), kind)
		if next == key {
			return nil
		}
		r, ok := m.get(next)
		if !ok {
			r = m.put(next, recovered{out: open(fs)})
		}
		if first.start > 0 && r.out.failed == "" && r.out.start <= first.start {
			return violation("generation-back", "started\n%sand %s\n%s", first, what, r.out)
		}
		if r.out.same != first.same {
			return violation("recovery-unsteady", "recovered\n%sand %s\n%s", first, what, r.out)
		}
		return nil
	}
	if fs.Stable() {
		return again("when recovered again", fs)
	}
	c := fs.Crash(memfs.PageSize)
	if v := again("after another loss of power", c.Image(make([]int, len(c.Options())))); v != nil {
		return v
	}
	return again("when recovered again", fs)
}

// openStore returns the opener of a store.
func openStore(opt log.Options) opener {
	return func(fs *memfs.FS) *outcome {
		_, _, o := open(fs, opt)
		return o
	}
}
