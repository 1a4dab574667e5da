package sim

import (
	"fmt"
	"slices"
	"time"
)

// lostAt is an envelope that was lost: when it was sent, and by which of a broker's shards.
type lostAt struct {
	at    time.Duration
	shard int
}

// lossesFor is how long a link's losses are remembered: longer than any client waits.
const lossesFor = 5 * time.Second

func (l *link) loses(now time.Duration, shard int) {
	l.lost = append(l.lost, lostAt{now, shard})
	if l.lost[0].at < now-lossesFor {
		l.lost = slices.DeleteFunc(l.lost, func(x lostAt) bool { return x.at < now-lossesFor })
	}
}

// unlucky says that a leader can't have heard from a majority in time, though one was well: it asks when a request comes and again with each
// heartbeat, and each time an envelope was lost on its way there or back. Who waits for a few heartbeats only, as drawn limits may
// have it, finds that now and then.
func (w *World) unlucky(g *groupSeen, k *call, in []int) string {
	l := &w.nodes[g.leader].limits
	every := time.Duration(l.HeartbeatTicks) * l.Tick
	heard := slices.DeleteFunc(slices.Clone(in), func(i int) bool {
		if i == g.leader {
			return false
		}
		for at := k.sent; at == k.sent || at+every <= w.now; at += every {
			if !w.lostBetween(g, i, at, min(at+every, w.now)) {
				return false
			}
		}
		return true
	})
	if g.majority(&g.replicas[g.leader], heard) {
		return ""
	}
	return fmt.Sprintf("in each of its rounds of %v since %v envelopes of it, or to it, were lost: it heard from %d of %d", every, k.sent, len(heard), len(in))
}

// lostBetween reports whether an envelope of a group's shards was lost in a time, between its leader and another broker.
func (w *World) lostBetween(g *groupSeen, other int, from, to time.Duration) bool {
	for _, pair := range [2][2]int{{g.leader, other}, {other, g.leader}} {
		proc := w.nodes[pair[0]].proc
		if proc != nil && slices.ContainsFunc(w.net.links[pair[0]][pair[1]].lost, func(x lostAt) bool {
			return from <= x.at && x.at <= to && x.shard == int(g.id%uint64(len(proc.hosts)))
		}) {
			return true
		}
	}
	return false
}
