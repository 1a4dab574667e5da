// Command logctl is the client of a logd cluster: topics, records, health and benchmarks, over the Kafka protocol.
//
//	logctl NOUN VERB [ARGUMENTS] [FLAGS]
//
//	 main ── run ── newRoot ─┬─ topic    create list describe alter trim delete produce consume
//	                         ├─ cluster  info health
//	                         ├─ bench    produce consume disk
//	                         ├─ scrub    (of the brokers' peer ports: docs/peer-api.md)
//	                         └─ version  completion
//	                  │
//	                session: one kgo client, refused early when nobody answers, and what went wrong with whom
//
// Rules, each held by a test:
//
//	C1  Data goes to stdout, talk to stderr. No colour. --json prints JSON and nothing else on stdout.
//	C2  Exit 0 done, 1 error, 2 wrong usage, 10 the cluster is not healthy; of scrub 1 also says that something is damaged, and 2
//	    that a broker can't be reached.
//	C3  An error says what failed, at which broker, and what to do next, on one line.
//	C4  No wait for a broker lasts longer than --timeout, except where waiting was asked for (--follow, --watch, a bench's
//	    own duration). A command waits a few times at most: for an answer, for leaders, for what it came for.
//	C5  topic produce never sends a record again unless it was provably refused; an outcome that can't be known is
//	    reported as unclear, never as failed, and the records of one partition keep the order of their lines.
//	C6  Only ApiVersions, Metadata, CreateTopics, DeleteTopics, Produce, Fetch, ListOffsets, DescribeConfigs,
//	    IncrementalAlterConfigs and DeleteRecords are asked of a broker.
//	C7  A benchmark draws its payloads before it starts its clock, and reports the records acknowledged inside the
//	    measured window only.
package main
