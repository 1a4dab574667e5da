package sim

import (
	"slices"
	"time"
)

// Last returns the case of what happened in the last stretch of time only, as if that came first; or, with all that clients did before to
// be let in, after that.
func (c *Case) Last(stretch time.Duration, letIn bool) Case {
	begin := time.Second // the topics are there by then
	to := Case{Options: c.Options}
	if len(c.Decisions) == 0 {
		return to
	}
	from := c.Decisions[len(c.Decisions)-1].At - stretch
	if first := slices.IndexFunc(c.Decisions, func(d Decision) bool { return d.At >= from }); letIn && from > begin {
		to.Decisions = lettingIn(c.Decisions[:first], begin)
		if n := len(to.Decisions); n > 0 {
			begin = to.Decisions[n-1].At + letInTime
		}
	}
	for _, d := range c.Decisions {
		if d.At >= from {
			d.At -= max(0, from-begin)
			to.Decisions = append(to.Decisions, d)
		}
	}
	return to
}

// letInTime is how long a client is given to be let in, before the next one asks.
const letInTime = 20 * time.Millisecond

// lettingIn is the last request of each kind by which each client found its broker, its producer id, its group or its topic, one after
// the other.
func lettingIn(before []Decision, at time.Duration) (all []Decision) {
	seen := map[string]bool{}
	for _, d := range slices.Backward(before) {
		if len(d.Words) < 3 || d.Words[0] != "client" || !slices.Contains(letsIn, d.Words[2]) {
			continue
		}
		if who := d.Words[1] + " " + d.Words[2]; !seen[who] {
			seen[who] = true
			all = append(all, d)
		}
	}
	slices.Reverse(all)
	for i := range all {
		all[i].At = at + time.Duration(i)*letInTime
	}
	return all
}

var letsIn = []string{"create", "metadata", "topic", "producer", "coordinator", "join", "sync"}

// Sooner returns a case in which everything from the i-th decision on happens earlier, by half of the time since the one before,
// or by all but a millisecond of it.
func (c *Case) Sooner(i int, half bool) Case {
	before := time.Duration(0)
	if i > 0 {
		before = c.Decisions[i-1].At
	}
	gap := c.Decisions[i].At - before
	less := gap - time.Millisecond
	if half {
		less = gap / 2
	}
	return c.earlier(i, max(0, less))
}

func (c *Case) earlier(from int, by time.Duration) Case {
	to := Case{Options: c.Options, Decisions: slices.Clone(c.Decisions)}
	for i := from; i < len(to.Decisions); i++ {
		to.Decisions[i].At -= by
	}
	return to
}

// Rounder returns a case whose i-th decision happens at a rounder time, if that keeps the order.
func (c *Case) Rounder(i int, to time.Duration) (Case, bool) {
	at := c.Decisions[i].At.Round(to)
	if at == c.Decisions[i].At || i > 0 && at < c.Decisions[i-1].At || i+1 < len(c.Decisions) && at > c.Decisions[i+1].At {
		return Case{}, false
	}
	r := Case{Options: c.Options, Decisions: slices.Clone(c.Decisions)}
	r.Decisions[i].At = at
	return r, true
}
