package tcp

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// stuck is who has taken nothing for so long. It is longer than a few of a writer's steps, or who takes little, but steadily, would look
// stuck between two.
const stuck = 4 * writeStep

// waiting is a connection that has something in its queue, as it was when it was looked at.
type waiting struct {
	conn  *Conn
	bytes int
	still time.Duration // it has taken nothing
}

// relieve ends connections until all queues together are within TotalBytes again (N4). It is called by each Send that goes over that,
// so nothing else has to look: queues only shrink in between.
func (n *Net) relieve() {
	n.mu.Lock() // one at a time, or two would end twice as many as they must
	defer n.mu.Unlock()
	bound := int64(n.limits.TotalBytes)
	if n.queued.Load() <= bound {
		return
	}
	now := time.Now()
	var all []waiting
	for c := range n.open { // order: sorted below
		if w := c.waiting(now); w.bytes > 0 {
			all = append(all, w)
		}
	}
	slices.SortFunc(all, endsBefore)
	ended := 0
	for total := n.queued.Load(); total > bound && ended < len(all); total = n.queued.Load() {
		w := all[ended]
		w.conn.Abort(fmt.Errorf("%w: %d bytes wait for it, %d for all connections, the bound is %d; it took nothing for %s",
			ErrSlow, w.bytes, total, bound, w.still))
		ended++
	}
	if skipped, ok := n.relief.now(); ok {
		n.log.Warn("connections ended: too much waits for who doesn't read, or slowly", "ended", ended, "waiting", len(all),
			"bound_bytes", bound, "more", skipped)
	}
}

// endsBefore orders connections by who is ended first. First go those that are stuck, the longest first. Where that is not enough all
// others take what they are given, as far as can be told, and the longest queue goes first: few have to go then, and those stay that are
// nearest to the end of theirs, or asked for little.
func endsBefore(a, b waiting) int {
	if a.still >= stuck || b.still >= stuck {
		return cmp.Compare(b.still, a.still)
	}
	return cmp.Or(cmp.Compare(b.bytes, a.bytes), cmp.Compare(b.still, a.still))
}

func (c *Conn) waiting(now time.Time) waiting {
	c.mu.Lock()
	defer c.mu.Unlock()
	return waiting{c, c.queued, now.Sub(c.moved)}
}
