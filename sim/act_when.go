package sim

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// when is an act that waits for its moment: the broker is elected leader of something, or writes to its WAL. A race that is told by
// its moment instead of by a time stays one when all else is taken away.
type when struct {
	node  int
	event moment
	delay time.Duration // after the moment
	share int           // writing: so many per mille of what the write takes, besides
	most  time.Duration // it waits no longer; then a write that doesn't come is not waited for, and an election is given up
	act   act
	done  func() // drawn runs go on from there
}

type moment uint8

const (
	onElected moment = iota
	onWriting
)

var momentNames = [...]string{"elected", "writing"}

func (a when) do(w *World) error {
	n := w.nodes[a.node]
	n.whens = append(n.whens, &a)
	w.after(a.most, func() {
		if i := slices.Index(n.whens, &a); i >= 0 {
			n.whens = slices.Delete(n.whens, i, i+1)
			if a.event == onWriting {
				a.fire(w)
			}
		}
	})
	return nil
}

// fire does what waited. It was recorded when it began to wait.
func (a *when) fire(w *World) {
	if w.phase != phaseStorm {
		return
	}
	w.did(a.act)
	if err := a.act.do(w); err == nil && a.done != nil {
		a.done()
	}
}

// moment has come for a broker; takes is how long it lasts.
func (n *node) moment(event moment, takes time.Duration) {
	for _, a := range slices.Clone(n.whens) {
		if a.event == event {
			n.whens = slices.Delete(n.whens, slices.Index(n.whens, a), slices.Index(n.whens, a)+1)
			n.w.queue.first(n.w.now+1+a.delay+takes*time.Duration(a.share)/1000, func() { a.fire(n.w) })
		}
	}
}

func (a when) text(w *World) string {
	s := fmt.Sprintf("when %d %s", w.nodes[a.node].id, momentNames[a.event])
	if a.delay > 0 {
		s += fmt.Sprintf(" delay=%v", a.delay)
	}
	if a.share > 0 {
		s += fmt.Sprintf(" share=%d", a.share)
	}
	return s + fmt.Sprintf(" within=%v %s", a.most, a.act.text(w))
}

// parseWhen reads when B elected|writing [delay=DURATION] [share=N] [within=DURATION] COMMAND.
func parseWhen(t *teller, args []string) (act, error) {
	n, err := t.broker(args[0])
	if err != nil {
		return nil, err
	}
	a := when{node: n.index, most: patience}
	i := slices.Index(momentNames[:], args[1])
	if i < 0 {
		return nil, fmt.Errorf("no moment %q; there are %s", args[1], strings.Join(momentNames[:], ", "))
	}
	a.event = moment(i)
	rest := args[2:]
	for len(rest) > 0 {
		name, value, named := strings.Cut(rest[0], "=")
		if !named {
			break
		}
		rest = rest[1:]
		switch name {
		case "delay":
			a.delay, err = time.ParseDuration(value)
		case "within":
			a.most, err = time.ParseDuration(value)
		case "share":
			a.share, err = strconv.Atoi(value)
		default:
			err = fmt.Errorf("what is %q?", name)
		}
		if err != nil {
			return nil, err
		}
	}
	if len(rest) < 2 || rest[0] != "crash" && rest[0] != "power" {
		return nil, fmt.Errorf("when does nothing but crash B and power B")
	}
	a.act, err = parseStrike(t, rest)
	return a, err
}
