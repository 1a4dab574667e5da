package sim

// loseVotes takes from one broker what it has no other copy of: both directories of a write group, or a file of its WAL. A vote
// may have been in it, so the broker must give its directory up, and join anew (S6).
func (f *nemesis) loseVotes() {
	n := f.victim()
	if n == nil {
		return
	}
	groups := n.disk.walOf(f.rng.IntN(f.w.opt.Shards))
	if len(groups) < 2 {
		return
	}
	g := groups[f.rng.IntN(len(groups)-1)] // not the last, which a crash in its write would excuse (S3)
	if f.rng.IntN(3) == 0 {
		f.w.decide(damage{node: n.index, verb: "remove", spot: spot{g.file, 0, 1}})
	} else {
		for _, from := range []int64{g.at, g.secondAt()} {
			at := from + f.rng.Int64N(walDirHead)
			f.w.decide(damage{node: n.index, verb: "rot", bit: uint8(f.rng.IntN(8)), spot: spot{g.file, at, restOfSector(at)}})
		}
	}
	f.refresh(n)
}
