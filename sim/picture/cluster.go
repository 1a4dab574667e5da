package picture

import (
	"fmt"
	"slices"
	"strings"

	"logd/sim"
)

// broker draws a process's band and its disk's.
func (r *Recorder) broker(at int64, s sim.BrokerState) {
	was, known := r.brokers[s.Broker]
	r.brokers[s.Broker] = s
	if !known {
		r.c.Brokers = append(r.c.Brokers, s.Broker)
	}
	if was.Up && (!s.Up || s.Boot != was.Boot) {
		for _, i := range r.working[s.Broker] { // nobody waits for it any more
			r.c.Disk.Until[i] = min(r.c.Disk.Until[i], at)
		}
		delete(r.working, s.Broker)
	}
	class, text := processClass(&s)
	r.band("process", s.Broker, -1).set(at, r.text(class), r.text(text))
	class, text = diskClass(&s)
	r.trouble(at, "disk", s.Broker, class, text)
	if known && s.Boot == was.Boot && s.Scrubs > was.Scrubs {
		r.note(at, s.Broker, "scrub", fmt.Sprintf("all segments were read and verified, round %d", s.Scrubs))
	}
}

// trouble draws a band that most of the time holds nothing: then the class is "".
func (r *Recorder) trouble(at int64, kind string, broker int32, class, text string) {
	switch {
	case class != "":
		r.band(kind, broker, -1).set(at, r.text(class), r.text(text))
	case r.bands[bandKey{kind, broker, -1}] != nil:
		r.band(kind, broker, -1).set(at, none, none)
	}
}

func processClass(s *sim.BrokerState) (class, text string) {
	switch {
	case s.Paused:
		return "paused", "paused"
	case s.Up:
		text = fmt.Sprintf("boot %d", s.Boot)
		if s.Clock != 0 {
			text += fmt.Sprintf(", clock off by %v", s.Clock)
		}
		return "up", text
	case s.Refused != "":
		return "refused", "refuses to start: " + s.Refused
	case s.Boot == 0:
		return "new", "not started yet"
	case s.Ended == "power":
		return "power", "power lost"
	case s.Ended == "crash":
		return "crash", "crashed"
	case s.Ended == "":
		return "crash", "killed in its start"
	}
	return "halted", s.Ended
}

// diskClass is the worst that a disk has, and all of it as text; "" if nothing is wrong.
func diskClass(s *sim.BrokerState) (class, text string) {
	var all []string
	add := func(is bool, name, format string, args ...any) {
		if is {
			if class == "" {
				class = name
			}
			all = append(all, fmt.Sprintf(format, args...))
		}
	}
	add(s.Lost == "wiped", "wiped", "wiped, not whole yet")
	add(s.Lost == "restored", "wiped", "an old copy was put back, not whole yet")
	add(s.Rotten != "" || s.Lost == "rotten", "rotten", "damaged (%s), not yet seen whole", strings.TrimPrefix(s.Rotten, "# "))
	add(s.Failing > 0, "failing", "the next sync, or another write, fails")
	add(s.Stray > 0, "stray", "a write will be lost or land elsewhere")
	add(s.Full, "full", "full")
	add(s.Drag > 1, "slow", "%d times as slow", s.Drag)
	add(s.SlowDisk > 0, "slow", "slow")
	return class, strings.Join(all, "; ")
}

// link draws the network's band of the brokers at both ends.
func (r *Recorder) link(at int64, s sim.LinkState) {
	r.links[[2]int32{s.From, s.To}] = s
	for _, id := range []int32{s.From, s.To} {
		if id == 0 {
			continue
		}
		class, text := r.linksOf(id)
		r.trouble(at, "links", id, class, text)
	}
}

func (r *Recorder) linksOf(id int32) (class, text string) {
	var all []string
	in, out, slow := 0, 0, 0
	ends := append([]int32{0}, r.c.Brokers...)
	slices.Sort(ends)
	name := func(end int32) string {
		if end == 0 {
			return "clients"
		}
		return fmt.Sprint(end)
	}
	for _, other := range ends {
		to, from := r.links[[2]int32{id, other}], r.links[[2]int32{other, id}]
		switch {
		case to.Cuts > 0 && from.Cuts > 0:
			all = append(all, "cut ⇄ "+name(other))
		case to.Cuts > 0:
			all = append(all, "cut → "+name(other))
		case from.Cuts > 0:
			all = append(all, "cut ← "+name(other))
		}
		out, in = out+min(to.Cuts, 1), in+min(from.Cuts, 1)
		for _, l := range []sim.LinkState{to, from} {
			if l.Slow > 0 {
				all = append(all, fmt.Sprintf("%s→%s slower by %v", name(l.From), name(l.To), l.Slow))
				slow++
			}
		}
	}
	switch {
	case in > 0 && out > 0:
		class = "cut"
	case in+out > 0:
		class = "one-way"
	case slow > 0:
		class = "clogged"
	}
	return class, strings.Join(all, ", ")
}

// replica draws a replica's role and how far it is.
func (r *Recorder) replica(at int64, s sim.ReplicaState) {
	part := r.part(s.Name)
	k := bandKey{"role", s.Broker, part}
	was := r.replicas[k]
	r.replicas[k] = s
	class, text := roleClass(&s)
	b := r.band("role", s.Broker, part)
	if class == "" {
		b.set(at, none, none)
		return
	}
	b.set(at, r.text(class), r.text(text))
	if was.Live && (s.Healed > was.Healed || s.Mended > was.Mended) {
		r.note(at, s.Broker, "repair", fmt.Sprintf("%s: %d lost entries and %d lost ranges came from peers", s.Name, s.Healed-was.Healed, s.Mended-was.Mended))
	}
	if s.Leader && (!was.Live || !was.Leader || was.Term != s.Term) {
		r.note(at, s.Broker, "elected", fmt.Sprintf("leads %s in term %d", s.Name, s.Term))
	}
	p := r.progress[k]
	if p == nil {
		p = &progress{Broker: s.Broker, Part: part}
		r.progress[k] = p
		r.c.Progress = append(r.c.Progress, p)
	}
	p.At, p.Term, p.Commit, p.Stable = append(p.At, at), append(p.Term, s.Term), append(p.Commit, s.Commit), append(p.Stable, s.Stable)
	p.Start, p.High, p.LogEnd = append(p.Start, s.LogStart), append(p.High, s.HighWatermark), append(p.LogEnd, s.End)
}

func roleClass(s *sim.ReplicaState) (class, text string) {
	switch {
	case !s.Live:
		return "", ""
	case s.Leader:
		class, text = "leader", fmt.Sprintf("T%d leads", s.Term)
	case s.Lead != 0:
		class, text = "follower", fmt.Sprintf("T%d follows %d", s.Term, s.Lead)
	default:
		class, text = "electing", fmt.Sprintf("T%d knows no leader", s.Term)
	}
	if s.Damaged || s.Holes+s.SegmentHoles > 0 {
		class = "hurt-" + class
		text += fmt.Sprintf(", lacks %d entries and %d ranges", s.Holes, s.SegmentHoles)
	} else if !s.Voter {
		class, text = "learner", text+", not a voter"
	}
	return class, text
}

// rare ranks kinds of messages: an envelope is drawn as the rarest in it.
var rare = []string{"unreadable", "MsgSnap", "MsgVote", "MsgVoteResp", "MsgPreVote", "MsgPreVoteResp", "MsgTimeoutNow", "range", "mend", "entry",
	"MsgApp", "position", "MsgAppResp", "control", "MsgHeartbeat", "MsgHeartbeatResp"}

func (r *Recorder) sent(at int64, e sim.MessageSent) {
	rank, class := len(rare)+1, "empty"
	var text []string
	for _, p := range e.Parts {
		i := slices.Index(rare, p.Kind)
		if i < 0 {
			i = len(rare)
		}
		if i < rank {
			rank, class = i, p.Kind
		}
		text = append(text, strings.TrimSpace(p.Partition+" "+p.Kind)+": "+p.Text)
	}
	m := &r.c.Messages
	dropped := 0
	if e.Arrives == sim.Lost {
		dropped = 1
	} else {
		link := [2]int32{e.From, e.To}
		waiting := slices.DeleteFunc(r.flying[link], func(i int) bool { return m.Arrives[i] < at })
		r.flying[link] = append(waiting, len(m.At))
	}
	m.From, m.To, m.At, m.Arrives = append(m.From, e.From), append(m.To, e.To), append(m.At, at), append(m.Arrives, int64(e.Arrives))
	m.Dropped, m.Bytes = append(m.Dropped, dropped), append(m.Bytes, e.Bytes)
	m.Class, m.Text = append(m.Class, r.text(class)), append(m.Text, r.text(strings.Join(text, "\n")))
}

// dropped marks the envelope that was to arrive now.
func (r *Recorder) dropped(at int64, e sim.MessageDropped) {
	link := [2]int32{e.From, e.To}
	for k, i := range r.flying[link] {
		if r.c.Messages.Arrives[i] == at {
			r.c.Messages.Dropped[i] = 1
			r.flying[link] = slices.Delete(r.flying[link], k, k+1)
			return
		}
	}
}
