package broker

import (
	"fmt"
	"slices"
	"time"

	"logd/log"
)

// disk is what a shard knows of the device under its WAL, and what its peers say of theirs.
type disk struct {
	walOut   bool
	fillOut  bool
	walSince time.Duration // when the outstanding wal plan was given out
	stalled  bool          // that is longer than an election timeout ago (B8)
	latency  time.Duration // of wal plans, a moving average
	plans    int           // wal plans completed
	slow     bool          // far slower than the peers' (S12)
	strange  int           // announcements in a row that would change slow
	gave     int           // tick in which leaderships were handed over last, because of it
	peers    map[int32]time.Duration
}

// diskControl says how long the sender's wal plans take.
type diskControl struct {
	Latency time.Duration `json:"ns"`
}

const (
	// slowFactor is how many times slower than its peers' a disk must be to count as slow, and slowLeast how slow at least.
	slowFactor = 8
	slowLeast  = 20 * time.Millisecond
	// slowTimes is for how many announcements in a row that must be so, and again to count as well.
	slowTimes = 3
	// slowAgain is how many ticks a slow shard waits before it hands over again: nothing is proposed while raft tries.
	slowAgain = 100
	// latencyShare of the moving average is the newest plan's.
	latencyShare = 16
)

// plan gives out the next plan of each idle lane.
func (s *Shard) plan() {
	d := &s.disk
	if !d.walOut {
		if p, ok := s.store.Plan(log.LaneWAL); ok {
			d.walOut, d.walSince = true, s.now.Mono
			s.out.Plans = append(s.out.Plans, p)
		}
	}
	if !d.fillOut {
		if p, ok := s.store.Plan(log.LaneFill); ok {
			d.fillOut = true
			s.out.Plans = append(s.out.Plans, p)
		}
	}
}

// planDone moves the durable mark, and so everything that waits for it. A failed write or sync ends the process: after it
// nothing is known of the file, and nothing is tried again. Leaderships are left behind.
func (s *Shard) planDone(done log.Done) {
	if err := s.store.Done(done); err != nil {
		s.leave()
		s.halt(fmt.Sprintf("shard %d, %s lane: %v: nothing more is written; check the disk, then start again", s.cfg.Shard, done.Lane, err))
		return
	}
	d := &s.disk
	if done.Lane == log.LaneWAL {
		d.completed(s.now.Mono - d.walSince)
	} else {
		d.fillOut = false
	}
	for _, p := range s.sorted {
		if p.g.Busy() {
			s.touch(p.group)
		}
	}
}

func (d *disk) completed(took time.Duration) {
	d.walOut, d.stalled = false, false
	d.plans++
	d.latency += (took - d.latency) / latencyShare
	if d.plans == 1 {
		d.latency = took
	}
}

// now is the latency as it looks at this moment: a plan that is out for longer counts already.
func (d *disk) now(mono time.Duration) time.Duration {
	if d.walOut {
		return max(d.latency, mono-d.walSince)
	}
	return d.latency
}

// leave tells a follower of each group that this shard leads to stand for election, since it will say nothing more (S12).
func (s *Shard) leave() {
	for _, id := range s.order {
		if m := s.parts[id].g.Leave(); m != nil {
			s.peers.raft(s, id, m)
		}
	}
	s.sendPeers()
}

// watchDisk steps aside when a wal plan hangs: a leader that can't write must not go on heartbeating (S12, B8).
func (s *Shard) watchDisk() {
	d := &s.disk
	out := s.now.Mono - d.walSince
	if !d.walOut || out <= s.cfg.Limits.election() {
		return
	}
	if out > s.cfg.Limits.election()*time.Duration(s.cfg.Limits.StallElections) {
		s.halt(fmt.Sprintf("shard %d: a wal write is out for %s, the limit is %d election timeouts of %s: the disk hangs",
			s.cfg.Shard, out, s.cfg.Limits.StallElections, s.cfg.Limits.election()))
		return
	}
	if !d.stalled {
		d.stalled = true
		s.log(LevelWarn, "the disk is slow: handing leaderships over", "shard", s.cfg.Shard, "wal_write_out", out)
		s.handOverAll()
	}
}

func (s *Shard) handOverAll() {
	for _, id := range s.order {
		s.parts[id].g.HandOver(s.ticks / handOverTicks)
		s.touch(id)
	}
}

// diskTick compares this disk with the peers' now and then. One that is far slower slows down every partition that it leads,
// and none that it follows: so it gives leaderships away, for as long as it is slow.
func (s *Shard) diskTick() {
	d := &s.disk
	if s.ticks%announceTicks != 0 || len(s.peers.order) == 0 {
		return
	}
	mine := d.now(s.now.Mono)
	for _, to := range s.peers.order {
		s.peers.control(to, control{Disk: &diskControl{Latency: mine}})
	}
	theirs, ok := d.median()
	bound := max(slowLeast, slowFactor*theirs)
	if d.slow {
		bound /= 2 // it must get clearly better, else leaderships go to and fro
	}
	if !ok || d.slow == (mine >= bound) {
		d.strange = 0
	} else if d.strange++; d.strange >= slowTimes {
		d.slow, d.strange = !d.slow, 0
		text := "the disk is as fast as the peers' again"
		if d.slow {
			text = "the disk is far slower than the peers': handing leaderships over"
		}
		s.log(LevelWarn, text, "shard", s.cfg.Shard, "wal_write", mine, "peers", theirs)
		d.gave = s.ticks - slowAgain
	}
	if d.slow && s.ticks >= d.gave+slowAgain {
		d.gave = s.ticks
		s.handOverAll()
	}
}

// median is the peers' latency, the lower one of two; false if too few of them are known to tell who is strange.
func (d *disk) median() (time.Duration, bool) {
	if len(d.peers) < 2 {
		return 0, false
	}
	all := make([]time.Duration, 0, len(d.peers))
	for _, l := range d.peers { // order: they are sorted below
		all = append(all, l)
	}
	slices.Sort(all)
	return all[(len(all)-1)/2], true
}
