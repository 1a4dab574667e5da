package sim

import (
	"fmt"
	"hash/crc32"
	"io"
	"time"
)

// Trace is the running hash over every event of a world: equal seeds must end with equal hashes (W1). Only our own
// encodings go in, never another library's text (S14).
type Trace struct {
	hash   uint64
	events uint64
	text   io.Writer // nil unless lines were asked for
	tape   *tape     // nil unless the events themselves are wanted
	over   bool      // the tape has all that it wants
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// traceKind is a kind of traced event. The numbers are part of the hash only.
type traceKind uint8

const (
	traceTurn traceKind = iota + 1
	traceOutput
	traceEnvelope
	traceDrop
	traceBytes
	traceConn
	traceOp
	traceRead
	traceFault
	traceProcess
	traceClient
	tracePhase
	traceStory
)

var traceNames = [...]string{"", "turn", "output", "envelope", "drop", "bytes", "conn", "disk", "read", "fault", "process", "client", "phase", "story"}

// add folds one event into the hash.
func (t *Trace) add(at time.Duration, m traceKind, who int, a, b uint64) {
	t.events++
	h := mix64(t.hash ^ uint64(at))
	h = mix64(h ^ uint64(m)<<56 ^ uint64(uint32(who))<<24 ^ a)
	t.hash = mix64(h ^ b)
	if t.tape != nil && !t.tape.add(taped{at: at, mark: m, who: int32(who), a: a, b: b}) {
		t.over = true
	}
}

// bytes folds one event with its bytes into the hash, and returns their checksum.
func (t *Trace) bytes(at time.Duration, m traceKind, who int, a uint64, p []byte) uint32 {
	sum := crc32.Checksum(p, castagnoli)
	t.add(at, m, who, a, uint64(len(p))<<32|uint64(sum))
	return sum
}

// verbose tells whether lines are wanted: callers ask before they format (a trace costs no text unless asked for).
func (t *Trace) verbose() bool { return t.text != nil }

// line writes one line for people.
func (t *Trace) line(at time.Duration, m traceKind, format string, args ...any) {
	fmt.Fprintf(t.text, "%12.6f %-8s %s\n", at.Seconds(), traceNames[m], fmt.Sprintf(format, args...))
}

// mix64 is splitmix64's finalizer.
func mix64(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
