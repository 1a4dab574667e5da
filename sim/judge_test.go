package sim

import (
	"bytes"
	"testing"

	"logd/checker"
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
