package sim

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// cutLink adds (+1) or takes away (-1) one fault on a direction.
type cutLink struct {
	from, to int
	by       int
}

func (a cutLink) do(w *World) error {
	l := &w.net.links[a.from][a.to]
	switch {
	case a.by > 0:
		if err := w.faults.atPeaceNow(); err != nil {
			return err
		}
	case l.cut == 0:
		return fmt.Errorf("that direction isn't cut")
	}
	l.cut += a.by
	l.ails = w.now
	return nil
}

func (a cutLink) text(w *World) string {
	return fmt.Sprintf("%s %s %s", map[int]string{1: "one-way", -1: "join"}[a.by], w.net.place(a.from), w.net.place(a.to))
}

// clog makes a direction slower, or takes that away.
type clog struct {
	from, to int
	by       time.Duration
}

func (a clog) do(w *World) error {
	if a.by > 0 {
		if err := w.faults.atPeaceNow(); err != nil {
			return err
		}
	}
	l := &w.net.links[a.from][a.to]
	l.slow = max(0, l.slow+a.by)
	l.ails = w.now
	return nil
}

func (a clog) text(w *World) string {
	return fmt.Sprintf("clog %s %s %v", w.net.place(a.from), w.net.place(a.to), a.by)
}

// delivery is what becomes of the next envelope of a link, if it isn't what becomes of all.
type delivery struct {
	from, to  int
	lost      bool
	overtakes bool          // it may arrive before those that were sent before it
	twice     time.Duration // it comes again so long after; 0: once
	flip      int           // this bit of it, counted from 1 and without its length field, arrives as its opposite; 0: none
	length    int           // this bit of its length field, counted from 1, arrives as its opposite; 0: none
	skip      int           // envelopes that the link carries at this very instant before it
}

func (a delivery) usual() bool {
	return !a.lost && !a.overtakes && a.twice == 0 && a.flip == 0 && a.length == 0
}

func (a delivery) do(w *World) error {
	l := &w.net.links[a.from][a.to]
	l.told = append(l.told, toldDelivery{delivery: a, at: w.now})
	return nil
}

func (a delivery) text(w *World) string {
	s := fmt.Sprintf("envelope %s %s", w.net.place(a.from), w.net.place(a.to))
	if a.lost {
		s += " lost"
	}
	if a.overtakes {
		s += " overtakes"
	}
	if a.twice > 0 {
		s += fmt.Sprintf(" again=%v", a.twice)
	}
	if a.flip > 0 {
		s += fmt.Sprintf(" flip=%d", a.flip)
	}
	if a.length > 0 {
		s += fmt.Sprintf(" length=%d", a.length)
	}
	if a.skip > 0 {
		s += fmt.Sprintf(" skip=%d", a.skip)
	}
	return s
}

func parseDelivery(t *teller, args []string) (act, error) {
	from, to, err := t.link(args)
	if err != nil {
		return nil, err
	}
	a := delivery{from: from, to: to}
	if a.from == a.to || max(a.from, a.to) == t.w.net.outside() {
		return nil, fmt.Errorf("no envelopes go there")
	}
	for _, word := range args[2:] {
		name, value, _ := strings.Cut(word, "=")
		switch name {
		case "lost":
			a.lost = true
		case "overtakes":
			a.overtakes = true
		case "again":
			a.twice, err = parseTime(value)
		case "flip":
			a.flip, err = strconv.Atoi(value)
		case "length":
			if a.length, err = strconv.Atoi(value); err == nil && (a.length < 0 || a.length > 32) {
				err = fmt.Errorf("a length field has 32 bits")
			}
		case "skip":
			a.skip, err = strconv.Atoi(value)
		default:
			err = fmt.Errorf("what is %q?", word)
		}
		if err != nil {
			return nil, err
		}
	}
	return a, nil
}

func parseLink(by int) func(*teller, []string) (act, error) {
	return func(t *teller, args []string) (act, error) {
		from, to, err := t.link(args)
		return cutLink{from: from, to: to, by: by}, err
	}
}

func parseClog(t *teller, args []string) (act, error) {
	from, to, err := t.link(args)
	if err != nil {
		return nil, err
	}
	by, err := time.ParseDuration(args[2])
	return clog{from: from, to: to, by: by}, err
}

// link reads a direction.
func (t *teller) link(args []string) (from, to int, err error) {
	if from, err = t.end(args[0]); err == nil {
		to, err = t.end(args[1])
	}
	return from, to, err
}
