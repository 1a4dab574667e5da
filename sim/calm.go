package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"logd/checker"
)

// storm ends the setup: clients begin, and so do faults.
func (w *World) storm() {
	if w.phase != phaseSetup {
		return
	}
	w.enter(phaseStorm)
	if g := w.views.find(1); g != nil {
		w.created = g.commit
	}
	if w.scripted {
		return
	}
	for _, c := range w.clients {
		c.soon(c.pause(w.opt.Load.Think))
	}
	w.faults.begin()
	w.after(w.opt.Length, func() {
		w.faults.stopped = true
		w.decide(w.faults.leaveBehind())
	})
}

// setupBound and calmBound are how long a majority that can talk may need, in all (G9).
const (
	setupBound = 30 * time.Second
	calmBound  = 60 * time.Second
)

// calm heals a core of the brokers, a majority of each group at least; what is outside of it may stay broken for ever. From then on
// every partition must take an append and give back everything, within the bound.
func (w *World) calm(a calm) {
	w.enter(phaseCalm)
	w.faults.heal()
	w.net.heal()
	w.whens = nil
	unplaced := w.topics != nil && w.topics.uncertain()
	for i, how := range a.stay {
		n := w.nodes[i]
		if how.way == sound || n.lost != "" || unplaced || w.spared(n, broken) != nil {
			continue
		}
		n.behind = how
		w.faults.note("broker %d stays broken: %s", n.id, how)
	}
	for _, n := range w.nodes {
		n.downBy = 0
		n.settleDown()
	}
	w.finishReading()
	w.settleGroups()
	w.after(calmBound, w.stalled)
}

// broken tells whether a broker isn't counted upon in the calm.
func broken(n *node) bool { return n.lost != "" || n.behind.way != sound }

// brokenness is how a broker stays in the calm.
type brokenness struct {
	way   int
	times int // staySlow: as slow as the others
}

const (
	sound = iota
	stayDead
	stayPowerless
	stayUnheard // by its peers
	stayDeaf    // to its peers
	stayAlone
	staySlow
	stayStill
	brokennesses
)

var brokenNames = [brokennesses]string{"sound", "dead", "powerless", "unheard", "deaf", "alone", "slow", "paused"}

func (b brokenness) String() string {
	if b.way == staySlow {
		return fmt.Sprintf("slow:%d", b.times)
	}
	return brokenNames[b.way]
}

// down tells whether it is down for ever.
func (b brokenness) down() bool { return b.way == stayDead || b.way == stayPowerless }

// settleDown brings a broker into the state that it has in the calm.
func (n *node) settleDown() {
	switch n.behind.way {
	case stayDead, stayPowerless:
		n.kill(n.behind.way == stayPowerless)
		return
	case stayUnheard, stayDeaf, stayAlone:
		n.cutOff()
	case staySlow:
		n.disk.drag = n.behind.times
	}
	if n.proc != nil && n.proc.boot <= n.hurtIn && n.rotten != "" {
		n.kill(false) // what is wrong in its WAL shows at a start only
	}
	if n.proc != nil && n.proc.paused {
		n.proc.resume()
	}
	n.start()
	if n.behind.way == stayStill && n.proc != nil {
		n.proc.paused = true
		n.hurts()
	}
}

// leaveBehind draws which brokers stay broken: as many as no group needs for a majority of whole replicas.
func (f *nemesis) leaveBehind() calm {
	w := f.w
	a := calm{stay: make([]brokenness, len(w.nodes))}
	from := f.rng.IntN(len(w.nodes))
	for i := range w.nodes {
		n := w.nodes[(from+i)%len(w.nodes)]
		if n.lost != "" || f.coin() {
			continue
		}
		if w.spared(n, func(other *node) bool { return other.lost != "" || a.stay[other.index].way != sound }) == nil {
			a.stay[n.index] = brokenness{1 + f.rng.IntN(brokennesses-1), 10 + f.rng.IntN(100)}
		}
	}
	return a
}

// cutOff separates a broker from its peers, in one direction or both.
func (n *node) cutOff() {
	for _, other := range n.w.nodes {
		if other == n {
			continue
		}
		if n.behind.way != stayDeaf {
			n.w.net.links[n.index][other.index].cut++
		}
		if n.behind.way != stayUnheard {
			n.w.net.links[other.index][n.index].cut++
		}
	}
}

// finisher appends once more, asks for the end and for the start, and reads everything between.
type finisher struct {
	part   int
	stage  int    // 0 append, 1 tail, 2 start, 3 read, 4 groups, 5 members, 6 finished
	groups int    // whose offset of the partition was fetched
	census census // of the groups, by the finisher of the first partition
	at     int64
	end    int64
	misses int
	seen   reached // when it was looked at last; where it began to read, before

	refusal string // the last
}

// reached is how far a finisher was.
type reached struct {
	stage int
	at    int64
}

// getsOn tells whether a finisher reads, and has read an eighth of what was left when it was asked before: a log may be longer than what
// can be read of it within a bound that is for being served (G9), where reads are small. Of a leader whose disk stays slow anything is enough.
func (r *finisher) getsOn(w *World) bool {
	was, least := r.seen, (r.end-r.seen.at)/8
	r.seen = reached{r.stage, r.at}
	if g := w.groupOfPart(r.part); g != nil && g.leader >= 0 && w.nodes[g.leader].behind.way == staySlow {
		least = 0
	}
	return r.stage > was.stage || r.stage == 3 && r.at-was.at > least
}

const finished = 6

func (w *World) finishReading() {
	for part := range w.partitions() {
		c := newClient(w, finishers+part, &finisher{part: part})
		c.soon(c.pause(20 * time.Millisecond))
	}
	for topic := range w.opt.Load.Fleeting {
		c := newClient(w, finishers+w.partitions()+topic, &closer{topic: topic})
		c.soon(c.pause(20 * time.Millisecond))
	}
}

func (r *finisher) act(c *client) {
	if c.inflight > 0 || r.stage == finished {
		return
	}
	if r.stage == 4 {
		r.askOffset(c)
		return
	}
	if r.stage == 5 {
		if w := c.w; w.settlingOf(r.census.group).atRest() {
			r.census.ask(c)
		} else {
			c.soon(c.pause(retryAfter))
		}
		return
	}
	if r.stage == 0 && c.w.owesTail() {
		c.soon(c.pause(retryAfter))
		return
	}
	node, ok := c.leader(r.part)
	if !ok {
		return
	}
	switch r.stage {
	case 0:
		c.append(node, r.part, 1)
	case 1:
		c.tail(node, r.part)
	case 2:
		c.earliest(node, r.part)
	case 3:
		c.fetch(node, r.part, r.at)
	}
}

func (r *finisher) done(c *client, k *call) {
	if k.earliest && k.answered {
		if r.stage, r.at = 3, k.start; r.seen.stage < 3 {
			r.seen = reached{3, r.at}
		}
		c.soon(time.Millisecond)
		return
	}
	if k.group != "" {
		r.fetchedOffset(c, k)
		return
	}
	if k.op.Outcome != checker.OK {
		if k.code == codeOutOfRange { // retention goes on
			r.stage = 2
		}
		r.misses++
		if r.refusal = fmt.Sprintf("broker %d answers %d %s", k.line.node+1, k.code, refusalCodes[k.code]); k.code == codeNone {
			r.refusal = fmt.Sprintf("broker %d doesn't answer", k.line.node+1)
		}
		c.soon(c.pause(retryAfter))
		return
	}
	switch k.op.Kind {
	case checker.Append:
		r.stage = 1
	case checker.Tail:
		r.stage, r.end = 2, k.op.Off
	case checker.Read:
		r.at = k.op.From + int64(len(k.op.Values))
		if r.at >= r.end {
			r.stage = 4
			r.next(c)
			return
		}
	}
	c.soon(time.Millisecond)
}

// next goes on with the next group, or has finished.
func (r *finisher) next(c *client) {
	if r.groups*groupSize < c.w.opt.Load.Members {
		c.seat.group, c.seat.node = fmt.Sprintf("group-%d", r.groups), -1
		c.soon(time.Millisecond)
		return
	}
	if r.part == 0 && r.census.group*groupSize < c.w.opt.Load.Members {
		r.stage = 5
		c.seat.group, c.seat.node = fmt.Sprintf("group-%d", r.census.group), -1
		c.soon(time.Millisecond)
		return
	}
	r.stage = finished
	c.over = true
	c.w.maybeOver()
}

// askOffset asks for what a group has committed of the partition: at last everybody can tell.
func (r *finisher) askOffset(c *client) {
	if c.seat.node < 0 {
		c.asks(request{kind: askCoordinator, part: -1, node: c.rng.IntN(c.w.opt.Brokers), version: 4})
		return
	}
	c.asks(request{kind: askOffset, part: r.part, node: c.seat.node, version: 8})
}

func (r *finisher) fetchedOffset(c *client, k *call) {
	if r.stage == 5 && r.census.took(c, k) {
		r.census = census{group: r.census.group + 1}
		r.next(c)
		return
	}
	if k.op.Kind == checker.FetchOffset && good(k) {
		r.groups++
		r.next(c)
		return
	}
	c.soon(c.pause(retryAfter))
}

// maybeOver ends the run once everything was read, and what is broken for a time only is whole again.
func (w *World) maybeOver() {
	if w.phase != phaseCalm {
		return
	}
	for _, c := range w.clients {
		if r, ok := c.role.(*finisher); ok && r.stage < finished {
			return
		}
		if r, ok := c.role.(*closer); ok && r.stage < closed {
			return
		}
	}
	if w.budgeted() && slices.ContainsFunc(w.nodes, func(n *node) bool { return n.lost != "" && !n.behind.down() }) {
		return // found ends it
	}
	w.enter(phaseOver)
}

// setupStalled and stalled report that nothing moves though a majority could.
func (w *World) setupStalled() {
	if w.phase == phaseSetup {
		w.violate(Stalled, "topics can't be made within %v of the start:%s", setupBound, means(w.state(), " "+w.stallOf(nil, "").String()))
	}
}

// There is, once, the time besides to ship what a replica that is counted upon lacks: all partitions may serve, and only a broker that
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
			reads, stuck = true, !(r.stage >= 3 && r.getsOn(w)) || stuck
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
			if r.stage == 0 && w.owesTail() {
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
		if n.lost != "" {
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
