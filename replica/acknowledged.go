package replica

import "go.etcd.io/raft/v3"

// Acknowledged returns the highest index that a replica acknowledged to this leader, in its term; false if there is none.
func (g *Group) Acknowledged(id uint64) (index uint64, ok bool) {
	if !g.leader || id == g.cfg.ID {
		return 0, false
	}
	g.rn.WithProgress(func(p uint64, _ raft.ProgressType, pr progress) {
		if p == id {
			index, ok = pr.Match, pr.Match > 0
		}
	})
	return index, ok
}
