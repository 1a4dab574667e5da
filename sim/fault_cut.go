package sim

import "time"

// cutting cuts directions until the fault ends.
func (f *nemesis) cutting(what string, pairs [][2]int) {
	if len(pairs) == 0 {
		return
	}
	f.w.count[CountPartitions]++
	f.note("%s", what)
	for _, p := range pairs {
		f.w.decide(cutLink{p[0], p[1], 1})
	}
	f.lasting(func() {
		f.note("%s ends", what)
		for _, p := range pairs {
			f.w.decide(cutLink{p[0], p[1], -1})
		}
	})
}

// between lists the directions between two sides; clients stand on one of them.
func (f *nemesis) between(side func(place int) int) (pairs [][2]int) {
	for a := range len(f.w.nodes) + 1 {
		for b := range len(f.w.nodes) + 1 {
			if side(a) != side(b) {
				pairs = append(pairs, [2]int{a, b})
			}
		}
	}
	return pairs
}

func (f *nemesis) splitInTwo() {
	sides := f.rng.IntN(1 << (len(f.w.nodes) + 1))
	f.cutting("split", f.between(func(place int) int { return sides >> place & 1 }))
}

func (f *nemesis) oneWay() {
	from, to := f.rng.IntN(len(f.w.nodes)), f.rng.IntN(len(f.w.nodes))
	if from != to {
		f.cutting("one-way", [][2]int{{from, to}})
	}
}

func (f *nemesis) isolate() { f.isolateFromPeers(f.w.nodes[f.rng.IntN(len(f.w.nodes))]) }

func (f *nemesis) isolateLeader() {
	if n := f.leader(); n != nil {
		f.isolateFromPeers(n)
	}
}

func (f *nemesis) isolateFromPeers(n *node) {
	last := f.downtime()
	f.w.decide(isolate{n.index, last})
	f.passes(last)
}

// bridge cuts one pair of brokers, who still see each other's friends.
func (f *nemesis) bridge() {
	if a, b := f.rng.IntN(len(f.w.nodes)), f.rng.IntN(len(f.w.nodes)); a != b {
		f.cutting("bridge", [][2]int{{a, b}, {b, a}})
	}
}

// clog makes a direction slow.
func (f *nemesis) clog() {
	a, b := f.rng.IntN(len(f.w.nodes)+1), f.rng.IntN(len(f.w.nodes)+1)
	if a == b {
		return
	}
	by := time.Duration(10+f.rng.Int64N(500)) * time.Millisecond
	f.w.decide(clog{a, b, by})
	f.lasting(func() { f.w.decide(clog{a, b, -by}) })
}

// reset breaks client connections in their midst.
func (f *nemesis) reset() {
	if n := f.any(true); n != nil {
		f.w.decide(reset{n.index, f.seed()})
	}
}
