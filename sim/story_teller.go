package sim

import (
	"fmt"
	"time"

	"logd/broker"
)

// teller runs a story's commands on a world where nothing happens by itself.
type teller struct {
	w       *World
	env     Env
	client  *client // sends one request at a time, and waits for it
	puppet  *puppet
	sent    []*puppet // by send, without waiting
	images  map[string]Image
	said    [][]string // by broker: warnings and errors not yet shown
	finish  bool
	options Options
	opens   *storyLine // the command that the world is made for
}

func newTeller(env Env) *teller {
	return &teller{env: env, images: map[string]Image{}, options: storyOptions()}
}

// patience is how long a command waits, in simulated time, for what must happen.
const patience = 10 * time.Second

// tell runs one command and returns its answer.
func (t *teller) tell(words []string) ([]string, error) {
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
	if t.w != nil && t.w.violation != nil {
		return answer, fmt.Errorf("violation: %s%s", t.w.violation, t.w.state())
	}
	return answer, err
}

// begin makes the world, and runs it until its topics are there.
func (t *teller) begin() error {
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
	t.client = newClient(w, t.puppet)
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

// run lets time pass.
func (t *teller) run(d time.Duration) {
	w := t.w
	end := w.now + d
	for w.violation == nil && w.queue.len() > 0 && w.queue.heap[0].at <= end {
		w.step()
	}
	w.now = max(w.now, end)
}

// until lets time pass until something is so; it's an error if that takes too long.
func (t *teller) until(within time.Duration, done func() bool) error {
	w := t.w
	end := w.now + within
	for !done() {
		if w.violation != nil || w.queue.len() == 0 || w.queue.heap[0].at > end {
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
	for t.w.violation == nil && !t.puppet.over && t.w.queue.len() > 0 && t.w.queue.heap[0].at <= end {
		t.w.step()
	}
	t.puppet.over = true
	return t.puppet.calls
}
