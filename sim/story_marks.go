package sim

import "fmt"

// marked is the condition that the run came by a mark.
func (t *teller) marked(args []string) (func() bool, error) {
	if len(args) != 1 {
		return nil, fmt.Errorf("say mark NAME")
	}
	m, ok := MarkNamed(args[0])
	if !ok {
		return nil, fmt.Errorf("no mark %q", args[0])
	}
	return func() bool { return t.w.marks[m] > 0 }, nil
}

// inTransition is the condition that a partition's configuration is joint, or that a broker's replica of it catches up.
func (t *teller) inTransition(what string, args []string) (func() bool, error) {
	joint := what == "joint"
	if joint && len(args) != 1 || !joint && len(args) != 2 {
		return nil, fmt.Errorf("say joint P or catching-up B P")
	}
	g, err := t.groupOf(args[len(args)-1])
	if err != nil {
		return nil, err
	}
	if !joint {
		n, err := t.broker(args[0])
		return func() bool { return g.replicas[n.index].live && g.replicas[n.index].transferring }, err
	}
	return func() bool {
		for i := range g.replicas {
			if r := &g.replicas[i]; r.live && len(r.quorums) > 1 {
				return true
			}
		}
		return false
	}, nil
}
