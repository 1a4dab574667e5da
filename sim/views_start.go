package sim

import "logd/broker"

// started follows a replica's log start: what nobody asked to be deleted, and no retention deletes, is there (T5).
func (v *views) started(g *groupSeen, s *broker.GroupView) {
	if s.LogStart <= g.start {
		return
	}
	g.start = s.LogStart
	v.markStarted(g)
	if s.LogStart > s.HighWatermark {
		v.w.violate(BadStart, "%s: the log of broker %d begins at offset %d, and its high watermark is %d", g.named(), v.host.p.node.id, s.LogStart, s.HighWatermark)
	}
	if g.part == partFleeting && s.LogStart > 0 && g.life.made >= 0 && !g.life.keeps {
		v.w.violate(BadStart, "%s: the log of broker %d begins at offset %d, and none of its records may be deleted", g.named(), v.host.p.node.id, s.LogStart)
	}
	if g.part >= 0 && s.LogStart > v.asked[g.part] && v.w.retains(g.part) {
		v.retained(g, s)
	}
	if g.part >= 0 && s.LogStart > v.asked[g.part] && !v.w.retains(g.part) {
		v.w.violate(BadStart, "%s: the log of broker %d begins at offset %d, and only the records before %d were asked to be deleted",
			g.named(), v.host.p.node.id, s.LogStart, v.asked[g.part])
	}
}

// keeper is the part of a shard that knows how much of a log it has.
type keeper interface{ Kept(group uint64) int64 }

// retained judges a log start that retention moved, when a leader is the first that has applied it: it has at least as much left as the
// topic keeps. No segment goes without which there would be less.
func (v *views) retained(g *groupSeen, s *broker.GroupView) {
	k, ok := v.host.shard.(keeper)
	if !ok || !s.Leading || s.Transferring || s.SegmentHoles > 0 {
		return
	}
	v.w.count[CountRetained]++
	if kept, limit := k.Kept(s.Group), int64(v.w.opt.Load.Retention); kept < limit {
		v.w.violate(BadStart, "%s: broker %d, which leads, has deleted the records before offset %d for their size, and has %d bytes left, of which %d are to be kept",
			g.named(), v.host.p.node.id, s.LogStart, kept, limit)
	}
}

// startOf is the highest log start that any replica of a partition has applied.
func (v *views) startOf(part int) (start int64) {
	for _, g := range v.groups {
		if g.part == part {
			start = max(start, g.start)
		}
	}
	return start
}

// tells: a client is told of a log start, no lower than floor, which somebody was told before he asked (T6).
func (v *views) tells(part int, start, floor int64) {
	if start < floor {
		v.w.violate(BadStart, "%s begins at offset %d, a client is told, and another was told %d before that one asked", v.w.partName(part), start, floor)
	}
	if is := v.startOf(part); start > is {
		v.w.violate(BadStart, "%s begins at offset %d, a client is told, and no replica's log starts above %d", v.w.partName(part), start, is)
	}
	v.told[part] = max(v.told[part], start)
}

// retains tells whether a partition is of the topic whose oldest records are deleted by size.
func (w *World) retains(part int) bool {
	return w.opt.Load.Retention > 0 && part/w.opt.Load.Partitions == w.opt.Load.Topics-1
}
