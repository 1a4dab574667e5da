package sim

import (
	"fmt"
	"strings"
	"time"
)

// setupBound and calmBound are how long a majority that can talk may need, in all (G9).
const (
	setupBound = 30 * time.Second
	calmBound  = 60 * time.Second
)

// setupStalled and stalled report that nothing moves though a majority could.
func (w *World) setupStalled() {
	if w.phase == phaseSetup {
		w.violate(Stalled, "topics can't be made within %v of the start:%s", setupBound, means(w.state(), " "+w.stallOf(nil, "").String()))
	}
}

// There is, once, the time besides to ship what a healthy replica lacks: all partitions may serve, and only a broker that
// lost everything isn't whole yet; or a majority needs the one that is behind (G9).
func (w *World) stalled() {
	if w.phase != phaseCalm {
		return
	}
	if w.onlyRead() {
		w.after(calmBound, w.stalled)
		return
	}
	if waits := w.waits(); w.shipping > 0 || waits != "" && w.behind() == "" {
		w.violate(Stalled, "%v after the last fault:%s%s", calmBound+w.shipping, means(waits, " "+w.stallCause()), w.state())
		return
	}
	w.shipping = w.shipTime()
	w.after(w.shipping, w.stalled)
}

// onlyRead tells whether all that is waited for is that everything was read, and that gets on.
func (w *World) onlyRead() bool {
	reads, stuck := false, false
	for _, c := range w.clients {
		if r, ok := c.role.(*finisher); ok && r.stage < finished {
			reads, stuck = true, !(r.stage >= finishRead && r.getsOn(w)) || stuck
		}
	}
	return reads && !stuck
}

// shipTime is how long it may take to give a broker all that another one's segments hold, at half the rate that limits and network
// allow: ranges go one after the other, and one that is lost is asked for again two ticks later.
func (w *World) shipTime() time.Duration {
	var most int64
	for _, n := range w.nodes {
		var bytes int64
		n.disk.eachFile(func(name string, f *inode) {
			if strings.HasPrefix(name, "shard-") && strings.HasSuffix(name, ".log") {
				bytes += f.size
			}
		})
		most = max(most, bytes)
	}
	l, net, disk := w.opt.Limits, w.net.is, w.opt.Disk
	lost := time.Duration(2*net.Drop) * 2 * l.Tick / 1000 // on the way there, or back
	each := 2*(net.Delay+net.Jitter) + disk.Read + disk.Write + disk.Sync + lost
	ranges := most / int64(l.RangeBytes)
	return time.Duration(1+2*most/int64(l.TransferBytes))*l.Tick + 2*time.Duration(ranges)*each
}

// waits says what the finishers wait for.
func (w *World) waits() string {
	var waits strings.Builder
	for _, c := range w.clients {
		if r, ok := c.role.(*closer); ok {
			waits.WriteString(r.waits())
		}
		if r, ok := c.role.(*finisher); ok && r.stage < finished {
			what := [...]string{"its append is acknowledged", "its end is told", "its start is told", fmt.Sprintf("offsets %d to %d are read", r.at, r.end),
				fmt.Sprintf("it is told what group-%d has committed", r.groups), r.census.waits(w)}[r.stage]
			if r.stage == finishAppend && w.owesTail() {
				what = "any log's end was told once"
			}
			fmt.Fprintf(&waits, "\n  %s waits until %s; %d attempts failed", w.partName(r.part), what, r.misses)
			if r.refusal != "" {
				waits.WriteString(", the last: " + r.refusal)
			}
			if g := w.groupOfPart(r.part); g != nil {
				waits.WriteString(w.waitsFor(g))
			}
		}
	}
	return waits.String()
}

// state says who leads what, and which brokers and links are broken.
func (w *World) state() string {
	var b strings.Builder
	for _, n := range w.nodes {
		state := "runs"
		switch {
		case n.refused != "":
			state = "refuses to start: " + n.refused
		case n.proc == nil:
			state = "is down"
		case n.proc.paused:
			state = "is paused"
		}
		fmt.Fprintf(&b, "\n  broker %d %s", n.id, state)
		if n.lost != lossNone {
			fmt.Fprintf(&b, " (lost: %s, %s; %s)", n.lost, n.rotten, w.views.misses(n))
		}
		if n.proc == nil {
			continue
		}
		for _, h := range n.proc.hosts {
			b.WriteString(h.shardWaits())
		}
	}
	for a := range w.net.links {
		for c := range w.net.links[a] {
			if w.net.links[a][c].cut > 0 {
				fmt.Fprintf(&b, "\n  link %d→%d is cut", a+1, c+1)
			}
		}
	}
	for _, g := range w.views.groups {
		fmt.Fprintf(&b, "\n  group %d, %s: newest leader broker %d in term %d%s", g.id, g.name, g.leader+1, g.term, g)
	}
	return b.String()
}
