package sim

import (
	"fmt"
	"time"

	"logd/broker"
	"logd/broker/group"
	"logd/log"
)

// stop asks a broker's process to end, as SIGTERM does to logd: no connection is taken any more, leaderships move, what is in flight
// is answered, and then the process ends by itself.
type stop struct {
	node int
	back time.Duration // it is started again so long after it has stopped; 0: it isn't
}

func (a stop) do(w *World) error {
	n := w.nodes[a.node]
	p := n.proc
	if p == nil || p.stopping {
		return fmt.Errorf("broker %d doesn't run", n.id)
	}
	if err := w.faults.atPeaceNow(); err != nil {
		return err
	}
	w.count[CountStops]++
	n.hurts()
	p.stopping, p.asked, p.led, p.back = true, w.now, n.led(), a.back
	for _, h := range p.hosts {
		h.give(broker.Stop{})
	}
	w.after(stopBound(&n.limits), p.stopOverdue)
	return nil
}

func (a stop) text(w *World) string {
	return fmt.Sprintf("stop %d%s", w.nodes[a.node].id, lasts("back", a.back))
}

func (a stop) against(node int) aimed { a.node = node; return a }

func parseStop(t *teller, args []string) (act, error) {
	n, err := t.broker(args[0])
	if err != nil {
		return nil, err
	}
	a := stop{node: n.index}
	a.back, err = parseLasts("back", args[1:])
	return a, err
}

// limits has a broker start with other limits from now on. What all brokers and clients must agree upon stays.
type limits struct {
	node int
	seed uint64
}

func (a limits) do(w *World) error {
	l, was := broker.DrawLimits(stream(a.seed, streamAct, 0)), &w.opt.Limits
	l.UncommittedBytes, l.TransferBytes = was.UncommittedBytes, max(l.TransferBytes, was.TransferBytes)
	l.Groups = group.DrawConfig(stream(a.seed, streamGroups, 0))
	l.Groups.ConsumerSession, l.Groups.ConsumerHeartbeat = was.Groups.ConsumerSession, was.Groups.ConsumerHeartbeat // what members live by is the group's
	w.nodes[a.node].limits = l
	return nil
}

func (a limits) text(w *World) string { return fmt.Sprintf("limits %d %d", w.nodes[a.node].id, a.seed) }

// stopBound is how long a process that runs may take to end.
func stopBound(l *broker.Limits) time.Duration {
	return time.Duration(l.HandOverTicks)*l.Tick + 2*time.Second
}

// stopOverdue reports a process that was asked to end and still runs, unless it was paused for some of the time.
func (p *process) stopOverdue() {
	w := p.node.w
	if p.dead || w.violation != nil {
		return
	}
	bound := stopBound(&p.node.limits)
	if ran := w.now - p.resumed; p.paused || ran < bound {
		w.after(max(bound-ran, watchEvery), p.stopOverdue)
		return
	}
	w.violate(UncleanStop, "broker %d (boot %d) was asked to stop and still runs after %v", p.node.id, p.boot, bound)
}

// stops: a shard says that the process may end. Once each of them has, it does. It returns whether this was its end.
func (h *host) stops() bool {
	p := h.p
	if !p.stopping {
		h.w.violate(Halted, "%v stopped, and nobody asked it to", h)
		return true
	}
	if busy := h.lanes[log.LaneWAL].busy || h.lanes[log.LaneFill].busy; busy && h.w.now < p.asked+time.Duration(p.node.limits.HandOverTicks)*p.node.limits.Tick {
		h.w.violate(UncleanStop, "%v says, %v after it was asked to stop, that nothing is in flight, and its disk is at work", h, h.w.now-p.asked)
		return true
	}
	h.stopped = true
	for _, other := range p.hosts {
		if !other.stopped {
			return false
		}
	}
	p.node.end()
	return true
}

// end is the end of a process that was asked to stop. What it had sent to clients arrives; a disk operation that is still out, since
// its time was up, ends or is dropped.
func (n *node) end() {
	p, w := n.proc, n.w
	clean := n.lost == lossNone && !n.busy(log.LaneWAL)
	for _, c := range p.conns {
		c.brokerEnded()
	}
	p.conns = nil
	if w.trace.verbose() {
		w.trace.line(w.now, traceProcess, "broker %d has stopped, with nothing in flight: %t", n.id, clean)
	}
	w.trace.add(w.now, traceProcess, n.index, n.boots, 0)
	n.markStopped(p.led)
	n.kill(false)
	n.ended, n.sealed = "has stopped", clean
	if p.back > 0 && w.phase == phaseStorm {
		n.downBy++
		w.after(p.back, func() { n.comeBack(0) })
		return
	}
	w.faults.stoppedCleanly(n, p)
}

// startsSealed checks what a start finds after a clean stop: nothing was in flight, so nothing is torn (S3).
func (n *node) startsSealed(cut string) {
	if n.sealed && n.lost == lossNone && cut != "" {
		n.w.violate(UncleanStop, "broker %d stopped with nothing in flight, and its next start cuts a torn tail: %s", n.id, gist(cut))
	}
}

// brokerEnded: the broker closes a connection after all that it had sent.
func (c *conn) brokerEnded() {
	c.host, c.up.ending, c.up.ended = nil, true, true
	c.down.close()
}
