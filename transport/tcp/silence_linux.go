package tcp

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// endAfter has the kernel end the connection when what was sent isn't acknowledged for so long. Without it a cut that the network heals
// again costs up to as long once more: the kernel doubles its wait before each retransmission, to 2 minutes, a write's deadline comes
// much later, and keepalive keeps still while something is unacknowledged.
//
// It is the other kernel that acknowledges, so a process that is paused isn't taken for a cut until what its kernel holds for it is
// full. A full one that takes nothing for so long counts as silence, though its kernel answers: then the connection is made anew, which
// succeeds while the process is paused, and what was queued is lost, as envelopes may be.
func (c *Conn) endAfter(silence time.Duration) error {
	var failed error
	err := c.raw.Control(func(fd uintptr) {
		failed = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(silence.Milliseconds()))
	})
	if err == nil {
		err = os.NewSyscallError("setsockopt TCP_USER_TIMEOUT", failed)
	}
	return err
}
