package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// errHungUp is wrapped by the error of a write that was not begun because the broker had closed the connection before.
var errHungUp = errors.New("the broker closed the connection earlier")

// checkedDialer makes connections that look for a hang-up before each write. A broker that died while the connection was
// idle is noticed only by writing to it, after which nobody can say whether the request was carried out; looking first
// makes that a refusal that may be tried again (C5).
func checkedDialer(timeout time.Duration) kgo.Opt {
	d := net.Dialer{Timeout: timeout}
	return kgo.Dialer(func(ctx context.Context, network, host string) (net.Conn, error) {
		c, err := d.DialContext(ctx, network, host)
		if err != nil {
			return nil, err
		}
		sc, ok := c.(syscall.Conn)
		if !ok {
			return c, nil
		}
		raw, err := sc.SyscallConn()
		if err != nil {
			c.Close()
			return nil, err
		}
		return &checkedConn{Conn: c, raw: raw}, nil
	})
}

type checkedConn struct {
	net.Conn
	raw syscall.RawConn
}

func (c *checkedConn) Write(b []byte) (int, error) {
	if err := c.hungUp(); err != nil {
		c.Close()
		return 0, err
	}
	return c.Conn.Write(b)
}

// hungUp peeks for what the peer sent last: nothing yet or bytes to read mean an open connection, an end of stream or a
// reset that it is gone.
func (c *checkedConn) hungUp() error {
	var n int
	var err error
	var one [1]byte
	// Control, not Read: Read would wait for kgo's own reader, hence for the answer to the request before.
	rerr := c.raw.Control(func(fd uintptr) {
		n, _, err = syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	})
	switch {
	case rerr != nil:
		return fmt.Errorf("%w: %w", errHungUp, rerr)
	case err == nil && n == 0:
		return errHungUp
	case err != nil && !errors.Is(err, syscall.EAGAIN) && !errors.Is(err, syscall.EINTR):
		return fmt.Errorf("%w: %w", errHungUp, err)
	}
	return nil
}
