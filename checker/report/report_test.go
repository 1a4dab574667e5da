package report_test

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"logd/checker"
	"logd/checker/report"
)

func page(t *testing.T, h checker.History) string {
	t.Helper()
	a := checker.Check(h)
	var b bytes.Buffer
	if err := report.Write(&b, report.Data{Title: "t", Verdict: a.Verdict, History: h, Linear: &a, Porcupine: "<p>drawn</p>", PorcupineOf: "of"}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func stored(t *testing.T, name string) checker.History {
	t.Helper()
	f, err := os.Open("../../testdata/histories/" + name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	h, err := checker.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// TestPage: what the checks found is told, its operations are marked in the timeline
// and in the order of their partition, and equal input gives an equal page (H3).
func TestPage(t *testing.T) {
	h := stored(t, "simulated/serve-past-commit.jsonl")
	p := page(t, h)
	for _, want := range []string{
		`<span class="n">1</span><span class="name">two-values-at-offset</span>`, `<span class="name">lost-write</span> in orders/0 (middle)`,
		`offset 9 holds &#34;4.4&#34; as read 44 has it`, "Throughput", "Latency", "Realtime lag", `class="fault"`, "one-way clients 3",
		`class="b-ok marked k-append"`, `class="number">1 2 3<`, `class="c-read clash"`, "append 70, client 2", `srcdoc="&lt;p&gt;drawn&lt;/p&gt;"`,
	} {
		if !strings.Contains(p, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if p != page(t, h) {
		t.Error("the page differs when it is made again")
	}
}

// TestSelfContained: nothing is asked of the network.
func TestSelfContained(t *testing.T) {
	p := strings.ReplaceAll(page(t, stored(t, "simulated/serve-past-commit.jsonl")), `xmlns="http://www.w3.org/2000/svg"`, "")
	if found := regexp.MustCompile(`(?i)(src|href)\s*=|url\(|@import|https?:`).FindAllString(p, -1); found != nil {
		t.Errorf("the page refers to %q", found)
	}
}

// TestHostileText: no text of a history becomes markup (H1).
func TestHostileText(t *testing.T) {
	const evil = `"'><script>alert(1)</script>`
	h := checker.History{Ops: []checker.Op{
		{ID: 1, Kind: checker.Append, Partition: evil, Values: []string{evil}, Outcome: checker.OK, Call: 1, Ret: 50},
		{ID: 2, Kind: checker.Append, Partition: evil, Values: []string{evil + "2"}, Outcome: checker.OK, Call: 3, Ret: 60},
		{ID: 3, Kind: checker.Assign, Parts: []string{evil}, Outcome: checker.OK, Call: 6, Ret: 7},
		{ID: 4, Kind: checker.Commit, Partition: evil, Group: evil, Outcome: checker.OK, Call: 6, Ret: 7, Off: 1},
		{ID: 5, Kind: checker.Fault, Fault: evil, Target: evil, Call: 2, Ret: 9},
		{ID: 6, Kind: checker.Read, Partition: evil, Poll: true, Outcome: checker.OK, Call: 61, Ret: 62},
	}}
	p := page(t, h)
	if strings.Contains(p, "<script") || strings.Contains(p, `"'>`) {
		t.Error("text of the history is markup in the page")
	}
	if !strings.Contains(p, "inconsistent-offsets") {
		t.Error("the page doesn't tell of what was found")
	}
}

// TestBounds: a long history makes no long page (H2), and what lies around its
// finding is in it.
func TestBounds(t *testing.T) {
	var h checker.History
	for i := range int64(20_000) {
		h.Ops = append(h.Ops, checker.Op{ID: i, Client: i % 50, Kind: checker.Append, Partition: fmt.Sprintf("p%d", i%3), Off: i / 3,
			Values: []string{fmt.Sprint(i)}, Outcome: checker.OK, Call: 10 * i, Ret: 10*i + 5})
	}
	h.Ops[15_000].Off -= 7
	p := page(t, h)
	if len(p) > 1<<20 {
		t.Errorf("the page has %d bytes", len(p))
	}
	for _, want := range []string{"those around the findings", "36 of 6666 offsets", "append 15000, client 0"} {
		if !strings.Contains(p, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

func TestEmpty(t *testing.T) {
	if p := page(t, checker.History{}); !strings.Contains(p, "None.") {
		t.Error(p)
	}
}
