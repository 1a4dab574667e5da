package log

import (
	"errors"
	"testing"
)

// A file that took a lost one's place says up to where the WAL counted by then. When the file is lost, too, that has what counts since, what
// is left is whole by itself, and older: a vote may be lost (S6).
func TestTwoFilesLostOneAfterTheOther(t *testing.T) {
	opt := testOpt
	opt.WALFiles = 3
	for _, how := range []string{"missing", "short", "empty", "rotten"} {
		r := newRig(t, opt)
		r.s.Create(5, nil, Mark{})
		for term, at := uint64(2), 0; at < 4; term++ { // until nothing but the third file counts
			r.s.SetState(5, State{Term: term, Vote: 1})
			r.idle(t)
			at = countsOnlyIn(t, r, 2, at)
		}
		f := &faulty{rig: r, t: t}
		f.lose(1, how)
		if _, rec, err := Open(f.fs, testID, opt); err != nil || len(rec.Damage) == 0 {
			t.Fatalf("%s: file 1, which nothing that counts was in: %v", how, err)
		}
		f.lose(2, "missing")
		if _, rec, err := Open(f.fs, testID, opt); !errors.Is(err, ErrVotesLost) {
			t.Errorf("%s: a file with all that counts is lost, and what is left is taken: %+v, %v", how, rec, err)
		}
	}
}

// countsOnlyIn counts how often in a row nothing but one file counted.
func countsOnlyIn(t *testing.T, r *rig, slot, before int) int {
	t.Helper()
	c := &rig{fs: r.fs.clone(), opt: r.opt}
	c.open(t)
	w, v := c.scan(t)
	defer w.close()
	if v.chain[0].slot == slot && v.last().slot == slot {
		return before + 1
	}
	return 0
}

// lose takes a file away, or what is behind its header, or all that is in it.
func (f *faulty) lose(slot int, how string) {
	name := walName(slot)
	switch how {
	case "missing":
		delete(f.fs.nodes, name)
		delete(f.fs.disk, name)
	case "short":
		f.fs.nodes[name].now = f.fs.nodes[name].now[:BlockSize]
		f.stable()
	case "rotten":
		for i := range f.fs.nodes[name].now[BlockSize:] {
			f.fs.nodes[name].now[BlockSize+i] ^= 0xff
		}
		f.stable()
	case "empty":
		f.fs.nodes[name].now = nil
		f.stable()
	}
}
