package sim

import (
	"fmt"
	"slices"
	"strings"
)

// strikes is a command that ends the process of one broker, or of all.
func strikes(verb string) func(*teller, []string) ([]string, error) {
	return func(t *teller, args []string) ([]string, error) {
		hit := []string{args[0]}
		if args[0] == "all" {
			hit = nil
			for _, n := range t.w.nodes {
				hit = append(hit, fmt.Sprint(n.id))
			}
		}
		for _, name := range hit {
			a, err := parseStrike(t, slices.Concat([]string{verb, name}, args[1:]))
			if err == nil {
				err = t.perform(a)
			}
			if err != nil {
				return nil, err
			}
		}
		return nil, nil
	}
}

// doStart starts a broker, and answers what it found amiss. One that refused gets another chance.
func (t *teller) doStart(args []string) ([]string, error) {
	a, err := parseStart(t, args)
	if err != nil {
		return nil, err
	}
	if err := t.perform(a); err != nil {
		return nil, err
	}
	n := t.w.nodes[a.(start).node]
	switch {
	case t.w.opt.Budget:
		return nil, nil // nobody reads what thousands of starts find
	case n.refused != "":
		return []string{"refuses: " + n.refused}, nil
	}
	return n.found, nil
}

// end reads one end of a link: a broker, or clients.
func (t *teller) end(word string) (int, error) {
	if word == "clients" {
		return t.w.net.outside(), nil
	}
	n, err := t.broker(word)
	if err != nil {
		return 0, err
	}
	return n.index, nil
}

// doCut cuts both directions.
func (t *teller) doCut(args []string) ([]string, error) {
	a, b, err := t.link(args)
	if err != nil {
		return nil, err
	}
	if err := t.perform(cutLink{a, b, 1}); err != nil {
		return nil, err
	}
	return nil, t.perform(cutLink{b, a, 1})
}

// reset breaks a broker's client connections: all, or those that a seed picks.
func (n *node) reset(seed uint64) {
	rng := stream(seed, streamAct, 0)
	for _, c := range slices.Clone(n.proc.conns) {
		if seed == 0 || rng.IntN(2) == 0 {
			c.up.reset()
			c.down.reset()
		}
	}
}

// doMisplace has the sector of one place lie on another one too, as a write that went to both.
func (t *teller) doMisplace(args []string) ([]string, error) {
	over := slices.Index(args, "over")
	if over < 2 || over == len(args)-1 {
		return nil, fmt.Errorf("say misplace B PLACE over PLACE")
	}
	n, err := t.broker(args[0])
	if err != nil {
		return nil, err
	}
	from, err := t.place(n, args[1:over])
	if err != nil {
		return nil, err
	}
	to, err := t.place(n, args[over+1:])
	if err != nil {
		return nil, err
	}
	f, err := n.disk.within(from[0].file, from[0].at)
	if err != nil {
		return nil, err
	}
	sector := make([]byte, sectorSize)
	f.copyTo(sector, from[0].at&^(sectorSize-1))
	if err := n.disk.overwrite(to[0].file, to[0].at&^(sectorSize-1), sector); err != nil {
		return nil, err
	}
	t.w.faults.damaged(n, "misplace "+strings.Join(args, " "), strings.Contains(to[0].file, "logd.meta"), nil)
	return []string{fmt.Sprintf("%s byte %d lies at byte %d of %s", from[0].file, from[0].at&^(sectorSize-1), to[0].at&^(sectorSize-1), to[0].file)}, nil
}

// doPlant puts a file of one broker in the place of another one's.
func (t *teller) doPlant(args []string) ([]string, error) {
	n, err := t.broker(args[0])
	if err != nil {
		return nil, err
	}
	other, err := t.broker(args[1])
	if err != nil {
		return nil, err
	}
	f, err := other.disk.within(args[2], 0)
	if err != nil {
		return nil, err
	}
	b := make([]byte, f.size)
	f.copyTo(b, 0)
	if err := n.disk.overwrite(args[2], 0, b); err != nil {
		return nil, err
	}
	n.foreign = true
	t.w.faults.damaged(n, "plant "+strings.Join(args, " "), strings.Contains(args[2], "logd.meta"), nil)
	return nil, nil
}
