package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

// window is the measured part of a bench: after the warm-up, for the duration. Workers ask it about every record.
type window struct {
	phase   atomic.Int32
	start   time.Time
	records atomic.Int64
	bytes   atomic.Int64
	errors  atomic.Int64
	failure atomic.Pointer[string] // the first error
}

const (
	warming int32 = iota
	measuring
	over
)

func newWindow() *window { return &window{start: time.Now()} }

func (w *window) ended() bool { return w.phase.Load() == over }

// acked counts an acknowledged record and says whether it came inside the window, so that its latency counts too. Where
// it began doesn't matter: leaving out what began earlier would leave out the slow ones.
func (w *window) acked(size int) bool {
	if w.phase.Load() != measuring {
		return false
	}
	w.records.Add(1)
	w.bytes.Add(int64(size))
	return true
}

// erred counts a failed record, in whichever phase.
func (w *window) erred(err error) {
	w.errors.Add(1)
	s := reason(err)
	w.failure.CompareAndSwap(nil, &s)
}

// measured is what a window's length and the processes' use came to.
type measured struct {
	elapsed time.Duration
	client  time.Duration
	brokers []procUse // cpu is the difference over the window
}

// hold opens the window after the warm-up and closes it after the duration, showing progress each second.
func (w *window) hold(ctx context.Context, a *app, warmup, duration time.Duration, pids []int) (measured, error) {
	defer w.phase.Store(over)
	if err := sleep(ctx, warmup); err != nil {
		return measured{}, fmt.Errorf("interrupted while warming up")
	}
	before, err := readProcs(pids)
	if err != nil {
		return measured{}, err
	}
	ownBefore, began := ownCPU(), time.Now()
	w.phase.Store(measuring)
	ctx, cancel := context.WithTimeout(ctx, duration)
	defer cancel()
	w.progress(ctx, a)
	w.phase.Store(over)
	m := measured{elapsed: time.Since(began), client: ownCPU() - ownBefore}
	after, err := readProcs(pids)
	if err != nil {
		return m, fmt.Errorf("a broker ended during the bench: %w", err)
	}
	m.brokers = usedBetween(before, after)
	return m, nil
}

func usedBetween(before, after []procUse) []procUse {
	for i := range after {
		after[i].cpu -= before[i].cpu
	}
	return after
}

// progress returns when ctx ends; on a terminal it shows a line a second.
func (w *window) progress(ctx context.Context, a *app) {
	if !terminal(a.err) {
		<-ctx.Done()
		return
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	var records, bytes int64
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			r, b := w.records.Load(), w.bytes.Load()
			a.note("%10d records/s %8.1f MB/s %6d errors", r-records, float64(b-bytes)/1e6, w.errors.Load())
			records, bytes = r, b
		}
	}
}
