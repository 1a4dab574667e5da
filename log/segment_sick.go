package log

import (
	"errors"
	"fmt"
	"slices"
)

// A file that the device can't open costs its own batches, which peers have, and no start: it gets another name, so that a repair can make
// it anew, and stays until the group goes. Where any other error keeps a file from being opened it may well be sound, and nothing is
// changed (G10):
//
//	judge all files ─► rename to .bad ─► sync directory ─► cut, remove, write
//
// A mark of a repair keeps its name: nobody opens it, and that it is there says that its segment is to be written anew.
const sickSuffix = ".bad"

// opens says whether a file can be opened, or is as good as lost.
func (o *opening) opens(name string) (bool, error) {
	f, err := o.fs.Open(name)
	if err == nil {
		defer f.Close() // only asked
		_, err = f.Size()
	}
	if errors.Is(err, ErrDevice) {
		o.sick = append(o.sick, name)
		o.p.damage = append(o.p.damage, fmt.Sprintf("segment %s: it can't be opened: %v: it counts as lost, and is %s%s from now on", name, err, name, sickSuffix))
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("segment %s: %w", name, err)
	}
	return true, nil
}

// setAside gives the files that can't be opened their other name, durably: their own is used again.
func (o *opening) setAside() error {
	if len(o.sick) == 0 {
		return nil
	}
	for _, name := range o.sick {
		to := name + sickSuffix
		if err := o.fs.Rename(name, to); err != nil {
			return fmt.Errorf("segment %s: %w", name, err)
		}
		if !slices.Contains(o.p.sick, to) {
			o.p.sick = append(o.p.sick, to)
		}
	}
	if err := o.fs.SyncDir(o.p.dir); err != nil {
		return fmt.Errorf("segments %s: %w", o.p.dir, err)
	}
	return nil
}

// owns says whether a name is of a segment's bytes, or of what says something of them.
func (p *segments) owns(name string) bool {
	return slices.ContainsFunc([]string{logSuffix, indexSuffix, startSuffix}, func(suffix string) bool {
		_, ok := parseSegmentName(name, suffix)
		return ok
	})
}
