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
			n.lost = "restored"
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
