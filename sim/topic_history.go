package sim

import (
	"fmt"
	"slices"
	"time"

	"logd/checker"
)

// lifeOfAnswer binds what was asked by name to the life that answered: the one that the broker had in that time. It is nil if
// there were two.
func (t *topicLedger) lifeOfAnswer(k *call) *life {
	if k.life != nil {
		if g := k.life.group(k.index); g != nil && g.droppedBefore(k) {
			t.w.violate(DeletedServed, "broker %d answers from %s, asked at %v, and has dropped it at %v (D4)", k.line.node+1, g.named(), k.sent, g.dropped[k.line.node])
		}
		return k.life
	}
	met := t.metBy(k)
	if len(met) == 0 {
		t.w.violate(DeletedServed, "broker %d answers for %s, asked at %v, and has had no life of it since then (D4)", k.line.node+1, labelled(k.topic-1, k.index), k.sent)
	}
	if len(met) != 1 {
		return nil
	}
	return met[0]
}

// metBy lists the lives that a call by name can have met at its broker.
func (t *topicLedger) metBy(k *call) (met []*life) {
	for _, l := range t.names[k.topic-1].lives {
		if g := l.group(k.index); g != nil && (g.replicas[k.line.node].live || g.held[k.line.node] >= k.sent) {
			met = append(met, l)
		}
	}
	return met
}

func (g *groupSeen) droppedBefore(k *call) bool {
	at := g.dropped[k.line.node]
	return at > 0 && at < k.sent
}

func (l *life) group(index int) *groupSeen {
	if index < len(l.groups) {
		return l.groups[index]
	}
	return nil
}

// seen notes a length that a client was told of.
func (l *life) seen(index int, end int64) {
	for len(l.known) <= index {
		l.known = append(l.known, 0)
	}
	l.known[index] = max(l.known[index], end)
}

// length is what is known of it.
func (l *life) length(index int) int64 {
	if index < len(l.known) {
		return l.known[index]
	}
	return 0
}

// deletes tells whether a life's oldest records may go by size: its creation asked for it, or one that may be its creation, where the answer
// said no id.
func (t *topicLedger) deletes(l *life) bool {
	unclear := func(c *topicChange) bool {
		return c.create && c.life == nil && c.keeps && c.called <= l.heard && (!c.clear || c.done)
	}
	creations := t.names[l.topic].changes
	if slices.ContainsFunc(creations, func(c *topicChange) bool { return c.create && c.life == l }) {
		return l.keeps
	}
	return slices.ContainsFunc(creations, unclear)
}

// histories are those of all lives (D6), of those whose oldest records go by size, and of the others. What was asked by name, and of which
// it isn't known which life it met, says no more than it must: an append is of unknown outcome in each, unless one of them shows
// it, and what was read isn't looked at.
func (t *topicLedger) histories() (kept, deleted checker.History) {
	shown := map[string]*life{}
	for _, k := range t.ops {
		if k.op.Kind == checker.Read && k.op.Outcome == checker.OK && k.life != nil {
			for _, v := range k.op.Values {
				shown[v] = k.life
			}
		}
	}
	deleted.Retention = true
	for _, k := range t.ops {
		if k.op.Outcome == 0 { // it was under way when the run ended
			k.op.Outcome = checker.Unknown
		}
		lives, op := []*life{k.life}, k.op
		switch {
		case k.life != nil:
		case k.op.Kind != checker.Append:
			continue
		case shown[k.op.Values[0]] != nil:
			lives[0] = shown[k.op.Values[0]]
		default:
			if lives = t.metBy(k); op.Outcome == checker.OK {
				op.Outcome = checker.Unknown
			}
		}
		for i, l := range lives {
			h := &kept
			if t.deletes(l) {
				h = &deleted
			}
			if i > 0 {
				t.w.judge.ids++
				op.ID = t.w.judge.ids
			}
			op.Partition = labelledLife(l, k.index)
			h.Ops = append(h.Ops, op.Clone())
		}
	}
	return kept, deleted
}

func labelledLife(l *life, index int) string { return fmt.Sprintf("%s/%d", l.label, index) }

// judgeLives judges the log of each life, and writes it down.
func (j *judge) judgeLives() {
	if j.w.topics == nil {
		return
	}
	kept, deleted := j.w.topics.histories()
	for _, h := range []checker.History{kept, deleted} {
		report := checker.Check(h)
		j.found(report.First())
		if report.Verdict == checker.Undecided {
			j.w.violate(CheckUndecided, "the checker can't tell of fleeting topics: %v", report)
		}
		slices.SortFunc(h.Ops, func(a, b checker.Op) int { return int(a.ID - b.ID) })
		for i := range h.Ops {
			j.hear(&h.Ops[i])
		}
	}
}

// told: a broker says that a life is there. It may not have heard of its end; what its process has dropped it has heard of, but what an
// earlier one has dropped, of which its disk tells, it may hear of later.
func (t *topicLedger) told(k *call, l *life) {
	n := t.w.nodes[k.line.node]
	for _, g := range l.groups {
		if g != nil && g.dropped[n.index] > 0 && g.dropped[n.index] == g.held[n.index] && g.dropped[n.index] < k.sent-time.Second && n.illSince(g, g.dropped[n.index]) == "" {
			t.w.violate(DeletedServed, "broker %d, asked at %v, says that %s is there, and has dropped its replica at %v (D4)", n.id, k.sent, l.label, g.dropped[n.index])
		}
	}
}

// judgeRefusal judges a refusal as others are, if what was asked for was surely there all the time.
func (t *topicLedger) judgeRefusal(k *call, what string) {
	l := k.life
	if k.change == nil {
		for _, other := range t.names[k.topic-1].lives {
			if l == nil && t.surely(other, k.sent-tellsWithin, t.w.now, nil) {
				l = other
			}
		}
		if l == nil || !t.surely(l, k.sent-tellsWithin, t.w.now, nil) {
			t.w.count[CountRefusedFleeting]++
			return
		}
		if k.code == codeUnknownTopic && k.index >= max(1, l.parts) { // it had more of them in another life
			t.w.count[CountRefusedFleeting]++
			return
		}
		k.about = l.group(k.index)
	}
	t.w.refused(k, k.code, what)
}

// asks begins an operation of a fleeting topic's history.
func (t *topicLedger) asks(c *client, k *call) {
	t.w.judge.ids++
	k.op.ID, k.op.Call, k.op.Client, k.op.Session = t.w.judge.ids, int64(t.w.now), int64(c.number), c.sessions
	t.ops = append(t.ops, k)
}
