package sim

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Case is the record of a run as what there is to take away from: the options of its world, and what was decided.
type Case struct {
	Options   Options
	Decisions []Decision
}

// Decision is one line of a record.
type Decision struct {
	At    time.Duration
	Words []string // the command
}

// Verb is the command's name, with what a client asks.
func (d Decision) Verb() string {
	if d.Words[0] == "client" && len(d.Words) > 2 {
		return "client " + d.Words[2]
	}
	return d.Words[0]
}

// Case reads a story that is a record, or what is left of one.
func (s *Story) Case() (Case, error) {
	c := Case{Options: storyOptions()}
	for _, l := range s.lines {
		switch {
		case l.words == nil || ends(l.words):
		case l.words[0] == "options":
			for _, word := range l.words[1:] {
				if err := c.Options.setOption(word); err != nil {
					return c, fmt.Errorf("line %d: %w", l.number, err)
				}
			}
		case l.words[0] == "at":
			at, err := time.ParseDuration(l.words[1])
			if err != nil {
				return c, fmt.Errorf("line %d: %w", l.number, err)
			}
			c.Decisions = append(c.Decisions, Decision{at, l.words[2:]})
		default:
			return c, fmt.Errorf("line %d: %s: only a record can be shrunk, and each of its lines says when", l.number, l.words[0])
		}
	}
	if !c.Options.Budget {
		return c, fmt.Errorf("only a record can be shrunk, and its options say Budget=true")
	}
	return c, nil
}

// Story is the text that tells a case. why is its comment; end is the violation that it must end with, nil for finish.
func (c *Case) Story(why string, end *Violation) string {
	var b strings.Builder
	for line := range strings.SplitSeq(why, "\n") {
		b.WriteString(strings.TrimRight("# "+line, " ") + "\n")
	}
	for _, line := range c.Options.Lines() {
		b.WriteString(line + "\n")
	}
	for _, d := range c.Decisions {
		fmt.Fprintf(&b, "at %v %s\n", d.At, strings.Join(d.Words, " "))
	}
	if end == nil {
		b.WriteString("finish\n")
	} else {
		b.WriteString(end.expected())
	}
	return b.String()
}

// Without leaves out the decisions that drop names.
func (c *Case) Without(drop func(i int, d *Decision) bool) Case {
	to := Case{Options: c.Options}
	for i := range c.Decisions {
		if !drop(i, &c.Decisions[i]) {
			to.Decisions = append(to.Decisions, c.Decisions[i])
		}
	}
	return to
}

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

// Loose returns cases in which clients ask whoever leads, and producers send what is next: so that less of what is left depends on what
// was taken away.
func (c *Case) Loose() (all []Case) {
	for _, verbs := range [][]string{{"append", "send", "resend", "read", "tail"}, {"send", "resend"}, {"append"}} {
		to, changed := Case{Options: c.Options, Decisions: slices.Clone(c.Decisions)}, false
		for i, d := range to.Decisions {
			if d.Words[0] != "client" || !slices.Contains(verbs, d.Words[2]) {
				continue
			}
			words := slices.Clone(d.Words)
			for k, word := range words {
				if name, _, _ := strings.Cut(word, "="); name == "on" {
					words[k] = "on=leader"
				} else if usual := usualOf(d.Words[2]); name == "at" && usual != "" {
					words[k] = "at=" + usual
				}
			}
			to.Decisions[i].Words, changed = words, changed || !slices.Equal(words, d.Words)
		}
		if changed {
			all = append(all, to)
		}
	}
	return all
}

func usualOf(verb string) string { return requestKind(slices.Index(requestNames[:], verb)).usual() }

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

// Simpler returns cases whose i-th decision says less.
func (c *Case) Simpler(i int) (all []Case) {
	for _, words := range simpler(c.Decisions[i].Words) {
		to := Case{Options: c.Options, Decisions: slices.Clone(c.Decisions)}
		to.Decisions[i].Words = words
		all = append(all, to)
	}
	return all
}

// simpler returns commands that say less than one does.
func simpler(words []string) (all [][]string) {
	with := func(i int, word string) {
		if words[i] != word {
			to := slices.Clone(words)
			to[i] = word
			all = append(all, to)
		}
	}
	without := func(name string) {
		for i, word := range words {
			if strings.HasPrefix(word, name+"=") {
				all = append(all, slices.Delete(slices.Clone(words), i, i+1))
			}
		}
	}
	switch words[0] {
	case "when", "power", "crash", "pause", "isolate", "stop":
		if i := slices.Index(words, "random"); i > 0 {
			for _, keep := range []string{"none", "all"} {
				to := slices.Clone(words)
				to[i] = keep
				if seed := to[i+1:]; len(seed) > 0 && !strings.Contains(seed[0], "=") {
					to = slices.Delete(to, i+1, i+2)
				}
				all = append(all, to)
			}
		}
		for i, word := range words[2:] {
			if _, err := strconv.Atoi(word); err == nil && words[0] == "crash" {
				all = append(all, slices.Delete(slices.Clone(words), i+2, i+3))
			}
		}
		for _, name := range []string{"killed", "share", "delay", "within", "back", "for"} {
			without(name)
		}
		for i, word := range words {
			if strings.HasPrefix(word, "back=") {
				with(i, "back=20ms")
			}
		}
	case "start":
		if len(words) > 2 {
			all = append(all, words[:2])
		}
	case "rot", "bad", "zero":
		all = simplerPlace(words)
	case "clog", "tire", "full", "slow", "lag", "clock":
		last := len(words) - 1
		if d, err := time.ParseDuration(words[last]); err == nil && d > time.Millisecond {
			with(last, (d / 2).Truncate(time.Millisecond).String())
		} else if n, err := strconv.ParseInt(words[last], 10, 64); err == nil && n > 1 {
			with(last, strconv.FormatInt(n/2, 10))
		}
	case "client":
		return simplerRequest(words)
	}
	return all
}

// simplerRequest returns requests that say less than one does.
func simplerRequest(words []string) (all [][]string) {
	with := func(i int, word string) {
		if words[i] != word {
			to := slices.Clone(words)
			to[i] = word
			all = append(all, to)
		}
	}
	with(1, "2")
	for i, word := range words {
		name, value, _ := strings.Cut(word, "=")
		if _, err := strconv.Atoi(value); err == nil && name == "on" && namesPartition(words[2]) {
			with(i, "on=leader")
		}
		if to, ok := simplest[name]; ok && value != to && (name != "v" || slices.Contains(fourth, words[2])) {
			with(i, name+"="+to)
		}
		if usual := usualOf(words[2]); name == "at" && usual != "" {
			with(i, "at="+usual)
		}
		if n, err := strconv.Atoi(value); err == nil && name == "size" && n > 20 {
			with(i, fmt.Sprintf("size=%d", n/2))
		} else if err == nil && name == "at" && n > 0 { // what lies before need not be appended then
			with(i, "at=0")
			with(i, fmt.Sprintf("at=%d", n/2))
		}
	}
	return all
}

// simplerPlace says where in a WAL in words, or nearer to the file's begin.
func simplerPlace(words []string) (all [][]string) {
	if len(words) != 5 || words[2] != "file" {
		return nil
	}
	to := func(place ...string) { all = append(all, slices.Concat(words[:2], place)) }
	if folder, _, ok := strings.Cut(words[3], "/wal/"); ok {
		shard := "shard=" + strings.TrimPrefix(folder, "shard-")
		for _, group := range []string{"group=entries", "group=last"} {
			for _, part := range []string{"payload", "directory", "second"} {
				to("wal", shard, group, part)
			}
		}
	}
	if at, err := strconv.ParseInt(words[4], 10, 64); err == nil && at > pageSize {
		to("file", words[3], strconv.FormatInt(at/2&^(pageSize-1)+at%pageSize, 10))
	}
	return all
}

// fourth are the requests that have a version 4 which does the same.
var fourth = []string{"append", "send", "resend", "read", "tail", "start-of", "metadata"}

// simplest is what of a request says least.
var simplest = map[string]string{"records": "1", "size": "10", "acks": "all", "v": "4", "wait": "0s", "bytes": "65536", "of": "65536"}

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
