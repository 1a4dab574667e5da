package picture

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"logd/checker"
	"logd/golden"
	"logd/sim"
)

// tiny is a run that never was: each kind of event, and what begins without an end.
func tiny() *Recorder {
	r := NewRecorder()
	us := func(n int) time.Duration { return time.Duration(n) * time.Microsecond }
	at := func(n int, e sim.Event) { r.Event(us(n), e) }
	at(0, sim.PhaseEntered{Name: "setup"})
	at(0, sim.BrokerState{Broker: 2})
	at(0, sim.BrokerState{Broker: 1})
	at(5, sim.BrokerState{Broker: 1, Up: true, Boot: 1})
	at(6, sim.BrokerState{Broker: 2, Up: true, Boot: 1})
	at(8, sim.ReplicaState{Broker: 1, Group: 2, Name: "orders/0", Live: true, Voter: true, Term: 1, Commit: 1, Stable: 1})
	at(9, sim.ReplicaState{Broker: 1, Group: 2, Name: "orders/0", Live: true, Voter: true, Leader: true, Lead: 1, Term: 2, Commit: 3, Stable: 3, HighWatermark: 1, End: 2})
	at(9, sim.ReplicaState{Broker: 2, Group: 2, Name: "orders/0", Live: true, Voter: true, Lead: 1, Term: 2, Commit: 1, Stable: 1, Holes: 1, Damaged: true})
	at(10, sim.PhaseEntered{Name: "storm"})
	at(11, sim.StoryLine{Line: 3, Text: "produce orders/0 2"})
	appended := checker.Op{ID: 1, Client: 4, Kind: checker.Append, Partition: "orders/0", Values: []string{"4.1", "4.2"}}
	at(12, sim.Called{Number: 1, Client: 4, Session: 1, Broker: 1, Request: "Produce v9", Part: "orders/0", Op: &appended})
	read := checker.Op{ID: 2, Client: 4, Kind: checker.Read, Partition: "orders/0", From: 1}
	at(13, sim.Called{Number: 2, Client: 4, Session: 1, Broker: 1, Request: "Fetch v12", Part: "orders/0", Op: &read})
	at(14, sim.MessageSent{From: 1, To: 2, Bytes: 90, Arrives: us(20), Parts: []sim.MessagePart{{Partition: "orders/0", Kind: "MsgHeartbeat", Text: "term 2"}, {Partition: "orders/0", Kind: "MsgApp", Text: "entries 4..4"}}})
	at(15, sim.MessageSent{From: 1, To: 2, Bytes: 20, Arrives: sim.Lost, Parts: []sim.MessagePart{{Kind: "control", Text: "{}"}}})
	at(16, sim.LinkState{From: 1, To: 2, Cuts: 1})
	at(16, sim.LinkState{From: 0, To: 2, Slow: time.Millisecond})
	at(17, sim.DiskWork{Broker: 2, Lane: "0 wal", Until: us(30), Text: "sync wal/0000.wal", Fails: true})
	at(18, sim.Noted{Text: "power 2", Command: true})
	at(18, sim.BrokerState{Broker: 2, Boot: 1, Ended: "power", Rotten: "rot 2 file x", Lost: "rotten"})
	at(18, sim.ReplicaState{Broker: 2, Group: 2, Name: "orders/0"})
	at(20, sim.MessageDropped{From: 1, To: 2})
	at(21, sim.Said{Broker: 1, Level: "warn", Text: "the disk is slow"})
	at(22, sim.Noted{Text: "broker 2 stays broken"})
	appended.Off, appended.Outcome = 7, checker.OK
	at(23, sim.Returned{Number: 1, Outcome: checker.OK, Op: &appended})
	at(24, sim.Called{Number: 3, Client: 4, Session: 1, Broker: 2, Request: "DeleteRecords v2", Part: "orders/0", Trim: 5})
	at(25, sim.Returned{Number: 3, Outcome: checker.Failed, Code: 6})
	r.Finish(&sim.Violation{Name: "tail-behind", Text: "orders/0: broker 2 has less than broker 1", Ops: []int64{2, 1}})
	return r
}

// The columns of a page are a format between Go and the page's scripts: this is how they look.
func TestColumnsGolden(t *testing.T) {
	text, err := json.Marshal(&tiny().c)
	if err != nil {
		t.Fatal(err)
	}
	got := regexp.MustCompile(`(],|},)("[a-zA-Z]+":[\[{])`).ReplaceAll(text, []byte("$1\n$2")) // a column a line
	golden.Same(t, "testdata/tiny.golden", append(got, '\n'))
}

func page(t *testing.T, r *Recorder) string {
	var b strings.Builder
	if err := r.WritePage(&b, About{Title: "a run", Command: "logsim view"}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// outside is what a page could load, or lead to.
var outside = regexp.MustCompile(`(?i)(https?:|//[a-z0-9.-]+\.[a-z]{2,}/|@import|\burl\(|<link|<iframe|<img|\bsrc\s*=|\bhref\s*=|\bimport\s*\(|\bimport\s+["{*]|fetch\s*\(|XMLHttpRequest|WebSocket|EventSource|sendBeacon|new Worker)`)

// A page refers to nothing outside of itself (V1).
func TestPageRefersToNothing(t *testing.T) {
	text := page(t, tiny())
	if found := outside.FindString(text); found != "" {
		t.Errorf("the page holds %q", found)
	}
	for _, what := range []string{"/*STYLE*/", "/*SCRIPT*/", "/*DATA*/"} {
		if strings.Contains(text, what) {
			t.Errorf("nothing was put in the place of %s", what)
		}
	}
	for _, bad := range []string{`<script src="x.js">`, "@import 'x'", "background: url(x.png)", `fetch("x")`, "https://example.org"} {
		if !outside.MatchString(bad) {
			t.Errorf("%s would pass", bad)
		}
	}
}

// seenOp is what tells an operation from all others.
type seenOp struct {
	client, call int64
	kind         string
}

// watched runs a seed, and counts what its history has: once of topics that are there all the time, and of those that come and go, which an
// append of unknown outcome may be twice.
func watched(t *testing.T, seed uint64) (*Recorder, sim.Result, map[bool]map[seenOp]int) {
	r, ops := NewRecorder(), map[bool]map[seenOp]int{true: {}, false: {}}
	var history bytes.Buffer
	opt := sim.Draw(seed, 6*time.Second)
	for ; opt.Brokers < 3; seed += 100 {
		opt = sim.Draw(seed, 6*time.Second)
	}
	result := sim.Run(opt, sim.Env{Events: r.Event, History: &history})
	if result.Violation != nil {
		t.Fatalf("seed %d: %v", seed, result.Violation)
	}
	r.Finish(nil)
	h, err := checker.ReadAll(&history)
	if err != nil {
		t.Fatal(err)
	}
	for _, op := range h.Ops {
		if op.Kind != checker.Fault {
			ops[fleeting(op.Partition)][seenOp{op.Client, op.Call, op.Kind.String()}]++
		}
	}
	return r, result, ops
}

func fleeting(part string) bool { return strings.HasPrefix(part, "fleeting-") }

// What is told of a run is whole: bands and bars keep to V3, all that the history knows is there, and equal runs give equal pages (V2).
func TestPictureOfARun(t *testing.T) {
	for _, seed := range []uint64{3, 31} {
		r, result, inHistory := watched(t, seed)
		again, _, _ := watched(t, seed)
		if page(t, r) != page(t, again) {
			t.Errorf("seed %d: two runs give two pages", seed)
		}
		for _, b := range r.c.Bands {
			for i := range b.From {
				if b.From[i] >= b.To[i] || i > 0 && b.To[i-1] > b.From[i] || len(b.To) != len(b.From) || len(b.Class) != len(b.From) || len(b.Text) != len(b.From) {
					t.Fatalf("seed %d: interval %d of band %s of broker %d is %d to %d", seed, i, b.Kind, b.Broker, b.From[i], b.To[i])
				}
			}
		}
		shown := map[bool]map[seenOp]int{true: {}, false: {}}
		others := map[string]int{}
		busy := map[string]int64{}
		for i, id := range r.c.Ops.ID {
			row := fmt.Sprint(r.c.Ops.Client[i], r.c.Ops.Row[i])
			if r.c.Ops.Call[i] < busy[row] || r.c.Ops.Ret[i] < r.c.Ops.Call[i] {
				t.Fatalf("seed %d: bar %d of row %s begins at %d and ends at %d, the one before ended at %d", seed, i, row, r.c.Ops.Call[i], r.c.Ops.Ret[i], busy[row])
			}
			busy[row] = r.c.Ops.Ret[i]
			part, kind := "", r.c.Strings[r.c.Ops.Kind[i]]
			if p := r.c.Ops.Part[i]; p >= 0 {
				part = r.c.Parts[p]
			}
			if id != 0 {
				shown[fleeting(part)][seenOp{r.c.Clients[r.c.Ops.Client[i]], r.c.Ops.Call[i], kind}]++
			} else if others[kind]++; fleeting(part) {
				others["of fleeting topics"]++
			}
		}
		if !maps.Equal(shown[false], inHistory[false]) {
			t.Errorf("seed %d: %d operations are shown, and the history has %d", seed, len(shown[false]), len(inHistory[false]))
		}
		for op := range inHistory[true] {
			if shown[true][op] == 0 {
				t.Errorf("seed %d: %+v is not shown", seed, op)
			}
		}
		for _, of := range [][]string{{"CreateTopics", "DeleteTopics", "of fleeting topics"}, {"JoinGroup", "FindCoordinator", "Heartbeat"}} {
			for _, kind := range of {
				if seed == 3 == (of[0] == "JoinGroup") && others[kind] == 0 {
					t.Errorf("seed %d: no %s is shown, of %v", seed, kind, others)
				}
			}
		}
		counted(t, r, result)
		if len(r.c.Messages.At) < 100 || len(r.c.Disk.At) < 100 || len(r.c.Progress) == 0 || len(r.c.Notes.At) == 0 || !slices.IsSorted(r.c.Messages.At) || !slices.IsSorted(r.c.Notes.At) {
			t.Errorf("seed %d: %d messages, %d disk operations, %d notes: not what a run has", seed, len(r.c.Messages.At), len(r.c.Disk.At), len(r.c.Notes.At))
		}
	}
}

// counted compares what is shown with what the run counted: no less may be shown.
func counted(t *testing.T, r *Recorder, result sim.Result) {
	shown := map[string]int64{"messages": int64(len(r.c.Messages.At))}
	for _, b := range r.c.Bands {
		for _, c := range b.Class {
			shown[b.Kind+" "+r.c.Strings[c]]++
		}
	}
	for _, c := range r.c.Notes.Class {
		shown[r.c.Strings[c]]++
	}
	for i, d := range r.c.Messages.Dropped {
		if d == 1 && r.c.Messages.Arrives[i] >= 0 {
			shown["dropped late"]++
		}
	}
	ends := shown["process crash"] + shown["process power"] + shown["process halted"]
	counts := &result.Counts
	switch {
	case shown["messages"] < counts[sim.CountEnvelopes]:
		t.Errorf("seed %d: %d messages are shown of %d", result.Seed, shown["messages"], counts[sim.CountEnvelopes])
	case ends < counts[sim.CountCrashes]+counts[sim.CountPowerLosses]:
		t.Errorf("seed %d: %d processes end, and there were %d crashes and %d power losses", result.Seed, ends, counts[sim.CountCrashes], counts[sim.CountPowerLosses])
	case shown["elected"] < counts[sim.CountElections]:
		t.Errorf("seed %d: %d elections are shown of %d", result.Seed, shown["elected"], counts[sim.CountElections])
	case counts[sim.CountPartitions] > 0 && shown["links cut"]+shown["links one-way"] == 0:
		t.Errorf("seed %d: no link is shown cut, and %d times some were", result.Seed, counts[sim.CountPartitions])
	case ends > 0 && shown["dropped late"] == 0:
		t.Errorf("seed %d: %d processes ended, and no message was dropped where it was to arrive", result.Seed, ends)
	case shown["role leader"] == 0 || shown["role follower"] == 0 || shown["fault"] == 0:
		t.Errorf("seed %d: shown are %v", result.Seed, shown)
	}
}

// A history alone is shown with what the checker says of it, and its operations.
func TestPictureOfAHistory(t *testing.T) {
	h, err := checker.ReadAll(strings.NewReader(`{"history":1}
{"id":1,"client":1,"op":"append","part":"a/0","call":10,"ret":20,"outcome":"ok","values":["x"],"off":0}
{"id":2,"client":1,"op":"append","part":"a/0","call":30,"outcome":"unknown","values":["y"]}
{"id":3,"client":2,"op":"tail","part":"a/0","call":40,"ret":50,"outcome":"ok","off":0}
{"id":4,"client":1,"op":"read","part":"a/0","call":60,"ret":70,"outcome":"ok","from":0,"values":["x"]}
{"id":5,"op":"fault","kind":"crash","target":"2","call":35}
`))
	if err != nil {
		t.Fatal(err)
	}
	r := History(h)
	o := &r.c.Ops
	if !slices.Equal(o.ID, []int64{1, 2, 3, 4}) || !slices.Equal(o.Ret, []int64{20, 60, 50, 70}) || !slices.Equal(o.Client, []int{0, 0, 1, 0}) {
		t.Errorf("operations %v end at %v, of clients %v", o.ID, o.Ret, o.Client)
	}
	if r.Verdict() != "INVALID: tail-behind" || len(r.c.Violations[0].Ops) == 0 || r.c.Strings[r.c.Notes.Text[0]] != "fault crash 2" {
		t.Errorf("%s, violations %+v, notes %v", r.Verdict(), r.c.Violations, r.c.Strings)
	}
}
