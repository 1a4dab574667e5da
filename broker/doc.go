// Package broker is one broker: topics, partitions, requests, the metadata group. Its heart is the [Shard], an event loop
// with one method, Step, that neither blocks nor reads a clock; cmd/logd drives it with sockets and files, sim with a
// simulated world.
//
//	events ─► connections ─► requests ─► calls on partitions ─► replica.Group ─► log.Store ─► plans
//	                             ▲            (own shard, or by Mail)      │
//	          responses ◄── slots └──────────── answers ◄──────────────────┘ applied, read index, cold read
//
// Invariants. Each is named where the code keeps it: by a panic that begins "invariant B3" where it is asserted, always on; by a
// comment where it holds by construction, and the simulator attacks it from outside:
//
//	B1  Responses leave a connection in the order of its requests: a slot is sent only from the front.
//	B2  A produce is acknowledged only when its entry was applied at the index and term it was proposed at, which takes a
//	    majority's completed syncs (G1); what was proposed and not yet applied is answered as unclear, never as refused.
//	B3  A fetch returns applied batches only (G4), and a high watermark that is never above what was applied here. A replica that
//	    doesn't lead serves only while it hears a leader, and never says that an offset beyond its log is out of range (S13).
//	B4  The latest offset is answered after a read index asked for after the request came (G5).
//	B5  A replica is created only by a placement that names this broker's incarnation, and never again after it was dropped (S7): by its
//	    tombstone, until the metadata that this broker has durably names the group no more.
//	B6  An envelope of another cluster, broker or incarnation changes nothing (S7).
//	B7  A call has exactly one answer, and a request exactly one response.
//	B8  While a wal plan is out longer than an election timeout the shard leads nothing new; after ten it halts (S12).
//	B9  What lies below a log start that was applied here is served to no client, nor is its loss damage: a log start never goes
//	    back, so it is gone everywhere. A DeleteRecords is answered only when its log start was applied.
//	B10 A metadata command that some broker may not understand is not proposed (M8).
//	B11 A batch of an idempotent producer is proposed only if it follows what the log, uncommitted tail included, has of its
//	    producer, and what is proposed before it in the same turn; one that is there already is acknowledged with the first
//	    one's offset, and only when that one is applied (G6). Both only once every broker understands version 3 (M8).
//	B12 A metadata command that another broker forwarded is proposed once at the most, however often it arrives, and never by a
//	    later process than the one that it was sent to.
//	B13 A raft message leaves only once others vouch for this start of the directory, which remembers it (S7): whoever hears one
//	    takes the start for one that spoke.
//	B14 What waits for the WAL takes no more memory than the WAL: entries of others beyond half of it are not taken, and raft
//	    sends them again.
//	B15 A request is begun only when what was applied of the metadata holds all that the directory held of it at the start, or
//	    after some election timeouts in which nobody told what is committed of that: so what clients were told of doesn't vanish.
//	B16 An empty directory takes the place of the one that it was told is on record, and of no other: its word may come when
//	    another has taken that place.
package broker
