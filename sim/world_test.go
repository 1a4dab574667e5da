package sim

import (
	"bytes"
	"io"
	"maps"
	"strings"
	"testing"
	"time"

	"logd/checker"
	order "logd/checker/idempotent"
)

// A seed's run is a function of the seed (W1), whoever watches: with lines, events and a history or without.
func TestWatchedRunIsTheSame(t *testing.T) {
	ofProducers := int64(0)
	for _, seed := range []uint64{21, 22} {
		opt := Draw(seed, 8*time.Second)
		var history bytes.Buffer
		events := 0
		first := Run(opt, Env{Trace: io.Discard, History: &history, Events: func(time.Duration, Event) { events++ }})
		again := Run(opt, Env{})
		if first.Violation != nil {
			t.Fatalf("seed %d: %v", seed, first.Violation)
		}
		if first.Hash != again.Hash || first.Events != again.Events || first.Counts != again.Counts {
			t.Fatalf("seed %d: hash %016x after %d events, then %016x after %d", seed, first.Hash, first.Events, again.Hash, again.Events)
		}
		if first.Counts[CountAcked] == 0 || first.Counts[CountUpperBounds] == 0 || first.Counts[CountRecordsRead] == 0 {
			t.Fatalf("seed %d: the clients did nothing: %v", seed, first.Counts)
		}
		if events < 1000 {
			t.Fatalf("seed %d: %d events were told of %d", seed, events, first.Events)
		}
		ofProducers += judged(t, &history, first.Counts[CountAcked])
	}
	if ofProducers == 0 {
		t.Error("no history names a producer")
	}
}

// judged reads a written history back and has the offline checks agree. It returns how many batches of idempotent producers are in it.
func judged(t *testing.T, history io.Reader, acked int64) (batches int64) {
	r := checker.NewReader(history)
	j := order.Family.Begin(checker.Header{})
	c := checker.New(checker.Options{})
	for {
		op, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		c.Complete(&op)
		j.Complete(&op)
	}
	producers := j.Finish()
	for _, f := range producers.Figures {
		if f.Column == "batches" {
			batches += f.Value
		}
	}
	if len(producers.Violations) > 0 {
		t.Fatalf("read back, the history is %v", producers)
	}
	report, n := c.Finish(), int64(0)
	for _, p := range report.Partitions {
		n += p.AppendsOK
	}
	if report.Verdict != checker.Valid || n != acked {
		t.Fatalf("read back, the history is %v with %d acknowledged appends of %d", report.Verdict, n, acked)
	}
	return batches
}

// Different seeds are different worlds.
func TestSeedsDiffer(t *testing.T) {
	seen := map[string]uint64{}
	for seed := range uint64(200) {
		o := Draw(seed, time.Minute)
		if was, ok := seen[o.String()]; ok {
			t.Fatalf("seeds %d and %d draw the same options", was, seed)
		}
		seen[o.String()] = seed
		if err := o.Store.Check(); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
}

// Every kind of fault does what no world does without faults, stories know all of that, and a world heals from it.
func TestEveryFault(t *testing.T) {
	peace := actsUnder(t, -1)
	for kind, row := range faultTable {
		acts := actsUnder(t, kind)
		maps.DeleteFunc(acts, func(verb string, _ bool) bool { return peace[verb] })
		if len(acts) == 0 {
			t.Errorf("%s: nothing happened", row.name)
		}
	}
}

// actsUnder are the verbs of all that happens under one kind of fault, and the kinds of clients' requests; none if it is below zero.
func actsUnder(t *testing.T, kind int) map[string]bool {
	opt := DrawSized(14, 5*time.Second, Size{Brokers: 5})
	opt.Faults.Weight = [faultKinds]int{}
	opt.Faults.Every = 700 * time.Millisecond
	if kind >= 0 {
		opt.Faults.Weight[kind] = 1
	}
	var lines bytes.Buffer
	r := Run(opt, Env{Trace: &lines})
	if r.Violation != nil {
		t.Errorf("fault %d: %v", kind, r.Violation)
	}
	verbs := map[string]bool{}
	if flips := r.Marks[MarkHeadCorrupted] + r.Marks[MarkBodyCorrupted] + r.Marks[MarkLengthCorrupted]; flips > 0 {
		verbs["envelope flip"] = true // what becomes of envelopes is told with them
	}
	for line := range strings.Lines(lines.String()) {
		words := strings.Fields(line)
		if words[1] != "story" || words[2] == "#" {
			continue
		}
		if c := commands[words[2]]; c.do == nil || len(words)-3 < c.least || len(words)-3 > c.most {
			t.Errorf("fault %d: no story knows %s", kind, line)
		}
		if words[2] == "client" {
			verbs["client "+words[4]] = true
		} else if words[2] != "hush" { // which only keeps others away
			verbs[words[2]] = true
		}
	}
	return verbs
}
