package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"sort"
	"strings"
)

// fewLines is up to how many results are printed one by one when stdin is no terminal.
const fewLines = 10

// produceReport tells what became of the lines: each one for a human at a terminal or a few, a summary otherwise, all
// of them with --json. What failed is always named by line.
type produceReport struct {
	app   *app
	out   *bufio.Writer
	each  bool    // print every result as it comes
	early []*line // the first few, until it's known whether there are more
	count map[fate]int64
	parts map[int32]*partRange
	bad   []*badLines // of the chunk being added
	said  int         // how many of those were printed
}

// partRange is the offsets that were given out in one partition.
type partRange struct{ first, last, n int64 }

// badLines are the lines of a chunk that failed in the same way.
type badLines struct {
	fate   fate
	why    string
	n      int64
	ranges [][2]int64 // the first few runs of line numbers
	last   int64
}

// maxRanges bounds the line numbers in one line about a failure.
const maxRanges = 8

func (b *badLines) add(number int64) {
	b.n++
	if k := len(b.ranges); k > 0 && b.ranges[k-1][1]+1 == number {
		b.ranges[k-1][1] = number
	} else if k < maxRanges {
		b.ranges = append(b.ranges, [2]int64{number, number})
	}
	b.last = number
}

// producedJSON is one line of `topic produce --json`.
type producedJSON struct {
	Line      int64  `json:"line"`
	Status    string `json:"status"`
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Offset    *int64 `json:"offset"`
	Timestamp int64  `json:"timestamp_ms"`
	Error     string `json:"error,omitempty"`
}

func newProduceReport(a *app) *produceReport {
	return &produceReport{app: a, out: bufio.NewWriter(a.out), each: a.json || terminal(a.in),
		count: make(map[fate]int64), parts: make(map[int32]*partRange)}
}

func (f fate) String() string {
	return [...]string{"pending", "stored", "sent", "refused", "unclear"}[f]
}

// maxSaid bounds the lines about failures; the last line of the command counts them all.
const maxSaid = 20

// add takes in a decided chunk, names what failed, and shows the rest if nothing more is waiting to be sent.
func (p *produceReport) add(chunk []*line, show bool) error {
	for _, l := range chunk {
		if l.fate == pending {
			panic(fmt.Sprintf("invariant C5: line %d was sent and has no fate", l.number))
		}
		p.count[l.fate]++
		p.note(l)
		switch {
		case p.each:
			p.print(l)
		case p.total() <= fewLines:
			p.early = append(p.early, l)
		default:
			p.early = nil
		}
	}
	for _, b := range p.bad {
		if p.said++; p.said <= maxSaid {
			p.app.note("%s", b)
		}
	}
	p.bad = p.bad[:0]
	if p.each && show {
		return p.out.Flush()
	}
	return nil
}

// stop ends the command where going on is pointless: interrupted, or a whole chunk refused for --timeout.
func (p *produceReport) stop(ctx context.Context, chunk []*line, held *line) error {
	last := chunk[len(chunk)-1].number
	if held != nil {
		last = held.number - 1
	}
	if ctx.Err() != nil {
		return fmt.Errorf("interrupted; no line after %d was sent", last)
	}
	for _, l := range chunk {
		if !l.gaveUp {
			return nil
		}
	}
	return fmt.Errorf("gave up (--timeout %v); no line after %d was sent", p.app.timeout, last)
}

func (p *produceReport) total() (n int64) {
	for _, c := range p.count {
		n += c
	}
	return n
}

// note keeps what the summary needs, in memory that doesn't grow with the number of good lines.
func (p *produceReport) note(l *line) {
	if l.fate == stored || l.fate == sent {
		r := p.parts[l.part]
		if r == nil {
			r = &partRange{first: l.offset}
			p.parts[l.part] = r
		}
		r.last = l.offset
		r.n++
		return
	}
	for _, b := range p.bad {
		if b.why == l.why && b.fate == l.fate {
			b.add(l.number)
			return
		}
	}
	b := &badLines{fate: l.fate, why: l.why}
	b.add(l.number)
	p.bad = append(p.bad, b)
}

func (p *produceReport) print(l *line) {
	if p.app.json {
		j := producedJSON{Line: l.number, Status: l.fate.String(), Topic: l.rec.Topic, Partition: l.part,
			Timestamp: l.rec.Timestamp.UnixMilli(), Error: l.why}
		if l.fate == stored {
			j.Offset = &l.offset
		}
		json.NewEncoder(p.out).Encode(j)
		return
	}
	switch l.fate {
	case stored:
		fmt.Fprintf(p.out, "Produced to partition %d at offset %d\n", l.part, l.offset)
	case sent:
		fmt.Fprintf(p.out, "Sent to partition %d; --acks 0 confirms nothing\n", l.part)
	}
}

// finish prints what is left to say and gives the command its exit: failed if any line is not known to be stored.
func (p *produceReport) finish(err error) error {
	if !p.each {
		p.summary()
	}
	if ferr := p.out.Flush(); err == nil {
		err = ferr
	}
	if p.said > maxSaid {
		p.app.note("and %s more", plural(int64(p.said-maxSaid), "failure"))
	}
	if err != nil {
		return err
	}
	if n := p.count[refused] + p.count[unclear]; n > 0 {
		return fmt.Errorf("%d stored, %d refused, %d unclear", p.count[stored]+p.count[sent], p.count[refused], p.count[unclear])
	}
	return nil
}

func (p *produceReport) summary() {
	for _, l := range p.early {
		p.print(l)
	}
	if len(p.early) > 0 || len(p.parts) == 0 {
		return
	}
	verb := "Produced"
	if p.count[sent] > 0 {
		verb = "Sent (--acks 0 confirms nothing)"
	}
	fmt.Fprintf(p.out, "%s %s\n\n", verb, plural(p.count[stored]+p.count[sent], "record"))
	t := newTable("PARTITION", "RECORDS", "FIRST-OFFSET", "LAST-OFFSET")
	var parts []int
	for part := range p.parts {
		parts = append(parts, int(part))
	}
	sort.Ints(parts)
	for _, part := range parts {
		r := p.parts[int32(part)]
		if p.count[sent] > 0 {
			t.add(part, r.n, "-", "-")
			continue
		}
		t.add(part, r.n, r.first, r.last)
	}
	t.print(p.out)
}

func (b *badLines) String() string {
	var text strings.Builder
	for i, r := range b.ranges {
		if i > 0 {
			text.WriteString(", ")
		}
		fmt.Fprint(&text, r[0])
		if r[1] > r[0] {
			fmt.Fprintf(&text, "-%d", r[1])
		}
	}
	if end := b.ranges[len(b.ranges)-1][1]; end < b.last {
		fmt.Fprintf(&text, " and more, to %d: %d lines", b.last, b.n)
	}
	what := "line "
	if b.n > 1 {
		what = "lines "
	}
	how := ": not stored: "
	if b.fate == unclear {
		how = ": outcome unclear: "
	}
	return what + text.String() + how + b.why
}
