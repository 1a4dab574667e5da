package checker_test

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"logd/checker"
)

// parse reads operations in the history's own spelling, without the parts that
// are the same in all of them: partition p, ids in order.
func parse(t *testing.T, header string, lines ...string) checker.History {
	t.Helper()
	var b strings.Builder
	fmt.Fprintln(&b, `{"history":1`+header+`}`)
	for i, line := range lines {
		fmt.Fprintf(&b, `{"id":%d,"part":"p",%s}`+"\n", i+1, line)
	}
	h, err := checker.ReadAll(strings.NewReader(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func sent(call, ret, off int, values string) string {
	return fmt.Sprintf(`"op":"append","call":%d,"ret":%d,"outcome":"ok","off":%d,"values":["%s"]`,
		call, ret, off, strings.ReplaceAll(values, " ", `","`))
}

func lost(call int, values string) string {
	return fmt.Sprintf(`"op":"append","call":%d,"outcome":"unknown","values":["%s"]`, call, strings.ReplaceAll(values, " ", `","`))
}

func tail(call, ret, off int) string {
	return fmt.Sprintf(`"op":"tail","call":%d,"ret":%d,"outcome":"ok","off":%d`, call, ret, off)
}

func trim(call, ret, to, begins int) string {
	return fmt.Sprintf(`"op":"trim","call":%d,"ret":%d,"outcome":"ok","from":%d,"off":%d`, call, ret, to, begins)
}

func trimLost(call, to int) string {
	return fmt.Sprintf(`"op":"trim","call":%d,"outcome":"unknown","from":%d`, call, to)
}

func start(call, ret, begins int) string {
	return fmt.Sprintf(`"op":"start","call":%d,"ret":%d,"outcome":"ok","off":%d`, call, ret, begins)
}

func read(call, ret, from int, values, more string) string {
	list := `"` + strings.ReplaceAll(values, " ", `","`) + `"`
	if values == "" {
		list = ""
	}
	return fmt.Sprintf(`"op":"read","call":%d,"ret":%d,"outcome":"ok","from":%d,"values":[%s]%s`, call, ret, from, list, more)
}

// TestCases are the edges of the rules, one each: what is still valid and what
// just isn't any more.
func TestCases(t *testing.T) {
	const lin = `,"lin":true`
	runCases(t, []edgeCase{
		{"unknown and never done", "valid", []string{lost(0, "a"), sent(5, 6, 0, "b")}},
		{"unknown and done", "valid", []string{lost(0, "a"), sent(5, 6, 1, "b")}},
		{"unknown takes effect long after", "valid", []string{lost(0, "a"), tail(100, 101, 0), tail(200, 201, 1)}},
		{"unknown seen after its client crashed", "valid", []string{lost(0, "a"), `"op":"crash","call":1`, read(50, 51, 0, "a", "")}},
		{"unknown not before its call", checker.TailBeyondEnd, []string{lost(10, "a"), tail(0, 9, 1)}},
		{"unknown at the instant of its call", "valid", []string{lost(10, "a"), tail(0, 10, 1)}},
		{"two holes and one candidate", checker.AcknowledgedMissing, []string{lost(0, "a"), sent(5, 6, 2, "b")}},
		{"append returns as the next is called", "valid", []string{sent(0, 10, 1, "a"), sent(10, 20, 0, "b")}},
		{"append returns before the next is called", checker.NotLinearizable, []string{sent(0, 10, 1, "a"), sent(11, 20, 0, "b")}},
		{"tail at the instant of the acknowledgement", "valid", []string{sent(0, 10, 0, "a"), tail(10, 20, 0)}},
		{"tail after the acknowledgement", checker.TailWentBack, []string{sent(0, 10, 0, "a"), tail(11, 20, 0)}},
		{"tail behind a read that isn't linearizable", checker.TailWentBack, []string{lost(0, "a"), read(5, 10, 0, "a", ""), tail(11, 20, 0)}},
		{"tails go back", checker.TailWentBack, []string{lost(0, "a"), tail(5, 10, 1), tail(11, 20, 0)}},
		{"Fetch may be stale", "valid", []string{sent(0, 10, 0, "a"), read(11, 20, 0, "", "")}},
		{"Fetch may be short", "valid", []string{sent(0, 10, 0, "a b"), read(11, 20, 0, "a", "")}},
		{"linearizable read is empty", checker.LinearizableReadBack, []string{sent(0, 10, 0, "a"), read(11, 20, 0, "", lin)}},
		{"linearizable read is empty at the end", "valid", []string{sent(0, 10, 0, "a"), read(11, 20, 1, "", lin)}},
		{"linearizable read beyond the end", "valid", []string{sent(0, 10, 0, "a"), read(11, 20, 7, "", lin), sent(30, 40, 1, "b")}},
		{"full page bounds from below only", "valid", []string{sent(0, 10, 0, "a b"), read(11, 20, 0, "a", lin+`,"limit":1`)}},
		{"short page bounds from above", checker.LengthInsideBatch, []string{sent(0, 10, 0, "a b"), read(11, 20, 0, "a", lin+`,"limit":2`)}},
		{"empty read inside a batch: it came before", "valid", []string{sent(0, 10, 0, "a b"), read(5, 20, 1, "", lin)}},
		{"empty read inside a batch: it came too late", checker.LinearizableReadBack, []string{sent(0, 10, 0, "a b"), read(11, 20, 1, "", lin)}},
		{"bounds inside a batch meet", checker.LinearizableReadBack,
			[]string{lost(0, "a b c"), read(20, 30, 2, "", lin), read(5, 10, 0, "a", "")}},
		{"one batch seen in parts", "valid", []string{lost(0, "a b c"), read(5, 9, 0, "a", ""), read(5, 9, 2, "c", ""), tail(10, 11, 3)}},
		{"batch would begin below 0", checker.BatchTorn, []string{lost(0, "a b"), read(5, 9, 0, "b", "")}},
		{"acknowledged where a read had not seen it", checker.ReadElsewhere, []string{lost(0, "x"), read(1, 2, 0, "a", ""), sent(0, 10, 1, "a")}},
		{"failed after it was read", checker.FailedButRead, []string{read(5, 6, 0, "a", ""), `"op":"append","call":0,"ret":9,"outcome":"fail","values":["a"]`}},
		{"equal sizes tile exactly", "valid", []string{lost(0, "a b"), lost(1, "c d"), sent(5, 6, 4, "e")}},
		{"equal sizes don't divide", checker.AcknowledgedMissing, []string{lost(0, "a b"), lost(1, "c d"), sent(5, 6, 3, "e")}},
		{"equal sizes cut by a tail", checker.AcknowledgedMissing, []string{lost(0, "a b"), lost(1, "c d"), tail(2, 3, 1), sent(5, 6, 2, "e")}},
		{"sizes fit in one order only", "valid", []string{lost(0, "a"), lost(0, "b c"), tail(2, 3, 2), sent(5, 6, 3, "e")}},
		{"the fitting size was called too late", checker.AcknowledgedMissing,
			[]string{lost(0, "a"), lost(9, "b c"), tail(2, 3, 1), lost(0, "d"), sent(5, 6, 3, "e")}},
		{"the later call was recorded first", "valid", []string{lost(9, "a"), lost(0, "b"), tail(2, 3, 1), tail(10, 11, 2)}},
		{"tails of an idle log, of which the first still counts", checker.TailBeyondEnd, []string{tail(5, 6, 1), tail(20, 21, 1), tail(30, 31, 1), lost(10, "a")}},
		{"offset beyond all sense", checker.AcknowledgedMissing, []string{sent(5, 6, 1<<60, "e")}},
		{"tail beyond all sense", checker.TailBeyondEnd, []string{lost(0, "a"), tail(5, 6, 1<<60)}},
	})
}

// TestTrims are the edges of the rules of a log's start.
func TestTrims(t *testing.T) {
	const lin = `,"lin":true`
	runCases(t, []edgeCase{
		{"trim moves the start", "valid", []string{sent(0, 1, 0, "a b"), trim(2, 5, 1, 1), start(3, 4, 0), start(6, 7, 1), read(8, 9, 0, "b", `,"offs":[1]`)}},
		{"trim of unknown outcome moves the start", "valid", []string{sent(0, 1, 0, "a b"), trimLost(2, 1), start(3, 4, 0), start(6, 7, 1)}},
		{"trim that failed doesn't", checker.StartUnasked, []string{sent(0, 1, 0, "a b"), `"op":"trim","call":2,"ret":3,"outcome":"fail","from":1`, start(6, 7, 1)}},
		{"start was asked for too late", checker.StartUnasked, []string{sent(0, 1, 0, "a b"), start(2, 3, 1), trim(4, 5, 1, 1)}},
		{"start was asked for at the same instant", "valid", []string{sent(0, 1, 0, "a b"), start(2, 3, 1), trim(3, 5, 1, 1)}},
		{"start goes back", checker.StartWentBack, []string{sent(0, 1, 0, "a b"), trim(2, 5, 1, 1), start(6, 7, 0)}},
		{"start goes back at the same instant", "valid", []string{sent(0, 1, 0, "a b"), trim(2, 5, 1, 1), start(5, 7, 0)}},
		{"start goes back behind a read", checker.StartWentBack, []string{sent(0, 1, 0, "a b"), trimLost(2, 1), read(3, 4, 0, "b", `,"offs":[1]`), start(6, 7, 0)}},
		{"trim answers less", checker.TrimNotDone, []string{sent(0, 1, 0, "a b"), trim(2, 5, 1, 0)}},
		{"trim answers more", "valid", []string{sent(0, 1, 0, "a b"), trimLost(2, 2), trim(2, 5, 1, 2)}},
		{"trim that answers more moves nothing", checker.StartUnasked, []string{sent(0, 0, 0, "a b"), trim(0, 0, 1, 2), trimLost(0, 2), start(0, 0, 1)}},
		{"start that a read shows is the log's length at least", checker.LinearizableReadBack,
			[]string{sent(0, 1, 0, "a b"), sent(0, 9, 2, "c"), trimLost(0, 3), read(0, 5, 0, "b", lin+`,"limit":1,"offs":[1]`), read(6, 7, 2, "", lin)}},
		{"start that a read shows isn't longer than the read", "valid",
			[]string{sent(0, 1, 0, "a b"), sent(0, 9, 2, "c"), trimLost(0, 1), read(0, 5, 0, "b", lin+`,"limit":1,"offs":[1]`), read(6, 7, 2, "", lin)}},
		{"start that a read shows lies above the end that it shows", checker.ReadSkipped,
			[]string{lost(0, "a"), lost(0, "b"), lost(0, "c"), trimLost(0, 3), read(0, 0, 0, "b", lin+`,"offs":[1]`)}},
		{"read begins above the start", checker.ReadSkipped, []string{sent(0, 1, 0, "a b c"), trim(2, 5, 1, 1), read(8, 9, 0, "c", `,"offs":[2]`)}},
		{"read skips in its middle below the start", checker.ReadSkipped, []string{sent(0, 1, 0, "a b c"), trim(2, 5, 3, 3), read(8, 9, 0, "a c", `,"offs":[0,2]`)}},
		{"start shows the length", checker.StartBeyondEnd, []string{trim(2, 5, 1, 1), sent(6, 7, 0, "a")}},
		{"start beyond all", checker.StartBeyondEnd, []string{sent(0, 1, 0, "a"), trim(2, 5, 2, 2)}},
		{"start inside an unseen batch", "valid", []string{lost(0, "a b"), trim(2, 5, 1, 1)}},
		{"start inside an unseen batch, that a read says ends there", checker.StartBeyondEnd,
			[]string{lost(0, "a b"), trim(2, 5, 1, 1), read(6, 7, 1, "", lin)}},
		{"start inside a hole, that a read says wasn't longer", checker.StartBeyondEnd,
			[]string{lost(0, "a b"), lost(0, "c d"), trim(2, 5, 1, 1), read(6, 7, 1, "", lin), sent(8, 9, 4, "e")}},
	})
}

type edgeCase struct {
	name, want string
	lines      []string
}

func runCases(t *testing.T, cases []edgeCase) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			h := parse(t, "", c.lines...)
			is := func(r checker.Report) string {
				if v := r.First(); v != nil {
					return v.Name
				}
				return r.Verdict.String()
			}
			if r := checker.Check(h); is(r) != c.want {
				t.Errorf("is %s, want %s: %v", is(r), c.want, r.First())
			}
			slices.Reverse(h.Ops)
			if r := checker.Check(h); (r.Verdict == checker.Valid) != (c.want == "valid") {
				t.Errorf("in reverse order is %s, want %s", is(r), c.want)
			}
			if _, r := online(h); (r.Verdict == checker.Valid) != (c.want == "valid") {
				t.Errorf("online %s, want %s", is(r), c.want)
			}
		})
	}
}

// TestSparse: in a log whose offsets may be empty a hole proves nothing, but a
// value once known stays where it is.
func TestSparse(t *testing.T) {
	for _, c := range []struct {
		name  string
		want  checker.Verdict
		lines []string
	}{
		{"hole", checker.Valid, []string{sent(0, 1, 7, "a")}},
		{"read passes over nothing", checker.Valid, []string{sent(0, 1, 7, "a"), read(2, 3, 0, "a", `,"offs":[7]`)}},
		{"read passes over a value", checker.Invalid, []string{sent(0, 1, 7, "a"), sent(2, 3, 9, "b"), read(4, 5, 0, "b", `,"offs":[9]`)}},
		{"value appears where a read saw none", checker.Invalid, []string{sent(0, 1, 7, "a"), read(2, 3, 0, "a", `,"offs":[7]`), sent(0, 9, 4, "b")}},
		{"short read isn't a bound", checker.Valid, []string{sent(0, 1, 0, "a"), tail(2, 3, 5), read(6, 7, 0, "a", `,"lin":true`), read(8, 9, 1, "", `,"lin":true`)}},
		{"read passes over a trimmed value", checker.Valid, []string{sent(0, 1, 7, "a"), sent(2, 3, 9, "b"), trim(2, 4, 8, 8), read(4, 5, 0, "b", `,"offs":[9]`)}},
		{"read passes over a value that isn't", checker.Invalid, []string{sent(0, 1, 7, "a"), sent(2, 3, 9, "b"), trim(2, 4, 7, 7), read(4, 5, 0, "b", `,"offs":[9]`)}},
		{"tail is one", checker.Invalid, []string{sent(0, 1, 3, "a"), tail(2, 3, 2)}},
		{"too far to hold", checker.Undecided, []string{sent(0, 1, 1<<50, "a")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if r := checker.Check(parse(t, `,"sparse":true`, c.lines...)); r.Verdict != c.want {
				t.Errorf("is %v, want %v: %v", r.Verdict, c.want, r.First())
			}
		})
	}
}

// TestRetention: a log's start may move by itself, and still not back.
func TestRetention(t *testing.T) {
	for _, c := range []struct {
		want  checker.Verdict
		lines []string
	}{
		{checker.Valid, []string{sent(0, 1, 0, "a b"), start(2, 3, 1), read(4, 5, 0, "b", `,"offs":[1]`)}},
		{checker.Invalid, []string{sent(0, 1, 0, "a b"), start(2, 3, 1), start(4, 5, 0)}},
		{checker.Invalid, []string{sent(0, 1, 0, "a b"), start(2, 3, 3)}},
	} {
		if r := checker.Check(parse(t, `,"retention":true`, c.lines...)); r.Verdict != c.want {
			t.Errorf("%v is %v, want %v: %v", c.lines, r.Verdict, c.want, r.First())
		}
		if r := checker.Check(parse(t, "", c.lines...)); r.Verdict != checker.Invalid {
			t.Errorf("without retention %v is %v", c.lines, r.Verdict)
		}
	}
}

// TestOnlineAtOnce: a violation is reported by the very event that proves it.
func TestOnlineAtOnce(t *testing.T) {
	h := parse(t, "", sent(0, 10, 0, "a"), sent(20, 30, 3, "b"), sent(31, 40, 4, "c"))
	c := checker.New(checker.Options{Invoked: true})
	var found []*checker.Violation
	for i := range h.Ops {
		found = append(found, c.Invoke(&h.Ops[i]), c.Complete(&h.Ops[i]))
	}
	// Offsets 1 and 2 have no writer. An append called at 30, when offset 3 was
	// acknowledged, could be one; at 31 that is over.
	for i, v := range found {
		if (v != nil) != (i == 4) {
			t.Errorf("event %d: %v", i, v)
		}
	}
	if v := found[4]; v == nil || v.Name != checker.AcknowledgedMissing || v.Offset != 1 {
		t.Errorf("got %v, want %s at 1", v, checker.AcknowledgedMissing)
	}
}

// TestOutstanding: what was called and never came back may have taken effect.
func TestOutstanding(t *testing.T) {
	h := parse(t, "", lost(0, "a"), sent(5, 10, 1, "b"))
	c := checker.New(checker.Options{Invoked: true})
	c.Invoke(&h.Ops[0])
	c.Invoke(&h.Ops[1])
	if v := c.Complete(&h.Ops[1]); v != nil {
		t.Error(v)
	}
	r := c.Finish()
	if p := r.Partitions[0]; r.Verdict != checker.Valid || p.AppendsUnknown != 1 || p.Unread != 1 {
		t.Errorf("got %+v", r)
	}
}

// TestUndecided: what cannot be judged is never valid.
func TestUndecided(t *testing.T) {
	for name, h := range map[string]checker.History{
		"value sent twice": parse(t, "", sent(0, 1, 0, "a"), sent(2, 3, 1, "a")),
		"twice in a batch": parse(t, "", sent(0, 1, 0, "a a")),
		"malformed":        {Ops: []checker.Op{{Kind: checker.Tail, Partition: "p", Outcome: checker.OK, Call: 2, Ret: 1}}},
		"partly malformed": {Ops: []checker.Op{{Kind: checker.Append, Partition: "p", Outcome: checker.OK, Ret: 1}}},
		"too many tilings": manySizes(t),
		"txn of nowhere":   {Ops: []checker.Op{{Kind: checker.Txn, Outcome: checker.OK, Ret: 1, Ops: []checker.Op{{Kind: checker.Tail}}}}},
	} {
		if r := checker.Check(h); r.Verdict != checker.Undecided {
			t.Errorf("%s: %v: %v", name, r.Verdict, r.First())
		}
	}
}

// manySizes is 3-PARTITION: gaps of 1000 each take three of 45 batches, no two of a
// size, in very many ways. The last gap is odd and all sizes are even, so each way
// ends there. Whoever had the patience would find the history invalid.
func manySizes(t *testing.T) checker.History {
	var lines []string
	for i := range 45 {
		var values []string
		for k := range 254 + 2*i {
			values = append(values, fmt.Sprint("v", i, "-", k))
		}
		lines = append(lines, lost(0, strings.Join(values, " ")))
	}
	for i := range 11 {
		lines = append(lines, sent(5, 6, i*1001+1000, fmt.Sprint("edge", i)))
	}
	lines = append(lines, sent(5, 6, 11*1001+1001, "last"))
	return parse(t, "", lines...)
}

// TestMemoryFollowsHistory: an absurd offset costs nothing.
func TestMemoryFollowsHistory(t *testing.T) {
	h := parse(t, "", lost(0, "a"), read(1, 2, 1<<61, "a", ""), tail(3, 4, 1<<61), read(5, 6, 1<<60, "", `,"lin":true`))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	r := checker.Check(h)
	runtime.ReadMemStats(&after)
	if r.Verdict != checker.Invalid {
		t.Errorf("%v", r.Verdict)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 64<<20 {
		t.Errorf("took %d bytes for four operations", used)
	}
}

// TestIdleLogIsCheap: of the tails of a log that nobody appends to, a few are kept.
func TestIdleLogIsCheap(t *testing.T) {
	c := checker.New(checker.Options{})
	for i := range int64(10_000) {
		c.Complete(&checker.Op{ID: i, Kind: checker.Tail, Partition: "p", Outcome: checker.OK, Call: 10 * i, Ret: 10*i + 5, Off: 0})
	}
	if r := c.Finish(); r.Verdict != checker.Valid || c.Kept() > 3 {
		t.Errorf("%v, and %d of 10,000 tails are kept", r.Verdict, c.Kept())
	}
}

// TestPartitionsAreApart: the same value in two partitions is two values, and the
// verdict of one says nothing of the other.
func TestPartitionsAreApart(t *testing.T) {
	h := parse(t, "", sent(0, 1, 0, "a"), sent(0, 1, 0, "a"), sent(2, 3, 0, "b"))
	h.Ops[1].Partition, h.Ops[2].Partition = "q", "q"
	r := checker.Check(h)
	if r.Verdict != checker.Invalid || r.Partitions[0].Verdict != checker.Valid || r.Partitions[1].Verdict != checker.Invalid {
		t.Errorf("got %+v", r)
	}
}

// TestFarThenNear: a history may name offsets long before the appends that lead
// up to them; they are set aside, not given up.
func TestFarThenNear(t *testing.T) {
	for _, last := range []struct {
		off  int64
		want checker.Verdict
	}{{99_999, checker.Valid}, {100_000, checker.Invalid}} {
		h := checker.History{Ops: []checker.Op{
			{ID: 1, Kind: checker.Append, Partition: "p", Outcome: checker.OK, Call: 200_000, Ret: 200_001, Values: []string{"last"}, Off: last.off},
			{ID: 2, Kind: checker.Tail, Partition: "p", Outcome: checker.OK, Call: 200_002, Ret: 200_003, Off: last.off + 1},
		}}
		for i := range int64(99_999) {
			h.Ops = append(h.Ops, checker.Op{ID: 3 + i, Kind: checker.Append, Partition: "p", Outcome: checker.OK,
				Call: i, Ret: i + 1, Values: []string{fmt.Sprint(i)}, Off: i})
		}
		if r := checker.Check(h); r.Verdict != last.want || r.Partitions[0].Length != last.off+1 {
			t.Errorf("last at %d: %v, length %d: %v", last.off, r.Verdict, r.Partitions[0].Length, r.First())
		}
	}
}

// TestPollOfSeveralPartitions: what a poll returned of each partition is a read of it,
// and proves as much.
func TestPollOfSeveralPartitions(t *testing.T) {
	read := func(part, value string) checker.Op {
		return checker.Op{ID: 3, Kind: checker.Read, Partition: part, Outcome: checker.OK, Call: 5, Ret: 6, Values: []string{value}}
	}
	h := checker.History{Ops: []checker.Op{
		{ID: 1, Kind: checker.Append, Partition: "p", Outcome: checker.OK, Call: 1, Ret: 2, Values: []string{"a"}},
		{ID: 2, Kind: checker.Append, Partition: "q", Outcome: checker.OK, Call: 1, Ret: 2, Values: []string{"b"}},
		{ID: 3, Kind: checker.Txn, Poll: true, Outcome: checker.OK, Call: 5, Ret: 6, Ops: []checker.Op{read("p", "a"), read("q", "b")}},
	}}
	if r := checker.Check(h); r.Verdict != checker.Valid || r.Partitions[1].Reads != 1 {
		t.Errorf("got %+v", r)
	}
	h.Ops[2].Ops[1].Values[0] = "c"
	if r := checker.Check(h); r.First() == nil || r.First().Name != checker.TwoValuesAtOffset {
		t.Errorf("got %+v", r)
	}
}
