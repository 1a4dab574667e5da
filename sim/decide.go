package sim

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

// act is one thing that happens to a world from outside of its brokers: a fault begins or ends, a process starts, a client
// asks, an envelope meets an unusual fate. All that is arbitrary about it stands in its values.
//
//	drawn:   nemesis, clients' roles ─ draw ─► decide ─► perform ─► act.do, and a line of the record
//	told:    a line of a story       ─ parse ─────────► perform ─► act.do
//
// What isn't an act follows from the options: the setup, how long work takes, and what the calm does (calm.go).
type act interface {
	// do makes it happen. An error says why it can't, and then nothing has happened.
	do(w *World) error
	// text is the command of a story that does it.
	text(w *World) string
}

// ErrBudget says that an act would break the budget of faults (W7).
var ErrBudget = errors.New("not in the budget of faults")

// decide plans an act for the next nanosecond, before all else that happens then. So a run that is told the same acts finds
// the same world at each of them, whatever the drawn one had to plan besides (W12).
func (w *World) decide(a act) {
	w.queue.first(w.now+1, func() { _ = w.perform(a) }) // what can't be done any more isn't
}

// perform does an act, and records it if it was done.
func (w *World) perform(a act) error {
	w.did(a)
	err := a.do(w)
	if err == nil {
		w.record(a)
	} else if w.trace.verbose() {
		w.trace.line(w.now, traceStory, "# not done: %v", err)
	}
	return err
}

// did shows an act to who watches. Requests are shown when they are sent.
func (w *World) did(a act) {
	_, asks := a.(request)
	if !asks && (w.watch != nil || w.judge.file != nil) {
		text := []any{a.text(w)}
		w.watch.noted(true, "%s", text)
		w.judge.disturbed("%s", text)
	}
	if w.trace.verbose() {
		w.trace.line(w.now, traceStory, "%s", a.text(w))
	}
}

// record writes an act down.
func (w *World) record(a act) {
	if w.env.Record != nil {
		w.recorded(fmt.Sprintf("at %v %s", w.now, a.text(w)))
	}
}

func (w *World) recorded(line string) {
	if _, err := io.WriteString(w.env.Record, line+"\n"); err != nil {
		w.violate(BadResponse, "the record can't be written: %v", err)
	}
}

// recordOptions begins a record.
func (w *World) recordOptions() {
	if w.env.Record == nil {
		return
	}
	w.recorded(fmt.Sprintf("# Seed %d, as it was drawn.", w.opt.Seed))
	opt := w.opt
	opt.Budget = true
	for _, line := range opt.Lines() {
		w.recorded(line)
	}
}

// recordEnd ends a record with what must be seen again.
func (w *World) recordEnd() {
	if w.env.Record == nil {
		return
	}
	if w.violation != nil {
		w.recorded(strings.TrimSuffix(w.violation.expected(), "\n"))
	} else {
		w.recorded("finish")
		for _, line := range w.read() {
			w.recorded("  " + line)
		}
	}
	r := w.result()
	w.recorded(r.Trace())
}

// drawn tells whether acts are drawn as the run goes; else they are told.
func (w *World) drawn() bool { return !w.scripted }

// budgeted tells whether the budget of faults is kept: always, but in stories that were written by hand.
func (w *World) budgeted() bool { return w.drawn() || w.opt.Budget }
