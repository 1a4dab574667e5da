package checker

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// ErrMalformed is returned, wrapped, for an operation that cannot be judged
// because it breaks the history's own rules (no partition, ret before call, ...).
var ErrMalformed = errors.New("malformed operation")

// Kind is what an operation does. Check A judges those up to Start; the others are
// carried for other checks and for reports.
type Kind uint8

// The kinds, spelled in a history as in kindNames.
const (
	Append Kind = iota + 1
	Read
	Tail
	Trim  // asks that a log begin at an offset or above it: DeleteRecords
	Start // asks where a log begins
	Commit
	FetchOffset
	Txn
	Assign
	Subscribe
	Crash
	Fault
)

var kindNames = [...]string{Append: "append", Read: "read", Tail: "tail", Trim: "trim", Start: "start", Commit: "commit",
	FetchOffset: "fetch-offset", Txn: "txn", Assign: "assign", Subscribe: "subscribe", Crash: "crash", Fault: "fault"}

func (k Kind) String() string { return nameOf(kindNames[:], int(k)) }

// Outcome is what the client knows about its operation.
type Outcome uint8

// OK: done, and the answer is recorded. Failed: certainly not done, now or
// later. Unknown: it may have taken effect, may still, or never does.
const (
	OK Outcome = iota + 1
	Failed
	Unknown
)

var outcomeNames = [...]string{OK: "ok", Failed: "fail", Unknown: "unknown"}

func (o Outcome) String() string { return nameOf(outcomeNames[:], int(o)) }

func nameOf(names []string, i int) string {
	if i <= 0 || i >= len(names) {
		return "none"
	}
	return names[i]
}

// Op is one operation of one client: one line of a history. One Op is one value
// (or one batch of values) sent once. Fields that its kind or outcome gives no
// meaning to are ignored.
type Op struct {
	ID      int64
	Client  int64
	Session int64
	Kind    Kind
	// Partition is opaque, such as "orders/0".
	Partition string
	// Call and Ret are nanoseconds of the history's one clock, and the closed
	// interval [Call, Ret] is the operation's. Ret means nothing if Unknown.
	Call, Ret int64
	Outcome   Outcome

	// Values: those appended, or those read. Unique within a partition.
	Values []string
	// Off: of an append that is OK, its first record's offset; of a tail, the
	// length; of a trim or start, where the log begins now; of a commit or
	// fetch-offset, the group's offset, -1 for none.
	Off int64

	// From is the offset that a read asked for; of a trim, the first to be kept.
	From int64
	// Limit is how many records a read asked for; 0 if it had no such limit.
	Limit int64
	// Lin is true if the read promises to be linearizable. Kafka's Fetch isn't:
	// it shows a prefix of what is there.
	Lin bool
	// Offs are the offsets of Values; nil if they are From, From+1, ....
	Offs []int64
	// Poll says that a read went on where its session's last one of the partition had
	// ended, as a consumer does; otherwise the caller chose From. Of a transaction: that
	// it polled, whatever partitions the answer named.
	Poll bool

	// Parts are what an assign or subscribe asks for: the session's partitions from then
	// on, instead of those before.
	Parts []string
	// Beginning says that an assign also went back to the beginning of all of them.
	Beginning bool
	// Rebalanced are partitions that a group took away or gave while a read or
	// transaction ran, so that its values of them may jump.
	Rebalanced []string

	// Idempotent says that an append is a batch of an idempotent producer: of this producer id and
	// epoch, and its first record of this sequence (KIP-98). However often it was sent, it is one append.
	Idempotent           bool
	Producer, Epoch, Seq int64

	Group string
	// Fault and Target describe a fault, so that a report can show it.
	Fault, Target string
	// Ops are the operations of a transaction. The outcome of each is what it was told
	// for itself; whether it counts is the transaction's.
	Ops []Op
}

// timeLimit keeps recorded times clear of the two sentinels below.
const timeLimit = int64(1) << 62

const (
	never = int64(math.MaxInt64) // r of what has no deadline
	ever  = -never               // c of what has no earliest start
)

// Validate returns ErrMalformed, wrapped with the reason, if op cannot be part of
// a history.
func (op *Op) Validate() error {
	if op.Kind.String() == "none" {
		return fmt.Errorf("%w %d: no such kind of operation", ErrMalformed, op.ID)
	}
	if op.Outcome.String() == "none" && (op.Kind <= Txn) {
		return fmt.Errorf("%w %d: %s without an outcome", ErrMalformed, op.ID, op.Kind)
	}
	if op.Call <= -timeLimit || op.Call >= timeLimit {
		return fmt.Errorf("%w %d: call %d is not a time", ErrMalformed, op.ID, op.Call)
	}
	if op.Outcome == OK && (op.Ret < op.Call || op.Ret >= timeLimit) {
		return fmt.Errorf("%w %d: returns at %d, was called at %d", ErrMalformed, op.ID, op.Ret, op.Call)
	}
	if op.Kind > Start {
		return nil
	}
	if op.Partition == "" {
		return fmt.Errorf("%w %d: %s without a partition", ErrMalformed, op.ID, op.Kind)
	}
	return op.validateLogOp()
}

func (op *Op) validateLogOp() error {
	if op.Kind == Append && len(op.Values) == 0 {
		return fmt.Errorf("%w %d: append of no values", ErrMalformed, op.ID)
	}
	if op.Kind == Append && op.Idempotent && (op.Producer < 0 || uint64(op.Epoch) > math.MaxInt16 || uint64(op.Seq) > math.MaxInt32) {
		return fmt.Errorf("%w %d: producer %d, epoch %d, sequence %d are out of range", ErrMalformed, op.ID, op.Producer, op.Epoch, op.Seq)
	}
	if op.Kind == Trim && (op.From < 0 || op.From >= timeLimit) {
		return fmt.Errorf("%w %d: trim to %d is out of range", ErrMalformed, op.ID, op.From)
	}
	if op.Outcome != OK {
		return nil
	}
	if op.Off < 0 || op.Off >= timeLimit {
		return fmt.Errorf("%w %d: offset %d is out of range", ErrMalformed, op.ID, op.Off)
	}
	if op.Kind != Read {
		return nil
	}
	if op.From < 0 || op.From >= timeLimit || op.Limit < 0 {
		return fmt.Errorf("%w %d: read from %d limit %d is out of range", ErrMalformed, op.ID, op.From, op.Limit)
	}
	if op.Offs != nil && len(op.Offs) != len(op.Values) {
		return fmt.Errorf("%w %d: read has %d values and %d offs", ErrMalformed, op.ID, len(op.Values), len(op.Offs))
	}
	for _, off := range op.Offs {
		if off < 0 || off >= timeLimit {
			return fmt.Errorf("%w %d: offset %d is out of range", ErrMalformed, op.ID, off)
		}
	}
	return nil
}

// Clone returns a copy that shares no slice with op; strings it shares.
func (op *Op) Clone() Op {
	c := *op
	c.Values, c.Offs = slices.Clone(op.Values), slices.Clone(op.Offs)
	c.Parts, c.Rebalanced = slices.Clone(op.Parts), slices.Clone(op.Rebalanced)
	c.Ops = nil
	for i := range op.Ops {
		c.Ops = append(c.Ops, op.Ops[i].Clone())
	}
	return c
}

// offset is that of the k-th value read.
func (op *Op) offset(k int) int64 {
	if op.Offs != nil {
		return op.Offs[k]
	}
	return op.From + int64(k)
}

// Header is a history's first line.
type Header struct {
	// Clock says which clock the times are of; for people.
	Clock string
	// Sparse says that offsets may hold no record (control batches, compaction).
	// Then holes prove nothing, a read passing over an offset is legal unless that
	// offset is known to hold a value, and upper bounds come from tails alone.
	Sparse bool
	// Retention says that a log's start may move up by itself, not only by trims.
	Retention bool
}

// History is a whole history in memory.
type History struct {
	Header
	Ops []Op
}
