package sim

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// strike ends a broker's process, with or without its machine's caches; nobody starts it again.
func (n *node) strike(powerLost bool) {
	n.w.faults.struck(n, powerLost)
	n.kill(powerLost)
}

// isolate cuts (+1) or joins (-1) a broker and all its peers, both ways.
func (n *node) isolate(by int) {
	for _, other := range n.w.nodes {
		if other != n {
			n.w.net.cut(n.index, other.index, by)
			n.w.net.cut(other.index, n.index, by)
		}
	}
}

func (t *teller) doPower(args []string) ([]string, error) {
	keep := keepRandom
	if len(args) > 1 {
		if len(args) != 3 || args[1] != "keep" {
			return nil, fmt.Errorf("say keep all, none or random")
		}
		k, ok := map[string]keeping{"all": keepAll, "none": keepNone, "random": keepRandom}[args[2]]
		if !ok {
			return nil, fmt.Errorf("keep what? %q", args[2])
		}
		keep = k
	}
	hit := t.w.nodes
	if args[0] != "all" {
		n, err := t.broker(args[0])
		if err != nil {
			return nil, err
		}
		hit = []*node{n}
	}
	for _, n := range hit {
		n.disk.keep = keep
		n.strike(true)
		n.disk.keep = keepRandom
	}
	return nil, nil
}

// doStart starts a broker, and answers what it found amiss. One that refused gets another chance.
func (t *teller) doStart(args []string) ([]string, error) {
	n, err := t.broker(args[0])
	if err != nil {
		return nil, err
	}
	if n.proc != nil {
		return nil, fmt.Errorf("broker %d runs", n.id)
	}
	n.refused = ""
	n.start()
	if n.refused != "" {
		return []string{"refuses: " + n.refused}, nil
	}
	return n.found, nil
}

// doLimits has a broker start with other limits from now on.
func (t *teller) doLimits(args []string) ([]string, error) {
	n, err := t.broker(args[0])
	if err != nil {
		return nil, err
	}
	seed, err := strconv.ParseUint(args[1], 10, 64)
	if err == nil {
		n.setLimits(seed)
	}
	return nil, err
}

func (t *teller) doPause(args []string) ([]string, error) {
	n, err := t.broker(args[0])
	if err == nil && n.proc == nil {
		err = fmt.Errorf("broker %d is down", n.id)
	}
	if err == nil {
		n.proc.paused = true
	}
	return nil, err
}

func (t *teller) doResume(args []string) ([]string, error) {
	n, err := t.broker(args[0])
	if err == nil && (n.proc == nil || !n.proc.paused) {
		err = fmt.Errorf("broker %d isn't paused", n.id)
	}
	if err == nil {
		n.proc.resume()
	}
	return nil, err
}

func (t *teller) doBackup(args []string) ([]string, error) {
	n, err := t.broker(args[0])
	if err == nil {
		t.images[args[1]] = n.disk.Snapshot()
	}
	return nil, err
}

func (t *teller) doRestore(args []string) ([]string, error) {
	n, err := t.broker(args[0])
	if err != nil {
		return nil, err
	}
	image, ok := t.images[args[1]]
	switch {
	case !ok:
		return nil, fmt.Errorf("no backup %q", args[1])
	case n.proc != nil:
		return nil, fmt.Errorf("broker %d runs", n.id)
	}
	t.w.faults.restore(n, image)
	return nil, nil
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

// onLink is a command that names a direction.
func onLink(do func(w *World, from, to int, rest []string) error) func(*teller, []string) ([]string, error) {
	return func(t *teller, args []string) ([]string, error) {
		from, err := t.end(args[0])
		if err != nil {
			return nil, err
		}
		to, err := t.end(args[1])
		if err != nil {
			return nil, err
		}
		return nil, do(t.w, from, to, args[2:])
	}
}

func (w *World) cutBoth(a, b int, _ []string) error {
	w.net.cut(a, b, 1)
	w.net.cut(b, a, 1)
	return nil
}

func (w *World) oneWay(from, to int, _ []string) error {
	w.net.cut(from, to, 1)
	return nil
}

func (w *World) join(from, to int, _ []string) error {
	if w.net.links[from][to].cut == 0 {
		return fmt.Errorf("that direction isn't cut")
	}
	w.net.cut(from, to, -1)
	return nil
}

func (w *World) clog(from, to int, by []string) error {
	d, err := time.ParseDuration(by[0])
	if err == nil {
		w.net.clog(from, to, d)
	}
	return err
}

// reset breaks a broker's client connections, those that which picks.
func (n *node) reset(which func() bool) {
	n.w.did("reset %d", n.id)
	if n.proc == nil {
		return
	}
	for _, c := range slices.Clone(n.proc.conns) {
		if which() {
			c.up.reset()
			c.down.reset()
		}
	}
}

func (t *teller) doClock(args []string) ([]string, error) {
	n, err := t.broker(args[0])
	if err == nil {
		n.wall, err = strconv.ParseInt(args[1], 10, 64)
	}
	return nil, err
}

func (t *teller) doMisdirect(args []string) ([]string, error) { return t.stray(args, true) }
func (t *teller) doLoseWrite(args []string) ([]string, error) { return t.stray(args, false) }

// stray has the next write of a broker's WAL or segments go astray.
func (t *teller) stray(args []string, misdirected bool) ([]string, error) {
	n, err := t.broker(args[0])
	if err != nil {
		return nil, err
	}
	under, ok := map[string]string{"wal": "/wal/", "segment": "/seg/"}[args[1]]
	if !ok {
		return nil, fmt.Errorf("say wal or segment")
	}
	n.disk.arm(armed{misdirected: misdirected, under: under})
	return nil, nil
}

func (t *teller) doFull(args []string) ([]string, error) {
	n, err := t.broker(args[0])
	if err != nil {
		return nil, err
	}
	free := int64(0)
	if len(args) > 1 {
		free, err = number(args[1])
	}
	n.disk.Fill(free)
	return nil, err
}

func (t *teller) doSlow(args []string) ([]string, error) {
	n, err := t.broker(args[0])
	if err != nil {
		return nil, err
	}
	n.disk.drag, err = strconv.Atoi(args[1])
	return nil, err
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
	t.w.faults.damaged(n, "misplace "+strings.Join(args, " "))
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
	t.w.faults.damaged(n, "plant "+strings.Join(args, " "))
	return nil, nil
}
