package sim

import (
	"testing"
	"time"
)

// BenchmarkSeed runs whole worlds, a seed each, and reports simulated seconds per second of one core.
func BenchmarkSeed(b *testing.B) {
	var simulated time.Duration
	seed := uint64(0)
	for b.Loop() {
		seed++
		r := Run(Draw(seed, 20*time.Second), Env{})
		if r.Violation != nil {
			b.Fatalf("seed %d: %s", seed, r.Violation.Name)
		}
		simulated += r.Simulated
	}
	b.ReportMetric(simulated.Seconds()/b.Elapsed().Seconds(), "sim-s/s")
}
