package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// smallDisk has WAL files and segments roll soon.
var smallDisk = []string{"--wal-file-bytes", "524288", "--max-message-bytes", "65536"}

// scrub runs logctl scrub over all brokers, and returns its report and exit code.
func (c *cluster) scrub(t *testing.T, nodes ...*node) (report struct {
	Clean  bool
	Shards []struct {
		Broker, Found, Mended, Differ int
		Damaged                       []any
	}
}, code int) {
	t.Helper()
	var peers []string
	for _, n := range nodes {
		peers = append(peers, n.peer)
	}
	cmd := exec.Command(command(t, "logctl"), "scrub", "--json", "--timeout", "60s", "--patience", "60s", "--peers", strings.Join(peers, ","))
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if jerr := json.Unmarshal(out, &report); jerr != nil {
		t.Fatalf("logctl scrub: %v, %v\n%s%s", err, jerr, out, errs.Bytes())
	}
	if code = cmd.ProcessState.ExitCode(); code != 0 {
		t.Logf("logctl scrub: exit %d\n%s%s", code, out, errs.Bytes())
	}
	return report, code
}

// closedSegments are the segments' files of a broker that never grow again.
func (n *node) closedSegments(t *testing.T) []string {
	t.Helper()
	dirs, err := filepath.Glob(filepath.Join(n.data, "shard-0", "seg", "*"))
	if err != nil {
		t.Fatal(err)
	}
	var closed []string
	for _, dir := range dirs {
		names, err := filepath.Glob(filepath.Join(dir, "*.log"))
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(names)
		closed = append(closed, names[:max(0, len(names)-1)]...)
	}
	return closed
}

// A bit rots in a closed segment of a broker that runs: a scrub finds it, and its peers' bytes mend it, the same as before.
func TestScrubMends(t *testing.T) {
	t.Parallel()
	c := startCluster(t, smallDisk...)
	segmentBytes := "1048576"
	c.createTopicWith(t, "orders", 2, map[string]*string{"segment.bytes": &segmentBytes})
	b := startBulk(t, c, "orders", 2)
	await(t, "closed segments everywhere", func() (bool, string) {
		for _, n := range c.nodes {
			if closed := n.closedSegments(t); len(closed) < 4 {
				return false, fmt.Sprintf("broker %d: %v", n.id, closed)
			}
		}
		return true, ""
	})
	b.finish()
	if r, code := c.scrub(t, c.nodes...); code != 0 || !r.Clean || len(r.Shards) != brokers {
		t.Fatalf("before: exit %d, %+v", code, r)
	}
	n := c.nodes[1]
	name := n.closedSegments(t)[1]
	before, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []int{len(before) / 3, 12, len(before) - 1} { // in a record; in a leader epoch, which no checksum covers; the last
		rotten := bytes.Clone(before)
		rotten[at] ^= 16
		f, err := os.OpenFile(name, os.O_WRONLY, 0)
		if err == nil {
			_, err = f.WriteAt(rotten[at:at+1], int64(at))
			f.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
		r, code := c.scrub(t, c.nodes...)
		if code != 0 || !r.Clean {
			t.Fatalf("byte %d: exit %d, %+v", at, code, r)
		}
		for _, s := range r.Shards {
			if want := s.Broker == int(n.id); (s.Found > 0) != want || (s.Mended > 0) != want || s.Differ > 0 {
				t.Errorf("byte %d: %+v", at, s)
			}
		}
		if after, err := os.ReadFile(name); err != nil || !bytes.Equal(before, after) {
			t.Fatalf("byte %d: the file is not what it was: %v", at, err)
		}
	}
	if r, code := c.scrub(t, c.nodes...); code != 0 || r.Shards[1].Found > 0 {
		t.Errorf("after: exit %d, %+v", code, r)
	}
}
