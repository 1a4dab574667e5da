package main

import (
	"fmt"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// latencies is a histogram from 1 µs to 10 minutes at three digits. It belongs to one goroutine at a time.
type latencies struct{ h *hdrhistogram.Histogram }

const longest = 10 * time.Minute

func newLatencies() *latencies {
	return &latencies{hdrhistogram.New(1, longest.Microseconds(), 3)}
}

// add counts one duration; outside of the range it counts as the nearer end.
func (l *latencies) add(d time.Duration) {
	us := min(max(d.Microseconds(), 1), longest.Microseconds())
	if err := l.h.RecordValue(us); err != nil {
		panic(fmt.Sprintf("latency of %d us is within the range and not taken: %v", us, err))
	}
}

func (l *latencies) merge(o *latencies) { l.h.Merge(o.h) }

// latencyJSON is in microseconds.
type latencyJSON struct {
	Count int64   `json:"count"`
	Mean  float64 `json:"mean_us"`
	P50   int64   `json:"p50_us"`
	P90   int64   `json:"p90_us"`
	P99   int64   `json:"p99_us"`
	P999  int64   `json:"p99_9_us"`
	Max   int64   `json:"max_us"`
}

func (l *latencies) summary() latencyJSON {
	if l.h.TotalCount() == 0 {
		return latencyJSON{}
	}
	at := l.h.ValueAtPercentile
	return latencyJSON{Count: l.h.TotalCount(), Mean: l.h.Mean(), P50: at(50), P90: at(90), P99: at(99), P999: at(99.9), Max: l.h.Max()}
}

// micros prints microseconds with three digits: 950us, 1.27ms, 12.3ms, 1.50s.
func micros(us int64) string {
	switch {
	case us < 1000:
		return fmt.Sprintf("%dus", us)
	case us < 10_000:
		return fmt.Sprintf("%.2fms", float64(us)/1e3)
	case us < 100_000:
		return fmt.Sprintf("%.1fms", float64(us)/1e3)
	case us < 1_000_000:
		return fmt.Sprintf("%.0fms", float64(us)/1e3)
	}
	return fmt.Sprintf("%.2fs", float64(us)/1e6)
}

// encode and decodeLatencies carry a histogram between processes.
func (l *latencies) encode() ([]byte, error) {
	return l.h.Encode(hdrhistogram.V2CompressedEncodingCookieBase)
}

func decodeLatencies(b []byte) (*latencies, error) {
	h, err := hdrhistogram.Decode(b)
	if err != nil {
		return nil, fmt.Errorf("histogram of %d bytes: %w", len(b), err)
	}
	return &latencies{h}, nil
}
