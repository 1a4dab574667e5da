package main

import (
	"regexp"

	"logd/sim"
)

// causeOf is what two runs that fail for the same reason have in common: the check that fired, and its first line without what differs
// from run to run: numbers, times, which partition it was. That it was the metadata, or a group's partition, stays, and so does what a
// broker said.
//
//	recovered-short: orders/0: replica 20000000c of broker 2 held index 3 durably, committed, and comes back with 2
//	recovered-short: PARTITION: replica # of broker # held index # durably, committed, and comes back with #
func causeOf(v *sim.Violation) string {
	text := firstLine(v.Text)
	for _, r := range varies {
		text = r.what.ReplaceAllString(text, r.to)
	}
	return v.Name + ": " + text
}

// varies is what differs between runs that fail for the same reason, in the order in which it is replaced.
var varies = []struct {
	what *regexp.Regexp
	to   string
}{
	{regexp.MustCompile(`\b(orders|audit)/\d+`), "PARTITION"},
	{regexp.MustCompile(`\[[^\]]*\]`), "[#]"},
	{regexp.MustCompile(`\b(v\d+|-?(\d[\d.]*(ns|µs|ms|s|m|h))+|0x[0-9a-f]+|[0-9a-f]*\d[0-9a-f.]*)\b`), "#"},
	{regexp.MustCompile(`(\w+-)?#([,.:-]#)+`), "#"}, // 2.17, seed-3
}
