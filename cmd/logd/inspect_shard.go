package main

import (
	"fmt"
	"slices"

	"logd/broker"
	"logd/log"
	"logd/replica"
)

// metaGroup is the raft group of the metadata.
const metaGroup = 1

// shards reads all shards: first their WALs, one of which tells the partitions' names, then their segments.
func (r *inspected) shards(tree log.FS, dir log.Dir) error {
	opt := dir.Options
	opt.SegmentBytes, opt.IndexBytes = segmentBytes, indexBytes
	meta := broker.NewMeta()
	r.Metadata = "no replica of it here"
	for i := range dir.Shards {
		rep, err := log.InspectWAL(log.Sub(tree, log.ShardDir(i)), dir.Identity(i), opt)
		if err != nil {
			return fmt.Errorf("%s: %w", log.ShardDir(i), err)
		}
		r.Shards = append(r.Shards, inspectedShard{Shard: i, report: rep})
		if at := slices.IndexFunc(rep.Groups, func(g log.Group) bool { return g.ID == metaGroup && !g.Dropped }); at >= 0 {
			meta, r.Metadata = readMeta(&rep.Groups[at])
		}
	}
	for i := range r.Shards {
		s := &r.Shards[i]
		s.wal(r.shown)
		if err := s.groups(log.Sub(tree, log.ShardDir(i)), meta, r.shown); err != nil {
			return fmt.Errorf("%s: %w", log.ShardDir(i), err)
		}
	}
	return nil
}

// readMeta goes from the metadata's mark through what is committed behind it, as far as that can be read, and says how far that was.
func readMeta(g *log.Group) (*broker.Meta, string) {
	m := broker.NewMeta()
	if len(g.Mark.App) > 0 {
		var err error
		if m, err = broker.DecodeMeta(g.Mark.App); err != nil {
			return broker.NewMeta(), err.Error()
		}
	}
	lost := func(index uint64) bool {
		return slices.ContainsFunc(g.Holes, func(h log.Hole) bool { return h.Index == index })
	}
	for _, e := range g.Entries {
		switch {
		case e.Index > g.State.Commit || e.Index <= m.Index:
		case lost(e.Index):
			return m, fmt.Sprintf("read up to index %d of %d, what is behind is lost", m.Index, g.State.Commit)
		case e.Type == log.EntryBatch && len(e.Data) > 0:
			m, _ = m.Apply(e.Index, e.Data) // one that was refused changes nothing
		default:
			m = m.At(e.Index)
		}
	}
	return m, fmt.Sprintf("read up to index %d", m.Index)
}

// wal takes over what the WAL's report says.
func (s *inspectedShard) wal(f inspectFlags) {
	rep := &s.report
	s.Cut, s.Damage, s.Files = rep.Cut, []inspectedWrong{}, []inspectedFile{}
	if rep.Lost != nil {
		s.Lost = rep.Lost.Error()
	}
	for _, d := range rep.Damage {
		s.Damage = append(s.Damage, inspectedWrong{d.File, d.Byte, d.WriteGroup, d.Group, d.Index, d.Expected, d.Found, d.Fate.String(), d.String()})
	}
	for _, is := range rep.Files {
		file := inspectedFile{Name: is.Name, Bytes: is.Size, Header: is.Header, From: is.From, To: is.To, Bad: append([]int{}, is.Bad...)}
		if file.Header == "" {
			file.Header = "good"
		}
		for _, w := range rep.Writes {
			if w.File == is.Name {
				file.Writes++
			}
		}
		s.Files = append(s.Files, file)
	}
	if !f.wal {
		return
	}
	for _, w := range rep.Writes {
		is := inspectedWrite{Number: w.Number, Floor: w.Floor, File: w.File, Byte: w.Byte, Blocks: w.Blocks, Fate: w.Fate, Bad: append([]int{}, w.Bad...), Records: []inspectedRecord{}}
		for _, rec := range w.Records {
			if f.group == 0 || rec.Group == f.group {
				is.Records = append(is.Records, showRecord(rec))
			}
		}
		if f.group == 0 || len(is.Records) > 0 || len(w.Records) == 0 && w.Fate != "whole" {
			s.Writes = append(s.Writes, is)
		}
	}
}

func showRecord(rec log.WALRecord) inspectedRecord {
	is := inspectedRecord{Kind: rec.Kind, Group: rec.Group, Index: rec.Index, Term: rec.Term, Length: rec.Length, Lost: rec.Lost}
	if rec.Kind == "state" {
		is.Vote = voter(rec.Hash)
		return is
	}
	is.Hash = hex(rec.Hash)
	if rec.Length > 0 {
		is.CRC = fmt.Sprintf("%08x", rec.CRC)
	}
	switch rec.Kind {
	case "entry", "copy", "lost":
		is.Type = [...]string{log.EntryBatch: "batch", log.EntryConf: "conf", log.EntryConfV2: "conf"}[min(rec.Type, log.EntryConfV2)]
	}
	return is
}

// voter names a replica by its broker and its number.
func voter(id uint64) string {
	if id == 0 {
		return "-"
	}
	return fmt.Sprintf("%d:%d", replica.Broker(id), uint32(id))
}

// groups takes over the WAL's groups, and reads the segments of these, and of those that have some and aren't known to the WAL.
func (s *inspectedShard) groups(tree log.FS, meta *broker.Meta, f inspectFlags) error {
	s.Groups = []inspectedGroup{}
	ids, err := log.SegmentGroups(tree)
	if err != nil {
		return err
	}
	known := map[uint64]*log.Group{}
	for i := range s.report.Groups {
		g := &s.report.Groups[i]
		known[g.ID] = g
		ids = append(ids, g.ID)
	}
	slices.Sort(ids)
	for _, id := range slices.Compact(ids) {
		if f.group != 0 && id != f.group {
			continue
		}
		is := inspectedGroup{Group: id, Partition: partitionName(meta, id), Vote: "-", Holes: []inspectedHole{}, Segments: []inspectedSegment{}, Missing: []inspectedRange{}}
		var m log.Mark
		if g := known[id]; g != nil {
			is.take(g)
			m = g.Mark
		}
		rep, err := log.InspectSegments(tree, id, m, f.deep, nil)
		if err != nil {
			return err
		}
		is.segments(&rep)
		s.Groups = append(s.Groups, is)
	}
	return nil
}

func partitionName(meta *broker.Meta, group uint64) string {
	if group == metaGroup {
		return "metadata"
	}
	if t, n := meta.PartitionOf(group); t != nil {
		return fmt.Sprintf("%s/%d", t.Name, n)
	}
	return "?"
}

func (is *inspectedGroup) take(g *log.Group) {
	is.Known, is.Dropped, is.Term, is.Vote, is.Commit = true, g.Dropped, g.State.Term, voter(g.State.Vote), g.State.Commit
	m := &g.Mark
	is.Mark = inspectedMark{m.Index, m.Term, m.LogStart, m.LogEnd, hex(m.EntryHash), hex(m.BatchHash), len(m.App)}
	if n := len(g.Entries); n > 0 {
		is.First, is.Last = g.Entries[0].Index, g.Entries[n-1].Index
	}
	for _, h := range g.Holes {
		is.Holes = append(is.Holes, inspectedHole{h.Index, h.Term, h.Size, fmt.Sprintf("%08x", h.CRC)})
	}
}

func (is *inspectedGroup) segments(rep *log.SegmentsReport) {
	is.Other = rep.Other
	for _, r := range rep.Missing {
		is.Missing = append(is.Missing, inspectedRange{r.From, r.To})
	}
	for _, s := range rep.Segments {
		seg := inspectedSegment{s.Base, s.End, s.Size, s.MaxTimestamp, s.Closed, s.Index, s.Batches, s.Mending, s.Tail, []inspectedStretch{}}
		for _, d := range s.Damage {
			seg.Damage = append(seg.Damage, inspectedStretch{d.File, d.Byte, d.Bytes, inspectedRange{d.Offset.From, d.Offset.To}, d.Found})
		}
		is.Segments = append(is.Segments, seg)
	}
}
