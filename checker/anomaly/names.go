package anomaly

// The names of anomalies. Definitions has one entry for each.
const (
	InconsistentOffsets = "inconsistent-offsets"
	Duplicate           = "duplicate"
	LostWrite           = "lost-write"
	Unseen              = "unseen"
	AbortedRead         = "aborted-read"
	PrecommittedRead    = "precommitted-read"
	IntPollSkip         = "int-poll-skip"
	IntNonmonotonicPoll = "int-nonmonotonic-poll"
	PollSkip            = "poll-skip"
	NonmonotonicPoll    = "nonmonotonic-poll"
	IntNonmonotonicSend = "int-nonmonotonic-send"
	NonmonotonicSend    = "nonmonotonic-send"
	G0                  = "G0"
	G0Process           = "G0-process"
	G0Realtime          = "G0-realtime"
	G1c                 = "G1c"
	G1cProcess          = "G1c-process"
	G1cRealtime         = "G1c-realtime"
	GroupOffsetAhead    = "group-offset-ahead"
	GroupOffsetBack     = "group-offset-back"
	GroupOffsetLost     = "group-offset-lost"
	GroupOffsetUnknown  = "group-offset-never-committed"
)

// Definition says what an anomaly is, with an example of two lines or so.
type Definition struct {
	Name string
	// Is is the definition, Allowed when it is none; empty if never.
	Is, Allowed string
	Example     string
}

// Definitions of all anomalies, in the order in which they are reported.
var Definitions = []Definition{
	{InconsistentOffsets, "one offset of a partition holds two values", "",
		"append a → offset 0\nread → [0 b]"},
	{Duplicate, "one value stands at two offsets of a partition", "",
		"append a → offset 1\nread → [3 a]"},
	{LostWrite, "a certain value that no ok read returned, although consumers read on to a value behind it, or a read passed over it",
		"", "append a → offset 0, append b → offset 1\npoll → [1 b], and nobody ever polls a"},
	{Unseen, "an acknowledged value that no ok poll returned, although the last poll of its partition was called later and found nothing more",
		"", "append a → offset 0\npoll → [], the last one"},
	{AbortedRead, "G1a: an ok read returned a value whose send failed or whose transaction aborted", "",
		"txn {append a} → fail\nread → [0 a]"},
	{PrecommittedRead, "a transaction polled what it had itself sent, before it was committed", "",
		"txn {append a, poll → [0 a]} → ok"},
	{IntPollSkip, "inside one operation, two consecutive values of a partition have known values between them",
		"for partitions that were rebalanced meanwhile", "append b → offset 1\npoll → [0 a] [2 c]"},
	{IntNonmonotonicPoll, "inside one operation, a value of a partition is followed by itself or one before it",
		"for partitions that were rebalanced meanwhile", "poll → [1 b] [0 a]"},
	{PollSkip, "a session's poll of a partition begins behind a known value that follows the end of its last one",
		"after an assignment that leaves the partition out; under subscribe", "poll → [0 a], append b → offset 1\npoll → [2 c], of the same session"},
	{NonmonotonicPoll, "a session's poll of a partition begins at or before the end of its last one",
		"after an assignment that leaves the partition out; under subscribe", "poll → [0 a] [1 b]\npoll → [1 b], of the same session"},
	{IntNonmonotonicSend, "two consecutive sends of one operation stand in the other order in the log", "",
		"txn {append a → offset 3, append b → offset 1}"},
	{NonmonotonicSend, "two consecutive sends of one session stand in the other order in the log",
		"after an assignment that leaves the partition out", "append a → offset 3\nappend b → offset 1, of the same session, later"},
	{G0, "operations sent before each other in a circle: for each, one partition has its value before the next one's",
		"through transactions, whose sends Kafka doesn't isolate", "txn T {append a → x 0, append b → y 1}\ntxn U {append c → x 1, append d → y 0}"},
	{G0Process, "G0, where some steps are the order of one session", "through transactions", "append a → offset 1, then of the same session\nappend b → offset 0"},
	{G0Realtime, "G0, where some steps are that one had returned before the next was called", "through transactions",
		"append a → offset 1, returned at 10\nappend b → offset 0, called at 20"},
	{G1c, "information flows in a circle: each operation's value was read by the next, or precedes the next one's in the log",
		"if a step is an order of sends and another one a transaction, whose sends aren't isolated", "txn T {append a, poll → b}\ntxn U {append b, poll → a}"},
	{G1cProcess, "G1c, where some steps are the order of one session", "as G1c", "read → [0 a], then of the same session\nappend b, which the append of a had read in its transaction"},
	{G1cRealtime, "G1c, where some steps are that one had returned before the next was called", "as G1c",
		"read → [0 a], returned at 10\nappend a, called at 20"},
	{GroupOffsetAhead, "a consumer group commits an offset beyond records that nobody was given", "by clients that don't consume",
		"poll → [0 a], append b → offset 1\ncommit 2"},
	{GroupOffsetBack, "a group's committed offset was seen, and later one that had been committed before it, with no commit between",
		"", "fetch-offset → 7\nfetch-offset → 5, and 5 was committed before 7"},
	{GroupOffsetLost, "a commit was acknowledged, and afterwards the group's offset is still the one before it, or none",
		"", "commit 7 → ok\nfetch-offset → none"},
	{GroupOffsetUnknown, "a group's offset is one that nobody committed", "", "commit 7 → ok\nfetch-offset → 9"},
}

// Define returns the definition of an anomaly, or nil.
func Define(name string) *Definition {
	for i := range Definitions {
		if Definitions[i].Name == name {
			return &Definitions[i]
		}
	}
	return nil
}
