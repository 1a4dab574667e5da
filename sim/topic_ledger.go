package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"logd/broker"
)

// A fleeting topic is made, used, deleted and made again while all else goes on. Each creation begins another life of its name:
// it has an id that no other one has (KIP-516), groups that no other one has, and a log of its own.
//
//	D1  What was acknowledged doesn't come undone. A life is surely there from when its creation is acknowledged to when a
//	    deletion that may be meant for it is called: in that time no other creation of its name is acknowledged, and no deletion
//	    is told that it isn't there.
//	D2  A life whose deletion was acknowledged is over: it is not deleted again, and its name is taken only if somebody else may
//	    have made it since.
//	D3  A replica goes only if a deletion was called that may be meant for its topic, and doesn't come back in that process; in the
//	    next one it may, if its end was not on disk yet, until that hears of it anew.
//	D4  Whoever asks by an id gets that life or a refusal, whoever asks by name one that its broker had then; a broker that has
//	    dropped a life serves nothing of it to whoever asks afterwards. Those that haven't heard may, as in Kafka.
//	D5  At rest nothing of a life that is over is on any healthy disk, and one that is surely there has its replicas.
//	D6  Each life's records are one log, and judged as such at the end (topic_history.go): only then it is known which one those
//	    who asked by name had met.
//
// Creations and deletions are decided when they are applied, so their answers, unlike those to Metadata, are linearizable.
type topicLedger struct {
	w     *World
	names []fleetingTopic
	byID  map[broker.UUID]*life
	ops   []*call // appends, reads and ends, as they were called
}

var fleetingNames = [...]string{"fleeting-0", "fleeting-1", "fleeting-2"}

type fleetingTopic struct {
	lives   []*life
	changes []*topicChange
}

// life is one life of a name. Times are -1 for never.
type life struct {
	topic  int
	id     broker.UUID
	label  string
	heard  time.Duration // when it was first known that it had been made
	called time.Duration // its creation, 0 if it isn't known which that was
	made   time.Duration // when that was acknowledged
	over   time.Duration // when a deletion was that was meant for it
	copies int           // replicas that were asked for, 0 if that isn't known
	parts  int           // partitions, 0 if that isn't known
	keeps  bool          // its oldest records are deleted by size
	groups []*groupSeen  // by partition, nil before one was seen
	known  []int64       // by partition: a length that some client was told of
}

// topicChange is a creation or deletion that was called.
type topicChange struct {
	create bool
	byID   bool
	life   *life         // that a deletion is meant for, or that it is known to have hit; that a creation is known to have made
	called time.Duration // when
	ended  time.Duration // -1: under way
	clear  bool          // it is known what became of it
	done   bool          // and it was done
	copies int
	parts  int
	keeps  bool
}

func newTopicLedger(w *World) *topicLedger {
	return &topicLedger{w: w, names: make([]fleetingTopic, w.opt.Load.Fleeting), byID: map[broker.UUID]*life{}}
}

// fleeting is the number of a fleeting topic.
func (w *World) fleeting(name string) (topic int, ok bool) {
	topic = slices.Index(fleetingNames[:w.opt.Load.Fleeting], name)
	return topic, topic >= 0
}

// lifeOf finds a life by its id; one that is heard of for the first time must be of a name that somebody asked to be made.
func (t *topicLedger) lifeOf(topic int, id broker.UUID) *life {
	if l := t.byID[id]; l != nil {
		if l.topic != topic {
			t.w.violate(TopicTwice, "id %v is of topic %s, and now of %s (D1)", id, fleetingNames[l.topic], fleetingNames[topic])
		}
		return l
	}
	f := &t.names[topic]
	l := &life{topic: topic, id: id, label: fmt.Sprintf("%s@%v", fleetingNames[topic], id), heard: t.w.now, made: -1, over: -1}
	f.lives, t.byID[id] = append(f.lives, l), l
	if asked := count(f.changes, func(c *topicChange) bool { return c.create && (!c.clear || c.done) }); len(f.lives) > asked {
		t.w.violate(TopicTwice, "%s is life %d of its name, and %d creations of it were called that may have been done (D1)", l.label, len(f.lives), asked)
	}
	return l
}

func count[T any](of []T, is func(T) bool) (n int) {
	for _, x := range of {
		if is(x) {
			n++
		}
	}
	return n
}

// call notes that a change is called.
func (t *topicLedger) call(topic int, c topicChange) *topicChange {
	c.called, c.ended = t.w.now, -1
	f := &t.names[topic]
	f.changes = append(f.changes, &c)
	return f.changes[len(f.changes)-1]
}

// mayHit tells whether a deletion may be what ends a life.
func (c *topicChange) mayHit(l *life) bool {
	switch {
	case c.create || c.clear && !c.done || l.over >= 0 && c.called > l.over:
		return false
	case c.life != nil:
		return c.life == l
	case c.byID:
		return false
	}
	return !c.clear || c.ended >= l.called
}

// surely tells whether a life is there from one time to another, whatever the deletion but came to.
func (t *topicLedger) surely(l *life, from, to time.Duration, but *topicChange) bool {
	return l.made >= 0 && l.made <= from && (l.over < 0 || l.over > to) &&
		!slices.ContainsFunc(t.names[l.topic].changes, func(c *topicChange) bool { return c != but && c.called <= to && c.mayHit(l) })
}

// ends notes what is known of a change that was under way.
func (t *topicLedger) ends(c *topicChange, clear, done bool) {
	c.ended, c.clear, c.done = t.w.now, clear, done
}

// created: a creation is acknowledged, with the id that the topic has if the answer says one.
func (t *topicLedger) created(topic int, c *topicChange, id broker.UUID) {
	f := &t.names[topic]
	for _, l := range f.lives {
		if l.id != id && t.surely(l, c.called, t.w.now, nil) {
			t.w.violate(TopicTwice, "a creation of %s, called at %v, is acknowledged, and %s was made by %v, and no deletion that may be meant for it was called (D1)",
				fleetingNames[topic], c.called, l.label, l.made)
		}
	}
	if id.IsZero() {
		return
	}
	l := t.lifeOf(topic, id)
	if l.made >= 0 {
		t.w.violate(TopicTwice, "two creations are acknowledged with %s (D1)", l.label)
	}
	if count(f.lives, func(l *life) bool { return l.over >= 0 }) > 0 {
		t.w.markLoad(MarkTopicRecreated)
	}
	l.called, l.made, l.copies, l.parts, l.keeps, c.life = c.called, t.w.now, c.copies, c.parts, c.keeps, l
	for _, before := range f.lives { // what it follows is over, by the one deletion that can have done it
		hits := slices.DeleteFunc(slices.Clone(f.changes), func(d *topicChange) bool { return !d.mayHit(before) })
		if before != l && before.made >= 0 && before.made < c.called && before.over < 0 && len(hits) == 1 {
			before.over, hits[0].life = t.w.now, before
		}
	}
}

// taken: a creation is told that the name is.
func (t *topicLedger) taken(topic int, c *topicChange) {
	f := &t.names[topic]
	if slices.ContainsFunc(f.lives, func(l *life) bool { return l.over < 0 || l.over >= c.called }) {
		return
	}
	unclear := count(f.changes, func(c *topicChange) bool { return c.create && !c.clear })
	if unclear <= count(f.lives, func(l *life) bool { return l.made < 0 }) {
		t.w.violate(TopicBack, "%s is taken, says the answer to a creation called at %v; all of its %d lives were over, and nobody else can have made it (D2)",
			fleetingNames[topic], c.called, len(f.lives))
	}
}

// deleted: a deletion is acknowledged, with the id of what it deleted if the answer says one.
func (t *topicLedger) deleted(topic int, c *topicChange, id broker.UUID) {
	if c.life == nil && !id.IsZero() {
		c.life = t.lifeOf(topic, id)
	}
	l := c.life
	switch {
	case l == nil:
	case l.over >= 0 && l.over < c.called:
		t.w.violate(TopicBack, "%s is deleted, says the answer to a deletion called at %v, and it was by %v already (D2)", l.label, c.called, l.over)
	case l.over < 0:
		l.over = t.w.now
	}
}

// missing: a deletion is told that there is nothing to delete.
func (t *topicLedger) missing(topic int, c *topicChange) {
	for _, l := range t.names[topic].lives {
		if (c.life == nil || c.life == l) && t.surely(l, c.called, t.w.now, c) {
			t.w.violate(TopicLost, "a deletion of %s, called at %v, is told that it isn't there; its creation was acknowledged at %v, and no other deletion that may be meant for it was called (D1)",
				l.label, c.called, l.made)
		}
	}
}

// dropped: a broker's replica has gone.
func (t *topicLedger) dropped(g *groupSeen, n *node) {
	w, l := t.w, g.life
	if !slices.ContainsFunc(t.names[l.topic].changes, func(c *topicChange) bool { return c.mayHit(l) }) {
		w.violate(TopicLost, "broker %d drops its replica of %s, whose deletion nobody asked for (D3)", n.id, g.named())
	}
	if g.dropped[n.index] = w.now; !g.replicas[n.index].live {
		return // an earlier process did
	}
	if g.goneAt > 0 && n.proc.started > g.goneAt {
		w.mark(MarkDeletedWhileDown, n)
	}
	g.held[n.index] = w.now
	if g.goneAt == 0 {
		g.goneAt = w.now
		if slices.ContainsFunc(t.ops, func(k *call) bool {
			return k.appends() && !k.ended && (k.life == l || k.life == nil && k.topic == l.topic)
		}) {
			w.mark(MarkDeletedUnderAppend, nil)
		}
	}
	g.replicas[n.index].live, g.replicas[n.index].leader = false, false
	w.after(time.Second, func() { w.views.retire(g) })
}

// atRest is D5.
func (t *topicLedger) atRest() {
	w := t.w
	for i := range t.names {
		for _, l := range t.names[i].lives {
			there := t.surely(l, w.now, w.now, nil)
			for part, g := range l.groups {
				if g == nil || w.violation != nil {
					continue
				}
				if have := count(g.replicas, func(r replicaSeen) bool { return r.live }); there && (g.goneAt > 0 || have == 0) {
					w.violate(TopicLost, "%s/%d has %d replicas at rest; its creation was acknowledged, and no deletion called (D5)", l.label, part, have)
				}
				if l.over >= 0 || g.goneAt > 0 {
					t.nothingLeft(l, g)
				}
			}
		}
	}
}

func (t *topicLedger) nothingLeft(l *life, g *groupSeen) {
	for _, n := range t.w.nodes {
		if n.proc == nil || n.proc.paused || broken(n) {
			continue
		}
		if g.replicas[n.index].live {
			t.w.violate(TopicLeft, "%s was deleted by %v, and broker %d has its replica still (D5)", g.named(), l.over, n.id)
		}
		n.disk.eachFile(func(name string, f *inode) {
			if ofGroup(name, g.id) {
				t.w.violate(TopicLeft, "%s was deleted by %v, and broker %d has its file %s of %d bytes still (D5)", g.named(), l.over, n.id, gist(name), f.size)
			}
		})
	}
}

// labelled names the partitions of fleeting topics as requests do.
func labelled(topic, index int) string { return fmt.Sprintf("%s/%d", fleetingNames[topic], index) }

// parseFleeting reads fleeting-0, or fleeting-0/1.
func (w *World) parseFleeting(word string) (topic, index int, err error) {
	name, part, ofOne := strings.Cut(word, "/")
	topic, ok := w.fleeting(name)
	if ofOne {
		_, err = fmt.Sscanf(part, "%d", &index)
	}
	if !ok || err != nil || index < 0 || index >= fleetingParts {
		return 0, 0, fmt.Errorf("no fleeting topic %q; Load.Fleeting says how many there are", word)
	}
	return topic, index, nil
}
