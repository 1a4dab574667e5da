package log

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
)

// denying is a disk with one more file that can't be opened, for a reason of its own.
type denying struct {
	*sickFS
	name string
	why  error
}

func (d denying) Open(name string) (File, error) {
	if name == d.name {
		return nil, d.why
	}
	return d.sickFS.Open(name)
}

// Each file of a row that the device can't open costs what was in it, until peers give it, and goes with the group.
func TestFileThatCannotBeOpened(t *testing.T) {
	_, all := row(0, 39, 10, 10, 10, 10, 10, 10, 10, 10)
	for _, name := range []string{firstLog, indexOf(firstLog), secondLog, indexOf(secondLog), startOf(secondLog), thirdLog, startOf(thirdLog)} {
		for _, end := range []int64{80, 60} {
			d, opt := filled(t)
			p, err := openSegments(&sickFS{memFS: d, deny: name}, testDir, opt, filledMark(0, end))
			if err != nil || !strings.Contains(strings.Join(p.damage, "\n"), name+": it can't be opened: input/output error") {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if lost := p.end() < 80 || len(p.holes()) > 0; lost != strings.HasSuffix(name, logSuffix) {
				t.Errorf("%s: end %d, holes %v", name, p.end(), p.holes())
			}
			d = d.losePower(func() bool { return false })
			if d.nodes[name+sickSuffix] == nil {
				t.Errorf("%s: its other name isn't stable", name)
			}
			if p, err = openSegments(d, testDir, opt, filledMark(0, end)); err != nil {
				t.Fatal(err)
			}
			healsForGood(t, d, p, filledMark(0, end), all[:p.end()/10])
			if done := NewRunner(d).Run(Plan{Ops: dropSegments(nil, p)}); done.Err != nil || len(d.nodes) != 2 {
				t.Errorf("%s: dropped: %v, %q are left", name, done.Err, slices.Sorted(maps.Keys(d.nodes)))
			}
		}
	}
}

// Any other reason says nothing of what is in a file: the start is refused, and nothing is changed, though another file is sick.
func TestSegmentFileThatMayBeSound(t *testing.T) {
	why := errors.New("too many open files")
	for _, name := range []string{firstLog, indexOf(secondLog), startOf(thirdLog), thirdLog} {
		d, opt := filled(t)
		before := d.clone()
		_, err := openSegments(denying{&sickFS{memFS: d, deny: secondLog}, name, why}, testDir, opt, filledMark(0, 60))
		if !errors.Is(err, why) || errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
		for name, n := range before.nodes { // order: each is looked at
			if is := d.nodes[name]; is == nil || !slices.Equal(is.now, n.now) {
				t.Errorf("%s was changed", name)
			}
		}
	}
}
