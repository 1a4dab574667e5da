package sim

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"logd/checker"
)

// partition finds a partition by name.
func (t *teller) partition(name string) (int, error) {
	for part := range t.w.partitions() {
		if t.w.partName(part) == name {
			return part, nil
		}
	}
	return 0, fmt.Errorf("no partition %q", name)
}

// errNobody says that nobody leads what a command is about.
var errNobody = errors.New("nobody leads")

// broker finds a broker by number, or as leader:P.
func (t *teller) broker(word string) (*node, error) {
	if name, ok := strings.CutPrefix(word, "leader:"); ok {
		g, err := t.groupOf(name)
		if err != nil {
			return nil, err
		}
		if g.leader < 0 || !g.replicas[g.leader].leader {
			return nil, fmt.Errorf("%s: %w", name, errNobody)
		}
		return t.w.nodes[g.leader], nil
	}
	id, err := strconv.Atoi(word)
	if n := t.w.node(int32(id)); err == nil && n != nil {
		return n, nil
	}
	return nil, fmt.Errorf("no broker %q", word)
}

// asking is what all client commands can say.
type asking struct {
	part   int
	node   int // -1: whoever leads
	size   int
	once   bool
	rack   int // read: that the client is in
	within time.Duration
}

func (t *teller) asking(name string, words []string) (asking, error) {
	a := asking{node: -1, within: patience}
	var err error
	if a.part, err = t.partition(name); err != nil {
		return a, err
	}
	for i := 0; i < len(words) && err == nil; i++ {
		size, sized := strings.CutPrefix(words[i], "size=")
		more := i+1 < len(words)
		rack, racked := strings.CutPrefix(words[i], "rack=")
		switch {
		case racked:
			a.rack, err = strconv.Atoi(rack)
		case sized:
			a.size, err = atMost(size, maxValueSize)
		case words[i] == "once":
			a.once = true
		case words[i] == "within" && more:
			i++
			a.within, err = parseTime(words[i])
		case words[i] == "on" && more:
			i++
			var n *node
			if n, err = t.broker(words[i]); err == nil {
				a.node, a.once = n.index, true
			}
		default:
			err = fmt.Errorf("what is %q?", words[i])
		}
	}
	return a, err
}

func good(k *call) bool { return k.op.Outcome == checker.OK }

// doProduce appends one record after the other, each until it is acknowledged: an attempt is a value of its own.
func (t *teller) doProduce(args []string) ([]string, error) {
	a, err := t.asking(args[0], args[2:])
	if err != nil {
		return nil, err
	}
	n, err := atMost(args[1], maxRecords)
	if err != nil {
		return nil, err
	}
	var calls []*call
	end := t.w.now + a.within
	for range n {
		r := &puppet{node: a.node, part: a.part, once: a.once, good: good, do: func(c *client, node int) { c.appendSized(node, a.part, 1, a.size) }}
		calls = append(calls, t.ask(r, end-t.w.now)...)
	}
	return told(calls), nil
}

// doSend appends without waiting, with a client of its own.
func (t *teller) doSend(args []string) ([]string, error) {
	a, err := t.asking(args[0], args[2:])
	if err != nil {
		return nil, err
	}
	n, err := atMost(args[1], maxRecords)
	if err != nil {
		return nil, err
	}
	r := &puppet{node: a.node, part: a.part, do: func(c *client, node int) { c.appendSized(node, a.part, 1, a.size) }}
	r.good = func(k *call) bool { // a client goes on with what is left
		if good(k) {
			n--
		}
		return n == 0
	}
	c := t.newPuppet(r)
	copy(c.leaders, t.client.leaders)
	c.soon(0)
	t.sent = append(t.sent, r)
	return nil, nil
}

// told sums up what became of appends.
func told(calls []*call) []string {
	var parts []string
	refused, unknown := 0, 0
	from, next := int64(-1), int64(-1)
	flush := func() {
		if from >= 0 {
			parts = append(parts, fmt.Sprintf("acknowledged %d..%d", from, next-1))
		}
	}
	for _, k := range calls {
		switch k.op.Outcome {
		case checker.OK:
			if k.op.Off != next {
				flush()
				from = k.op.Off
			}
			next = k.op.Off + int64(len(k.op.Values))
		case checker.Failed:
			refused++
		default:
			unknown++
		}
	}
	flush()
	if refused > 0 {
		parts = append(parts, fmt.Sprintf("%d refused", refused))
	}
	if unknown > 0 {
		parts = append(parts, fmt.Sprintf("%d unknown", unknown))
	}
	if len(parts) == 0 {
		parts = []string{"nobody leads"}
	}
	return []string{strings.Join(parts, ", ")}
}

// doRead reads from an offset up to another one.
func (t *teller) doRead(args []string) ([]string, error) {
	a, err := t.asking(args[0], args[2:])
	if err != nil {
		return nil, err
	}
	var from, to int64
	if _, err := fmt.Sscanf(args[1], "%d..%d", &from, &to); err != nil {
		return nil, fmt.Errorf("%q isn't FROM..TO", args[1])
	}
	at := from
	r := &puppet{node: a.node, part: a.part, do: func(c *client, node int) { c.fetchIn(a.rack, node, a.part, at) }}
	failed, by := (*call)(nil), ""
	r.good = func(k *call) bool {
		if failed = nil; !good(k) {
			failed = k
			return a.once
		}
		if at += int64(len(k.op.Values)); a.rack > 0 {
			by = fmt.Sprintf(" by broker %d", t.w.nodes[k.line.node].id)
		}
		return at > to || a.once && len(k.op.Values) == 0
	}
	t.ask(r, a.within)
	switch {
	case failed != nil:
		return []string{fmt.Sprintf("read %d records, then %s", at-from, outcome(failed))}, nil
	case at <= to:
		return []string{fmt.Sprintf("read %d records, then nothing", at-from)}, nil
	}
	return []string{fmt.Sprintf("read %d..%d%s", from, at-1, by)}, nil
}

// doTail asks for the log's end.
func (t *teller) doTail(args []string) ([]string, error) {
	a, err := t.asking(args[0], args[1:])
	if err != nil {
		return nil, err
	}
	calls := t.ask(&puppet{node: a.node, part: a.part, once: a.once, good: good, do: func(c *client, node int) { c.tail(node, a.part) }}, a.within)
	if len(calls) == 0 {
		return []string{"nobody leads"}, nil
	}
	if k := calls[len(calls)-1]; !good(k) {
		return []string{outcome(k)}, nil
	}
	return []string{fmt.Sprintf("ends at %d", calls[len(calls)-1].op.Off)}, nil
}

func outcome(k *call) string {
	if k.code == codeNone {
		return "no answer"
	}
	return fmt.Sprintf("error %d", k.code)
}

// doStartOf asks for the log start.
func (t *teller) doStartOf(args []string) ([]string, error) {
	a, err := t.asking(args[0], args[1:])
	if err != nil {
		return nil, err
	}
	return t.askStart(a, func(c *client, node int) { c.earliest(node, a.part) }), nil
}

// doTrim deletes what is before an offset; it must have been read before (T1).
func (t *teller) doTrim(args []string) ([]string, error) {
	a, err := t.asking(args[0], nil)
	if err != nil {
		return nil, err
	}
	to, err := number(args[1])
	if err != nil {
		return nil, err
	}
	return t.askStart(a, func(c *client, node int) { c.trim(node, a.part, to) }), nil
}

func (t *teller) askStart(a asking, do func(c *client, node int)) []string {
	calls := t.ask(&puppet{node: a.node, part: a.part, once: a.once, good: func(k *call) bool { return k.answered }, do: do}, a.within)
	if len(calls) == 0 {
		return []string{"nobody leads"}
	}
	if k := calls[len(calls)-1]; !k.answered {
		return []string{outcome(k)}
	}
	return []string{fmt.Sprintf("begins at %d", calls[len(calls)-1].start)}
}

// maxRecords and maxValueSize bound what a line of a story may send.
const (
	maxRecords   = 10_000_000
	maxValueSize = 16 << 20
)

// atMost reads a number of things, of which there is at least one.
func atMost(text string, most int) (int, error) {
	n, err := strconv.Atoi(text)
	if err == nil && (n < 1 || n > most) {
		return 0, fmt.Errorf("%d: expected 1 to %d", n, most)
	}
	return n, err
}
