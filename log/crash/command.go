package crash

import (
	"fmt"
	"math"

	"logd/log"
)

// command stages the next line of the script, if what it needs is durable.
func (w *world) command() bool {
	if len(w.todo) == 0 {
		return false
	}
	c := &w.todo[0]
	g := w.m.group(c.group)
	if g == nil && least[c.verb] >= 0 && c.verb != "create" {
		panic(fmt.Sprintf("crash: script %s line %d: no group %d", w.script.Name, c.line, c.group))
	}
	if !w.ready(c, g) {
		return false
	}
	if c.verb == "mend" && len(w.s.SegmentHoles(g.id)) > 0 {
		if w.mend(g, c.args) && (w.full[1] > 0 || w.s.Starved()) {
			w.todo = w.todo[1:] // there is no room for it
		}
		return true
	}
	if c.verb == "fill" && !w.s.Blocked() {
		g.commitTo(g.now().last())
		w.append(g, g.now().last()+1, c.args[:1])
		return true
	}
	w.todo = w.todo[1:]
	arg := func(i, otherwise int) int {
		if i < len(c.args) {
			return c.args[i]
		}
		return otherwise
	}
	switch c.verb {
	case "create":
		w.create(c.group, arg(0, 0))
	case "state":
		w.setState(g, log.State{Term: uint64(c.args[0]), Vote: uint64(c.args[1]), Commit: g.commit})
	case "append":
		w.append(g, g.now().last()+1, c.args)
	case "cut":
		w.append(g, g.now().last()+1-uint64(c.args[0]), c.args[1:])
	case "commit":
		g.commitTo(max(g.commit, g.now().last()-uint64(arg(0, 0))))
	case "flush":
		w.flush(g, max(g.commit, g.mark().Index), arg(0, 0))
	case "trim":
		if g.start = int64(c.args[0]); g.start < 0 {
			e, _ := g.now().at(g.commit)
			g.start = e.end
		}
		w.s.Trim(g.id, g.start)
	case "transfer":
		w.transfer(g, c.args[0], arg(1, -1))
	case "install":
		w.install(g, c.args[0])
	case "copy":
		w.answer()
	case "drop":
		g.dropped = w.s.Drop(g.id)
		w.seq = g.dropped
	case "bury":
		g.buried = true
		w.s.Forget(g.id)
	case "seal":
		w.s.Seal()
	case "wait":
		w.whole()
	default:
		w.harm(c, g)
	}
	return true
}

// ready says whether a command may be staged now.
func (w *world) ready(c *command, g *group) bool {
	durable := w.s.Durable()
	switch c.verb {
	case "commit":
		return g.now().seq <= durable
	case "fill":
		return w.s.Blocked() || g.now().seq <= durable
	case "flush":
		return !w.s.Flushing(g.id) && g.created <= durable
	case "transfer":
		return !w.s.Flushing(g.id)
	case "install":
		return !w.s.Flushing(g.id) && w.s.SegmentEnd(g.id) == g.end
	case "mend":
		return !w.s.Repairing(g.id)
	case "space":
		return w.s.Starved() || w.idle()
	case "wait", "rot", "lose", "forget", "stray", "ruin", "start":
		return w.idle()
	}
	return true
}

func (w *world) create(id uint64, conf int) {
	mark := log.Mark{}
	if conf > 0 {
		mark.Conf = make([]byte, conf)
		fill(mark.Conf, id)
	}
	w.seq = w.s.Create(id, fmt.Appendf(nil, "meta of %d", id), mark)
	w.m.create(id, mark, w.seq)
}

func (w *world) setState(g *group, st log.State) {
	w.seq = w.s.SetState(g.id, st)
	g.states = append(g.states, stateAt{w.seq, st})
}

func (w *world) append(g *group, from uint64, sizes []int) {
	v, es, term := g.next(from, sizes)
	if term > g.state().Term {
		w.setState(g, log.State{Term: term, Commit: g.state().Commit})
	}
	v.seq = w.s.Append(g.id, es)
	w.seq = v.seq
	g.versions = append(g.versions, v)
}

func (w *world) flush(g *group, to uint64, app int) {
	var b []byte
	if app > 0 {
		b = make([]byte, app)
		fill(b, fold(g.id, to))
	}
	to = min(to, w.safe(g))
	mark, batches := g.markAt(to, b)
	w.s.Flush(g.id, batches, mark)
}

// safe is the last index before the first hole: no mark passes it.
func (w *world) safe(g *group) uint64 {
	if holes := w.s.Holes(g.id); len(holes) > 0 {
		return holes[0].Index - 1
	}
	return math.MaxUint64
}

// transfer brings a leader's batches.
func (w *world) transfer(g *group, batches, gap int) {
	if gap >= 0 {
		e, _ := g.now().at(max(g.commit, g.now().mark.Index))
		g.end = max(g.end, e.end) + int64(gap)
		g.start = g.end
		w.s.ResetSegments(g.id, g.end, fold(g.id, uint64(g.end), 1))
	}
	for range batches {
		b := newBatch(g.end, int32(g.state().Term+1), 3, 400, fold(g.id, uint64(g.end)))
		g.batches[g.end], g.data[g.end] = foldBytes(0, b), b
		w.s.Transfer(g.id, [][]byte{b})
		g.end += 3
	}
}

// install takes the mark of the snapshot that was transferred.
func (w *world) install(g *group, ahead int) {
	old := g.now()
	hash, ok := w.s.HashAt(g.id, g.end)
	if !ok {
		panic(fmt.Sprintf("group %d: no running hash where its segments end, at offset %d", g.id, g.end))
	}
	m := log.Mark{Index: uint64(max(int(old.last())+ahead, int(g.commit)+1)), Term: g.state().Term + 1, LogStart: max(g.mark().LogStart, min(g.start, g.end)), LogEnd: g.end,
		EntryHash: fold(g.id, uint64(g.end)), BatchHash: hash}
	w.setState(g, log.State{Term: m.Term, Commit: g.commit})
	w.seq = w.s.Install(g.id, m)
	g.versions = append(g.versions, version{seq: w.seq, epoch: old.epoch + 1, mark: m})
	g.marks = append(g.marks, m)
	g.commit = m.Index
}

// answer does what a replica does when the ring needs room, and says whether that was anything.
func (w *world) answer() (some bool) {
	for _, h := range w.s.Reclaim() {
		g := w.m.group(h.Group)
		if to := min(h.Last, g.commit, w.safe(g)); to > g.mark().Index && !w.s.Flushing(g.id) {
			w.flush(g, to, 0)
			some = true
		}
		if !h.Copy {
			continue
		}
		var es []log.Entry
		for i := max(g.commit, g.now().mark.Index) + 1; i <= min(h.Last, g.now().last()); i++ {
			e, _ := g.now().at(i)
			es = append(es, e.Entry)
		}
		if seq := w.s.Copy(g.id, es); seq > 0 {
			w.seq = max(w.seq, seq)
			some = true
		}
	}
	return some
}
