package sim

import (
	"fmt"
	"strings"
	"time"
)

// isolate cuts all links between a broker and its peers, both ways. Clients still reach it, so that they can be lied to.
type isolate struct {
	node int
	last time.Duration // 0: for good
}

func (a isolate) do(w *World) error {
	if err := w.faults.atPeaceNow(); err != nil {
		return err
	}
	w.count[CountPartitions]++
	a.cut(w, 1)
	if a.last > 0 {
		healed := w.net.healed
		w.after(a.last, func() {
			if w.net.healed == healed {
				a.cut(w, -1)
			}
		})
	}
	return nil
}

func (a isolate) cut(w *World, by int) {
	for i := range w.nodes {
		if i != a.node {
			for _, l := range []*link{&w.net.links[a.node][i], &w.net.links[i][a.node]} {
				l.cut, l.ails = max(0, l.cut+by), w.now
			}
		}
	}
}

func (a isolate) text(w *World) string {
	return fmt.Sprintf("isolate %d%s", w.nodes[a.node].id, lasts("for", a.last))
}

func (a isolate) against(node int) aimed { a.node = node; return a }

func parseIsolate(t *teller, args []string) (act, error) {
	n, err := t.broker(args[0])
	if err != nil {
		return nil, err
	}
	a := isolate{node: n.index}
	a.last, err = parseLasts("for", args[1:])
	return a, err
}

// lasts says a time that isn't zero, as the last word of a command.
func lasts(name string, d time.Duration) string {
	if d == 0 {
		return ""
	}
	return fmt.Sprintf(" %s=%v", name, d)
}

// parseLasts reads it; there is nothing behind it.
func parseLasts(name string, words []string) (time.Duration, error) {
	if len(words) == 0 {
		return 0, nil
	}
	value, ok := strings.CutPrefix(words[0], name+"=")
	if !ok || len(words) > 1 {
		return 0, fmt.Errorf("what is %q? %s=DURATION ends the command", words[0], name)
	}
	return parseTime(value)
}

// parseTime reads a length of time that isn't negative.
func parseTime(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err == nil && (d < 0 || d > maxTime) {
		return 0, fmt.Errorf("time %v: expected 0s to %v", d, maxTime)
	}
	return d, err
}

// hush keeps blows that wait for any broker from striking for some time.
type hush struct{ last time.Duration }

func (a hush) do(w *World) error {
	w.hush = max(w.hush, w.now+a.last)
	return nil
}

func (a hush) text(*World) string { return fmt.Sprintf("hush %v", a.last) }

func parseHush(_ *teller, args []string) (act, error) {
	d, err := parseTime(args[0])
	return hush{d}, err
}
