package sim

import (
	"slices"
	"time"
)

// holesVote has a leader be elected by the vote of a replica that has lost entries and is being mended (S5): one with holes votes by its
// true last entry. Mending takes some ticks, so there must be much to mend, and somebody who stands for election just then.
//
//	broker 1, leads      down for some election timeouts
//	broker 2, follows    loses payloads of its WAL, crashes, is back ─ votes ─ is mended
//	broker 3, follows    ──────── stands, again and again ──────────── leads
func (f *nemesis) holesVote() {
	groups := f.w.views.groups
	if len(groups) == 0 {
		return
	}
	g := groups[f.rng.IntN(len(groups))]
	if g.goneAt > 0 || g.leader < 0 || !g.replicas[g.leader].leader || len(g.replicas[g.leader].quorums) != 1 {
		return
	}
	var followers []*node
	for _, id := range g.replicas[g.leader].quorums[0] {
		if n := f.w.node(int32(id >> 32)); n != nil && n.index != g.leader {
			followers = append(followers, n)
		}
	}
	f.rng.Shuffle(len(followers), func(i, k int) { followers[i], followers[k] = followers[k], followers[i] })
	if len(followers) < 2 || followers[0].proc == nil || followers[0].lost != lossNone || !f.affordable(followers[0]) {
		return
	}
	hurt, away := followers[0], f.electionTime(6)
	if !f.spoilPayloads(hurt) {
		return
	}
	f.w.decide(strike{node: hurt.index, seed: f.seed(), back: quickest + time.Duration(f.rng.Int64N(int64(f.electionTime(2))))})
	for _, n := range append(followers[len(followers)/2+1:], f.w.nodes[g.leader]) { // what is left is a bare majority
		if n.proc != nil {
			f.w.decide(strike{node: n.index, power: f.coin(), seed: f.seed(), back: away})
		}
	}
	f.passes(away)
}

// mostSpoiled is how many sectors are damaged at once.
const mostSpoiled = 60

// spoilPayloads damages the newest payloads of a broker's WAL, as far as others have them, and tells whether there were any.
func (f *nemesis) spoilPayloads(n *node) bool {
	hurt := 0
	for shard := range f.w.opt.Shards {
		places, last := f.preyInWAL(n.disk, shard, false), spot{}
		slices.Reverse(places)
		for _, p := range places {
			a := p.hit(n)
			if a.file == last.file && a.at/sectorSize == last.at/sectorSize || hurt >= mostSpoiled*(shard+1)/f.w.opt.Shards {
				continue
			}
			f.w.decide(a)
			last, hurt = a.spot, hurt+1
		}
	}
	return hurt > 0
}
