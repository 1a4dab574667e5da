package sim

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"logd/broker"
)

// told is a ledger of one topic, and what is told to it.
type toldTopics struct{ t *topicLedger }

func topicsTold() toldTopics {
	o := Draw(1, time.Second)
	o.Load.Fleeting = 1
	return toldTopics{newWorld(o, Env{}).topics}
}

// change calls one at from, has it answered at to, and returns the violation.
func (o toldTopics) change(from, to time.Duration, c topicChange, answer func(*topicChange)) string {
	o.t.w.now = from
	h := o.t.call(0, c)
	o.t.w.now = to
	answer(h)
	if v := o.t.w.violation; v != nil {
		return v.Name
	}
	return ""
}

func (o toldTopics) created(id byte) func(*topicChange) {
	return func(c *topicChange) { o.t.ends(c, true, true); o.t.created(0, c, broker.UUID{id}) }
}

func (o toldTopics) taken(c *topicChange)   { o.t.ends(c, true, false); o.t.taken(0, c) }
func (o toldTopics) missing(c *topicChange) { o.t.ends(c, true, false); o.t.missing(0, c) }
func (o toldTopics) unclear(*topicChange)   {}

func (o toldTopics) deleted(id byte) func(*topicChange) {
	return func(c *topicChange) { o.t.ends(c, true, true); o.t.deleted(0, c, broker.UUID{id}) }
}

// TestTopicLedger: what is acknowledged doesn't come undone (D1, D2), and what may have happened unheard is no violation.
func TestTopicLedger(t *testing.T) {
	made, gone := topicChange{create: true, copies: 3}, topicChange{}
	type step struct {
		c    topicChange
		does func(toldTopics) func(*topicChange)
	}
	create := func(id byte) step {
		return step{made, func(o toldTopics) func(*topicChange) { return o.created(id) }}
	}
	remove := func(id byte) step {
		return step{gone, func(o toldTopics) func(*topicChange) { return o.deleted(id) }}
	}
	taken := step{made, func(o toldTopics) func(*topicChange) { return o.taken }}
	missing := step{gone, func(o toldTopics) func(*topicChange) { return o.missing }}
	unclearMade := step{made, func(o toldTopics) func(*topicChange) { return o.unclear }}
	unclearGone := step{gone, func(o toldTopics) func(*topicChange) { return o.unclear }}
	for name, c := range map[string]struct {
		steps []step
		want  string
	}{
		"made, deleted, made":                       {[]step{create(1), remove(1), create(2)}, ""},
		"made and missing":                          {[]step{create(1), missing}, TopicLost},
		"made twice":                                {[]step{create(1), create(2)}, TopicTwice},
		"made, perhaps deleted, missing":            {[]step{create(1), unclearGone, missing}, ""},
		"made, perhaps deleted, made":               {[]step{create(1), unclearGone, create(2)}, ""},
		"the one deletion was for the first":        {[]step{create(1), unclearGone, create(2), missing}, TopicLost},
		"made, deleted, taken":                      {[]step{create(1), remove(1), taken}, TopicBack},
		"made, deleted, perhaps made, taken":        {[]step{create(1), remove(1), unclearMade, taken}, ""},
		"never made, taken":                         {[]step{taken}, TopicBack},
		"deleted twice":                             {[]step{create(1), remove(1), remove(1)}, TopicBack},
		"an id again":                               {[]step{create(1), remove(1), create(1)}, TopicTwice},
		"perhaps made, deleted, missing":            {[]step{unclearMade, remove(1), missing}, ""},
		"more lives than creations that were asked": {[]step{create(1), remove(2)}, TopicTwice},
	} {
		t.Run(name, func(t *testing.T) {
			o, got := topicsTold(), ""
			for i, s := range c.steps {
				got = o.change(time.Duration(i+1)*time.Second, time.Duration(i+1)*time.Second+time.Millisecond, s.c, s.does(o))
			}
			expect(t, got, c.want)
		})
	}
}

// TestTopicLedgerAtOnce: changes that overlap may take effect in any order.
func TestTopicLedgerAtOnce(t *testing.T) {
	o := topicsTold()
	o.t.w.now = time.Second
	one, two, del := o.t.call(0, topicChange{create: true}), o.t.call(0, topicChange{create: true}), o.t.call(0, topicChange{})
	o.t.w.now += time.Second
	o.created(1)(one)
	o.created(2)(two)
	o.deleted(1)(del)
	if o.t.w.violation != nil {
		t.Fatal(o.t.w.violation)
	}
}

// TestOldCopyOfADeletedTopic: a topic's replicas are gone everywhere, and an old copy of a broker's directory has one still, as short as it
// was then. Without the copy, that is what no replica may come back as.
func TestOldCopyOfADeletedTopic(t *testing.T) {
	for restored, want := range map[bool]string{true: "", false: RecoveredShort} {
		w, _ := toyWorld(t, 1, 1)
		o, n := watching{w}, w.nodes[1]
		expect(t, o.turn(1, view(1, 5, false, 7, 7)), "")
		w.views.forget(n)
		w.views.retire(w.views.find(2))
		if restored {
			n.lost = lossRestored
			w.views.wiped(n)
		}
		expect(t, o.turn(1, view(1, 5, false, 4, 4)), want)
	}
}

// TestFetchThatNobodyAnswered: a broker whose time is up before the partition's shard has answered says nothing of any log: neither a high
// watermark nor records. Whoever says either serves what it has (D4).
func TestFetchThatNobodyAnswered(t *testing.T) {
	for highWatermark, want := range map[int64]string{-1: "", 0: DeletedServed} {
		o := topicsTold()
		w := o.t.w
		o.change(time.Second, time.Second, topicChange{create: true, copies: 3}, o.created(1))
		resp := kmsg.NewPtrFetchResponse()
		resp.Topics = []kmsg.FetchResponseTopic{{Partitions: []kmsg.FetchResponseTopicPartition{{HighWatermark: highWatermark}}}}
		newClient(w, 2, ear{}).metRead(&call{part: -1, topic: 1, line: &line{}}, resp)
		got := ""
		if w.violation != nil {
			got = w.violation.Name
		}
		if got != want {
			t.Errorf("high watermark %d: %q, expected %q", highWatermark, got, want)
		}
	}
}

// TestUncertain: nothing is damaged while it isn't known where a topic of few replicas is (W7).
func TestUncertain(t *testing.T) {
	few, all := topicChange{create: true, copies: 1, parts: 1}, topicChange{create: true, copies: len(topicsTold().t.w.nodes), parts: 1}
	located := func(o toldTopics, id byte) {
		l := o.t.lifeOf(0, broker.UUID{id})
		l.parts, l.groups = 1, []*groupSeen{{replicas: []replicaSeen{{voters: []uint64{1}}}}}
	}
	for name, c := range map[string]struct {
		told func(o toldTopics)
		want bool
	}{
		"nothing":           {func(o toldTopics) {}, false},
		"under way":         {func(o toldTopics) { o.t.call(0, few) }, true},
		"on all, under way": {func(o toldTopics) { o.t.call(0, all) }, false},
		"refused":           {func(o toldTopics) { o.change(1, 2, few, o.taken) }, false},
		"made":              {func(o toldTopics) { o.change(1, 2, few, o.created(1)) }, true},
		"made, and seen":    {func(o toldTopics) { o.change(1, 2, few, o.created(1)); located(o, 1) }, false},
		"made, and the first of two partitions seen": {func(o toldTopics) {
			o.change(1, 2, few, o.created(1))
			located(o, 1)
			o.t.lifeOf(0, broker.UUID{1}).parts = 2
		}, true},
		"made, and a replica seen that knows no others": {func(o toldTopics) {
			o.change(1, 2, few, o.created(1))
			located(o, 1)
			o.t.lifeOf(0, broker.UUID{1}).groups[0].replicas[0].voters = nil
		}, true},
		"made without an id":                     {func(o toldTopics) { o.change(1, 2, few, o.created(0)) }, true},
		"made without an id, and heard of":       {func(o toldTopics) { o.change(1, 2, few, o.created(0)); o.t.lifeOf(0, broker.UUID{1}) }, true},
		"made without an id, and seen":           {func(o toldTopics) { o.change(1, 2, few, o.created(0)); located(o, 1) }, false},
		"made without an id, and deleted":        {func(o toldTopics) { o.change(1, 2, few, o.created(0)); o.change(3, 4, topicChange{}, o.deleted(0)) }, false},
		"made without an id, and made again":     {func(o toldTopics) { o.change(1, 2, few, o.created(0)); o.change(3, 4, all, o.created(2)) }, false},
		"one of two that may be there seen":      {func(o toldTopics) { o.t.call(0, few); o.t.call(0, all); o.t.w.now = 3; located(o, 1) }, true},
		"deleted, and made again under way":      {func(o toldTopics) { o.change(1, 2, topicChange{}, o.deleted(0)); o.t.call(0, few) }, true},
		"made, while its deletion was under way": {func(o toldTopics) { o.change(1, 4, few, o.created(0)); o.change(3, 5, topicChange{}, o.deleted(0)) }, true},
	} {
		t.Run(name, func(t *testing.T) {
			o := topicsTold()
			o.t.w.now = 1
			c.told(o)
			if got := o.t.uncertain(); got != c.want {
				t.Errorf("uncertain: %t", got)
			}
		})
	}
}

// TestMayMake: no majority of a new topic's replicas may come to where all is lost (W7).
func TestMayMake(t *testing.T) {
	o := Draw(1, time.Second)
	o.Brokers = 5
	w := newWorld(o, Env{})
	for lost, least := range []int{1, 3, 5} {
		for copies := 1; copies <= 5; copies++ {
			if got := w.mayMake(copies); got != (copies >= least) {
				t.Errorf("%d brokers are lost: %d replicas may be made: %t", lost, copies, got)
			}
		}
		w.nodes[lost].lost = lossRotten
	}
}

// TestAcknowledgedInTheLastTurn: a leader commits and acknowledges in the turn in which it hears that its topic is deleted, and goes: what it
// had then is judged as what others have.
func TestAcknowledgedInTheLastTurn(t *testing.T) {
	for _, c := range []struct {
		last, follower uint64 // what it calls committed when it goes, and what one follower has on disk
		end            int64  // what is acknowledged
		want           string
	}{
		{9, 9, 9, ""},
		{9, 9, 10, NotOnMajority},
		{9, 8, 9, NotOnMajority},
		{7, 9, 9, NotOnMajority},
	} {
		w, _ := toyWorld(t, 1, 1)
		w.opt.Load.Fleeting = 1
		w.topics = newTopicLedger(w)
		o := toldTopics{w.topics}
		o.change(time.Second, time.Second, topicChange{create: true, copies: 3}, o.created(1))
		expect(t, watching{w}.turn(1, view(1, 5, false, 7, c.follower)), "")
		expect(t, watching{w}.turn(0, view(0, 5, true, 7, 9)), "")
		last := view(0, 5, true, c.last, 9)
		last.Gone, last.Topic = true, ""
		got := watching{w}.turn(0, last)
		g, l := w.views.find(2), w.topics.byID[broker.UUID{1}]
		g.life, l.groups = l, []*groupSeen{g}
		g.dropped, g.held = make([]time.Duration, 3), make([]time.Duration, 3)
		w.topics.call(0, topicChange{})
		w.topics.dropped(g, w.nodes[0])
		if got == "" {
			l.acknowledged(w, &call{}, c.end)
		}
		if got == "" && w.violation != nil {
			got = w.violation.Name
		}
		if got != c.want {
			t.Errorf("%+v: %q, expected %q", c, got, c.want)
		}
	}
}

// TestPartitionOfAnotherLife: a topic that is known to be there is answered for; but one of its partitions only if it has it in this life.
func TestPartitionOfAnotherLife(t *testing.T) {
	for index, want := range map[int]string{1: RefusedWithoutCause, 2: ""} {
		w, g := refusingWorld(t, 1, partMetadata)
		for i := range g.replicas {
			g.replicas[i].stable = 7
		}
		l := &life{parts: 2, made: time.Minute, over: -1}
		w.topics.names[0].lives = append(w.topics.names[0].lives, l)
		w.topics.judgeRefusal(&call{line: &line{node: 1}, key: int16(kmsg.Fetch), sent: w.now, topic: 1, index: index, code: codeUnknownTopic}, "answers so")
		got := ""
		if w.violation != nil {
			got = w.violation.Name
		}
		if got != want {
			t.Errorf("partition %d of 2: %q, expected %q", index, got, want)
		}
	}
}
