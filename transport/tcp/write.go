package tcp

import (
	"errors"
	"fmt"
	"net"
	"os"
	"time"
)

const (
	writeBytes  = 1 << 20 // of one writev, and of one step of progress
	writeSlices = 1024    // IOV_MAX
	writeStep   = time.Second / 4
)

// write empties the queue, then ends: an idle connection has no writer.
//
// It looks every writeStep at what was taken. Who takes little must not be taken for who takes nothing, and the kernel doesn't wake a
// writer before a third of its buffer is free: only who tries again sees that some of it is.
func (c *Conn) write() {
	var batch net.Buffers // what is left of it
	for {
		c.mu.Lock()
		if len(batch) == 0 {
			batch = cut(&c.queue)
		}
		if len(batch) == 0 || c.reason != nil {
			c.writing = false
			closing := c.closing && c.reason == nil
			c.mu.Unlock()
			if closing {
				c.finish()
			}
			return
		}
		now, stall := time.Now(), c.net.limits.Stall
		late := now.Sub(c.moved) >= stall                       // asked before the step: a process that was paused tries once more
		c.nc.SetWriteDeadline(now.Add(min(writeStep, stall/4))) // under mu: never after endLocked's
		c.mu.Unlock()
		n, err := batch.WriteTo(c.nc) // leaves the rest in batch
		c.mu.Lock()
		if c.reason == nil {
			c.wrote(int(n), late, err)
		}
		c.mu.Unlock()
		if err == nil {
			batch = nil // empty slices may be left
		}
	}
}

// wrote counts what one step wrote. A step that ended at its deadline is no error unless nothing was taken in it, and for long before.
func (c *Conn) wrote(n int, late bool, err error) {
	if n > 0 {
		c.queued -= n
		c.moved = time.Now()
		c.net.queued.Add(-int64(n))
		c.gate.Broadcast()
	}
	switch {
	case err == nil, errors.Is(err, os.ErrDeadlineExceeded) && (n > 0 || !late):
	case errors.Is(err, os.ErrDeadlineExceeded):
		c.endLocked(fmt.Errorf("%w: %d bytes wait for it, and it took nothing for %s", ErrSlow, c.queued, time.Since(c.moved)))
	default:
		c.endLocked(err)
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
func cut(queue *[][]byte) (batch net.Buffers) {
	q, size := *queue, 0
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
	return batch
}
