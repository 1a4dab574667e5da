package log

// WALReport is what is in a shard's WAL, and what a recovery would make of it.
type WALReport struct {
	Files  []WALFile
	Writes []WriteGroup // those that count, oldest first, and what stands behind them
	Groups []Group      // as [Recovered].Groups
	Damage []Damage     // as [Recovered].Damage
	Cut    string       // as [Recovered].Cut
	Lost   error        // not nil: what Open would return, it wraps [ErrDamaged]
}

// WALFile is one file.
type WALFile struct {
	Name     string
	Size     int64
	Header   string // "good", or what is wrong with it
	From, To uint64 // write groups that were seen in it, lowest and highest; 0 if there are none
	Bad      []int  // sectors of write groups that count which aren't as they were written
}

// WriteGroup is one write group.
type WriteGroup struct {
	Number  uint64
	Floor   uint64
	File    string
	Byte    int64
	Blocks  int
	Fate    string // "whole", "one directory", "holes", "torn" or "lost"
	Bad     []int  // sectors, counted from the file's beginning
	Records []WALRecord
}

// WALRecord is one record's header.
type WALRecord struct {
	Kind              string
	Group             uint64
	Index, Term, Hash uint64 // of a state: commit, term, vote
	Type              EntryType
	Length            uint32
	Lost              bool // its payload is
}

// InspectWAL reads a shard's WAL as [Open] does, and changes nothing: it doesn't write, create or sync. The error is of a
// header that says that this is another's, see [ErrForeign] and [ErrVersion].
func InspectWAL(fsys FS, id Identity, opt Options) (WALReport, error) {
	panic("log: inspection: not built yet")
}
