package sim

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// damage hits one place of a broker's disk.
type damage struct {
	node int
	verb string // rot, zero, bad, truncate, remove
	bit  uint8  // of a byte, that rots
	spot
}

// usualBit is the one that rots if a story doesn't say: it makes a small number a larger one.
const usualBit = 4

var damages = map[string]func(*Disk, damage) error{
	"rot":      func(d *Disk, a damage) error { return d.Flip(a.file, a.at, a.bit) },
	"zero":     func(d *Disk, a damage) error { return d.zeroSpot(a.spot) },
	"bad":      func(d *Disk, a damage) error { return d.badSpot(a.spot) },
	"truncate": func(d *Disk, a damage) error { return d.Cut(a.file, a.at) },
	"remove":   func(d *Disk, a damage) error { return d.Lose(a.file) },
}

func (a damage) do(w *World) error {
	n := w.nodes[a.node]
	gaps, err := w.faults.mayDamage(n, a)
	if err != nil {
		return err
	}
	if err := damages[a.verb](n.disk, a); err != nil {
		return err
	}
	if a.verb == "remove" && w.budgeted() {
		n.gone = append(n.gone, a.file[strings.Index(a.file, "/")+1:]) // a write to it halts the process
	}
	w.count[CountRots]++
	w.faults.damaged(n, a.text(w), strings.HasSuffix(a.file, "logd.meta"), gaps)
	return nil
}

func (a damage) text(w *World) string {
	s := fmt.Sprintf("%s %d file %s %d", a.verb, w.nodes[a.node].id, a.file, a.at)
	if a.verb == "zero" && a.n != restOfSector(a.at) {
		s += fmt.Sprintf(" %d", a.n)
	}
	if a.verb == "rot" && a.bit != usualBit {
		s += fmt.Sprintf(" bit=%d", a.bit)
	}
	return s
}

func restOfSector(at int64) int64 { return sectorSize - at%sectorSize }

// astray has the next write of a broker's WAL or segments be lost, or land elsewhere.
type astray struct {
	node int
	armed
}

var strayFolders = [...][2]string{{"wal", "/wal/"}, {"segment", "/seg/"}}

func (a astray) do(w *World) error {
	n := w.nodes[a.node]
	if w.budgeted() {
		if n.proc == nil || len(n.disk.armed) > 0 || n.lost.total() || !w.faults.affordable(n) {
			return ErrBudget
		}
		if err := w.faults.atPeaceNow(); err != nil {
			return err
		}
		n.lost, n.gaps = lossRotten, nil // the budget is taken before
	}
	n.disk.arm(a.armed)
	return nil
}

func (a astray) text(w *World) string {
	s := fmt.Sprintf("losewrite %d %s", w.nodes[a.node].id, underName(a.under))
	if a.misdirected {
		s = fmt.Sprintf("misdirect %d %s", w.nodes[a.node].id, underName(a.under))
	}
	if a.place > 0 {
		s += fmt.Sprintf(" %d", a.place)
	}
	return s
}

func underName(folder string) string {
	i := slices.IndexFunc(strayFolders[:], func(f [2]string) bool { return f[1] == folder })
	return strayFolders[i][0]
}

// syncFails fails the next sync of a broker, which therefore halts.
type syncFails struct{ node int }

func (a syncFails) do(w *World) error {
	if err := w.faults.atPeaceNow(); err != nil {
		return err
	}
	w.faults.failing[a.node]++
	return nil
}

func (a syncFails) against(node int) aimed { a.node = node; return a }

func (a syncFails) text(w *World) string { return fmt.Sprintf("syncfail %d", w.nodes[a.node].id) }

// writeFails fails the next operation of a broker's disk that is no sync of a file: a write, a truncation, a creation, a rename, a
// removal, a directory's sync. Whether it was done all the same isn't said. The process halts.
type writeFails struct{ node int }

func (a writeFails) do(w *World) error {
	if err := w.faults.atPeaceNow(); err != nil {
		return err
	}
	w.faults.unwritten[a.node]++
	return nil
}

func (a writeFails) against(node int) aimed { a.node = node; return a }

func (a writeFails) text(w *World) string { return fmt.Sprintf("writefail %d", w.nodes[a.node].id) }

// full leaves a broker's disk little room, or as much as there is.
type full struct {
	node int
	free int64 // -1: any
}

func (a full) do(w *World) error {
	n := w.nodes[a.node]
	n.hurts()
	if a.free < 0 {
		n.disk.Space()
		return nil
	}
	if err := w.faults.atPeaceNow(); err != nil {
		return err
	}
	w.count[CountFull]++
	n.disk.Fill(a.free)
	return nil
}

func (a full) text(w *World) string {
	if a.free < 0 {
		return fmt.Sprintf("space %d", w.nodes[a.node].id)
	}
	return fmt.Sprintf("full %d %d", w.nodes[a.node].id, a.free)
}

// drag makes everything on a disk take so many times as long.
type drag struct{ node, times int }

func (a drag) do(w *World) error {
	w.nodes[a.node].hurts()
	w.nodes[a.node].disk.drag = a.times
	return nil
}

func (a drag) text(w *World) string { return fmt.Sprintf("slow %d %d", w.nodes[a.node].id, a.times) }

// lag adds up to so many times 60 ms to everything that a shard does on a disk.
type lag struct{ node, times int }

func (a lag) do(w *World) error {
	w.nodes[a.node].hurts()
	w.faults.slow[a.node] = a.times
	return nil
}

func (a lag) text(w *World) string { return fmt.Sprintf("lag %d %d", w.nodes[a.node].id, a.times) }

// wipe ends a broker's process and deletes its directory.
type wipe struct{ node int }

func (a wipe) do(w *World) error {
	n := w.nodes[a.node]
	if w.budgeted() {
		if n.lost == lossWiped || !w.faults.affordable(n) {
			return ErrBudget
		}
		if err := w.faults.atPeaceNow(); err != nil {
			return err
		}
	}
	w.faults.empty(n)
	return nil
}

func (a wipe) text(w *World) string { return fmt.Sprintf("wipe %d", w.nodes[a.node].id) }

// backup copies a broker's disk as it is seen; restore puts such a copy in its place.
type backup struct {
	node int
	name string
}

func (a backup) do(w *World) error {
	n := w.nodes[a.node]
	if w.budgeted() && n.lost != lossNone {
		return ErrBudget
	}
	w.images[a.name] = copied{n.disk.Snapshot(), n.index, n.boots}
	return nil
}

func (a backup) text(w *World) string {
	return fmt.Sprintf("backup %d %s", w.nodes[a.node].id, a.name)
}

// copied is a backup, of a broker and of the start that it was taken in.
type copied struct {
	Image
	node int
	boot uint64
}

type restore struct {
	node int
	name string
}

func (a restore) do(w *World) error {
	n := w.nodes[a.node]
	image, ok := w.images[a.name]
	if !ok {
		return fmt.Errorf("no backup %q", a.name)
	}
	if w.budgeted() {
		if image.node != n.index || n.lost != lossNone || n.boots == image.boot || !w.faults.affordable(n) || !w.faults.atPeace() {
			return ErrBudget
		}
		n.kill(true)
		w.faults.peace = w.now + w.faults.electionTime(4) + peaceAfter
	}
	if n.proc != nil {
		return fmt.Errorf("broker %d runs", n.id)
	}
	w.faults.restore(n, image.Image)
	return nil
}

func (a restore) text(w *World) string {
	return fmt.Sprintf("restore %d %s", w.nodes[a.node].id, a.name)
}

func parseStray(misdirected bool) func(*teller, []string) (act, error) {
	return func(t *teller, args []string) (act, error) {
		n, err := t.broker(args[0])
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(strayFolders[:], func(f [2]string) bool { return f[0] == args[1] })
		if i < 0 {
			return nil, fmt.Errorf("say wal or segment")
		}
		a := astray{node: n.index, armed: armed{misdirected: misdirected, under: strayFolders[i][1]}}
		if len(args) > 2 {
			a.place, err = strconv.Atoi(args[2])
		}
		return a, err
	}
}

func parseSpace(t *teller, args []string) (act, error) {
	n, err := t.broker(args[0])
	if err != nil {
		return nil, err
	}
	return full{node: n.index, free: -1}, nil
}

func parseFull(t *teller, args []string) (act, error) {
	n, err := t.broker(args[0])
	if err != nil {
		return nil, err
	}
	a := full{node: n.index}
	if len(args) > 1 {
		a.free, err = number(args[1])
	}
	return a, err
}

// parseNamed reads a broker and a word.
func parseNamed(of func(node int, name string) act) func(*teller, []string) (act, error) {
	return func(t *teller, args []string) (act, error) {
		n, err := t.broker(args[0])
		if err != nil {
			return nil, err
		}
		return of(n.index, args[1]), nil
	}
}

// parseTimes reads a broker and a number.
func parseTimes(of func(node, times int) act) func(*teller, []string) (act, error) {
	return func(t *teller, args []string) (act, error) {
		n, err := t.broker(args[0])
		if err != nil {
			return nil, err
		}
		times, err := strconv.Atoi(args[1])
		return of(n.index, times), err
	}
}

// parseBroker reads a broker alone.
func parseBroker(of func(node int) act) func(*teller, []string) (act, error) {
	return func(t *teller, args []string) (act, error) {
		n, err := t.broker(args[0])
		if err != nil {
			return nil, err
		}
		return of(n.index), nil
	}
}
