package sim

import (
	"fmt"
	"slices"
	"time"

	"logd/broker"
)

// dropper says of a shard what can't be seen of its replicas: which topic one is of, and that one has gone.
type dropper interface {
	TopicID(group uint64) broker.UUID
	Dropped(group uint64) bool
}

// nameFleeting gives a group that is seen for the first time to the life of its topic.
func (v *views) nameFleeting(g *groupSeen, topic, index int) {
	l := v.w.topics.lifeOf(topic, v.host.shard.(dropper).TopicID(g.id))
	for len(l.groups) <= index {
		l.groups = append(l.groups, nil)
	}
	if was := l.groups[index]; was != nil {
		v.w.violate(TopicTwice, "group %d and group %d are both of %s (D4)", was.id, g.id, labelledLife(l, index))
	}
	l.groups[index] = g
	g.part, g.life, g.name = partFleeting, l, fmt.Sprintf("%s/%d", l.label, index)
	g.dropped, g.held = make([]time.Duration, len(g.replicas)), make([]time.Duration, len(g.replicas))
}

// lookForDropped looks for replicas that a shard which had a turn has dropped.
func (v *views) lookForDropped() {
	h := v.host
	d, ok := h.shard.(dropper)
	if !ok {
		return
	}
	n := h.p.node
	look := func(g *groupSeen) {
		if g.part != partFleeting || g.dropped[n.index] > 0 || g.replicas[n.index].id == 0 || int(g.id%uint64(len(h.p.hosts))) != h.index || !d.Dropped(g.id) {
			return
		}
		v.w.topics.dropped(g, n)
	}
	for _, g := range v.groups {
		look(g)
	}
}

// undrop: a process ended. That it dropped something may be on its disk, or not: then its next one hears of it anew.
func (v *views) undrop(n *node) {
	again := func(g *groupSeen) {
		if g.part == partFleeting {
			g.dropped[n.index] = 0
		}
	}
	for _, g := range v.groups {
		again(g)
	}
	for _, g := range v.retired { // order: each by itself
		again(g)
	}
}

// retire takes a group out of those that are looked at, once no broker that runs has a replica.
func (v *views) retire(g *groupSeen) {
	i := slices.Index(v.groups, g)
	if i < 0 || slices.ContainsFunc(g.replicas, func(r replicaSeen) bool { return r.live }) {
		return
	}
	v.groups = slices.Delete(v.groups, i, i+1)
	if v.retired == nil {
		v.retired = map[uint64]*groupSeen{}
	}
	v.retired[g.id] = g
}
