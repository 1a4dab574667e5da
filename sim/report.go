package sim

import (
	"fmt"
	"time"
)

// Count is a number that a run reports.
type Count int

// What is counted. The names are in countNames.
const (
	CountAcked Count = iota
	CountAckedRecords
	CountFailed
	CountUnknown
	CountReads
	CountRecordsRead
	CountTails
	CountByTime
	CountRetained
	CountUpperBounds
	CountStrays
	CountReadErrors
	CountFull
	CountRestores
	CountMended
	CountHealed
	CountPatched
	CountCompared
	CountCopies
	CountTrims
	CountBelowStart
	CountTurns
	CountEnvelopes
	CountElections
	CountForming
	CountCrashes
	CountPowerLosses
	CountStops
	CountRolling
	CountAmbushes
	CountBootCrashes
	CountPartitions
	CountPauses
	CountRots
	CountRefused
	CountWipes
	CountRejoins
	CountSyncErrors
	CountWriteErrors
	CountSyncs
	CountWALRolls
	CountSegments
	CountTornTails
	CountColdReads
	CountDamages
	CountAside
	CountBudgetStops
	CountCorrupted
	CountQualities
	CountTired
	CountGarbage
	CountNumb
	CountClientCrashes
	CountLate
	CountRefusedTrouble
	CountRefusedElsewhere
	CountRefusedQuorum
	CountRefusedElection
	CountRefusedBound
	CountRefusedNetwork
	CountCommits
	CountOffsetsFetched
	CountAssignments
	CountGroupCrashes
	CountSwitches
	CountTopicsMade
	CountTopicsDeleted
	CountRefusedFleeting
	CountLeft // brokers that stay broken in the calm, by way: dead; those that follow are in the order of brokenNames
	CountLeftPowerless
	CountLeftUnheard
	CountLeftDeaf
	CountLeftAlone
	CountLeftSlow
	CountLeftPaused
	Counts
)

var countNames = [Counts]string{"acknowledged appends", "acknowledged records", "refused appends", "unknown appends", "reads", "records read", "tails", "found by time", "deleted for size", "upper bounds",
	"strayed writes", "read errors", "full disks", "restored copies", "brokers whole again", "entries healed", "ranges mended", "batches compared", "good copies seen on devices", "trims", "reads below the log start",
	"turns", "envelopes", "elections", "ended while forming", "crashes", "power losses", "clean stops", "rolling restarts", "ambushes", "crashes in a boot", "partitions", "pauses", "rotten sectors",
	"refused starts", "wipes", "rejoins", "failed syncs", "other failed writes", "syncs", "WAL rolls", "segments", "torn tails cut", "cold reads",
	"pieces of damage found", "directories set aside", "faults not in the budget",
	"corrupted envelopes", "networks of another quality", "slow processes", "strangers with garbage", "consumers that don't read", "client crashes", "late appends of zombies",
	"refusals: broker in trouble", "refusals: another leads", "refusals: no majority", "refusals: election", "refusals: over a bound", "refusals: client's link",
	"offsets committed", "offsets fetched", "assignments", "consumers crashed",
	"consumers that change protocol", "topics made", "topics deleted", "refusals: topic may be gone",
	"left in the calm: dead", "left in the calm: powerless", "left in the calm: unheard", "left in the calm: deaf", "left in the calm: alone", "left in the calm: slow",
	"left in the calm: paused"}

func (c Count) String() string { return countNames[c] }

// Violation is what a run proved wrong.
type Violation struct {
	Name string `json:"name"` // a name of ours below, or one of the checker's
	Text string `json:"text"`
	// Cause is what runs that fail for the same reason have in common (cause.go): the check's own words, without what differs.
	Cause string  `json:"cause"`
	Ops   []int64 `json:"ops,omitempty"` // of the history, that suffice to show it
}

// The names of the violations that the world itself finds; those of histories are in package checker.
const (
	Panicked            = "panic"                      // a turn or a start panicked
	SpokeOn             = "spoke-on"                   // a shard that gave up its directory had more to say
	Halted              = "halt"                       // a shard gave up without an injected cause
	UncleanStop         = "unclean-stop"               // a process didn't end when it was asked to, or left a torn tail though nothing was in flight
	NotStarted          = "refused-start"              // a broker refused to start on an undamaged disk
	BusyLoop            = "busy-loop"                  // events without end at one instant, or turns that do nothing and ask for more
	Stalled             = "liveness"                   // no progress within the bound after the last fault
	TwoOwners           = "two-owners"                 // a partition is given to two members of a group in one generation (G7)
	FencedCommit        = "fenced-commit"              // a commit of a generation that was over is acknowledged (G7)
	FencedMember        = "fenced-member"              // a static member that was replaced, or one of a generation that was over, is answered as if it were one (G7)
	GroupSkipped        = "group-skipped"              // a group goes on behind a record that no member of it has processed (M40)
	SessionKept         = "session-kept"               // who isn't heard of any more is a member still, long after its session (G7)
	Unowned             = "unowned"                    // a partition of a group with members is nobody's, long after the last change (G7, G9)
	EpochEnd            = "epoch-end"                  // an epoch is said to end where it can't, by what was read of the log (KIP-320, G4)
	EpochBack           = "epoch-back"                 // a member of a group of the new protocol is told an older epoch (K1)
	TopicTwice          = "topic-twice"                // a name, or an id, has two lives at a time (D1)
	TopicLost           = "topic-lost"                 // a topic whose creation was acknowledged has gone by itself (D1, D3, D5)
	TopicBack           = "topic-back"                 // one whose deletion was acknowledged is back (D2, D3)
	TopicLeft           = "topic-left"                 // something of it is on a disk still (D5)
	DeletedServed       = "deleted-served"             // a broker serves what it has dropped (D4)
	TwoLeaders          = "two-leaders-in-term"        // S1: one leader incarnation per term
	RetryElsewhere      = "retry-elsewhere"            // two answers say two places of one batch (I2)
	ProducerOrder       = "producer-order"             // a producer's values stand in another order than they were sent (I3)
	SequenceRefused     = "sequence-refused"           // what follows an acknowledged batch is out of order (I4)
	IDTwice             = "producer-id-twice"          // a producer id was given before (I5)
	ProducersDiffer     = "producers-differ"           // equal applied indexes with different producers (G6)
	ChangedUnseen       = "changed-unseen"             // a replica looks other than before, and its shard doesn't show it (with Env.Paranoid)
	LogsDiffer          = "committed-logs-differ"      // equal committed indexes with different hashes (G11)
	SegmentDamaged      = "segment-damaged"            // a broker that counts as whole has bytes in its segments that are no sound batches
	WrongTime           = "wrong-time"                 // an offset that was asked for by its time isn't the first one of that time, or the newest
	BadStart            = "log-start"                  // a log start went back, or is above what was asked, or is told wrong (T5, T6)
	CommitLost          = "committed-index-lost"       // an index committed somewhere is above what any leader has
	RecoveredMore       = "recovered-invented"         // a replica came back with entries that it never had
	TermForgotten       = "term-forgotten"             // a replica came back in a term before one that it led or voted in (S1)
	VotedTwice          = "voted-twice"                // a replica votes for two candidates in one term (S2)
	AckedUnsynced       = "acknowledged-unsynced"      // a replica acknowledges to its leader what isn't on its disk (R1)
	WentBack            = "went-back"                  // a replica's term, commit index, high watermark or log start fell while its process ran
	OverBound           = "over-bound"                 // a shard holds more than its limits allow
	CorruptTaken        = "corrupted-taken"            // an envelope was taken whose checksum is wrong
	StreamOutOfStep     = "stream-out-of-step"         // who reads a stream waits for what its length field can't mean
	RefusedWithoutCause = "refused-without-cause"      // a broker refuses, or doesn't answer, and nothing explains it (refusal.go)
	TopicForgotten      = "topic-forgotten"            // a broker that has just started doesn't know a topic that it knew before
	Leaked              = "leak"                       // a shard holds something for clients that have gone
	RecoveredShort      = "recovered-short"            // a replica came back without what it had held durably, and committed
	NotOnMajority       = "acknowledged-not-durable"   // acknowledged, and not stable on a majority (G1)
	TooFewCopies        = "too-few-copies"             // acknowledged, and no majority of disks has good copies of it, or is known to have lost them (G1, G3)
	ResponseOrder       = "response-out-of-order"      // a connection's responses overtook each other
	BadResponse         = "bad-response"               // a response that can't be read, or that contradicts its request
	BytesChanged        = "bytes-changed-after-output" // the shard wrote into bytes that it had given away
	NoUpperBounds       = "no-upper-bounds"            // the history can't show stale answers (verification.md 2A)
	CheckUndecided      = "undecided"                  // the checker could not tell, which is never a pass
	AcknowledgedGone    = "unseen"                     // acknowledged, and not among all that can be read at the end
	NotDeterministic    = "not-deterministic"          // two runs of one seed differ
	WorkerDied          = "worker-died"                // the process that ran the seed ended or hung
)

func (v *Violation) String() string { return v.Name + ": " + v.Text }

// Result is what became of one seed.
type Result struct {
	Seed      uint64            `json:"seed"`
	Hash      uint64            `json:"hash,string"`
	Violation *Violation        `json:"violation,omitempty"`
	Simulated time.Duration     `json:"simulated"`
	Events    uint64            `json:"events"`
	Counts    [Counts]int64     `json:"counts"`
	Faults    [faultKinds]int64 `json:"faults"` // how often each kind struck, see [FaultName]
	Marks     [Marks]int64      `json:"marks"`  // how often it came by each
}

// FaultName is what the faults of Result.Faults[kind] are called.
func FaultName(kind int) string { return faultTable[kind].name }

// Faults is how many kinds of faults there are.
const Faults = int(faultKinds)

// FaultStory is the story of testdata/sim that shows the faults of Result.Faults[kind].
func FaultStory(kind int) string { return faultTable[kind].story }

// Line is the last line of a run.
func (r *Result) Line() string {
	if r.Violation == nil {
		return fmt.Sprintf("valid seed=%d hash=%016x", r.Seed, r.Hash)
	}
	return fmt.Sprintf("INVALID seed=%d hash=%016x %s", r.Seed, r.Hash, r.Violation.Name)
}

// Trace is the last line of a record: what a replay must end with, too.
func (r *Result) Trace() string {
	return fmt.Sprintf("# trace %016x after %d events", r.Hash, r.Events)
}
