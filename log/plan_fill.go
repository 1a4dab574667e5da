package log

import "fmt"

type jobKind uint8

const (
	jobFlush jobKind = iota
	jobTransfer
	jobReset
	jobTrim
	jobDrop
	jobRepair
	jobIndex
	jobSweep // never queued: the end of a plan with jobDrop
)

// job is work for the fill lane. Those of one group are done in order.
type job struct {
	kind    jobKind
	g       *group
	batches [][]byte
	bytes   int
	mark    Mark   // jobFlush
	at      int64  // jobReset, jobTrim
	hash    uint64 // jobReset
	repair  *repair
	seg     *segment // jobIndex
	gone    bool     // there is nothing to do any more
	swept   []*group // jobSweep
}

func (s *Store) queueJob(j *job) {
	for _, b := range j.batches {
		j.bytes += len(b)
	}
	s.jobs = append(s.jobs, j)
}

// Flush writes committed batches, contiguous from the segments' end (maybe none), to the group's segments, syncs them, and
// then stages the mark by itself (L7). There is at most one flush of a group under way. m.Index is of a durable entry of the
// log, or the last mark's again; m.LogEnd is the end of the batches.
func (s *Store) Flush(group uint64, batches [][]byte, m Mark) {
	g := s.alive(group)
	if g.flushing || m.Index < g.mark.Index || m.Index > g.last() {
		panic(fmt.Sprintf("invariant L7: group %d: flush to index %d, the log is (%d, %d], flushing %t", group, m.Index, g.mark.Index, g.last(), g.flushing))
	}
	if at := g.searchHole(m.Index + 1); at > 0 {
		panic(fmt.Sprintf("invariant L12: group %d: flush to index %d over the hole at %d", group, m.Index, g.holes[0].Index))
	}
	if r := g.rec(m.Index); r != nil && r.lap == 0 {
		panic(fmt.Sprintf("invariant L7: group %d: flush to index %d, which is not durable", group, m.Index))
	}
	term, h := g.before(m.Index)
	if err := m.check(); err != nil || m.Term != term || m.EntryHash != h || m.LogStart < g.mark.LogStart || m.LogEnd < g.mark.LogEnd {
		panic(fmt.Sprintf("invariant L9: group %d: flush to index %d term %d hash %016x, log (%d, %d]; the log has term %d hash %016x, the last mark log (%d, %d]: %v",
			group, m.Index, m.Term, m.EntryHash, m.LogStart, m.LogEnd, term, h, g.mark.LogStart, g.mark.LogEnd, err))
	}
	g.flushing, g.flushTo = true, m.Index
	s.queueJob(&job{kind: jobFlush, g: g, batches: batches, mark: m})
	s.instant()
}

// Transfer writes batches that a snapshot transfer brought, contiguous from the segments' end, to segments, and syncs them,
// without a mark. [Store.SegmentEnd] rises when they are synced; what no mark vouches for is cut at a restart. Whether they are what was
// asked for the snapshot's mark says at last: it can be [Store.Refute]d.
func (s *Store) Transfer(group uint64, batches [][]byte) {
	g := s.alive(group)
	if len(batches) > 0 {
		s.queueJob(&job{kind: jobTransfer, g: g, batches: batches})
	}
}

// Refute takes the word of a mark that others vouch for, and that ends where the segments do, against what a transfer brought: all behind
// the last mark that vouched is lost, and what peers send for it must lead to the mark's hash (L13). false if it changes nothing: they end
// elsewhere, nothing was transferred, or a repair is under way.
func (s *Store) Refute(group uint64, m Mark) bool {
	p := s.alive(group).segs
	return p.fix == nil && p.refute(m)
}

// ResetSegments starts the segments anew at an offset beyond their end, where a leader's log starts; hash is the running
// batch hash before it. What was there is found no more, but stays until the mark of the following [Store.Install] is durable.
func (s *Store) ResetSegments(group uint64, at int64, hash uint64) {
	s.queueJob(&job{kind: jobReset, g: s.alive(group), at: at, hash: hash})
}

// Trim removes whole segments below a log start, once a durable mark has at least that log start.
func (s *Store) Trim(group uint64, logStart int64) {
	g := s.alive(group)
	g.trimTo = max(g.trimTo, logStart)
	s.queueTrim(g)
}

// queueTrim queues what a durable mark allows of the trims that were asked for.
func (s *Store) queueTrim(g *group) {
	if to := min(g.trimTo, g.durMark.LogStart); to > g.trimmed && !g.dropped {
		g.trimmed = to
		s.queueJob(&job{kind: jobTrim, g: g, at: to})
	}
}

// step is one job's share of a fill plan.
type step struct {
	job      *job
	from, to int // operations
	was      saved
}

// planFill takes jobs in order, small ones together, until the plan is as long as a write group. While the disk is full only
// those are taken that write nothing; a trim needs not wait for an append that does.
func (s *Store) planFill() []Op {
	s.steps = s.steps[:0]
	if len(s.undo) > 0 && !s.stuck() {
		return s.undo
	}
	if len(s.jobs) == 0 {
		return nil
	}
	var ops []Op
	bytes := 0
	rest := s.jobs[:0]
	waits := map[*group]bool{} // asked only, never walked
	for _, j := range s.jobs {
		g := j.g
		if g.dropped && j.kind != jobDrop {
			continue
		}
		if waits[g] && !(s.starved && j.frees()) || g == s.undoOf || j.empty() || j.kind != jobDrop && !g.createdDurable ||
			j.writes() && (s.starved || len(s.steps) > 0 && bytes+j.bytes > s.opt.GroupBytes) {
			waits[g] = waits[g] || !j.empty()
			rest = append(rest, j)
			continue
		}
		st := step{job: j, from: len(ops)}
		if ops = s.planJob(ops, &st); !j.gone {
			st.to = len(ops)
			s.steps = append(s.steps, st)
			bytes += j.bytes
			waits[g] = waits[g] || j.writes()
		}
	}
	clear(s.jobs[len(rest):])
	s.jobs = rest
	n := len(s.jobs)
	for _, st := range s.steps {
		if st.job.kind == jobTrim { // it may have ended a span
			s.queueIndexes(st.job.g)
		}
	}
	ops = s.sweep(ops)
	if len(ops) == 0 && len(s.jobs) > n {
		return s.planFill()
	}
	s.fillOps = ops
	return ops
}

// planJob adds one job's operations.
func (s *Store) planJob(ops []Op, st *step) []Op {
	j := st.job
	p := j.g.segs
	switch j.kind {
	case jobDrop:
		ops = dropSegments(ops, p)
	case jobTrim:
		ops = p.trim(ops, j.at)
	case jobReset:
		p.reset(j.at, j.hash)
	case jobRepair:
		var ok bool
		ops, ok = p.planRepair(ops, j.repair)
		j.gone = !ok
	case jobIndex:
		n := len(ops)
		ops = p.planIndex(ops, j.seg)
		j.gone = len(ops) == n
	default:
		st.was = p.save()
		if j.kind == jobTransfer {
			p.doubt(j.g.mark)
		}
		ops = p.append(ops, j.batches)
		j.g.filling = true
	}
	return ops
}

// appends says whether a job writes behind the segments' end.
func (j *job) appends() bool { return j.kind == jobFlush || j.kind == jobTransfer }

// writes says whether a job needs room on the disk.
func (j *job) writes() bool { return j.appends() || j.kind == jobRepair || j.kind == jobIndex }

// frees says whether a job makes room on the disk.
func (j *job) frees() bool { return j.kind == jobTrim || j.kind == jobDrop }

// instant completes the flushes that write nothing, once the group's creation and the batches before are durable.
func (s *Store) instant() {
	if len(s.jobs) == 0 {
		return
	}
	rest := s.jobs[:0]
	busy := map[*group]bool{} // asked only, never walked
	for _, j := range s.jobs {
		g := j.g
		waits := busy[g] || g.filling
		if j.empty() && g.createdDurable && (!waits || g.segs.end() >= j.mark.LogEnd) {
			s.filled(j)
			continue
		}
		busy[g] = true
		rest = append(rest, j)
	}
	clear(s.jobs[len(rest):])
	s.jobs = rest
}

// empty says that it is a flush which writes nothing but a mark.
func (j *job) empty() bool { return j.kind == jobFlush && len(j.batches) == 0 }

// filled takes a job whose operations, if any, are complete.
func (s *Store) filled(j *job) {
	g := j.g
	switch j.kind {
	case jobFlush, jobTransfer:
		g.filling = false
		if len(j.batches) > 0 {
			g.segs.flushed()
		}
	case jobRepair:
		g.segs.repaired(j.repair)
		s.queueIndexes(g)
	case jobIndex:
		j.seg.told()
		if p := g.segs; len(p.live) > 1 && p.live[1] == j.seg && p.live[0].end <= g.trimmed { // it waited for that, see [segments.trim]
			g.trimmed = p.live[0].base
			s.queueTrim(g)
		}
	case jobSweep:
		for _, g := range j.swept {
			g.swept = true
			s.bury(g)
		}
	}
	if j.kind == jobFlush {
		g.flushing, g.flushTo = false, 0
		if !g.dropped {
			g.segs.vouch(j.mark)
			s.queueIndexes(g)
			s.stageMark(g, j.mark)
		}
	}
}

// queueIndexes queues the index files of closed segments that are whole by now, and the start files that couldn't be written before.
func (s *Store) queueIndexes(g *group) {
	for _, seg := range g.segs.live {
		if seg.untold() && !seg.queued && g.segs.vouched(seg.end) && !g.segs.touches(seg, true) && seg.has.log {
			seg.queued = true
			s.queueJob(&job{kind: jobIndex, g: g, seg: seg})
		}
	}
}

// dropSegments removes all files of a group. Names that a crash brings back go at the next start, by the tombstone, which stays until
// none can come back, see [Store.sweep].
func dropSegments(ops []Op, p *segments) []Op {
	for _, name := range p.allFiles() {
		ops = append(ops, Op{Kind: OpRemove, File: name})
	}
	if p.exists {
		ops = append(ops, Op{Kind: OpRemove, File: p.dir})
	}
	p.kept, p.live, p.loose, p.sick, p.spans, p.fix = nil, nil, nil, nil, nil, nil
	p.exists, p.stable = false, p.at
	return ops
}
