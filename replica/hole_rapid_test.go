package replica

import (
	"bytes"
	crand "crypto/rand"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"logd/log"
)

// schedule is a random run of three replicas whose disks lose bytes. What any of them ever applied at an index, all must apply
// there, for ever: the running hash of the log says it.
type schedule struct {
	*cluster
	t       *rapid.T
	said    map[uint64]uint64 // by index: the hash of what was applied there first
	top     uint64            // the highest of them
	serial  uint64
	holes   map[uint64][]hole // by node, as of its last turn
	orphans uint64            // the node that lost entries which nobody else has, 0 if there is none

	rotted, marked, cut int // how often it came to that: holes, those that a mark healed, those that raft cut off
}

func TestHolesUnderRandomSchedules(t *testing.T) {
	base, runs, reader := t.TempDir(), 0, crand.Reader
	defer func() { crand.Reader = reader }()
	var rotted, marked, cut int
	rapid.Check(t, func(rt *rapid.T) {
		runs++
		dirs := 0
		root := filepath.Join(base, fmt.Sprint(runs))
		var seed [32]byte
		seed[0] = rapid.Byte().Draw(rt, "raft's seed")
		crand.Reader = rand.NewChaCha8(seed) // S14
		s := &schedule{t: rt, said: map[uint64]uint64{}, holes: map[uint64][]hole{}}
		s.cluster = newClusterIn(rt, 3, func() string {
			dirs++
			dir := filepath.Join(root, fmt.Sprint(dirs))
			if err := os.MkdirAll(dir, 0o700); err != nil {
				rt.Fatal(err)
			}
			return dir
		}, false)
		s.run()
		s.lead(1)
		for range rapid.IntRange(50, 200).Draw(rt, "steps") {
			s.step()
		}
		s.end()
		rotted, marked, cut = rotted+s.rotted, marked+s.marked, cut+s.cut
		_ = os.RemoveAll(root)
	})
	t.Logf("%d runs: %d entries lost their bytes, %d were healed by a mark, %d cut off", runs, rotted, marked, cut)
	if rotted == 0 {
		t.Fatal("nothing was ever damaged")
	}
}

// manySectors is an entry's size of which one sector at least is nothing else's.
const manySectors = 1300

func (s *schedule) batch(records int) []byte {
	s.serial++
	return sizedBatch(records, manySectors, s.serial*0x9e3779b97f4a7c15)
}

func (s *schedule) some() *node { return s.node(rapid.Int32Range(1, 3).Draw(s.t, "node")) }

// after has a node go on, and checks what it applied.
func (s *schedule) after(n *node) {
	g := n.g
	s.queue = append(s.queue, n.turn()...)
	for _, h := range n.store.Reclaim() { // as the shard does, for the ring is small
		g.Flush(1 << 20)
		if h.Copy {
			g.Copy(h.Last)
		}
		s.queue = append(s.queue, n.turn()...)
	}
	for _, h := range s.holes[n.id] {
		switch {
		case g.holeAt(h.Index) != nil:
		case h.Index <= g.win.index:
			s.marked++
		case h.Index > g.win.last() || g.win.at(h.Index).e.GetTerm() != h.Term:
			s.cut++
		}
	}
	s.holes[n.id] = slices.Clone(g.holes)
	if len(g.holes) > 0 && g.applied > g.safe() && g.holes[0].seq == 0 {
		s.t.Fatalf("invariant R12: node %x applied %d past the hole at %d", n.id, g.applied, g.holes[0].Index)
	}
	if _, leads := g.Leading(); leads && len(g.holes) > 0 {
		s.t.Fatalf("invariant R13: node %x leads with a hole at %d", n.id, g.holes[0].Index)
	}
	for i := g.win.index; i <= g.applied; i++ {
		h, ok := n.store.EntryHash(testGroup, i)
		if !ok {
			continue
		}
		if was, ok := s.said[i]; ok && was != h {
			s.t.Fatalf("node %x has hash %016x at index %d, %016x was applied there: a committed entry is lost", n.id, h, i, was)
		}
		s.said[i], s.top = h, max(s.top, i)
	}
}

func (s *schedule) step() {
	switch k := rapid.IntRange(0, 99).Draw(s.t, "action"); {
	case k < 45:
		for range rapid.IntRange(1, 12).Draw(s.t, "deliveries") {
			s.deliver()
		}
	case k < 55:
		n := s.some()
		for range rapid.IntRange(1, 12).Draw(s.t, "ticks") {
			n.g.Tick()
			s.after(n)
		}
	case k < 72:
		s.write()
	case k < 78:
		n := s.some()
		n.stuck = !n.stuck
		s.after(n)
	case k < 83:
		n := s.some()
		n.stuck = false
		n.reopen()
		s.after(n)
	case k < 88:
		n := s.some()
		n.g.Flush(rapid.SampledFrom([]int{300, 1 << 20}).Draw(s.t, "bytes"))
		s.after(n)
		n.g.Evict(0)
	case k < 92:
		s.rot(s.some())
	case k < 95:
		n := s.some()
		s.give(n, s.some())
		s.after(n)
	default:
		s.snapshot(s.some())
	}
}

// deliver brings, drops or doubles one message that is under way.
func (s *schedule) deliver() {
	if len(s.queue) == 0 {
		return
	}
	k := rapid.IntRange(0, min(len(s.queue)-1, 4)).Draw(s.t, "message")
	m := s.queue[k]
	fate := rapid.IntRange(0, 9).Draw(s.t, "fate")
	if fate != 1 {
		s.queue = append(s.queue[:k:k], s.queue[k+1:]...)
	}
	if fate == 0 {
		return
	}
	decoded, err := DecodeMessage(join(AppendMessage(nil, m)))
	if err != nil {
		s.t.Fatal(err)
	}
	n := s.nodes[m.GetTo()]
	var out Out
	n.g.Step(decoded, &out)
	s.after(n)
}

// write proposes at whoever leads.
func (s *schedule) write() {
	n := s.leading(1, 2, 3)
	if n == nil {
		return
	}
	n.g.Collect(&Out{})
	term, leads := n.g.Leading()
	if !leads || n.g.rn.HasReady() {
		return
	}
	for range rapid.IntRange(0, 3).Draw(s.t, "others") {
		if _, err := n.g.Propose(term, [][]byte{s.batch(1)}); err != nil {
			return
		}
		s.after(n)
	}
	if n.g.rn.HasReady() {
		return
	}
	if rapid.IntRange(0, 5).Draw(s.t, "trim?") == 0 {
		_ = n.g.Trim(term, rapid.Int64Range(0, n.g.HighWatermark()).Draw(s.t, "start"))
	} else if _, err := n.g.Propose(term, [][]byte{s.batch(rapid.IntRange(1, 3).Draw(s.t, "records"))}); err != nil {
		return
	}
	s.after(n)
}

// rot has a node's disk lose the bytes of entries that another has durably, and restarts it.
func (s *schedule) rot(n *node) {
	n.stuck = false
	s.after(n)
	n.store.Seal()
	s.after(n)
	before := len(n.g.holes)
	durable := n.store.Flushed(testGroup).Index
	for i := max(n.g.win.index, durable) + 1; i <= n.g.stable; i++ {
		e := n.g.win.at(i).e
		if len(e.Data) < manySectors || n.g.win.at(i).lost || !s.elsewhere(n, i) && !s.orphan(n, i) || rapid.IntRange(0, 1).Draw(s.t, "lost?") > 0 {
			continue
		}
		n.spoil(e.Data)
		s.rotted++
	}
	n.reopen()
	if len(n.g.holes) < before {
		s.t.Fatal("holes healed by a restart")
	}
	s.after(n)
}

// elsewhere reports whether another node has the entry at an index, durably, or under its mark.
func (s *schedule) elsewhere(n *node, index uint64) bool {
	for i := int32(1); i <= 3; i++ {
		p := s.node(i)
		if p == n {
			continue
		}
		if p.store.Flushed(testGroup).Index >= index {
			return true
		}
		h, ok := p.store.EntryHash(testGroup, index)
		if ok && h == n.hash(index) && index > p.g.win.index && p.g.stable >= index && p.g.holeAt(index) == nil {
			return true
		}
	}
	return false
}

// orphan reports whether nobody else has the entry at an index, so that it isn't committed. Two replicas that lost entries of
// which no one has the bytes would both be lost for good, so only one may be such.
func (s *schedule) orphan(n *node, index uint64) bool {
	if index <= s.top || s.orphans != 0 && s.orphans != n.id {
		return false
	}
	term := n.g.win.at(index).e.GetTerm()
	for i := int32(1); i <= 3; i++ {
		if p := s.node(i); p != n {
			if t, err := p.g.win.Term(index); err == nil && t == term || p.g.win.index > index {
				return false
			}
		}
	}
	s.orphans = n.id
	return true
}

// holeAt returns the hole at an index, durably filled or not.
func (g *Group) holeAt(index uint64) *hole {
	if i := g.searchHole(index); i < len(g.holes) && g.holes[i].Index == index {
		return &g.holes[i]
	}
	return nil
}

// give heals what a node misses and another has, from its memory or its segments.
func (s *schedule) give(n, from *node) {
	need, ok := n.g.Missing()
	if !ok || n == from {
		return
	}
	for k, h := range need.Holes {
		e, ok := from.g.Entry(h.Index, h.Hash)
		if !ok && k == 0 && h.Type == log.EntryBatch {
			e, ok = s.cold(from, h, need.Offset)
		}
		if !ok {
			continue
		}
		e.Data = bytes.Clone(e.Data)
		_ = n.g.Heal(e) // the hash decides
	}
}

// cold reads the batch that a hole lost from a node's segments.
func (s *schedule) cold(from *node, h log.Hole, offset int64) (log.Entry, bool) {
	rd, ok := from.store.Find(testGroup, offset, 0)
	if !ok {
		return log.Entry{}, false
	}
	data, _, err := rd.Cut(from.lanes[1].Read(rd).Data, offset, 1, true)
	return log.Entry{Index: h.Index, Term: h.Term, Type: h.Type, Data: data}, err == nil
}

// snapshot has the others offer one, and brings what a follower wants of them.
func (s *schedule) snapshot(n *node) {
	for i := int32(1); i <= 3; i++ {
		a := s.node(i)
		if a == n {
			continue
		}
		if _, missing := n.g.Missing(); missing {
			var out Out
			a.g.Offer(n.id, &out)
			s.queue = append(s.queue, out.Messages...)
		}
		s.ship(a, n)
	}
}

// ship answers what a follower wants once.
func (s *schedule) ship(a, n *node) {
	w, ok := n.g.Want()
	if !ok || w.Leader != a.id {
		return
	}
	h, ok := a.g.RangeAt(n.id, w.From)
	if !ok {
		return
	}
	batches, mem := a.g.Batches(h.From, 400)
	if !mem {
		rd, found := a.store.Find(testGroup, h.From, 300)
		if !found {
			return // it was trimmed, and no transfer of this leader's holds it
		}
		batches = [][]byte{cut(s.t, a.lanes[1].Read(rd).Data, h.From)}
	}
	if err := n.g.Range(join(AppendRange(nil, h, batches))); err != nil {
		s.t.Log(err)
	}
	s.after(n)
}

// end lets everything work again: all become whole, one leads, and all have what was ever applied.
func (s *schedule) end() {
	for i := int32(1); i <= 3; i++ {
		s.node(i).stuck = false
	}
	done := func() bool {
		a := s.leading(1, 2, 3)
		for i := int32(1); i <= 3; i++ {
			n := s.node(i)
			if a == nil || len(n.g.holes) > 0 || n.g.applied != a.g.win.last() || n.g.snap != nil {
				return false
			}
		}
		return true
	}
	marks := rapid.Bool().Draw(s.t, "marks first")
	for round := 0; !done(); round++ {
		if round > 400 {
			for i := int32(1); i <= 3; i++ {
				n := s.node(i)
				need, _ := n.g.Missing()
				s.t.Logf("node %d: %+v, holes %+v, snap %v, due %t", i, n.g.Status(), need.Holes, n.g.snap != nil, n.g.due)
			}
			s.t.Fatal("no end: not all became whole")
		}
		for i := int32(1); i <= 3; i++ {
			n := s.node(i)
			for p := int32(1); p <= 3 && (round > 40 || !marks); p++ {
				s.give(n, s.node(p))
			}
			n.g.Tick()
			s.after(n)
			s.drainQueue()
			if round > 20 || marks {
				s.snapshot(n)
				s.drainQueue()
			}
		}
	}
	for i := int32(1); i <= 3; i++ {
		if n := s.node(i); n.g.applied < s.top || n.hash(n.g.applied) != s.node(1).hash(s.node(1).g.applied) {
			s.t.Fatalf("node %d ends with applied %d, hash %016x; index %d was applied", i, n.g.applied, n.hash(n.g.applied), s.top)
		}
	}
}

func (s *schedule) drainQueue() {
	for range 5000 {
		if len(s.queue) == 0 {
			return
		}
		m := s.queue[0]
		s.queue = s.queue[1:]
		decoded, err := DecodeMessage(join(AppendMessage(nil, m)))
		if err != nil {
			s.t.Fatal(err)
		}
		n := s.nodes[m.GetTo()]
		n.g.Step(decoded, &Out{})
		s.after(n)
	}
	s.t.Fatal("no end of messages")
}
