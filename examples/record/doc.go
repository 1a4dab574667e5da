// Command record writes and reads a new topic of any Kafka-compatible cluster for a
// while, and records what its clients saw, for logcheck:
//
//	record --brokers 127.0.0.1:9092 --topic tried --seconds 10 > history.jsonl
//	logcheck history.jsonl
//
// A logd to try it on: logd serve --id 1 --peers 1=127.0.0.1:10092 --kafka
// 127.0.0.1:9092 --data ./broker-1; docs/report.md has what logcheck then says.
//
//	3 producers ── unique values ──▶ ┌─────────┐ ── polls ──▶ consumer
//	                                 │ cluster │
//	     disturb it meanwhile ─────▶ └─────────┘ ── ends ───▶ 1 client a partition
//
// Invariants:
//
//	R1  Each value is sent by one call, to a client that retries idempotently.
//	R2  A produce that failed is unknown, whatever the error says.
//	R3  The ends are asked for while values are sent: without them, a log that falls
//	    back shows nothing.
package main
