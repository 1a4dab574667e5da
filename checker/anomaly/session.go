package anomaly

import (
	"fmt"
	"slices"

	"logd/checker"
)

// spot is where a session's last poll or send of a partition ended.
type spot struct {
	by    int32
	value string
	index int32 // -1: not known
}

// consumer is what is known of a session while its acts are gone through.
type consumer struct {
	spots      map[string]spot
	subscribed bool
	moved      map[string]bool // partitions that were rebalanced since they were last polled
}

// assign cuts the state: only partitions that are asked for again go on. It
// returns false if the act is none that does so.
func (s *consumer) assign(a *act) bool {
	op := a.op
	switch {
	case op.Kind == checker.Crash:
		clear(s.spots)
		return true
	case op.Kind != checker.Assign && op.Kind != checker.Subscribe:
		return false
	case op.Outcome == checker.Failed:
		return true
	}
	s.subscribed = op.Kind == checker.Subscribe
	kept := map[string]spot{}
	for _, p := range op.Parts {
		if at, ok := s.spots[p]; ok && !op.Beginning {
			kept[p] = at
		}
	}
	s.spots = kept
	return true
}

// polls finds jumps between a session's successive polls of a partition.
func (c *check) polls(session []int32) {
	s := consumer{spots: map[string]spot{}, moved: map[string]bool{}}
	for _, i := range session {
		a := &c.acts[i]
		if s.assign(a) {
			continue
		}
		for _, p := range a.op.Rebalanced {
			s.moved[p] = true
		}
		first, final := c.ends(i)
		for _, e := range first {
			if at, ok := s.spots[e.part]; ok && e.poll && c.follows(at.by, i) {
				c.jump(&s, a, at, e)
			}
		}
		if !a.ok() {
			continue // a transaction that doesn't commit leaves the consumer where it was
		}
		s.advance(a, final)
	}
}

// advance moves the session on to where an ok act ended.
func (s *consumer) advance(a *act, final []end) {
	for k := range a.in {
		if in := &a.in[k]; in.Kind == checker.Read && !in.Poll {
			delete(s.spots, in.Partition) // the caller chose where to be
		}
	}
	for _, e := range final {
		s.spots[e.part] = e.spot
		if !slices.Contains(a.op.Rebalanced, e.part) {
			delete(s.moved, e.part)
		}
	}
}

// end is the first or last value of a partition in an act's answers.
type end struct {
	spot
	part string
	poll bool
	off  int64
}

// ends returns the first and the last value that an act was given of each partition.
func (c *check) ends(i int32) (first, final []end) {
	at := map[string]int{}
	c.eachRead(&c.acts[i], func(l *log, in *checker.Op, k int, v int32) {
		off := offset(in, k)
		e := end{spot{i, l.values[v].name, l.rank(off)}, l.name, in.Poll, off}
		n, ok := at[l.name]
		if !ok {
			at[l.name] = len(first)
			first, final = append(first, e), append(final, e)
			return
		}
		final[n] = e
	})
	return first, final
}

// follows reports whether act j of a session is known to come after act i (B2). A
// session does one thing after another, so an instant that they share is in order.
func (c *check) follows(i, j int32) bool { return c.acts[i].ret() <= c.acts[j].op.Call }

const trimmedBetween = "what lies between may have been trimmed"

// trimmed reports whether the records below an index may be gone.
func (l *log) trimmed(i int32) bool { return i > 0 && l.offs[i-1] < l.start }

func (c *check) jump(s *consumer, a *act, at spot, e end) {
	delta := int64(e.index - at.index)
	if delta == 1 {
		return
	}
	found := Anomaly{Partition: e.part, Delta: delta, Values: []string{at.value, e.value}}
	l := c.logs[c.byName[e.part]]
	found.Offsets = []int64{l.offs[at.index], e.off}
	switch {
	case s.subscribed:
		found.Allowed = "the session is subscribed, and a group may move its partitions between polls"
	case s.moved[e.part]:
		found.Allowed = "the partition was rebalanced"
	case delta > 1 && l.trimmed(e.index):
		found.Allowed = trimmedBetween
	}
	before := &c.acts[at.by]
	if delta > 1 {
		found.Name = PollSkip
		skipped := l.sights(l.offs[at.index+1])[0]
		found.Explain = fmt.Sprintf("%s ended with %q at offset %d, and %s of the same session went on with %q at offset %d; %s shows %q at offset %d between them",
			before.say(), at.value, found.Offsets[0], a.say(), e.value, e.off, c.acts[skipped.by].say(), l.values[skipped.value].name, l.offs[at.index+1])
		c.found(found, e.by, at.by, skipped.by)
		return
	}
	found.Name = NonmonotonicPoll
	found.Explain = fmt.Sprintf("%s ended with %q at offset %d, and %s of the same session went back to %q at offset %d",
		before.say(), at.value, found.Offsets[0], a.say(), e.value, e.off)
	c.found(found, e.by, at.by)
}

// sends finds a session's successive sends that stand in the other order.
func (c *check) sends(session []int32) {
	s := consumer{spots: map[string]spot{}}
	for _, i := range session {
		a := &c.acts[i]
		if s.assign(a) || a.fate == aborted {
			continue
		}
		first, final := c.sent(i)
		for _, e := range first {
			at, ok := s.spots[e.part]
			if !ok || at.index < 0 || e.index < 0 || e.index > at.index || !c.follows(at.by, i) {
				continue
			}
			l := c.logs[c.byName[e.part]]
			offs := []int64{l.offs[at.index], l.offs[e.index]}
			c.found(Anomaly{Name: NonmonotonicSend, Partition: e.part, Delta: int64(e.index - at.index),
				Offsets: offs, Values: []string{at.value, e.value},
				Explain: fmt.Sprintf("%s sent %q to offset %d, and then %s of the same session sent %q to offset %d",
					c.acts[at.by].say(), at.value, offs[0], a.say(), e.value, offs[1])}, i, at.by)
		}
		for _, e := range final {
			s.spots[e.part] = e.spot
		}
	}
}

// sent returns the first and the last value that an act sent to each partition.
func (c *check) sent(i int32) (first, final []end) {
	at := map[string]int{}
	for k := range c.acts[i].in {
		in := &c.acts[i].in[k]
		if in.Kind != checker.Append || in.Partition == "" {
			continue
		}
		l := c.logs[c.byName[in.Partition]]
		for n, name := range in.Values {
			e := end{spot: spot{i, name, l.indexOf(c.acts[i].fate, in, n)}, part: l.name}
			if m, ok := at[l.name]; ok {
				final[m] = e
				continue
			}
			at[l.name] = len(first)
			first, final = append(first, e), append(final, e)
		}
	}
	return first, final
}

// indexOf is that of the n-th value of an append, -1 if it isn't known: where the
// append was told that it stands, else where it was seen.
func (l *log) indexOf(f fate, in *checker.Op, n int) int32 {
	if f == certain && in.Outcome == checker.OK {
		return l.rank(in.Off + int64(n))
	}
	return l.values[l.value(in.Values[n])].first
}

// insides finds jumps inside one operation.
func (c *check) insides() {
	for i := range c.acts {
		c.insidePolls(int32(i))
		c.insideSends(int32(i))
	}
}

func (c *check) insidePolls(i int32) {
	a := &c.acts[i]
	before := map[string]spot{}
	c.eachRead(a, func(l *log, in *checker.Op, k int, id int32) {
		off := offset(in, k)
		now := spot{i, l.values[id].name, l.rank(off)}
		was, ok := before[l.name]
		before[l.name] = now
		if !ok || k == 0 && !in.Poll {
			return // the caller chose where to go on
		}
		delta := int64(now.index - was.index)
		if delta == 1 {
			return
		}
		found := Anomaly{Partition: l.name, Delta: delta, Offsets: []int64{l.offs[was.index], off}, Values: []string{was.value, now.value}}
		if slices.Contains(a.op.Rebalanced, l.name) || slices.Contains(in.Rebalanced, l.name) {
			found.Allowed = "the partition was rebalanced meanwhile"
		}
		if delta > 1 && k == 0 && l.trimmed(now.index) {
			found.Allowed = trimmedBetween
		}
		if delta < 1 {
			found.Name = IntNonmonotonicPoll
			found.Explain = fmt.Sprintf("%s was given %q at offset %d and then %q at offset %d", a.say(), was.value, found.Offsets[0], now.value, off)
			c.found(found, i)
			return
		}
		skipped := l.sights(l.offs[was.index+1])[0]
		found.Name = IntPollSkip
		found.Explain = fmt.Sprintf("%s was given %q at offset %d and then %q at offset %d; %s shows %q at offset %d between them",
			a.say(), was.value, found.Offsets[0], now.value, off, c.acts[skipped.by].say(), l.values[skipped.value].name, l.offs[was.index+1])
		c.found(found, i, skipped.by)
	})
}

func (c *check) insideSends(i int32) {
	a := &c.acts[i]
	if a.op.Kind != checker.Txn && len(a.op.Values) < 2 {
		return
	}
	before := map[string]spot{}
	for k := range a.in {
		in := &a.in[k]
		if in.Kind != checker.Append || in.Partition == "" {
			continue
		}
		l := c.logs[c.byName[in.Partition]]
		for n, name := range in.Values {
			now := spot{i, name, l.indexOf(a.fate, in, n)}
			was, ok := before[l.name]
			before[l.name] = now
			if !ok || was.index < 0 || now.index < 0 || now.index > was.index {
				continue
			}
			offs := []int64{l.offs[was.index], l.offs[now.index]}
			c.found(Anomaly{Name: IntNonmonotonicSend, Partition: l.name, Delta: int64(now.index - was.index), Offsets: offs, Values: []string{was.value, name},
				Explain: fmt.Sprintf("%s sent %q, then %q, and they stand at offsets %d and %d", a.say(), was.value, name, offs[0], offs[1])}, i)
		}
	}
}
