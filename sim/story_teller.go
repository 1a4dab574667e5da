package sim

import (
	"errors"
	"fmt"
	"time"

	"logd/broker"
)

// teller runs a story's commands on a world where nothing happens by itself (W10).
type teller struct {
	w       *World
	env     Env
	client  *client // sends one request at a time, and waits for it
	puppet  *puppet
	sent    []*puppet  // by send, without waiting
	puppets int        // clients of both
	said    [][]string // by broker: warnings and errors not yet shown
	options Options
	opens   *storyLine // the command that the world is made for
}

func newTeller(env Env) *teller {
	return &teller{env: env, options: storyOptions()}
}

// patience is how long a command waits, in simulated time, for what must happen.
const patience = 10 * time.Second

// newPuppet makes a client of commands that wait for their answer, or send without. Those of a record have numbers of their own.
func (t *teller) newPuppet(r *puppet) *client {
	first := 2
	if t.w.opt.Budget {
		first += 2 * finishers
	}
	t.puppets++
	return newClient(t.w, first+t.puppets-1, r)
}

// tell runs one command and returns its answer.
func (t *teller) tell(words []string) ([]string, error) {
	if words[0] == "at" {
		if err := t.reach(words[1]); err != nil {
			return nil, err
		}
		words = words[2:]
	}
	c := commands[words[0]]
	if words[0] != "options" && t.w == nil {
		if err := t.begin(); err != nil {
			return nil, err
		}
	}
	if n := len(words) - 1; n < c.least || n > c.most {
		return nil, fmt.Errorf("usage: %s %s", words[0], c.usage)
	}
	answer, err := c.do(t, words[1:])
	if bad := t.violated(); bad != nil {
		return answer, bad
	}
	if t.w != nil && t.w.opt.Budget && errors.Is(err, errNobody) {
		return nil, nil // passed over, as all that can't be done
	}
	return answer, err
}

// begin makes the world, and runs it until its topics are there.
func (t *teller) begin() error {
	if err := t.options.check(); err != nil {
		return err
	}
	w := newWorld(t.options, t.env)
	t.w = w
	w.scripted, w.hear = true, t.heard
	t.said = make([][]string, len(w.nodes))
	w.start()
	if err := t.until(setupBound, func() bool { return w.phase == phaseStorm }); err != nil {
		return err
	}
	w.faults.watch()
	t.puppet = &puppet{}
	t.client = t.newPuppet(t.puppet)
	if t.opens != nil {
		t.watched(t.opens, false, t.opens.text)
	}
	return nil
}

// heard keeps what a broker warns of.
func (t *teller) heard(h *host, l broker.LogEvent) {
	if l.Level < broker.LevelWarn {
		return
	}
	i := h.p.node.index
	t.said[i] = append(t.said[i], l.Text) // its numbers change with every other change
}

// reach lets time pass until all that came before a time has happened; what was to happen at it comes after what is told.
// A time that is over means now.
func (t *teller) reach(word string) error {
	at, err := parseTime(word)
	if err == nil && t.w == nil {
		err = t.begin()
	}
	if err != nil {
		return err
	}
	w := t.w
	for w.violation == nil && w.queue.len() > 0 && w.queue.next() < at {
		w.step()
	}
	if w.violation == nil && at > w.now {
		w.now, w.instant = at, 0
	}
	return t.violated()
}

func (t *teller) violated() error {
	if t.w != nil && t.w.violation != nil {
		return fmt.Errorf("violation: %s%s", t.w.violation, t.w.state())
	}
	return nil
}

// run lets time pass.
func (t *teller) run(d time.Duration) {
	w := t.w
	end := w.now + d
	for w.violation == nil && w.queue.len() > 0 && w.queue.next() <= end {
		w.step()
	}
	w.now = max(w.now, end)
}

// until lets time pass until something is so; it's an error if that takes too long.
func (t *teller) until(within time.Duration, done func() bool) error {
	w := t.w
	end := w.now + within
	for !done() {
		if w.violation != nil {
			return t.violated()
		}
		if w.queue.len() == 0 || w.queue.next() > end {
			return fmt.Errorf("not within %v:%s", within, w.state())
		}
		w.step()
	}
	return nil
}

// puppet is a client that does one thing at a time as it is told.
type puppet struct {
	node  int // to ask; -1: whoever leads
	part  int
	do    func(c *client, node int)
	calls []*call // that ended
	once  bool
	good  func(k *call) bool
	over  bool
}

func (r *puppet) act(c *client) {
	if r.do == nil || r.over || c.inflight > 0 {
		return
	}
	node := r.node
	if node < 0 {
		if node = c.leaders[r.part]; node < 0 {
			c.askMetadata()
			return
		}
	}
	r.do(c, node)
}

func (r *puppet) done(c *client, k *call) {
	r.calls = append(r.calls, k)
	if r.over = r.once || r.good(k); !r.over {
		c.soon(c.pause(retryAfter))
	}
}

// ask has a puppet's client do one thing, again until it's good, at most for so long; it returns all calls that ended.
func (t *teller) ask(r *puppet, within time.Duration) []*call {
	*t.puppet = *r
	t.client.soon(0)
	end := t.w.now + within
	for t.w.violation == nil && !t.puppet.over && t.w.queue.len() > 0 && t.w.queue.next() <= end {
		t.w.step()
	}
	t.puppet.over = true
	return t.puppet.calls
}
