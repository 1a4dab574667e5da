package crash

import (
	"fmt"
	"math/rand/v2"

	"logd/log"
	"logd/log/memfs"
)

// task is one run: a script, or formatting, in one order.
type task struct {
	script *Script // nil: formatting
	order  Order
	seed   uint64
	limit  int
}

func (t task) String() string {
	if t.script == nil {
		return "format"
	}
	return fmt.Sprintf("script %s, order %s", t.script.Name, t.order)
}

// done is what a run found.
type done struct {
	task  task
	rows  []Row
	fresh []state
	found *Violation
}

// What of the new images is looked at more closely, within recovery and in a second life: one in so many.
const (
	recoverEach    = 256
	lifeEach       = 192
	recoverProcess = 32 // of those of a process that ended: they are few, and more of what they show is not stable
	lifeProcess    = 12
	lifeFills      = 16 // of the boundaries within plans of the fill lane, of which there are many after a recovery
	innerStates    = 6  // states of each boundary there
	whatWork       = "work"
	whatRecovery   = "recovery"
	whatLife       = "second life"
	whatFormat     = "format"
	whatStart      = "start"
)

// run goes through a task.
func (t task) run(m *memo, stop func() bool) (d done) {
	d.task = t
	x := &explorer{memo: m, limit: t.limit, whole: MaxStates, rng: rand.New(rand.NewPCG(t.seed, uint64(t.order)+1)), title: t.String(), seen: map[uint64]bool{}}
	defer func() {
		if p := recover(); p != nil {
			x.found = violation("panic", "%s, boundary %d: %v", x.title, x.number, p)
		}
		d.rows, d.fresh, d.found = x.rows, x.fresh, x.found
	}()
	ends := func() bool { return x.found != nil || stop() }
	if t.script == nil {
		x.starts(ends)
		return d
	}
	opt := t.script.Options
	x.kind, x.open = fold(1, uint64(opt.SegmentBytes), uint64(opt.IndexBytes), uint64(opt.GroupBytes)), openStore(opt)
	w := newWorld(t.script, t.order, t.seed)
	w.look = func(at moment) {
		if ends() {
			return
		}
		x.sampled = func(fs *memfs.FS, key uint64, process bool) { x.closer(w, fs, key, process) }
		x.work(w, at, whatWork)
	}
	w.play(ends)
	if w.fault != nil && x.found == nil {
		x.found = violation(w.fault.Name, "%s: %s", x.title, w.fault.Text)
	}
	return d
}

// work looks at a boundary of a store at work.
func (x *explorer) work(w *world, at moment, what string) {
	b := w.bounds()
	x.boundary(Row{What: what, Kind: at.kind, Lane: at.lane.String(), Done: at.done}, w.fs, w.flying(), func(o *outcome) *Violation { return w.m.judge(o, b) })
}

// inner returns an explorer for what begins with one of x's images; merge takes over what it found.
func (x *explorer) inner(title string, key uint64) (y *explorer, merge func()) {
	y = &explorer{memo: x.memo, kind: x.kind, open: x.open, limit: innerStates, whole: innerStates, rng: rand.New(rand.NewPCG(key, 7)),
		title: fmt.Sprintf("%s, boundary %d, image %016x, %s", x.title, x.number, key, title), seen: x.seen, rows: x.rows}
	return y, func() {
		x.rows = y.rows
		x.fresh = append(x.fresh, y.fresh...)
		if y.found != nil && x.found == nil {
			x.found = y.found
		}
	}
}

// closer takes some of the new images further: crashes within their recovery, and work after it.
func (x *explorer) closer(w *world, disk *memfs.FS, key uint64, process bool) {
	inner, life := uint64(recoverEach), uint64(lifeEach)
	if process {
		inner, life = recoverProcess, lifeProcess
	}
	if key/7%inner == 0 {
		y, merge := x.inner("recovery", key)
		judge := x.judge
		left := disk.Clone()
		t := &tap{FS: left, before: func(op log.Op) {
			if y.found == nil {
				y.few(Row{What: whatRecovery, Kind: op.Kind, Lane: "boot"}, left, op, judge)
			}
		}}
		_, _, err := log.Open(t, identity, w.script.Options)
		merge()
		if err != nil && x.found == nil {
			x.fail(violation("recovery-unsteady", "recovery, looked at operation by operation: %v", err), "", nil, nil)
		}
	}
	if key/7%life == 1 && x.found == nil {
		y, merge := x.inner("second life", key)
		func() {
			defer func() {
				if p := recover(); p != nil && y.found == nil {
					y.found = violation("panic", "%s: %v", y.title, p)
				}
			}()
			y.life(w, disk, key)
		}()
		merge()
	}
}

// few looks at some of what one operation that no plan has may leave.
func (x *explorer) few(r Row, disk *memfs.FS, op log.Op, judge func(*outcome) *Violation) {
	x.at(r, judge, []log.Op{op})
	all := disk.Clone()
	begin(all, op)
	c := all.Crash(memfs.SectorSize)
	if product(c.Options(), x.limit) > 0 {
		x.every(c)
	} else {
		x.some(c, x.limit)
	}
	x.state(all.Clone(), "the process ends", nil, nil)
	all.FailSync()
	x.state(all, "the process ends after a failed sync", nil, nil)
}

// lives are what is done after a recovery, by all groups; one is drawn.
var lives = []string{
	"append 60", "append 60\nwait\nappend 9000", "state\nappend 500 500\ncommit\nflush", "append 5000\nwait\nappend 3000\ncommit\nflush\nwait\nstate",
	"append 0\nseal\nwait\nappend 40", "state",
}

// life lets a recovered store work on, and looks at crashes of that.
func (x *explorer) life(w *world, disk *memfs.FS, key uint64) {
	opt := w.script.Options
	disk = disk.Clone()
	s, rec, o := open(disk, opt)
	if o.failed != "" {
		panic(o.failed)
	}
	script := &Script{Name: w.script.Name, Options: opt}
	next := &world{script: script, fs: disk, order: Order(x.rng.IntN(int(Drawn) + 1)), rng: x.rng}
	next.attach(s)
	next.adopt(w, rec)
	next.todo = next.plan(lives[x.rng.IntN(len(lives))])
	next.look = func(at moment) {
		if x.found == nil && (at.done || at.lane == log.LaneWAL || x.rng.IntN(lifeFills) == 0) {
			x.work(next, at, whatLife)
		}
	}
	next.play(func() bool { return x.found != nil })
	if next.fault != nil && x.found == nil {
		x.found = violation(next.fault.Name, "%s: %s", x.title, next.fault.Text)
	}
}
