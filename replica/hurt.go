package replica

import (
	"math"
	"slices"

	pb "go.etcd.io/raft/v3/raftpb"
)

// Hurt says that this replica can't read all it holds, or can again. Until then it stands for no election and takes no
// leadership over, and gives up the one that it has (G10, R13). Its clock goes on: a follower that doesn't tick keeps its
// leader's lease for ever, and would ignore every other's pre-vote once that leader is gone.
func (g *Group) Hurt(hurt bool) { g.hurt = hurt }

// mute reports whether this replica must not come to lead (R13).
func (g *Group) mute() bool { return g.hurt || len(g.holes) > 0 || g.due }

// alone reports whether its own vote is enough to elect this replica: nothing could be dropped on the way then, so it must not
// stand at all.
func (g *Group) alone() bool { return slices.Equal(g.conf.Voters, []uint64{g.cfg.ID}) }

// handOverTicks is how long one follower has to take a leadership over before the next is asked.
const handOverTicks = 2

// Tick moves raft's clock by one tick.
func (g *Group) Tick() {
	g.ticks++
	g.ahead = false // what was given out has been applied
	g.remember()
	g.expireOffers()
	g.trim()
	switch {
	case g.mute() && g.alone():
		return
	case g.mute() && g.leader && g.ticks%handOverTicks == 0:
		g.HandOver(g.ticks / handOverTicks)
	}
	g.rn.Tick()
}

// remember keeps the commit index of this tick and the one before, of a leader.
func (g *Group) remember() {
	if !g.leader {
		g.past = [2]uint64{math.MaxUint64, math.MaxUint64}
		return
	}
	g.past = [2]uint64{g.commit, g.past[0]}
}

// Campaign starts an election at once, where a new group's preferred leader should not wait for a timeout.
func (g *Group) Campaign() {
	if g.mute() {
		return
	}
	if err := g.rn.Campaign(); err != nil {
		return // not promotable: a learner, or a snapshot is under way
	}
}

// send gives a message out, but for what a replica that must not lead has to keep to itself (R13), and what need not be said (R14).
func (g *Group) send(m *pb.Message, out *Out) {
	if t := m.GetType(); g.mute() && (t == pb.MsgVote || t == pb.MsgPreVote) {
		return
	}
	if g.withholds(m) {
		return
	}
	g.clamp(m)
	g.durably(m)
	out.Messages = append(out.Messages, m)
}
