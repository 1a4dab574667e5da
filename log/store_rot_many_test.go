package log

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// damageSome draws one piece of damage of a file that was synced, and names it.
func damageSome(t *rapid.T, fs *sickFS, before *memFS, files int) string {
	name := walName(rapid.IntRange(0, files-1).Draw(t, "file"))
	n := fs.nodes[name]
	unit := rapid.SampledFrom([]int{sectorSize, sectorSize, BlockSize}).Draw(t, "unit")
	units := len(n.now) / unit
	if units < 2 {
		return "nothing"
	}
	i := rapid.IntRange(0, units-1).Draw(t, "unit number")
	j := rapid.IntRange(0, units-1).Draw(t, "other")
	at, other := n.now[i*unit:(i+1)*unit], n.now[j*unit:(j+1)*unit]
	way := rapid.SampledFrom([]string{"flip", "flip", "zero", "swap", "misdirect", "stale", "unreadable", "truncate", "lengthen"}).Draw(t, "way")
	switch way {
	case "flip":
		at[rapid.IntRange(0, unit-1).Draw(t, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
	case "zero":
		clear(at)
	case "swap":
		was := slices.Clone(at)
		copy(at, other)
		copy(other, was)
	case "misdirect":
		copy(at, other)
	case "stale":
		was := before.nodes[name].now
		if i*unit >= len(was) {
			return "nothing" // another damage has made the file longer
		}
		copy(at, was[i*unit:])
	case "unreadable":
		if fs.sick[name] == nil {
			fs.sick[name] = map[int]bool{}
		}
		fs.sick[name][i*unit/sectorSize] = true
	case "truncate":
		if rapid.IntRange(0, 4).Draw(t, "really") > 0 {
			return "nothing"
		}
		n.now = n.now[:len(n.now)-rapid.IntRange(1, len(n.now)/2).Draw(t, "bytes")]
	case "lengthen":
		n.now = append(slices.Clone(n.now), at...)
	}
	n.disk = slices.Clone(n.now)
	return fmt.Sprintf("%s of %d bytes at %d of %s", way, unit, i*unit, name)
}

// TestManyDamages: whatever is done to a few places, either all is recovered but for bytes of entries whose identity is known,
// and these can be filled; or the store says that a vote may be lost. It never returns a changed byte, an older vote, a
// shorter log.
func TestManyDamages(t *testing.T) {
	r, before := rottenStore(t)
	w, v := r.scan(t)
	seal := v.last()
	before2 := v.chain[len(v.chain)-2].number
	w.close()
	count := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		bad := &sickFS{memFS: r.fs.clone(), sick: map[string]map[int]bool{}}
		var done []string
		for range rapid.IntRange(1, 5).Draw(t, "damages") {
			done = append(done, damageSome(t, bad, before, r.opt.WALFiles))
		}
		if w, err := scanWAL(bad, testID, r.opt); err != nil {
			t.Fatal(err)
		} else if w.top < before2 || w.top == before2 && slices.ContainsFunc(w.sectors[seal.slot][seal.start:seal.end], func(is uint64) bool { return is == 0 }) {
			count["the last two write groups' traces are gone: skipped"]++
			return
		}
		t.Log(done)
		rec, err := r.recoverRot(t, bad, bad.memFS)
		switch {
		case errors.Is(err, ErrVotesLost):
			count["votes lost"]++
		case rec.Cut != "":
			count["seal cut"]++
		case rec.holes() > 0:
			count["holes"]++
		case len(rec.Damage) > 0:
			count["healed"]++
		default:
			count["nothing that counts"]++
		}
	})
	t.Log(count)
}
