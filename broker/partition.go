package broker

import (
	"errors"
	"fmt"
	"slices"
	"time"

	pb "go.etcd.io/raft/v3/raftpb"

	"logd/log"
	"logd/replica"
)

// partition is one replica with the calls that wait on it. The metadata group is one too; its entries are commands.
type partition struct {
	group   uint64
	replica uint64
	g       *replica.Group
	dirty   bool
	starved bool // among the shard's
	changed bool // it may look other than when InspectChanged was called last

	queue   []*proposal // to be proposed at the end of this turn, or when there is room
	pending []*proposal // proposed, by index; pending[i] is not applied yet (B2)
	bytes   int         // of pending
	reads   readIndex
	twins   []twin            // batches that came again, before the first one's outcome
	passing passing           // see producers.go
	trims   []trimWait        // calls that wait for the log to start later
	watch   []watcher         // fetches that wait for the high watermark to move
	heard   map[int32]started // by broker: the latest start that a raft message came from
	out     replica.Out
	spare   replica.Out // empty; only its memory counts
	keeps   keeps
	coord   *coordinator // of the groups that are kept here; nil while this broker isn't theirs

	eager    int  // ticks for which a new group\'s preferred leader stands again, until there is a leader
	damaged  bool // it has lost bytes: it follows and votes, but neither leads nor serves (G10)
	repair   repairing
	asked    int64 // offset+1 of the range that was asked for last, 0 if it came
	askedAt  int   // in ticks
	answered int   // tick of the last range that came, or of its place among the transfers

	segmentBytes int64         // what the store was told, 0 if nothing
	load         replica.Load  // in this turn
	unflushed    time.Duration // since when records wait for a segment, 0 if none was seen to
	open         openSegment
}

// proposal is one entry that a call wants appended.
type proposal struct {
	o      origin
	data   []byte
	term   uint64 // it was proposed in, and
	index  uint64 // at
	offset int64  // its base offset
}

// appended answers a produce call (B2); result is what a metadata command came to.
type appended struct {
	code   int16
	offset int64
	start  int64
	result Result
}

// watcher is a fetch that is to be woken.
type watcher struct {
	o     origin
	until time.Duration // of no use after this time
}

// restore starts a replica from what recovery found.
func (s *Shard) restore(rec log.Group) error {
	m, err := decodeReplicaMeta(rec.Meta)
	if err != nil {
		return fmt.Errorf("group %d: %w", rec.ID, err)
	}
	if rec.ID == metaGroup {
		if len(rec.Mark.App) > 0 {
			if s.meta, err = DecodeMeta(rec.Mark.App); err != nil {
				return fmt.Errorf("group %d: mark at index %d: %w", rec.ID, rec.Mark.Index, err)
			}
		}
		s.form.formed(m)
		s.evidence(rec.Entries)
	}
	g, err := replica.New(s.groupConfig(rec.ID, m.Replica), s.store, rec)
	if err != nil {
		return err
	}
	if rec.ID == metaGroup {
		s.fence.last = g.Status().Last
	}
	s.insert(&partition{group: rec.ID, replica: m.Replica, g: g})
	return nil
}

// propose queues an entry for the end of the turn, so that a turn's entries are one proposal.
func (s *Shard) propose(p *partition, o origin, data []byte) {
	p.queue = append(p.queue, &proposal{o: o, data: data})
	s.queued += len(data)
	s.touch(p.group)
}

// dequeue takes the first n out of the queue.
func (s *Shard) dequeue(p *partition, n int) []*proposal {
	taken := p.queue[:n:n]
	p.queue = p.queue[n:]
	for _, q := range taken {
		s.queued -= len(q.data)
	}
	return taken
}

// pop takes the first of the pending ones, and gives its room to whoever waits for it.
func (s *Shard) pop(p *partition) *proposal {
	q := p.pending[0]
	p.pending[0] = nil
	p.pending = p.pending[1:]
	p.bytes -= len(q.data)
	s.uncommitted -= len(q.data)
	for _, group := range s.starved {
		if w := s.parts[group]; w != nil {
			w.starved = false
			s.touch(group)
		}
	}
	s.starved = s.starved[:0]
	return q
}

// fit is how many of the queue may be proposed now. The rest waits: a client that sends ahead is slowed down, never
// refused, since it would send again what was refused, behind what it sent after it. While the disk is behind, a partition of which it
// isn't may propose one: else one that is led elsewhere, and written to all the time, would keep all others from being appended to.
func (s *Shard) fit(p *partition) int {
	most := len(p.queue)
	if s.full && p.group != metaGroup {
		if most = 1; p.bytes > 0 || p.load.Flushable > 0 {
			return 0
		}
	}
	n, bytes := 0, 0
	for n < most {
		size := len(p.queue[n].data)
		if p.bytes+bytes > 0 && p.bytes+bytes+size > s.cfg.Limits.UncommittedBytes {
			break
		}
		if all := s.uncommitted + bytes; all > 0 && all+size > s.roomWAL {
			if !p.starved {
				p.starved = true
				s.starved = append(s.starved, p.group)
			}
			break
		}
		bytes += size
		n++
	}
	return n
}

// collect proposes what is queued, takes what raft has ready, and acts on it.
func (s *Shard) collect(p *partition) {
	p.changed = true
	p.g.Collect(&p.out)
	s.proposeQueue(p)
	s.proposeTrims(p)
	s.proposePass(p)
	if len(p.reads.waiting) > 0 {
		s.askReadIndex(p)
		p.g.Collect(&p.out) // the others did, if they proposed
	}
	out := p.out
	p.out, p.spare = p.spare, replica.Out{} // what follows may add to the next one
	if out.Installed != nil {
		s.installed(p, *out.Installed)
	}
	for _, e := range out.Applied {
		s.apply(p, e)
	}
	for _, r := range out.Reads {
		p.reads.confirm(r)
	}
	if out.Trimmed || out.Installed != nil {
		s.answerTrims(p)
	}
	if out.Changed {
		s.roleChanged(p)
	}
	for _, m := range out.Messages {
		s.peers.raft(s, p.group, m)
	}
	for _, n := range out.Notes {
		s.log(LevelInfo, n)
	}
	s.coordinate(p)
	s.answerReads(p)
	s.askRange(p)
	if len(out.Applied) > 0 || out.Installed != nil || out.Changed {
		s.wakeWatchers(p)
		if len(p.queue) > 0 || slices.ContainsFunc(p.trims, func(w trimWait) bool { return w.term == 0 }) {
			s.touch(p.group) // there may be room now
		}
	}
	out.Reset()
	p.spare = out
	s.fenceTick()
}

// proposeQueue proposes what is queued in one step, as much as fits; what is refused was certainly not proposed and is
// answered so. What raft drops, because leadership is on its way elsewhere, waits for how that ends.
func (s *Shard) proposeQueue(p *partition) {
	if len(p.queue) == 0 {
		return
	}
	term, leads := p.g.Leading()
	if !leads || s.disk.stalled || s.stopping {
		s.refuseAll(s.dequeue(p, len(p.queue)), errNotLeader)
		return
	}
	n := s.fit(p)
	if n == 0 {
		return
	}
	fates, batches := s.judge(p, p.queue[:n]), make([][]byte, 0, n)
	for i, q := range p.queue[:n] {
		if !fates[i].again && !fates[i].no.is() {
			batches = append(batches, q.data)
		}
	}
	var at replica.Proposal
	var err error
	if len(batches) > 0 {
		at, err = p.g.Propose(term, batches)
	}
	if errors.Is(err, replica.ErrDropped) {
		return
	}
	queue := s.dequeue(p, n)
	if err != nil {
		s.refuseAll(queue, codeOf(err))
		return
	}
	p.g.Collect(&p.out)
	s.fulfil(p, queue, fates, at)
	if len(p.queue) > 0 {
		s.touch(p.group)
	}
}

// fulfil follows what was decided of queued batches, of which those to be appended were proposed at a place.
func (s *Shard) fulfil(p *partition, queue []*proposal, fates []fate, at replica.Proposal) {
	for i, q := range queue {
		switch f := fates[i]; {
		case f.no.is():
			s.refuseBatch(p, q, f.no)
		case f.again:
			s.join(p, q, f.offset)
		default:
			q.term, q.index, q.offset = at.Term, at.Index, f.offset
			at.Index++
			p.bytes += len(q.data)
			s.uncommitted += len(q.data)
			p.pending = append(p.pending, q)
			p.takes(q.data)
		}
	}
}

func (s *Shard) refuseAll(queue []*proposal, code int16) {
	for _, q := range queue {
		s.answer(q.o, appended{code: code, offset: -1, start: -1})
	}
}

// apply makes a committed entry visible and acknowledges who proposed it (B2).
func (s *Shard) apply(p *partition, e *pb.Entry) {
	var result Result
	if p.group == metaGroup {
		result = s.applyMeta(e)
	}
	for len(p.pending) > 0 && p.pending[0].index <= e.GetIndex() {
		q := s.pop(p)
		if q.index == e.GetIndex() && q.term == e.GetTerm() {
			q.stands(p, e)
			s.answer(q.o, appended{offset: q.offset, start: p.g.LogStart(), result: result})
		} else {
			s.answer(q.o, unclear)
		}
	}
	s.applyTwins(p, e)
}

// stands asserts that a proposal is applied at the offset that its answer says.
func (q *proposal) stands(p *partition, e *pb.Entry) {
	if p.group == metaGroup {
		return
	}
	if b, _, err := log.ParseBatch(e.Data); err != nil || b.BaseOffset != q.offset {
		panic(fmt.Sprintf("invariant B2: group %d: what was proposed at offset %d, index %d, is applied at offset %d: %v", p.group, q.offset, q.index, b.BaseOffset, err))
	}
}

// unclear answers what was proposed and then lost sight of: it may be committed, now or later.
var unclear = appended{code: errNotEnoughAfter, offset: -1, start: -1}

// roleChanged gives up on what this replica no longer can see through.
func (s *Shard) roleChanged(p *partition) {
	term, leads := p.g.Leading()
	for len(p.pending) > 0 && (!leads || p.pending[0].term != term) {
		s.answer(s.pop(p).o, unclear)
	}
	s.loseTrims(p, term, leads)
	s.loseTwins(p, term, leads)
	if !leads {
		s.failReads(p)
	}
	s.noteLead(p)
}

// installed restarts the state machine from a snapshot.
func (s *Shard) installed(p *partition, m log.Mark) {
	if p.group != metaGroup {
		return
	}
	meta, err := DecodeMeta(m.App)
	if err != nil {
		s.halt(fmt.Sprintf("metadata snapshot at index %d: %v", m.Index, err))
		return
	}
	s.publish(meta)
	s.postAll(metaMail{meta})
}

// wakeWatchers tells the fetches that wait that there is something new.
func (s *Shard) wakeWatchers(p *partition) {
	for _, w := range p.watch {
		if w.o.shard == s.cfg.Shard {
			s.wake(w.o.id)
		} else {
			s.post(w.o.shard, wakeMail{w.o.id})
		}
	}
	p.watch = p.watch[:0]
}

// watchFor registers a fetch, and forgets those that have timed out.
func (s *Shard) watchFor(p *partition, o origin, until time.Duration) {
	if len(p.watch) >= 16 {
		p.forgetWatchers(func(w watcher) bool { return w.until <= s.now.Mono || w.o == o })
	}
	p.watch = append(p.watch, watcher{o, until})
}

func (p *partition) forgetWatchers(gone func(watcher) bool) {
	p.watch = slices.DeleteFunc(p.watch, gone)
}

// drop removes a replica of a group that no longer is (B5).
func (s *Shard) drop(p *partition) {
	s.inspect(p, func(v *GroupView) {
		v.Gone = true
		s.gone = append(s.gone, *v)
	})
	s.unloadGroups(p)
	s.refuseAll(s.dequeue(p, len(p.queue)), errUnknownTopic)
	for len(p.pending) > 0 {
		s.answer(s.pop(p).o, unclear)
	}
	s.loseTrims(p, 0, false)
	s.loseTwins(p, 0, false)
	s.endTrims(p, func(trimWait) (trimmed, bool) { return trimmed{code: errUnknownTopic, start: -1}, true })
	s.failReads(p)
	s.wakeWatchers(p)
	s.store.Drop(p.group)
	s.tombs.seen[p.group] = s.meta.Index
	delete(s.parts, p.group)
	s.order = removeSorted(s.order, p.group)
	s.sorted = slices.DeleteFunc(s.sorted, func(q *partition) bool { return q == p })
	s.view.forget(p.group)
}
