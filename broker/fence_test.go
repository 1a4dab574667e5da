package broker

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"logd/log"
)

// fenced starts a broker again that knows of a topic, as one of so many brokers, of which no other ever answers. Whether it knew when it
// ended that the topic's creation is committed is told.
func fenced(t *testing.T, knows bool, brokers ...int32) *lone {
	t.Helper()
	l := startLone(t)
	l.create("a")
	if st := l.s.parts[metaGroup].g.Status(); knows { // the commit index alone is written now and then only
		l.s.store.SetState(metaGroup, log.State{Term: st.Term, Vote: st.ID, Commit: st.Commit})
		l.turn()
	}
	l.open(brokers...)
	return l
}

// topicsTold asks for the topics, and returns how many it is told of, and after how many ticks.
func (l *lone) topicsTold() (topics, ticks int) {
	l.Helper()
	req := kmsg.NewPtrMetadataRequest()
	req.Version = 7
	l.send(req)
	l.await("answer", func() bool {
		resp, ok := l.received(req)
		if !ok {
			ticks++
			return false
		}
		topics = len(resp.(*kmsg.MetadataResponse).Topics)
		return true
	})
	return topics, ticks
}

// B15: a request waits until all is applied that the log held, so that no topic is gone that clients were told of.
func TestNoRequestBeforeTheMetadataIsThere(t *testing.T) {
	l := fenced(t, false, 1)
	if !l.paused[1] {
		t.Fatal("the client is read, and not answered")
	}
	if topics, ticks := l.topicsTold(); topics != 1 || ticks == 0 {
		t.Fatalf("after %d ticks it is told of %d topics, expected 1 when a leader is elected", ticks, topics)
	}
	if l.paused[1] {
		t.Fatal("the client isn't read any more")
	}
}

// B15: who hears of nobody answers after a while, by all that it knows to be committed: not by its last mark.
func TestWhoIsAloneAnswersByWhatItKnows(t *testing.T) {
	l := fenced(t, false, 1, 2, 3)
	most := fenceElections * l.s.cfg.Limits.ElectionTicks
	if topics, ticks := l.topicsTold(); topics != 0 || ticks < most-1 || ticks > most+1 {
		t.Errorf("after %d ticks it is told of %d topics, expected none after %d", ticks, topics, most)
	}
	if topics, ticks := fenced(t, true, 1, 2, 3).topicsTold(); topics != 1 || ticks != 0 {
		t.Errorf("after %d ticks it is told of %d topics, expected the one that is known to be committed, at once", ticks, topics)
	}
}
