// Package sim is the world that brokers are tested in: time, disks, links, crashes and clients on one goroutine, all drawn
// from a seed, and judged by package checker while it runs.
//
// A run is drawn from its seed, or told by a story in testdata/sim.
//
// The brokers are the product's own shards, driven by a loop that is cmd/logd's but for what lies outside: virtual time
// instead of clocks, a disk that keeps, loses and rots bytes instead of files, links that delay, drop and cut instead of
// sockets. A run has four parts: topics are made; clients and faults storm; a majority is healed while the rest may stay
// broken for ever; and everything is read.
//
//	           ┌──────── nemesis: faults, within the budget ─────────┐
//	           ▼                          ▼                          ▼
//	clients ─ byte streams ─► host ─► Shard.Step ─► plans ──► Disk (cache, device)
//	   │                       ▲          │
//	   │                       └─ envelopes, mail ◄─ network
//	   ▼                                  ▼
//	judge: checker, online          views: raft's invariants after every turn
//
// Invariants:
//
//	W1 A seed's run is a function of the seed: no clock, no entropy, no order of a map; the hash of the trace proves it,
//	   and tape.go names the first event in which two runs differ.
//	   Who watches changes nothing: events (event.go) are made by looking, and only if somebody asked for them.
//	W2 Events happen by (time, order of planning), one at a time.
//	W3 Raft's randomness in a shard's turn comes from that shard incarnation's own stream (S14); so one world per process.
//	W4 A shard's bytes are its own again only as broker.Output says: a completed plan's bytes, and a client's after the turn,
//	   are overwritten; what was given away is compared when it arrives.
//	W5 A sync makes stable what was written before it began, and nothing more; a name is stable by its directory's sync.
//	W6 A synced write is in whole blocks.
//	W7 At most a minority of replicas is ever lost for good (wiped, rotten) at a time, until they were seen whole; all else may
//	   happen to everyone at once. Rot may hit all brokers, if no two of them lose the same (budget.go, fault_rotall.go). So of each
//	   acknowledged batch good copies, on devices, and losses that the budget knows are a majority together (copies.go).
//	W8 A process ends only by a fault, or by a Halt that an injected device error or rot explains.
//	W9 No operation is retried: a value is sent once, and an unclear outcome is unknown in the history (S15).
//	W10 In a story nothing happens but what it tells, and every check is on (story.go).
//	W11 What deleted prefixes mean for a history is in client_trim.go.
//	W12 Whatever is decided in a drawn run is an act with all of its arguments (decide.go). Told from its record, it is the same
//	    run: decisions come first at their nanosecond, in order, and what follows by itself draws from the same streams.
package sim
