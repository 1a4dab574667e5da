package idempotent

import (
	"strings"

	"logd/checker"
)

// The anomalies.
const (
	BatchDoubled   = "batch-doubled"
	BatchReordered = "batch-reordered"
	SequenceTwice  = "sequence-twice"
	EpochBehind    = "epoch-behind"
)

// Family is the check as logcheck offers it. Histories in which no append names a producer it has nothing to say of.
var Family = checker.Family{
	Name:     "idempotent",
	Asks:     "is each batch of an idempotent producer in the log once, and do its batches stand in the order in which it sent them?",
	Optional: true,
	Anomalies: []checker.Anomaly{
		{Name: BatchDoubled, Means: "A value of an idempotent producer's batch is at two offsets: a retry was appended again.", Example: [2]string{
			`{"id":1,"op":"append","part":"p","call":1,"ret":2,"outcome":"ok","values":["a"],"off":0,"producer":7,"epoch":0,"seq":0}`,
			`{"id":2,"op":"read","part":"p","call":3,"ret":4,"outcome":"ok","from":0,"values":["a","a"]}`}},
		{Name: BatchReordered, Means: "Of two batches of one producer and epoch, that of the higher sequence is at the lower offset. Sequences go round at 2^31, and which of two is the higher one is told by the shorter way.", Example: [2]string{
			`{"id":1,"op":"append","part":"p","call":1,"ret":2,"outcome":"ok","values":["a"],"off":1,"producer":7,"epoch":0,"seq":0}`,
			`{"id":2,"op":"append","part":"p","call":1,"ret":2,"outcome":"ok","values":["b"],"off":0,"producer":7,"epoch":0,"seq":1}`}},
		{Name: SequenceTwice, Means: "Two batches of one producer and epoch are in the log, or are said to be, that share a sequence. Allowed if one of them is nowhere: a client may use the sequence of a batch again that was refused.", Example: [2]string{
			`{"id":1,"op":"append","part":"p","call":1,"ret":2,"outcome":"ok","values":["a","b"],"off":0,"producer":7,"epoch":0,"seq":0}`,
			`{"id":2,"op":"append","part":"p","call":3,"ret":4,"outcome":"ok","values":["c"],"off":2,"producer":7,"epoch":0,"seq":1}`}},
		{Name: EpochBehind, Means: "A batch of an older epoch of a producer stands behind one of a newer epoch: a zombie was not fenced.", Example: [2]string{
			`{"id":1,"op":"append","part":"p","call":1,"ret":2,"outcome":"ok","values":["a"],"off":0,"producer":7,"epoch":1,"seq":0}`,
			`{"id":2,"op":"append","part":"p","call":3,"ret":4,"outcome":"ok","values":["b"],"off":1,"producer":7,"epoch":0,"seq":5}`}},
	},
	Begin: func(checker.Header) checker.Judge { return &judge{logs: map[string]*partition{}} },
}

// judge collects, from the first append of a producer on (D4); all is judged at the end.
type judge struct {
	logs    map[string]*partition
	batches int64
}

func (j *judge) Complete(op *checker.Op) {
	switch op.Kind {
	case checker.Append:
		if op.Idempotent {
			j.batches++
			j.log(op.Partition).sent(op)
		}
	case checker.Read:
		if j.batches > 0 && op.Outcome == checker.OK {
			j.log(op.Partition).read(op)
		}
	case checker.Txn:
		for i := range op.Ops {
			in := op.Ops[i]
			in.ID, in.Client = op.ID, op.Client
			if in.Kind == checker.Append && op.Outcome == checker.Failed {
				in.Outcome = checker.Failed
			}
			if in.Kind != checker.Txn {
				j.Complete(&in)
			}
		}
	}
}

func (j *judge) log(name string) *partition {
	p := j.logs[name]
	if p == nil {
		name = strings.Clone(name)
		p = &partition{name: name, values: map[string]int32{}}
		j.logs[name] = p
	}
	return p
}
