package broker

import (
	"fmt"
	"slices"
	"time"

	pb "go.etcd.io/raft/v3/raftpb"

	"github.com/twmb/franz-go/pkg/kmsg"

	"logd/broker/deadline"
)

// metaCall has a command proposed to the metadata group; its answer is an [appended] with the command's result.
type metaCall struct{ cmd []byte }

func (c metaCall) run(s *Shard, p *partition, o origin) {
	if p == nil {
		s.answer(o, noLeaderYet())
		return
	}
	if no := s.tooLong(c.cmd); no.is() {
		s.answer(o, appended{code: no.code, offset: -1, result: refusedBy(no)})
		return
	}
	if term, leads := p.g.Leading(); leads {
		if no := s.mayPropose(term, c.cmd); no.is() {
			s.answer(o, appended{code: no.code, offset: -1, result: refusedBy(no)})
			return
		}
		s.propose(p, o, c.cmd)
		return
	}
	if o.broker != 0 { // forwarded already: no second hop
		s.answer(o, noLeaderYet())
		return
	}
	s.forward(p, o, c.cmd)
}

// mayPropose refuses a command that a broker may not understand (B10), or for which the metadata have no room.
func (s *Shard) mayPropose(term uint64, cmd []byte) refusal {
	c, err := decodeCommand(cmd)
	if err != nil {
		panic(fmt.Sprintf("broker: a command that was not checked is proposed: %v", err))
	}
	if no := s.meta.allowed(c); no.is() {
		return no
	}
	return s.roomFor(term, c, len(cmd))
}

func noLeaderYet() appended {
	return appended{code: errNotController, offset: -1,
		result: refusedBy(refuse(errNotController, "the metadata group has no leader that this broker knows; try again"))}
}

// sent is a command that was forwarded and isn't answered yet: who waits for it, and until when.
type sent struct {
	to    origin
	timer *deadline.Timer
}

// forward sends a command to the broker that leads the metadata group. Its answer may be lost: whoever waits has a deadline.
func (s *Shard) forward(p *partition, o origin, cmd []byte) {
	lead, _ := p.g.Lead()
	if lead == 0 {
		s.answer(o, noLeaderYet())
		return
	}
	id := s.next()
	s.forwards[id] = sent{to: o, timer: s.timers.Set(s.now.Mono+s.cfg.Limits.AdminWait, func() { delete(s.forwards, id) })}
	to := brokerOf(lead)
	s.peers.forward(to, s.peers.newest[generationOf{to, s.peers.seen[to]}].boot, proposeControl{ID: id, Command: cmd})
}

// answerForward sends the result of another broker's command back to it.
func (s *Shard) answerForward(o origin, a any) {
	r := a.(appended)
	res := resultOf(r)
	s.peers.control(o.broker, control{Proposed: &proposedControl{ID: o.id, Code: res.Code, Message: res.Message, Topic: res.Topic, First: res.First}})
}

// applyMeta applies one entry of the metadata group, and publishes what it led to.
func (s *Shard) applyMeta(e *pb.Entry) Result {
	if err := CheckCommand(e.Data); err != nil {
		s.halt("metadata entry is not understood: " + err.Error() + ": was it written by a newer version?")
		return Result{}
	}
	m, r := s.meta.Apply(e.GetIndex(), e.Data)
	s.publish(m)
	s.postAll(metaMail{m})
	return r
}

// publish takes a newer state of the metadata as the one that this shard answers from.
func (s *Shard) publish(m *Meta) {
	if m.Index < s.meta.Index {
		return
	}
	gone := topicsGone(s.meta, m)
	s.meta, s.restless = m, true
	s.place()
	if !gone {
		return
	}
	for _, p := range s.sorted {
		if c := p.coord; c != nil && !c.loading {
			c.m.TopicsGone(s.groupNow(), s.groupOut(c))
			s.carryGroups(p, c)
		}
	}
}

// topicsGone tells whether a topic may have been deleted between two states of the metadata.
func topicsGone(old, m *Meta) bool {
	if m.Index != old.Index+1 {
		return true // of what was made and deleted between, nothing can be seen
	}
	return len(m.byID) <= len(old.byID) && slices.ContainsFunc(old.byID, func(t *Topic) bool { return m.TopicByID(t.ID) == nil })
}

// change runs a request that is a list of metadata commands.
func (s *Shard) change(r *request, timeout time.Duration, p changePlan) {
	cmds := p.commands()
	r.expect(len(cmds)+1, func() {
		for i := range cmds {
			if a, ok := r.parts[i].(appended); ok {
				p.set(i, resultOf(a))
			}
		}
		s.respond(r, p.response())
	})
	s.deadline(r, min(max(timeout, 100*time.Millisecond), s.cfg.Limits.AdminWait))
	for i, c := range cmds {
		s.call(r, i, metaGroup, metaCall{EncodeCommand(c)})
	}
	s.answered(origin{id: r.id, part: len(cmds)}, appended{})
}

// resultOf is what a command came to, or why it was not proposed, or that this is unclear.
func resultOf(a appended) Result {
	switch {
	case a.code == errNone || a.result.Code != errNone:
		return a.result
	case a.code == errNotEnoughAfter:
		return refusedBy(refuse(errTimedOut, unclearChange))
	}
	return refusedBy(refuse(a.code, "the metadata group's leader moved; try again"))
}

func (s *Shard) createTopics(r *request, req *kmsg.CreateTopicsRequest) {
	s.change(r, time.Duration(req.TimeoutMillis)*time.Millisecond, planCreateTopics(req, s.meta, s.cfg.Topics, s.rng))
}

func (s *Shard) alterConfigs(r *request, req *kmsg.IncrementalAlterConfigsRequest) {
	s.change(r, s.cfg.Limits.AdminWait, planAlterConfigs(req, s.meta, s.cfg))
}

func (s *Shard) alterConfigsWhole(r *request, req *kmsg.AlterConfigsRequest) {
	s.change(r, s.cfg.Limits.AdminWait, planAlterConfigsWhole(req, s.meta, s.cfg))
}

func (s *Shard) deleteTopics(r *request, req *kmsg.DeleteTopicsRequest) {
	s.change(r, time.Duration(req.TimeoutMillis)*time.Millisecond, planDeleteTopics(req, s.meta))
}

// metadata answers a Metadata request at once; topics that it creates by asking are there when the client asks again.
func (s *Shard) metadata(r *request, req *kmsg.MetadataRequest) {
	resp, creates := answerMetadata(req, s.meta, s.view.leaderOf, s.cfg.Topics, s.rng)
	for _, c := range creates {
		if s.creating[c.Name] > s.now.Mono {
			continue // asked for a moment ago
		}
		s.creating[c.Name] = s.now.Mono + s.cfg.Limits.election()
		s.send(metaGroup, origin{shard: s.cfg.Shard}, metaCall{EncodeCommand(c)})
	}
	s.respond(r, resp)
}
