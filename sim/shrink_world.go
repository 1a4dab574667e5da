package sim

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Calmer returns cases of simpler worlds, the boldest first: whole groups of options as stories have them, then one after the other.
func (c *Case) Calmer() (all []Case) {
	usual := storyOptions()
	wants, is := usual.all(), c.Options.all()
	try := func(change func(name string) bool) {
		to := Case{Options: c.Options, Decisions: c.Decisions}
		changed := false
		for i, at := range to.Options.all() {
			if at.name != "Seed" && at.name != "Budget" && is[i].String() != wants[i].String() && change(at.name) {
				_ = at.set(wants[i].String()) // it reads what it wrote
				changed = true
			}
		}
		if changed && to.Options.check() == nil {
			all = append(all, to)
		}
	}
	try(func(name string) bool { return name == "Length" || strings.HasPrefix(name, "Faults.") }) // they only say what to draw
	try(func(string) bool { return true })
	for _, group := range []string{"Net.", "Disk.", "Load.", "Limits.Groups.", "Limits.", "Store."} {
		try(func(name string) bool { return strings.HasPrefix(name, group) })
	}
	all = append(all, c.onePartition()...)
	for i := range is {
		try(func(name string) bool { return name == is[i].name })
	}
	return all
}

// onePartition returns a case in which all that clients ask is about one partition, and there is no other one.
func (c *Case) onePartition() []Case {
	const only = "orders/0"
	to := Case{Options: c.Options, Decisions: slices.Clone(c.Decisions)}
	to.Options.Load.Topics, to.Options.Load.Partitions, to.Options.Load.Retention = 1, 1, 0
	if to.Options == c.Options || to.Options.check() != nil {
		return nil
	}
	for i, d := range to.Decisions {
		if len(d.Words) > 3 && d.Words[0] == "client" && namesPartition(d.Words[2]) {
			to.Decisions[i].Words = slices.Clone(d.Words)
			to.Decisions[i].Words[3] = only
		}
	}
	return []Case{to}
}

// Denser returns cases in which less fills what fills: limits are lower, and what clients send is larger. They are no simpler by themselves.
func (c *Case) Denser() (all []Case) {
	for _, size := range []int{4000, 1000} {
		to, changed := Case{Options: c.Options, Decisions: slices.Clone(c.Decisions)}, false
		for i, d := range to.Decisions {
			at := slices.IndexFunc(d.Words, func(w string) bool { return strings.HasPrefix(w, "size=") })
			if is, err := strconv.Atoi(strings.TrimPrefix(d.Words[max(0, at)], "size=")); at > 0 && err == nil && is < size && d.Words[2] != "create" {
				words := slices.Clone(d.Words)
				words[at] = fmt.Sprintf("size=%d", size)
				to.Decisions[i].Words, changed = words, true
			}
		}
		if changed {
			all = append(all, to)
		}
	}
	for _, name := range fills {
		for _, part := range []int64{16, 4} {
			to := Case{Options: c.Options, Decisions: c.Decisions}
			for _, at := range to.Options.all() {
				if is, err := strconv.ParseInt(at.String(), 10, 64); at.name == name && err == nil && is >= part {
					_ = at.set(strconv.FormatInt(is/part, 10)) // a number of its kind
				}
			}
			if to.Options != c.Options && to.Options.check() == nil {
				all = append(all, to)
			}
		}
	}
	return all
}

// fills are the options that say how much is needed until something happens.
var fills = []string{"Limits.UncommittedBytes", "Limits.QueueBytes", "Limits.FlushBytes", "Limits.WindowBytes", "Limits.RangeBytes", "Limits.Producers",
	"Store.WALFileBytes", "Store.SegmentBytes"}

// Again returns the same case with other chances: of all that isn't said.
func (c *Case) Again(k uint64) Case {
	to := Case{Options: c.Options, Decisions: c.Decisions}
	to.Options.Seed = mix64(c.Options.Seed+k) % 100_000
	return to
}
