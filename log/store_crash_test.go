package log

import (
	"math/rand/v2"
	"testing"
)

// crashStates goes through what a loss of power at this instant may leave, and judges each: all subsets of what is not
// stable if these are few, else each alone, each alone missing, each beginning, each end, and some at random.
func (m *model) crashStates(t *testing.T, rng *rand.Rand) int {
	n := m.fs.unstable()
	states := 0
	try := func(keep func(i int) bool) {
		i := -1
		next := *m
		next.rig = &rig{opt: m.opt, fs: m.fs.losePower(func() bool { i++; return keep(i) })}
		if err := next.tryOpen(); err != nil {
			t.Fatalf("%d unstable: %v", n, err)
		}
		next.compare(t, m.s)
		states++
	}
	if n <= 6 {
		for set := range 1 << n {
			try(func(i int) bool { return set>>i&1 == 1 })
		}
		return states
	}
	for k := range n {
		try(func(i int) bool { return i == k })
		try(func(i int) bool { return i != k })
		try(func(i int) bool { return i < k })
		try(func(i int) bool { return i >= k })
		try(func(int) bool { return rng.IntN(2) == 0 })
	}
	return states
}

// crashSteps runs a store until it is idle, and looks at all crash states within and
// between its operations. first is the lane that goes first.
func (m *model) crashSteps(t *testing.T, rng *rand.Rand, first Lane, kinds map[OpKind]int) (states int) {
	for {
		some := false
		for i := range Lanes {
			lane := (first + i) % Lanes
			before := m.fs
			m.fs = before.clone()
			runner := m.run[lane]
			m.run[lane] = NewRunner(m.fs)
			m.tear(lane)
			if p := &m.plans[lane]; len(p.Ops) > 0 {
				kinds[p.Ops[m.next[lane]].Kind]++
				states += m.crashStates(t, rng)
			}
			m.fs, m.run[lane] = before, runner
			some = m.step(t, lane) || some
		}
		if !some {
			return states
		}
	}
}

// TestStoreCrashStates goes through a small workload with all kinds of work, operation by operation.
func TestStoreCrashStates(t *testing.T) {
	opt := testOpt
	opt.SegmentBytes = 300
	m := newModel(opt)
	m.fs = newMemFS()
	if err := Format(m.fs, testID, opt); err != nil {
		t.Fatal(err)
	}
	m.open(t)
	rng := rand.New(rand.NewPCG(5, 6))
	kinds := map[OpKind]int{}
	states, first := 0, LaneWAL
	work := func(f func()) {
		f()
		states += m.crashSteps(t, rng, first, kinds)
		first = 1 - first
	}
	var a, b, c *modelGroup
	work(func() { a, b = m.create(3), m.create(0) })
	work(func() { m.append(a, 1, 400, 400, 0); m.setState(b, State{Term: 4, Vote: 2}) })
	work(func() { m.append(a, 3, 10, 400); m.append(b, 1, 1200) })
	work(func() { m.commit(a, 3); m.flush(a, 3, []byte("app")); m.append(a, 5, 400) })
	work(func() { m.commit(a, 5); m.flush(a, 5, nil); c = m.create(9) })
	work(func() { m.append(c, 1, 10); m.s.Seal() })
	work(func() { c.dropped = m.s.Drop(c.id) })
	work(func() {})
	first = LaneFill // a trim must wait for the mark
	work(func() { a.start = 5; m.flush(a, 5, nil); m.s.Trim(a.id, 5) })
	work(func() { m.transfer(a, -1, 2) })
	end := m.s.SegmentEnd(a.id)
	work(func() { m.install(a, 5, end, 3) })
	work(func() { m.transfer(a, 20, 1) })
	end = m.s.SegmentEnd(a.id)
	work(func() { m.install(a, end-3, end, 1) })
	for i := range uint64(40) { // around the ring, so that former content is all kinds of things
		m.append(a, a.now().last()+1, 3000, 1000)
		if i%8 == 7 {
			work(func() { m.append(b, 2, 100) })
		}
		m.commit(a, a.now().last())
		m.drain(t)
		m.flush(a, a.commit, nil)
		m.idle(t)
		m.answer()
		if i%13 == 5 {
			work(func() {})
		}
	}
	t.Logf("%d crash states at %v, %d laps", states, kinds, m.s.ring.lap)
	if m.s.ring.lap < 5 || states < 1500 {
		t.Fatal("too few")
	}
}
