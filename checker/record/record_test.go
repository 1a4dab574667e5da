package record_test

import (
	"bytes"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"logd/checker"
	"logd/checker/record"
)

// TestConcurrentClients: nothing is lost and each number is given once, with clients
// made, and histories taken, meanwhile.
func TestConcurrentClients(t *testing.T) {
	rec := record.New()
	shared := rec.Client()
	var done sync.WaitGroup
	for range 8 {
		done.Go(func() {
			own := rec.Client()
			for range 200 {
				call := own.Tail("p")
				shared.Tail("p").Fail()
				call.OK(0)
			}
			rec.History()
		})
	}
	done.Wait()
	h := rec.History()
	ids := map[int64]bool{}
	for _, op := range h.Ops {
		if ids[op.ID] || op.Outcome != checker.OK && op.Outcome != checker.Failed || op.Ret < op.Call {
			t.Fatalf("recorded %+v", op)
		}
		ids[op.ID] = true
	}
	if len(ids) != 8*200*2 {
		t.Errorf("%d operations", len(ids))
	}
}

// TestEveryCall: what is called is recorded even if nothing comes of it (D2), and a
// history is written as it is.
func TestEveryCall(t *testing.T) {
	rec := record.New(record.Clock(steps()))
	c := rec.Client()
	c.Subscribe("p", "q")
	c.Append("p", "under way")
	c.Append("p", "a").OK(0)
	c.Read("p", 0).OK(record.Record{Offset: 0, Value: "a"}, record.Record{Offset: 2, Value: "c"})
	c.Poll().OK(map[string][]record.Record{"q": {{Offset: 5, Value: "x"}}, "p": nil}, "q")
	c.Poll().OK(nil)
	c.Commit("g", "p", 1).OK()
	c.FetchOffset("g", "p").OK(-1)
	c.Crash()
	c.Tail("p").Unknown()
	txn := c.Txn()
	txn.Append("p", "b")
	txn.Fail()
	rec.Fault("kill", "broker 1", func() {})
	var got []string
	h := rec.History()
	for _, op := range h.Ops {
		got = append(got, op.Kind.String()+" "+op.Outcome.String()+" "+strings.Repeat("'", int(op.Session)))
	}
	want := []string{"subscribe ok '", "append unknown '", "append ok '", "read ok '", "txn ok '", "txn ok '", "commit ok '", "fetch-offset ok '",
		"crash unknown '", "tail unknown ''", "txn fail '''", "fault ok '"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	var b bytes.Buffer
	if n, err := rec.WriteTo(&b); err != nil || n != int64(b.Len()) {
		t.Fatal(n, err)
	}
	back, err := checker.ReadAll(&b)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(h, back, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("(-recorded +read):\n%s", diff)
	}
}

func TestCompletedTwice(t *testing.T) {
	defer func() {
		if s, _ := recover().(string); !strings.Contains(s, "D3: append 1 of client 1 completes a second time") {
			t.Errorf("panic: %q", s)
		}
	}()
	call := record.New().Client().Append("p", "a")
	call.OK(0)
	call.Fail()
}

// BenchmarkAppend is what recording adds to an operation.
func BenchmarkAppend(b *testing.B) {
	rec := record.New()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		c := rec.Client()
		for pb.Next() {
			c.Append("p", "value").OK(1)
		}
	})
}
