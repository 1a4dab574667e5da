package main

import (
	"fmt"
	"io"
	"strings"
)

// scrubReport is what `scrub` prints. Found is of the last pass; mended is since this command began, or, with --status, since the
// broker started; differ is since the broker started.
type scrubReport struct {
	Clean       bool               `json:"clean"`
	Shards      []scrubbedShard    `json:"shards"`
	Unreachable []unreachableShard `json:"unreachable"`
}

type scrubbedShard struct {
	Broker  int32            `json:"broker"`
	Shard   int              `json:"shard"`
	Running bool             `json:"running"`
	Passes  int              `json:"passes"`
	Done    int64            `json:"done_bytes"`
	Bytes   int64            `json:"bytes"`
	Found   int              `json:"found"`
	Mended  int              `json:"mended"`
	Differ  int              `json:"differ"`
	Damaged []damagedReplica `json:"damaged"`
}

type damagedReplica struct {
	Partition string        `json:"partition"`
	Group     uint64        `json:"group"`
	Entries   int           `json:"entries"`
	Ranges    []offsetRange `json:"ranges"`
	Asked     int           `json:"asked"`
}

// offsetRange goes from an offset to below another.
type offsetRange struct {
	From int64 `json:"from"`
	To   int64 `json:"to"`
}

type unreachableShard struct {
	Address string `json:"address"`
	Shard   int    `json:"shard"`
	Why     string `json:"why"`
}

func (s *scrubs) report() scrubReport {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := scrubReport{Shards: []scrubbedShard{}, Unreachable: []unreachableShard{}}
	for _, t := range s.sorted() {
		if t.why != "" || t.boot == 0 {
			out.Unreachable = append(out.Unreachable, unreachableShard{t.addr, t.shard, t.state()})
			continue
		}
		r := &t.report
		row := scrubbedShard{Broker: r.Broker, Shard: r.Shard, Running: r.Running, Passes: r.Pass, Done: r.Done, Bytes: r.Bytes, Found: r.Found,
			Mended: r.Mended, Differ: r.Differ, Damaged: []damagedReplica{}}
		if !t.status {
			row.Mended -= t.mended
		}
		for _, d := range r.Damaged {
			bad := damagedReplica{Partition: d.Partition, Group: d.Group, Entries: d.Entries, Ranges: []offsetRange{}, Asked: d.Asked}
			for _, g := range d.Ranges {
				bad.Ranges = append(bad.Ranges, offsetRange{g.From, g.To})
			}
			row.Damaged = append(row.Damaged, bad)
		}
		out.Shards = append(out.Shards, row)
	}
	out.Clean = len(out.Unreachable) == 0 && !out.bad()
	return out
}

// bad says whether something is damaged or differs.
func (r *scrubReport) bad() bool {
	for _, s := range r.Shards {
		if len(s.Damaged) > 0 || s.Differ > 0 {
			return true
		}
	}
	return false
}

func (r *scrubReport) exit(interrupted bool) error {
	switch {
	case r.bad() || interrupted:
		return failed()
	case len(r.Unreachable) > 0:
		return &exitError{code: exitUnreachable}
	}
	return nil
}

func (a *app) printScrub(r scrubReport) error {
	if a.json {
		return a.printJSON(r)
	}
	t := newTable("BROKER", "SHARD", "STATE", "PASSES", "BYTES", "FOUND", "MENDED", "DIFFER", "DAMAGED")
	bad := newTable("BROKER", "SHARD", "PARTITION", "GROUP", "ENTRIES", "ASKED", "OFFSETS")
	for _, s := range r.Shards {
		t.add(s.Broker, s.Shard, s.state(), s.Passes, size(s.Done), s.Found, s.Mended, s.Differ, len(s.Damaged))
		for _, d := range s.Damaged {
			bad.add(s.Broker, s.Shard, d.Partition, d.Group, d.Entries, d.Asked, offsets(d.Ranges))
		}
	}
	if len(t.rows) > 0 {
		t.print(a.out)
	}
	if len(bad.rows) > 0 {
		fmt.Fprintln(a.out)
		bad.print(a.out)
	}
	for _, u := range r.Unreachable {
		a.note("%s shard %d can't be reached: %s; is it a peer address, and is the broker up?", u.Address, u.Shard, u.Why)
	}
	return nil
}

func (s *scrubbedShard) state() string {
	switch {
	case s.Differ > 0:
		return "differs"
	case len(s.Damaged) > 0:
		return "damaged"
	case s.Running:
		return fmt.Sprintf("%d %%", min(99, s.Done*100/max(1, s.Bytes)))
	}
	return "whole"
}

// offsets is the first few ranges: first and last offset of each.
func offsets(ranges []offsetRange) string {
	const show = 4
	var texts []string
	for _, r := range ranges[:min(show, len(ranges))] {
		texts = append(texts, fmt.Sprintf("%d-%d", r.From, r.To-1))
	}
	if len(ranges) > show {
		texts = append(texts, fmt.Sprintf("and %d more", len(ranges)-show))
	}
	return strings.Join(texts, ", ")
}

// screen shows a few lines at a terminal, each time in the place of the last; elsewhere nothing.
type screen struct {
	w     io.Writer
	on    bool
	lines int
}

func newScreen(w io.Writer) *screen { return &screen{w: w, on: terminal(w)} }

func (s *screen) draw(lines []string) {
	if !s.on {
		return
	}
	var b strings.Builder
	if s.lines > 0 {
		fmt.Fprintf(&b, "\x1b[%dA\x1b[J", s.lines) // up, and erase to the end
	}
	for _, l := range lines {
		b.WriteString(l + "\n")
	}
	io.WriteString(s.w, b.String())
	s.lines = len(lines)
}
