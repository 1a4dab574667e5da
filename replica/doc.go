// Package replica is one raft group's replica on one broker: etcd's RawNode with asynchronous storage writes, a bounded
// window of the log in memory, and the rules that make the two safe on a real disk (safety.md).
//
// It knows offsets and batches, but no topic and no Kafka API. It is deterministic and sans-I/O: what must be written is
// staged in a [log.Store], what must be sent or applied leaves in an [Out].
//
//	Propose ─► stamp ─► raft ─► Collect ─┬─► window (memory) and log.Store (staged, Seq)
//	Step, Tick ─────────┘                ├─► messages that need no write: out at once
//	                                     ├─► messages that promise something: held until Durable() >= Seq
//	                                     └─► committed entries: applied, in order
//
// Invariants. Each is named where the code keeps it: by a panic that begins "invariant R3" where it is asserted, always on; by a
// comment where it holds by construction, and the simulator attacks it from outside:
//
//	R1  A vote request leaves only after the write that carries its term is durable, so a term has one leader incarnation (S1).
//	R2  A response leaves only after its write and every earlier write of the group are durable (S2).
//	R3  The window holds every entry above FirstIndex-1, dense, and FirstIndex <= applied+1, flushed+1 (S11): raft never asks
//	    for what is gone, and nothing leaves memory before a segment has it.
//	R4  base offset of a batch = log end before it, on every replica, checked before the WAL write (S9).
//	R5  Stamping and proposing are one step in one term, with every earlier Ready collected (S9).
//	R6  Only batches take offsets: no-op, configuration and blanked entries and commands take none (S9).
//	R7  A mark's index <= applied and <= durable (S10).
//	R8  A read index is served only by a leader that committed in its own term, with a context never used before (G5).
//	R9  A MsgSnap reaches raft only when the segments hold everything below its log end, synced (S11); each one that was sent
//	    ends in exactly one ReportSnapshot.
//	R10 applied never goes back, and entries are applied in order of index.
//	R11 A mark speaks only of batches that the segments hold: its log start is a function of the log up to its index, but for
//	    a replica whose segments started anew beyond their end, where it is raised up to what a committed trim has deleted.
//	R12 What a log with holes says and does ends before its first hole (S5a): nothing at or past it is committed, applied,
//	    flushed or acknowledged here, until its bytes, or a mark over it, are durable, or raft cut it off. Bytes are taken if and
//	    only if the running hash fits, a mark if and only if the hash at its index is our own. Votes go by the true last entry,
//	    and the durable commit index never goes back.
//	R13 A replica that can't read all it holds ticks and votes, but sends no vote request, takes no leadership over and gives
//	    up its own; if its own vote would be enough it doesn't tick (G10).
//	R14 An append without entries whose only news is the commit index is not sent to a follower whose log goes on as the leader's: the next
//	    append or heartbeat says it. To raft that is a lost message, so it is safe; and each heartbeat that arrives says what
//	    is committed of what the follower has acknowledged, so its commit index is behind by HeartbeatTicks at most. It is said at once
//	    in the metadata group, which every broker serves by, and while the configuration changes.
//	R15 A partition's producers are a function of its log up to an index: a mark at an index has those of that index, on every
//	    replica the same, whatever of the log's beginning is deleted (P1, P4).
package replica
