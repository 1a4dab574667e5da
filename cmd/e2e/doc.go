// Package e2e holds the tests that run logd as its users do: real processes, real sockets and disks, clients that others
// wrote. It has no code but tests.
//
//	go test ./cmd/e2e
//
//	                    ┌─ wire ──► broker 1 ─┐
//	kgo producers ──────┼─ wire ──► broker 2 ─┼── SIGKILL, SIGTERM, an emptied directory
//	kgo consumers       └─ wire ──► broker 3 ─┘
//	tails    │               │
//	         └──► history ◄──┘  ──► checker, and the command logcheck
//
// Rules:
//
//	E1  One operation of a history is one value that was on the wire once. The producer's connections see to it: kgo without
//	    idempotence sends a batch again when its partition moves, even with its retries off, and reports one batch's
//	    error for all that were under way; what a connection has sent and received is the truth.
//	E2  A broker's refusal is a failure only where it proves that nothing was proposed; everything else is unknown.
//	E3  Only processes that a test started are signalled, each by its pid, and none outlives the test.
//	E4  Nothing is judged by how long it took; each wait has a limit that only something broken reaches.
package e2e
