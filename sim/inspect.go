package sim

import "logd/broker"

// inspector is what the world reads of a shard beyond Step, to check raft's own invariants after each turn
// (verification.md, 2C).
type inspector interface {
	Inspect(visit func(*broker.GroupView))
	InspectChanged(visit func(*broker.GroupView))
}

// waiter says what a shard's disk work waits for.
type waiter interface {
	Waiting() string
}
