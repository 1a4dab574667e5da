package log

import "fmt"

// minFileBlocks is the fewest blocks of a WAL file that leave room for state, copies and one write group.
const minFileBlocks = 32

// Options are the sizes of a store. All are fixed in the data directory at first start, but SegmentBytes and IndexBytes.
type Options struct {
	WALFiles     int   // at least 2
	WALFileBytes int64 // a multiple of BlockSize, at least 32 blocks
	GroupBytes   int   // most bytes of one write group of several records, a multiple of BlockSize, at least 2 blocks
	SegmentBytes int64 // a segment is closed once it is at least this long
	IndexBytes   int   // a sparse index entry each so many bytes
}

// Check says what is wrong with the sizes, in one line.
func (o Options) Check() error {
	switch {
	case o.WALFiles < 2 || o.WALFiles > 1<<16:
		return fmt.Errorf("options: %d WAL files, expected 2 to %d", o.WALFiles, 1<<16)
	case o.WALFileBytes%BlockSize != 0 || o.WALFileBytes < minFileBlocks*BlockSize || o.WALFileBytes > 1<<36:
		return fmt.Errorf("options: WAL files of %d bytes, expected a multiple of %d from %d to %d", o.WALFileBytes, BlockSize, minFileBlocks*BlockSize, int64(1)<<36)
	case o.GroupBytes%BlockSize != 0 || o.GroupBytes < 2*BlockSize || int64(o.GroupBytes) > o.WALFileBytes:
		return fmt.Errorf("options: write groups of %d bytes, expected a multiple of %d from %d to a WAL file's %d", o.GroupBytes, BlockSize, 2*BlockSize, o.WALFileBytes)
	case o.SegmentBytes < 1:
		return fmt.Errorf("options: segments of %d bytes, expected at least 1", o.SegmentBytes)
	case o.IndexBytes < 1:
		return fmt.Errorf("options: an index entry each %d bytes, expected at least 1", o.IndexBytes)
	}
	return nil
}

// fileBlocks is the number of blocks of one WAL file, its header included.
func (o Options) fileBlocks() int { return int(o.WALFileBytes / BlockSize) }

// MaxEntry returns the most bytes of one entry's Data: a quarter of a WAL file, so that one such entry, as much again in
// copies of uncommitted entries, and the state of all groups always fit a file. It is also the most that may stay
// uncommitted at once, all groups of a store together, if appends are never to wait for ever (S10).
func MaxEntry(o Options) int {
	return (o.fileBlocks()-1)/4*blockPayload - 2*int(sum{n: 1}.dirLen()) - trailerSize
}

// StateLimit returns the most bytes of WAL that metas, states and marks of all groups should take together, see
// [Sizes].State: they are written anew at the head of each WAL file.
func StateLimit(o Options) int64 { return o.WALFileBytes / 8 }
