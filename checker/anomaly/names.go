package anomaly

// The names of anomalies. [Family] says what they mean.
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
