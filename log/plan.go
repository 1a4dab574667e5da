package log

import "fmt"

// Lane is one of the two queues of disk work that a shard has; each has at most one plan outstanding, and nothing but
// completion orders one against the other.
type Lane uint8

const (
	// LaneWAL appends to and syncs WAL files that are already there. It is the only lane an acknowledgement waits for.
	LaneWAL Lane = iota
	// LaneFill prewrites, creates, renames, syncs directories, writes segments, trims.
	LaneFill
	// Lanes is the number of lanes.
	Lanes
)

func (l Lane) String() string {
	return [...]string{"wal", "fill"}[l]
}

// OpKind names a disk operation, so that any one can be failed by a short rule.
type OpKind uint8

const (
	OpCreate    OpKind = iota + 1 // create File
	OpMkdir                       // make directory File
	OpWrite                       // write Data at Off of File, as [WholeBlocks] says
	OpWriteSync                   // write Data at Off of File, stable when done
	OpSync                        // make File stable
	OpTruncate                    // set File's size to Off
	OpRename                      // rename File to To
	OpRemove                      // remove File
	OpSyncDir                     // make the names in directory File stable
)

var opNames = [...]string{"", "create", "mkdir", "write", "write-sync", "sync", "truncate", "rename", "remove", "sync-dir"}

func (k OpKind) String() string { return opNames[k] }

// Op is one operation on one named file. Data belongs to the driver until the plan's completion.
type Op struct {
	Kind OpKind
	File string
	To   string
	Off  int64
	Data []byte
}

func (o Op) String() string {
	switch o.Kind {
	case OpRename:
		return fmt.Sprintf("%s %s %s", o.Kind, o.File, o.To)
	case OpWrite, OpWriteSync:
		return fmt.Sprintf("%s %s %d+%d", o.Kind, o.File, o.Off, len(o.Data))
	case OpTruncate:
		return fmt.Sprintf("%s %s %d", o.Kind, o.File, o.Off)
	}
	return fmt.Sprintf("%s %s", o.Kind, o.File)
}

// Plan is disk work as data: the driver runs Ops in order, one at a time, stops at the first error, and reports one [Done].
type Plan struct {
	Lane Lane
	ID   uint64 // rises by one per lane
	Ops  []Op
}

// Done is the completion of a plan. Err is the first failed operation's error, and the operations after it did not run; Ran
// is the number of those before it. A driver passes an error on that wraps [ErrNoSpace] as such.
type Done struct {
	Lane Lane
	ID   uint64
	Ran  int // operations that succeeded; asked only if Err isn't nil
	Err  error
}

// Read asks the driver for Len bytes at Off of File; fewer come back where the file ends.
type Read struct {
	ID   uint64 // chosen by the caller
	File string
	Off  int64
	Len  int
	// First is the base offset of the batch at Off, as the index has it: base offsets lie outside of a batch's CRC.
	First int64
	// Brief says that the bytes are looked at in the turn that brings them, and no longer.
	Brief bool
}

// ReadDone is the completion of a [Read]. Data belongs to the shard from then on; if the read was Brief, until the end of the turn that
// brings it: then the driver may read into it again. Where Err is a device's, Data may have all that was asked for, with zeros where it
// couldn't be read.
type ReadDone struct {
	ID    uint64
	Data  []byte
	Brief bool
	Err   error
}

// Runner runs plans and reads against an [FS], keeping files open from one plan to the next. A driver has one per lane, used
// by one goroutine.
type Runner struct {
	// Keep is how many files are open at the most, but for those of a plan that are written and not synced yet.
	Keep  int
	fs    FS
	open  map[string]File
	dirty map[string]bool // written in this plan, and not synced since; asked only, never walked
}

// MaxOpen is how many files a runner keeps open, if it isn't told otherwise.
const MaxOpen = 256

// NewRunner returns a runner on fs.
func NewRunner(fs FS) *Runner {
	return &Runner{Keep: MaxOpen, fs: fs, open: map[string]File{}, dirty: map[string]bool{}}
}
