package record

import (
	"cmp"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"logd/checker"
)

// Recorder collects the operations of several clients.
type Recorder struct {
	sparse bool
	now    func() int64

	ids     atomic.Int64
	clients struct {
		sync.Mutex
		all []*Client
	}
}

// Option changes what New makes.
type Option func(*Recorder)

// Sparse says that offsets may hold no record, as with transactions or compaction:
// [checker.Header].Sparse.
func Sparse() Option { return func(r *Recorder) { r.sparse = true } }

// Clock gives the time, in nanoseconds, instead of the machine's monotonic clock. It
// must never go back.
func Clock(now func() int64) Option { return func(r *Recorder) { r.now = now } }

// New returns an empty Recorder.
func New(options ...Option) *Recorder {
	begun := time.Now()
	r := &Recorder{now: func() int64 { return int64(time.Since(begun)) }}
	for _, o := range options {
		o(r)
	}
	return r
}

// Client adds a client. It may be used by several goroutines, but its operations
// then count as concurrent only where their times say so.
func (r *Recorder) Client() *Client {
	r.clients.Lock()
	defer r.clients.Unlock()
	c := &Client{rec: r, number: int64(len(r.clients.all) + 1), session: 1}
	r.clients.all = append(r.clients.all, c)
	return c
}

// Fault runs what disturbs the system, and notes it for reports.
func (r *Recorder) Fault(kind, target string, do func()) {
	c := r.Client()
	call := c.begin(checker.Op{Kind: checker.Fault, Fault: kind, Target: target})
	do()
	call.end(checker.OK, nil)
}

// History returns a copy of what was recorded so far. Calls under way are in it as
// unknown (D2).
func (r *Recorder) History() checker.History {
	h := checker.History{Header: checker.Header{Clock: "monotonic", Sparse: r.sparse}}
	r.clients.Lock()
	defer r.clients.Unlock()
	for _, c := range r.clients.all {
		c.mu.Lock()
		for _, call := range c.calls {
			h.Ops = append(h.Ops, call.op.Clone())
		}
		c.mu.Unlock()
	}
	slices.SortFunc(h.Ops, func(a, b checker.Op) int { return cmp.Or(cmp.Compare(a.Call, b.Call), cmp.Compare(a.ID, b.ID)) })
	return h
}

// WriteTo writes what History returns in JSON lines, for logcheck.
func (r *Recorder) WriteTo(w io.Writer) (int64, error) {
	n := &counter{w: w}
	out := checker.NewWriter(n)
	h := r.History()
	out.Header = h.Header
	for i := range h.Ops {
		if err := out.Write(&h.Ops[i]); err != nil {
			return n.n, err
		}
	}
	return n.n, out.Flush()
}

type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	return n, err
}
