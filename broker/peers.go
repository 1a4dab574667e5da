package broker

import (
	"fmt"
	"slices"

	pb "go.etcd.io/raft/v3/raftpb"

	"logd/replica"
	"logd/transport"
)

// peers gathers what a turn has to say to other brokers: one envelope for each (design.md, section 6).
type peers struct {
	cfg     Config
	out     map[int32]*outbox
	bufs    [][]byte // the slices of raft's messages, until envelopes have them
	order   []int32  // of brokers, so that envelopes leave in the same order everywhere
	waiting bool     // something was left for the next turn
	refused map[string]bool
	seen    map[int32]uint64         // the incarnation that each broker spoke under last
	newest  map[generationOf]started // the latest start of each directory that was heard of
	spoke   map[generationOf]started // and the latest that spoke for its replicas: its directory remembers it

	met       bool           // another broker of this cluster was heard of
	strangers map[int32]bool // brokers that said that they are of another one
}

// generationOf names a directory, whose latest start is known.
type generationOf struct {
	broker      int32
	incarnation uint64
}

type outbox struct {
	msgs  []transport.Msg
	bytes int
}

func newPeers(cfg Config) peers {
	p := peers{cfg: cfg, out: map[int32]*outbox{}, refused: map[string]bool{}, seen: map[int32]uint64{}, newest: map[generationOf]started{}, spoke: map[generationOf]started{}, strangers: map[int32]bool{}}
	for _, b := range cfg.Brokers {
		if b != cfg.Broker {
			p.out[b] = &outbox{}
			p.order = append(p.order, b)
		}
	}
	return p
}

// send adds a message; one for a broker that isn't listed is dropped.
func (p *peers) send(to int32, kind uint8, group uint64, bufs [][]byte) {
	o := p.out[to]
	if o == nil {
		return
	}
	for _, b := range bufs {
		o.bytes += len(b)
	}
	o.msgs = append(o.msgs, transport.Msg{Kind: kind, Group: group, Bufs: bufs})
}

func (p *peers) control(to int32, c control) {
	p.send(to, kindControl, 0, seal(mustEncode(c)))
}

// forward sends a forwarded command to one process of another broker, whichever runs if boot is 0.
func (p *peers) forward(to int32, boot uint64, c proposeControl) {
	p.send(to, kindControl, boot, seal(mustEncode(control{Propose: &c})))
}

// hello sends a hello, and which directory is on record.
func (p *peers) hello(to int32, record uint64, h helloControl) {
	p.send(to, kindControl, record, seal(mustEncode(control{Hello: &h})))
}

// answerKnown answers a question of a shard.
func (p *peers) answerKnown(to int32, shard uint64, c knownControl) {
	p.send(to, kindControl, shard+1, seal(mustEncode(control{Known: &c})))
}

func (p *peers) raft(s *Shard, group uint64, m *pb.Message) {
	if !s.vouch.ok {
		panic(fmt.Sprintf("invariant B13: group %d: a message to replica %x leaves, and nobody vouches for this start", group, m.GetTo()))
	}
	from := len(p.bufs)
	p.bufs = replica.AppendMessage(p.bufs, m)
	p.send(replica.Broker(m.GetTo()), kindRaft, group, p.bufs[from:len(p.bufs):len(p.bufs)])
}

// sendPeers gives out one envelope per broker that there is something for. What is over a bound waits for the next turn.
func (s *Shard) sendPeers() {
	s.peers.waiting = false
	for _, to := range s.peers.order {
		o := s.peers.out[to]
		if len(o.msgs) == 0 {
			continue
		}
		n, size := 0, 0
		for n < len(o.msgs) && (n == 0 || size < s.cfg.Limits.EnvelopeBytes) {
			for _, b := range o.msgs[n].Bufs {
				size += len(b)
			}
			n++
		}
		h := transport.Header{Cluster: s.cluster(), From: s.cfg.Broker, Incarnation: s.cfg.Incarnation, Shard: uint16(s.cfg.Shard), Boot: s.cfg.Boot, Generation: s.cfg.Generation, To: to}
		if !onlyControl(o.msgs[:n]) {
			h.ToIncarnation = s.peers.seen[to]
		}
		s.out.Peers = append(s.out.Peers, PeerSend{to, transport.AppendEnvelope(nil, h, o.msgs[:n])})
		o.msgs, o.bytes = slices.Delete(o.msgs, 0, n), o.bytes-size
		s.peers.waiting = s.peers.waiting || len(o.msgs) > 0
	}
	if s.peers.waiting {
		s.peers.bufs = nil // some still stand in messages
	} else {
		clear(s.peers.bufs)
		s.peers.bufs = s.peers.bufs[:0]
	}
}

// onlyControl reports whether an envelope carries control messages alone: those reach a broker under whatever incarnation,
// as they are how a wiped one is told what happened.
func onlyControl(msgs []transport.Msg) bool {
	for _, m := range msgs {
		if m.Kind != kindControl {
			return false
		}
	}
	return true
}

// cluster is the cluster's id, zero before it formed.
func (s *Shard) cluster() UUID {
	if s.form.formation != nil {
		return s.form.formation.Cluster
	}
	return s.meta.ClusterID
}

// envelope takes what another broker sent (B6).
func (s *Shard) envelope(e PeerFrame) {
	h, msgs, err := transport.ParseEnvelope(e.Data)
	if err != nil {
		s.refuse(e.Conn, err.Error())
		return
	}
	if h.From == ToolID {
		s.tool(e.Conn, msgs)
		return
	}
	if why := s.foreign(h); why != "" {
		s.stranger(h)
		s.refuse(e.Conn, why)
		return
	}
	s.heard(h, msgs)
}

// heard takes what an envelope says.
func (s *Shard) heard(h transport.Header, msgs []transport.Received) {
	if why := s.foreign(h); why != "" {
		panic("invariant B6: it changes something: " + why)
	}
	s.peers.seen[h.From] = h.Incarnation
	s.peers.met = s.peers.met || !UUID(h.Cluster).IsZero() && UUID(h.Cluster) == s.cluster()
	// Only what is known to be replaced is refused: metadata that lags behind must not cut off a broker that came anew. What a
	// raft message may do is decided by the replica ids in it, which are never used again.
	// What an older copy of a directory says, or said before it was started again, is not heard either.
	g := generationOf{h.From, h.Incarnation}
	now := startOf(h)
	if now.generation > s.peers.newest[g].generation {
		s.peers.newest[g] = now
	}
	stale := now.older(s.seenOf(h.From, h.Incarnation, now))
	for _, m := range msgs {
		switch {
		case m.Kind == kindControl:
			s.controlFrom(h, m.Group, m.Body)
		case stale || UUID(h.Cluster).IsZero(): // an incarnation that isn't of the cluster (any more) may only say hello
		case m.Kind == kindRaft || m.Kind == kindRange || m.Kind == kindPosition || m.Kind == kindEntry || m.Kind == kindMend:
			if m.Kind == kindRaft && now.generation > s.peers.spoke[g].generation {
				s.peers.spoke[g] = now
			}
			mail := raftMail{m.Group, h.From, now, m.Kind, m.Body}
			if to := s.shardOf(m.Group); to != s.cfg.Shard {
				s.post(to, mail)
			} else {
				s.raftMessage(mail)
			}
		}
	}
}

// foreign says why an envelope is none of ours.
func (s *Shard) foreign(h transport.Header) string {
	switch {
	case h.To != s.cfg.Broker:
		return fmt.Sprintf("an envelope for broker %d came to broker %d: check --peers", h.To, s.cfg.Broker)
	case s.peers.out[h.From] == nil:
		return fmt.Sprintf("an envelope from broker %d, which is not among the brokers listed in --peers", h.From)
	case s.ofAnotherCluster(h):
		return fmt.Sprintf("an envelope from broker %d of cluster %s, this one is %s: is a broker of another cluster listed in --peers?", h.From, UUID(h.Cluster), s.cluster())
	case h.ToIncarnation != 0 && h.ToIncarnation != s.cfg.Incarnation:
		return fmt.Sprintf("an envelope from broker %d for incarnation %016x, this directory is %016x", h.From, h.ToIncarnation, s.cfg.Incarnation)
	}
	return ""
}

func (s *Shard) ofAnotherCluster(h transport.Header) bool {
	mine := s.cluster()
	return !UUID(h.Cluster).IsZero() && !mine.IsZero() && UUID(h.Cluster) != mine
}

// stranger notes a listed broker of another cluster. If all others are, and none of ours was heard of in this process, then it is
// this directory that is in the wrong place.
func (s *Shard) stranger(h transport.Header) {
	if h.To != s.cfg.Broker || s.peers.out[h.From] == nil || !s.ofAnotherCluster(h) {
		return
	}
	s.peers.strangers[h.From] = true
	if !s.peers.met && len(s.peers.strangers) == len(s.peers.order) {
		s.halt(fmt.Sprintf("this directory is of cluster %s, but the brokers listed in --peers are of cluster %s: check --data and --peers", s.cluster(), UUID(h.Cluster)))
	}
}

// refuse closes the connection that something foreign came from, and says so once per reason.
func (s *Shard) refuse(conn ConnID, why string) {
	if conn != 0 {
		s.out.Refuse = append(s.out.Refuse, Close{conn, why})
	}
	if !s.peers.refused[why] && len(s.peers.refused) < 100 {
		s.peers.refused[why] = true
		s.log(LevelWarn, "refused a peer", "reason", why)
	}
}

// controlFrom takes a control message, and what the field says besides that names the group of others: of a forward the process that it is
// meant for, of an answer the shard that asked, of a hello a directory. Brokers that are older leave it zero, and don't look at it.
func (s *Shard) controlFrom(h transport.Header, about uint64, body []byte) {
	var c control
	body, err := unseal(body)
	if err == nil {
		err = decodeStrict(body, &c)
	}
	s.restless = s.restless || !c.hints()
	if err != nil {
		s.log(LevelWarn, "a control message can't be read", "from", h.From, "error", err.Error())
		return
	}
	switch {
	case c.Hello != nil:
		c.Hello.incarnation, c.Hello.generation, c.Hello.record = h.Incarnation, h.Generation, about
	case c.Known != nil && !c.Known.Ask && UUID(h.Cluster).IsZero():
		return // only a broker of the cluster knows
	case c.Known != nil:
		if to := s.askedBy(*c.Known, about); to != s.cfg.Shard {
			s.post(to, knownMail{h, *c.Known})
			return
		}
		s.known(h, *c.Known)
		return
	case startOf(h).older(s.seenOf(h.From, h.Incarnation, startOf(h))):
		return
	}
	if c.Speaks != nil {
		c.Speaks.incarnation = h.Incarnation
	}
	if c.Propose != nil {
		c.Propose.from, c.Propose.incarnation, c.Propose.to = startOf(h), h.Incarnation, about
	}
	if to := s.controlShard(c); to != s.cfg.Shard {
		s.post(to, controlMail{h.From, c})
		return
	}
	s.control(h.From, c)
}

// askedBy is the shard that an answer is for: brokers may have different numbers of shards, so it can come to another one than asked.
// asker is its number and one; 0 if an older broker answers.
func (s *Shard) askedBy(c knownControl, asker uint64) int {
	switch {
	case c.Empty: // of a hello, which the metadata's shard says
		return s.shardOf(metaGroup)
	case c.Ask || asker == 0:
		return s.cfg.Shard
	}
	return int((asker - 1) % uint64(s.cfg.Shards))
}

// raftMessage gives a message to the replica that it names, and only to that one.
func (s *Shard) raftMessage(in raftMail) {
	s.restless = s.restless || in.kind != kindRaft
	p := s.parts[in.group]
	if p == nil {
		return // a replica is created by placement alone (B5)
	}
	switch {
	case in.kind == kindEntry || in.kind == kindMend:
		s.mend(p, in)
		return
	case !s.vouch.ok:
		return // it speaks once others vouch for the directory
	}
	switch in.kind {
	case kindRange:
		s.rangeMessage(in.group, in.body)
		return
	case kindPosition:
		if !p.late(in) {
			s.position(p, in)
		}
		return
	}
	p.hear(in)
	m, err := replica.DecodeMessage(in.body)
	if err != nil {
		s.log(LevelWarn, "a raft message can't be read", "group", in.group, "from", in.from, "error", err.Error())
		return
	}
	if m.GetTo() != p.replica || replica.Broker(m.GetFrom()) != in.from {
		return // for a replica that was here before, or from one that isn't there
	}
	if s.stopping && m.GetType() == pb.MsgTimeoutNow {
		return // handed to a broker that hands everything over itself
	}
	if !s.takes(m, len(in.body)) {
		return
	}
	p.g.Step(m, &p.out)
	s.touch(in.group)
}

// takes reports whether there is room for a message's entries among what waits for the WAL. A leader that has much to catch a follower up
// with sends more at once than a disk that is behind has memory for, and so do the leaders of many partitions; raft sends again what a
// follower lacks, and what there is room for comes first (B14).
func (s *Shard) takes(m *pb.Message, size int) bool {
	if m.GetType() != pb.MsgApp || len(m.GetEntries()) == 0 {
		return true
	}
	if waits := s.store.StagedBytes() + int64(s.arrived); waits > 0 && waits+int64(size) > s.burstWAL {
		return false
	}
	s.arrived += size
	return true
}
