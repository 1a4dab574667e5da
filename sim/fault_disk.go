package sim

import (
	"fmt"
	"strings"
	"time"
)

func (f *nemesis) slowDown() {
	i := f.rng.IntN(len(f.w.nodes))
	f.note("broker %d's disk is slow", i+1)
	f.slow[i]++
	f.lasting(func() { f.slow[i]-- })
}

// syncError fails the next sync of a broker, which therefore halts.
func (f *nemesis) syncError() {
	if n := f.any(true); n != nil {
		f.w.did("syncfail %d", n.id)
		f.failing[n.index]++
	}
}

// victim draws a broker whose disk the budget allows to damage, nil if none.
func (f *nemesis) victim() *node {
	n := f.w.nodes[f.rng.IntN(len(f.w.nodes))]
	if n.lost == "wiped" || n.lost == "restored" || !f.affordable(n) {
		return nil
	}
	return n
}

// rot damages one broker's disk: it counts as lost until it was wiped and has rejoined, or was seen whole.
func (f *nemesis) rot() {
	n := f.victim()
	if n == nil {
		return
	}
	if at := f.spoil(n); at != "" {
		f.w.count[CountRots]++
		f.damaged(n, at)
		f.refresh(n)
	}
}

// spoil damages some place of a broker's disk and says which, as a story would; "" if it hit nothing.
func (f *nemesis) spoil(n *node) string {
	d := n.disk
	how := f.rng.IntN(8)
	if how > 2 {
		if at := d.Rot(); at != "" {
			return fmt.Sprintf("rot %d file %s", n.id, at)
		}
		return ""
	}
	name, off, ok := d.Somewhere(".log", ".index")
	if !ok {
		return ""
	}
	var err error
	verb := [...]string{"zero", "truncate", "remove"}[how]
	switch how {
	case 0:
		err = d.Zero(name, off&^(sectorSize-1), sectorSize)
	case 1:
		err = d.Cut(name, off)
	default:
		err = d.Lose(name)
		n.gone = append(n.gone, name[strings.Index(name, "/")+1:]) // a write to it halts the process
	}
	if err != nil {
		panic("sim: a place that was drawn isn't there: " + err.Error())
	}
	return fmt.Sprintf("%s %d file %s %d", verb, n.id, name, off)
}

// refresh restarts a damaged broker soon: what is wrong in a WAL shows at a start only.
func (f *nemesis) refresh(n *node) {
	if !brokersRepair {
		if n.proc != nil && f.rng.IntN(2) == 0 {
			f.down(n, f.rng.IntN(2) == 0)
		}
		return
	}
	power := f.rng.IntN(2) == 0
	f.w.after(f.spread(time.Second), func() {
		if !f.stopped {
			f.quick(n, power)
		}
	})
}

// strayWrite has the next write of a broker's WAL or segments be lost, or land elsewhere.
func (f *nemesis) strayWrite() {
	n := f.victim()
	if n == nil || n.proc == nil || len(n.disk.armed) > 0 {
		return
	}
	a := armed{misdirected: f.rng.IntN(2) == 0, under: [...]string{"/wal/", "/seg/"}[f.rng.IntN(2)]}
	n.lost = "rotten" // the budget is taken before
	f.w.did("%s %d %s", map[bool]string{true: "misdirect", false: "losewrite"}[a.misdirected], n.id, map[string]string{"/wal/": "wal", "/seg/": "segment"}[a.under])
	n.disk.arm(a)
}

// dragDown makes a disk slow, relative to the others, for long.
func (f *nemesis) dragDown() {
	n := f.w.nodes[f.rng.IntN(len(f.w.nodes))]
	if n.disk.drag > 0 {
		return
	}
	n.disk.drag = 5 + f.rng.IntN(50)
	f.w.did("slow %d %d", n.id, n.disk.drag)
	f.until(10*f.downtime(), func() { f.w.did("slow %d 1", n.id); n.disk.drag = 0 })
}

// badSector makes a place unreadable.
func (f *nemesis) badSector() {
	n := f.victim()
	if n == nil {
		return
	}
	name, off, ok := n.disk.Somewhere(classes[:]...)
	if !ok {
		return
	}
	if err := n.disk.Bad(name, off); err != nil {
		panic("sim: a place that was drawn isn't there: " + err.Error())
	}
	f.damaged(n, fmt.Sprintf("bad %d file %s %d", n.id, name, off))
	f.refresh(n)
}

// fullDisk leaves a broker, or all, little room, until there is space again.
func (f *nemesis) fullDisk() {
	all := f.rng.IntN(4) == 0
	at := f.rng.IntN(len(f.w.nodes))
	for i, n := range f.w.nodes {
		if i != at && !all || n.disk.limit > 0 {
			continue
		}
		free := int64(f.rng.IntN(16)) * pageSize
		f.w.count[CountFull]++
		f.w.did("full %d %d", n.id, free)
		n.disk.Fill(free)
		f.until(2*f.downtime(), func() { f.w.did("space %d", n.id); n.disk.Space() })
	}
}

// restoreOne copies a broker's disk, or puts such a copy back, as if it were the directory: it is older than what the broker
// has said since.
func (f *nemesis) restoreOne() {
	n := f.w.nodes[f.rng.IntN(len(f.w.nodes))]
	if n.backup == nil {
		if n.lost == "" {
			f.w.did("backup %d copy-%d", n.id, n.id)
			image := n.disk.Snapshot()
			n.backup, n.backupBoot = &image, n.boots
		}
		return
	}
	f.quiet = max(f.quiet, f.w.now+peaceWait)
	f.restoreBy(n, f.quiet)
}

// peaceWait is how long a copy waits to be put back for the faults that are on to end; there are no new ones till then.
const peaceWait = 8 * time.Second

func (f *nemesis) restoreBy(n *node, by time.Duration) {
	if f.stopped || f.w.now > by || n.backup == nil || n.lost != "" || n.boots == n.backupBoot || !f.affordable(n) {
		return
	}
	if !f.atPeace() {
		f.w.after(watchEvery, func() { f.restoreBy(n, by) })
		return
	}
	f.w.did("restore %d copy-%d", n.id, n.id)
	n.kill(true)
	f.restore(n, *n.backup)
	n.backup = nil
	f.startAlone(n, f.rng.IntN(3))
	f.quiet = f.w.now + f.electionTime(4) + time.Second
}

// startAlone starts a broker, and ends it before it can hear from anyone, so often; then it is left running. So a copy comes to a
// generation above those that the others know.
func (f *nemesis) startAlone(n *node, times int) {
	f.w.after(quickest, func() {
		n.start()
		if times == 0 || n.proc == nil || f.stopped {
			return
		}
		f.w.did("crash %d", n.id)
		n.kill(false)
		f.startAlone(n, times-1)
	})
}

// atPeace tells whether all brokers have run for some time, and all links hold. An old copy is told from a crash by what the others
// know: one that was away, or can't be reached, can't be asked, and two of three brokers must go on without the third. So a copy put
// back while another broker is away is two losses at once (W7).
func (f *nemesis) atPeace() bool {
	for _, n := range f.w.nodes {
		if n.proc == nil || n.proc.paused || n.lost != "" || f.armed[n.index] != nil || f.w.now < n.proc.started+2*time.Second {
			return false
		}
	}
	for _, row := range f.w.net.links {
		for _, l := range row {
			if l.cut > 0 || l.slow > 0 {
				return false
			}
		}
	}
	return f.electing == nil
}

func (f *nemesis) wipeOne() {
	n := f.w.nodes[f.rng.IntN(len(f.w.nodes))]
	if n.lost != "wiped" && f.affordable(n) {
		f.wipe(n)
	}
}
