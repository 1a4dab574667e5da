package log

import (
	"fmt"
	"maps"
	"slices"
)

// WALReport is what is in a shard's WAL, and what a recovery would make of it.
type WALReport struct {
	Files  []WALFile
	Writes []WriteGroup // those that count, oldest first, and a torn one; if none can be said to count, all that are seen
	Groups []Group      // as [Recovered].Groups
	Damage []Damage     // as [Recovered].Damage
	Cut    string       // as [Recovered].Cut
	Lost   error        // not nil: what Open would return; it wraps [ErrVotesLost]
}

// WALFile is one file.
type WALFile struct {
	Slot     int
	Name     string
	Size     int64
	Header   string // what is wrong with it, or why the file can't be opened; empty if nothing is
	From, To uint64 // write groups that were seen in it, lowest and highest; 0 if there are none
	Bad      []int  // sectors that prove nothing, whether or not they count
}

// WriteGroup is one write group.
type WriteGroup struct {
	Number  uint64
	Floor   uint64 // the oldest write group that counts, as this one says
	File    string
	Byte    int64
	Blocks  int
	Fate    string // "whole", "damaged" (nothing is lost), "one directory", "holes", "torn" or "lost"
	Bad     []int  // sectors of the file that aren't as they were written
	Records []WALRecord
}

// WALRecord is one record's header.
type WALRecord struct {
	Kind              string
	Group             uint64
	Index, Term, Hash uint64 // of a state: commit, term, vote
	Type              EntryType
	Length            uint32
	CRC               uint32
	Lost              bool // its bytes are
}

// InspectWAL reads a shard's WAL as [Open] does, and changes nothing: it doesn't write, create or sync. It knows nothing of
// segments. The error is of options, or of a header that says that this is another's, see [ErrForeign] and [ErrVersion].
func InspectWAL(fsys FS, id Identity, opt Options) (WALReport, error) {
	if err := opt.Check(); err != nil {
		return WALReport{}, err
	}
	w, err := scanWAL(fsys, id, opt)
	if err != nil {
		return WALReport{}, err
	}
	defer w.close()
	rep := WALReport{}
	for slot := range w.files {
		rep.Files = append(rep.Files, w.reportFile(slot))
	}
	v, err := w.judge()
	if err != nil {
		rep.Lost = err
		for _, number := range slices.Sorted(maps.Keys(w.extents)) {
			rep.Writes = append(rep.Writes, w.reportGroup(w.guess(number), ""))
		}
		return rep, nil
	}
	r, losses, err := w.replay(&v)
	for _, l := range v.chain {
		rep.Writes = append(rep.Writes, w.reportGroup(l, ""))
	}
	if v.cut != nil {
		rep.Writes = append(rep.Writes, w.reportGroup(v.cut, "torn"))
	}
	if rep.Lost = err; err != nil {
		return rep, nil
	}
	for i := range losses {
		rep.lose(&losses[i])
	}
	rep.Cut, rep.Damage = v.text(), w.damages(&v, losses, r)
	for _, id := range r.ids {
		rep.Groups = append(rep.Groups, r.groups[id].group())
	}
	return rep, nil
}

func (w *walScan) reportFile(slot int) WALFile {
	f := &w.files[slot]
	is := WALFile{Slot: slot, Name: walName(slot), Size: f.size, Header: f.header}
	if f.err != nil {
		is.Header = f.err.Error()
	}
	for i, number := range w.sectors[slot] {
		switch {
		case number == rotten || number == unread:
			is.Bad = append(is.Bad, i)
		case number == absent || number == 0:
		default:
			if is.From == 0 || number < is.From {
				is.From = number
			}
			is.To = max(is.To, number)
		}
	}
	return is
}

func (w *walScan) reportGroup(l *loaded, fate string) WriteGroup {
	is := WriteGroup{Number: l.number, File: walName(l.slot), Byte: int64(l.start) * sectorSize, Blocks: (l.end - l.start) / blockSectors, Bad: l.bad, Fate: fate}
	d := l.dir()
	switch {
	case fate != "":
	case d == nil:
		is.Fate = "lost"
	case l.dirs[0] == nil || l.dirs[1] == nil:
		is.Fate = "one directory"
	case len(l.bad) > 0:
		is.Fate = "damaged"
	default:
		is.Fate = "whole"
	}
	if d == nil {
		return is
	}
	is.Floor = d.floor
	at := d.sum.dirLen()
	for i := range d.records {
		h := &d.records[i]
		rec := WALRecord{Kind: h.kind.String(), Group: h.group, Index: h.index, Term: h.term, Hash: h.hash, Type: h.typ, Length: h.size(), CRC: h.crc, Lost: h.kind == kindLost}
		if !h.kind.inline() {
			rec.Lost = rec.Lost || l.lost(at, int64(h.length))
			at += int64(h.length)
		}
		is.Records = append(is.Records, rec)
	}
	return is
}

// lose marks the record of a lost payload, and its write group.
func (rep *WALReport) lose(loss *lostRecord) {
	for i := range rep.Writes {
		g := &rep.Writes[i]
		if g.Number != loss.l.number {
			continue
		}
		if g.Fate != "one directory" {
			g.Fate = "holes"
		}
		g.Records[loss.record].Lost = true
	}
}

func (s WALFile) String() string {
	return fmt.Sprintf("%s: %d bytes, write groups %d to %d, %d bad sectors %s", s.Name, s.Size, s.From, s.To, len(s.Bad), s.Header)
}
