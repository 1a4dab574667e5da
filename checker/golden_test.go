package checker_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"logd/checker"
	"logd/checker/second"
	"logd/golden"
)

const histories = "../testdata/histories"

var violationNames = []string{
	checker.TwoValuesAtOffset, checker.ValueAtTwoOffsets, checker.NeverSent, checker.FailedButRead,
	checker.ReadElsewhere, checker.BatchTorn, checker.LengthInsideBatch, checker.ReadOutOfOrder,
	checker.ReadSkipped, checker.ReadOverLimit, checker.AcknowledgedMissing, checker.TailBeyondEnd,
	checker.NotLinearizable, checker.ReadBeforeAppend, checker.TailBeforeAppend, checker.TailWentBack,
	checker.LinearizableReadBack, checker.StartWentBack, checker.StartUnasked, checker.StartBeyondEnd, checker.TrimNotDone,
}

func readHistory(t *testing.T, path string) checker.History {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	h, err := checker.ReadAll(f)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return h
}

// TestHistories checks each stored history against its name, its golden report
// and the further opinions. A file is called by its first violation, or by its
// verdict, with a few words more if there are several.
func TestHistories(t *testing.T) {
	files, err := filepath.Glob(histories + "/*.jsonl")
	if err != nil || len(files) == 0 {
		t.Fatalf("no histories in %s: %v", histories, err)
	}
	shown := map[string]bool{}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".jsonl")
		t.Run(name, func(t *testing.T) {
			h := readHistory(t, file)
			r := checker.Check(h)
			is := r.Verdict.String()
			if v := r.First(); v != nil {
				is = v.Name
				shown[is] = true
			}
			if name != is && !strings.HasPrefix(name, is+"-") {
				t.Errorf("is %s: %v", is, r.First())
			}
			sameAsGolden(t, strings.TrimSuffix(file, ".jsonl")+".report.json", r)
			if o := second.Exhaustive(h); o.Verdict != checker.Undecided && o.Verdict != r.Verdict && r.Verdict != checker.Undecided {
				t.Errorf("check A says %v, exhaustive search %v", r.Verdict, o)
			}
		})
	}
	for _, name := range violationNames {
		if !shown[name] {
			t.Errorf("no history in %s shows %s", histories, name)
		}
	}
}

func sameAsGolden(t *testing.T, path string, r checker.Report) {
	t.Helper()
	got, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden.Same(t, path, append(got, '\n'))
	var back checker.Report
	if err := json.Unmarshal(got, &back); err != nil {
		t.Errorf("a report cannot be read back: %v", err)
	}
}
