package sim

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// strike ends a broker's process; with power, all that its machine didn't sync may be gone.
type strike struct {
	node   int
	power  bool
	keep   keeping
	seed   uint64        // draws what is left of what was under way, and of what wasn't synced; 0: the disk's own stream does
	back   time.Duration // it is started again so much later; 0: it isn't
	killed int           // and that boot is killed at this call on its disk; 0: it isn't
}

func (a strike) do(w *World) error {
	n := w.nodes[a.node]
	if n.proc == nil && !a.power {
		return fmt.Errorf("broker %d is down", n.id)
	}
	if err := w.faults.atPeaceNow(); err != nil {
		return err
	}
	w.faults.struck(n, a.power)
	n.disk.keeping(a.keep, a.seed, func() { n.kill(a.power) })
	if a.back > 0 {
		n.downBy++
		w.after(a.back, func() { n.comeBack(a.killed) })
	}
	return nil
}

// comeBack starts a broker again that was struck, once nothing else keeps it down. In the calm all are started anyway.
func (n *node) comeBack(killed int) {
	if n.w.phase != phaseStorm {
		return
	}
	if n.downBy--; n.downBy == 0 && n.proc == nil && n.refused == "" {
		n.boot(killed)
	}
}

func (a strike) against(node int) aimed { a.node = node; return a }

func (a strike) text(w *World) string {
	s := fmt.Sprintf("crash %d", w.nodes[a.node].id)
	if a.power {
		s = fmt.Sprintf("power %d keep %s", w.nodes[a.node].id, keepNames[a.keep])
	}
	if a.seed > 0 {
		s += fmt.Sprintf(" %d", a.seed)
	}
	if a.back > 0 {
		s += fmt.Sprintf(" back=%v", a.back)
	}
	if a.killed > 0 {
		s += fmt.Sprintf(" killed=%d", a.killed)
	}
	return s
}

var keepNames = [...]string{keepRandom: "random", keepAll: "all", keepNone: "none"}

// start boots a broker that is down.
type start struct {
	node   int
	killed int // at this call on its disk; 0: it isn't
}

func (a start) do(w *World) error {
	n := w.nodes[a.node]
	switch {
	case n.proc != nil:
		return fmt.Errorf("broker %d runs", n.id)
	case n.refused != "" && w.budgeted():
		return fmt.Errorf("broker %d refuses to start", n.id)
	}
	n.refused = ""
	n.boot(a.killed)
	return nil
}

func (a start) text(w *World) string {
	if a.killed > 0 {
		return fmt.Sprintf("start %d killed %d", w.nodes[a.node].id, a.killed)
	}
	return fmt.Sprintf("start %d", w.nodes[a.node].id)
}

// pause stops a process, or has it go on.
type pause struct {
	node  int
	again bool
	last  time.Duration // it goes on by itself after so long; 0: it doesn't
}

func (a pause) do(w *World) error {
	n := w.nodes[a.node]
	switch {
	case n.proc == nil:
		return fmt.Errorf("broker %d is down", n.id)
	case n.proc.paused != a.again:
		return fmt.Errorf("broker %d: paused is %t", n.id, n.proc.paused)
	case a.again:
		n.proc.resume()
		return nil
	}
	if err := w.faults.atPeaceNow(); err != nil {
		return err
	}
	w.count[CountPauses]++
	p := n.proc
	p.paused = true
	n.hurts()
	if a.last > 0 {
		w.after(a.last, func() {
			if w.phase == phaseStorm && n.proc == p && p.paused {
				p.resume()
			}
		})
	}
	return nil
}

func (a pause) against(node int) aimed { a.node = node; return a }

func (a pause) text(w *World) string {
	verb := "pause"
	if a.again {
		verb = "resume"
	}
	return fmt.Sprintf("%s %d%s", verb, w.nodes[a.node].id, lasts("for", a.last))
}

// reset breaks a broker's client connections in their midst.
type reset struct {
	node int
	seed uint64 // picks about half of them; 0: all
}

func (a reset) do(w *World) error {
	n := w.nodes[a.node]
	if n.proc == nil {
		return fmt.Errorf("broker %d is down", n.id)
	}
	n.reset(a.seed)
	return nil
}

func (a reset) text(w *World) string {
	if a.seed == 0 {
		return fmt.Sprintf("reset %d", w.nodes[a.node].id)
	}
	return fmt.Sprintf("reset %d %d", w.nodes[a.node].id, a.seed)
}

// clock sets a broker's wall clock off, for good.
type clock struct {
	node int
	off  int64 // milliseconds
}

func (a clock) do(w *World) error {
	w.nodes[a.node].wall = a.off
	return nil
}

func (a clock) text(w *World) string { return fmt.Sprintf("clock %d %d", w.nodes[a.node].id, a.off) }

// calm ends all faults, but that some brokers may stay broken for ever, and has everything read.
type calm struct {
	stay []brokenness // by node; nil: all are sound
}

func (a calm) do(w *World) error {
	if w.phase != phaseStorm {
		return fmt.Errorf("it is calm")
	}
	w.calm(a)
	return nil
}

func (a calm) text(w *World) string {
	s := "calm"
	for i, how := range a.stay {
		if how.way != sound {
			s += fmt.Sprintf(" %d=%s", w.nodes[i].id, how)
		}
	}
	return s
}

// parseStrike reads crash B [SEED] or power B [keep all|none|random [SEED]], and what both may end with.
func parseStrike(t *teller, words []string) (act, error) {
	n, err := t.broker(words[1])
	if err != nil {
		return nil, err
	}
	a := strike{node: n.index, power: words[0] == "power"}
	rest := words[2:]
	if a.power && len(rest) > 0 && rest[0] == "keep" {
		k := -1
		if len(rest) > 1 {
			k = slices.Index(keepNames[:], rest[1])
		}
		if k < 0 {
			return nil, fmt.Errorf("say keep all, none or random")
		}
		a.keep, rest = keeping(k), rest[2:]
	}
	for _, word := range rest {
		switch name, value, named := strings.Cut(word, "="); {
		case !named:
			a.seed, err = strconv.ParseUint(word, 10, 64)
		case name == "back":
			a.back, err = parseTime(value)
		case name == "killed":
			a.killed, err = strconv.Atoi(value)
		default:
			err = fmt.Errorf("what is %q?", word)
		}
		if err != nil {
			return nil, err
		}
	}
	return a, nil
}

func parseStart(t *teller, args []string) (act, error) {
	n, err := t.broker(args[0])
	if err != nil {
		return nil, err
	}
	a := start{node: n.index}
	switch {
	case len(args) == 1:
		return a, nil
	case len(args) != 3 || args[1] != "killed":
		return nil, fmt.Errorf("say start B or start B killed CALL")
	}
	a.killed, err = strconv.Atoi(args[2])
	return a, err
}

func parsePause(again bool) func(*teller, []string) (act, error) {
	return func(t *teller, args []string) (act, error) {
		n, err := t.broker(args[0])
		if err != nil {
			return nil, err
		}
		last, err := parseLasts("for", args[1:])
		return pause{node: n.index, again: again, last: last}, err
	}
}

func parseReset(t *teller, args []string) (act, error) {
	n, err := t.broker(args[0])
	if err != nil {
		return nil, err
	}
	a := reset{node: n.index}
	if len(args) > 1 {
		a.seed, err = strconv.ParseUint(args[1], 10, 64)
	}
	return a, err
}

func parseClock(t *teller, args []string) (act, error) {
	n, err := t.broker(args[0])
	if err != nil {
		return nil, err
	}
	off, err := strconv.ParseInt(args[1], 10, 64)
	return clock{node: n.index, off: off}, err
}

func parseCalm(t *teller, args []string) (act, error) {
	a := calm{stay: make([]brokenness, len(t.w.nodes))}
	for _, word := range args {
		name, how, _ := strings.Cut(word, "=")
		n, err := t.broker(name)
		if err != nil {
			return nil, err
		}
		way, times, slow := strings.Cut(how, ":")
		b := brokenness{way: slices.Index(brokenNames[:], way)}
		if b.way < 0 || slow != (b.way == staySlow) {
			return nil, fmt.Errorf("how does broker %d stay? %q; there are %q", n.id, how, brokenNames)
		}
		if slow {
			if b.times, err = strconv.Atoi(times); err != nil {
				return nil, err
			}
		}
		a.stay[n.index] = b
	}
	return a, nil
}
