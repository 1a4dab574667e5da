package sim

import (
	"time"

	"logd/log"
)

// cramped is when a shard's WAL had no room last: writes wait then until what a file holds is in segments (S10).
type cramped struct {
	since time.Duration // the beginning
	last  time.Duration // the turn after which it was seen so last; 0: never
	now   bool
}

// measures looks whether the WAL has room, after a turn.
func (h *host) measures() {
	b, ok := h.shard.(blocker)
	if !ok || !b.Blocked() {
		h.cramped.now = false
		return
	}
	if !h.cramped.now {
		h.cramped.since = h.w.now
	}
	h.cramped.now, h.cramped.last = true, h.w.now
}

// crampedSince tells whether a shard's WAL had no room at any time since then, and that is no stall: for no longer than the disk needs to
// move all of it to segments, in the pieces that the limits allow, and while it is, something is written.
func (h *host) crampedSince(since time.Duration) bool {
	c := &h.cramped
	if !c.now {
		return c.last > since && c.last-c.since <= h.clearTime()
	}
	return h.w.now-c.since <= h.clearTime() && (h.works(log.LaneFill) || h.works(log.LaneWAL))
}

// works tells whether a plan of a lane is carried out, or its end isn't heard yet.
func (h *host) works(lane log.Lane) bool { return h.lanes[lane].busy || h.unheard(lane) }

// clearTime is how long it takes to move all that a WAL may hold to segments, each piece by itself, with a sync of the segment and another
// of what comes with it.
func (h *host) clearTime() time.Duration {
	s, l, d := &h.w.opt.Store, &h.w.opt.Limits, &h.w.opt.Disk
	pieces := int64(s.WALFiles) * s.WALFileBytes / int64(min(l.FlushChunk, s.GroupBytes))
	return time.Duration(pieces) * 2 * (d.Write + d.Sync)
}
