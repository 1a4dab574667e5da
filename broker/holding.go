package broker

// Holding is one thing that a shard keeps in memory, or of its WAL, for what is under way.
type Holding struct {
	What string
	Now  int64
	Most int64 // bound; -1: none of its own
	Idle bool  // there is none of it once no client is there and none has been for as long as a request may take
}

// Holdings of appends: those that wait do so until there is room among those that are proposed.
const (
	HoldsQueued      = "bytes that wait to be proposed"
	HoldsUncommitted = "bytes proposed and not committed"
)

// Holdings visits what this shard holds, as of its last turn. For the simulator, tests and metrics.
func (s *Shard) Holdings(visit func(Holding)) {
	l, z := &s.cfg.Limits, s.store.Sizes()
	asked, waiting, windows, reads := 0, len(s.ids.row), 0, len(s.reads)
	if s.scrub.reading { // a scrub reads all the time
		reads--
	}
	for _, p := range s.sorted {
		asked += len(p.reads.asked) + len(p.reads.waiting)
		waiting += len(p.watch) + len(p.trims) + len(p.queue) + len(p.twins)
		windows += p.g.Bytes()
	}
	for _, h := range [...]Holding{
		{"connections", int64(len(s.conns)), -1, true},
		{"requests", int64(len(s.requests)), -1, true},
		{"reads of segments", int64(reads), -1, true},
		{"read indexes asked for", int64(asked), -1, true},
		{"calls that wait for a partition or an id", int64(waiting), -1, true},
		{HoldsQueued, int64(s.queued), int64(l.QueueBytes + l.RequestBytes), true},
		{HoldsUncommitted, int64(s.uncommitted), int64(max(s.roomWAL, l.UncommittedBytes)), true},
		{"bytes of unfinished requests", int64(s.partial), int64(l.PartialBytes + len(s.conns)*(l.PartialBytes/16) + l.UncommittedBytes), true},
		{"bytes of windows", int64(windows), int64(2*l.WindowBytes) + z.WAL + int64(z.Staged), false}, // what can't be evicted is in the WAL, on its way, or kept for followers
		{"bytes staged", int64(z.Staged), z.WAL, false},
		{"bytes that live in the WAL", z.Live, z.WAL, false},
		{"bytes of state", z.State, z.StateLimit, false},
	} {
		visit(h)
	}
}
