package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"logd/broker"
	"logd/log"
	"logd/replica"
	"logd/transport"
)

// watcher makes events of what happens (Env.Events). It is nil if nobody wants them, and all its methods may then be called:
// they cost a comparison. It changes nothing, and draws nothing (W1).
//
// What lasts (a process, a disk's faults, a link, a replica's role) is looked at after each event of the world, so that
// no fault has to say that it begins and ends.
type watcher struct {
	w        *World
	tell     func(time.Duration, Event)
	brokers  []BrokerState
	links    [][]LinkState
	replicas map[uint64][]ReplicaState // by group and node
	ended    []string                  // by node: what killed it last
	calls    map[*call]int64           // under way
	called   int64
}

func newWatcher(w *World) *watcher {
	if w.env.Events == nil {
		return nil
	}
	v := &watcher{w: w, tell: w.env.Events, brokers: make([]BrokerState, w.opt.Brokers), ended: make([]string, w.opt.Brokers),
		replicas: map[uint64][]ReplicaState{}, calls: map[*call]int64{}}
	for range w.opt.Brokers + 1 {
		v.links = append(v.links, make([]LinkState, w.opt.Brokers+1))
	}
	return v
}

// look tells what is not as it was when it last looked.
func (v *watcher) look() {
	if v == nil {
		return
	}
	w := v.w
	for i, n := range w.nodes {
		if is := v.broker(n); is != v.brokers[i] {
			v.brokers[i] = is
			v.tell(w.now, is)
		}
	}
	for from := range v.links {
		for to := range v.links[from] {
			l := &w.net.links[from][to]
			if is := (LinkState{From: v.place(from), To: v.place(to), Cuts: l.cut, Slow: l.slow}); is.Cuts != v.links[from][to].Cuts || is.Slow != v.links[from][to].Slow {
				v.links[from][to] = is
				v.tell(w.now, is)
			}
		}
	}
	for _, g := range w.views.groups {
		were := v.replicas[g.id]
		if were == nil {
			were = make([]ReplicaState, len(g.replicas))
			v.replicas[g.id] = were
		}
		for i := range g.replicas {
			if is := stateOf(g, i); is != were[i] && (is.Live || were[i].Live) {
				were[i] = is
				v.tell(w.now, is)
			}
		}
	}
}

// place is the id of one end of a link.
func (v *watcher) place(at int) int32 {
	if at == v.w.net.outside() {
		return 0
	}
	return v.w.nodes[at].id
}

func (v *watcher) broker(n *node) BrokerState {
	s := BrokerState{Broker: n.id, Up: n.proc != nil, Boot: n.boots, Refused: n.refused, Lost: string(n.lost), Rotten: n.rotten,
		SlowDisk: v.w.faults.slow[n.index], Drag: n.disk.drag, Full: n.disk.limit > 0, Failing: v.w.faults.failing[n.index] + v.w.faults.unwritten[n.index], Stray: len(n.disk.armed),
		Clock: time.Duration(n.wall) * time.Millisecond}
	if n.proc == nil {
		if s.Ended = n.ended; s.Ended == "" {
			s.Ended = v.ended[n.index]
		}
		return s
	}
	s.Paused = n.proc.paused
	for _, h := range n.proc.hosts {
		if sh, ok := h.shard.(scrubber); ok {
			s.Scrubs += sh.Scrubs()
		}
	}
	return s
}

func stateOf(g *groupSeen, node int) ReplicaState {
	r := &g.replicas[node]
	return ReplicaState{Broker: int32(node + 1), Group: g.id, Name: g.name, Live: r.live, Leader: r.leader, Voter: slices.Contains(r.voters, r.id),
		Lead: int32(r.lead >> 32), Term: r.term, Commit: r.commit, Stable: r.stable, LogStart: r.logStart, HighWatermark: r.highWatermark,
		End: r.logEnd, Holes: r.condition.holes, SegmentHoles: r.condition.segmentHoles, Damaged: r.condition.damaged, Healed: r.healed, Mended: r.mended}
}

// killed says what ends a process that runs.
func (v *watcher) killed(n *node, powerLost bool) {
	if v == nil {
		return
	}
	v.ended[n.index] = "crash"
	if powerLost {
		v.ended[n.index] = "power"
	}
}

func (v *watcher) entered(phase string) {
	if v != nil {
		v.tell(v.w.now, PhaseEntered{phase})
	}
}

// noted passes a remark on. In a story, what it tells was told already.
func (v *watcher) noted(command bool, format string, args []any) {
	if v == nil {
		return
	}
	if text := fmt.Sprintf(format, args...); !command || !v.w.scripted || strings.HasPrefix(text, "#") {
		v.tell(v.w.now, Noted{Text: strings.TrimPrefix(text, "# "), Command: command})
	}
}

// watched tells of a command of a story, which is about to be carried out, or of its answers.
func (t *teller) watched(l *storyLine, answer bool, texts ...string) {
	if t.env.Events == nil {
		return
	}
	var at time.Duration
	if t.w == nil && l.words[0] != "options" {
		t.opens = l // once there is a world
		return
	}
	if t.w != nil {
		t.w.watch.look()
		at = t.w.now
	}
	for _, text := range texts {
		t.env.Events(at, StoryLine{Line: l.number, Text: text, Answer: answer})
	}
}

func (v *watcher) said(h *host, l *broker.LogEvent) {
	if v != nil {
		v.tell(v.w.now, Said{Broker: h.p.node.id, Level: [...]string{"debug", "info", "warn", "error"}[l.Level], Text: strings.TrimSpace(l.Text + " " + attrs(l.Attrs))})
	}
}

// sent tells of an envelope, and what is in it.
func (v *watcher) sent(from, to *node, data []byte, arrives time.Duration) {
	if v == nil {
		return
	}
	e := MessageSent{From: from.id, To: to.id, Bytes: len(data), Arrives: arrives}
	_, msgs, err := transport.ParseEnvelope(data[4:])
	if err != nil {
		e.Parts = []MessagePart{{Kind: "unreadable", Text: err.Error()}}
	}
	for _, m := range msgs {
		e.Parts = append(e.Parts, v.part(m))
	}
	v.tell(v.w.now, e)
}

// part says what one message is.
func (v *watcher) part(m transport.Received) MessagePart {
	p := MessagePart{Kind: broker.KindName(m.Kind)}
	if g := v.w.views.find(m.Group); g != nil {
		p.Partition = g.name
	}
	switch p.Kind {
	case "raft":
		r, err := replica.DecodeMessage(m.Body)
		if err != nil {
			p.Text = err.Error()
			return p
		}
		p.Kind = r.GetType().String()
		p.Text = fmt.Sprintf("term %d", r.GetTerm())
		if n := uint64(len(r.GetEntries())); n > 0 {
			p.Text += fmt.Sprintf(", entries %d..%d after term %d", r.GetIndex()+1, r.GetIndex()+n, r.GetLogTerm())
		} else if r.GetIndex() > 0 {
			p.Text += fmt.Sprintf(", index %d", r.GetIndex())
		}
		if r.GetCommit() > 0 {
			p.Text += fmt.Sprintf(", commit %d", r.GetCommit())
		}
		if s := r.GetSnapshot().GetMetadata().GetIndex(); s > 0 {
			p.Text += fmt.Sprintf(", snapshot at %d", s)
		}
		if r.GetReject() {
			p.Text += fmt.Sprintf(", rejected, hint %d", r.GetRejectHint())
		}
	case "control":
		body := broker.Unsealed(m.Kind, m.Body)
		p.Text = string(body[:min(len(body), 160)])
	default:
		p.Text = fmt.Sprintf("%d bytes", len(m.Body))
	}
	return p
}

func (v *watcher) dropped(from, to *node) {
	if v != nil {
		v.tell(v.w.now, MessageDropped{From: from.id, To: to.id})
	}
}

func (v *watcher) disk(h *host, lane log.Lane, op *log.Op, takes time.Duration, fails bool) {
	if v != nil {
		v.tell(v.w.now, DiskWork{Broker: h.p.node.id, Lane: fmt.Sprintf("%d %v", h.index, lane), Until: v.w.now + takes, Text: op.String(), Fails: fails})
	}
}
