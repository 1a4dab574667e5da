package sim

import (
	"fmt"
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
			at, err := parseTime(l.words[1])
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
