package log

import (
	"fmt"
	"strings"
)

// What a directory says of its own past, so that it can be told from a copy of it that was started since (S7). Peers know a start
// only once it spoke for its replicas, and it speaks only once it is noted here, durably:
//
//	true:  1 ── 2 noted ── 3 noted           peers know 3
//	         └─ 2' ── 3' ── 4'               a copy of 1 doesn't have it, however often it is started
//
// A start that reached nobody is not noted, so any number of them takes no room. Of those that spoke the last maxSpoke are kept. Who
// knows none of these, but one before, has missed that many starts, each of which a majority vouched for: nothing is to be told from
// it. Forgets says where that begins.

// Spoken returns the starts that are remembered, oldest first.
func (d *Dir) Spoken() []Start {
	n := 0
	for n < maxSpoke && d.Spoke[n].Generation > 0 {
		n++
	}
	return d.Spoke[:n]
}

// NoteStart remembers that the start at hand speaks for its replicas from now on, durably before it returns. Again, it does nothing.
func NoteStart(fsys FS, d Dir, boot uint64) (Dir, error) {
	n := len(d.Spoken())
	is := Start{d.Generation, boot}
	if n > 0 && d.Spoke[n-1] == is {
		return d, nil
	}
	if n > 0 && d.Spoke[n-1].Generation >= is.Generation || boot == 0 {
		panic(fmt.Sprintf("log: start %v is noted behind %v (S7)", is, d.Spoke[n-1]))
	}
	if n == maxSpoke {
		d.Forgets = d.Spoke[0].Generation
		copy(d.Spoke[:], d.Spoke[1:])
		n--
	}
	d.Spoke[n] = is
	if err := d.write(fsys); err != nil {
		return Dir{}, fmt.Errorf("note the start: %w", err)
	}
	return d, nil
}

// spoken writes the starts as logd.meta has them.
func (d *Dir) spoken() string {
	var all []string
	for _, s := range d.Spoken() {
		all = append(all, fmt.Sprintf("%d:%016x", s.Generation, s.Boot))
	}
	if len(all) == 0 {
		return "-"
	}
	return strings.Join(all, ",")
}

// readSpoken reads them, and the line before.
func (d *Dir) readSpoken(text string) error {
	at := max(0, strings.Index(text, "forgets "))
	var all string
	if _, err := fmt.Sscanf(text[at:], spokeFormat, &d.Forgets, &all); err != nil {
		return err
	}
	if all == "-" {
		return nil
	}
	list := strings.Split(all, ",")
	if len(list) > maxSpoke {
		return fmt.Errorf("%d starts, at most %d are kept", len(list), maxSpoke)
	}
	last := d.Forgets
	for i, s := range list {
		is := &d.Spoke[i]
		if _, err := fmt.Sscanf(s, "%d:%x", &is.Generation, &is.Boot); err != nil {
			return err
		}
		if is.Generation <= last || is.Generation > d.Generation || is.Boot == 0 {
			return fmt.Errorf("start %s follows generation %d, and the last is %d", s, last, d.Generation)
		}
		last = is.Generation
	}
	return nil
}
