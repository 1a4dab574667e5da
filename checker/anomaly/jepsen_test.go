package anomaly_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"logd/checker"
	"logd/checker/anomaly"
	"logd/checker/jepsen"
)

// history reads lines of process, type, function and value; line n is at time n-1.
func history(t *testing.T, text string) checker.History {
	t.Helper()
	var tabs strings.Builder
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		fmt.Fprintln(&tabs, strings.Join(strings.SplitN(strings.TrimSpace(line), " ", 4), "\t"))
	}
	events, err := jepsen.ReadText(strings.NewReader(tabs.String()))
	if err != nil {
		t.Fatal(err)
	}
	h, err := jepsen.History(events)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// brief is an anomaly in a line: name, partition, values, offsets, delta.
func brief(a anomaly.Anomaly) string {
	s := a.Name
	if a.Allowed != "" {
		s += "(allowed)"
	}
	for _, st := range a.Steps {
		s += fmt.Sprintf(" %s %s %s %s;", st.Kind, st.Partition, st.Value, st.Next)
	}
	if len(a.Steps) > 0 {
		return s
	}
	s += fmt.Sprintf(" %s %v %v", a.Partition, a.Values, a.Offsets)
	if a.Delta != 0 {
		s += fmt.Sprintf(" delta %d", a.Delta)
	}
	return s
}

// The same text with other assignments between.
const (
	skips = `3 :invoke :send [[:send :x :a] [:send :x :b] [:send :x :c] [:send :x :d] [:send :x :g]]
		3 :info :send [[:send :x :a] [:send :x :b] [:send :x :c] [:send :x :d] [:send :x :g]]
		0 :invoke :poll [[:poll]]
		0 :ok :poll [[:poll {:x [[1 :a] [2 :b]]}]]
		1 :invoke :poll [[:poll]]
		1 :ok :poll [[:poll {:x [[3 :c]]}]]
		BETWEEN-1
		0 :invoke :poll [[:poll]]
		0 :ok :poll [[:poll {:x [[4 :d]]}]]
		BETWEEN-2
		2 :invoke :send [[:send :x :f]]
		2 :ok :send [[:send :x [6 :f]]]
		0 :invoke :poll [[:poll]]
		0 :ok :poll [[:poll {:x [[7 :g]]}]]`
	goesBack = `0 :invoke :send [[:send :x :a] [:send :x :b] [:send :x :c] [:send :x :d]]
		0 :ok :send [[:send :x :a] [:send :x :b] [:send :x :c] [:send :x :d]]
		0 :invoke :poll [[:poll]]
		0 :ok :poll [[:poll {:x [[1 :a] [2 :b] [3 :c]]}]]
		BETWEEN-1
		0 :invoke :poll [[:poll]]
		0 :ok :poll [[:poll {:x [[2 :b] [3 :c] [4 :d]]}]]`
	sendsBack = `0 :invoke :send [[:send :x :c] [:send :x :d]]
		0 :ok :send [[:send :x [3 :c]] [:send :x [4 :d]]]
		BETWEEN-1
		0 :invoke :send [[:send :x 1] [:send :x 2]]
		0 :ok :send [[:send :x [1 :a]] [:send :x [2 :b]]]`
	sixSent = `0 :invoke :send [[:send :x 0] [:send :x 1] [:send :x 2] [:send :x 3] [:send :x 4] [:send :x 5]]
		0 :ok :send [[:send :x [0 0]] [:send :x [1 1]] [:send :x [2 2]] [:send :x [3 3]] [:send :x [4 4]] [:send :x [5 5]]]
		1 :invoke :txn [[:poll]]
		1 :ok :txn [[:poll {:x [[0 0]]}]]
		1 :invoke :txn [[:poll]]
		1 :fail :txn [[:poll {:x [[1 1] [2 2]]}]]
		1 :invoke :txn [[:poll]]
		`
	lostAtomic = `0 :invoke :send [[:send :x :a] [:send :y :b]]
		0 :info :send [[:send :x :a] [:send :y [0 :b]]]
		1 :invoke :send [[:send :y :c]]
		1 :info :send [[:send :y :c]]
		3 :invoke :poll [[:poll]]
		3 :ok :poll [[:poll {:y [[1 :c]]}]]`
	conflict = `0 :invoke :send [[:send :x 1] [:send :y 1]]
		0 :info :send [[:send :x [0 1]] [:send :y 1]]
		1 :invoke :send [[:send :x 2]]
		1 :ok :send [[:send :x [0 2]]]`
)

func between(text string, what ...string) string {
	for i := range 2 {
		f, keys, outcome := "", "", ":ok"
		if i < len(what) {
			f, keys, _ = strings.Cut(what[i], " ")
			keys, outcome = keys[:strings.Index(keys, "]")+1], strings.TrimSpace(keys[strings.Index(keys, "]")+1:])
		}
		lines := ""
		if f != "" {
			lines = fmt.Sprintf("0 :invoke %s %s\n0 %s %s %s", f, keys, outcome, f, keys)
		}
		text = strings.ReplaceAll(text, fmt.Sprintf("BETWEEN-%d", i+1), lines)
	}
	var kept []string
	for _, line := range strings.Split(text, "\n") {
		if strings.TrimSpace(line) != "" {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "\n")
}

// verdict is a history and all that is named in it.
type verdict struct {
	name, text string
	want       []string
}

func offsetCases() []verdict {
	return []verdict{
		{"nothing was done", "0 :invoke :assign [:x]\n0 :ok :assign [:x]", nil},
		{"an unknown send at a known offset may not have been", conflict, nil},
		{"unless something else of its transaction was read", conflict + "\n2 :invoke :poll [[:poll]]\n2 :ok :poll [[:poll {:y [[5 1]]}]]",
			[]string{"inconsistent-offsets :x [1 2] [0]"}},
		{"two sends told the same offset", `379 :invoke :send [[:send 11 641]]
			379 :ok :send [[:send 11 [537 641]]]
			363 :invoke :send [[:send 11 645]]
			363 :ok :send [[:send 11 [537 645]]]`, []string{"inconsistent-offsets 11 [641 645] [537]"}},
		{"a read shows that a crashed transaction was committed", `0 :invoke :txn [[:poll]]
			0 :ok :txn [[:poll {:x [[0 :a] [1 :b]]}]]
			1 :invoke :txn [[:send :x :c] [:send :x :b] [:send :x :d]]
			1 :info :txn [[:send :x [1 :c]] [:send :x [3 :b]] [:send :x [4 :d]]]`,
			[]string{"inconsistent-offsets :x [:b :c] [1]", "duplicate :x [:b] [1 3]", "lost-write :x [:c] [1 1]",
				"G1c-realtime realtime   ; wr :x :b ;"}},
		{"an aborted send is read", `0 :invoke :send [[:send :x 2] [:send :y 3]]
			0 :fail :send [[:send :x 2] [:send :y 3]]
			1 :invoke :poll [[:poll]]
			1 :ok :poll [[:poll {:x [[0 2]]}]]`, []string{"aborted-read :x [2] [0]"}},
	}
}

func lossCases() []verdict {
	return []verdict{
		{"a read shows that there are values before it", `0 :invoke :send [[:send :x :a]]
			0 :ok :send [[:send :x [0 :a]]]
			0 :invoke :send [[:send :x :b] [:send :x :d]]
			0 :ok :send [[:send :x [1 :b]] [:send :x [3 :d]]]
			1 :invoke :send [[:send :x :c]]
			1 :info :send [[:send :x :c]]
			0 :invoke :poll [[:poll]]
			0 :ok :poll [[:poll {:x [[2 :c]]}]]`, []string{"lost-write :x [:a] [0 2]", "lost-write :x [:b] [1 2]",
			"G0(allowed) ww :x :b :c; ww :x :c :d;"}},
		{"a value that is overwritten is lost", `0 :invoke :send [[:send :x :a]]
			0 :ok :send [[:send :x [0 :a]]]
			0 :invoke :send [[:send :x :b] [:send :x :c]]
			0 :ok :send [[:send :x [0 :b]] [:send :x [2 :c]]]
			0 :invoke :poll [[:poll]]
			0 :ok :poll [[:poll {:x [[0 :b] [2 :c]]}]]`,
			[]string{"inconsistent-offsets :x [:a :b] [0]", "lost-write :x [:a] [0 2]", "nonmonotonic-send :x [:a :b] [0 0]"}},
		{"a crashed transaction may not have been", lostAtomic, nil},
		{"but all of it was if some of it was", lostAtomic + "\n2 :invoke :poll [[:poll]]\n2 :ok :poll [[:poll {:x [[0 :a]]}]]",
			[]string{"lost-write :y [:b] [0 1]"}},
	}
}

func skipCases() []verdict {
	const between6 = "G0(allowed) ww :x :d :f; ww :x :f :g;"
	skipped := []string{"lost-write :x [:f] [6 7]", "poll-skip :x [:b :d] [2 4] delta 2", "poll-skip :x [:d :g] [4 7] delta 2", between6}
	return []verdict{
		{"a session skips what others know", between(skips), skipped},
		{"not if it gave the partition up", between(skips, ":subscribe [:y] :ok", ":assign [:y] :info"), []string{skipped[0], between6}},
		{"but if it kept it", between(skips, ":assign [:x :y] :ok", ":assign [:x :y] :ok"), skipped},
		{"and under subscribe a group may have moved it", between(skips, ":subscribe [:x :y] :ok", ":assign [:x :y] :ok"),
			[]string{skipped[0], "poll-skip(allowed) :x [:b :d] [2 4] delta 2", skipped[2], between6}},
		{"a poll that aborts goes back", `0 :invoke :send [[:send :x 0] [:send :x 1] [:send :x 2]]
			0 :ok :send [[:send :x [0 0]] [:send :x [1 1]] [:send :x [2 2]]]
			1 :invoke :txn [[:poll]]
			1 :ok :txn [[:poll {:x [[0 0]]}]]
			1 :invoke :txn [[:poll]]
			1 :fail :txn [[:poll {:x [[1 1] [2 2]]}]]
			1 :invoke :txn [[:poll]]
			1 :fail :txn [[:poll {:x [[1 1] [2 2]]}]]
			1 :invoke :txn [[:poll]]
			1 :ok :txn [[:poll {:x [[1 1] [2 2]]}]]`, nil},
		{"a poll that aborts and doesn't go back", sixSent + `1 :fail :txn [[:poll {:x [[3 3] [4 4]]}]]
			1 :invoke :txn [[:poll]]
			1 :ok :txn [[:poll {:x [[5 5]]}]]`,
			[]string{"lost-write :x [1] [1 5]", "lost-write :x [2] [2 5]", "lost-write :x [3] [3 5]", "lost-write :x [4] [4 5]",
				"poll-skip :x [0 3] [0 3] delta 3", "poll-skip :x [0 5] [0 5] delta 5"}},
		{"nor may one that crashes skip", sixSent + "1 :info :txn [[:poll {:x [[3 3] [4 4]]}]]",
			[]string{"poll-skip :x [0 3] [0 3] delta 3"}},
	}
}

func backCases() []verdict {
	const back = "G0-process(allowed) process   ; ww :x :b :c;"
	return []verdict{
		{"a session goes back", between(goesBack), []string{"nonmonotonic-poll :x [:c :b] [3 2] delta -1"}},
		{"having given the partition up", between(goesBack, ":assign [:y] :ok"), nil},
		{"having subscribed to others", between(goesBack, ":subscribe [:y] :ok"), nil},
		{"having kept the partition", between(goesBack, ":assign [:x :y] :ok"), []string{"nonmonotonic-poll :x [:c :b] [3 2] delta -1"}},
		{"having subscribed to it", between(goesBack, ":subscribe [:x :y] :ok"), []string{"nonmonotonic-poll(allowed) :x [:c :b] [3 2] delta -1"}},
		{"a session's sends go back", between(sendsBack), []string{"nonmonotonic-send :x [:d :a] [4 1] delta -3", back}},
		{"its sends, having given the partition up", between(sendsBack, ":assign [:y] :info"), []string{back}},
		{"its sends, having subscribed to others", between(sendsBack, ":subscribe [:y] :ok"), []string{back}},
		{"its sends, having kept the partition", between(sendsBack, ":subscribe [:x :y] :ok"), []string{"nonmonotonic-send :x [:d :a] [4 1] delta -3", back}},
		{"one operation skips what another knows", `1 :invoke :send [[:send :x :a] [:send :x :b] [:send :x :d]]
			1 :info :send [[:send :x :a] [:send :x :b] [:send :x :d]]
			0 :invoke :poll [[:poll]]
			0 :ok :poll [[:poll {:x [[1 :a] [4 :d]]}]]
			3 :invoke :poll [[:poll] [:poll]]
			3 :ok :poll [[:poll {:x [[1 :a]]}] [:poll {:x [[4 :d]]}]]
			2 :invoke :poll [[:poll]]
			2 :ok :poll [[:poll {:x [[2 :b]]}]]`,
			[]string{"int-poll-skip :x [:a :d] [1 4] delta 2", "int-poll-skip :x [:a :d] [1 4] delta 2"}},
	}
}

func orderCases() []verdict {
	return []verdict{
		{"others may come between sends of one operation", `0 :invoke :send [[:send :x :a] [:send :x :c]]
			0 :ok :send [[:send :x [1 :a]] [:send :x :c]]
			1 :invoke :send [[:send :x :b]]
			1 :info :send [[:send :x :b]]
			2 :invoke :poll [[:poll]]
			2 :ok :poll [[:poll {:x [[2 :b] [3 :c]]}]]`,
			[]string{"lost-write :x [:a] [1 3]", "G0(allowed) ww :x :a :b; ww :x :b :c;"}},
		{"one operation goes back", `0 :invoke :send [[:send :x :a] [:send :x :b] [:send :x :c]]
			0 :info :send [[:send :x :a] [:send :x :b] [:send :x :c]]
			1 :invoke :poll [[:poll]]
			1 :ok :poll [[:poll {:x [[3 :c] [1 :a]]}]]
			2 :invoke :poll [[:poll] [:poll]]
			2 :ok :poll [[:poll {:x [[2 :b] [3 :c]]}] [:poll {:x [[3 :c]]}]]`,
			[]string{"int-nonmonotonic-poll :x [:c :a] [3 1] delta -2", "int-nonmonotonic-poll :x [:c :c] [3 3]"}},
		{"one operation's sends go back", `0 :invoke :send [[:send :x 3] [:send :x 1]]
			0 :ok :send [[:send :x [3 :c]] [:send :x [1 :a]]]
			2 :invoke :send [[:send :y :d] [:send :y :b]]
			2 :info :send [[:send :y :d] [:send :y :b]]
			1 :invoke :send [[:send :y :c]]
			1 :info :send [[:send :y :c]]
			0 :invoke :poll [[:poll]]
			0 :ok :poll [[:poll {:y [[2 :b] [3 :c] [4 :d]]}]]`,
			[]string{"int-nonmonotonic-send :x [:c :a] [3 1] delta -1", "int-nonmonotonic-send :y [:d :b] [4 2] delta -2",
				"G0(allowed) ww :y :b :c; ww :y :c :d;"}},
		{"a value at two offsets", `0 :invoke :send [[:send :x :a]]
			0 :ok :send [[:send :x [1 :a]]]
			1 :invoke :send [[:send :x :b]]
			1 :info :send [[:send :x :b]]
			2 :invoke :poll [[:poll]]
			2 :ok :poll [[:poll {:x [[2 :b] [3 :a]]}]]`, []string{"duplicate :x [:a] [1 3]"}},
		{"a poll that aborts still tells the truth, a send that aborts doesn't", `0 :invoke :send [[:send :x 0]]
			0 :ok :send [[:send :x [1 0]]]
			0 :invoke :send [[:send :x 1]]
			0 :fail :send [[:send :x [2 1]]]
			1 :invoke :poll [[:poll]]
			1 :fail :poll [[:poll {:x [[11 0] [12 1]]}]]`, []string{"duplicate :x [0] [1 11]"}},
		{"all is seen in the end", `0 :invoke :poll [[:poll]]
			0 :ok :poll [[:poll {}]]
			0 :invoke :send [[:send :x :a] [:send :x :b]]
			0 :ok :send [[:send :x [0 :a]] [:send :x [1 :b]]]
			0 :invoke :poll [[:poll]]
			0 :ok :poll [[:poll {:x [[0 :a]]}]]
			0 :invoke :poll [[:poll]]
			0 :ok :poll [[:poll {:x [[1 :b]]}]]`, nil},
		{"two transactions send in either order", `0 :invoke :send [[:send :x :a] [:send :y :a]]
			1 :invoke :send [[:send :x :b] [:send :y :b]]
			0 :ok :send [[:send :x [0 :a]] [:send :y [1 :a]]]
			1 :ok :send [[:send :x [1 :b]] [:send :y [0 :b]]]`, []string{"G0(allowed) ww :x :a :b; ww :y :b :a;"}},
		{"two transactions read each other", `0 :invoke :txn [[:send :x :a] [:poll]]
			1 :invoke :txn [[:send :y :b] [:poll]]
			0 :ok :txn [[:send :x [0 :a]] [:poll {:y [[0 :b]]}]]
			1 :ok :txn [[:send :y [0 :b]] [:poll {:x [[0 :a]]}]]`, []string{"G1c wr :x :a ; wr :y :b ;"}},
		{"one reads what the other sent, and sends before it", `0 :invoke :txn [[:send :x :a] [:send :y :c]]
			1 :invoke :txn [[:poll] [:send :y :b]]
			0 :ok :txn [[:send :x [0 :a]] [:send :y [2 :c]]]
			1 :ok :txn [[:poll {:x [[0 :a]]}] [:send :y [1 :b]]]`, []string{"G1c(allowed) wr :x :a ; ww :y :b :c;"}},
		{"a transaction reads what it sent", `0 :invoke :txn [[:send :x :a] [:poll]]
			0 :ok :txn [[:send :x [0 :a]] [:poll {:x [[0 :a]]}]]`, []string{"precommitted-read :x [:a] [0]"}},
	}
}

// TestJepsensCases has the situations by which Jepsen's own tests of its Kafka
// workload say what each anomaly is, with the same verdicts. Where more is named
// than there, all that is named is listed here.
func TestJepsensCases(t *testing.T) {
	for _, c := range slices.Concat(offsetCases(), lossCases(), skipCases(), backCases(), orderCases()) {
		t.Run(c.name, func(t *testing.T) {
			r := anomaly.Check(history(t, c.text))
			var got []string
			bad := false
			for _, a := range r.Anomalies {
				got = append(got, brief(a))
				bad = bad || a.Allowed == ""
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if (r.Verdict == checker.Invalid) != bad || len(r.Undecided) > 0 {
				t.Errorf("verdict %v, undecided %q", r.Verdict, r.Undecided)
			}
		})
	}
}

// TestManyValuesAtTwoOffsets: however many conflicts there are, all are named.
func TestManyValuesAtTwoOffsets(t *testing.T) {
	var b strings.Builder
	var values, all []string
	for i := range 10 {
		fmt.Fprintf(&b, "0 :invoke :send [[:send :x %d]]\n0 :ok :send [[:send :x [0 %d]]]\n1 :invoke :poll [[:poll]]\n1 :ok :poll [[:poll {:x [[1 %d]]}]]\n", i, i, i)
		values = append(values, fmt.Sprint(i))
	}
	for i, a := range anomaly.Check(history(t, b.String())).Anomalies {
		switch {
		case i < 2 && (a.Name != anomaly.InconsistentOffsets || a.Offsets[0] != int64(i) || !cmp.Equal(a.Values, values)):
			t.Errorf("got %s", brief(a))
		case a.Name == anomaly.Duplicate:
			all = append(all, a.Values[0])
		}
	}
	if !cmp.Equal(all, values) {
		t.Errorf("duplicates are %v", all)
	}
}

// TestRealtimeLag: the lag is counted from when the next record was known to be there.
func TestRealtimeLag(t *testing.T) {
	h := history(t, `0 :invoke :assign [:x]
		0 :ok :assign [:x]
		0 :invoke :poll [[:poll]]
		0 :ok :poll [[:poll {:x []}]]
		0 :invoke :send [[:send :x :a]]
		0 :ok :send [[:send :x [0 :a]]]
		0 :invoke :poll [[:poll]]
		0 :ok :poll [[:poll {:x []}]]
		1 :invoke :send [[:send :x :c] [:send :x :d]]
		1 :ok :send [[:send :x [2 :c]] [:send :x [3 :d]]]
		0 :invoke :poll [[:poll]]
		0 :ok :poll [[:poll]]
		0 :invoke :poll [[:poll]]
		0 :ok :poll [[:poll {:x [[0 :a] [1 :b]]}]]
		0 :invoke :assign [:x :y]
		0 :ok :assign [:x :y]
		0 :invoke :poll [[:poll]]
		0 :ok :poll [[:poll {}]]
		0 :invoke :assign [:y]
		0 :ok :assign [:y]
		0 :invoke :assign [:x]
		0 :ok :assign [:x]
		0 :invoke :poll [[:poll]]
		0 :ok :poll [[:poll {}]]
		0 :invoke :poll [[:poll] [:poll]]
		0 :ok :poll [[:poll {:x [[0 :a] [1 :b]]}] [:poll {:x [[2 :c] [3 :d]]}]]
		1 :invoke :send [[:send :x :b]]
		1 :info :send [[:send :x :b]]`)
	var got []string
	for _, l := range anomaly.Lags(h) {
		got = append(got, fmt.Sprintf("%d %s %d", l.Time-1, l.Partition, l.Lag)) // lines count from 1
	}
	want := []string{"2 :x 0", "6 :x 1", "10 :x 5", "12 :x 3", "16 :x 7", "16 :y 0", "22 :x 17", "24 :x 0"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("time, partition and lag (-want +got):\n%s", diff)
	}
	if w := anomaly.Check(h).WorstLag; w == nil || w.Lag != 17 || w.Time != 23 || w.Partition != ":x" {
		t.Errorf("the worst is %+v", w)
	}
}
