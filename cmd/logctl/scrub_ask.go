package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"logd/broker"
	"logd/transport"
)

// maxReport is how long a report can be: some hundred bytes for each damaged replica.
const maxReport = 16 << 20

var errNotLogd = errors.New("what answers there is not the peer port of this version of logd")

// toolConn asks one shard over the private API of the peer port, see docs/peer-api.md.
type toolConn struct {
	addr   string
	shard  int
	wait   time.Duration // for one question
	nc     net.Conn      // nil: not connected
	frames *transport.Frames
}

// ask sends one request and waits for its report, and for the number of the process that gave it. After an error the next
// question makes a new connection.
func (c *toolConn) ask(ctx context.Context, scrub bool) (r broker.ToolReport, boot uint64, err error) {
	defer func() {
		if err != nil {
			c.close()
		}
	}()
	h := transport.Header{From: broker.ToolID, Shard: uint16(c.shard)}
	if c.nc == nil {
		dialer := net.Dialer{Timeout: c.wait}
		if c.nc, err = dialer.DialContext(ctx, "tcp", c.addr); err != nil {
			return r, 0, err
		}
		c.frames = transport.NewFrames(maxReport)
		if err = c.write(transport.AppendEnvelope(nil, h, nil)); err != nil {
			return r, 0, err
		}
	}
	body, err := json.Marshal(broker.ToolRequest{Scrub: scrub})
	if err != nil {
		return r, 0, err
	}
	if err = c.write(transport.AppendEnvelope(nil, h, []transport.Msg{{Kind: broker.KindTool, Bufs: [][]byte{body}}})); err != nil {
		return r, 0, err
	}
	frame, err := c.read()
	if err != nil {
		return r, 0, err
	}
	from, msgs, err := transport.ParseEnvelope(frame)
	if err != nil || len(msgs) != 1 || msgs[0].Kind != broker.KindTool {
		return r, 0, fmt.Errorf("%w: %d messages, %v", errNotLogd, len(msgs), err)
	}
	if err = json.Unmarshal(msgs[0].Body, &r); err != nil {
		return r, 0, fmt.Errorf("%w: %v", errNotLogd, err)
	}
	return r, from.Boot, nil
}

func (c *toolConn) write(bufs [][]byte) error {
	c.nc.SetDeadline(time.Now().Add(c.wait)) // an error shows in what follows
	_, err := c.nc.Write(slices.Concat(bufs...))
	return err
}

func (c *toolConn) read() ([]byte, error) {
	buf := make([]byte, 16<<10)
	for {
		n, err := c.nc.Read(buf)
		c.frames.Feed(buf[:n])
		frame, ok, ferr := c.frames.Next()
		switch {
		case ok:
			return frame, nil
		case ferr != nil:
			return nil, fmt.Errorf("%w: %v", errNotLogd, ferr)
		case err != nil:
			return nil, err
		}
	}
}

func (c *toolConn) close() {
	if c.nc != nil {
		c.nc.Close() // nothing more is read
		c.nc = nil
	}
}
