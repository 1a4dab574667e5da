package anomaly

import (
	"fmt"
	"slices"

	"logd/checker"
)

// spot is where a session's last poll or send of a partition ended.
type spot struct {
	by    int32
	value int32
	index int32 // -1: not known
}

// consumer is what is known of a session while its acts are gone through.
type consumer struct {
	spots      map[int32]spot // of logs
	subscribed bool
	moved      map[string]bool // partitions that were rebalanced since they were last polled
}

// assign cuts the state: only partitions that are asked for again go on. It
// returns false if the act is none that does so.
func (c *check) assign(s *consumer, a *act) bool {
	op := a.op
	switch {
	case op.kind == checker.Crash:
		clear(s.spots)
		return true
	case op.kind != checker.Assign && op.kind != checker.Subscribe:
		return false
	case op.outcome == checker.Failed:
		return true
	}
	s.subscribed = op.kind == checker.Subscribe
	kept := map[int32]spot{}
	for _, p := range c.parts(op) {
		if at, ok := s.spots[p]; ok && !c.extras[op.extra].beginning {
			kept[p] = at
		}
	}
	s.spots = kept
	return true
}

// polls finds jumps between a session's successive polls of a partition.
func (c *check) polls(session []int32) {
	s := consumer{spots: map[int32]spot{}, moved: map[string]bool{}}
	for _, i := range session {
		a := c.act(i)
		if c.assign(&s, &a) {
			continue
		}
		for _, p := range c.rebalanced(a.op) {
			s.moved[p] = true
		}
		first, final := c.ends(i)
		for _, e := range first {
			if at, ok := s.spots[e.log]; ok && e.poll && c.follows(at.by, i) {
				c.jump(&s, &a, at, e)
			}
		}
		if !a.ok() {
			continue // a transaction that doesn't commit leaves the consumer where it was
		}
		c.advance(&s, &a, final)
	}
}

// advance moves the session on to where an ok act ended.
func (c *check) advance(s *consumer, a *act, final []end) {
	for k := range a.in {
		if in := &a.in[k]; in.kind == checker.Read && !in.poll {
			delete(s.spots, in.log) // the caller chose where to be
		}
	}
	for _, e := range final {
		s.spots[e.log] = e.spot
		if p := c.logs[e.log].name; len(s.moved) > 0 && !slices.Contains(c.rebalanced(a.op), p) {
			delete(s.moved, p)
		}
	}
}

// end is the first or last value of a partition in an act's answers.
type end struct {
	spot
	log  int32
	poll bool
	off  int64
}

// ends returns the first and the last value that an act was given of each partition,
// until the next call.
func (c *check) ends(i int32) (first, final []end) {
	c.fresh()
	c.firstEnds, c.lastEnds = c.firstEnds[:0], c.lastEnds[:0]
	a := c.act(i)
	for k := range a.in {
		in := &a.in[k]
		if in.kind != checker.Read || in.outcome != checker.OK || in.log < 0 || in.n == 0 {
			continue
		}
		vals := c.vals(in)
		n := len(vals) - 1
		c.goesFrom(c.endAt(i, in, vals[0], 0))
		c.goesTo(c.endAt(i, in, vals[n], n))
	}
	return c.firstEnds, c.lastEnds
}

func (c *check) endAt(i int32, in *row, v int32, k int) end {
	off := c.offset(in, k)
	return end{spot{i, v, c.logs[in.log].rank(off)}, in.log, in.poll, off}
}

// goesFrom notes an end if it is the first of its log, goesTo as the last.
func (c *check) goesFrom(e end) {
	if at := int(c.placeOf(e.log, int32(len(c.firstEnds)))); at == len(c.firstEnds) {
		c.firstEnds, c.lastEnds = append(c.firstEnds, e), append(c.lastEnds, e)
	}
}

func (c *check) goesTo(e end) { c.lastEnds[c.placeOf(e.log, 0)] = e }

// follows reports whether act j of a session is known to come after act i (B2). A
// session does one thing after another, so an instant that they share is in order.
func (c *check) follows(i, j int32) bool { return c.rows.rows[i].over() <= c.rows.rows[j].call }

const trimmedBetween = "what lies between may have been trimmed"

// trimmed reports whether the records below an index may be gone.
func (l *log) trimmed(i int32) bool { return i > 0 && l.offs[i-1] < l.start }

func (c *check) jump(s *consumer, a *act, at spot, e end) {
	delta := int64(e.index - at.index)
	if delta == 1 {
		return
	}
	l := c.logs[e.log]
	was, now := l.values[at.value].name, l.values[e.value].name
	found := Anomaly{Partition: l.name, Delta: delta, Values: []string{was, now}}
	found.Offsets = []int64{l.offs[at.index], e.off}
	switch {
	case s.subscribed:
		found.Allowed = "the session is subscribed, and a group may move its partitions between polls"
	case s.moved[l.name]:
		found.Allowed = "the partition was rebalanced"
	case delta > 1 && l.trimmed(e.index):
		found.Allowed = trimmedBetween
	}
	if delta > 1 {
		found.Name = PollSkip
		skipped := l.firsts[at.index+1]
		found.Explain = fmt.Sprintf("%s ended with %q at offset %d, and %s of the same session went on with %q at offset %d; %s shows %q at offset %d between them",
			c.say(at.by), was, found.Offsets[0], a.say(), now, e.off, c.say(skipped.by), l.values[skipped.value].name, l.offs[at.index+1])
		c.found(found, e.by, at.by, skipped.by)
		return
	}
	found.Name = NonmonotonicPoll
	found.Explain = fmt.Sprintf("%s ended with %q at offset %d, and %s of the same session went back to %q at offset %d",
		c.say(at.by), was, found.Offsets[0], a.say(), now, e.off)
	c.found(found, e.by, at.by)
}

// sends finds a session's successive sends that stand in the other order.
func (c *check) sends(session []int32) {
	s := consumer{spots: map[int32]spot{}}
	for _, i := range session {
		a := c.act(i)
		if c.assign(&s, &a) || a.fate == aborted {
			continue
		}
		first, final := c.sent(i)
		for _, e := range first {
			at, ok := s.spots[e.log]
			if !ok || at.index < 0 || e.index < 0 || e.index > at.index || !c.follows(at.by, i) {
				continue
			}
			l := c.logs[e.log]
			was, now := l.values[at.value].name, l.values[e.value].name
			offs := []int64{l.offs[at.index], l.offs[e.index]}
			c.found(Anomaly{Name: NonmonotonicSend, Partition: l.name, Delta: int64(e.index - at.index),
				Offsets: offs, Values: []string{was, now},
				Explain: fmt.Sprintf("%s sent %q to offset %d, and then %s of the same session sent %q to offset %d",
					c.say(at.by), was, offs[0], a.say(), now, offs[1])}, i, at.by)
		}
		for _, e := range final {
			s.spots[e.log] = e.spot
		}
	}
}

// sent returns the first and the last value that an act sent to each partition, until
// the next call.
func (c *check) sent(i int32) (first, final []end) {
	c.fresh()
	c.firstEnds, c.lastEnds = c.firstEnds[:0], c.lastEnds[:0]
	a := c.act(i)
	for k := range a.in {
		in := &a.in[k]
		if in.kind != checker.Append || in.log < 0 || in.n == 0 {
			continue
		}
		vals, l := c.vals(in), c.logs[in.log]
		n := len(vals) - 1
		c.goesFrom(end{spot: spot{i, vals[0], l.indexOf(a.fate, in, vals[0], 0)}, log: in.log})
		c.goesTo(end{spot: spot{i, vals[n], l.indexOf(a.fate, in, vals[n], n)}, log: in.log})
	}
	return c.firstEnds, c.lastEnds
}

// indexOf is that of v, the n-th value of an append, -1 if it isn't known: where the
// append was told that it stands, else where it was seen.
func (l *log) indexOf(f fate, in *row, v int32, n int) int32 {
	if f == certain && in.outcome == checker.OK {
		return l.rank(in.off + int64(n))
	}
	return l.values[v].first
}

// insides finds jumps inside one operation.
func (c *check) insides() {
	for i := range c.fates {
		c.insidePolls(int32(i))
		c.insideSends(int32(i))
	}
}

// before returns the last spot of a log inside the act that is being looked at, and makes
// now the last; ok is false if there was none.
func (c *check) before(li int32, now spot) (was spot, ok bool) {
	at := int(c.placeOf(li, int32(len(c.lastEnds))))
	if at == len(c.lastEnds) {
		c.lastEnds = append(c.lastEnds, end{spot: now})
		return spot{}, false
	}
	was = c.lastEnds[at].spot
	c.lastEnds[at].spot = now
	return was, true
}

func (c *check) insidePolls(i int32) {
	a := c.act(i)
	c.fresh()
	c.lastEnds = c.lastEnds[:0]
	c.eachRead(&a, func(l *log, in *row, k int, id int32) {
		off := c.offset(in, k)
		now := spot{i, id, l.rank(off)}
		was, ok := c.before(in.log, now)
		if !ok || k == 0 && !in.poll {
			return // the caller chose where to go on
		}
		delta := int64(now.index - was.index)
		if delta == 1 {
			return
		}
		from, to := l.values[was.value].name, l.values[id].name
		found := Anomaly{Partition: l.name, Delta: delta, Offsets: []int64{l.offs[was.index], off}, Values: []string{from, to}}
		if slices.Contains(c.rebalanced(a.op), l.name) || slices.Contains(c.rebalanced(in), l.name) {
			found.Allowed = "the partition was rebalanced meanwhile"
		}
		if delta > 1 && k == 0 && l.trimmed(now.index) {
			found.Allowed = trimmedBetween
		}
		if delta < 1 {
			found.Name = IntNonmonotonicPoll
			found.Explain = fmt.Sprintf("%s was given %q at offset %d and then %q at offset %d", a.say(), from, found.Offsets[0], to, off)
			c.found(found, i)
			return
		}
		skipped := l.firsts[was.index+1]
		found.Name = IntPollSkip
		found.Explain = fmt.Sprintf("%s was given %q at offset %d and then %q at offset %d; %s shows %q at offset %d between them",
			a.say(), from, found.Offsets[0], to, off, c.say(skipped.by), l.values[skipped.value].name, l.offs[was.index+1])
		c.found(found, i, skipped.by)
	})
}

func (c *check) insideSends(i int32) {
	a := c.act(i)
	if a.op.kind != checker.Txn && a.op.n < 2 {
		return
	}
	c.fresh()
	c.lastEnds = c.lastEnds[:0]
	for k := range a.in {
		in := &a.in[k]
		if in.kind != checker.Append || in.log < 0 {
			continue
		}
		l := c.logs[in.log]
		for n, id := range c.vals(in) {
			now := spot{i, id, l.indexOf(a.fate, in, id, n)}
			was, ok := c.before(in.log, now)
			if !ok || was.index < 0 || now.index < 0 || now.index > was.index {
				continue
			}
			from, to := l.values[was.value].name, l.values[id].name
			offs := []int64{l.offs[was.index], l.offs[now.index]}
			c.found(Anomaly{Name: IntNonmonotonicSend, Partition: l.name, Delta: int64(now.index - was.index), Offsets: offs, Values: []string{from, to},
				Explain: fmt.Sprintf("%s sent %q, then %q, and they stand at offsets %d and %d", a.say(), from, to, offs[0], offs[1])}, i)
		}
	}
}
