package anomaly_test

import (
	"testing"

	"pgregory.net/rapid"

	"logd/checker"
	"logd/checker/anomaly"
)

func sent(id, session, off, call, ret int64) checker.Op {
	return checker.Op{ID: id, Client: session, Session: session, Kind: checker.Append, Partition: "p", Outcome: checker.OK, Off: off,
		Values: []string{string(rune('a' + id))}, Call: call, Ret: ret}
}

// TestEqualInstants: of two operations that share an instant none is first (B6).
func TestEqualInstants(t *testing.T) {
	h := checker.History{Ops: []checker.Op{sent(1, 1, 1, 0, 10), sent(2, 2, 0, 10, 20)}}
	if r := anomaly.Check(h); r.Verdict != checker.Valid {
		t.Errorf("sharing instant 10: %v", r.Anomalies)
	}
	h.Ops[1].Call = 11
	if r := anomaly.Check(h); r.Verdict != checker.Invalid || r.Anomalies[0].Name != anomaly.G0Realtime {
		t.Errorf("one after the other: %v", r.Anomalies)
	}
}

// TestOverlapInASession: what a session does at once has no order.
func TestOverlapInASession(t *testing.T) {
	h := checker.History{Ops: []checker.Op{sent(1, 1, 1, 0, 10), sent(2, 1, 0, 5, 20)}}
	if r := anomaly.Check(h); r.Verdict != checker.Valid {
		t.Errorf("overlapping: %v", r.Anomalies)
	}
}

// TestTruthIsValid: a history that a log with transactions and consumers brings about,
// with lost answers, is valid; and a change of one offset in it is found.
func TestTruthIsValid(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &made{t: t, read: map[int64]int{}}
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			m.step()
		}
		h := checker.History{Ops: m.ops}
		if r := anomaly.Check(h); r.Verdict != checker.Valid {
			t.Fatalf("%v %v: %+v", r.Anomalies, r.Undecided, h.Ops)
		}
		var told []int
		for i, op := range h.Ops {
			if op.Kind == checker.Append && op.Outcome == checker.OK {
				told = append(told, i)
			}
		}
		if len(told) < 2 {
			return
		}
		i := rapid.SampledFrom(told[1:]).Draw(t, "broken")
		h.Ops[i].Off = h.Ops[told[0]].Off
		if r := anomaly.Check(h); r.Verdict != checker.Invalid {
			t.Fatalf("%s %d was told the offset of another one, and that is %v", h.Ops[i].Kind, h.Ops[i].ID, r.Verdict)
		}
	})
}

// made is a log that brings a history about, one step after the other.
type made struct {
	t    *rapid.T
	log  []string
	ops  []checker.Op
	read map[int64]int // where each consumer is
	now  int64
}

func (m *made) next(kind checker.Kind) *checker.Op {
	client := rapid.Int64Range(1, 3).Draw(m.t, "client")
	m.now += 10
	m.ops = append(m.ops, checker.Op{ID: int64(len(m.ops)), Client: client, Session: client, Kind: kind, Call: m.now, Ret: m.now + rapid.Int64Range(0, 9).Draw(m.t, "took"), Outcome: checker.OK})
	if kind <= checker.Read {
		m.ops[len(m.ops)-1].Partition = "p"
	}
	return &m.ops[len(m.ops)-1]
}

func (m *made) step() {
	switch rapid.IntRange(0, 4).Draw(m.t, "what") {
	case 0, 1:
		op := m.next(checker.Append)
		op.Values, op.Off = []string{string(rune('A' + op.ID))}, int64(len(m.log))
		m.happens(op)
	case 2:
		op := m.next(checker.Txn)
		for k := range 2 {
			op.Ops = append(op.Ops, checker.Op{Kind: checker.Append, Partition: "p", Outcome: checker.OK, Call: op.Call, Ret: op.Ret,
				Off: int64(len(m.log) + k), Values: []string{string(rune('A'+op.ID)) + string(rune('0'+k))}})
		}
		m.happens(op)
	default:
		op := m.next(checker.Read)
		at := m.read[op.Client]
		n := rapid.IntRange(min(1, len(m.log)-at), len(m.log)-at).Draw(m.t, "n") // nothing only at the end
		op.From, op.Poll, op.Values = int64(at), true, m.log[at:at+n]
		if m.read[op.Client] = at + n; rapid.IntRange(0, 5).Draw(m.t, "crash") == 0 {
			m.ops = append(m.ops, checker.Op{ID: int64(len(m.ops)), Client: op.Client, Session: op.Session, Kind: checker.Crash, Call: op.Ret, Ret: op.Ret, Outcome: checker.OK})
			m.read[op.Client] = 0
		}
	}
}

// happens appends what an operation sends, or not, and tells of it, or not.
func (m *made) happens(op *checker.Op) {
	done := rapid.IntRange(0, 3).Draw(m.t, "fate")
	if done == 0 {
		op.Outcome = checker.Failed
	} else if done == 1 || rapid.IntRange(0, 4).Draw(m.t, "told") == 0 {
		op.Outcome, op.Ret = checker.Unknown, 0
	}
	if done >= 2 {
		m.log = append(m.log, op.Values...)
		for k := range op.Ops {
			m.log = append(m.log, op.Ops[k].Values...)
		}
	}
	if op.Outcome == checker.Unknown {
		for k := range op.Ops {
			op.Ops[k].Outcome, op.Ops[k].Ret = checker.Unknown, 0
		}
	}
}
