package sim

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// when is an act that waits for its moment: a mark, such as that a broker is elected leader of something, or that it writes to its
// WAL. A race that is told by its moment instead of by a time stays one when all else is taken away.
//
//	when 2 elected delay=137µs power 2 keep none      the next election of broker 2, and a little later its power
//	when any roll power it keep none                  the power of whichever broker begins the next WAL file first
type when struct {
	node  int // whoever: any broker
	event Mark
	delay time.Duration // after the moment
	share int           // writing: so many per mille of what the write takes, besides
	most  time.Duration // deadline: one that waits for a write strikes then all the same, any other is dropped
	act   aimed         // whoever: against the broker that it happens to
	done  func()        // drawn runs go on from there
}

// aimed is an act against a broker that may be known only when its moment comes.
type aimed interface {
	act
	against(node int) aimed
}

// whoever stands for any broker in a when, and for the one that it happened to in what it does.
const whoever = -1

// onWriting is the moment that is no mark: a write to a broker's WAL begins.
const onWriting = Marks

func momentName(m Mark) string {
	if m == onWriting {
		return "writing"
	}
	return m.Name()
}

// momentNamed finds a moment: only what happens to a broker is one.
func momentNamed(name string) (Mark, error) {
	for m := range Marks + 1 {
		if momentName(m) == name && m.ofBroker() {
			return m, nil
		}
	}
	return 0, fmt.Errorf("no moment %q; there are writing, and the marks that happen to a broker", name)
}

func (a when) do(w *World) error {
	w.whens = append(w.whens, &a)
	w.after(a.most, func() {
		if i := slices.Index(w.whens, &a); i >= 0 {
			w.whens = slices.Delete(w.whens, i, i+1)
			if a.event == onWriting && a.node != whoever {
				a.fire(w, w.nodes[a.node])
			}
		}
	})
	return nil
}

// fire does what waited. It was recorded when it began to wait.
func (a *when) fire(w *World, n *node) {
	if w.phase != phaseStorm {
		return
	}
	act := a.act
	if a.node == whoever {
		act = act.against(n.index)
	}
	w.did(act)
	if err := act.do(w); err == nil && a.done != nil {
		a.done()
	}
}

// moment has come for a broker; takes is how long it lasts.
func (w *World) moment(event Mark, n *node, takes time.Duration) {
	for _, a := range slices.Clone(w.whens) {
		if a.event != event || a.node != n.index && (a.node != whoever || w.now < w.hush) {
			continue
		}
		w.whens = slices.Delete(w.whens, slices.Index(w.whens, a), slices.Index(w.whens, a)+1)
		w.queue.first(w.now+1+a.delay+takes*time.Duration(a.share)/1000, func() { a.fire(w, n) })
	}
}

// waiting counts what waits for a moment of one broker, or of any.
func (w *World) waiting(node int) int {
	n := 0
	for _, a := range w.whens {
		if a.node == node {
			n++
		}
	}
	return n
}

func (a when) text(w *World) string {
	who, what := "any", a.act.text(w)
	if a.node != whoever {
		who = fmt.Sprint(w.nodes[a.node].id)
	} else {
		words := strings.Fields(what)
		words[1] = "it"
		what = strings.Join(words, " ")
	}
	s := fmt.Sprintf("when %s %s", who, momentName(a.event))
	if a.delay > 0 {
		s += fmt.Sprintf(" delay=%v", a.delay)
	}
	if a.share > 0 {
		s += fmt.Sprintf(" share=%d", a.share)
	}
	return s + fmt.Sprintf(" within=%v %s", a.most, what)
}

// aimedCommands are those that a when may do.
var aimedCommands = map[string]func(t *teller, args []string) (act, error){
	"crash": func(t *teller, args []string) (act, error) {
		return parseStrike(t, slices.Concat([]string{"crash"}, args))
	},
	"power": func(t *teller, args []string) (act, error) {
		return parseStrike(t, slices.Concat([]string{"power"}, args))
	},
	"pause":     parsePause(false),
	"stop":      parseStop,
	"isolate":   parseIsolate,
	"syncfail":  parseBroker(func(node int) act { return syncFails{node} }),
	"writefail": parseBroker(func(node int) act { return writeFails{node} }),
}

// parseWhen reads when B|any MOMENT [delay=DURATION] [share=N] [within=DURATION] COMMAND.
func parseWhen(t *teller, args []string) (act, error) {
	a := when{node: whoever, most: patience}
	if args[0] != "any" {
		n, err := t.broker(args[0])
		if err != nil {
			return nil, err
		}
		a.node = n.index
	}
	var err error
	if a.event, err = momentNamed(args[1]); err != nil {
		return nil, err
	}
	rest := args[2:]
	for len(rest) > 0 {
		name, value, named := strings.Cut(rest[0], "=")
		if !named {
			break
		}
		rest = rest[1:]
		switch name {
		case "delay":
			a.delay, err = parseTime(value)
		case "within":
			a.most, err = parseTime(value)
		case "share":
			a.share, err = strconv.Atoi(value)
		default:
			err = fmt.Errorf("what is %q?", name)
		}
		if err != nil {
			return nil, err
		}
	}
	a.act, err = parseAimed(t, rest, a.node == whoever)
	return a, err
}

// parseAimed reads what a when does: against it, if that may be any broker.
func parseAimed(t *teller, words []string, late bool) (aimed, error) {
	if len(words) < 2 || aimedCommands[words[0]] == nil {
		return nil, fmt.Errorf("when does not do %q, only %s", strings.Join(words, " "), strings.Join(slices.Sorted(maps.Keys(aimedCommands)), ", "))
	}
	if (words[1] == "it") != late {
		return nil, fmt.Errorf("%s %q: behind 'when any' it is 'it', behind 'when B' it is B again", words[0], words[1])
	}
	args := slices.Clone(words[1:])
	if late {
		args[0] = fmt.Sprint(t.w.nodes[0].id) // until its moment comes
	}
	a, err := aimedCommands[words[0]](t, args)
	if err != nil {
		return nil, err
	}
	return a.(aimed), nil // all of aimedCommands are
}
