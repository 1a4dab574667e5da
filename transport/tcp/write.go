package tcp

import (
	"net"
	"time"
)

const (
	writeBytes  = 1 << 20 // of one writev, and of one step of progress
	writeSlices = 1024    // IOV_MAX
)

// write empties the queue, then ends: an idle connection has no writer.
func (c *Conn) write() {
	for {
		c.mu.Lock()
		if len(c.queue) == 0 || c.reason != nil {
			c.writing = false
			closing := c.closing && c.reason == nil
			c.mu.Unlock()
			if closing {
				c.finish()
			}
			return
		}
		batch, size := cut(&c.queue)
		c.nc.SetWriteDeadline(time.Now().Add(c.net.limits.Stall)) // under mu: never after endLocked's
		c.mu.Unlock()
		_, err := batch.WriteTo(c.nc)
		c.mu.Lock()
		if c.reason == nil && err != nil {
			c.endLocked(err)
		}
		if c.reason == nil {
			c.queued -= size
			c.moved = time.Now()
			c.net.queued.Add(-int64(size))
			c.gate.Broadcast()
		}
		c.mu.Unlock()
	}
}

// finish says that nothing more comes and gives the other side time to take what was sent: closing a socket that has unread
// bytes resets the connection, and a reset drops what is on its way.
func (c *Conn) finish() {
	c.nc.CloseWrite() // an error shows in the read that follows
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.reason == nil {
		c.nc.SetReadDeadline(time.Now().Add(c.net.limits.Linger))
	}
}

// cut takes at most writeBytes in at most writeSlices from the front of a queue.
func cut(queue *[][]byte) (batch net.Buffers, size int) {
	q := *queue
	for len(q) > 0 && len(batch) < writeSlices && size < writeBytes {
		b := q[0]
		if n := writeBytes - size; len(b) > n {
			q[0], b = b[n:], b[:n]
		} else {
			q[0] = nil
			q = q[1:]
		}
		batch = append(batch, b)
		size += len(b)
	}
	if len(q) == 0 {
		q = nil
	}
	*queue = q
	return batch, size
}
