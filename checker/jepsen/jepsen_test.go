package jepsen_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"logd/checker"
	"logd/checker/jepsen"
)

// TestFormsStayAsTheyAre: what Clojure prints is written as it was read (E1).
func TestFormsStayAsTheyAre(t *testing.T) {
	for _, text := range []string{
		`{:index 0, :time 280153467070, :process 379, :type :invoke, :f :send, :value [[:send 11 641]]}`,
		`#jepsen.history.Op{:index 1, :time 2, :process :nemesis, :type :info, :f :start-partition, :value [:isolated {"n1" #{"n2"}}]}`,
		`{:value ([:poll {11 ([537 641] [538 nil])}]), :error [:unknown "it \"broke\"\n\\"], :ok? true, :x.y/z false}`,
		`[1.5 -2 12345678901234567890N 0.10M 1/3 \newline \a ##Inf #inst "2026-01-01T00:00:00Z" sym a/b + -]`,
	} {
		v, _, err := jepsen.NewDecoder(strings.NewReader(text)).Next()
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := string(jepsen.Append(nil, v)); got != text {
			t.Errorf("read\n%s\nwritten\n%s", text, got)
		}
	}
}

func TestCommentsAndSpaces(t *testing.T) {
	v, line, err := jepsen.NewDecoder(strings.NewReader("; a store\n\n [1,,2 ; two\n #_ gone 3]")).Next()
	if err != nil || line != 3 || string(jepsen.Append(nil, v)) != "[1 2 3]" {
		t.Errorf("got %v at line %d, %v", v, line, err)
	}
}

// TestMalformed: what cannot be understood is refused with its line (E2).
func TestMalformed(t *testing.T) {
	const invoke = "{:process 1, :type :invoke, :f :send, :value [[:send 1 2]]}\n"
	for _, c := range []struct{ name, text, want string }{
		{"cut short", invoke + "\n{:process 1, :type", "line 3: not EDN: the text ends inside a form"},
		{"unbalanced", invoke + "}", "line 2: not EDN: '}' closes nothing"},
		{"odd map", invoke + "{:process}", "line 2: not EDN: a map of 1 forms"},
		{"bad escape", `"\q"`, `line 1: not EDN: \q in a string`},
		{"bad number", "12abcz", `line 1: not EDN: "12abcz" is neither`},
		{"not UTF-8", "\"\xff\"", "line 1: not EDN: a string is not valid UTF-8"},
		{"too deep", strings.Repeat("[", 1000), "line 1: not EDN: nested more than"},
		{"no map", invoke + ":ok", "line 2: malformed operation: :ok is no map"},
		{"no type", invoke + "{:process 1, :f :send}", "line 2: malformed operation: :type is nil"},
		{"no function", "{:process 1, :type :ok}", "line 1: malformed operation: :f is nil"},
		{"no process", "{:type :ok, :f :poll}", "line 1: malformed operation: :process is nil"},
		{"twice", invoke + invoke, "line 2: malformed operation: process 1 invokes :send before"},
		{"completes nothing", "{:process 1, :type :ok, :f :send, :value [[:send 1 [0 2]]]}", "line 1: malformed operation: process 1 completes :send without"},
		{"time goes back", "{:time 5, :process 1, :type :invoke, :f :poll, :value [[:poll]]}\n{:time 4, :process 1, :type :ok, :f :poll, :value [[:poll {}]]}", "line 2: malformed operation: process 1 completes :poll at 4"},
		{"other operation", "{:process 1, :type :invoke, :f :assign, :value [1]}\n{:process 1, :type :ok, :f :crash, :value 1}", "line 2: malformed operation: process 1 completes :crash, having invoked a assign"},
		{"no list", "{:process 1, :type :invoke, :f :send, :value 3}", "line 1: malformed operation: :value is 3"},
		{"no mop", "{:process 1, :type :invoke, :f :send, :value [[:push 3]]}", "is neither a :send nor a :poll"},
		{"no offset", "{:process 1, :type :invoke, :f :send, :value [[:send 1 [:x 2]]]}", ":x is no offset"},
		{"poll without offset", "{:process 1, :type :invoke, :f :poll, :value [[:poll {1 [[nil 2]]}]]}", "without an offset"},
		{"poll of no map", "{:process 1, :type :invoke, :f :poll, :value [[:poll 7]]}", "a poll of 7, not a map"},
	} {
		t.Run(c.name, func(t *testing.T) {
			events, err := jepsen.Read(strings.NewReader(c.text))
			if err == nil {
				_, err = jepsen.History(events)
			}
			var at *checker.LineError
			if !errors.As(err, &at) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want a LineError with %q", err, c.want)
			}
		})
	}
}

func TestReadPassesOnErrors(t *testing.T) {
	broken := errors.New("disk on fire")
	in := io.MultiReader(strings.NewReader("{:type "), failing{broken})
	if _, err := jepsen.Read(in); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func ops(t *testing.T, text string) []checker.Op {
	t.Helper()
	events, err := jepsen.Read(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	h, err := jepsen.History(events)
	if err != nil {
		t.Fatal(err)
	}
	return h.Ops
}

// TestOperations: what each shape of an operation becomes.
func TestOperations(t *testing.T) {
	base := checker.Op{Client: 7, Session: 7, Call: 5, Ret: 9, Outcome: checker.OK}
	for _, c := range []struct {
		name, invoke, complete string
		want                   func(*checker.Op)
	}{
		{"send", `:f :send, :value [[:send 11 641]]`, `:type :ok, :f :send, :value [[:send 11 [537 641]]]`, func(op *checker.Op) {
			op.Kind, op.Partition, op.Values, op.Off = checker.Append, "11", []string{"641"}, 537
		}},
		{"string and keyword", `:f :send, :value [[:send :x "641"]]`, `:type :ok, :f :send, :value [[:send :x [537 "641"]]]`, func(op *checker.Op) {
			op.Kind, op.Partition, op.Values, op.Off = checker.Append, ":x", []string{`"641"`}, 537
		}},
		{"failed send", `:f :send, :value [[:send 11 641]]`, `:type :fail, :f :send, :value [[:send 11 [2 641]]]`, func(op *checker.Op) {
			op.Kind, op.Partition, op.Values, op.Outcome = checker.Append, "11", []string{"641"}, checker.Failed
		}},
		{"unknown send", `:f :send, :value [[:send 11 641]]`, `:type :info, :f :send`, func(op *checker.Op) {
			op.Kind, op.Partition, op.Values, op.Outcome, op.Ret = checker.Append, "11", []string{"641"}, checker.Unknown, 0
		}},
		{"ok, but where?", `:f :send, :value [[:send 11 641]]`, `:type :ok, :f :send, :value [[:send 11 641]]`, func(op *checker.Op) {
			op.Kind = checker.Txn
			op.Ops = []checker.Op{{Client: 7, Session: 7, Kind: checker.Append, Partition: "11", Call: 5, Outcome: checker.Unknown, Values: []string{"641"}}}
		}},
		{"ok, and nothing more", `:f :send, :value [[:send 11 641]]`, `:type :ok, :f :send`, func(op *checker.Op) {
			op.Kind = checker.Txn
			op.Ops = []checker.Op{{Client: 7, Session: 7, Kind: checker.Append, Partition: "11", Call: 5, Outcome: checker.Unknown, Values: []string{"641"}}}
		}},
		{"crashed, but told an offset", `:f :send, :value [[:send 11 641]]`, `:type :info, :f :send, :value [[:send 11 [3 641]]]`, func(op *checker.Op) {
			op.Kind, op.Outcome, op.Ret = checker.Txn, checker.Unknown, 0
			op.Ops = []checker.Op{{Client: 7, Session: 7, Kind: checker.Append, Partition: "11", Call: 5, Ret: 9, Outcome: checker.OK, Values: []string{"641"}, Off: 3}}
		}},
		{"poll", `:f :poll, :value [[:poll]]`, `:type :ok, :f :poll, :value [[:poll {11 [[537 641] [540 1]]}]]`, func(op *checker.Op) {
			op.Kind, op.Partition, op.Values, op.Offs, op.From, op.Poll = checker.Read, "11", []string{"641", "1"}, []int64{537, 540}, 537, true
		}},
		{"poll of nothing", `:f :poll, :value [[:poll]]`, `:type :ok, :f :poll, :value [[:poll {}]]`, func(op *checker.Op) {
			op.Kind, op.Poll = checker.Txn, true
		}},
		{"poll, rebalanced", `:f :poll, :value [[:poll]]`, `:type :ok, :f :poll, :value [[:poll {11 []}]], :rebalance-log [{:keys [11 12]} {:keys (11)}]`, func(op *checker.Op) {
			op.Kind, op.Partition, op.Offs, op.Poll, op.Rebalanced = checker.Read, "11", []int64{}, true, []string{"11", "12"}
		}},
		{"assign", `:f :assign, :value [11 12], :seek-to-beginning? true`, `:type :ok, :f :assign, :value (11 12), :seek-to-beginning? true`, func(op *checker.Op) {
			op.Kind, op.Parts, op.Beginning = checker.Assign, []string{"11", "12"}, true
		}},
		{"crash", `:f :crash, :value nil`, `:type :info, :f :crash, :value nil`, func(op *checker.Op) {
			op.Kind, op.Outcome, op.Ret = checker.Crash, checker.Unknown, 0
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := base
			c.want(&want)
			got := ops(t, "{:time 5, :process 7, :type :invoke, "+c.invoke+"}\n{:time 9, :process 7, "+c.complete+"}")
			if diff := cmp.Diff([]checker.Op{want}, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestUnknownKeysAreKept: events go out as they came in, tags and all (E1).
func TestUnknownKeysAreKept(t *testing.T) {
	const text = `{:process 1, :later #{:key}, :type :invoke, :f :poll, :value ([:poll])}` + "\n" +
		`#jepsen.history.Op{:index 1, :process :nemesis, :type :info, :f :kill, :value nil}` + "\n"
	events, err := jepsen.Read(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := jepsen.Write(&b, events); err != nil || b.String() != text {
		t.Errorf("%v: written\n%s", err, b.String())
	}
}

// TestNames: a value's or partition's name stands for one form (E3).
func TestNames(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom([]string{"12", `"12"`, ":a", "a", "a b", "", "[1 2]", "-0", "1.0", "nil", "\n", "{", "orders/0", `"`}).Draw(t, "name")
		h := checker.History{Ops: []checker.Op{{Kind: checker.Append, Partition: "p" + name, Outcome: checker.OK, Values: []string{name}}}}
		var b bytes.Buffer
		if err := jepsen.Write(&b, jepsen.FromHistory(h)); err != nil {
			t.Fatal(err)
		}
		events, err := jepsen.Read(&b)
		if err != nil {
			t.Fatal(err)
		}
		back, err := jepsen.History(events)
		if err != nil {
			t.Fatal(err)
		}
		if op := back.Ops[0]; op.Partition != "p"+name || op.Values[0] != name {
			t.Errorf("%q came back as %q in %q", name, op.Values[0], op.Partition)
		}
	})
}

func TestStore(t *testing.T) {
	dir := t.TempDir()
	if _, err := jepsen.Find(dir); err == nil || !strings.Contains(err.Error(), "history.edn") {
		t.Errorf("an empty directory: %v", err)
	}
	for _, name := range []string{"history.txt", "history.edn.gz", "history.edn"} { // the better later
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
		if got, err := jepsen.Find(dir); err != nil || filepath.Base(got) != name {
			t.Errorf("got %s, %v; want %s", got, err, name)
		}
	}
}

func TestSniff(t *testing.T) {
	for text, edn := range map[string]bool{
		`{"history":1}`: false, "{:index 0": true, " ;c\n [{": true, "#jepsen.history.Op{": true, "(": true, "": false, "0\t:invoke\t:poll": false,
	} {
		if jepsen.Sniff([]byte(text)) != edn {
			t.Errorf("%q is taken for the other format", text)
		}
	}
	if !jepsen.SniffText([]byte("0\t:invoke\t:poll\t[[:poll]]\n")) || jepsen.SniffText([]byte("{:a 1}")) {
		t.Error("history.txt is not told from others")
	}
}

// FuzzRead: no input makes the reader or the pairing panic, and what was read is
// written and read as the same.
func FuzzRead(f *testing.F) {
	f.Add([]byte(`#jepsen.history.Op{:process 1, :type :invoke, :f :txn, :value ([:poll] [:send 1 2])}` + "\n" + `{:process 1, :type :ok, :f :txn, :value [[:poll {3 [[1 2]]}] [:send 1 [3 2]]], :rebalance-log [{:keys [1]}]}`))
	f.Add([]byte(`[{:process :nemesis, :type :info, :f :kill, :value #{"n1"}} {:process 0 :type :invoke :f :assign :value [1]}]`))
	f.Add([]byte(`{:process 1, :type :invoke, :f :commit, :value {:key 1 :offset 3 :group "g"}}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		events, err := jepsen.Read(bytes.NewReader(in))
		if err != nil {
			return
		}
		var b, again bytes.Buffer
		if err := jepsen.Write(&b, events); err != nil {
			t.Fatal(err)
		}
		back, err := jepsen.Read(bytes.NewReader(b.Bytes()))
		if err != nil {
			t.Fatalf("%v\n%s", err, b.String())
		}
		if err := jepsen.Write(&again, back); err != nil || again.String() != b.String() {
			t.Fatalf("%v: once\n%s\ntwice\n%s", err, b.String(), again.String())
		}
		if h, err := jepsen.History(events); err == nil {
			jepsen.FromHistory(h)
		}
	})
}
