package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// benchCatchUp is how many bytes a wiped broker copies.
const benchCatchUp = 1 << 30

// window is what clients with one record in flight each saw for some seconds.
type window struct {
	Records int64   `json:"records"`
	PerS    float64 `json:"records_per_s"`
	Errors  int64   `json:"errors"`
	Latency struct {
		P50 float64 `json:"p50_us"`
		P99 float64 `json:"p99_us"`
		Max float64 `json:"max_us"`
	} `json:"latency"`
}

// bench runs a bench of logctl's, and returns what it reports.
func (c *cluster) bench(b *testing.B, args ...string) (w window) {
	b.Helper()
	cmd := exec.Command(command(b, "logctl"), append([]string{"bench", "produce", "--json", "--brokers", strings.Join(c.addrs(), ",")}, args...)...)
	out, err := cmd.Output()
	if err == nil {
		err = json.Unmarshal(out, &w)
	}
	if err != nil {
		b.Fatalf("logctl bench: %v\n%s", err, out)
	}
	return w
}

// live measures eight clients with one record of 1 KiB in flight each.
func (c *cluster) live(b *testing.B, name string, d time.Duration) window {
	w := c.bench(b, "--topic", "live", "--partitions", "6", "--clients", "8", "--warmup", "1s", "--duration", d.String())
	b.Logf("%-10s %6.0f records/s, p50 %5.2f ms, p99 %6.2f ms, longest %6.1f ms, %d errors", name, w.PerS, w.Latency.P50/1e3, w.Latency.P99/1e3, w.Latency.Max/1e3, w.Errors)
	b.ReportMetric(w.Latency.P50/1e3, name+"-p50-ms")
	b.ReportMetric(w.Latency.P99/1e3, name+"-p99-ms")
	return w
}

// BenchmarkCatchUp measures what clients notice of a wiped broker that copies everything, and of a scrub of all segments:
//
//	go test ./cmd/e2e -run '^$' -bench CatchUp -benchtime 3x -v
func BenchmarkCatchUp(b *testing.B) {
	for range b.N {
		c := startCluster(b, "--wal-files", "4", "--wal-file-bytes", fmt.Sprint(64<<20))
		c.createTopic(b, "bulk", 12)
		c.createTopic(b, "live", 6)
		for stored(b, c.nodes[2]) < benchCatchUp {
			c.bench(b, "--topic", "bulk", "--size", "16384", "--warmup", "0s", "--duration", "3s")
		}
		c.live(b, "quiet", 6*time.Second)
		n := c.nodes[2]
		n.kill(b)
		if err := os.RemoveAll(n.data); err != nil {
			b.Fatal(err)
		}
		c.live(b, "two", 6*time.Second)
		begun := time.Now()
		c.startAndServe(b, n)
		done := make(chan time.Duration)
		go func() {
			c.awaitInSync(b, n)
			done <- time.Since(begun)
		}()
		c.live(b, "catch-up", 6*time.Second)
		window := time.Since(begun)
		took := <-done
		b.Logf("the copy of %d MB took %.1f s, the window ended after %.1f s", stored(b, n)>>20, took.Seconds(), window.Seconds())
		b.ReportMetric(took.Seconds(), "copy-s")
		scrub := exec.Command(command(b, "logctl"), "scrub", "--json", "--peers", strings.Join([]string{c.nodes[0].peer, c.nodes[1].peer, n.peer}, ","))
		if err := scrub.Start(); err != nil {
			b.Fatal(err)
		}
		begun = time.Now()
		ended := make(chan time.Duration)
		go func() {
			_ = scrub.Wait() // a scrub that was cut short is of no matter here
			ended <- time.Since(begun)
		}()
		c.live(b, "scrub", 6*time.Second)
		b.Logf("the scrub took %.1f s", (<-ended).Seconds())
		c.live(b, "after", 6*time.Second)
		c.close(b)
	}
}

// stored is how many bytes of segments a broker has.
func stored(b *testing.B, n *node) (size int64) {
	b.Helper()
	names, err := filepath.Glob(filepath.Join(n.data, "shard-*", "seg", "*", "*.log"))
	if err != nil {
		b.Fatal(err)
	}
	for _, name := range names {
		info, err := os.Stat(name)
		if err != nil {
			b.Fatal(err)
		}
		size += info.Size()
	}
	return size
}
