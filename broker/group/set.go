package group

import (
	"bytes"
	"cmp"
	"slices"
)

// Part is one partition of a topic.
type Part struct {
	Topic [16]byte
	Part  int32
}

// Compare orders by topic id, then by partition.
func (p Part) Compare(q Part) int {
	return cmp.Or(compareTopics(p.Topic, q.Topic), cmp.Compare(p.Part, q.Part))
}

func compareTopics(a, b [16]byte) int { return bytes.Compare(a[:], b[:]) }

// Set is a set of partitions: sorted, each once, never changed after it was made, so that it may be shared.
type Set []Part

// makeSet sorts parts in place.
func makeSet(parts []Part) Set {
	slices.SortFunc(parts, Part.Compare)
	return Set(slices.Compact(parts))
}

func (s Set) has(p Part) bool {
	_, found := slices.BinarySearchFunc(s, p, Part.Compare)
	return found
}

func (s Set) filter(keep func(Part) bool) Set {
	var out Set
	for _, p := range s {
		if keep(p) {
			out = append(out, p)
		}
	}
	return out
}

func (s Set) both(t Set) Set    { return s.filter(t.has) }
func (s Set) without(t Set) Set { return s.filter(func(p Part) bool { return !t.has(p) }) }
func (s Set) and(t Set) Set     { return makeSet(slices.Concat(s, t)) }
func (s Set) equal(t Set) bool  { return slices.Equal(s, t) }

// within says that every partition of s is in t.
func (s Set) within(t Set) bool {
	return !slices.ContainsFunc(s, func(p Part) bool { return !t.has(p) })
}

// topics returns the runs of one topic each, in order.
func (s Set) topics() []Set {
	var out []Set
	for i := 0; i < len(s); {
		j := i + 1
		for j < len(s) && s[j].Topic == s[i].Topic {
			j++
		}
		out = append(out, s[i:j:j])
		i = j
	}
	return out
}

func (s Set) numbers() []int32 {
	out := make([]int32, len(s))
	for i, p := range s {
		out[i] = p.Part
	}
	return out
}
