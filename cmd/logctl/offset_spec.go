package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A place in a partition, as --offset names it.
type place struct {
	kind placeKind
	n    int64 // an offset, a count of records, or milliseconds since 1970
}

type placeKind uint8

const (
	placeStart    placeKind = iota // the oldest record kept
	placeEnd                       // behind the newest committed record
	placeOffset                    // offset n
	placeFromEnd                   // n records before the end
	placeFromHead                  // n records after the start
	placeTime                      // the first record stamped at or after n
)

// span is what --offset asks for; to is nil when it names only a beginning.
type span struct {
	from place
	to   *place
}

// parseSpan reads PLACE or [PLACE]:[PLACE] (the second excluded), a place being start, end, N, -N, +N or @TIME.
// Times contain colons, so a range is split where both sides parse.
func parseSpan(s string, now time.Time) (span, error) {
	if p, err := parsePlace(s, now); err == nil {
		return span{from: p}, nil
	}
	for i := 0; i < len(s); i++ {
		if s[i] != ':' {
			continue
		}
		from, to := place{kind: placeStart}, place{kind: placeEnd}
		var err1, err2 error
		if s[:i] != "" {
			from, err1 = parsePlace(s[:i], now)
		}
		if s[i+1:] != "" {
			to, err2 = parsePlace(s[i+1:], now)
		}
		if err1 == nil && err2 == nil {
			return span{from: from, to: &to}, nil
		}
	}
	return span{}, usagef("--offset %q is not understood; use start, end, 42, -10 (the last ten), +10, @2026-11-22T10:00:00Z, @-1h, "+
		"or a range such as 5:10, start:end or :end", s)
}

func parsePlace(s string, now time.Time) (place, error) {
	switch s {
	case "start", "beginning", "earliest":
		return place{kind: placeStart}, nil
	case "end", "latest":
		return place{kind: placeEnd}, nil
	case "":
		return place{}, fmt.Errorf("empty")
	}
	if s[0] == '@' {
		ms, err := parseTime(s[1:], now)
		return place{kind: placeTime, n: ms}, err
	}
	kind, digits := placeOffset, s
	switch s[0] {
	case '-':
		kind, digits = placeFromEnd, s[1:]
	case '+':
		kind, digits = placeFromHead, s[1:]
	}
	n, err := strconv.ParseUint(digits, 10, 63)
	return place{kind: kind, n: int64(n)}, err
}

// parseTime reads milliseconds since 1970, RFC 3339, a local date with or without a time, or a duration ago: -1h30m.
func parseTime(s string, now time.Time) (int64, error) {
	if strings.HasPrefix(s, "-") {
		d, err := time.ParseDuration(s)
		return now.Add(d).UnixMilli(), err
	}
	if ms, err := strconv.ParseUint(s, 10, 63); err == nil {
		return int64(ms), nil
	}
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return t.UnixMilli(), nil
	}
	for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, s, now.Location()); err == nil {
			return t.UnixMilli(), nil
		}
	}
	return 0, fmt.Errorf("time %q is not understood", s)
}

// at resolves a place in a partition that holds [start, end); byTime is the offset found for placeTime, -1 for none.
func (p place) at(start, end, byTime int64) int64 {
	switch p.kind {
	case placeStart:
		return start
	case placeEnd:
		return end
	case placeFromEnd:
		return max(start, end-p.n)
	case placeFromHead:
		return min(end, start+p.n)
	case placeTime:
		if byTime < 0 {
			return end
		}
		return byTime
	}
	return p.n
}
