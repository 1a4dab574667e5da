package broker

// How commands of a new version come into use while brokers are replaced one by one: each broker says which versions it
// understands, and once all have, the leader of group 1 proposes a Raise.
//
//	broker ── speaks{2} ──► leader: all of them, under the incarnations on record? ── Raise{2} ──► Level is 2 everywhere
//
// Those that are of no cluster say so with their hello: a broker that is lost right after they formed one is no reason why the level isn't
// raised (G9).
//
// Before that a command of version 2 is refused; after it a broker that understands less can't take part: it would come to
// another state than the others, so it halts when it meets such a command (M8).

// speaksControl says up to which version the sender understands commands.
type speaksControl struct {
	Commands    int    `json:"commands"`
	incarnation uint64 // of the sender, from the envelope
}

// speaksTicks is how often brokers say so, for as long as the level is below what they understand.
const speaksTicks = 5

// levelTick has every broker say what it understands, and the leader take note.
func (s *Shard) levelTick() {
	if !s.ownsMeta() || !s.meta.Formed() || s.meta.Level >= commandVersion || s.ticks%speaksTicks != 0 {
		return
	}
	for _, to := range s.peers.order {
		s.peers.control(to, control{Speaks: &speaksControl{Commands: commandVersion}})
	}
	p := s.parts[metaGroup]
	if p == nil || !p.g.Serving() {
		return
	}
	level := commandVersion
	for _, b := range s.meta.Brokers {
		if h := s.spoken[b.ID]; b.ID != s.cfg.Broker {
			if h.incarnation != b.Incarnation {
				return
			}
			level = min(level, h.Commands)
		}
	}
	if level > s.meta.Level {
		s.propose(p, origin{shard: s.cfg.Shard}, EncodeCommand(Raise{Level: level}))
	}
}

func (r Raise) apply(m *Meta) (*Meta, Result) {
	next := *m
	next.Level = max(m.Level, r.Level)
	return &next, Result{}
}

// allowed refuses a command that not every broker is known to understand. A Raise is allowed: it says that they are.
func (m *Meta) allowed(c Command) refusal {
	if _, raise := c.(Raise); raise || c.version() <= m.Level {
		return refusal{}
	}
	return refuse(errNotController, "not every broker is known to understand this change (version %d of the metadata's commands, all understand %d): try again once all brokers run and are upgraded",
		c.version(), m.Level)
}
