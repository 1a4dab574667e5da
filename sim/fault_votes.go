package sim

import (
	"fmt"
	"strings"
)

// loseVotes takes from one broker what it has no other copy of: both directories of a write group, or a file of its WAL. A vote
// may have been in it, so the broker must give its directory up, and join anew (S6).
func (f *nemesis) loseVotes() {
	n := f.victim()
	if n == nil {
		return
	}
	how := f.spoilDirectories
	if f.rng.IntN(3) == 0 {
		how = f.loseWAL
	}
	told := how(n)
	if told == "" {
		return
	}
	f.w.count[CountRots]++
	f.damaged(n, told)
	f.refresh(n)
}

// spoilDirectories damages both directories of a write group that counts. It isn't the last, which a crash in its write would
// excuse (S3).
func (f *nemesis) spoilDirectories(n *node) string {
	groups := n.disk.walOf(f.rng.IntN(f.w.opt.Shards))
	if len(groups) < 2 {
		return ""
	}
	g := groups[f.rng.IntN(len(groups)-1)]
	at := f.rng.Int64N(walDirHead)
	var told []string
	for _, from := range []int64{g.at, g.secondAt()} {
		if err := n.disk.Flip(g.file, from+at); err != nil {
			panic("sim: a place that was found isn't there: " + err.Error())
		}
		told = append(told, fmt.Sprintf("rot %d file %s %d", n.id, g.file, from+at))
	}
	f.w.did("%s", told[0])
	return told[1]
}

// loseWAL removes one of the files that hold what counts of a WAL.
func (f *nemesis) loseWAL(n *node) string {
	groups := n.disk.walOf(f.rng.IntN(f.w.opt.Shards))
	if len(groups) < 2 {
		return ""
	}
	name := groups[f.rng.IntN(len(groups)-1)].file
	if err := n.disk.Lose(name); err != nil {
		panic("sim: a file that was found isn't there: " + err.Error())
	}
	n.gone = append(n.gone, name[strings.Index(name, "/")+1:])
	return fmt.Sprintf("remove %d file %s 0", n.id, name)
}
