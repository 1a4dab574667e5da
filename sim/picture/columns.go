package picture

// columns is what a page holds, as it is embedded: arrays by column, which pack well and are quick to read. Times are
// nanoseconds of the run's clock. What is called text or class is an index into Strings.
type columns struct {
	Title      string      `json:"title"`
	Verdict    string      `json:"verdict"` // valid or INVALID
	Command    string      `json:"command"` // makes this page
	Replay     string      `json:"replay"`  // tells the run again, with a line per event; may be empty
	Options    string      `json:"options"`
	End        int64       `json:"end"`
	Brokers    []int32     `json:"brokers"`
	Parts      []string    `json:"parts"`
	Clients    []int64     `json:"clients"`
	Violations []violation `json:"violations"`
	Bands      []*band     `json:"bands"`
	Progress   []*progress `json:"progress"`
	Ops        ops         `json:"ops"`
	Messages   messages    `json:"messages"`
	Disk       disk        `json:"disk"`
	Notes      notes       `json:"notes"`
	Strings    []string    `json:"strings"`
}

// violation is what a check found.
type violation struct {
	At      int64   `json:"at"`
	Name    string  `json:"name"`
	Text    string  `json:"text"`
	Ops     []int   `json:"ops"` // places in Ops, of those that suffice to show it
	Parts   []int   `json:"parts"`
	Brokers []int32 `json:"brokers"`
}

// band is one row of what lasts: a process, a disk's faults, a replica's role.
type band struct {
	Kind   string  `json:"kind"` // phase, process, disk, links or role
	Broker int32   `json:"broker"`
	Part   int     `json:"part"` // place in Parts, -1 if it's of none
	From   []int64 `json:"from"`
	To     []int64 `json:"to"`
	Class  []int   `json:"class"`
	Text   []int   `json:"text"`

	open bool // the last interval has no end yet
}

// progress is how far a replica was, at each change.
type progress struct {
	Broker int32    `json:"broker"`
	Part   int      `json:"part"`
	At     []int64  `json:"at"`
	Term   []uint64 `json:"term"`
	Commit []uint64 `json:"commit"`
	Stable []uint64 `json:"stable"` // highest index on its disk
	Start  []int64  `json:"start"`  // offsets: log start, high watermark, log end
	High   []int64  `json:"high"`
	LogEnd []int64  `json:"logEnd"`
}

// ops is what clients did. One that had not returned when the run ended has the outcome "running".
type ops struct {
	ID      []int64 `json:"id"` // in the history; 0 if that doesn't know it
	Client  []int   `json:"client"`
	Row     []int   `json:"row"` // of the client's
	Session []int64 `json:"session"`
	Kind    []int   `json:"kind"`
	Part    []int   `json:"part"`
	Broker  []int32 `json:"broker"` // that was asked; 0 if that isn't known
	Call    []int64 `json:"call"`
	Ret     []int64 `json:"ret"` // or when the client gave up
	Outcome []int   `json:"outcome"`
	Code    []int16 `json:"code"`
	From    []int64 `json:"from"` // of a read; what a trim asked for
	Off     []int64 `json:"off"`  // -1 if there is none
	Count   []int   `json:"count"`
	Values  []int   `json:"values"` // text
	Request []int   `json:"request"`
}

// messages are the envelopes between brokers.
type messages struct {
	From    []int32 `json:"from"`
	To      []int32 `json:"to"`
	At      []int64 `json:"at"`
	Arrives []int64 `json:"arrives"` // -1: dropped when it was sent
	Dropped []int   `json:"dropped"` // 1: when it was sent, or when it arrived
	Bytes   []int   `json:"bytes"`
	Class   []int   `json:"class"` // the rarest kind in it
	Text    []int   `json:"text"`
}

// disk is the operations on brokers' disks.
type disk struct {
	Broker []int32 `json:"broker"`
	Lane   []int   `json:"lane"`
	At     []int64 `json:"at"`
	Until  []int64 `json:"until"`
	Fails  []int   `json:"fails"`
	Text   []int   `json:"text"`
}

// notes are instants: faults, a story's lines, what brokers say.
type notes struct {
	At     []int64 `json:"at"`
	Broker []int32 `json:"broker"` // 0: all
	Class  []int   `json:"class"`
	Text   []int   `json:"text"`
}
