package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// In the calm some of a group's members go on for as long as it takes, and the others are never heard of again. Soon each partition is
// owned by one of those that stay: what belonged to members that are dead, or was being handed over, is given on once their sessions
// have ended. What is not is nobody's for ever, and a group shows that by no error.
//
//	member 1  beat  beat ─────────────── beat: has 0, 2   beat ┐
//	member 2  silent ───── session ends                        ├ each was answered since all partitions had an owner: settled
//	member 3  join ─── sync ──────────── beat: has 1, 3   beat ┘
//
// It is judged by what members use. Exempt is a group none of whose members stays, and while no coordinator has held its place for as
// long as members have. Then the others fall silent too, and the census begins (consumer_sessions.go).

// settleEvery is how often, about, a member speaks in the calm: a drawn session is longer than twice that.
const settleEvery = 60 * time.Millisecond

// settler is a member in the calm.
type settler struct {
	beat time.Duration // when it asked for the last heartbeat that was answered as a member's
}

// settling is what is known of a group on its way to rest.
type settling struct {
	staying []*client
	term    uint64        // of the coordinator
	since   time.Duration // that it has been it; or the calm's beginning
	covered time.Duration // since when each partition has had an owner; 0: one has none
	settled bool
}

// settleGroups has members go on. Which do is drawn now: what a run drew before hangs on whether it is told (W12).
func (w *World) settleGroups() {
	for _, c := range w.clients {
		if c.number >= finishers || !c.seat.took {
			continue
		}
		if c.rng = stream(w.opt.Seed, streamSettle, uint64(c.number)); c.rng.IntN(3) == 0 {
			continue
		}
		r := &settler{beat: -1}
		c.role = r
		s := &w.ledgerOf(c.seat.group).settling
		s.staying, s.since = append(s.staying, c), w.now
		r.plan(c)
	}
}

// atRest tells whether a group has come to rest, or has nobody who could.
func (s *settling) atRest() bool { return s.settled || len(s.staying) == 0 }

func (r *settler) act(*client) {}

func (r *settler) plan(c *client) { c.w.after(c.pause(settleEvery), func() { r.turn(c) }) }

func (r *settler) done(c *client, k *call) {
	beat := k.key == int16(kmsg.Heartbeat) || k.key == int16(kmsg.ConsumerGroupHeartbeat)
	if g := &c.seat; beat && k.code == codeNone && k.resp != nil && g.stage == seatWorking {
		r.beat = k.sent
	}
}

// turn looks at the group and has the member say what comes next.
func (r *settler) turn(c *client) {
	w, g := c.w, &c.seat
	s := &w.ledgerOf(g.group).settling
	if s.look(w, g.group); w.phase != phaseCalm || s.settled {
		return
	}
	r.plan(c)
	if c.inflight > 0 || c.asking {
		return
	}
	switch {
	case g.node < 0:
		c.ask(request{kind: askCoordinator, part: -1, node: c.rng.IntN(w.opt.Brokers), version: 4})
	case g.modern && slices.Contains(c.ids, [16]byte{}):
		c.asking = true
		c.ask(request{kind: askMetadata, part: -1, version: 12, node: c.rng.IntN(w.opt.Brokers)})
	case g.modern: // it gives up at once what it is to give up
		c.ask(request{kind: askMember, part: -1, node: g.node, version: 1, at: 1})
	case g.stage == seatOut:
		c.ask(request{kind: askJoin, part: -1, node: g.node, version: 9})
	case g.stage == seatJoined:
		c.ask(request{kind: askSync, part: -1, node: g.node, version: 5})
	default:
		c.ask(request{kind: askBeat, part: -1, node: g.node, version: 4})
	}
}

// look judges a group: it has settled once each member that stays was answered since each partition has had an owner.
func (s *settling) look(w *World, id string) {
	if _, term := w.coordinator(id); s.term != term {
		s.term, s.since = term, w.now
	}
	lacks := s.unowned(w)
	switch {
	case s.settled:
	case lacks == "" && s.covered == 0:
		s.covered = w.now
	case lacks == "":
		s.settled = !slices.ContainsFunc(s.staying, func(c *client) bool { return c.role.(*settler).beat < s.covered })
	default:
		if s.covered = 0; w.now-s.since > w.opt.sessionBound() {
			w.violate(Unowned, "%v after members of %s were lost for the last time, or its coordinator was elected, %s (G7, G9):%s",
				w.now-s.since, id, gist(lacks), s.seats())
		}
	}
}

// unowned says what keeps a group from being at rest: a partition that none of its members has, or one that isn't where the others are.
func (s *settling) unowned(w *World) string {
	owned := make([]bool, w.partitions())
	for _, c := range s.staying {
		g := &c.seat
		if g.stage != seatWorking {
			return fmt.Sprintf("client %d is no member yet", c.number)
		}
		if first := &s.staying[0].seat; !g.modern && !g.mixed && g.gen != first.gen {
			return fmt.Sprintf("client %d is in generation %d, client %d in %d", c.number, g.gen, s.staying[0].number, first.gen)
		}
		for _, part := range g.parts {
			owned[part] = true
		}
	}
	if part := slices.Index(owned, false); part >= 0 {
		return w.partName(part) + " is nobody's"
	}
	return ""
}

// seats says what each member has.
func (s *settling) seats() string {
	var b strings.Builder
	for _, c := range s.staying {
		g := &c.seat
		fmt.Fprintf(&b, "\n  client %d: member %q, %s, generation or epoch %d, has %v", c.number, g.id, [...]string{"out", "joined", "working"}[g.stage], g.gen, g.parts)
	}
	return b.String()
}
