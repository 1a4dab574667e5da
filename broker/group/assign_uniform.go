package group

import (
	"slices"
)

// balanceSteps bounds the search for a better balance: edges of the graph looked at in one assignment. What it misses is
// balance, never a partition.
const balanceSteps = 4 << 20

// assignUniform balances the number of partitions that members have, and moves as few as it can.
//
// With equal subscriptions no two members differ by more than one, and no other such assignment moves fewer partitions:
// members that have more than the least keep one more, as far as there are such places.
//
// Otherwise it is a semi-matching: partitions are jobs, members machines, subscriptions say what runs where. It is optimal,
// that is no assignment has a lower sum of squares, exactly when no path of moves leads from a member to one that has two
// less (Harvey, Ladner, Lovász, Tamir, "Semi-matchings for bipartite graphs and load balancing", 2003, theorem 3.1). So:
// keep what members have and may have, give the rest to whoever has least, then follow shortest such paths.
func assignUniform(members []candidate, partitions func([16]byte) int32) []Set {
	if len(members) == 0 {
		return nil
	}
	u := newUniform(members, partitions)
	if u.equalSubscriptions() {
		u.shed()
		u.give()
	} else {
		u.give()
		u.balance(balanceSteps)
	}
	return u.result()
}

// uniform is an assignment in the making. owner[t][p] is who has partition p of the t-th topic, -1 nobody.
type uniform struct {
	members []candidate
	topics  [][16]byte
	index   map[[16]byte]int // of topics
	subs    [][]int          // of each topic, members, ascending
	may     [][]int          // of each member, topics, ascending
	owner   [][]int
	has     []map[int]int // of each member and topic, how many partitions
	load    []int         // of each member, in all
}

func newUniform(members []candidate, partitions func([16]byte) int32) *uniform {
	topics, by := subscribers(members)
	u := &uniform{members: members, topics: topics, index: map[[16]byte]int{}, load: make([]int, len(members)),
		has: make([]map[int]int, len(members)), may: make([][]int, len(members))}
	for t, id := range topics {
		u.index[id] = t
		u.subs = append(u.subs, by[id])
		u.owner = append(u.owner, slices.Repeat([]int{-1}, int(partitions(id))))
		for _, m := range by[id] {
			u.may[m] = append(u.may[m], t)
		}
	}
	for m := range members {
		u.has[m] = map[int]int{}
	}
	for m, c := range members {
		for _, p := range c.had {
			t, ok := u.index[p.Topic]
			if ok && int(p.Part) < len(u.owner[t]) && u.owner[t][p.Part] < 0 && u.wants(t, m) {
				u.set(t, int(p.Part), m)
			}
		}
	}
	return u
}

func (u *uniform) wants(topic, member int) bool {
	_, found := slices.BinarySearch(u.subs[topic], member)
	return found
}

// set moves a partition.
func (u *uniform) set(t, p, to int) {
	if from := u.owner[t][p]; from >= 0 {
		u.has[from][t]--
		u.load[from]--
	}
	u.owner[t][p] = to
	if to >= 0 {
		u.has[to][t]++
		u.load[to]++
	}
}

func (u *uniform) equalSubscriptions() bool {
	for _, subs := range u.subs {
		if len(subs) != len(u.members) {
			return false
		}
	}
	return true
}

// shed takes from members with equal subscriptions what is over their share. As many as there is a rest may keep one more.
func (u *uniform) shed() {
	all := 0
	for _, owners := range u.owner {
		all += len(owners)
	}
	least, rest := all/len(u.members), all%len(u.members)
	share := make([]int, len(u.members))
	for m := range share {
		share[m] = least
		if u.load[m] > least && rest > 0 {
			share[m]++
			rest--
		}
	}
	// From the last partition of the last topic on, so that what a member keeps is what it has had longest in the order of
	// a growing topic.
	for t := len(u.owner) - 1; t >= 0; t-- {
		for p := len(u.owner[t]) - 1; p >= 0; p-- {
			if m := u.owner[t][p]; m >= 0 && u.load[m] > share[m] {
				u.set(t, p, -1)
			}
		}
	}
}

// give hands out what nobody has, each to the subscriber that has least. Topics with few subscribers come first, since
// the others have more choice.
func (u *uniform) give() {
	order := make([]int, len(u.topics))
	for t := range order {
		order[t] = t
	}
	slices.SortStableFunc(order, func(a, b int) int { return len(u.subs[a]) - len(u.subs[b]) })
	for _, t := range order {
		h := newLightest(u.subs[t], u.load)
		for p, m := range u.owner[t] {
			if m < 0 {
				u.set(t, p, h.least())
				h.fix()
			}
		}
	}
}

// balance follows paths of moves from whoever has most, until none makes it better or it took too many steps. If none
// leads on from a member, then all that it reaches are done with it: they have at least one less than it, nothing leads out
// of them, and nobody who has as much or less gains by leading into them.
func (u *uniform) balance(steps int) {
	done := make([]bool, len(u.members))
	for steps > 0 {
		from := -1
		for m := range u.members {
			if !done[m] && (from < 0 || u.load[m] > u.load[from]) {
				from = m
			}
		}
		if from < 0 {
			return
		}
		steps -= len(u.members)
		u.improve(from, done, &steps)
	}
}

// improve moves partitions along the shortest path from a member to one with two less; if there is none, it marks as done
// all that it reached.
func (u *uniform) improve(from int, done []bool, steps *int) {
	type hop struct{ member, topic int } // who gives a partition of which topic
	came := map[int]hop{from: {-1, -1}}
	seen := make([]bool, len(u.topics))
	queue := []int{from}
	for i := 0; i < len(queue); i++ {
		m := queue[i]
		if u.load[m] <= u.load[from]-2 {
			for h := came[m]; h.member >= 0; m, h = h.member, came[h.member] {
				u.set(h.topic, slices.Index(u.owner[h.topic], h.member), m)
			}
			return
		}
		for _, t := range u.may[m] {
			*steps--
			if seen[t] || u.has[m][t] == 0 {
				continue
			}
			seen[t] = true // all its subscribers are reached now
			for _, to := range u.subs[t] {
				*steps--
				if _, ok := came[to]; !ok && !done[to] {
					came[to] = hop{m, t}
					queue = append(queue, to)
				}
			}
		}
	}
	for _, m := range queue {
		done[m] = true
	}
}

func (u *uniform) result() []Set {
	parts := make([][]Part, len(u.members))
	for t, owners := range u.owner {
		for p, m := range owners {
			parts[m] = append(parts[m], Part{u.topics[t], int32(p)})
		}
	}
	return makeSets(parts)
}

// lightest finds the member with the lowest load, and of these the first.
type lightest struct {
	of   []int
	load []int
}

func newLightest(of, load []int) *lightest {
	h := &lightest{slices.Clone(of), load}
	for i := len(h.of)/2 - 1; i >= 0; i-- {
		h.down(i)
	}
	return h
}

func (h *lightest) least() int { return h.of[0] }

// fix is called after the load of the least has grown.
func (h *lightest) fix() { h.down(0) }

func (h *lightest) before(a, b int) bool {
	if la, lb := h.load[h.of[a]], h.load[h.of[b]]; la != lb {
		return la < lb
	}
	return h.of[a] < h.of[b]
}

func (h *lightest) down(i int) {
	for {
		min := i
		for c := 2*i + 1; c <= 2*i+2; c++ {
			if c < len(h.of) && h.before(c, min) {
				min = c
			}
		}
		if min == i {
			return
		}
		h.of[i], h.of[min] = h.of[min], h.of[i]
		i = min
	}
}
