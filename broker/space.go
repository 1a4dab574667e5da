package broker

// Space says how much room the file system of the data directory has left, and how much is wanted; the driver says so at the
// start and about once a second.
type Space struct {
	Free  int64 // bytes that this process may still use
	Want  int64 // bytes: below it, nothing new is taken in
	Total int64 // bytes of the file system; 0 if that isn't known
}

func (Space) event() {}

// space takes what the driver says. Below the mark produces are refused, in a way that clients try again; what is in memory
// already still finds its place in segments, and everything else goes on.
func (s *Shard) space(e Space) {
	was := s.low
	s.low, s.room = e.Free < e.Want, e
	if was != s.low {
		text := "there is room on the disk again: records are taken"
		if s.low {
			text = "the disk is nearly full: records are refused until there is room"
		}
		s.log(LevelWarn, text, "shard", s.cfg.Shard, "free_bytes", e.Free, "wanted_bytes", e.Want)
	}
	if s.store.Starved() && e.Free > 0 {
		s.store.Retry()
	}
}

// noRoom refuses a produce on a full disk; its zero value is none.
func (s *Shard) noRoom() refusal {
	if !s.low {
		return refusal{}
	}
	return refuse(errNotEnough, "broker %d's disk is nearly full: %d bytes are free, %d are wanted: delete something, or add space; nothing was appended",
		s.cfg.Broker, s.room.Free, s.room.Want)
}
