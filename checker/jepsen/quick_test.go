package jepsen

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"logd/checker"
)

// byForms reads a history without quick.
func byForms(text []byte) ([]checker.Op, string) {
	events, p := NewEvents(bytes.NewReader(text)), newPairing()
	for {
		e, err := events.Next()
		if err == io.EOF {
			p.end()
			return p.over, "EOF"
		}
		if err == nil {
			err = p.add(&e)
		}
		if err != nil {
			return p.over, err.Error()
		}
	}
}

func byReader(in io.Reader) (ops []checker.Op, says string) {
	r := NewReader(NewEvents(in))
	var op checker.Op
	for {
		if err := r.Read(&op); err != nil {
			return ops, err.Error()
		}
		ops = append(ops, op.Clone())
	}
}

func sameOps(t interface{ Fatalf(string, ...any) }, text []byte, in io.Reader) {
	want, says := byForms(text)
	got, said := byReader(in)
	for i := range want {
		want[i] = want[i].Clone()
	}
	if diff := cmp.Diff(want, got); diff != "" || says != said {
		t.Fatalf("by forms %s, by reader %s; (-forms +reader):\n%s\n%s", says, said, diff, text)
	}
}

func saved(t testing.TB) (texts [][]byte) {
	files, err := filepath.Glob("../../testdata/histories/*/*.edn")
	if err != nil || len(files) < 40 {
		t.Fatalf("%d saved histories, %v", len(files), err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, text)
	}
	return texts
}

// pieces are put into lines: the spellings that an event may have, and others.
var pieces = []string{":type :ok", ":type :info", ":type :fail", ":type :invoke", ":process 1", ":process :nemesis", ":time 7", ":f :txn", ":f :send", ":f :poll", ":f :tail",
	":value nil", ":value [[:poll]]", ":value [[:poll {1 [[0 2] [1 3]]}] [:send 1 2]]", ":value [[:send 1 [nil 2]]]", ":value ([:send 1 (2 3)])", ":value [[:poll nil]]",
	":value {:key 1, :offset 3}", ":value {:key 1, :key 2}", ":batch true", ":batch false", ":from 3", ":lin true", ":limit 2", ":rebalance-log []", ":rebalance-log [{:keys [1]}]",
	":error \"x\"", ":error [:a]", ":later 12abcz", ":later 0x1p5", "\"3jk\"", "\"12\"", "\"3e4\"", "\"nil\"", "\"\"", "3e4", "-1", "-0", "007", "1/3", "1N", "nil", "true", "x/0", ":k", "#{1}", "#_", "\\a", "\\",
	"{", "}", "[", "]", "(", ")", ",", ";", "\"", " ", "\n", "\x00", "\xff", "é", "12345678901234567890", "999999999999999999", "#jepsen.history.Op", "#jepsen.history.Op{"}

// TestQuickAsForms: what quick makes of a history is what forms make of it, errors and
// their lines included, of saved histories and of broken ones, however a block ends (E4).
func TestQuickAsForms(t *testing.T) {
	texts := saved(t)
	for _, text := range texts {
		sameOps(t, text, bytes.NewReader(text))
	}
	rapid.Check(t, func(t *rapid.T) {
		lines := strings.SplitAfter(string(rapid.SampledFrom(texts).Draw(t, "text")), "\n")
		for range rapid.IntRange(0, 4).Draw(t, "changes") {
			i := rapid.IntRange(0, len(lines)-1).Draw(t, "line")
			words := strings.SplitAfter(lines[i], " ")
			k := rapid.IntRange(0, len(words)-1).Draw(t, "word")
			at := rapid.IntRange(0, len(words[k])).Draw(t, "byte")
			piece := rapid.SampledFrom(pieces).Draw(t, "piece")
			switch rapid.IntRange(0, 3).Draw(t, "change") {
			case 0:
				words[k] = piece + " " + words[k]
			case 1:
				words[k] = words[k][:at] + piece + words[k][at:]
			case 2:
				words[k] = piece + " "
			default:
				words[k] = words[k][:at]
			}
			lines[i] = strings.Join(words, "")
		}
		text := []byte(strings.Join(lines, ""))
		if rapid.Bool().Draw(t, "by bytes") {
			sameOps(t, text, iotest.OneByteReader(bytes.NewReader(text)))
		} else {
			sameOps(t, text, iotest.DataErrReader(bytes.NewReader(text)))
		}
	})
}

// TestQuickIsUsed: the events that Jepsen and our own export write most are taken by quick,
// also where a block ends.
func TestQuickIsUsed(t *testing.T) {
	var b strings.Builder
	for _, line := range []string{
		`{:type :invoke, :f :send, :value [[:send 11 641]], :time 5, :process 1, :index 0}`,
		`{:type :ok, :f :send, :value [[:send 11 [537 641]]], :time 6, :process 1, :index 1}`,
		`#jepsen.history.Op{:index 2, :time 7, :type :invoke, :process 1, :f :txn, :value ([:poll] [:send 11 642])}`,
		`#jepsen.history.Op{:index 3, :time 8, :type :ok, :process 1, :f :txn, :value ([:poll {11 [[537 641]], "p/0" []}] [:send 11 [538 642]])}`,
		`{:index 4, :time 9, :process 1, :type :invoke, :f :send, :value [[:send bench "3jk"] [:send bench "x"]], :batch true}`,
		`{:index 5, :time 9, :process 1, :type :info, :f :send, :value nil}`,
		`{:index 6, :time 10, :process 2, :type :invoke, :f :tail, :value {:key "bench/0"}}`,
		`{:index 7, :time 11, :process 2, :type :ok, :f :tail, :value {:key "bench/0", :offset 12}}`,
	} {
		b.WriteString(strings.ReplaceAll(line, "bench \"", "\"bench/0\" \"") + "\n")
	}
	r, taken := NewReader(NewEvents(strings.NewReader(strings.Repeat(b.String(), 1000)))), 0
	for {
		line, ok := r.events.ahead()
		if !ok {
			break
		}
		if !r.q.event(line) {
			t.Fatalf("event %d is left to the decoder: %s", taken, line)
		}
		r.events.d.at += len(line)
		taken++
	}
	if taken != 8000 {
		t.Errorf("%d of 8000 events", taken)
	}
}

func FuzzQuick(f *testing.F) {
	for _, p := range pieces {
		f.Add([]byte("{:process 1, :type :invoke, :f :send, :value [[:send 1 2]]}\n{:time 9, " + p + " :process 1, :type :ok, :f :send, :value [[:send 1 [0 2]]]}\n"))
	}
	f.Fuzz(func(t *testing.T, text []byte) { sameOps(t, text, bytes.NewReader(text)) })
}
