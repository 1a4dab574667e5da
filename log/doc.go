// Package log keeps bytes that survive a crash: one write-ahead log per shard, shared by all its raft groups, and per
// partition a row of segments in Kafka's own batch format.
//
// It knows record batches (length, CRC, offsets), but no raft and no Kafka API. It is deterministic and sans-I/O: work for
// the disk leaves as a [Plan] and comes back as a [Done]; only recovery, before a shard's first turn, calls [FS] itself.
//
//	Append, SetState, Mark ──► write group being gathered ──► Plan(wal) ──► Done ──► Durable() rises
//	                                                            │
//	  committed batches, in memory until here ──► Plan(fill): segment write, sync ──► mark ──► old WAL file is free
//
// Invariants. Each is named where the code keeps it: by a panic that begins "invariant L1" where it is asserted, always on; by a
// comment where it holds by construction, and the simulator attacks it from outside:
//
//	L1  Nothing is durable before the completion of the plan that wrote it: Durable() moves in Done alone.
//	L2  Write group g+1 is planned only after the completion of g; so any sector numbered above g proves that g was synced (S3).
//	L3  A WAL file is written only after its creation and its directory's sync completed, and recycled only after a later,
//	    synced write group says that the file's groups are dead (its floor is above them).
//	L4  A write group begins and ends with the same directory, in different blocks, and all that is vital is in it: votes, marks,
//	    and which entries there are (S6).
//	L5  Recovery cuts at most the highest-numbered write group, and only if each bad sector of it holds that place's former
//	    content; the cut is erased and synced before its number is used again (S3). Everything else is damage, and named: it
//	    costs bytes of entries at most, which are remembered as holes, or a vote may be lost, and nothing is recovered.
//	L6  What recovery accepts is durable before recovery returns (S4).
//	L7  A mark is staged only after the sync of the segment bytes that it vouches for (S10).
//	L8  A copied record never truncates (S10); an appended one cuts every record of its group at or above its index.
//	L9  Within a group, indexes in the WAL are dense from the mark (or create record) on, terms never fall, and the running
//	    hash of each record follows from the one before it (S6, G11).
//	L10 Segments hold committed batches only, contiguous in offset, synced up to the mark; behind it recovery keeps what is whole
//	    and sound, and cuts the rest. What is missing or bad below it is a hole, remembered and not deleted, until repaired.
//	L11 Marks and copies always find room: normal records leave as much free as it takes to empty the oldest file by copies of
//	    what is kept there and a mark of each group. It holds while what is uncommitted, all groups together, is at most
//	    [MaxEntry] bytes, and their state at most [StateLimit]. What lies behind a hole counts as uncommitted; where that is too
//	    much all waits until the hole is filled, which takes no room: its bytes are flushed from memory.
//	L12 A hole keeps index, term, size, CRC and running hash. Only the bytes that fit all of these fill it, no mark of a flush
//	    passes it, and no copy makes an entry of it or takes it away (S5a).
//	L13 A running batch hash leads through each group's segments, known at each interval of an index file, at each segment's
//	    start, and where a mark ends. What fills a hole is found once the hash leads through it from one known to the next.
//	L14 A dropped group's tombstone stays until the caller wants it no more and the removal of the group's files is durable: a group
//	    that has files is known to the WAL.
//
// A segment's: segment_append.go (written), index.go (its hashes), segment_open.go and segment_scan.go (what is left of it at a
// start), segment_span.go (holes), segment_repair.go, segment_mend.go,
// segment_scrub.go, segment_sick.go (a file that can't be opened), whole_blocks.go (what shares a block with what is written),
// fill_space.go (a full disk), tombstone.go (its end).
//
// A write group's life, by file: queue.go (what waits), plan_wal.go (what goes into the group), wal_group.go, wal_record.go and
// wal_sector.go (its bytes), done.go (what its completion sets free), ring.go (the files). At the next start: wal_scan.go (which
// sector is whose), wal_load.go and wal_judge.go (torn, damaged or good), wal_replay.go (records to groups), wal_damage.go
// (names), wal_heal.go (what is known is written anew), recover.go.
package log
