package group

import (
	"cmp"
	"slices"
)

// The assignors, by the names that clients ask for.
const (
	assignorUniform = "uniform"
	assignorRange   = "range"
)

// candidate is a member as an assignor sees it.
type candidate struct {
	id       string
	instance string     // of a static member, else ""
	topics   [][16]byte // subscribed to, sorted; those that exist
	had      Set        // by the assignment before this one; may name what is not subscribed to, or gone
}

// assignor gives every partition of every subscribed topic to exactly one of the topic's subscribers. The result is
// parallel to members, which are sorted by id. Equal arguments give equal results: no clock, no random numbers.
type assignor func(members []candidate, partitions func(topic [16]byte) int32) []Set

// assignors are what a member may ask for; the first is for groups whose members ask for none.
var assignors = [...]struct {
	name   string
	assign assignor
}{{assignorUniform, assignUniform}, {assignorRange, assignRange}}

func assignorNamed(name string) (assignor, bool) {
	for _, a := range assignors {
		if a.name == name {
			return a.assign, true
		}
	}
	return nil, false
}

// subscribers returns, for each topic in order, the members subscribed to it, as indices in order.
func subscribers(members []candidate) (topics [][16]byte, by map[[16]byte][]int) {
	by = map[[16]byte][]int{}
	for i, m := range members {
		for _, t := range m.topics {
			if by[t] == nil {
				topics = append(topics, t)
			}
			by[t] = append(by[t], i)
		}
	}
	slices.SortFunc(topics, compareTopics)
	return topics, by
}

// assignRange gives each member one run of each topic's partitions, the longer runs to the first: topics with as many
// partitions and the same subscribers are cut alike, for joins. Static members come first, by instance id, so that what
// they get doesn't hang on ids that change with each restart (KIP-848).
func assignRange(members []candidate, partitions func([16]byte) int32) []Set {
	out := make([][]Part, len(members))
	topics, by := subscribers(members)
	for _, t := range topics {
		subs := slices.Clone(by[t])
		slices.SortFunc(subs, func(a, b int) int { return rangeOrder(members[a], members[b]) })
		n := partitions(t)
		least, extra := n/int32(len(subs)), n%int32(len(subs))
		next := int32(0)
		for i, m := range subs {
			end := next + least
			if int32(i) < extra {
				end++
			}
			for ; next < end; next++ {
				out[m] = append(out[m], Part{t, next})
			}
		}
	}
	return makeSets(out)
}

func rangeOrder(a, b candidate) int {
	switch {
	case a.instance != "" && b.instance != "":
		return cmp.Compare(a.instance, b.instance)
	case a.instance != "":
		return -1
	case b.instance != "":
		return 1
	}
	return cmp.Compare(a.id, b.id)
}

func makeSets(parts [][]Part) []Set {
	sets := make([]Set, len(parts))
	for i := range parts {
		sets[i] = makeSet(parts[i])
	}
	return sets
}
