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
	case !g.mute() || !g.leader:
		g.leaving = 0
	default:
		g.leave()
	}
	g.rn.Tick()
}

// leave hands the leadership of a replica that must not lead over. Each attempt has raft begin anew to wait for its look for a quorum
// (raft.go, MsgTransferLeader), so attempts pause for two of three election timeouts: a leader that hears nobody steps down then.
func (g *Group) leave() {
	if g.leaving%(3*g.cfg.Limits.ElectionTicks) < g.cfg.Limits.ElectionTicks && g.leaving%handOverTicks == 0 {
		g.HandOver(g.leaving / handOverTicks)
	}
	g.leaving++
}

// remember keeps the commit indexes of the last election timeout, of a leader.
func (g *Group) remember() {
	switch {
	case g.leader:
		copy(g.past[1:], g.past)
		g.past[0] = g.commit
	case g.past[0] != math.MaxUint64:
		for i := range g.past {
			g.past[i] = math.MaxUint64
		}
	}
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
