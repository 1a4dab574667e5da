package tcp

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// Limits bound what connections may take.
type Limits struct {
	BufferBytes int           // of one read
	Buffers     int           // read buffers of the process: that many reads can be on their way to the shards
	ChokeBytes  int           // a connection with more in its write queue isn't read
	QueueBytes  int           // a connection with more in its write queue is closed
	TotalBytes  int           // over this in all write queues, connections are closed, first those that take nothing
	Stall       time.Duration // a connection that takes nothing for so long is closed
	Idle        time.Duration // a client that sends nothing for so long is closed (Kafka's connections.max.idle.ms)
	Linger      time.Duration // after Close, time for the other side to take what was sent
	LinkBytes   int           // a link with more in its queue drops what comes
	LinkSilence time.Duration // a link's connection on which nothing is acknowledged for so long is made anew (Linux)
}

// DefaultLimits are a real broker's.
func DefaultLimits() Limits {
	return Limits{BufferBytes: 256 << 10, Buffers: 64, ChokeBytes: 1 << 20, QueueBytes: 128 << 20, TotalBytes: 256 << 20,
		Stall: 30 * time.Second, Idle: 10 * time.Minute, Linger: time.Second, LinkBytes: 64 << 20, LinkSilence: 3 * time.Second}
}

// Net is what all connections of a process share.
type Net struct {
	limits Limits
	log    *slog.Logger
	ids    atomic.Uint64
	queued atomic.Int64
	pool   chan []byte // BufferBytes each, or nil: not made yet

	mu     sync.Mutex
	open   map[*Conn]bool // accepted, or a link's, and not ended yet
	closed error          // not nil: there are to be none any more
	relief seldom
}

// New returns a Net; log gets what happens to connections as a whole, never one line per request.
func New(limits Limits, log *slog.Logger) *Net {
	n := &Net{limits: limits, log: log, pool: make(chan []byte, limits.Buffers), open: map[*Conn]bool{}}
	for range limits.Buffers {
		n.pool <- nil
	}
	return n
}

// Limits returns what New was given.
func (n *Net) Limits() Limits { return n.limits }

// Close ends all connections, and those that still come. Listeners and links are closed by who has them.
func (n *Net) Close(reason error) {
	n.mu.Lock()
	n.closed = reason
	var all []*Conn
	for c := range n.open { // order: they are independent
		all = append(all, c)
	}
	n.mu.Unlock()
	for _, c := range all {
		c.Abort(reason)
	}
}

// enter notes a connection; an error says why there is to be none any more.
func (n *Net) enter(c *Conn) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed == nil {
		n.open[c] = true
	}
	return n.closed
}

func (n *Net) leave(c *Conn) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.open, c)
}

// Queued returns how many bytes wait in the write queues of all connections.
func (n *Net) Queued() int64 { return n.queued.Load() }

// Buf is bytes that arrived. Whoever gets one gives it back with Release, once, and doesn't look at Bytes after that.
type Buf struct {
	Bytes []byte
	net   *Net
	conn  *Conn
}

// Release gives the buffer back, once all that its bytes lead to at once was sent.
func (b *Buf) Release() {
	b.giveBack()
	b.conn.returned()
}

func (b *Buf) giveBack() {
	b.net.pool <- b.Bytes[:cap(b.Bytes)]
	b.Bytes = nil
}

// take waits for a free buffer.
func (n *Net) take() []byte {
	b := <-n.pool
	if b == nil {
		b = make([]byte, n.limits.BufferBytes)
	}
	return b
}

// seldom lets one line a second through, and counts the others.
type seldom struct {
	next    time.Time
	skipped int
}

func (s *seldom) now() (skipped int, ok bool) {
	if t := time.Now(); t.After(s.next) {
		s.next = t.Add(time.Second)
		skipped, s.skipped = s.skipped, 0
		return skipped, true
	}
	s.skipped++
	return 0, false
}
