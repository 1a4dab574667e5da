package e2e

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"logd/checker"
)

// history is what all clients of a test saw.
type history struct {
	start time.Time
	topic string
	dir   string

	mu      sync.Mutex
	ops     []checker.Op
	values  map[string]int    // index of the append of a value
	acked   map[string]int64  // by partition: when the latest of its acknowledged appends was sent
	errors  map[string]string // by partition: what a producer heard last
	clients int64
}

func newHistory(dir, topic string) *history {
	return &history{start: time.Now(), topic: topic, dir: dir, values: map[string]int{}, acked: map[string]int64{}, errors: map[string]string{}}
}

// now is the history's clock, which is monotonic.
func (h *history) now() int64 { return int64(time.Since(h.start)) }

func (h *history) part(partition int32) string { return fmt.Sprintf("%s/%d", h.topic, partition) }

// client draws the number of a new client.
func (h *history) client() int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.clients++
	return h.clients
}

func (h *history) add(op checker.Op) int {
	op.ID = int64(len(h.ops))
	h.ops = append(h.ops, op)
	return len(h.ops) - 1
}

// did adds an operation that is over.
func (h *history) did(op checker.Op) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.add(op)
}

// fault adds what was done to the cluster, for people.
func (h *history) fault(t *testing.T, what, target string) {
	now := h.now()
	t.Logf("%7s %s %s", time.Duration(now).Round(time.Millisecond), what, target)
	h.did(checker.Op{Kind: checker.Fault, Fault: what, Target: target, Call: now, Ret: now})
}

// sending adds appends, values by partition, that are about to be written to a connection. It returns false, and adds
// nothing, if one of the values was written before (E1).
func (h *history) sending(client int64, appends map[string][]string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, values := range appends {
		if slices.ContainsFunc(values, func(v string) bool { _, sent := h.values[v]; return sent }) {
			return false
		}
	}
	now := h.now()
	for part, values := range appends {
		for _, v := range values {
			h.values[v] = h.add(checker.Op{Client: client, Kind: checker.Append, Partition: part, Call: now, Outcome: checker.Unknown, Values: []string{v}})
		}
	}
	return true
}

// refusals are the errors that prove that nothing was proposed (E2): UNKNOWN_TOPIC_OR_PARTITION, LEADER_NOT_AVAILABLE,
// NOT_LEADER_OR_FOLLOWER, NOT_ENOUGH_REPLICAS, UNKNOWN_TOPIC_ID.
var refusals = []int16{3, 5, 6, 19, 100}

// answered notes what a broker said of appends: an error code, and the offset of the first of them.
func (h *history) answered(values []string, code int16, offset int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.now()
	for i, v := range values {
		op := &h.ops[h.values[v]]
		switch {
		case code == 0:
			op.Outcome, op.Off, op.Ret = checker.OK, offset+int64(i), now
			h.acked[op.Partition] = max(h.acked[op.Partition], op.Call)
		case slices.Contains(refusals, code):
			op.Outcome, op.Ret = checker.Failed, now
		}
	}
}

// appendOf returns the append of a value; ok is false if it was never on the wire.
func (h *history) appendOf(value string) (op checker.Op, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	i, ok := h.values[value]
	if ok {
		op = h.ops[i]
	}
	return op, ok
}

// progress waits until each partition has acknowledged something that was sent after now.
func (h *history) progress(t *testing.T, partitions int32) {
	t.Helper()
	since := h.now()
	await(t, "acknowledgement from every partition", func() (bool, string) {
		h.mu.Lock()
		defer h.mu.Unlock()
		var without []string
		for p := range partitions {
			if part := h.part(p); h.acked[part] <= since {
				without = append(without, fmt.Sprintf("%s (%s)", part, h.errors[part]))
			}
		}
		return len(without) == 0, fmt.Sprintf("none from %v", without)
	})
}

// heard notes an error that a producer got, for people.
func (h *history) heard(partition int32, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.errors[h.part(partition)] = fmt.Sprintf("%s: %v", time.Since(h.start).Round(time.Millisecond), err)
}

// acknowledged are the appends to a partition that were.
func (h *history) acknowledged(part string) []checker.Op {
	h.mu.Lock()
	defer h.mu.Unlock()
	var all []checker.Op
	for i := range h.ops {
		if op := &h.ops[i]; op.Kind == checker.Append && op.Outcome == checker.OK && op.Partition == part {
			all = append(all, *op)
		}
	}
	return all
}

// judge has the history checked by the library, and by the command that a user would ask.
func (h *history) judge(t *testing.T) {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	file := filepath.Join(h.dir, "history.jsonl")
	if err := h.write(file); err != nil {
		t.Fatal(err)
	}
	report := checker.Check(checker.History{Ops: h.ops})
	if v := report.First(); v != nil {
		t.Errorf("the history is not that of a log: %s\n%+v", v, v.Ops)
	}
	if report.Verdict != checker.Valid {
		t.Errorf("verdict %s: %v", report.Verdict, report.Undecided)
	}
	var sum checker.PartitionReport
	for _, p := range report.Partitions {
		if p.UpperBounds == 0 || p.AppendsOK == 0 || p.Unread != 0 || p.Verdict != checker.Valid {
			t.Errorf("%s: verdict %s, %d upper bounds, %d acknowledged, %d of %d offsets unread: %v", p.Partition, p.Verdict, p.UpperBounds, p.AppendsOK, p.Unread, p.Length, p.Undecided)
		}
		sum.AppendsOK += p.AppendsOK
		sum.AppendsUnknown += p.AppendsUnknown
		sum.AppendsFailed += p.AppendsFailed
		sum.Reads += p.Reads
		sum.Tails += p.Tails
		sum.UpperBounds += p.UpperBounds
	}
	t.Logf("history: %d faults, appends %d ok, %d unknown, %d refused, %d reads, %d tails, %d upper bounds", report.Faults,
		sum.AppendsOK, sum.AppendsUnknown, sum.AppendsFailed, sum.Reads, sum.Tails, sum.UpperBounds)
	cmd := exec.Command(command(t, "logcheck"), file)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("logcheck: %v\n%s", err, out)
	}
	if t.Failed() {
		keep := filepath.Join(os.TempDir(), fmt.Sprintf("logd-e2e-%s-%d.jsonl", t.Name(), os.Getpid()))
		if b, err := os.ReadFile(file); err == nil && os.WriteFile(keep, b, 0o600) == nil {
			t.Logf("the history is kept: %s", keep)
		}
	}
}

func (h *history) write(file string) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer f.Close() // an error of it shows in what logcheck reads
	w := checker.NewWriter(f)
	w.Header.Clock = "monotonic, of the test's process"
	for i := range h.ops {
		if err := w.Write(&h.ops[i]); err != nil {
			return err
		}
	}
	return w.Flush()
}

// payload is what is sent for a value: its name, and bytes that follow from it.
func payload(value string) []byte {
	sum := fnv.New64a()
	sum.Write([]byte(value)) // never fails
	seed := sum.Sum64()
	b := append([]byte(value), '|')
	for n := seed % 400; n > 0; n-- {
		seed = seed*6364136223846793005 + 1442695040888963407
		b = append(b, byte(seed>>56))
	}
	return b
}

// valueOf is the name of what was read, which must be what was sent byte for byte.
func valueOf(b []byte) (string, error) {
	name, _, found := bytes.Cut(b, []byte{'|'})
	if value := string(name); found && bytes.Equal(payload(value), b) {
		return value, nil
	}
	return "", fmt.Errorf("%d bytes that nobody sent: %.100q", len(b), b)
}
