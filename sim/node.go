package sim

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"logd/broker"
	"logd/log"
)

// node is one broker's machine: its disk stays, its process comes and goes.
type node struct {
	w     *World
	index int
	id    int32
	disk  *Disk
	rng   *rand.Rand // disk's and boot's draws
	boots uint64
	proc  *process
	wall  int64 // milliseconds that its clock is off

	offered  []*offer      // what clients sent to it lately
	ails     time.Duration // when trouble of it began or ended last (health.go)
	sluggish time.Duration // what each of its turns takes besides

	hurtIn   uint64   // the boot in which, or after which, it was damaged last
	metaHurt bool     // its logd.meta was
	found    []string // what its last start found amiss on its disk, and dealt with
	ended    string   // how its process ended; "" if it was killed
	gone     []string // files that were taken from under its process
	foreign  bool     // it was given a file of another broker

	downBy  int        // strikes that keep it down
	behind  brokenness // how it stays in the calm
	limits  broker.Limits
	sealed  bool         // its last process stopped cleanly
	lost    loss         // what of its replicas the budget counts as lost
	gaps    map[key]bool // what of them may be lost, where that is known; nil: all
	rotten  string       // where its disk rots
	refused string       // why it refused to start
	whole   int          // how often in a row it was seen whole since it was lost

	scarred bool          // its disk was damaged since it was new: what took the place of damage leaves that where it was
	aside   bool          // it gave up its directory: its next start sets that aside
	speaks  uint64        // the incarnation that it last started under
	groups  time.Duration // when a process of it knew the topic that consumer groups are kept in, first; 0: none has
	knew    uint64        // topics that a client was told of by it: bit i is the i-th
}

// process is one run of a broker, from start to crash.
type process struct {
	node     *node
	boot     uint64
	started  time.Duration
	dead     bool
	paused   bool
	failed   bool          // a device error was injected
	stopping bool          // it was asked to stop
	asked    time.Duration // when it was
	back     time.Duration // and so long after its end it is started again; 0: it isn't
	led      []*groupSeen  // then
	resumed  time.Duration // when it was started or resumed last
	dir      log.Dir
	name     uint64 // that others know it by
	hosts    []*host
	cut      []bool // by shard: its recovery cut a torn tail
	conns    []*conn
	accepted uint64
	held     []func() // what happened while it was paused
}

func newNode(w *World, index int) *node {
	rng := stream(w.opt.Seed, streamDisk, uint64(index))
	n := &node{w: w, index: index, id: int32(index + 1), rng: rng, disk: NewDisk(rng, w.opt.Disk.Unit), limits: w.opt.Limits}
	n.disk.astray = func(text string) { w.faults.astray(n, text) }
	return n
}

func (w *World) node(id int32) *node {
	if i := int(id) - 1; i >= 0 && i < len(w.nodes) {
		return w.nodes[i]
	}
	return nil
}

// start boots the broker, unless it runs or refuses to.
func (n *node) start() {
	if n.proc == nil && n.refused == "" && !n.behind.down() {
		n.boot(0)
	}
}

// boot runs what a process does before its first turn. It may be killed at a call on its disk, if that isn't 0.
func (n *node) boot(killed int) {
	w := n.w
	n.boots++
	n.found, n.gone = nil, nil
	fs := &bootFS{d: n.disk, crashAt: killed}
	p := &process{node: n, boot: n.boots, started: w.now, resumed: w.now}
	var err error
	w.guard(fmt.Sprintf("start of broker %d", n.id), func() { err = p.open(fs) })
	w.trace.add(w.now, traceProcess, n.index, n.boots, uint64(fs.calls))
	if w.trace.verbose() {
		w.trace.line(w.now, traceProcess, "broker %d starts (boot %d, %d calls on its disk): %v", n.id, n.boots, fs.calls, err)
	}
	switch {
	case w.violation != nil:
	case fs.crashed():
		w.count[CountBootCrashes]++
		w.mark(MarkBootKilled, n)
		w.faults.bootKilled(n)
	case err != nil:
		n.refuse(err)
	default:
		n.proc, n.sealed = p, false
		n.hurts()
		if n.limits != w.opt.Limits {
			w.mark(MarkOtherLimits, n)
		}
		n.markMany()
		w.mark(MarkBoot, n)
		for _, h := range p.hosts {
			h.poke(time.Duration(fs.calls) * w.opt.Disk.Read)
			h.watchSpace()
		}
	}
}

// refuse: a broker may refuse to start only if damage of its disk hit logd.meta, which says whose the directory is. One whose disk is
// full is started again.
func (n *node) refuse(err error) {
	w := n.w
	if n.disk.limit > 0 && errors.Is(err, log.ErrNoSpace) {
		n.ended = err.Error()
		w.faults.ended(n, time.Second)
		return
	}
	said := errors.Is(err, log.ErrDamaged) || errors.Is(err, ErrDevice) || n.foreign && errors.Is(err, log.ErrForeign)
	if n.rotten == "" || !said || !n.metaHurt && !n.foreign {
		w.violate(NotStarted, "broker %d, boot %d, rot %q: %v", n.id, n.boots, n.rotten, gist(err))
		return
	}
	w.count[CountRefused]++
	n.refused = err.Error()
	w.faults.note("broker %d refuses to start: %v", n.id, err)
}

// kill ends the process; caches stay. With powerLost they go too.
func (n *node) kill(powerLost bool) {
	p := n.proc
	if p == nil {
		if powerLost {
			n.disk.PowerLoss()
		}
		return
	}
	n.hurts()
	n.w.watch.killed(n, powerLost)
	if powerLost {
		n.markPower()
	}
	n.proc, p.dead = nil, true
	n.markEnded()
	for _, h := range p.hosts {
		h.abandon(powerLost)
	}
	n.ended, n.sealed = "", false
	if n.w.budgeted() {
		n.disk.settle()
	}
	for _, c := range p.conns {
		c.brokerDied(powerLost)
	}
	if powerLost {
		n.disk.PowerLoss()
	}
	n.w.views.forget(n)
}

// wipe deletes the data directory of a broker that is down.
func (n *node) wipe() {
	n.disk.Wipe()
	n.rotten, n.refused = "", ""
	n.lost, n.gaps = lossWiped, nil
	n.metaHurt, n.foreign, n.scarred = false, false, false
}

// startsAs notes under which incarnation it starts. Another one that joins: the directory was set aside, and what rots in it
// is nothing that counts any more.
func (n *node) startsAs(dir log.Dir) {
	if dir.Joins && dir.Incarnation != n.speaks {
		n.w.count[CountAside]++
		n.rotten, n.lost, n.gaps, n.metaHurt, n.scarred = "", lossWiped, nil, false, false
		n.w.views.wiped(n)
	}
	n.speaks = dir.Incarnation
}

// forget takes a connection off the list.
func (p *process) forget(c *conn) {
	if i := slices.Index(p.conns, c); i >= 0 {
		p.conns = slices.Delete(p.conns, i, i+1)
	}
}

// whenRunning does something now, or once the process is resumed; never after its death.
func (p *process) whenRunning(do func()) {
	switch {
	case p.dead:
	case p.paused:
		p.held = append(p.held, do)
	default:
		do()
	}
}

func (p *process) resume() {
	p.node.markResumed()
	p.paused, p.resumed = false, p.node.w.now
	held := p.held
	p.held = nil
	for i, do := range held {
		if p.dead {
			return
		}
		if p.paused {
			p.held = append(p.held, held[i:]...)
			return
		}
		do()
	}
}
