package checker

import (
	"fmt"
	"slices"
)

// Verdict is what a check concludes.
type Verdict uint8

// Valid: no violation, and none can be hidden. Invalid: proved by at least one
// [Violation]. Undecided: neither could be shown, which is never a pass.
const (
	Valid Verdict = iota + 1
	Invalid
	Undecided
)

var verdictNames = [...]string{Valid: "valid", Invalid: "invalid", Undecided: "unknown"}

func (v Verdict) String() string { return nameOf(verdictNames[:], int(v)) }

// MarshalText spells v as valid, invalid or unknown.
func (v Verdict) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (v *Verdict) UnmarshalText(b []byte) (err error) {
	*v, err = parseName[Verdict]("verdict", verdictNames[:], string(b))
	return err
}

// Report is the verdict on a history.
type Report struct {
	Verdict Verdict `json:"verdict"`
	Ops     int64   `json:"ops"`
	Faults  int64   `json:"faults"`
	// Undecided says why a history as a whole is not judged; empty otherwise.
	Undecided []string `json:"undecided,omitempty"`
	// Partitions, by name.
	Partitions []PartitionReport `json:"partitions"`
}

// PartitionReport is the verdict on one partition, with what it rests on.
type PartitionReport struct {
	Partition string  `json:"partition"`
	Verdict   Verdict `json:"verdict"`

	AppendsOK      int64 `json:"appends_ok"`
	AppendsUnknown int64 `json:"appends_unknown"`
	AppendsFailed  int64 `json:"appends_fail"`
	// Reads and Tails are those that returned an answer.
	Reads int64 `json:"reads"`
	Tails int64 `json:"tails"`
	// UpperBounds counts the reads and tails that proved the log to be shorter at
	// some instant than it became. Without any, stale answers go unseen.
	UpperBounds int64 `json:"upper_bounds"`
	// Length is the longest length implied, Unread how many of its offsets hold a
	// value that nobody read or was told of.
	Length int64 `json:"length"`
	Unread int64 `json:"unread"`

	// Violations in the order they were found, at most MaxViolations of them; Found
	// counts all.
	Violations []Violation `json:"violations,omitempty"`
	Found      int64       `json:"found"`
	// Undecided says why the verdict is unknown.
	Undecided []string `json:"undecided,omitempty"`
}

// MaxViolations is how many violations of a partition are reported in full.
const MaxViolations = 20

// First is the first violation of the first partition that has one, or nil.
func (r *Report) First() *Violation {
	for i := range r.Partitions {
		if len(r.Partitions[i].Violations) > 0 {
			return &r.Partitions[i].Violations[0]
		}
	}
	return nil
}

// Violation is a proof that a history is not that of a log.
type Violation struct {
	// Name is one of the names below.
	Name      string `json:"name"`
	Partition string `json:"partition"`
	// Offset is where it shows; of two, the lower.
	Offset int64 `json:"offset"`
	// Explain says in one sentence what contradicts what.
	Explain string `json:"explain"`
	// Ops are the operations that suffice for the contradiction.
	Ops []Evidence `json:"ops"`
}

func (v *Violation) String() string { return v.Name + " in " + v.Partition + ": " + v.Explain }

// The names of violations.
const (
	TwoValuesAtOffset    = "two-values-at-offset"
	ValueAtTwoOffsets    = "value-at-two-offsets"
	NeverSent            = "never-sent"
	FailedButRead        = "failed-but-read"
	ReadElsewhere        = "read-elsewhere-than-acknowledged"
	BatchTorn            = "batch-torn"               // a batch's values aren't at consecutive offsets, in order
	LengthInsideBatch    = "length-inside-batch"      // a tail or read shows a part of a batch as the log's end
	ReadOutOfOrder       = "read-out-of-order"        // offsets of a read go back, or begin below where it asked
	ReadSkipped          = "read-skipped"             // a read passed over an offset that holds a value
	ReadOverLimit        = "read-over-limit"          // more values than asked for
	AcknowledgedMissing  = "acknowledged-missing"     // an offset below a known one has no possible writer
	TailBeyondEnd        = "tail-beyond-end"          // a tail above all that can have been appended
	NotLinearizable      = "not-linearizable"         // order of two appends contradicts their offsets
	ReadBeforeAppend     = "read-before-append"       // shown before an append at or below it was called
	TailBeforeAppend     = "tail-before-append"       // counted before an append at or below it was called
	TailWentBack         = "tail-behind"              // a tail below what had been shown or acknowledged
	StartWentBack        = "log-start-behind"         // the log's start lies below what had been told or shown
	StartUnasked         = "log-start-unasked"        // the log's start is one that nobody had asked for
	StartBeyondEnd       = "log-start-beyond-end"     // the log's start lies above all that can have been appended
	TrimNotDone          = "trim-not-done"            // an acknowledged trim left the log's start below what it asked for
	LinearizableReadBack = "linearizable-read-behind" // a linearizable read that ends below it
)

// Evidence is an operation as far as a violation needs it.
type Evidence struct {
	ID      int64  `json:"id"`
	Client  int64  `json:"client"`
	Op      string `json:"op"`
	Call    int64  `json:"call"`
	Ret     *int64 `json:"ret,omitempty"` // absent if the outcome is unknown
	Outcome string `json:"outcome"`
	// Off is an append's known first offset, a tail's length, the log start told by a
	// trim or start, a read's from.
	Off *int64 `json:"off,omitempty"`
	// Count is the number of its values.
	Count int `json:"count"`
}

// finding identifies a violation, so that one cause is reported once.
type finding struct {
	name string
	op   int32
}

// violate records a violation, unless the same operation was blamed for the same
// thing before, or a value turns out to have been sent twice. ops[0] is the operation to blame; -1 stands for none.
func (p *part) violate(name string, off int64, ops []int32, format string, args ...any) {
	blame := finding{name, ops[0]}
	if p.blamed[blame] || !p.tell() {
		return
	}
	p.blamed[blame] = true
	p.report.Found++
	if len(p.report.Violations) == MaxViolations {
		return
	}
	v := Violation{Name: name, Partition: p.report.Partition, Offset: off, Explain: fmt.Sprintf(format, args...)}
	var told []int32
	for _, i := range ops {
		if i >= 0 && !slices.Contains(told, i) {
			told = append(told, i)
			v.Ops = append(v.Ops, p.evidence(i))
		}
	}
	p.report.Violations = append(p.report.Violations, v)
}

// undecided records, once each, why the partition cannot be judged.
func (p *part) undecided(format string, args ...any) {
	why := fmt.Sprintf(format, args...)
	if len(p.report.Undecided) < MaxViolations && !slices.Contains(p.report.Undecided, why) {
		p.report.Undecided = append(p.report.Undecided, why)
	}
}
