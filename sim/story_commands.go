package sim

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// command is one word that stories know.
type command struct {
	usage       string
	least, most int // arguments
	do          func(t *teller, args []string) ([]string, error)
}

// commands are all of them. A place is said as in story_place.go, a condition as in story_condition.go.
var commands = map[string]command{
	"options": {"name=value ...", 1, 60, (*teller).doOptions},
	"run":     {"DURATION | until CONDITION [within DURATION]", 1, 10, (*teller).doRun},
	"expect":  {"[not] CONDITION | violation NAME", 1, 8, (*teller).doExpect},
	"state":   {"[B]", 0, 1, (*teller).doState},
	"copies":  {"P", 1, 1, (*teller).doCopies},
	"said":    {"B", 1, 1, (*teller).doSaid},
	"finish":  {"", 0, 0, (*teller).doFinish},

	"produce":  {"P N [size=BYTES] [once] [within DURATION]", 2, 6, (*teller).doProduce},
	"send":     {"P N [size=BYTES]", 2, 3, (*teller).doSend},
	"read":     {"P FROM..TO [on B] [rack=N]", 2, 5, (*teller).doRead},
	"tail":     {"P [on B]", 1, 3, (*teller).doTail},
	"start-of": {"P [on B]", 1, 3, (*teller).doStartOf},
	"trim":     {"P TO", 2, 2, (*teller).doTrim},

	"client":   {"N KIND [P] [name=value ...]", 2, 12, tells(parseRequest)},
	"garbage":  {"B SEED [hold=DURATION]", 2, 3, tells(parseGarbage)},
	"numb":     {"B FETCHES [hold=DURATION] [cut=BYTES]", 2, 4, tells(parseNumb)},
	"envelope": {"FROM TO [lost] [overtakes] [again=DURATION] [flip=BIT] [length=BIT] [skip=N]", 3, 8, tells(parseDelivery)},
	"calm":     {"[B=HOW ...]", 0, 7, tells(parseCalm)},

	"when":    {"B|any MARK|writing [delay=DURATION] [share=N] [within=DURATION] COMMAND", 4, 12, tells(parseWhen)},
	"crash":   {"B|all [SEED] [back=DURATION] [killed=CALL]", 1, 4, strikes("crash")},
	"power":   {"B|all [keep all|none|random [SEED]] [back=DURATION] [killed=CALL]", 1, 6, strikes("power")},
	"start":   {"B [killed CALL]", 1, 3, (*teller).doStart},
	"stop":    {"B [back=DURATION]", 1, 2, tells(parseStop)},
	"limits":  {"B SEED", 2, 2, tells(parseTimes(func(node, seed int) act { return limits{node, uint64(seed)} }))},
	"pause":   {"B [for=DURATION]", 1, 2, tells(parsePause(false))},
	"resume":  {"B", 1, 1, tells(parsePause(true))},
	"tire":    {"B DURATION", 2, 2, tells(parseTired)},
	"wipe":    {"B", 1, 1, tells(parseBroker(func(node int) act { return wipe{node} }))},
	"backup":  {"B NAME", 2, 2, tells(parseNamed(func(node int, name string) act { return backup{node, name} }))},
	"restore": {"B NAME", 2, 2, tells(parseNamed(func(node int, name string) act { return restore{node, name} }))},

	"cut":     {"A B", 2, 2, (*teller).doCut},
	"network": {"delay=DURATION jitter=DURATION split=N", 1, 3, tells(parseQuality)},
	"one-way": {"FROM TO", 2, 2, tells(parseLink(1))},
	"join":    {"FROM TO", 2, 2, tells(parseLink(-1))},
	"clog":    {"FROM TO DURATION", 3, 3, tells(parseClog)},
	"reset":   {"B [SEED]", 1, 2, tells(parseReset)},
	"clock":   {"B MILLISECONDS", 2, 2, tells(parseClock)},
	"isolate": {"B [for=DURATION]", 1, 2, tells(parseIsolate)},
	"hush":    {"DURATION", 1, 1, tells(parseHush)},
	"heal":    {"", 0, 0, func(t *teller, _ []string) ([]string, error) { t.w.net.heal(); return nil, nil }},

	"rot":       {"B PLACE [bit=N]", 2, 11, onPlace("rot")},
	"zero":      {"B PLACE", 2, 10, onPlace("zero")},
	"bad":       {"B PLACE", 2, 10, onPlace("bad")},
	"truncate":  {"B PLACE", 2, 10, onPlace("truncate")},
	"remove":    {"B PLACE", 2, 10, onPlace("remove")},
	"misplace":  {"B PLACE over PLACE", 4, 20, (*teller).doMisplace},
	"plant":     {"B FROM FILE", 3, 3, (*teller).doPlant},
	"misdirect": {"B wal|segment [PLACE]", 2, 3, tells(parseStray(true))},
	"losewrite": {"B wal|segment [PLACE]", 2, 3, tells(parseStray(false))},
	"syncfail":  {"B", 1, 1, tells(parseBroker(func(node int) act { return syncFails{node} }))},
	"writefail": {"B", 1, 1, tells(parseBroker(func(node int) act { return writeFails{node} }))},
	"full":      {"B [FREE]", 1, 2, tells(parseFull)},
	"space":     {"B", 1, 1, tells(parseSpace)},
	"slow":      {"B TIMES", 2, 2, tells(parseTimes(func(node, times int) act { return drag{node, times} }))},
	"lag":       {"B TIMES", 2, 2, tells(parseTimes(func(node, times int) act { return lag{node, times} }))},
}

// CommandTarget is the id of the broker that a command begins with, as its usage says; 0 if it is about none, or several.
func CommandTarget(command string) int32 {
	words := strings.Fields(command)
	if len(words) < 2 || !strings.HasPrefix(commands[words[0]].usage, "B") {
		return 0
	}
	id, err := strconv.ParseInt(words[1], 10, 32)
	if err != nil {
		return 0 // all
	}
	return int32(id)
}

func commandNames() string { return strings.Join(slices.Sorted(maps.Keys(commands)), ", ") }

// tells is a command that is one act.
func tells(parse func(*teller, []string) (act, error)) func(*teller, []string) ([]string, error) {
	return func(t *teller, args []string) ([]string, error) {
		a, err := parse(t, args)
		if err == nil {
			err = t.perform(a)
		}
		return nil, err
	}
}

// perform does an act. Where the budget is kept, what can't be done is passed over: a record from which lines were taken is
// still one.
func (t *teller) perform(a act) error {
	if err := t.w.perform(a); err != nil && !t.w.opt.Budget {
		return err
	}
	return nil
}

// bitOf takes the word off that says which bit of a byte rots.
func bitOf(words []string) (rest []string, bit uint8, err error) {
	value, ok := strings.CutPrefix(words[len(words)-1], "bit=")
	if !ok {
		return words, usualBit, nil
	}
	n, err := strconv.ParseUint(value, 10, 8)
	if err != nil || n > 7 || len(words) == 1 {
		return nil, 0, fmt.Errorf("bit %q: expected bit=0 to bit=7, behind a place", value)
	}
	return words[:len(words)-1], uint8(n), nil
}

// onPlace is a command that damages a place of a broker's disk, and answers which.
func onPlace(verb string) func(*teller, []string) ([]string, error) {
	return func(t *teller, args []string) ([]string, error) {
		n, err := t.broker(args[0])
		if err != nil {
			return nil, err
		}
		where, bit, err := bitOf(args[1:])
		if err != nil {
			return nil, err
		}
		spots, err := t.place(n, where)
		if err != nil {
			return nil, err
		}
		var answer []string
		for _, s := range spots {
			if err := t.perform(damage{n.index, verb, bit, s}); err != nil {
				return answer, err
			}
			if !t.w.opt.Budget {
				answer = append(answer, fmt.Sprintf("%s byte %d", s.file, s.at))
			}
		}
		return answer, nil
	}
}

func (t *teller) doOptions(args []string) ([]string, error) {
	for _, word := range args {
		if err := t.options.setOption(word); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

func (t *teller) doRun(args []string) ([]string, error) {
	if args[0] == "until" {
		within := patience
		if n := len(args); n > 3 && args[n-2] == "within" {
			d, err := parseTime(args[n-1])
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
	d, err := parseTime(args[0])
	if err == nil {
		t.run(d)
	}
	return nil, err
}

func (t *teller) doExpect(args []string) ([]string, error) {
	if args[0] == "violation" {
		_, err := t.doFinish(nil)
		return nil, err
	}
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
	if w.opt.Budget {
		w.finish()
	} else {
		t.heal()
	}
	w.end()
	return w.read(), nil
}

// finish goes on to the end, and to the calm before it if that didn't come yet.
func (w *World) finish() {
	if w.phase == phaseStorm && w.violation == nil {
		_ = w.perform(calm{}) // it storms
	}
	for w.violation == nil && w.phase != phaseOver && w.queue.len() > 0 {
		w.step()
	}
}

// heal is the calm of a story that was written by hand.
func (t *teller) heal() {
	w := t.w
	w.healAll()
	w.enter(phaseCalm)
	w.finishReading()
	end := w.now + calmBound
	for w.phase == phaseCalm && w.violation == nil && w.queue.len() > 0 && w.queue.next() <= end {
		w.step()
	}
	if w.phase == phaseCalm && w.violation == nil {
		w.violate(Stalled, "%v after the last fault:%s%s", calmBound, means(w.waits(), " "+w.stallCause()), w.state())
	}
}

// read says what was read of each partition, and which brokers' copies were not compared.
func (w *World) read() []string {
	var answer []string
	for part := range w.partitions() {
		answer = append(answer, fmt.Sprintf("%s: read %d..%d", w.partName(part), w.views.told[part], w.views.known[part]-1))
	}
	for _, n := range w.nodes {
		if n.lost != lossNone || n.proc == nil {
			answer = append(answer, "not compared: "+n.describe())
		}
	}
	return answer
}
