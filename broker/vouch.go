package broker

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"logd/log"
	"logd/transport"
)

// A directory that was put back from a copy has forgotten what it promised since: it could vote twice in a term, and take back
// acknowledgements. So a broker of a cluster begins unvouched (S7): it neither takes nor sends a raft message, until others
// have told what they know of it.
//
//	start ─► generation rises by one, durably ─► ask all: what do you know of me? ─► all have answered, or enough and time passed
//	                                                    │                                            │
//	                                      a higher generation, or acknowledgements             vouched: raft goes on
//	                                      that are not here any more: Output.Rejoin
//
// What others know: the start that the metadata has on record, the latest one that spoke to them, and, where they lead, what
// this broker's replicas acknowledged. A copy made in the very run that ended, of which no leader remembers anything, can't be told
// from a crash.
//
// The directory remembers the starts that spoke, see [log.NoteStart], and a start speaks only once it is remembered. So what others know
// to have spoken must be remembered here, however often this directory was started since; a start that is not is another one's.
type voucher struct {
	ok      bool // the others vouch for it, and the directory remembers it
	noting  bool // that was asked for
	fresh   bool // it is of no cluster: nobody can know it
	follows bool // the shard has no replicas: it is as the metadata's shard
	since   int  // tick of the first question
	answers map[int32]bool
}

// knownControl asks what a broker knows of the sender, or answers.
type knownControl struct {
	Ask  bool   `json:"ask,omitempty"`
	Of   uint64 `json:"of"`             // the generation that asks
	Boot uint64 `json:"boot,omitempty"` // the process that Seen is of
	Seen uint64 `json:"seen,omitempty"` // the highest one that is known of its incarnation; forgotten: there is a newer incarnation
	// Short: the sender of the answer led, and has acknowledgements for more than the directory holds.
	Short bool `json:"short,omitempty"`
	// Empty: the answer is to a hello that said that the directory is of no cluster, though it was under this incarnation.
	Empty bool `json:"empty,omitempty"`
}

// forgotten is what a retired incarnation is told that was seen of it.
const forgotten = math.MaxUint64

// vouchElections is how many election timeouts a broker waits for all others, before a majority's word is enough.
const vouchElections = 2

func (s *Shard) startVouching() {
	none := len(s.parts) == 0
	s.vouch = voucher{answers: map[int32]bool{}, fresh: none && s.form.formation == nil && s.ownsMeta(), follows: none && !s.ownsMeta()}
}

// vouchTick asks those that have not answered. It reports whether the shard may speak for its replicas.
func (s *Shard) vouchTick() bool {
	v := &s.vouch
	if v.ok || v.noting || v.fresh || v.follows {
		return v.ok
	}
	v.since++
	for _, to := range s.peers.order {
		if !v.answers[to] {
			s.peers.control(to, control{Known: &knownControl{Ask: true, Of: s.cfg.Generation}})
			s.sendPositions(to)
		}
	}
	s.vouchEnough()
	return v.ok
}

// vouchEnough ends the waiting once all have answered, or after a while with as many as make a majority together with us.
func (s *Shard) vouchEnough() {
	v := &s.vouch
	n, all := len(v.answers), len(s.peers.order)
	if n < all && (n < (all+1)/2 || v.since < vouchElections*s.cfg.Limits.ElectionTicks) {
		return
	}
	s.note()
}

// note has the directory remember this start, before anything is said for its replicas.
func (s *Shard) note() {
	if !s.vouch.noting {
		s.vouch.noting, s.out.Note = true, true
	}
}

// mayBegin reports whether a directory that is of no cluster may become one's.
func (s *Shard) mayBegin() bool {
	if !s.vouch.ok {
		s.note()
	}
	return s.vouch.ok
}

// noted takes the answer to Output.Note.
func (s *Shard) noted() {
	s.speak()
	if s.ownsMeta() {
		s.postAll(notedMail{})
	}
}

// metaNoted has a shard without replicas follow that of the metadata.
func (s *Shard) metaNoted() {
	if s.vouch.follows {
		s.speak()
	}
}

func (s *Shard) speak() {
	s.vouch.ok = true
	for _, id := range s.order {
		s.touch(id)
	}
	s.place()
}

// known takes a question or an answer; h is the sender's.
func (s *Shard) known(h transport.Header, c knownControl) {
	from := h.From
	seen := s.seenOf(from, h.Incarnation, startOf(h))
	switch {
	case c.Ask:
		s.peers.answerKnown(from, uint64(h.Shard), knownControl{Of: c.Of, Seen: seen.generation, Boot: seen.boot})
	case c.Of != s.cfg.Generation || c.Empty && s.form.formation != nil:
		// it was asked by an earlier start of this broker, or before it was told of the cluster
	case !s.remembers(started{c.Seen, c.Boot}):
		s.rejoin(s.olderThan(from, c))
	case !s.vouch.ok && !s.vouch.noting:
		s.vouch.answers[from] = true
		s.vouchEnough()
	}
}

// olderThan says what proves that this directory is none to speak for.
func (s *Shard) olderThan(from int32, c knownControl) string {
	switch {
	case c.Short:
		return fmt.Sprintf("broker %d has acknowledgements of this directory for more than it holds: it is an older copy", from)
	case c.Empty:
		return fmt.Sprintf("broker %d knows this directory as one of the cluster, and it is of none: it is an older copy", from)
	case c.Seen == forgotten:
		return fmt.Sprintf("broker %d knows a newer directory of this broker: this one, incarnation %016x, was replaced", from, s.cfg.Incarnation)
	case c.Seen == s.cfg.Generation:
		return fmt.Sprintf("broker %d knows another start of this directory at generation %d, process %016x, this one is %016x: one of two is a copy", from, c.Seen, c.Boot, s.cfg.Boot)
	case c.Seen < s.cfg.Generation:
		return fmt.Sprintf("broker %d knows a start of this directory at generation %d, process %016x, which it does not remember: it is an older copy, started since", from, c.Seen, c.Boot)
	}
	return fmt.Sprintf("broker %d knows this directory at generation %d, it is at %d: it is an older copy", from, c.Seen, s.cfg.Generation)
}

// started is one start of a directory: its generation, and the process, since a copy comes to generations that there were.
type started struct{ generation, boot uint64 }

// older reports whether a start is not the latest of its directory, given one that is known.
func (a started) older(known started) bool {
	return a.generation < known.generation || a.generation == known.generation && a.boot != known.boot && known.boot != 0
}

// startOf is the start that an envelope is from.
func startOf(h transport.Header) started { return started{h.Generation, h.Boot} }

// remembers reports whether a start that others know to be the latest, or one that spoke, is of this directory. What it was told to
// forget it can't tell.
func (s *Shard) remembers(known started) bool {
	is := started{s.cfg.Generation, s.cfg.Boot}
	switch {
	case is.older(known):
		return false
	case known == is || known.generation <= s.cfg.Forgets || known.boot == 0:
		return true
	}
	return slices.Contains(s.cfg.Spoke, log.Start{Generation: known.generation, Boot: known.boot})
}

// seenOf is what is known of a broker's directory: the latest start that spoke for its replicas, or a later one that was heard of, if
// is can't be from after that.
func (s *Shard) seenOf(broker int32, incarnation uint64, is started) started {
	g := generationOf{broker, incarnation}
	seen := s.peers.spoke[g]
	if b := s.meta.Broker(broker); b != nil {
		switch reg := (started{b.Generation, b.Boot}); {
		case b.retired(incarnation):
			return started{generation: forgotten}
		case b.Incarnation == incarnation && reg.generation >= seen.generation && reg.boot != 0:
			seen = reg // also of two with one generation: who registered is no copy, and a copy may have spoken to us first
		}
	}
	if newest := s.peers.newest[g]; newest.generation > seen.generation && is.older(newest) {
		return newest
	}
	return seen
}

// evidence takes from the metadata group's log which starts others registered. Whether that is committed doesn't matter here, nor is it
// known yet: there was such a start, since its broker said so.
func (s *Shard) evidence(es []log.Entry) {
	for _, e := range es {
		c, err := decodeCommand(e.Data)
		if r, ok := c.(Register); err == nil && ok {
			g := generationOf{r.Broker, r.Incarnation}
			for _, of := range []map[generationOf]started{s.peers.newest, s.peers.spoke} {
				if r.Generation > of[g].generation {
					of[g] = started{r.Generation, r.Boot}
				}
			}
		}
	}
}

// rejoin asks the driver to set this directory aside and to come back with an empty one. The first reason counts.
func (s *Shard) rejoin(why string) {
	if s.out.Rejoin == "" {
		s.out.Rejoin = why
	}
}

// A position says what a replica has, before it has said anything else since its start: its id, its term, its last index.
const positionLen = 24

func (s *Shard) sendPositions(to int32) {
	for _, id := range s.order {
		st := s.parts[id].g.Status()
		b := binary.BigEndian.AppendUint64(make([]byte, 0, positionLen), st.ID)
		b = binary.BigEndian.AppendUint64(b, st.Term)
		s.peers.send(to, kindPosition, id, seal(binary.BigEndian.AppendUint64(b, st.Last)))
	}
}

// hear notes that a replica said something in raft's name.
func (p *partition) hear(in raftMail) {
	if p.heard == nil {
		p.heard = map[int32]started{}
	}
	if p.heard[in.from].generation <= in.start.generation {
		p.heard[in.from] = in.start
	}
}

// late reports whether a position may be from before its replica acknowledged more: the same process has spoken since, or a later
// start of its directory has. Another process of the same generation is a copy's, or the copied one's (S7).
func (p *partition) late(in raftMail) bool {
	h := p.heard[in.from]
	return h.generation > in.start.generation || h == in.start
}

// position compares what a replica has with what it acknowledged to us, if we lead in its term or a later one: in that term
// nobody has cut what it acknowledged.
func (s *Shard) position(p *partition, in raftMail) {
	body, err := unseal(in.body)
	if err != nil || len(body) != positionLen {
		s.log(LevelWarn, "a position can't be read", "from", in.from, "group", in.group, "error", fmt.Sprint(err))
		return
	}
	id, term, last := binary.BigEndian.Uint64(body), binary.BigEndian.Uint64(body[8:]), binary.BigEndian.Uint64(body[16:])
	match, ok := p.g.Acknowledged(id)
	if mine, leads := p.g.Leading(); !leads || term > mine || !ok || match <= last || brokerOf(id) != in.from {
		return
	}
	s.log(LevelError, "a broker has lost what it acknowledged: it must rejoin", "broker", in.from, "group", p.group, "acknowledged", match, "has", last)
	s.peers.control(in.from, control{Known: &knownControl{Of: in.start.generation, Seen: forgotten, Short: true}})
}
