package crash

import (
	"slices"

	"logd/log"
)

// model is what was staged, by position; judge compares an outcome with it.
type model struct {
	groups []*group // in the order of their creation
	hurt   bool     // something was damaged, and may still be
}

// group is one raft group's part: all versions of its log, marks and states.
type group struct {
	id       uint64
	created  log.Seq
	dropped  log.Seq // 0 if it isn't
	buried   bool    // its tombstone may go
	marks    []log.Mark
	versions []version
	states   []stateAt
	commit   uint64
	start    int64              // log start wanted
	batches  map[int64]uint64   // sums of those that may be in segments, by base offset
	end      int64              // of segments, when what was staged is done
	known    map[uint64]entry   // by running hash
	agreed   map[uint64]bool    // running hashes of entries that were committed
	data     map[int64][]byte   // the batches
	rotten   []log.Range        // of segments: what may be lost
	lost     map[uint64]log.Seq // by running hash: entries that may be lost, until a position is durable; 0: for good
	offered  bool               // batches that are not the ones were offered for a lost stretch
}

// entry is one of a log, and what is true behind it.
type entry struct {
	log.Entry
	hash  uint64
	end   int64
	bhash uint64
	conf  []byte
}

// version is a group's log as staged under a position.
type version struct {
	seq   log.Seq
	epoch int // installs before
	mark  log.Mark
	log   []entry // after mark.Index
}

type stateAt struct {
	seq log.Seq
	st  log.State
}

func (v *version) last() uint64 { return v.mark.Index + uint64(len(v.log)) }

// at returns the entry at an index, or what is known of the mark's.
func (v *version) at(index uint64) (entry, bool) {
	if index == v.mark.Index {
		return entry{Entry: log.Entry{Index: index, Term: v.mark.Term}, hash: v.mark.EntryHash, end: v.mark.LogEnd, bhash: v.mark.BatchHash, conf: v.mark.Conf}, true
	}
	if index < v.mark.Index || index > v.last() {
		return entry{}, false
	}
	return v.log[index-v.mark.Index-1], true
}

func (g *group) now() *version    { return &g.versions[len(g.versions)-1] }
func (g *group) state() log.State { return g.states[len(g.states)-1].st }
func (g *group) mark() log.Mark   { return g.marks[len(g.marks)-1] }

func (m *model) group(id uint64) *group {
	if i := slices.IndexFunc(m.groups, func(g *group) bool { return g.id == id }); i >= 0 {
		return m.groups[i]
	}
	return nil
}

// create notes a new group.
func (m *model) create(id uint64, mark log.Mark, seq log.Seq) *group {
	g := &group{id: id, created: seq, batches: map[int64]uint64{}, known: map[uint64]entry{}, agreed: map[uint64]bool{}, data: map[int64][]byte{}, lost: map[uint64]log.Seq{}, commit: mark.Index, end: mark.LogEnd}
	g.versions = []version{{seq: seq, mark: mark}}
	g.states = []stateAt{{seq: seq}}
	g.marks = []log.Mark{mark}
	m.groups = append(m.groups, g)
	return g
}

// next makes the entries that an append from an index on stages: sizes of batches, 0 for none, below 0 for a configuration
// of so many bytes. What stood there comes from another leader, of a higher term, which is returned.
func (g *group) next(from uint64, sizes []int) (v version, es []log.Entry, term uint64) {
	old := g.now()
	v = version{epoch: old.epoch, mark: old.mark, log: old.log[:len(old.log):len(old.log)]}
	term = g.state().Term
	if from <= v.last() {
		n := from - v.mark.Index - 1
		v.log = v.log[:n:n]
		term++
	}
	for _, size := range sizes {
		prev, _ := v.at(v.last())
		e := entry{Entry: log.Entry{Index: prev.Index + 1, Term: max(term, prev.Term)}, end: prev.end, bhash: prev.bhash, conf: prev.conf}
		switch {
		case size > 0:
			n := 1 + int(e.Index)%3
			e.Data = newBatch(prev.end, int32(e.Term), n, size, fold(g.id, e.Index, e.Term))
			e.end += int64(n)
			e.bhash = log.HashBatch(prev.bhash, e.Data)
		case size < 0:
			e.Type = log.EntryConfV2
			e.Data = make([]byte, -size)
			fill(e.Data, fold(g.id, e.Index, e.Term))
			e.conf = e.Data
		}
		e.hash = log.HashEntry(prev.hash, e.Entry)
		g.known[e.hash] = e
		v.log = append(v.log, e)
		es = append(es, e.Entry)
	}
	return v, es, term
}

// commitTo notes that entries are committed, so that their batches may go to segments.
func (g *group) commitTo(index uint64) {
	for ; g.commit < index; g.commit++ {
		e, _ := g.now().at(g.commit + 1)
		prev, _ := g.now().at(g.commit)
		g.agreed[e.hash] = true
		if e.end > prev.end {
			g.batches[prev.end], g.data[prev.end] = foldBytes(0, e.Data), e.Data
		}
	}
}

// markAt makes the mark of a flush up to an index, and the batches that it writes.
func (g *group) markAt(to uint64, app []byte) (log.Mark, [][]byte) {
	var batches [][]byte
	v := g.now()
	for i := v.mark.Index + 1; i <= to; i++ {
		e, _ := v.at(i)
		if prev, _ := v.at(i - 1); e.end > prev.end && e.end > g.end {
			batches = append(batches, e.Data)
		}
	}
	e, _ := v.at(to)
	m := log.Mark{Index: to, Term: e.Term, LogStart: max(g.mark().LogStart, min(g.start, e.end)), LogEnd: e.end,
		EntryHash: e.hash, BatchHash: e.bhash, App: app, Conf: e.conf}
	g.marks = append(g.marks, m)
	g.end = max(g.end, e.end)
	return m, batches
}
