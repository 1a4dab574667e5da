//go:build !linux

package tcp

import "time"

// endAfter does nothing where there is no TCP_USER_TIMEOUT: after a cut a link waits for the kernel's next retransmission.
func (c *Conn) endAfter(time.Duration) error { return nil }
