package sim

import (
	"logd/checker"
	"logd/checker/anomaly"
)

// judgeOffsets judges what groups committed and were told that they had (G7): each offset fetched is that of the last commit that
// was acknowledged before, or of one that overlaps, or of one whose outcome nobody knows; and it never goes back by itself.
func (j *judge) judgeOffsets() {
	if len(j.offsets) == 0 {
		return
	}
	h := checker.History{Ops: make([]checker.Op, len(j.offsets))}
	for i, op := range j.offsets {
		h.Ops[i] = *op
		if op.Outcome == 0 { // it was under way when the run ended
			h.Ops[i].Outcome = checker.Unknown
		}
	}
	for _, a := range anomaly.Check(h).Anomalies {
		switch a.Name {
		case anomaly.GroupOffsetBack, anomaly.GroupOffsetLost, anomaly.GroupOffsetUnknown:
			j.w.violate(a.Name, "%s: %s (G7)", a.Partition, gist(a.Explain))
		}
	}
}
