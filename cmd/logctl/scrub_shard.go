package main

import (
	"fmt"
	"time"

	"logd/broker"
)

// scrubSettle is how long answers about running hashes may take after the end of a pass.
const scrubSettle = time.Second

// scrubPhase is how far the scrub of a shard is.
//
//	asks ──► waits ──► begins ──► runs ──► settles ──► mends ──► over
//	          a pass of somebody else, who began before us: what it has read by then doesn't count
type scrubPhase int

const (
	scrubAsks scrubPhase = iota
	scrubWaits
	scrubBegins
	scrubRuns
	scrubSettles
	scrubMends
	scrubOver
)

// shardScrub is one shard's scrub as its reports tell.
type shardScrub struct {
	addr     string
	shard    int
	status   bool // only look
	patience time.Duration

	phase  scrubPhase
	boot   uint64 // of the process that reports; 0 before the first report
	report broker.ToolReport
	mended int       // replicas mended before we came
	pass   int       // how many were over when ours began
	since  time.Time // of the phase
	lost   int64     // what is damaged, in offsets and entries of the WAL
	shrunk time.Time // when that changed last
	why    string    // why it can't be reached; empty if it could
}

// begins says whether the next question asks for a pass.
func (t *shardScrub) begins() bool { return t.phase == scrubBegins }

// take takes a report, and says whether the scrub is over.
func (t *shardScrub) take(r broker.ToolReport, boot uint64, now time.Time) bool {
	if boot != t.boot { // the first, or the broker was started again: its pass is gone, and so are its counts
		t.boot, t.phase, t.mended = boot, scrubAsks, r.Mended
	}
	t.report = r
	if lost := lostIn(r); lost != t.lost || t.shrunk.IsZero() {
		t.lost, t.shrunk = lost, now
	}
	switch before := t.phase; {
	case t.status:
		t.phase = scrubOver
	case (before == scrubAsks || before == scrubWaits) && r.Running:
		t.phase = scrubWaits
	case before == scrubAsks || before == scrubWaits:
		t.phase = scrubBegins
	case before == scrubBegins:
		t.phase, t.pass = scrubRuns, r.Pass
	case before == scrubRuns && r.Pass > t.pass:
		t.phase, t.since = scrubSettles, now
	case before == scrubSettles && now.Sub(t.since) >= scrubSettle:
		t.phase, t.shrunk = scrubMends, now
	}
	if t.phase == scrubMends && (len(r.Damaged) == 0 || now.Sub(t.shrunk) >= t.patience) {
		t.phase = scrubOver
	}
	return t.phase == scrubOver
}

// lostIn counts what is damaged.
func lostIn(r broker.ToolReport) int64 {
	n := int64(0)
	for _, d := range r.Damaged {
		n += int64(d.Entries)
		for _, g := range d.Ranges {
			n += g.To - g.From
		}
	}
	return n
}

// name is the broker's number where it is known.
func (t *shardScrub) name() string {
	if t.boot == 0 {
		return t.addr
	}
	return fmt.Sprintf("broker %d", t.report.Broker)
}

// state is the scrub's state in a few words.
func (t *shardScrub) state() string {
	r := &t.report
	read := fmt.Sprintf("%s of %s", size(r.Done), size(r.Bytes))
	switch {
	case t.why != "":
		return t.why
	case t.boot == 0:
		return "no answer yet"
	case t.phase == scrubWaits:
		return "another pass runs: " + read
	case t.phase == scrubRuns || r.Running:
		return read + found(r.Found)
	case len(r.Damaged) > 0:
		return fmt.Sprintf("%s damaged, %s missing", plural(int64(len(r.Damaged)), "replica"), plural(t.lost, "record"))
	}
	return "done"
}

func found(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(", %d damaged", n)
}

// size is a number of bytes for people.
func size(n int64) string {
	const units = "kMGTPE"
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	unit := 0
	for n >= 999_950 {
		n, unit = n/1000, unit+1
	}
	return fmt.Sprintf("%d.%d %cB", (n+50)/1000, (n+50)%1000/100, units[unit])
}
