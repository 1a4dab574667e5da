package second

import (
	"hash/fnv"
	"math"
	"time"

	"github.com/anishathalye/porcupine"

	"logd/checker"
)

// PorcupineLimit is the largest number of operations of a partition that
// Porcupine is asked about.
const PorcupineLimit = 3000

// Porcupine asks porcupine, giving it timeout for each partition. Running out of
// it is no opinion.
func Porcupine(h checker.History, timeout time.Duration) Opinion {
	return PorcupineUpTo(h, timeout, PorcupineLimit)
}

// PorcupineUpTo is Porcupine with another limit.
func PorcupineUpTo(h checker.History, timeout time.Duration, limit int) Opinion {
	return judge("porcupine", h, limit, func(ops []checker.Op) checker.Verdict {
		switch porcupine.CheckOperationsTimeout(logModel, operations(ops), timeout) {
		case porcupine.Ok:
			return checker.Valid
		case porcupine.Illegal:
			return checker.Invalid
		}
		return checker.Undecided
	})
}

// record is a log as its last record: one pointer, however long the log is, and
// shared by all logs that continue it. The hash chains the values of the whole
// log, so two logs are equal if their lengths and hashes are.
//
//	nil ◄── "a" 1 h1 ◄── "b" 2 h2 ◄── "c" 3 h3
//	                         ▲
//	                         └────── "d" 3 h3'
type record struct {
	before *record
	value  string
	length int64
	hash   uint64
}

func (r *record) len() int64 {
	if r == nil {
		return 0
	}
	return r.length
}

func (r *record) sum() uint64 {
	if r == nil {
		return 0
	}
	return r.hash
}

func (r *record) append(v string) *record {
	return &record{before: r, value: v, length: r.len() + 1, hash: chain(r.sum(), v)}
}

func chain(before uint64, v string) uint64 {
	f := fnv.New64a()
	var b [8]byte
	for i := range b {
		b[i] = byte(before >> (8 * i))
	}
	f.Write(b[:])
	f.Write([]byte(v))
	return f.Sum64()
}

// input is an operation, and for a read of a log's whole beginning the hash that
// such a log has.
type input struct {
	op   *checker.Op
	hash uint64
}

// operations puts ops in porcupine's form. What has no return comes last, where
// executing it disturbs nobody: that stands for never (O2).
func operations(ops []checker.Op) []porcupine.Operation {
	var out []porcupine.Operation
	for i := range ops {
		op := &ops[i]
		in := input{op: op}
		if op.Kind == checker.Read && op.From == 0 {
			for _, v := range op.Values {
				in.hash = chain(in.hash, v)
			}
		}
		ret := op.Ret
		if op.Outcome == checker.Unknown {
			ret = math.MaxInt64
		}
		out = append(out, porcupine.Operation{ClientId: i, Input: in, Call: op.Call, Return: ret})
	}
	return out
}

// state is a log, and where it begins.
type state struct {
	log   *record
	start int64
}

var logModel = porcupine.Model{
	Init: func() any { return state{} },
	Step: func(s, in, _ any) (bool, any) {
		return step(s.(state), in.(input))
	},
	Equal: func(a, b any) bool {
		x, y := a.(state), b.(state)
		return x.log.len() == y.log.len() && x.log.sum() == y.log.sum() && x.start == y.start
	},
	Hash: func(s any) uint64 { return s.(state).log.sum() ^ uint64(s.(state).start) },
}

func step(s state, in input) (bool, state) {
	op := in.op
	switch op.Kind {
	case checker.Append:
		if op.Outcome == checker.OK && s.log.len() != op.Off {
			return false, s
		}
		for _, v := range op.Values {
			s.log = s.log.append(v)
		}
		return true, s
	case checker.Tail:
		return s.log.len() == op.Off, s
	case checker.Trim:
		if op.From > s.log.len() {
			return op.Outcome == checker.Unknown, s // executing it last stands for never
		}
		s.start = max(s.start, op.From)
		return op.Outcome == checker.Unknown || s.start == op.Off, s
	case checker.Start:
		return s.start == op.Off, s
	}
	return shows(s, in), s
}

// shows reports whether a read may return what it returned.
func shows(s state, in input) bool {
	op, log := in.op, s.log
	n, from := int64(len(op.Values)), op.From
	if len(op.Offs) > 0 && op.Offs[0] > from {
		if from = op.Offs[0]; from > s.start {
			return false
		}
	}
	end := from + n
	if op.Limit > 0 && n > op.Limit || n > 0 && end > log.len() {
		return false
	}
	if op.Lin && (op.Limit == 0 || n < op.Limit) && end < log.len() {
		return false // it stopped short of the end, and nothing made it stop
	}
	for k, off := range op.Offs {
		if off != from+int64(k) {
			return false
		}
	}
	if from == 0 && end == log.len() {
		return log.sum() == in.hash
	}
	for log.len() > end {
		log = log.before
	}
	for k := n - 1; k >= 0; k-- {
		if log.value != op.Values[k] {
			return false
		}
		log = log.before
	}
	return true
}
