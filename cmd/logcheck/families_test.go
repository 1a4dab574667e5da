package main

import (
	"slices"
	"strings"
	"testing"

	"logd/checker"
)

// TestExamples: the example of each anomaly, given to the check that looks for it,
// shows that anomaly.
func TestExamples(t *testing.T) {
	names := map[string]bool{}
	for _, f := range families() {
		if f.Asks == "" || len(f.Anomalies) == 0 || names[f.Name] {
			t.Errorf("check %q asks %q, looks for %d anomalies, or its name is taken", f.Name, f.Asks, len(f.Anomalies))
		}
		names[f.Name] = true
		for _, a := range f.Anomalies {
			if names[a.Name] || a.Means == "" {
				t.Errorf("%s: its name is taken, or it means nothing", a.Name)
			}
			names[a.Name] = true
			h, err := checker.ReadAll(strings.NewReader(`{"history":1}` + "\n" + a.Example[0] + "\n" + a.Example[1] + "\n"))
			if err != nil {
				t.Errorf("%s: %v", a.Name, err)
				continue
			}
			j := f.Begin(h.Header)
			for i := range h.Ops {
				j.Complete(&h.Ops[i])
			}
			r := j.Finish()
			if slices.ContainsFunc(r.Figures, func(f checker.Figure) bool { return f.Row == a.Name && f.Column == "allowed" && f.Value > 0 }) {
				continue // of this, there is none in two lines that isn't allowed
			}
			if r.Verdict != checker.Invalid || !slices.ContainsFunc(r.Violations, func(v checker.Violation) bool { return v.Name == a.Name }) {
				t.Errorf("the example of %s is %v: %v", a.Name, r.Verdict, r.Violations)
			}
		}
	}
}
