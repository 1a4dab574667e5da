package sim

import (
	"fmt"
	"slices"
	"strconv"

	"logd/log"
)

// condition reads something that is so or not:
//
//	leader P [B]       somebody, or B, leads P and is followed by itself
//	acked              what was sent is acknowledged
//	running B          down B         refused B
//	writing B          an operation of B's WAL is under way
//	healed B           B was seen whole since it was damaged, wiped or restored
//	current B          B's replicas are voters and hold all that was committed
//	flushed B P N      B's segments of P hold the offsets before N
//	starts B P N       B's replica of P has a log start of at least N
//	joint P            a replica of P has a joint configuration
//	catching-up B P    B's replica of P has a snapshot whose batches are on their way
//	mark NAME          the run came by a mark (marks.go)
//	not CONDITION
func (t *teller) condition(words []string) (func() bool, error) {
	if len(words) == 0 {
		return nil, fmt.Errorf("what should be so?")
	}
	args := words[1:]
	switch words[0] {
	case "not":
		is, err := t.condition(args)
		return func() bool { return !is() }, err
	case "acked":
		return func() bool { return !slices.ContainsFunc(t.sent, func(r *puppet) bool { return !r.over }) }, nil
	case "joint", "catching-up":
		return t.inTransition(words[0], args)
	case "mark":
		return t.marked(args)
	case "leader":
		return t.leads(args)
	case "flushed":
		return t.flushed(args)
	case "starts":
		return t.starts(args)
	}
	is, ok := map[string]func(n *node) bool{
		"running": func(n *node) bool { return n.proc != nil },
		"down":    func(n *node) bool { return n.proc == nil },
		"refused": func(n *node) bool { return n.refused != "" },
		"writing": func(n *node) bool { return n.busy(log.LaneWAL) },
		"healed":  func(n *node) bool { return n.lost == lossNone && n.proc != nil },
		"current": func(n *node) bool { return n.proc != nil && t.w.views.rejoined(n) },
	}[words[0]]
	if !ok || len(args) != 1 {
		return nil, fmt.Errorf("no condition %q of %d words", words[0], len(words))
	}
	n, err := t.broker(args[0])
	return func() bool { return is(n) }, err
}

func (t *teller) leads(args []string) (func() bool, error) {
	if len(args) == 0 || len(args) > 2 {
		return nil, fmt.Errorf("say leader P or leader P B")
	}
	g, err := t.groupOf(args[0])
	if err != nil {
		return nil, err
	}
	want := -1
	if len(args) == 2 {
		n, err := t.broker(args[1])
		if err != nil {
			return nil, err
		}
		want = n.index
	}
	return func() bool {
		return g.leader >= 0 && g.replicas[g.leader].leader && (want < 0 || want == g.leader)
	}, nil
}

// flushed and starts are conditions of a broker, a partition and an offset.
func (t *teller) flushed(args []string) (func() bool, error) {
	n, g, end, err := t.replicaAt("flushed", args)
	return func() bool {
		all := n.disk.segmentsOf(g.id)
		return len(all) > 0 && all[len(all)-1].next >= end && !n.busy(log.LaneFill)
	}, err
}

func (t *teller) starts(args []string) (func() bool, error) {
	n, g, from, err := t.replicaAt("starts", args)
	return func() bool { return g.replicas[n.index].live && g.replicas[n.index].logStart >= from }, err
}

// replicaAt reads B P N.
func (t *teller) replicaAt(what string, args []string) (n *node, g *groupSeen, at int64, err error) {
	if len(args) != 3 {
		return nil, nil, 0, fmt.Errorf("say %s B P N", what)
	}
	if n, err = t.broker(args[0]); err == nil {
		g, err = t.groupOf(args[1])
	}
	if err == nil {
		at, err = strconv.ParseInt(args[2], 10, 64)
	}
	return n, g, at, err
}
