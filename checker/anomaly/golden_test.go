package anomaly_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"logd/checker"
	"logd/checker/anomaly"
	"logd/checker/jepsen"
	"logd/golden"
)

const histories = "../../testdata/histories/anomalies/"

func edn(t *testing.T, text []byte) checker.History {
	t.Helper()
	events, err := jepsen.Read(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	h, err := jepsen.History(events)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func lines(t *testing.T, h checker.History) []byte {
	t.Helper()
	var b bytes.Buffer
	w := checker.NewWriter(&b)
	w.Header = h.Header
	for i := range h.Ops {
		if err := w.Write(&h.Ops[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func report(t *testing.T, h checker.History) (anomaly.Report, []byte) {
	t.Helper()
	r := anomaly.Check(h)
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return r, append(b, '\n')
}

// TestHistories: each stored history, in Jepsen's format and in ours, has the same
// report, and is called by an anomaly that makes it invalid, or valid-. An anomaly
// that valid- names is one that the history comes close to.
func TestHistories(t *testing.T) {
	files, err := filepath.Glob(histories + "*.edn")
	if err != nil || len(files) == 0 {
		t.Fatalf("no histories in %s: %v", histories, err)
	}
	shown := map[string]bool{}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".edn")
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			h := edn(t, text)
			r, said := report(t, h)
			golden.Same(t, strings.TrimSuffix(file, ".edn")+".report.json", said)
			checkName(t, name, r, shown)
			ours := lines(t, h)
			golden.Same(t, strings.TrimSuffix(file, ".edn")+".jsonl", ours)
			back, err := checker.ReadAll(bytes.NewReader(ours))
			if err != nil {
				t.Fatal(err)
			}
			if _, again := report(t, back); !bytes.Equal(said, again) {
				t.Errorf("in JSON lines: %s", cmp.Diff(string(said), string(again)))
			}
			exported(t, h, r)
		})
	}
	for _, a := range anomaly.Family.Anomalies {
		if !shown[a.Name] || !shown["valid-"+a.Name] {
			t.Errorf("no history in %s shows %s, or comes close to it and is valid", histories, a.Name)
		}
	}
}

func checkName(t *testing.T, name string, r anomaly.Report, shown map[string]bool) {
	t.Helper()
	if close, ok := strings.CutPrefix(name, "valid-"); ok {
		shown[name] = true
		if r.Verdict != checker.Valid {
			t.Errorf("is %v, and comes close to %s: %v", r.Verdict, close, r.Anomalies)
		}
		return
	}
	for _, a := range r.Anomalies {
		if a.Allowed == "" && (name == a.Name || strings.HasPrefix(name, a.Name+"-")) {
			shown[a.Name] = true
			return
		}
	}
	t.Errorf("is %v: %v", r.Verdict, r.Anomalies)
}

// exported: written for Jepsen and read again, a history shows the same.
func exported(t *testing.T, h checker.History, r anomaly.Report) {
	t.Helper()
	var b bytes.Buffer
	if err := jepsen.Write(&b, jepsen.FromHistory(h)); err != nil {
		t.Fatal(err)
	}
	again := anomaly.Check(edn(t, b.Bytes()))
	var want, got []string
	for _, a := range r.Anomalies {
		want = append(want, brief(a))
	}
	for _, a := range again.Anomalies {
		got = append(got, brief(a))
	}
	if diff := cmp.Diff(want, got); diff != "" || r.Verdict != again.Verdict {
		t.Errorf("exported and imported, %v instead of %v (-was +is):\n%s\n%s", again.Verdict, r.Verdict, diff, b.String())
	}
}

// TestOrderOfLinesDoesNotMatter: a history may be stored in any order (B1).
func TestOrderOfLinesDoesNotMatter(t *testing.T) {
	files, err := filepath.Glob(histories + "*.edn")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		h := edn(t, text)
		_, want := report(t, h)
		slices.Reverse(h.Ops)
		if _, got := report(t, h); !bytes.Equal(want, got) {
			t.Errorf("%s, backwards: %s", file, cmp.Diff(string(want), string(got)))
		}
	}
}
