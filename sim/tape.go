package sim

import (
	"fmt"
	"strings"
	"time"
)

// tape keeps the trace of a world, so that the trace of another run can be held against it, event by event. The second run's
// tape keeps only what it differs in.
type tape struct {
	events  []taped
	lines   []tapedLine
	seen    int   // events so far
	first   *tape // of the run before; nil in the first
	differs bool  // events[0] is not what first has at seen
}

// taped is one event, as it goes into the hash.
type taped struct {
	at   time.Duration
	a, b uint64
	who  int32
	mark traceKind
}

// tapedLine is a line for people, which belongs to the event before it.
type tapedLine struct {
	after int
	text  string
}

// add takes an event, and tells whether the world may go on: not behind the first one that differs.
func (t *tape) add(e taped) bool {
	switch {
	case t.first == nil:
		t.events = append(t.events, e)
	case t.differs:
		return false
	case t.seen >= len(t.first.events) || t.first.events[t.seen] != e:
		t.events, t.differs = append(t.events, e), true
	}
	t.seen++
	return true
}

// Write takes one line (Env.Trace).
func (t *tape) Write(p []byte) (int, error) {
	if t.first == nil || t.differs {
		t.lines = append(t.lines, tapedLine{t.seen, strings.TrimSuffix(string(p), "\n")})
	}
	return len(p), nil
}

// event describes event n, counted from 1, with its line if it has one.
func (t *tape) event(n int) string {
	i := n - 1
	if t.first != nil {
		i = 0
	}
	if i >= len(t.events) {
		return "no event: the run ended"
	}
	text := t.events[i].String()
	for _, l := range t.lines {
		if l.after == n {
			return text + "\n            " + strings.TrimSpace(l.text)
		}
	}
	return text
}

func (e taped) String() string {
	return fmt.Sprintf("%.9f s, %s, %s, %x %x", e.at.Seconds(), traceNames[e.mark], e.mark.who(e.who), e.a, e.b)
}

// who says whom an event of this kind is about.
func (m traceKind) who(who int32) string {
	switch m {
	case traceTurn, traceRead, traceOp:
		if who>>8 > 0 || m != traceOp { // an operation's bytes go by its kind
			return fmt.Sprintf("broker %d.%d", who>>8+1, who&0xff)
		}
	case traceEnvelope, traceDrop, traceBytes, traceConn, traceProcess:
		return fmt.Sprintf("broker %d", who+1)
	case traceClient:
		return fmt.Sprintf("client %d", who)
	case traceFault:
		if int(who) < len(faultTable) {
			return faultTable[who].name
		}
	}
	return fmt.Sprint("number ", who)
}

// divergences is how many pairs of runs are compared to find where two differ: what differs by chance may be equal once.
const divergences = 5

// RunTwice is Run, and then once more without what env is told: another trace is a violation, whose text names the first
// event that differs (W1).
func RunTwice(opt Options, env Env) Result {
	r := Run(opt, env)
	if r.Violation != nil {
		return r
	}
	again := Run(opt, Env{Stack: env.Stack, Paranoid: env.Paranoid})
	if again.Hash == r.Hash {
		return r
	}
	text := fmt.Sprintf("the trace's hash is %016x after %d events, and %016x after %d when run again", r.Hash, r.Events, again.Hash, again.Events)
	if again.Violation != nil {
		text += fmt.Sprintf(", which ends with %s", again.Violation)
	}
	r.Violation = &Violation{Name: NotDeterministic, Text: text + diverge(opt), Cause: "the traces of two runs differ"}
	return r
}

// diverge runs a world again and again, until two runs in a row differ, and says where.
func diverge(opt Options) string {
	for range divergences {
		one := &tape{}
		Run(opt, Env{Trace: one, tape: one})
		two := &tape{first: one}
		Run(opt, Env{Trace: two, tape: two})
		if n := two.seen; two.differs {
			return fmt.Sprintf("\nthe first event that differs is number %d\n  first:    %s\n  then:     %s", n, one.event(n), two.event(n))
		} else if n < one.seen {
			return fmt.Sprintf("\nthe first event that differs is number %d\n  first:    %s\n  then:     the run ended", n+1, one.event(n+1))
		}
	}
	return fmt.Sprintf("\n%d further pairs of runs were equal: what differs, differs by chance", divergences)
}
