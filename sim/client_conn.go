package sim

import (
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"logd/checker"
	"logd/transport"
)

// line is one connection with the requests that wait on it, in order.
type line struct {
	conn    *conn
	node    int
	frames  transport.Frames
	pending []*call
	corr    int32
	session fetchSession
}

// send writes a request to a broker; the operation, if it is one, begins here. noAnswer is for acks=0.
func (c *client) send(node int, k *call, req kmsg.Request, noAnswer bool) {
	w := c.w
	l := c.lines[node]
	if l == nil {
		l = &line{node: node}
		l.conn = w.dial(c, w.nodes[node])
		c.lines[node] = l
	}
	l.corr++
	k.corr, k.key, k.version, k.line, k.sent = l.corr, req.Key(), req.GetVersion(), l, w.now
	switch {
	case k.op.Kind == 0:
	case k.topic > 0:
		w.topics.asks(c, k)
	default:
		k.op.Client, k.op.Session, k.op.Partition = int64(c.number), c.sessions, w.partName(k.part)
		w.judge.invoke(&k.op)
		w.markAsked(k, c.number)
	}
	w.watch.sends(c, node, k)
	if n := queues(req); n > 0 {
		k.offer = w.nodes[node].offers(n)
	}
	frame := transport.AppendRequest(c.name, l.corr, req)
	w.trace.bytes(w.now, traceClient, c.number, uint64(node)<<32|uint64(uint32(k.key)), frame)
	if w.trace.verbose() {
		w.trace.line(w.now, traceClient, "client %d → broker %d: %s v%d %s %v from %d", c.number, w.nodes[node].id, kmsg.NameForKey(k.key), k.version, k.op.Partition, k.op.Values, k.op.From)
	}
	l.conn.up.write(frame)
	if noAnswer {
		l.conn.unanswered = true
		c.end(k, checker.Unknown)
		return
	}
	c.inflight++
	l.pending = append(l.pending, k)
	timeout := w.opt.Load.Timeout
	if k.key == int16(kmsg.JoinGroup) || k.key == int16(kmsg.SyncGroup) {
		timeout += 10 * time.Second // they wait for other members
	}
	w.queue.deadline(w.now+timeout, func() {
		if !k.ended {
			switch what := fmt.Sprintf("doesn't answer within %v", timeout); {
			case k.group != "":
				w.refusedCoordinator(k, codeNone, what)
			case k.topic > 0:
				w.topics.judgeRefusal(k, what)
			default:
				w.refused(k, codeNone, what)
			}
			c.drop(k.line)
		}
	})
}

// drop gives a connection up: everything on it has an unclear outcome.
func (c *client) drop(l *line) {
	l.conn.hangUp()
	c.lost(l)
}

// closed: the broker's end is gone.
func (c *client) closed(cn *conn) {
	if l := c.lineOf(cn); l != nil {
		c.lost(l)
	}
}

func (c *client) lost(l *line) {
	if c.lines[l.node] == l {
		c.lines[l.node] = nil
	}
	pending := l.pending
	l.pending = nil
	if c.seat.node == l.node {
		c.seat.node = -1
	}
	for part, node := range c.leaders {
		if node == l.node {
			c.leaders[part] = -1
		}
		if c.near[part] == l.node {
			c.near[part] = -1
		}
	}
	for i := range c.fleeting {
		for index, node := range c.fleeting[i].leaders {
			if node == l.node {
				c.fleeting[i].leaders[index] = -1
			}
		}
	}
	for _, k := range pending {
		c.inflight--
		outcome := checker.Unknown
		if k.op.Kind != checker.Append && k.op.Kind != checker.Trim && k.op.Kind != checker.Commit {
			outcome = checker.Failed // a read without an answer showed nothing
		}
		c.end(k, outcome)
	}
	c.sessions++
}

func (c *client) lineOf(cn *conn) *line {
	if l := c.lines[cn.node.index]; l != nil && l.conn == cn {
		return l
	}
	return nil
}

// retryAfter is how long a client waits, about, before it turns to a partition again that refused it.
const retryAfter = 40 * time.Millisecond
