package idempotent_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"logd/checker"
	"logd/checker/idempotent"
	"logd/golden"
)

const histories = "../../testdata/histories/idempotent/"

func judged(h checker.History) checker.Findings {
	j := idempotent.Family.Begin(h.Header)
	for i := range h.Ops {
		j.Complete(&h.Ops[i])
	}
	return j.Finish()
}

// TestHistories: each stored history has its golden report, and is called by what makes it invalid, or valid- by what it comes close to.
func TestHistories(t *testing.T) {
	files, err := filepath.Glob(histories + "*.jsonl")
	if err != nil || len(files) == 0 {
		t.Fatalf("no histories in %s: %v", histories, err)
	}
	shown := map[string]bool{}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".jsonl")
		shown[name] = true
		t.Run(name, func(t *testing.T) {
			in, err := os.Open(file)
			if err != nil {
				t.Fatal(err)
			}
			defer in.Close()
			h, err := checker.ReadAll(in)
			if err != nil {
				t.Fatal(err)
			}
			f := judged(h)
			is := "valid"
			if len(f.Violations) > 0 {
				is = f.Violations[0].Name
			}
			if !strings.HasPrefix(name, is) {
				t.Errorf("is %s: %v", is, f.Violations)
			}
			said, err := json.MarshalIndent(f, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			golden.Same(t, strings.TrimSuffix(file, ".jsonl")+".report.json", append(said, '\n'))
		})
	}
	for _, a := range idempotent.Family.Anomalies {
		if !shown[a.Name] || !shown["valid-"+a.Name] {
			t.Errorf("no history in %s shows %s, or comes close to it and is valid", histories, a.Name)
		}
	}
}

// A history that names no producer gets no verdict.
func TestNothingToJudge(t *testing.T) {
	h := checker.History{Ops: []checker.Op{{ID: 1, Kind: checker.Append, Partition: "p", Values: []string{"a"}, Outcome: checker.OK, Ret: 1}}}
	if f := judged(h); f.Verdict != checker.Undecided || len(f.Violations) > 0 {
		t.Errorf("is %v: %v", f.Verdict, f)
	}
}

// sent is a batch of a log that is drawn.
type sent struct{ op checker.Op }

// drawn is a log that was written by two producers, batch after batch, in any order between them, and how long it is. Sequences begin near
// where they go round.
func drawn(t *rapid.T) (batches []sent, end int64) {
	next, epoch := [2]int64{1<<31 - 5, 0}, [2]int64{}
	for i := range rapid.IntRange(3, 12).Draw(t, "batches") {
		who := rapid.IntRange(0, 1).Draw(t, "who")
		if rapid.IntRange(0, 5).Draw(t, "bump") == 0 {
			epoch[who], next[who] = epoch[who]+1, 0
		}
		op := checker.Op{ID: int64(i + 1), Kind: checker.Append, Partition: "p", Call: 1, Ret: 2, Outcome: checker.OK, Off: end,
			Idempotent: true, Producer: int64(who), Epoch: epoch[who], Seq: next[who]}
		for k := range rapid.IntRange(1, 3).Draw(t, "records") {
			op.Values = append(op.Values, string(rune('a'+i))+string(rune('0'+k)))
		}
		end += int64(len(op.Values))
		next[who] = (next[who] + int64(len(op.Values))) & (1<<31 - 1)
		batches = append(batches, sent{op})
	}
	return batches, end
}

// history is that of a log: what was acknowledged, or read, or both, in any order, and what was never settled.
func history(t *rapid.T, batches []sent) (h checker.History) {
	read := checker.Op{ID: 100, Kind: checker.Read, Partition: "p", Call: 3, Ret: 4, Outcome: checker.OK, Offs: []int64{}}
	for _, b := range batches {
		if rapid.Bool().Draw(t, "read") {
			for i, v := range b.op.Values {
				read.Values, read.Offs = append(read.Values, v), append(read.Offs, b.op.Off+int64(i))
			}
		}
		if rapid.IntRange(0, 3).Draw(t, "unclear") == 0 {
			b.op.Outcome = checker.Unknown
		}
		h.Ops = append(h.Ops, b.op)
	}
	h.Ops = append(rapid.Permutation(h.Ops).Draw(t, "order"), read)
	return h
}

// TestSoundLogs: what producers did in order, once, is valid, whatever of it was seen.
func TestSoundLogs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		batches, _ := drawn(t)
		if f := judged(history(t, batches)); f.Verdict != checker.Valid {
			t.Fatalf("is %v: %v", f.Verdict, f.Violations)
		}
	})
}

// TestDoubled: a batch that is read at another place, too, is named by its producer and sequence.
func TestDoubled(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		batches, end := drawn(t)
		h := history(t, batches)
		b := batches[rapid.IntRange(0, len(batches)-1).Draw(t, "twice")].op
		for i, from := range []int64{b.Off, end} {
			h.Ops = append(h.Ops, checker.Op{ID: int64(200 + i), Kind: checker.Read, Partition: "p", Call: 5, Ret: 6, Outcome: checker.OK, From: from, Values: b.Values})
		}
		f := judged(h)
		if f.Found != 1 || f.Violations[0].Name != idempotent.BatchDoubled || f.Violations[0].Ops[0].ID != b.ID {
			t.Fatalf("batch %d is there twice, and the verdict is %v: %v", b.ID, f.Verdict, f.Violations)
		}
	})
}

// TestSwapped: of two batches of a producer that stand in the other's place, none is in order.
func TestSwapped(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		batches, _ := drawn(t)
		of := map[int64][]sent{}
		for _, b := range batches {
			of[b.op.Producer] = append(of[b.op.Producer], b)
		}
		mine := of[0] // of three batches and more one of the two producers has two
		if len(of[1]) > len(mine) {
			mine = of[1]
		}
		at := rapid.IntRange(0, len(mine)-2).Draw(t, "swapped")
		low, high := &mine[at].op, &mine[at+1].op
		for i := range mine { // far from each other, so that they fit in the other's place
			mine[i].op.Off = int64(10 * i)
		}
		low.Off, high.Off = high.Off, low.Off
		want := idempotent.BatchReordered
		if low.Epoch != high.Epoch {
			want = idempotent.EpochBehind
		}
		var h checker.History
		for _, b := range mine {
			h.Ops = append(h.Ops, b.op)
		}
		f := judged(h)
		if !slices.ContainsFunc(f.Violations, func(v checker.Violation) bool { return v.Name == want }) {
			t.Fatalf("batches %d and %d are swapped, and the verdict is %v: %v", low.ID, high.ID, f.Verdict, f.Violations)
		}
	})
}
