package group

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func topicN(n int) [16]byte { return [16]byte{15: byte(n + 1)} }

// drawn is a group and the topics of its cluster.
type drawn struct {
	members []candidate
	parts   []int32 // of each topic
}

func (d drawn) partitions(t [16]byte) int32 { return d.parts[t[15]-1] }

func drawGroup(t *rapid.T, equal bool) drawn { return drawGroupOf(t, equal, 5, 6) }

// drawGroupOf draws a group of so many topics and members at most.
func drawGroupOf(t *rapid.T, equal bool, topics, members int) drawn {
	d := drawn{parts: rapid.SliceOfN(rapid.Int32Range(0, 6), 1, topics).Draw(t, "partitions")}
	all := rapid.SliceOfN(rapid.Bool(), len(d.parts), len(d.parts))
	same := all.Draw(t, "subscription of all")
	n := rapid.IntRange(1, members).Draw(t, "members")
	for i := range n {
		m := candidate{id: fmt.Sprintf("m%d", i)}
		if rapid.Bool().Draw(t, "static") {
			m.instance = fmt.Sprintf("i%d", n-i)
		}
		sub := same
		if !equal {
			sub = all.Draw(t, "subscription")
		}
		for topic, yes := range sub {
			if yes {
				m.topics = append(m.topics, topicN(topic))
			}
		}
		d.members = append(d.members, m)
	}
	// What they had: any partition at most once, of topics that may be gone or not subscribed to.
	for topic := range len(d.parts) + 1 {
		for p := range 7 {
			if i := rapid.IntRange(-n, n-1).Draw(t, "had by"); i >= 0 {
				d.members[i].had = d.members[i].had.and(Set{{topicN(topic), int32(p)}})
			}
		}
	}
	return d
}

// checkWhole asserts that each partition of a topic with subscribers has one owner, a subscriber, and nothing else has.
func checkWhole(t *rapid.T, d drawn, got []Set) {
	t.Helper()
	owner := map[Part]int{}
	for i, s := range got {
		if !slices.IsSortedFunc(s, Part.Compare) {
			t.Fatalf("%s's partitions aren't sorted: %v", d.members[i].id, s)
		}
		for _, p := range s {
			if j, ok := owner[p]; ok {
				t.Fatalf("%v has two owners, %s and %s", p, d.members[i].id, d.members[j].id)
			}
			owner[p] = i
			if !slices.Contains(d.members[i].topics, p.Topic) {
				t.Fatalf("%s got %v of a topic that it isn't subscribed to", d.members[i].id, p)
			}
		}
	}
	topics, _ := subscribers(d.members)
	want := 0
	for _, topic := range topics {
		want += int(d.partitions(topic))
		for p := range d.partitions(topic) {
			if _, ok := owner[Part{topic, p}]; !ok {
				t.Fatalf("partition %d of topic %x has no owner", p, topic[15])
			}
		}
	}
	if len(owner) != want {
		t.Fatalf("%d partitions assigned, there are %d", len(owner), want)
	}
}

func sizes(sets []Set) []int {
	var n []int
	for _, s := range sets {
		n = append(n, len(s))
	}
	return n
}

func TestAssignorsAreWholeAndDeterministic(t *testing.T) {
	for _, a := range assignors {
		t.Run(a.name, rapid.MakeCheck(func(t *rapid.T) {
			d := drawGroup(t, rapid.Bool().Draw(t, "equal subscriptions"))
			got := a.assign(d.members, d.partitions)
			if len(got) != len(d.members) {
				t.Fatalf("%d sets for %d members", len(got), len(d.members))
			}
			checkWhole(t, d, got)
			if again := a.assign(d.members, d.partitions); !slices.EqualFunc(got, again, Set.equal) {
				t.Fatalf("a second time it differs:\n%v\n%v", got, again)
			}
		}))
	}
}

// With equal subscriptions the uniform assignor is balanced within one, and no balanced assignment keeps more partitions
// where they were: a member keeps at most the least share, and as many as there is a rest keep one more.
func TestUniformWithEqualSubscriptionsMovesFewest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drawGroup(t, true)
		got := assignUniform(d.members, d.partitions)
		n := sizes(got)
		if slices.Max(n)-slices.Min(n) > 1 {
			t.Fatalf("not balanced: %v", n)
		}
		all := 0
		for _, k := range n {
			all += k
		}
		least, rest := all/len(n), all%len(n)
		kept, most := 0, 0
		for i, m := range d.members {
			had := m.had.filter(func(p Part) bool { return slices.Contains(m.topics, p.Topic) && p.Part < d.partitions(p.Topic) })
			kept += len(had.both(got[i]))
			most += min(len(had), least)
			if len(had) > least && rest > 0 {
				most, rest = most+1, rest-1
			}
		}
		if kept != most {
			t.Fatalf("%d partitions stay where they were, %d could\nhad %v\ngot %v", kept, most, d.members, got)
		}
	})
}

// With unequal subscriptions no single move makes it better, nor does any chain of them: the sum of squares is the least of
// all assignments, which a plain search over how many partitions of each topic each member gets finds too.
func TestUniformWithUnequalSubscriptionsIsOptimal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drawGroupOf(t, false, 3, 4) // what a plain search can do
		got := assignUniform(d.members, d.partitions)
		if squares(sizes(got)) != leastSquares(d) {
			t.Fatalf("sizes %v have sum of squares %d, the least is %d\n%v", sizes(got), squares(sizes(got)), leastSquares(d), d)
		}
	})
}

func squares(n []int) (sum int) {
	for _, k := range n {
		sum += k * k
	}
	return sum
}

// leastSquares tries all ways; loads reached after some topics are remembered.
func leastSquares(d drawn) int {
	topics, by := subscribers(d.members)
	reached := map[[4]int]bool{{}: true}
	for _, topic := range topics {
		for range d.partitions(topic) {
			next := map[[4]int]bool{}
			for load := range reached {
				for _, m := range by[topic] {
					l := load
					l[m]++
					next[l] = true
				}
			}
			reached = next
		}
	}
	least := 1 << 30
	for load := range reached {
		least = min(least, squares(load[:]))
	}
	return least
}

// What an assignor gave, it gives again: a group in which nothing changes moves nothing.
func TestAssignorsSettle(t *testing.T) {
	for _, a := range assignors {
		t.Run(a.name, rapid.MakeCheck(func(t *rapid.T) {
			d := drawGroup(t, false)
			got := a.assign(d.members, d.partitions)
			for i := range d.members {
				d.members[i].had = got[i]
			}
			if again := a.assign(d.members, d.partitions); !slices.EqualFunc(got, again, Set.equal) {
				t.Fatalf("it moves partitions for nothing:\n%v\n%v", got, again)
			}
		}))
	}
}

// A member that joins takes partitions, and no others move; one that leaves gives its own, and no others move.
func TestUniformMovesOnlyWhatAJoinOrALeaveNeeds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drawGroup(t, true)
		before := assignUniform(d.members, d.partitions)
		for i := range d.members {
			d.members[i].had = before[i]
		}
		joined := d
		joined.members = append(slices.Clone(d.members), candidate{id: "z", topics: d.members[0].topics})
		got := assignUniform(joined.members, d.partitions)
		for i := range d.members {
			if !got[i].within(before[i]) {
				t.Fatalf("%s got %v when another joined", d.members[i].id, got[i].without(before[i]))
			}
		}
		left := d
		left.members = d.members[1:]
		if len(left.members) == 0 {
			return
		}
		got = assignUniform(left.members, d.partitions)
		for i := range left.members {
			if !before[i+1].within(got[i]) {
				t.Fatalf("%s lost %v when another left", left.members[i].id, before[i+1].without(got[i]))
			}
		}
	})
}

func TestRangeCutsTopicsAlike(t *testing.T) {
	topics := [][16]byte{topicN(0), topicN(1)}
	d := drawn{parts: []int32{5, 5}, members: []candidate{
		{id: "a", topics: topics}, {id: "b", topics: topics}, {id: "c", instance: "first", topics: topics}}}
	got := assignRange(d.members, d.partitions)
	want := [][]int32{{2, 3}, {4}, {0, 1}} // the static member comes first
	for i, w := range want {
		for topic := range 2 {
			var parts []int32
			for _, p := range got[i] {
				if p.Topic == topicN(topic) {
					parts = append(parts, p.Part)
				}
			}
			if !slices.Equal(parts, w) {
				t.Errorf("%s has %v of topic %d, want %v", d.members[i].id, parts, topic, w)
			}
		}
	}
}

// The bound of the search costs balance, never a partition.
func TestUniformOutOfSteps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drawGroup(t, false)
		u := newUniform(d.members, d.partitions)
		u.give()
		u.balance(rapid.IntRange(0, 40).Draw(t, "steps"))
		checkWhole(t, d, u.result())
	})
}

func BenchmarkUniform(b *testing.B) {
	const members, topics = 500, 200
	var m []candidate
	for i := range members {
		c := candidate{id: fmt.Sprintf("m%03d", i)}
		for t := range topics {
			if (i+t)%3 != 0 {
				c.topics = append(c.topics, [16]byte{14: byte(t >> 8), 15: byte(t)})
			}
		}
		m = append(m, c)
	}
	for b.Loop() {
		assignUniform(m, func([16]byte) int32 { return 50 })
	}
}
