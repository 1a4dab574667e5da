package sim

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// command is one word that stories know.
type command struct {
	usage       string
	least, most int // arguments
	do          func(t *teller, args []string) ([]string, error)
}

// commands are all of them. A place is said as in story_place.go, a condition as in story_condition.go.
var commands = map[string]command{
	"options": {"name=value ...", 1, 20, (*teller).doOptions},
	"run":     {"DURATION | until CONDITION [within DURATION]", 1, 10, (*teller).doRun},
	"expect":  {"[not] CONDITION", 1, 8, (*teller).doExpect},
	"state":   {"[B]", 0, 1, (*teller).doState},
	"said":    {"B", 1, 1, (*teller).doSaid},
	"finish":  {"", 0, 0, (*teller).doFinish},

	"produce":  {"P N [size=BYTES] [once] [within DURATION]", 2, 6, (*teller).doProduce},
	"send":     {"P N [size=BYTES]", 2, 3, (*teller).doSend},
	"read":     {"P FROM..TO [on B]", 2, 4, (*teller).doRead},
	"tail":     {"P [on B]", 1, 3, (*teller).doTail},
	"start-of": {"P [on B]", 1, 3, (*teller).doStartOf},
	"trim":     {"P TO", 2, 2, (*teller).doTrim},

	"crash":   {"B", 1, 1, onBroker(func(n *node) { n.strike(false) })},
	"stop":    {"B", 1, 1, onBroker(func(n *node) { n.stop(nil) })},
	"limits":  {"B SEED", 2, 2, (*teller).doLimits},
	"power":   {"B|all [keep all|none|random]", 1, 3, (*teller).doPower},
	"start":   {"B", 1, 1, (*teller).doStart},
	"pause":   {"B", 1, 1, (*teller).doPause},
	"resume":  {"B", 1, 1, (*teller).doResume},
	"wipe":    {"B", 1, 1, onBroker(func(n *node) { n.w.faults.empty(n) })},
	"backup":  {"B NAME", 2, 2, (*teller).doBackup},
	"restore": {"B NAME", 2, 2, (*teller).doRestore},

	"cut":     {"A B", 2, 2, onLink((*World).cutBoth)},
	"one-way": {"FROM TO", 2, 2, onLink((*World).oneWay)},
	"join":    {"FROM TO", 2, 2, onLink((*World).join)},
	"clog":    {"FROM TO DURATION", 3, 3, onLink((*World).clog)},
	"reset":   {"B", 1, 1, onBroker(func(n *node) { n.reset(func() bool { return true }) })},
	"clock":   {"B MILLISECONDS", 2, 2, (*teller).doClock},
	"isolate": {"B", 1, 1, onBroker(func(n *node) { n.isolate(1) })},
	"heal":    {"", 0, 0, func(t *teller, _ []string) ([]string, error) { t.w.net.heal(); return nil, nil }},

	"rot":       {"B PLACE", 2, 10, onPlace("rot", (*Disk).rotSpot)},
	"zero":      {"B PLACE", 2, 10, onPlace("zero", (*Disk).zeroSpot)},
	"bad":       {"B PLACE", 2, 10, onPlace("bad", (*Disk).badSpot)},
	"truncate":  {"B PLACE", 2, 10, onPlace("truncate", func(d *Disk, s spot) error { return d.Cut(s.file, s.at) })},
	"remove":    {"B PLACE", 2, 10, onPlace("remove", func(d *Disk, s spot) error { return d.Lose(s.file) })},
	"misplace":  {"B PLACE over PLACE", 4, 20, (*teller).doMisplace},
	"plant":     {"B FROM FILE", 3, 3, (*teller).doPlant},
	"misdirect": {"B wal|segment", 2, 2, (*teller).doMisdirect},
	"losewrite": {"B wal|segment", 2, 2, (*teller).doLoseWrite},
	"syncfail":  {"B", 1, 1, onBroker(func(n *node) { n.w.faults.failing[n.index]++ })},
	"full":      {"B [FREE]", 1, 2, (*teller).doFull},
	"space":     {"B", 1, 1, onBroker(func(n *node) { n.disk.Space() })},
	"slow":      {"B TIMES", 2, 2, (*teller).doSlow},
}

func commandNames() string { return strings.Join(slices.Sorted(maps.Keys(commands)), ", ") }

// onBroker is a command that only names a broker.
func onBroker(do func(n *node)) func(*teller, []string) ([]string, error) {
	return func(t *teller, args []string) ([]string, error) {
		n, err := t.broker(args[0])
		if err == nil {
			do(n)
		}
		return nil, err
	}
}

// onPlace is a command that damages a place of a broker's disk, and answers which.
func onPlace(verb string, do func(*Disk, spot) error) func(*teller, []string) ([]string, error) {
	return func(t *teller, args []string) ([]string, error) {
		n, err := t.broker(args[0])
		if err != nil {
			return nil, err
		}
		spots, err := t.place(n, args[1:])
		if err != nil {
			return nil, err
		}
		var answer []string
		for _, s := range spots {
			if err := do(n.disk, s); err != nil {
				return answer, err
			}
			answer = append(answer, fmt.Sprintf("%s byte %d", s.file, s.at))
		}
		t.w.faults.damaged(n, verb+" "+strings.Join(args, " "))
		return answer, nil
	}
}

func (t *teller) doOptions(args []string) ([]string, error) {
	for _, word := range args {
		if err := t.options.setOption(word); err != nil {
			return nil, err
		}
	}
	return nil, t.options.Store.Check()
}

func (t *teller) doRun(args []string) ([]string, error) {
	if args[0] == "until" {
		within := patience
		if n := len(args); n > 3 && args[n-2] == "within" {
			d, err := time.ParseDuration(args[n-1])
			if err != nil {
				return nil, err
			}
			within, args = d, args[:n-2]
		}
		done, err := t.condition(args[1:])
		if err != nil {
			return nil, err
		}
		return nil, t.until(within, done)
	}
	d, err := time.ParseDuration(args[0])
	if err == nil {
		t.run(d)
	}
	return nil, err
}

func (t *teller) doExpect(args []string) ([]string, error) {
	is, err := t.condition(args)
	if err == nil && !is() {
		err = fmt.Errorf("it isn't so:%s", t.w.state())
	}
	return nil, err
}

// doSaid shows what a broker has warned of since it was last asked.
func (t *teller) doSaid(args []string) ([]string, error) {
	n, err := t.broker(args[0])
	if err != nil {
		return nil, err
	}
	said := t.said[n.index]
	t.said[n.index] = nil
	return said, nil
}

// doFinish heals and starts everything, as a run's end does, reads all of every partition, and compares all copies.
func (t *teller) doFinish([]string) ([]string, error) {
	w := t.w
	w.recover()
	w.enter(phaseCalm)
	w.finishReading()
	end := w.now + calmBound
	for w.phase == phaseCalm && w.violation == nil && w.queue.len() > 0 && w.queue.heap[0].at <= end {
		w.step()
	}
	if w.phase == phaseCalm && w.violation == nil {
		w.violate(Stalled, "%v after the last fault:%s%s", calmBound, w.waits(), w.state())
	}
	w.atRest()
	w.judge.finish()
	var answer []string
	for part := range w.partitions() {
		answer = append(answer, fmt.Sprintf("%s: read %d..%d", w.partName(part), w.views.told[part], w.views.known[part]-1))
	}
	for _, n := range w.nodes {
		if n.lost != "" || n.proc == nil {
			answer = append(answer, "not compared: "+n.describe())
		}
	}
	return answer, nil
}
