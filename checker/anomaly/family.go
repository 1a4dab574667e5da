package anomaly

import (
	"slices"

	"logd/checker"
)

// Family is check B as logcheck offers it. Its Judge keeps the whole history, in about 230 bytes an operation.
var Family = checker.Family{
	Name:      "anomalies",
	Asks:      "do sends, consumers, transactions and groups show any anomaly that Jepsen's Kafka workload has a name for?",
	Anomalies: slices.Concat(ofLogs, ofReads, ofSessions, ofOrder, ofGroups),
	Begin:     func(h checker.Header) checker.Judge { return &judge{h, newRows()} },
}

type judge struct {
	header checker.Header
	rows   *rows
}

func (j *judge) Complete(op *checker.Op) { j.rows.add(op) }

func (j *judge) Finish() checker.Findings {
	r := newCheck(j.header, j.rows).run()
	return r.Findings()
}

// Findings is the report as logcheck prints it: what is allowed is only counted.
func (r *Report) Findings() checker.Findings {
	f := checker.Findings{Family: Family.Name, Verdict: r.Verdict, Undecided: r.Undecided}
	for i := range r.Anomalies {
		if a := &r.Anomalies[i]; a.Allowed == "" {
			v := checker.Violation{Name: a.Name, Partition: a.Partition, Explain: a.Explain, Ops: a.Ops}
			if len(a.Offsets) > 0 {
				v.Offset = a.Offsets[0]
			}
			f.Violations = append(f.Violations, v)
		}
	}
	for _, n := range r.Counts {
		f.Found += n.Found - n.Allowed
		f.Figures = append(f.Figures, checker.Figure{Row: n.Name, Column: "found", Value: n.Found},
			checker.Figure{Row: n.Name, Column: "allowed", Value: n.Allowed})
	}
	return f
}

// Examples are of two operations, as lines of a history.
var ofLogs = []checker.Anomaly{
	{Name: InconsistentOffsets, Means: "One offset of a partition was shown with two values, by reads and certain sends.", Example: [2]string{
		`{"id":1,"op":"append","part":"p","call":1,"ret":2,"outcome":"ok","values":["a"],"off":0}`,
		`{"id":2,"op":"append","part":"p","call":3,"ret":4,"outcome":"ok","values":["b"],"off":0}`}},
	{Name: Duplicate, Means: "One value of a partition was shown at two offsets.", Example: [2]string{
		`{"id":1,"op":"append","part":"p","call":1,"ret":2,"outcome":"ok","values":["a"],"off":0}`,
		`{"id":2,"op":"read","part":"p","call":3,"ret":4,"outcome":"ok","from":1,"values":["a"]}`}},
	{Name: LostWrite, Means: "A certain value that no ok read returned, although a consumer read on to a value behind it, or a read passed over it. A send is certain if it is ok, or unknown and a value of its transaction was read. The class is prefix, middle or postfix: before, among or behind all that was read, and the same for each client that read the partition.", Example: [2]string{
		`{"id":1,"op":"append","part":"p","call":1,"ret":2,"outcome":"ok","values":["a","b"],"off":0}`,
		`{"id":2,"op":"read","part":"p","call":3,"ret":4,"outcome":"ok","from":1,"poll":true,"values":["b"]}`}},
}

var ofReads = []checker.Anomaly{
	{Name: Unseen, Means: "An acknowledged value that no ok poll returned, although the last poll of its partition was called later and found nothing. If polling didn't come to such an end, the value is only counted as unread.", Example: [2]string{
		`{"id":1,"op":"append","part":"p","call":1,"ret":2,"outcome":"ok","values":["a"],"off":0}`,
		`{"id":2,"op":"read","part":"p","call":3,"ret":4,"outcome":"ok","from":0,"poll":true,"values":[]}`}},
	{Name: AbortedRead, Means: "G1a: an ok read returned a value whose send failed, or whose transaction aborted.", Example: [2]string{
		`{"id":1,"op":"append","part":"p","call":1,"ret":2,"outcome":"fail","values":["a"]}`,
		`{"id":2,"op":"read","part":"p","call":3,"ret":4,"outcome":"ok","from":0,"values":["a"]}`}},
	{Name: PrecommittedRead, Means: "A transaction polled what it had itself sent, and so before it was committed.", Example: [2]string{
		`{"id":1,"op":"append","part":"p","call":1,"ret":2,"outcome":"ok","values":["a"],"off":0}`,
		`{"id":2,"op":"txn","call":3,"ret":4,"outcome":"ok","ops":[{"op":"append","part":"p","values":["b"],"off":1},{"op":"read","part":"p","from":0,"poll":true,"values":["a","b"]}]}`}},
	{Name: IntPollSkip, Means: "Inside one operation, two consecutive values of a partition have a known value between them. Allowed where the partition was rebalanced meanwhile.", Example: [2]string{
		`{"id":1,"op":"append","part":"p","call":1,"ret":2,"outcome":"ok","values":["a","b","c"],"off":0}`,
		`{"id":2,"op":"read","part":"p","call":3,"ret":4,"outcome":"ok","from":0,"values":["a","c"],"offs":[0,2]}`}},
	{Name: IntNonmonotonicPoll, Means: "Inside one operation, a value of a partition is followed by itself or by one before it. Allowed where the partition was rebalanced meanwhile.", Example: [2]string{
		`{"id":1,"op":"append","part":"p","call":1,"ret":2,"outcome":"ok","values":["a","b"],"off":0}`,
		`{"id":2,"op":"read","part":"p","call":3,"ret":4,"outcome":"ok","from":0,"values":["b","a"],"offs":[1,0]}`}},
}

var ofSessions = []checker.Anomaly{
	{Name: PollSkip, Means: "A session's poll of a partition begins behind a known value that follows the end of its last ok one. Not if an assignment between them left the partition out; allowed if the session is subscribed, for then its group may move partitions.", Example: [2]string{
		`{"id":1,"session":1,"op":"txn","call":1,"ret":2,"outcome":"ok","ops":[{"op":"read","part":"p","from":0,"poll":true,"values":["a"]},{"op":"append","part":"p","values":["b"],"off":1}]}`,
		`{"id":2,"session":1,"op":"read","part":"p","call":3,"ret":4,"outcome":"ok","from":2,"poll":true,"values":["c"]}`}},
	{Name: NonmonotonicPoll, Means: "A session's poll of a partition begins at or before the end of its last ok one. Not, and allowed, as poll-skip.", Example: [2]string{
		`{"id":2,"session":1,"op":"read","part":"p","call":3,"ret":4,"outcome":"ok","from":0,"poll":true,"values":["a","b"]}`,
		`{"id":3,"session":1,"op":"read","part":"p","call":5,"ret":6,"outcome":"ok","from":1,"poll":true,"values":["b"]}`}},
	{Name: IntNonmonotonicSend, Means: "Two consecutive sends of one transaction stand in the other order in the log. That others come between them is allowed.", Example: [2]string{
		`{"id":1,"op":"txn","call":1,"ret":2,"outcome":"ok","ops":[{"op":"append","part":"p","values":["b"],"off":2},{"op":"append","part":"p","values":["a"],"off":0}]}`,
		`{"id":2,"op":"append","part":"p","call":1,"ret":4,"outcome":"ok","values":["c"],"off":1}`}},
	{Name: NonmonotonicSend, Means: "Two consecutive sends of one session stand in the other order in the log, and the first had returned when the second was called. Not if an assignment between them left the partition out.", Example: [2]string{
		`{"id":1,"session":1,"op":"append","part":"p","call":1,"ret":2,"outcome":"ok","values":["a"],"off":1}`,
		`{"id":2,"session":1,"op":"append","part":"p","call":3,"ret":4,"outcome":"ok","values":["b"],"off":0}`}},
}

// In these, a send precedes another one (ww) if its value stands before the other's.
var ofOrder = []checker.Anomaly{
	{Name: G0, Means: "Operations whose sends precede each other in a circle, in several partitions. Always allowed: it takes transactions, and Kafka doesn't isolate their sends.", Example: [2]string{
		`{"id":1,"op":"txn","call":1,"ret":3,"outcome":"ok","ops":[{"op":"append","part":"p","values":["a"],"off":0},{"op":"append","part":"q","values":["a"],"off":1}]}`,
		`{"id":2,"op":"txn","call":2,"ret":4,"outcome":"ok","ops":[{"op":"append","part":"p","values":["b"],"off":1},{"op":"append","part":"q","values":["b"],"off":0}]}`}},
	{Name: G0Process, Means: "G0, where some steps of the circle are the order of a session. Allowed if a send that is a part of a larger transaction is needed for it.", Example: [2]string{
		`{"id":1,"session":1,"op":"append","part":"p","call":1,"ret":2,"outcome":"ok","values":["a"],"off":1}`,
		`{"id":2,"session":1,"op":"append","part":"p","call":3,"ret":4,"outcome":"ok","values":["b"],"off":0}`}},
	{Name: G0Realtime, Means: "G0, where some steps are that one operation had returned before the next was called. Allowed as G0-process.", Example: [2]string{
		`{"id":1,"client":1,"op":"append","part":"p","call":1,"ret":2,"outcome":"ok","values":["a"],"off":1}`,
		`{"id":2,"client":2,"op":"append","part":"p","call":3,"ret":4,"outcome":"ok","values":["b"],"off":0}`}},
	{Name: G1c, Means: "Information that flows in a circle: what each operation sent was read by the next (wr) or, allowed, precedes what that sent to the partition (ww), where sends of transactions aren't isolated.", Example: [2]string{
		`{"id":1,"op":"txn","call":1,"ret":3,"outcome":"ok","ops":[{"op":"append","part":"p","values":["a"],"off":0},{"op":"read","part":"q","from":0,"values":["b"]}]}`,
		`{"id":2,"op":"txn","call":2,"ret":4,"outcome":"ok","ops":[{"op":"append","part":"q","values":["b"],"off":0},{"op":"read","part":"p","from":0,"values":["a"]}]}`}},
	{Name: G1cProcess, Means: "G1c, where some steps of the circle are the order of a session. Allowed as G0-process.", Example: [2]string{
		`{"id":1,"session":1,"op":"read","part":"p","call":1,"ret":4,"outcome":"ok","from":0,"values":["a"]}`,
		`{"id":2,"session":1,"op":"append","part":"p","call":5,"ret":6,"outcome":"ok","values":["a"],"off":0}`}},
	{Name: G1cRealtime, Means: "G1c, where some steps are that one operation had returned before the next was called. Allowed as G0-process.", Example: [2]string{
		`{"id":1,"client":1,"op":"read","part":"p","call":1,"ret":2,"outcome":"ok","from":0,"values":["a"]}`,
		`{"id":2,"client":2,"op":"append","part":"p","call":3,"ret":4,"outcome":"ok","values":["a"],"off":0}`}},
}

var ofGroups = []checker.Anomaly{
	{Name: GroupOffsetAhead, Means: "A consumer committed an offset beyond what anybody of its group had been given when it asked to. Allowed over offsets of a sparse log that hold no known record, and for clients that never poll.", Example: [2]string{
		`{"id":1,"session":1,"op":"read","part":"p","call":1,"ret":2,"outcome":"ok","from":0,"poll":true,"values":["a"]}`,
		`{"id":2,"session":1,"op":"commit","part":"p","group":"g","call":3,"ret":4,"outcome":"ok","off":2}`}},
	{Name: GroupOffsetBack, Means: "A fetch showed a group's offset, and a later one showed an offset whose every commit had returned before those of the first were called.", Example: [2]string{
		`{"id":1,"op":"txn","call":1,"ret":2,"outcome":"ok","ops":[{"op":"commit","part":"p","group":"g","outcome":"unknown","off":7},{"op":"fetch-offset","part":"p","group":"g","off":7}]}`,
		`{"id":2,"op":"fetch-offset","part":"p","group":"g","call":3,"ret":4,"outcome":"ok","off":-1}`}},
	{Name: GroupOffsetLost, Means: "A commit was acknowledged, and a later fetch shows an offset whose every commit had returned before that one was called, or none.", Example: [2]string{
		`{"id":1,"op":"commit","part":"p","group":"g","call":1,"ret":2,"outcome":"ok","off":7}`,
		`{"id":2,"op":"fetch-offset","part":"p","group":"g","call":3,"ret":4,"outcome":"ok","off":-1}`}},
	{Name: GroupOffsetUnknown, Means: "A fetch showed an offset that nobody had asked to commit by then.", Example: [2]string{
		`{"id":1,"op":"commit","part":"p","group":"g","call":1,"ret":2,"outcome":"ok","off":7}`,
		`{"id":2,"op":"fetch-offset","part":"p","group":"g","call":3,"ret":4,"outcome":"ok","off":9}`}},
}
