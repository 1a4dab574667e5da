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

// Holdings visits what this shard holds, as of its last turn. For the simulator, tests and metrics. Every map, slice and heap that
// grows with what is under way is in one of the rows, or among those of TestWhatIsHeldIsCounted that have a bound of another kind.
func (s *Shard) Holdings(visit func(Holding)) {
	l, z, h, conns := &s.cfg.Limits, s.store.Sizes(), s.held(), int64(len(s.conns))
	for _, h := range [...]Holding{
		{"connections", conns, -1, true},
		{"places of responses", h.slots, conns * int64(l.ConnRequests), true},
		{"connections that are told in this turn to go on or to wait", int64(len(s.resumed) + len(s.turning)), 0, true},
		{"connections with a large unfinished request", int64(len(s.begun.large)), conns, true},
		{"requests", int64(len(s.requests)), -1, true},
		{"reads of segments", h.reads, -1, true},
		{"read indexes asked for", h.asked, -1, true},
		{"calls that wait for a partition or an id", h.waiting, -1, true},
		{"searches for timestamps", int64(len(s.scans.rows)), -1, true},
		{"commands forwarded", int64(len(s.forwards)), -1, true},
		{"entries proposed", h.pending, -1, true},
		{"calls of consumer groups", h.open, -1, true},
		{"calls of consumer groups that their machines have", h.tickets, h.open, true},
		{"steps of consumer groups that wait", h.steps, -1, true},
		{"writes of consumer groups", int64(len(s.writes)), -1, true},
		{"writes of consumer groups that their machines wait for", h.writes, int64(len(s.writes)), true},
		{"deadlines of consumer groups", h.clocks, h.mostClocks, false},
		{"deadlines", h.deadlines, -1, true},
		{"fetch sessions", int64(len(s.fetches.byID)), int64(l.Sessions), false},
		{"partitions of fetch sessions", h.rows, int64(l.SessionRows), false},
		{"producers turned away", h.turnedAway, int64(len(s.parts) * l.Producers), false},
		{"messages for other brokers", h.messages, -1, true},
		{"asks of followers that catch up", int64(len(s.catchup.row)), -1, true},
		{"groups that catch up", int64(len(s.catchup.asking)), int64(l.Transfers), false},
		{"groups to collect", int64(len(s.dirty)), -1, true},
		{"groups that wait for room to propose", int64(len(s.starved)), int64(len(s.parts)), true},
		{HoldsQueued, int64(s.queued), int64(l.QueueBytes + l.RequestBytes), true},
		{HoldsUncommitted, int64(s.uncommitted), int64(max(s.roomWAL, l.UncommittedBytes)), true},
		{"bytes of unfinished requests", int64(s.begun.bytes), int64(l.PartialBytes + min(len(s.conns), 8*begunShares)*(l.PartialBytes/begunShares) + l.UncommittedBytes), true},
		{"bytes of windows", h.windows, int64(2*l.WindowBytes) + z.WAL + int64(z.Staged), false}, // what can't be evicted is in the WAL, on its way, or kept for followers
		{"bytes staged", int64(z.Staged), z.WAL, false},
		{"bytes that live in the WAL", z.Live, z.WAL, false},
		{"bytes of state", z.State, z.StateLimit, false},
	} {
		visit(h)
	}
}

// held are the sums of [Shard.Holdings].
type held struct {
	slots, asked, waiting, pending, windows, turnedAway, rows, messages, reads int64

	open, tickets, steps, writes, clocks, mostClocks int64 // of consumer groups
	deadlines                                        int64 // but for the one of each coordinator, which has members
}

func (s *Shard) held() (h held) {
	h.reads, h.deadlines, h.waiting = int64(len(s.reads)), int64(s.timers.Len()), int64(len(s.ids.row))
	if s.scrub.reading { // a scrub reads all the time
		h.reads--
	}
	for _, c := range s.conns { // order: a sum
		h.slots += int64(len(c.slots))
	}
	for _, f := range s.fetches.byID { // order: a sum
		h.rows += int64(max(len(f.rows), len(f.find)))
	}
	for _, to := range s.peers.order {
		h.messages += int64(len(s.peers.out[to].msgs))
	}
	for _, p := range s.sorted {
		p.held(&h)
	}
	return h
}

// held adds what a partition holds.
func (p *partition) held(h *held) {
	h.asked += int64(len(p.reads.asked) + len(p.reads.waiting))
	h.waiting += int64(len(p.watch) + len(p.trims) + len(p.queue) + len(p.twins))
	h.pending += int64(len(p.pending))
	h.windows += int64(p.g.Bytes())
	h.turnedAway += int64(len(p.passing.waiting))
	c := p.coord
	if c == nil {
		return
	}
	if c.timer.Waits() {
		h.deadlines--
	}
	m := c.m.Holds()
	h.open += int64(len(c.open))
	h.tickets += int64(m.Tickets)
	h.steps += int64(m.Steps)
	h.writes += int64(m.Writes)
	h.clocks += int64(m.Deadlines)
	h.mostClocks += int64(m.MostDeadlines)
}
