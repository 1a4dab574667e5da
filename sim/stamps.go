package sim

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// A record's time follows from its value's name, so that whoever reads an answer can tell it. A client's times rise with its values, more
// or less: some are far ahead of those around them, some far behind, many are equal; and clients that send more are ahead of others.
const (
	stampLeast = 200_000 // of all, ms after epoch
	stampStep  = 20
	stampAway  = 4096 // how far the farthest are from where they would be
)

// stampOf is when a value says that it was made, in ms after epoch.
func stampOf(name string) int64 {
	hash := uint64(14695981039346656037)
	for _, c := range []byte(name) {
		hash = (hash ^ uint64(c)) * 1099511628211
	}
	hash = mix64(hash)
	_, count, _ := strings.Cut(name, ".")
	n, _ := strconv.ParseInt(count, 10, 32)
	away := int64(stampAway >> (hash >> 8 % 12)) // half of them by a few ms only
	if hash%16 != 0 {
		away = min(away, stampStep)
	}
	return stampLeast + n/4*4*stampStep + int64(hash>>32%uint64(2*away+1)) - away
}

// recordTime is that on the wire.
func recordTime(value string) int64 { return epoch + stampOf(value) }

// stamped is a record whose append was acknowledged.
type stamped struct {
	off   int64
	stamp int64
	at    time.Duration // when it was acknowledged
}

// stamps knows the times of the records of each partition.
type stamps struct {
	w    *World
	rows [][]stamped // as they were acknowledged
}

func newStamps(w *World) *stamps { return &stamps{w: w, rows: make([][]stamped, w.partitions())} }

// acknowledged: a batch of values is at an offset.
func (s *stamps) acknowledged(part int, off int64, values []string) {
	for i, v := range values {
		s.rows[part] = append(s.rows[part], stamped{off + int64(i), stampOf(v), s.w.now})
	}
}

// some is a time that is worth asking for: a record's, or one beside it.
func (s *stamps) some(part int, draw func(n int) int) int64 {
	rows := s.rows[part]
	if len(rows) == 0 {
		return stampLeast
	}
	return rows[draw(len(rows))].stamp + int64(draw(3)) - 1
}

// found is what a broker says that it found by time: no offset is -1.
type found struct{ off, stamp int64 }

// judge says what is wrong with an answer to who asked for the first record of a time at or after ts, or of the highest one, if newest.
// What was acknowledged before it was asked, and lies at or above any log start that a replica has applied by now, was there all the
// time. Of records whose append had no clear outcome, or was acknowledged meanwhile, it is known only what their time is if they are what
// was found; so they may stand before, and be newer than, what was found only where they aren't acknowledged. Empty: nothing is wrong.
func (s *stamps) judge(part int, ts int64, newest bool, sent time.Duration, is found) (why string, by stamped) {
	start := s.w.views.startOf(part)
	before := is.off
	if is.off < 0 {
		before = math.MaxInt64
	}
	if is.off >= 0 && !newest && is.stamp < ts {
		return "which is earlier", stamped{}
	}
	for _, r := range s.rows[part] {
		switch {
		case r.off == is.off && r.stamp != is.stamp:
			return "whose record has another time", r
		case r.at >= sent || r.off < start:
		case newest && (is.off < 0 || r.stamp > is.stamp):
			return "and there is a newer one", r
		case newest && r.stamp == is.stamp && r.off < before, !newest && r.stamp >= ts && r.off < before:
			return "and one before it does", r
		}
	}
	return "", stamped{}
}
