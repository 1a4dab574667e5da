package sim

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"logd/checker"
	"logd/checker/anomaly"
	order "logd/checker/idempotent"
)

// TestHistoryHasWhatIsUnderWay: what was called and not answered when a run ends is in its file, for somebody may have read it.
func TestHistoryHasWhatIsUnderWay(t *testing.T) {
	var b bytes.Buffer
	j := newJudge(&World{env: Env{History: &b}})
	sent := checker.Op{Kind: checker.Append, Client: 1, Partition: "p", Values: []string{"a"}}
	read := checker.Op{Kind: checker.Read, Client: 2, Partition: "p"}
	j.invoke(&sent)
	j.invoke(&read)
	read.Outcome, read.Values = checker.OK, []string{"a"}
	j.complete(&read)
	j.finish()
	h, err := checker.ReadAll(&b)
	if err != nil || len(h.Ops) != 2 || h.Ops[1].ID != sent.ID || h.Ops[1].Outcome != checker.Unknown {
		t.Fatalf("%v, %+v", err, h.Ops)
	}
	if r := checker.Check(h); r.Verdict != checker.Valid {
		t.Error(r)
	}
}

// What only the whole history shows is judged at the end, too: by its own name.
func TestEndsAreJudged(t *testing.T) {
	for _, family := range []checker.Family{anomaly.Family, order.Family} {
		for _, is := range family.Anomalies {
			if !slices.Contains([]string{anomaly.GroupOffsetLost, anomaly.GroupOffsetAhead, anomaly.NonmonotonicPoll, order.BatchReordered, order.EpochBehind}, is.Name) {
				continue // check A finds them sooner
			}
			w, _ := toyWorld(t, 1, 1)
			for _, line := range is.Example {
				op, err := checker.NewReader(strings.NewReader("{\"history\":1}\n" + line + "\n")).Next()
				if err != nil {
					t.Fatal(err)
				}
				w.judge.hear(&op)
			}
			w.judge.judgeEnds()
			if w.violation == nil || w.violation.Name != is.Name {
				t.Errorf("%s: %v", is.Name, w.violation)
			}
		}
	}
}
