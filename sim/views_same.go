package sim

import (
	"slices"

	"logd/broker"
)

// sameView tells whether two views of a replica say the same. Each turn shows all replicas of a shard, of which most are as
// they were. What is known of a group only grows, so that a view that passed the checks would pass them again: with
// Env.Paranoid it has to, and the outcome must be the same.
func sameView(a, b *broker.GroupView) bool {
	return a.GroupFacts == b.GroupFacts && slices.Equal(a.Voters, b.Voters) && slices.Equal(a.Learners, b.Learners) && slices.Equal(a.Offered, b.Offered) &&
		slices.EqualFunc(a.Quorums, b.Quorums, slices.Equal[[]uint64])
}

// keepView copies a view, which is valid for the moment only.
func keepView(to, v *broker.GroupView) {
	voters, learners, offered, quorums := append(to.Voters[:0], v.Voters...), append(to.Learners[:0], v.Learners...), append(to.Offered[:0], v.Offered...), to.Quorums
	if !slices.EqualFunc(quorums, v.Quorums, slices.Equal[[]uint64]) {
		quorums = nil
		for _, set := range v.Quorums {
			quorums = append(quorums, slices.Clone(set))
		}
	}
	*to = *v
	to.Voters, to.Learners, to.Offered, to.Quorums = voters, learners, offered, quorums
}
