package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"logd/log"
)

// print writes tables for people.
func (r *inspected) print(w io.Writer) error {
	var b strings.Builder
	t := &table{}
	t.add("DIRECTORY", r.Directory)
	t.add("BROKER", r.Broker)
	t.add("INCARNATION", r.Incarnation)
	t.add("GENERATION", r.Generation)
	t.add("SPOKE", r.starts())
	t.add("JOINS", yesNo(r.Joins))
	if r.Moving != "" {
		t.add("MOVING", r.Moving+" is being set aside; the next start finishes it")
	}
	t.add("SHARDS", fmt.Sprintf("%d, each with a WAL of %d files of %d bytes", len(r.Shards), r.WALFiles, r.WALBytes))
	t.add("METADATA", r.Metadata)
	for _, is := range r.Aside {
		t.add("ASIDE", fmt.Sprintf("%s: %d files, %d bytes; of no use to the broker", is.Name, is.Files, is.Bytes))
	}
	for _, name := range r.Other {
		t.add("OTHER", name)
	}
	for _, p := range r.Problems {
		t.add("PROBLEM", p)
	}
	t.add("WHOLE", yesNo(r.Whole))
	t.print(&b)
	for i := range r.Shards {
		r.Shards[i].print(&b, r.shown)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// starts lists the generations of the starts that spoke.
func (r *inspected) starts() string {
	var all []string
	for _, s := range r.Spoke {
		all = append(all, fmt.Sprint(s.Generation))
	}
	if r.Forgets > 0 {
		all = append([]string{fmt.Sprintf("(%d and before: forgotten)", r.Forgets)}, all...)
	}
	if len(all) == 0 {
		return "-"
	}
	return strings.Join(all, " ")
}

func (s *inspectedShard) print(b *strings.Builder, f inspectFlags) {
	fmt.Fprintf(b, "\n%s\n", strings.ToUpper(log.ShardDir(s.Shard)))
	files := &table{}
	files.add("FILE", "BYTES", "WRITE GROUPS", "COUNT", "BAD SECTORS", "HEADER")
	for _, is := range s.Files {
		files.add(is.Name, is.Bytes, span(is.From, is.To), is.Writes, runs(is.Bad), is.Header)
	}
	files.print(b)
	if s.Cut != "" {
		fmt.Fprintf(b, "TORN     %s\n", strings.ReplaceAll(s.Cut, "it was erased", "a start erases it"))
	}
	for _, d := range s.Damage {
		fmt.Fprintf(b, "DAMAGED  %s\n", strings.ReplaceAll(d.text, ": "+log.FateHealed.String(), ": a start heals it"))
	}
	if s.Lost != "" {
		fmt.Fprintf(b, "LOST     %s\n         a start sets this incarnation aside, and the broker joins again with nothing\n", s.Lost)
	}
	if f.wal {
		s.printRecords(b)
	}
	s.printGroups(b)
	s.printSegments(b)
}

func (s *inspectedShard) printRecords(b *strings.Builder) {
	t := &table{}
	t.add("FILE", "BYTE", "WRITE GROUP", "FATE", "KIND", "GROUP", "INDEX", "TERM", "TYPE", "LENGTH", "CRC", "HASH")
	for _, w := range s.Writes {
		if len(w.Records) == 0 {
			t.add(w.File, w.Byte, w.Number, w.Fate, "-", "-", "-", "-", "-", "-", "-", "-")
		}
		for _, rec := range w.Records {
			fate, hash := w.Fate, rec.Hash
			if rec.Lost {
				fate = "lost"
			}
			if rec.Vote != "" {
				hash = "vote " + rec.Vote
			}
			t.add(w.File, w.Byte, w.Number, fate, rec.Kind, rec.Group, rec.Index, rec.Term, dash(rec.Type), rec.Length, dash(rec.CRC), hash)
		}
	}
	b.WriteByte('\n')
	t.print(b)
}

func (s *inspectedShard) printGroups(b *strings.Builder) {
	t := &table{}
	t.add("GROUP", "PARTITION", "TERM", "VOTE", "COMMIT", "MARK", "OFFSETS", "WAL ENTRIES", "SEGMENTS", "BYTES", "HOLES")
	for i := range s.Groups {
		g := &s.Groups[i]
		var bytes int64
		for _, is := range g.Segments {
			bytes += is.Bytes
		}
		state := []any{g.Term, g.Vote, g.Commit, g.Mark.Index, fmt.Sprintf("%d-%d", g.Mark.LogStart, g.Mark.LogEnd), span(g.First, g.Last)}
		switch {
		case g.Dropped:
			state = []any{"dropped", "-", "-", "-", "-", "-"}
		case !g.Known:
			state = []any{"?", "?", "?", "?", "?", "?"}
		}
		var holes []int
		for _, h := range g.Holes {
			holes = append(holes, int(h.Index))
		}
		t.add(slices.Concat([]any{g.Group, g.Partition}, state, []any{len(g.Segments), bytes, runs(holes)})...)
	}
	if len(t.rows) > 1 {
		b.WriteByte('\n')
		t.print(b)
	}
}

func (s *inspectedShard) printSegments(b *strings.Builder) {
	t := &table{}
	t.add("GROUP", "SEGMENT", "END", "BYTES", "MAX TIMESTAMP", "BATCHES", "INDEX")
	var wrong []string
	for i := range s.Groups {
		g := &s.Groups[i]
		for j := range g.Segments {
			is := &g.Segments[j]
			index := is.Index
			if is.Index == "none" {
				index = "open"
			}
			batches := "-"
			if is.Batches > 0 {
				batches = fmt.Sprint(is.Batches)
			}
			t.add(g.Group, is.Base, is.End, is.Bytes, stamp(is.MaxTimestamp), batches, index)
			for _, d := range is.Damage {
				wrong = append(wrong, fmt.Sprintf("DAMAGED  %s byte %d, %d bytes, offsets %d-%d: %s", d.File, d.Byte, d.Bytes, d.Lost.From, d.Lost.To-1, d.Found))
			}
			if is.Mending {
				wrong = append(wrong, fmt.Sprintf("MENDING  group %d segment %d: a repair was cut short; a start writes the segment anew", g.Group, is.Base))
			}
			if is.Tail > 0 {
				wrong = append(wrong, fmt.Sprintf("TORN     group %d segment %d: %d bytes at its end, behind all that counts; a start cuts them", g.Group, is.Base, is.Tail))
			}
		}
		for _, m := range g.Missing {
			wrong = append(wrong, fmt.Sprintf("MISSING  group %d %s offsets %d-%d", g.Group, g.Partition, m.From, m.To-1))
		}
		for _, name := range g.Other {
			wrong = append(wrong, fmt.Sprintf("OTHER    group %d: %s", g.Group, name))
		}
	}
	if len(t.rows) > 1 || len(wrong) > 0 {
		b.WriteByte('\n')
		t.print(b)
	}
	for _, line := range wrong {
		fmt.Fprintln(b, line)
	}
}

// runs shows rising numbers: 3-5,9.
func runs(ns []int) string {
	const show = 6
	var out []string
	for i := 0; i < len(ns); {
		j := i
		for j+1 < len(ns) && ns[j+1] == ns[j]+1 {
			j++
		}
		if i == j {
			out = append(out, fmt.Sprint(ns[i]))
		} else {
			out = append(out, fmt.Sprintf("%d-%d", ns[i], ns[j]))
		}
		i = j + 1
	}
	if len(out) > show {
		out = append(out[:show], fmt.Sprintf("... %d in all", len(ns)))
	}
	return dash(strings.Join(out, ","))
}

func span(from, to uint64) string {
	if to == 0 {
		return "-"
	}
	return fmt.Sprintf("%d-%d", from, to)
}

func stamp(ms int64) string {
	if ms < 0 {
		return "-"
	}
	return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z")
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// table is rows aligned by spaces; the last column is never padded.
type table struct{ rows [][]string }

func (t *table) add(cells ...any) {
	row := make([]string, len(cells))
	for i, c := range cells {
		row[i] = fmt.Sprint(c)
	}
	t.rows = append(t.rows, row)
}

func (t *table) print(b *strings.Builder) {
	var width []int
	for _, r := range t.rows {
		for i, c := range r {
			if i == len(width) {
				width = append(width, 0)
			}
			width[i] = max(width[i], utf8.RuneCountInString(c))
		}
	}
	for _, r := range t.rows {
		for i, c := range r {
			b.WriteString(c)
			if i < len(r)-1 {
				b.WriteString(strings.Repeat(" ", width[i]-utf8.RuneCountInString(c)+2))
			}
		}
		b.WriteByte('\n')
	}
}
