package log

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// model is what a store must be like: of each group all versions of its log and state that were staged, by position.
//
//	durable ⊆ recovered ⊆ invoked
type model struct {
	*rig
	groups map[uint64]*modelGroup
	ids    []uint64
	rolls  uint64
	count  map[string]int
	rots   bool // a disk has rotted
}

type modelGroup struct {
	id       uint64
	created  Seq
	dropped  Seq  // 0 if not
	unwanted bool // of a dropped one: the tombstone may go
	marks    []Mark
	versions []version
	states   []stateAt
	commit   uint64
	batches  map[int64][]byte // committed ones, by base offset
	known    map[uint64]modelEntry
	lazy     bool // never commits by itself
	fills    map[uint64]Seq
	start    int64
}

type modelEntry struct {
	Entry
	hash  uint64
	end   int64
	bhash uint64
}

// version is a group's log as staged under a position.
type version struct {
	seq   Seq
	epoch int // number of installs before
	mark  Mark
	log   []modelEntry // after mark.Index
}

type stateAt struct {
	seq Seq
	st  State
}

func (v *version) last() uint64 { return v.mark.Index + uint64(len(v.log)) }

// at returns the entry at an index, or what is known of the mark's.
func (v *version) at(index uint64) (modelEntry, bool) {
	if index == v.mark.Index {
		return modelEntry{Entry: Entry{Index: index, Term: v.mark.Term}, hash: v.mark.EntryHash, end: v.mark.LogEnd, bhash: v.mark.BatchHash}, true
	}
	if index < v.mark.Index || index > v.last() {
		return modelEntry{}, false
	}
	return v.log[index-v.mark.Index-1], true
}

func (g *modelGroup) now() *version { return &g.versions[len(g.versions)-1] }
func (g *modelGroup) state() State  { return g.states[len(g.states)-1].st }

func (m *model) some(t *rapid.T) *modelGroup {
	var ids []uint64
	for _, id := range m.ids {
		if g := m.groups[id]; g.dropped == 0 {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		t.Skip("no group")
	}
	return m.groups[rapid.SampledFrom(ids).Draw(t, "group")]
}

func (m *model) Create(t *rapid.T) {
	if len(m.ids)-m.unwanted() > 6 || len(m.groups) > 30 {
		t.Skip("enough")
	}
	m.create(rapid.IntRange(0, 40).Draw(t, "conf"))
}

func (m *model) create(conf int) *modelGroup {
	id := uint64(len(m.groups) + 1)
	mark := Mark{Conf: bytes.Repeat([]byte{1}, conf)}
	g := &modelGroup{id: id, batches: map[int64][]byte{}, known: map[uint64]modelEntry{}, fills: map[uint64]Seq{}, lazy: id%3 == 1}
	g.created = m.s.Create(id, []byte(fmt.Sprint("meta", id)), mark)
	g.versions = []version{{seq: g.created, mark: mark}}
	g.states = []stateAt{{seq: g.created}}
	g.marks = []Mark{mark}
	m.groups[id] = g
	m.ids = append(m.ids, id)
	return g
}

// uncommitted returns the bytes that can't be flushed.
func (m *model) uncommitted() (n int) {
	for _, id := range m.ids {
		if g := m.groups[id]; g.dropped == 0 {
			for _, e := range g.now().log {
				if e.Index > g.commit {
					n += len(e.Data)
				}
			}
		}
	}
	return n
}

func (m *model) Append(t *rapid.T) {
	g := m.some(t)
	if m.s.Sizes().Staged > 100<<10 {
		t.Skip("back-pressure")
	}
	from := g.now().last() + 1
	if rapid.IntRange(0, 4).Draw(t, "kind") == 0 && g.commit+1 < from {
		from = rapid.Uint64Range(max(g.commit, g.now().mark.Index)+1, from-1).Draw(t, "cut")
	}
	var sizes []int
	for range rapid.IntRange(1, 4).Draw(t, "entries") {
		sizes = append(sizes, rapid.SampledFrom([]int{0, 10, 100, 400, 400, 5000}).Draw(t, "size"))
	}
	m.append(g, from, sizes...)
}

// append stages entries from an index on, of batches with so many bytes; 0 is an entry without one. Other entries than those
// at the end come from another leader, and cut ours.
func (m *model) append(g *modelGroup, from uint64, sizes ...int) {
	old := g.now()
	v := version{epoch: old.epoch, mark: old.mark, log: old.log[:len(old.log):len(old.log)]}
	term := g.state().Term
	if from <= v.last() {
		v.log = v.log[: from-v.mark.Index-1 : from-v.mark.Index-1]
		term++
		m.setState(g, State{Term: term, Commit: g.state().Commit})
		m.count["cut"]++
	}
	var es []Entry
	for i, size := range sizes {
		prev, _ := v.at(v.last())
		e := modelEntry{Entry: Entry{Index: prev.Index + 1, Term: max(term, prev.Term)}, end: prev.end, bhash: prev.bhash}
		if size > 0 {
			if m.uncommitted()+i*size > MaxEntry(m.opt)*2/3 {
				size = 10
			}
			n := 1 + int(e.Index)%3
			e.Data = testBatch(prev.end, int32(e.Term), n, size, int64(e.Index))
			if b := g.batches[prev.end]; b != nil {
				h, _, _ := ParseBatch(b)
				e.Data, n = b, int(h.LastOffsetDelta)+1
				e.Term = max(e.Term, uint64(h.LeaderEpoch)) // a transfer brought it, from a leader of that term
			}
			e.end += int64(n)
			e.bhash = HashBatch(prev.bhash, e.Data)
		}
		e.hash = HashEntry(prev.hash, e.Entry)
		g.known[e.hash] = e
		v.log = append(v.log, e)
		es = append(es, e.Entry)
	}
	if last, _ := v.at(v.last()); last.Term > g.state().Term {
		m.setState(g, State{Term: last.Term, Commit: g.state().Commit})
	}
	v.seq = m.s.Append(g.id, es)
	g.versions = append(g.versions, v)
}

func (m *model) setState(g *modelGroup, st State) {
	g.states = append(g.states, stateAt{m.s.SetState(g.id, st), st})
}

func (m *model) SetState(t *rapid.T) {
	g := m.some(t)
	st := g.state()
	if rapid.Bool().Draw(t, "term") {
		st = State{Term: st.Term + 1, Vote: rapid.Uint64Range(0, 3).Draw(t, "vote"), Commit: st.Commit}
	}
	st.Commit = g.commit
	m.setState(g, st)
}

func (m *model) Commit(t *rapid.T) {
	if g := m.some(t); !g.lazy || rapid.IntRange(0, 20).Draw(t, "late") == 0 {
		m.commit(g, rapid.Uint64Range(g.commit, g.now().last()).Draw(t, "commit"))
	}
}

func (m *model) commit(g *modelGroup, to uint64) {
	for ; g.commit < to; g.commit++ {
		e, _ := g.now().at(g.commit + 1)
		prev, _ := g.now().at(g.commit)
		if len(e.Data) > 0 {
			if b := g.batches[prev.end]; b != nil && !bytes.Equal(b, e.Data) {
				return // a transfer that a crash cut short brought another: this one will never be committed
			}
			g.batches[prev.end] = e.Data
		}
	}
}

// flush flushes up to an index.
func (m *model) flush(g *modelGroup, to uint64, app []byte) {
	to = min(to, m.whole(g))
	for r := m.s.groups[g.id].rec(to); r != nil && r.lap == 0; r = m.s.groups[g.id].rec(to) {
		to--
	}
	if last := g.marks[len(g.marks)-1]; m.s.Flushing(g.id) || to < last.Index {
		return
	}
	from := max(m.s.groups[g.id].segs.next(), 0)
	var batches [][]byte
	for i := g.now().mark.Index + 1; i <= to; i++ {
		if e, _ := g.now().at(i); len(e.Data) > 0 && e.end > from {
			batches = append(batches, e.Data)
		}
	}
	e, _ := g.now().at(to)
	last := g.marks[len(g.marks)-1]
	mark := Mark{Index: to, Term: e.Term, LogStart: min(max(last.LogStart, g.start), e.end), LogEnd: e.end, EntryHash: e.hash, BatchHash: e.bhash, App: app, Conf: last.Conf}
	mark.LogStart = max(mark.LogStart, last.LogStart)
	g.marks = append(g.marks, mark)
	m.s.Flush(g.id, batches, mark)
	m.count["flush"]++
}

func (m *model) Flush(t *rapid.T) {
	g := m.some(t)
	to := rapid.Uint64Range(min(g.now().mark.Index, g.commit), g.commit).Draw(t, "to")
	if last := g.marks[len(g.marks)-1]; to < last.Index {
		to = last.Index
	}
	m.flush(g, to, bytes.Repeat([]byte{2}, rapid.IntRange(0, 300).Draw(t, "app")))
}

func (m *model) Trim(t *rapid.T) {
	g := m.some(t)
	e, _ := g.now().at(max(g.commit, g.now().mark.Index))
	g.start = max(g.start, rapid.Int64Range(0, e.end).Draw(t, "start"))
	m.s.Trim(g.id, g.start)
}

// Install replaces a group's log by a snapshot, its segments too where the leader's begin further on.
func (m *model) Install(t *rapid.T) {
	g := m.some(t)
	if m.s.Flushing(g.id) || !m.s.groups[g.id].createdDurable {
		t.Skip("flushing")
	}
	gap := int64(-1)
	if rapid.Bool().Draw(t, "reset") {
		gap = rapid.Int64Range(0, 50).Draw(t, "gap")
	}
	end, start := m.transfer(g, gap, rapid.IntRange(0, 3).Draw(t, "batches"))
	if rapid.IntRange(0, 5).Draw(t, "crash") == 0 { // before the snapshot is complete
		m.crash(t, true)
		return
	}
	for m.step(t, LaneFill) {
	}
	if m.s.SegmentEnd(g.id) != end {
		t.Fatalf("group %d: transferred to %d, expected %d", g.id, m.s.SegmentEnd(g.id), end)
	}
	m.install(g, start, end, rapid.Uint64Range(1, 9).Draw(t, "ahead"))
}

// transfer brings a leader's batches, which begin gap offsets behind what the group has unless gap is negative.
func (m *model) transfer(g *modelGroup, gap int64, batches int) (end, start int64) {
	end = m.s.groups[g.id].segs.next()
	start = g.marks[len(g.marks)-1].LogStart
	if gap >= 0 {
		e, _ := g.now().at(max(g.commit, g.now().mark.Index))
		end = max(end, e.end) + gap
		m.s.ResetSegments(g.id, end, uint64(end))
		start = end
	}
	for b := g.batches[end]; b != nil; b = g.batches[end] {
		m.s.Transfer(g.id, [][]byte{b})
		h, _, _ := ParseBatch(b)
		end = h.NextOffset()
	}
	for range batches {
		b := testBatch(end, int32(g.state().Term+1), 3, 600, 5)
		g.batches[end] = b
		m.s.Transfer(g.id, [][]byte{b})
		end += 3
	}
	return end, start
}

func (m *model) install(g *modelGroup, start, end int64, ahead uint64) {
	old := g.now()
	mark := Mark{Index: old.last() + ahead, Term: g.state().Term + 1, LogStart: start, LogEnd: end}
	mark.EntryHash = mix64(uint64(end), mark.Index)
	mark.BatchHash, _ = m.s.HashAt(g.id, end)
	m.setState(g, State{Term: mark.Term, Commit: g.commit})
	seq := m.s.Install(g.id, mark)
	g.versions = append(g.versions, version{seq: seq, epoch: old.epoch + 1, mark: mark})
	g.marks = append(g.marks, mark)
	g.commit, g.start = mark.Index, max(g.start, mark.LogStart)
	m.count["install"]++
}

func (m *model) Drop(t *rapid.T) {
	if rapid.IntRange(0, 3).Draw(t, "really") != 0 {
		t.Skip("no")
	}
	g := m.some(t)
	g.dropped = m.s.Drop(g.id)
	if rapid.Bool().Draw(t, "forget") { // before any of it is durable
		m.forget(g)
	}
}

// Forget lets tombstones go.
func (m *model) Forget(t *rapid.T) {
	for _, id := range m.ids {
		if g := m.groups[id]; g.dropped > 0 && !g.unwanted && rapid.Bool().Draw(t, "forget") {
			m.forget(g)
		}
	}
}

func (m *model) forget(g *modelGroup) {
	g.unwanted = true
	m.s.Forget(g.id)
	m.count["forgotten"]++
}

func (m *model) unwanted() (n int) {
	for _, id := range m.ids {
		if m.groups[id].unwanted {
			n++
		}
	}
	return n
}

func (m *model) Seal(t *rapid.T) { m.s.Seal() }

// answer does what a replica does when the ring needs room.
func (m *model) answer() {
	for _, h := range m.s.Reclaim() {
		g := m.groups[h.Group]
		if to := min(h.Last, g.commit); to > g.now().mark.Index {
			m.flush(g, to, nil)
		}
		if !h.Copy {
			continue
		}
		var es []Entry
		for i := max(g.commit, g.now().mark.Index) + 1; i <= min(h.Last, g.now().last()); i++ {
			e, _ := g.now().at(i)
			es = append(es, e.Entry)
		}
		if m.s.Copy(g.id, es) > 0 {
			m.count["copy"]++
		}
	}
}

func (m *model) Reclaim(t *rapid.T) { m.answer() }

func (m *model) WAL(t *rapid.T)  { m.step(t, LaneWAL) }
func (m *model) Fill(t *rapid.T) { m.step(t, LaneFill) }

// Drain checks that appends don't wait for ever while the uncommitted stay bounded.
func (m *model) Drain(t *rapid.T) {
	m.drain(t)
	if d, s := m.s.Durable(), m.s.seq; d != s {
		t.Fatalf("durable %d of %d, blocked %t, ring %+v, urgent %d, state %+v, sizes %+v", d, s, m.s.Blocked(), m.s.ring, m.s.urgent.n, m.s.state, m.s.Sizes())
	}
}

func (m *model) drain(tb rapid.TB) {
	m.repairAll(tb)
	for range 200 {
		m.idle(tb)
		if m.s.Durable() == m.s.seq {
			return
		}
		m.count["blocked"]++
		m.answer()
	}
}

// Crash ends the process or the power at any operation, sometimes twice.
func (m *model) Crash(t *rapid.T) { m.crash(t, rapid.Bool().Draw(t, "power")) }

func (m *model) crash(t *rapid.T, power bool) {
	for lane := range Lanes {
		if rapid.Bool().Draw(t, "tear") {
			m.tear(lane)
		}
	}
	rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
	odds := rapid.SampledFrom([]int{1, 8, 15}).Draw(t, "odds")
	coin := func() bool { return rng.IntN(16) < odds }
	if power {
		m.fs = m.fs.losePower(coin)
	} else {
		m.fs = m.fs.clone()
		if rapid.Bool().Draw(t, "sync failed") {
			m.fs.failSync()
		}
	}
	m.rolls += m.s.ring.lap
	old := m.s
	var sound *memFS
	if rapid.IntRange(0, 2).Draw(t, "rot") == 0 {
		sound = m.fs.clone()
		m.rotSome(t)
	}
	if err := m.reopen(sound); err != nil {
		t.Fatalf("power %t: %v", power, err)
	}
	if len(m.rec.Damage) > 0 && sound == nil && !m.rots {
		t.Fatalf("damage from nowhere: %v", m.rec.Damage)
	}
	m.rots = m.rots || sound != nil
	if sound == nil {
		for i := range m.rec.Groups {
			m.compareFills(t, m.groups[m.rec.Groups[i].ID], &m.rec.Groups[i], old.Durable())
		}
	}
	m.fillIn(t)
	if m.rec.Cut != "" {
		m.count["torn"]++
	}
	m.compare(t, old)
	first, unsealed := m.rec.show(), m.fs
	m.fs = m.fs.losePower(func() bool { return false }) // S4: all that was reported must be stable
	if err := m.tryOpen(); err != nil {
		t.Fatalf("second start: %v", err)
	}
	m.fillIn(t)
	if second := m.rec.show(); second != first {
		t.Fatalf("recovered first\n%sand after a loss of power\n%s", first, second)
	}
	m.fs = unsealed
	if err := m.tryOpen(); err != nil {
		t.Fatalf("third start: %v", err)
	}
	m.fillIn(t)
	m.adopt()
	m.count["crash"]++
}

func newModel(opt Options) *model {
	return &model{rig: &rig{opt: opt}, groups: map[uint64]*modelGroup{}, count: map[string]int{}}
}

// TestStoreModel compares the store with the model, under crashes at any operation.
func TestStoreModel(t *testing.T) {
	total := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		opt := testOpt
		opt.WALFiles = rapid.IntRange(2, 4).Draw(t, "files")
		opt.GroupBytes = rapid.SampledFrom([]int{8 << 10, 16 << 10, 64 << 10}).Draw(t, "group bytes")
		m := newModel(opt)
		m.fs = newMemFS()
		if err := Format(m.fs, testID, opt); err != nil {
			t.Fatal(err)
		}
		if err := m.tryOpen(); err != nil {
			t.Fatal(err)
		}
		m.Create(t)
		actions := rapid.StateMachineActions(m)
		for _, name := range []string{"Append", "WAL", "Fill", "Commit", "Flush", "Reclaim"} { // order: distinct keys
			for i := range 4 {
				actions[name+fmt.Sprint(i)] = actions[name]
			}
		}
		t.Repeat(actions)
		m.Drain(t)
		m.count["rolls"] += int(m.rolls + m.s.ring.lap)
		for k, n := range m.count {
			total[k] += n
		}
	})
	t.Log(total)
}
