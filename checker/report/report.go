package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"

	"logd/checker"
	"logd/checker/anomaly"
)

//go:embed page.html
var pageText string

var page = template.Must(template.New("page").Parse(pageText))

// Data is what a page shows.
type Data struct {
	Title   string
	Verdict checker.Verdict
	History checker.History
	// Linear is the report of check A, nil if it wasn't asked.
	Linear *checker.Report
	// Porcupine is a page of porcupine's, empty for none, and PorcupineOf says of what.
	Porcupine, PorcupineOf string
}

// finding is a violation of either check, as the page shows it.
type finding struct {
	Number  int // from 1, as in the marks; 0 of what is allowed
	Check   string
	Name    string
	Part    string
	Explain string
	Allowed string
	Class   string
	Means   string
	Ops     []evidence
	offsets []int64
}

type evidence struct {
	ID      int64
	Client  int64
	What    string
	When    string
	Outcome string
}

// view is what the template is given.
type view struct {
	Title     string
	Verdict   string
	Ops       int
	Faults    []window
	Checks    []line
	Findings  []finding
	More      string
	Plots     []template.HTML
	Timeline  template.HTML
	TimeNote  string
	Orders    []order
	Porcupine string
	Of        string
}

// line is a check in the summary.
type line struct{ Name, Verdict, Found string }

// maxFindings is how many findings a page has.
const maxFindings = 60

// Write writes the page.
func Write(w io.Writer, d Data) error {
	b := anomaly.Check(d.History)
	s := newScene(d.History)
	v := view{Title: d.Title, Verdict: d.Verdict.String(), Ops: len(d.History.Ops), Porcupine: d.Porcupine, Of: d.PorcupineOf}
	if d.Linear != nil {
		var found int64
		for i := range d.Linear.Partitions {
			found += d.Linear.Partitions[i].Found
		}
		v.Checks = append(v.Checks, line{checker.Linearizable.Name, d.Linear.Verdict.String(), fmt.Sprint(found)})
		v.Findings = linear(d.Linear)
	}
	var found, allowed int64
	for _, n := range b.Counts {
		found, allowed = found+n.Found, allowed+n.Allowed
	}
	v.Checks = append(v.Checks, line{anomaly.Family.Name, b.Verdict.String(), fmt.Sprintf("%d, of which %d allowed", found, allowed)})
	v.Findings = append(v.Findings, anomalies(&b)...)
	if len(v.Findings) > maxFindings {
		v.More = fmt.Sprintf("%d more are left out.", len(v.Findings)-maxFindings)
		v.Findings = v.Findings[:maxFindings]
	}
	for i := range v.Findings {
		f := &v.Findings[i]
		if f.Allowed == "" {
			f.Number = i + 1
			for _, e := range f.Ops {
				s.mark(e.ID, f.Number)
			}
		}
	}
	v.Faults = s.faults[:min(len(s.faults), maxFindings)]
	v.Plots = s.plots(anomaly.Lags(d.History))
	v.Timeline, v.TimeNote = s.timeline()
	v.Orders = s.orders(v.Findings)
	return page.Execute(w, v)
}

func linear(r *checker.Report) (out []finding) {
	for i := range r.Partitions {
		for k := range r.Partitions[i].Violations {
			x := &r.Partitions[i].Violations[k]
			out = append(out, finding{Check: checker.Linearizable.Name, Name: x.Name, Part: x.Partition, Explain: x.Explain,
				Means: means(checker.Linearizable, x.Name), Ops: evidences(x.Ops), offsets: []int64{x.Offset}})
		}
	}
	return out
}

func anomalies(r *anomaly.Report) (out []finding) {
	for i := range r.Anomalies {
		x := &r.Anomalies[i]
		out = append(out, finding{Check: anomaly.Family.Name, Name: x.Name, Part: x.Partition, Explain: x.Explain, Allowed: x.Allowed,
			Class: x.Class, Means: means(anomaly.Family, x.Name), Ops: evidences(x.Ops), offsets: x.Offsets})
	}
	return out
}

func means(f checker.Family, name string) string {
	if _, a := checker.Find([]checker.Family{f}, name); a != nil {
		return a.Means
	}
	return ""
}

func evidences(all []checker.Evidence) (out []evidence) {
	for _, e := range all {
		x := evidence{ID: e.ID, Client: e.Client, What: e.Op, Outcome: e.Outcome, When: fmt.Sprintf("%d …", e.Call)}
		if e.Ret != nil {
			x.When = fmt.Sprintf("%d … %d", e.Call, *e.Ret)
		}
		if e.Off != nil {
			x.What += fmt.Sprintf(" at %d", *e.Off)
		}
		out = append(out, x)
	}
	return out
}
