package sim

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"logd/broker"
	"logd/log"
)

// carryOut does what a turn asked for.
func (h *host) carryOut() {
	w, p, out := h.w, h.p, &h.out
	w.trace.add(w.now, traceOutput, len(out.Send), uint64(len(out.Peers))<<32|uint64(len(out.Mail)), uint64(len(out.Reads))<<32|uint64(len(out.Plans)))
	for _, l := range out.Logs {
		w.watch.said(h, &l)
		if w.trace.verbose() {
			w.trace.line(w.now, traceProcess, "%v says: %s %v", h, l.Text, attrs(l.Attrs))
		}
		if w.hear != nil {
			w.hear(h, l)
		}
	}
	if out.Rejoin != "" && len(out.Peers)+len(out.Send)+len(out.Plans)+len(out.Mail)+len(out.Replies)+len(out.Reads) > 0 {
		w.violate(SpokeOn, "%v gives up its directory, and goes on: %d envelopes, %d responses, %d plans", h, len(out.Peers)+len(out.Replies), len(out.Send), len(out.Plans))
		return
	}
	if out.Halt != "" {
		for _, p := range out.Peers { // leaderships are left behind
			w.net.send(h, p.To, p.Bufs)
		}
	}
	if out.Rejoin != "" {
		h.rejoins(out.Rejoin)
		return
	}
	if out.Halt != "" {
		h.halted(out.Halt)
		return
	}
	if out.Starved {
		w.mark(MarkStarved, h.p.node)
	}
	if out.Note {
		if h.note(); p.dead {
			return
		}
	}
	for i := range out.Plans {
		h.startPlan(out.Plans[i])
	}
	for _, r := range out.Reads {
		h.startRead(r)
	}
	for _, p := range out.Peers {
		w.net.send(h, p.To, p.Bufs)
	}
	for _, m := range out.Mail {
		h.post(m)
	}
	h.answer()
	w.views.after(h)
	w.views.promised(h)
	h.within()
	h.measures()
	if out.Stopped && h.stops() {
		return
	}
	if len(h.inbox) > 0 {
		h.poke(h.gap())
	}
	if out.WakeAt > 0 && !h.p.dead {
		h.poke(max(h.gap(), h.p.started+out.WakeAt-w.now))
	}
}

// answer carries out what concerns client connections.
func (h *host) answer() {
	for _, s := range h.out.Send {
		if c := h.conn(s.Conn); c != nil {
			for _, b := range s.Bufs {
				c.down.write(b)
			}
		}
	}
	for _, id := range h.out.Pause {
		if c := h.conn(id); c != nil {
			c.up.held = true
		}
	}
	for _, id := range h.out.Resume {
		if c := h.conn(id); c != nil {
			c.up.held = false
			c.up.plan(0)
		}
	}
	for _, cl := range h.out.Close {
		if c := h.conn(cl.Conn); c != nil {
			if h.w.trace.verbose() {
				h.w.trace.line(h.w.now, traceConn, "%v closes connection %d: %s", h, cl.Conn, cl.Reason)
			}
			h.w.closedBy(h, c, cl.Reason)
			c.closeBroker()
		}
	}
}

// post delivers mail to a sibling, once and in order.
func (h *host) post(m broker.Mail) {
	w := h.w
	if m.To < 0 || m.To >= len(h.p.hosts) {
		w.violate(BadResponse, "%v sends mail to shard %d of %d", h, m.To, len(h.p.hosts))
		return
	}
	h.mailAt[m.To] = max(h.mailAt[m.To]+1, w.now+h.gap())
	to := h.p.hosts[m.To]
	w.queue.push(h.mailAt[m.To], func() { to.give(m) })
}

// note has the directory remember this start, which takes the time of its calls on the disk; the process may end at any of them.
func (h *host) note() {
	w, p := h.w, h.p
	n := p.node
	fs := &bootFS{d: n.disk}
	if w.phase == phaseStorm && chance(n.rng, w.opt.Faults.Boot) {
		fs.crashAt = 1 + n.rng.IntN(16)
	}
	dir, err := log.NoteStart(fs, p.dir, p.name)
	switch {
	case fs.crashed():
		w.count[CountBootCrashes]++
		n.kill(n.rng.IntN(2) == 0)
		w.faults.ended(n, w.faults.downtime())
	case errors.Is(err, log.ErrNoSpace):
		w.after(time.Second, func() { p.whenRunning(h.note) })
	case err != nil:
		h.halted(err.Error())
	default:
		p.dir = dir
		w.after(time.Duration(fs.calls)*w.opt.Disk.Read, func() { h.give(broker.Noted{}) })
	}
}

// halted: a process may give up only for a cause that was put there (W8).
func (h *host) halted(why string) {
	w, n := h.w, h.p.node
	gone := slices.ContainsFunc(n.gone, func(file string) bool { return strings.Contains(why, file) })
	if !h.p.failed && !gone { // rot is no cause: it is repaired
		w.violate(Halted, "%v: %s", h, gist(why))
		return
	}
	if w.trace.verbose() {
		w.trace.line(w.now, traceProcess, "%v halts: %s", h, why)
	}
	n.kill(false)
	n.ended = "halted: " + why
	w.faults.ended(n, w.faults.downtime())
}

// rejoins: a process gives its directory up, which it may only if others have reason to take it for an old copy.
func (h *host) rejoins(why string) {
	w, n := h.w, h.p.node
	if n.lost == lossNone {
		w.violate(Halted, "%v gives up its directory, which is as it should be: %s", h, gist(why))
		return
	}
	if w.trace.verbose() {
		w.trace.line(w.now, traceProcess, "%v gives up its directory: %s", h, why)
	}
	if w.hear != nil {
		w.hear(h, broker.LogEvent{Level: broker.LevelError, Text: "gives up its directory: " + why})
	}
	n.kill(false)
	n.aside = true
	if w.budgeted() {
		w.faults.ended(n, w.faults.downtime())
		return
	}
	w.after(w.faults.downtime(), n.start)
}

func attrs(as []broker.Attr) string {
	var b strings.Builder
	for _, a := range as {
		fmt.Fprintf(&b, "%s=%v ", a.Key, a.Value)
	}
	return b.String()
}
