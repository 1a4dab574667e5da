package sim

import (
	"strings"
	"testing"
	"time"
)

// A group is at rest once each partition has had an owner, and each member that stays was answered since; one that never comes to rest
// is a violation, but not before sessions are over, and not while coordinators change.
func TestUnownedIsAViolation(t *testing.T) {
	opt := storyOptions()
	opt.Load.Topics, opt.Load.Partitions, opt.Load.Members = 2, 2, 3
	group := func() (w *World, s *settling, rs []*settler) {
		w = newWorld(opt, Env{})
		s = &w.ledgerOf("group-0").settling
		for i := range 2 {
			r := &settler{beat: -1}
			c := newClient(w, 2+i, r)
			c.seat.stage, c.seat.gen, c.seat.parts = seatWorking, 4, []int{i, 2 + i}
			s.staying, rs = append(s.staying, c), append(rs, r)
		}
		w.now, s.since = time.Minute, time.Minute
		return w, s, rs
	}

	w, s, rs := group()
	s.look(w, "group-0")
	w.now += time.Second
	rs[0].beat = w.now
	if s.look(w, "group-0"); s.settled {
		t.Error("the second member was not answered since, and the group is at rest")
	}
	rs[1].beat = w.now
	if s.look(w, "group-0"); !s.settled {
		t.Error("both were answered since all is owned, and the group isn't at rest")
	}

	for what, hurt := range map[string]func(s *settling){
		"audit/1 is nobody's":  func(s *settling) { s.staying[1].seat.parts = []int{1} },
		"is no member yet":     func(s *settling) { s.staying[0].seat.stage = seatJoined },
		"is in generation 5, ": func(s *settling) { s.staying[1].seat.gen = 5 },
	} {
		w, s, rs := group()
		hurt(s)
		w.now += w.opt.sessionBound()
		rs[0].beat, rs[1].beat = w.now, w.now
		if s.look(w, "group-0"); w.violation != nil || s.settled {
			t.Errorf("%s: %v, at rest: %t, and sessions aren't over", what, w.violation, s.settled)
		}
		w.now++
		if s.look(w, "group-0"); w.violation == nil || w.violation.Name != Unowned || !strings.Contains(w.violation.Text, what) {
			t.Errorf("%s: %v, expected %s", what, w.violation, Unowned)
		}
	}

	w, s, _ = group()
	s.staying[1].seat.parts = nil
	w.now += 2 * w.opt.sessionBound()
	s.term = 3 // another one coordinates now
	if s.look(w, "group-0"); w.violation != nil {
		t.Errorf("the coordinator is a new one: %v", w.violation)
	}
	if s.staying = nil; !s.atRest() {
		t.Error("nobody stays, and somebody is waited for")
	}
}
