package checker_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"logd/checker"
)

const header = `{"history":1,"clock":"c"}` + "\n"

// TestReaderNamesLineAndReason: input that cannot be judged is refused, never skipped.
func TestReaderNamesLineAndReason(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"nothing", "", "line 1: empty"},
		{"no header", `{"id":1}`, "line 1: no header"},
		{"other version", `{"history":2}`, "line 1: history version 2"},
		{"not JSON", header + "\nappend 1\n", "line 3: invalid character"},
		{"cut short", header + `{"id":1,"op":"tail","part":"p","call":`, "line 2: unexpected end"},
		{"not UTF-8", header + "{\"id\":1,\"clock\":\"\xff\"}\n", "line 2: not valid UTF-8"},
		{"other kind", header + `{"id":9,"op":"push","part":"p","call":1,"outcome":"fail"}`, `line 2: malformed operation 9: no op is called "push"`},
		{"other outcome", header + `{"id":9,"op":"tail","part":"p","call":1,"outcome":"info"}`, `no outcome is called "info"`},
		{"no outcome", header + `{"id":9,"op":"tail","part":"p","call":1,"ret":2,"off":0}`, "tail without an outcome"},
		{"no call", header + `{"id":9,"op":"tail","part":"p","outcome":"fail"}`, `tail without "call"`},
		{"no ret", header + `{"id":9,"op":"tail","part":"p","call":1,"outcome":"ok","off":3}`, `tail without "ret"`},
		{"no off", header + `{"id":9,"op":"append","part":"p","call":1,"ret":2,"outcome":"ok","values":["a"]}`, `append without "off"`},
		{"no from", header + `{"id":9,"op":"read","part":"p","call":1,"ret":2,"outcome":"ok"}`, `read without "from"`},
		{"no part", header + `{"id":9,"op":"tail","call":1,"ret":2,"outcome":"ok","off":3}`, "tail without a partition"},
		{"no values", header + `{"id":9,"op":"append","part":"p","call":1,"outcome":"unknown"}`, "append of no values"},
		{"ret before call", header + `{"id":9,"op":"tail","part":"p","call":3,"ret":2,"outcome":"ok","off":3}`, "returns at 2, was called at 3"},
		{"negative offset", header + `{"id":9,"op":"tail","part":"p","call":1,"ret":2,"outcome":"ok","off":-1}`, "offset -1 is out of range"},
		{"a producer without a sequence", header + `{"id":9,"op":"append","part":"p","call":1,"outcome":"unknown","values":["a"],"producer":7,"epoch":0}`, `append without "producer, epoch and seq"`},
		{"an epoch that is none", header + `{"id":9,"op":"append","part":"p","call":1,"outcome":"unknown","values":["a"],"producer":7,"epoch":32768,"seq":0}`, "producer 7, epoch 32768, sequence 0 are out of range"},
		{"limit 0", header + `{"id":9,"op":"read","part":"p","call":1,"ret":2,"outcome":"ok","from":0,"limit":0}`, "limit 0"},
		{"offs", header + `{"id":9,"op":"read","part":"p","call":1,"ret":2,"outcome":"ok","from":0,"values":["a"],"offs":[1,2]}`, "1 values and 2 offs"},
		{"inside a txn", header + `{"id":9,"op":"txn","call":1,"ret":2,"outcome":"ok","ops":[{"op":"append","part":"p","values":["a"]}]}`, `append without "off"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := checker.ReadAll(strings.NewReader(c.in))
			var at *checker.LineError
			if !errors.As(err, &at) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want a LineError with %q", err, c.want)
			}
		})
	}
}

func TestReaderPassesOnErrors(t *testing.T) {
	broken := errors.New("disk on fire")
	_, err := checker.ReadAll(io.MultiReader(strings.NewReader(header), iotestErr{broken}))
	if !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

type iotestErr struct{ err error }

func (e iotestErr) Read([]byte) (int, error) { return 0, e.err }

func text(t *rapid.T, name string) string {
	return rapid.StringOfN(rapid.RuneFrom([]rune("ab\"\\\n\t\x00é€😀/ ")), 1, 6, -1).Draw(t, name)
}

func anyOp(t *rapid.T, depth int) checker.Op {
	op := checker.Op{
		ID: rapid.Int64().Draw(t, "id"), Client: rapid.Int64().Draw(t, "client"), Session: rapid.Int64().Draw(t, "session"),
		Kind:    rapid.Custom(func(t *rapid.T) checker.Kind { return checker.Kind(rapid.IntRange(1, 12).Draw(t, "kind")) }).Draw(t, "kind"),
		Outcome: checker.Outcome(rapid.IntRange(1, 3).Draw(t, "outcome")),
		Call:    rapid.Int64Range(0, 1<<40).Draw(t, "call"), Partition: text(t, "part"),
	}
	if op.Outcome != checker.Unknown {
		op.Ret = op.Call + rapid.Int64Range(1, 100).Draw(t, "took")
	}
	switch op.Kind {
	case checker.Append:
		op.Values = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) string { return text(t, "value") }), 1, 3).Draw(t, "values")
		if op.Idempotent = rapid.Bool().Draw(t, "idempotent"); op.Idempotent {
			op.Producer, op.Epoch, op.Seq = rapid.Int64Range(0, 1<<40).Draw(t, "producer"), rapid.Int64Range(0, 1<<15-1).Draw(t, "epoch"), rapid.Int64Range(0, 1<<31-1).Draw(t, "seq")
		}
	case checker.Read:
		op.From, op.Lin = rapid.Int64Range(0, 1<<50).Draw(t, "from"), rapid.Bool().Draw(t, "lin")
		op.Limit, op.Poll = rapid.Int64Range(0, 5).Draw(t, "limit"), rapid.Bool().Draw(t, "poll")
		op.Rebalanced = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) string { return text(t, "part") }), 0, 2).Draw(t, "rebalanced")
		for k := range rapid.IntRange(0, 3).Draw(t, "n") {
			op.Values = append(op.Values, text(t, "value"))
			op.Offs = append(op.Offs, op.From+int64(2*k))
		}
	case checker.Assign, checker.Subscribe:
		op.Parts = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) string { return text(t, "part") }), 0, 3).Draw(t, "parts")
		op.Beginning = rapid.Bool().Draw(t, "beginning")
	case checker.Trim:
		op.From = rapid.Int64Range(0, 1<<50).Draw(t, "from")
	case checker.Fault:
		op.Fault, op.Target = text(t, "fault"), text(t, "target")
	case checker.Commit:
		op.Group, op.Off = text(t, "group"), rapid.Int64Range(0, 9).Draw(t, "off")
	case checker.FetchOffset:
		op.Group = text(t, "group")
		if op.Outcome == checker.OK {
			op.Off = rapid.Int64Range(-1, 9).Draw(t, "off")
		}
	case checker.Txn:
		for range rapid.IntRange(0, depth).Draw(t, "ops") {
			op.Ops = append(op.Ops, anyOp(t, depth-1))
		}
	}
	if (op.Kind == checker.Append || op.Kind == checker.Tail || op.Kind == checker.Trim || op.Kind == checker.Start) && op.Outcome == checker.OK {
		op.Off = rapid.Int64Range(0, 1<<50).Draw(t, "off")
	}
	return op
}

// TestRoundTrip: what Writer wrote, Reader reads.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := checker.History{Header: checker.Header{Clock: text(t, "clock"), Sparse: rapid.Bool().Draw(t, "sparse"), Retention: rapid.Bool().Draw(t, "retention")}}
		var b bytes.Buffer
		w := checker.NewWriter(&b)
		w.Header = h.Header
		for range rapid.IntRange(0, 5).Draw(t, "ops") {
			op := anyOp(t, 2)
			h.Ops = append(h.Ops, op)
			if err := w.Write(&op); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		back, err := checker.ReadAll(bytes.NewReader(b.Bytes()))
		if err != nil {
			t.Fatalf("%v\n%s", err, b.String())
		}
		if diff := cmp.Diff(h, back, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("(-written +read):\n%s\n%s", diff, b.String())
		}
	})
}

func TestWriterRefusesWhatReaderWould(t *testing.T) {
	w := checker.NewWriter(io.Discard)
	for _, op := range []checker.Op{
		{Kind: checker.Tail, Outcome: checker.OK, Call: 3, Ret: 2, Partition: "p"},
		{Kind: checker.Append, Outcome: checker.Unknown, Partition: "p", Values: []string{"\xff"}},
	} {
		if err := w.Write(&op); !errors.Is(err, checker.ErrMalformed) {
			t.Errorf("%+v: got %v, want ErrMalformed", op, err)
		}
	}
}

// FuzzReader: no input makes the reader or the checker panic, and what was read
// can be written and read again.
func FuzzReader(f *testing.F) {
	f.Add([]byte(header + `{"id":1,"op":"append","part":"p","call":0,"ret":1,"outcome":"ok","values":["a","b"],"off":4611686018427387903}`))
	f.Add([]byte(header + `{"id":1,"op":"read","part":"p","call":0,"ret":1,"outcome":"ok","from":7,"values":["a","b"],"offs":[9,4000000]}`))
	f.Add([]byte(`{"history":1,"sparse":true}` + "\n" + `{"id":1,"op":"read","part":"p","call":0,"ret":1,"outcome":"ok","from":7,"values":["a"],"offs":[90000]}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		h, err := checker.ReadAll(bytes.NewReader(in))
		r := checker.Check(h)
		if r.Verdict == checker.Invalid && r.First() == nil {
			t.Error("invalid without a violation")
		}
		if err != nil {
			return
		}
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
		back, err := checker.ReadAll(&b)
		if err != nil {
			t.Fatal(err)
		}
		if again := checker.Check(back); again.Verdict != r.Verdict {
			t.Errorf("verdict %v, after writing and reading %v", r.Verdict, again.Verdict)
		}
	})
}
