package jepsen

import (
	"bytes"
	"fmt"
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

// values has what an event may have for a value, by its function; the last two are for
// completions only.
var values = map[string][]string{
	"send": {"[[:send 1 [%d %d]]]", "[[:send 1 [nil %d]]]", "[[:send :k (nil %d)]]", "([:send \"p/0\" \"%dx\"])", "[[:send 1 %d]]", "[[:send 1 [3 %d]] [:send 2 [4 %d]]]",
		"[[:send 1 [3 %d]] [:send 1 [4 %d]]]", "[[:send 1 [3 %d]] [:send 1 %d]]", "nil", "[[:send 1 [-1 %d]]]"},
	"poll":  {"[[:poll {1 [[3 %d] [%d 2]]}]]", "[[:poll]]", "[[:poll nil]]", "[[:poll {}]]", "[[:poll {1 []}]]", "[[:poll {1 [[4 %d]], 2 ([5 \"%da\"] [7 3N])}]]", "nil", "[[:poll 7]]"},
	"txn":   {"[[:poll {1 [[0 %d]]}] [:send 1 [1 %d]]]", "[[:send 1 %d] [:poll]]", "[[:send 1 [nil %d]] [:send 2 [5 %d]]]", "nil", "[]"},
	"tail":  {"{:key 1, :offset %d}", "{:key \"p/0\"}", "{:key 1, :group \"g\", :offset %d}", "{:offset %d}", "{:key 1, :key 2, :offset %d}", "{:key 1, :from 2, :offset -1}", "nil", "{:key 1}"},
	"crash": {"nil", "nil"},
}

// event draws a line that is an event, and nearly always a sound one; open has the
// functions of what was invoked.
func event(t *rapid.T, at int, open map[string]string) string {
	process := rapid.SampledFrom([]string{"1", "2"}).Draw(t, "process")
	f, kind := open[process], "invoke"
	if f == "" {
		f = rapid.SampledFrom([]string{"send", "send", "poll", "txn", "tail", "crash"}).Draw(t, "f")
		open[process] = f
	} else {
		delete(open, process)
		kind = rapid.SampledFrom([]string{"ok", "ok", "info", "fail"}).Draw(t, "type")
	}
	all := values[f]
	if kind == "invoke" {
		all = all[:len(all)-2]
	}
	value := "nil"
	if len(all) > 0 {
		value = rapid.SampledFrom(all).Draw(t, "value")
	}
	for strings.Contains(value, "%d") {
		value = strings.Replace(value, "%d", fmt.Sprint(rapid.IntRange(0, 12).Draw(t, "number")), 1)
	}
	keys := []string{fmt.Sprintf(":time %d", at), ":process " + process, ":type :" + kind, ":f :" + f, ":value " + value}
	for _, extra := range []string{":batch true", ":from 2", ":limit 9", ":lin true", ":rebalance-log [{:keys [1]}]", ":error [:x]", ":index 1", ":time 0", ":type :info"} {
		if rapid.IntRange(0, 15).Draw(t, "extra") == 0 {
			keys = append(keys, extra)
		}
	}
	return rapid.SampledFrom([]string{"{", "#jepsen.history.Op{"}).Draw(t, "tag") + strings.Join(rapid.Permutation(keys).Draw(t, "order"), ", ") + "}\n"
}

// TestQuickPairs: histories of events in any order, most of which are sound: what is taken
// by quick and what is left to forms make the same operations together (E4).
func TestQuickPairs(t *testing.T) {
	taken, total := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		var b strings.Builder
		open := map[string]string{}
		for i := range rapid.IntRange(1, 12).Draw(t, "events") {
			b.WriteString(event(t, i, open))
		}
		sameOps(t, []byte(b.String()), strings.NewReader(b.String()))
		r := NewReader(NewEvents(strings.NewReader(b.String())))
		for line, ok := r.events.ahead(); ok; line, ok = r.events.ahead() {
			if total++; r.q.event(line) && r.p.quick(&r.q) {
				taken++
			}
			r.events.d.at += len(line)
		}
	})
	if taken*5 < total {
		t.Errorf("quick took %d of %d events, want a fifth at least", taken, total)
	}
	t.Logf("quick took %d of %d events", taken, total)
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
