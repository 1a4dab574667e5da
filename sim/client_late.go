package sim

import (
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"logd/checker"
	"logd/transport"
)

// sendLate is a zombie's append: whoever sent it has given up, and a network that held it back delivers it on a connection of
// nobody's. It is one value sent once, and may take effect whenever it arrives (S15).
func (c *client) sendLate(node int, k *call, req kmsg.Request, late time.Duration) {
	w := c.w
	w.count[CountLate]++
	k.op.Client, k.op.Session, k.op.Partition = int64(c.number), c.sessions, w.partName(k.part)
	k.line = &line{node: node}
	w.judge.invoke(&k.op)
	w.markAsked(k, c.number)
	frame := transport.AppendRequest(c.name, 1, req)
	w.trace.bytes(w.now, traceClient, c.number, uint64(node), frame)
	c.end(k, checker.Unknown)
	for _, v := range k.op.Values {
		w.lates[v] = true
	}
	w.zombies++
	w.after(late, func() {
		w.zombies--
		w.nodes[node].offers(queues(req))
		w.intrude(w.nodes[node], frame, lateStays)
	})
}

// lateStays is how long a zombie's connection stays.
const lateStays = time.Second
