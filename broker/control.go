package broker

import (
	"fmt"
)

// Kinds of messages in an envelope. On the wire, don't change. 2 and 4 were controls and positions without a checksum.
const (
	kindRaft     = 1 // replica.AppendMessage
	kindControl  = 8 // a control, JSON, sealed
	kindRange    = 3 // batches of a snapshot transfer: replica.AppendRange
	kindPosition = 9 // what a replica has, sealed: see voucher
	kindEntry    = 5 // an entry that a replica has lost: index u64, bytes
	kindMend     = 6 // batches that a replica has lost: offset u64, batches
)

var kindNames = [...]string{kindRaft: "raft", kindControl: "control", kindRange: "range", kindPosition: "position", kindEntry: "entry", kindMend: "mend", KindTool: "tool"}

// KindName names a kind of message in an envelope, for those who watch brokers talk.
func KindName(kind uint8) string {
	if int(kind) < len(kindNames) && kindNames[kind] != "" {
		return kindNames[kind]
	}
	return fmt.Sprintf("kind %d", kind)
}

// control is a small message between brokers; one of its fields is set. All of them may be lost or doubled.
type control struct {
	Hello    *helloControl    `json:"hello,omitempty"`
	Placed   *placedControl   `json:"placed,omitempty"`
	Propose  *proposeControl  `json:"propose,omitempty"`
	Proposed *proposedControl `json:"proposed,omitempty"`
	Leading  []leading        `json:"leading,omitempty"`
	Range    *rangeControl    `json:"range,omitempty"`
	Known    *knownControl    `json:"known,omitempty"`
	Disk     *diskControl     `json:"disk,omitempty"`
	Need     *needControl     `json:"need,omitempty"`
	Hash     *hashControl     `json:"hash,omitempty"`
	Speaks   *speaksControl   `json:"speaks,omitempty"`
}

type (
	// proposeControl forwards a metadata command to the leader. The process that is meant, if it is known, travels as the message's
	// group, which controls don't have: brokers of before B12 don't look at it, and would drop a control with a field that they don't know.
	proposeControl struct {
		ID          uint64  `json:"id"`
		Command     []byte  `json:"cmd"`
		to          uint64  // the process that is meant; 0 if the sender didn't know it
		from        started // the sender's process, and its directory's incarnation, from the envelope
		incarnation uint64
	}
	// proposedControl is its result.
	proposedControl struct {
		ID      uint64 `json:"id"`
		Code    int16  `json:"code,omitempty"`
		Message string `json:"msg,omitempty"`
		Topic   *Topic `json:"topic,omitempty"`
		First   int64  `json:"first,omitempty"` // of producer ids
	}
	// leading says that the sender leads a group in a term.
	leading struct {
		Group uint64 `json:"g"`
		Term  uint64 `json:"t"`
	}
	// rangeControl asks a leader for committed batches (S11); the answer is a kindRange message.
	rangeControl struct {
		Group   uint64 `json:"g"`
		Replica uint64 `json:"r"` // who asks
		From    int64  `json:"from"`
		Max     int    `json:"max"`
	}
	controlMail struct {
		from int32
		c    control
	}
)

// controlShard is the shard that a control message concerns.
func (s *Shard) controlShard(c control) int {
	switch {
	case c.Range != nil:
		return s.shardOf(c.Range.Group)
	case c.Need != nil:
		return s.shardOf(c.Need.Group)
	case c.Hash != nil:
		return s.shardOf(c.Hash.Group)
	case len(c.Leading) > 0 || c.Disk != nil:
		return s.cfg.Shard
	}
	return s.shardOf(metaGroup)
}

// hints reports whether a control message changes no replica, but by way of [Shard.collect]: brokers say such things all the time.
func (c control) hints() bool {
	return len(c.Leading) > 0 || c.Disk != nil || c.Range != nil || c.Need != nil || c.Hash != nil
}

func (s *Shard) control(from int32, c control) {
	switch {
	case c.Hello != nil:
		s.hello(from, *c.Hello)
	case c.Placed != nil:
		s.placed(*c.Placed)
	case c.Propose != nil:
		s.forwardedBy(from, *c.Propose)
	case c.Proposed != nil:
		s.proposed(*c.Proposed)
	case len(c.Leading) > 0:
		leads := make([]lead, len(c.Leading))
		for i, l := range c.Leading {
			leads[i] = lead{l.Group, l.Term, from}
		}
		s.learn(leads)
		s.postAll(viewMail{leads})
	case c.Need != nil:
		s.serveNeed(from, *c.Need)
	case c.Hash != nil:
		s.compared(from, *c.Hash)
	case c.Disk != nil:
		s.disk.peers[from] = c.Disk.Latency
	case c.Range != nil:
		s.serveRange(from, *c.Range)
	case c.Speaks != nil:
		s.spoken[from] = *c.Speaks
	}
}

// proposed brings the result of a forwarded command to who waits for it. One that says that the other broker doesn't lead
// either proves that nothing was proposed.
func (s *Shard) proposed(c proposedControl) {
	f, ok := s.forwards[c.ID]
	if !ok {
		return // its deadline passed, or it came twice
	}
	delete(s.forwards, c.ID)
	s.timers.Cancel(f.timer)
	s.answer(f.to, appended{offset: -1, result: Result{Code: c.Code, Message: c.Message, Topic: c.Topic, First: c.First}})
}

// replicaMeta is what a replica's create record says of it.
type replicaMeta struct {
	Replica uint64     `json:"replica"`
	Formed  *Formation `json:"formed,omitempty"` // group 1 only: how the cluster began
}

func (m replicaMeta) encode() []byte { return mustEncode(m) }

func decodeReplicaMeta(b []byte) (replicaMeta, error) {
	var m replicaMeta
	if err := decodeStrict(b, &m); err != nil {
		return m, fmt.Errorf("create record: %w", err)
	}
	return m, nil
}
