// Package group is what a coordinator knows of consumer groups: the state of all groups of one partition of
// __consumer_offsets as a state machine of values. The broker that leads the partition loads it from the log, gives it
// requests and the time, and carries out what comes out: answers, records to append, the next deadline.
//
//	requests ─► [Machine.Do] ─► queue of the group ─► state ─► [Out].Answers
//	                                                   │
//	                                                   └─► [Out].Writes ─► raft ─► [Machine.Committed] ─► table ─► answers
//	log ─► [Machine.Replay] … [Machine.Loaded]
//
// A group's state has two parts. The table is what the records say: offsets, and for each other key its last value. It
// changes only when a record is committed, in the order of the log, so that a table is a function of the log. The rest -
// who has joined, whose request waits, deadlines - is lost with the leadership, and clients make it anew. What must not be
// lost is written first, and takes effect once it is committed.
//
// Requests of one group are taken in the order that they came. One that needs what is being written waits for it:
//
//	membership   waits while a group record is being written
//	commit       waits while a group record is being written
//	whole        waits while anything of the group is being written
//
// A consumer group (KIP-848) is all in its records: epochs, members, what each is to have and what it has. A heartbeat is a
// step: what it writes takes effect in memory at once, one step at a time, and is answered when it is committed; if it never
// is, the group is made of its table again.
//
// Invariants, asserted where they are named:
//
//	C1  A ticket is answered exactly once, or is among those that Unload returns.
//	C2  The table after [Machine.Replay] of all records is the table of the machine that wrote them.
//	C3  A classic group has one generation at a time, and it never goes back while there is a member.
//	C4  An assignment is given out only once its record is committed, and in one generation a member gets only one.
//	C5  Who isn't a member, or says another generation, or is a static member that was replaced, commits nothing.
//	C6  A committed offset changes by a commit, a deletion or expiry only: copying it forward doesn't change it.
//	C7  At most one record of a group, but for offsets, is on its way at a time.
//	K1  Of a consumer group: member epochs <= target epoch <= group epoch; none of them goes back, but for a member that joins
//	    again, or leaves for a while.
//	K2  A partition has one owner at most: who was given it and hasn't said that it gave it back, nor was thrown out.
package group
