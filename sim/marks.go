package sim

import "fmt"

// Mark is something rare that a run came by: a place where bugs live. A run counts them from what the world sees; brokers know
// nothing of them. One that no seed of many hits shows a blind spot of the workload or the faults.
type Mark int

// The last ones happen in any run: they are moments that ambushes wait for (aim.go).
//
// The marks of replicas (marks_views.go), disks and processes (marks_disk.go), the network and clients (marks_client.go).
const (
	MarkLeaderLeftUncommitted Mark = iota
	MarkLeaderBeforeAll
	MarkLeaderInPartition
	MarkTwoLeaders
	MarkJoint
	MarkLeaderInJoint
	MarkLeaderLostInJoint
	MarkHoleVoted
	MarkTailCut
	MarkBareMajority
	MarkSnapshot
	MarkSnapshotInPartition
	MarkSnapshotTwice
	MarkTransferCut
	MarkTransferResumed
	MarkBackUncommitted
	MarkBackForgetful
	MarkBackWithHoles
	MarkHolesFilled
	MarkStartWhileDown
	MarkStartPassed

	MarkPowerInRoll
	MarkPowerInWAL
	MarkPowerInFlush
	MarkPowerInName
	MarkPowerTwice
	MarkTornTailSameTerm
	MarkBootKilled
	MarkSyncFailedLeader
	MarkWriteFailed
	MarkStarved
	MarkAllDown
	MarkLostWhileDown
	MarkLeaderWokeDeposed
	MarkStopMoved
	MarkOtherLimits
	MarkManyGroups
	MarkDozens
	MarkFaultsOverlap
	MarkFaultsThree

	MarkLengthCorrupted
	MarkHeadCorrupted
	MarkBodyCorrupted
	MarkPeerRefused
	MarkOvertaken
	MarkDoubleAfterBoot
	MarkDoubleAfterElection
	MarkDoubleInReadIndex
	MarkReadFromStart
	MarkReadFromMiddle
	MarkReadAtEnd
	MarkReadAcross
	MarkReadBoundary
	MarkAppendsOverlap
	MarkTailInAppend
	MarkSentNear
	MarkReadFollower
	MarkEpochAsked
	MarkUnclearRead
	MarkPollWoken
	MarkPollExpired
	MarkChoked
	MarkSlowCut
	MarkGarbageClosed
	MarkLateLands
	MarkBurst
	MarkRetry
	MarkProducerReborn
	MarkGap
	MarkProducersFull
	MarkGroupMixed
	MarkGroupDowngraded
	MarkMemberFenced
	MarkMemberSlept
	MarkGroupsCopied
	MarkCoordinatorMoved
	MarkDeletedUnderAppend
	MarkTopicRecreated
	MarkCreateUnclear
	MarkDeletedWhileDown
	MarkBigBatch

	MarkRoll
	MarkFlush
	MarkName
	MarkBoot
	MarkElected
	MarkTransfer
	MarkStartMoved
	Marks
)

// markRow is a mark's name, and what it says.
type markRow struct{ name, text string }

var markTable = [Marks]markRow{
	MarkLeaderLeftUncommitted: {"leader-left-uncommitted", "a leader is replaced that has appended what isn't committed"},
	MarkLeaderBeforeAll:       {"leader-before-all", "a leader is elected while a replica that runs lacks what is committed"},
	MarkLeaderInPartition:     {"leader-in-partition", "a leader is elected while links are cut"},
	MarkTwoLeaders:            {"two-leaders", "a leader is elected while another replica takes itself for one, in an earlier term"},
	MarkJoint:                 {"joint", "a joint configuration is applied"},
	MarkLeaderInJoint:         {"leader-in-joint", "a leader is elected in a joint configuration"},
	MarkLeaderLostInJoint:     {"leader-lost-in-joint", "a leader is lost in a joint configuration"},
	MarkHoleVoted:             {"hole-voted", "a leader is elected that needed the vote of a replica with holes"},
	MarkTailCut:               {"tail-cut", "an uncommitted tail is overwritten"},
	MarkBareMajority:          {"bare-majority", "something is committed by a bare majority of three or more"},
	MarkSnapshot:              {"snapshot", "a snapshot is installed"},
	MarkSnapshotInPartition:   {"snapshot-in-partition", "a snapshot is installed while links are cut"},
	MarkSnapshotTwice:         {"snapshot-twice", "a replica installs another snapshot in the same process"},
	MarkTransferCut:           {"transfer-cut", "a process ends in the midst of a transfer"},
	MarkTransferResumed:       {"transfer-resumed", "a transfer goes on after its process was ended"},
	MarkBackUncommitted:       {"back-uncommitted", "a replica comes back with entries that it doesn't know to be committed"},
	MarkBackForgetful:         {"back-forgetful", "a replica comes back with a lower commit index than it had"},
	MarkBackWithHoles:         {"back-with-holes", "a replica comes back with holes"},
	MarkHolesFilled:           {"holes-filled", "a replica's holes are filled"},
	MarkStartWhileDown:        {"start-while-down", "a log start moves while a broker that has the log is down"},
	MarkStartPassed:           {"start-passed", "a replica comes back, and the log starts behind its end"},

	MarkPowerInRoll:       {"power-in-roll", "power goes in the midst of the first write to the next WAL file"},
	MarkPowerInWAL:        {"power-in-wal", "power goes in the midst of a WAL write"},
	MarkPowerInFlush:      {"power-in-flush", "power goes in the midst of a write or sync of a segment"},
	MarkPowerInName:       {"power-in-name", "power goes in the midst of a creation, a rename, a removal or a directory's sync"},
	MarkPowerTwice:        {"power-twice", "a broker loses power within a second of its start"},
	MarkTornTailSameTerm:  {"torn-tail-same-term", "a torn tail is cut, and the leader of before still leads in its term"},
	MarkBootKilled:        {"boot-killed", "a start is killed in its midst"},
	MarkSyncFailedLeader:  {"sync-failed-leader", "a sync fails on a broker that leads"},
	MarkWriteFailed:       {"write-failed", "a write that is no sync fails, or a creation, a rename, a removal"},
	MarkStarved:           {"starved", "a full disk keeps segments from being written"},
	MarkAllDown:           {"all-down", "no broker runs"},
	MarkLostWhileDown:     {"lost-while-down", "a process ends while another one is down"},
	MarkLeaderWokeDeposed: {"leader-woke-deposed", "a paused leader wakes up, and another one was elected meanwhile"},
	MarkStopMoved:         {"stop-moved", "a broker that led stops, and each of its groups has a leader already"},
	MarkOtherLimits:       {"other-limits", "a broker starts with other limits"},
	MarkManyGroups:        {"many-groups", "a broker starts again that has replicas of twelve groups or more"},
	MarkDozens:            {"dozens-of-groups", "a broker starts again that has replicas of three dozen groups or more"},
	MarkFaultsOverlap:     {"faults-overlap", "two faults are on at the same time"},
	MarkFaultsThree:       {"faults-three", "three faults are on at the same time"},

	MarkLengthCorrupted:     {"length-corrupted", "a bit of an envelope's length field flips on its way"},
	MarkHeadCorrupted:       {"head-corrupted", "a bit of an envelope's heads flips on its way"},
	MarkBodyCorrupted:       {"body-corrupted", "a bit of a message in an envelope flips on its way"},
	MarkPeerRefused:         {"peer-refused", "a broker ends the connection that another one's envelope came on"},
	MarkOvertaken:           {"overtaken", "an envelope overtakes another one"},
	MarkDoubleAfterBoot:     {"double-after-boot", "an envelope arrives once more after its sender has started anew"},
	MarkDoubleAfterElection: {"double-after-election", "an envelope arrives once more after another leader was elected"},
	MarkDoubleInReadIndex:   {"double-in-read-index", "an envelope arrives once more at a broker that a client has asked for a log's end"},
	MarkReadFromStart:       {"read-from-start", "a log of some length is read from its start on"},
	MarkReadFromMiddle:      {"read-from-middle", "records are read from somewhere between start and end"},
	MarkReadAtEnd:           {"read-at-end", "a read asks for what isn't there yet"},
	MarkReadAcross:          {"read-across", "a read goes across the boundary of two segments"},
	MarkReadBoundary:        {"read-boundary", "a read begins with the first record of a segment"},
	MarkAppendsOverlap:      {"appends-overlap", "two clients append to one partition at the same time"},
	MarkSentNear:            {"sent-near", "a leader sends a client to a follower of its rack"},
	MarkReadFollower:        {"read-follower", "records are read from a replica that doesn't lead"},
	MarkEpochAsked:          {"epoch-asked", "a reader finds another leader, and is told that what it read last is in its log"},
	MarkTailInAppend:        {"tail-in-append", "a log's end is asked for while an append to it is under way"},
	MarkUnclearRead:         {"unclear-read", "a record is read whose append has no clear outcome"},
	MarkPollWoken:           {"poll-woken", "a long poll at the end is answered with records"},
	MarkPollExpired:         {"poll-expired", "a long poll is answered with nothing"},
	MarkChoked:              {"choked", "a broker reads no more from a client that doesn't read"},
	MarkSlowCut:             {"slow-cut", "a broker ends the connection of a client that doesn't read"},
	MarkGarbageClosed:       {"garbage-closed", "a broker ends the connection of a stranger that sends garbage"},
	MarkLateLands:           {"late-lands", "a record is read that its producer had given up before it was sent"},
	MarkBurst:               {"burst", "a producer begins a burst"},
	MarkRetry:               {"retry", "a batch of an idempotent producer is sent again"},
	MarkProducerReborn:      {"producer-reborn", "an idempotent producer crashes, and comes back with another id or a higher epoch"},
	MarkGap:                 {"gap", "a batch is refused as out of order, with one before it that isn't settled"},
	MarkProducersFull:       {"producers-full", "a new producer is refused, since a partition remembers as many as it may"},
	MarkGroupMixed:          {"group-mixed", "a group has members of both protocols"},
	MarkMemberFenced:        {"member-fenced", "a static member that was replaced sends a heartbeat, and is told so"},
	MarkMemberSlept:         {"member-slept", "a member is told that it is none any more, since it was silent for its session"},
	MarkGroupsCopied:        {"groups-copied", "a log of groups begins where it was copied to its end"},
	MarkCoordinatorMoved:    {"coordinator-moved", "a member finds its group at another broker than before"},
	MarkGroupDowngraded:     {"group-downgraded", "a group that was of the new protocol is a classic one again"},
	MarkDeletedUnderAppend:  {"topic-deleted-under-append", "a topic goes while an append to it is under way"},
	MarkTopicRecreated:      {"topic-recreated", "a topic is made under a name that was deleted"},
	MarkCreateUnclear:       {"create-unclear", "it isn't clear what became of a topic's creation"},
	MarkDeletedWhileDown:    {"delete-while-broker-down", "a broker that was down when a topic was deleted drops its replica"},
	MarkBigBatch:            {"big-batch", "a batch of more than 20 records is acknowledged"},

	MarkRoll:       {"roll", "the first write to the next WAL file begins"},
	MarkFlush:      {"flush", "a write or sync of a segment or a checkpoint begins"},
	MarkName:       {"name", "a creation, a rename, a removal or a directory's sync begins"},
	MarkBoot:       {"boot", "a process has recovered its disk and begins"},
	MarkElected:    {"elected", "a leader is elected"},
	MarkTransfer:   {"transfer", "a replica begins to catch up by a transfer"},
	MarkStartMoved: {"start-moved", "a log start moves"},
}

// Name is the mark's, as mutants and stories say it.
func (m Mark) Name() string { return markTable[m].name }

// String says what happened.
func (m Mark) String() string { return markTable[m].text }

// MarkNamed finds a mark by name.
func MarkNamed(name string) (Mark, bool) {
	for m := range Marks {
		if m.Name() == name {
			return m, true
		}
	}
	return 0, false
}

// ofBroker tells whether a mark happens to a broker, and not to a client or to the whole world.
func (m Mark) ofBroker() bool {
	switch m {
	case MarkFaultsOverlap, MarkFaultsThree,
		MarkReadFromStart, MarkReadFromMiddle, MarkReadAtEnd, MarkReadAcross, MarkReadBoundary, MarkReadFollower, MarkUnclearRead,
		MarkAppendsOverlap, MarkTailInAppend, MarkSentNear, MarkEpochAsked, MarkPollWoken, MarkPollExpired, MarkLateLands, MarkBurst, MarkBigBatch,
		MarkRetry, MarkProducerReborn, MarkGap, MarkProducersFull,
		MarkGroupMixed, MarkGroupDowngraded, MarkMemberFenced, MarkMemberSlept, MarkCoordinatorMoved,
		MarkDeletedUnderAppend, MarkTopicRecreated, MarkCreateUnclear:
		return false
	}
	return true
}

// mark counts what the run came by; n is the broker that it happened to, nil if to none. The setup is no place for rare things.
func (w *World) mark(m Mark, n *node) {
	if m.ofBroker() != (n != nil) {
		panic(fmt.Sprintf("sim: mark %s happens to broker %v", m.Name(), n))
	}
	if w.phase == phaseSetup {
		return
	}
	w.marks[m]++
	if w.trace.verbose() {
		w.trace.line(w.now, tracePhase, "mark %s", m.Name())
	}
	if n != nil {
		w.moment(m, n, 0)
	}
}
