package broker

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// sessionsOf is a cache of sessions on a clock of the test's own; kept is 100 ns.
type sessionsOf struct {
	*testing.T
	s *Shard
	c fetchSessions
}

func newSessionsOf(t *testing.T, sessions, rows int) *sessionsOf {
	s := &Shard{rng: testRand()}
	s.cfg.Limits = Limits{Sessions: sessions, SessionRows: rows, SessionKept: 100}
	return &sessionsOf{T: t, s: s, c: fetchSessions{byID: map[int32]*fetchSession{}}}
}

// begin asks for a session of so many partitions; 0 if there is none to be had.
func (c *sessionsOf) begin(at time.Duration, partitions int32) int32 {
	c.Helper()
	c.s.now.Mono = at
	f, code := c.c.open(c.s, fetchAllOf("t", partitions, 1))
	switch {
	case code != errNone:
		c.Fatal(code)
	case f.session == nil:
		return 0
	}
	return f.session.id
}

// use asks on in a session.
func (c *sessionsOf) use(at time.Duration, id, epoch int32) {
	c.Helper()
	c.s.now.Mono = at
	req := fetchAllOf("t", 0, 1)
	req.Topics, req.SessionID, req.SessionEpoch = nil, id, epoch
	if _, code := c.c.open(c.s, req); code != errNone {
		c.Fatalf("session %d, epoch %d: code %d", id, epoch, code)
	}
}

func (c *sessionsOf) has(ids ...int32) bool {
	return len(c.c.byID) == len(ids) && !slices.ContainsFunc(ids, func(id int32) bool { return c.c.byID[id] == nil })
}

// Who makes room for a new session is Kafka's choice (FetchSessionCacheShard.tryEvict): one that wasn't used for long, the one unused
// for longest; else, of those that exist for long, the smallest, if the new one is larger.
func TestFetchSessionsMakeRoom(t *testing.T) {
	c := newSessionsOf(t, 2, 1000)
	a, b := c.begin(0, 3), c.begin(1, 5)
	if id := c.begin(50, 9); id != 0 || !c.has(a, b) {
		t.Errorf("all are new: session %d, left are %v", id, c.c.byID)
	}
	c.use(60, a, 1)
	d := c.begin(102, 1) // b was used last at 1
	if d == 0 || !c.has(a, d) {
		t.Errorf("b is stale: session %d, left are %v", d, c.c.byID)
	}
	if id := c.begin(110, 3); id != 0 || !c.has(a, d) {
		t.Errorf("only a exists for long, and isn't smaller: session %d", id)
	}
	e := c.begin(111, 4)
	if e == 0 || !c.has(d, e) {
		t.Errorf("a exists for long and is smaller: session %d, left are %v", e, c.c.byID)
	}
	c.use(200, d, 1)
	c.use(201, e, 1)
	c.use(209, d, 2)
	g := c.begin(215, 5) // both exist for long: d has 1 partition, e has 4
	if g == 0 || !c.has(e, g) {
		t.Errorf("d is the smallest: session %d, left are %v", g, c.c.byID)
	}
	c = newSessionsOf(t, 10, 8)
	a, b = c.begin(0, 3), c.begin(1, 5)
	if id := c.begin(200, 4); id != 0 || !c.has(a, b) {
		t.Errorf("nobody leaves for one that has no room even so: session %d, left are %v", id, c.c.byID)
	}
	if id := c.begin(201, 3); id == 0 || !c.has(b, id) {
		t.Errorf("a is stale and leaves enough room: session %d, left are %v", id, c.c.byID)
	}
}

// The epoch after the greatest is 1: 0 begins a session (FetchMetadata.nextEpoch).
func TestFetchSessionEpochWraps(t *testing.T) {
	c := newSessionsOf(t, 2, 1000)
	id := c.begin(0, 1)
	c.c.byID[id].epoch = math.MaxInt32
	c.use(1, id, math.MaxInt32)
	c.use(2, id, 1)
}

// Sessions begin with version 7.
func TestFetchSessionVersions(t *testing.T) {
	l := startLone(t)
	l.create("s")
	for version := int16(6); version <= 8; version++ {
		req := fetchAllOf("s", 1, 1)
		req.Version = version
		if r := ask[*kmsg.FetchResponse](l, req); (r.SessionID != 0) != (version >= 7) {
			t.Errorf("version %d: session %d", version, r.SessionID)
		}
	}
}

// A client is told of a partition in which anything is new: records, a high watermark, a log start, an error, and that the error is over.
func TestFetchSessionTellsNews(t *testing.T) {
	l := startLone(t)
	l.createMany("s", 2)
	expect := func(what, got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("%s: %q, expected %q", what, got, want)
		}
	}
	id, text := l.session(0, 0, nil, 0, 0, 1, 0)
	expect("first", text, "0: 0/0 1/0")
	l.produceTo("s", 0, 1000)
	_, text = l.session(id, 1, nil, 0, 1)
	expect("a high watermark without records", text, "0: 0/1")
	_, text = l.session(id, 2, nil)
	expect("told already", text, "0:")
	if low, code := l.delete("s", 1); low != 1 || code != errNone {
		t.Fatal(low, code)
	}
	_, text = l.session(id, 3, nil)
	expect("a log start", text, "0: 0/1")
	_, text = l.session(id, 4, nil)
	expect("told already", text, "0:")
	_, text = l.session(id, 5, nil, 0, 0)
	expect("an error", text, "0: 0/1!1")
	_, text = l.session(id, 6, nil)
	expect("the same error", text, "0: 0/1!1")
	_, text = l.session(id, 7, nil, 0, 1)
	expect("the error is over", text, "0: 0/1")
	_, text = l.session(id, 8, nil)
	expect("told already", text, "0:")
}

// A session of ids holds on to its topic: made again under the same name it is another one. One of names finds the new one.
func TestFetchSessionOfATopicMadeAgain(t *testing.T) {
	for _, version := range []int16{12, 13} {
		l := startLone(t)
		l.create("s")
		first := l.s.meta.TopicByName("s").ID
		req := fetchAllOf("s", 1, 1)
		req.Version, req.Topics[0].TopicID = version, first
		on := func() string {
			t.Helper()
			r := ask[*kmsg.FetchResponse](l, req)
			req.SessionID, req.SessionEpoch, req.Topics, req.ForgottenTopics = r.SessionID, req.SessionEpoch+1, nil, nil
			text := fmt.Sprint(r.ErrorCode)
			for _, rt := range r.Topics {
				for _, p := range rt.Partitions {
					text += fmt.Sprintf(" %d/%d", p.ErrorCode, p.HighWatermark)
				}
			}
			return text
		}
		if got := on(); got != "0 0/0" {
			t.Errorf("first: %s", got)
		}
		unknown, again := "0 3/-1", "0 0/0"
		if version == 13 {
			unknown, again = "0 100/-1", "0 100/-1"
		}
		del := kmsg.NewPtrDeleteTopicsRequest()
		del.Version, del.TimeoutMillis, del.TopicNames = 5, 5000, []string{"s"}
		if code := ask[*kmsg.DeleteTopicsResponse](l, del).Topics[0].ErrorCode; code != errNone {
			t.Fatal(code)
		}
		if got := on(); got != unknown {
			t.Errorf("version %d, deleted: %s, expected %s", version, got, unknown)
		}
		l.create("s")
		if got := on(); got != again {
			t.Errorf("version %d, made again: %s, expected %s", version, got, again)
		}
		if version == 13 {
			req.ForgottenTopics = []kmsg.FetchRequestForgottenTopic{{TopicID: first, Partitions: []int32{0}}}
			req.Topics = fetchAllOf("", 1, 1).Topics
			req.Topics[0].TopicID = l.s.meta.TopicByName("s").ID
			if got := on(); got != "0 0/0" {
				t.Errorf("forgotten, and the new one asked for: %s", got)
			}
		}
	}
}

// What another request has added meanwhile stays when an older one is answered, and what it took away stays away.
func TestFetchSessionChangesWhileOneWaits(t *testing.T) {
	key := func(n int32) *fetchRow { return &fetchRow{fetchKey: fetchKey{topic: "t", part: n}} }
	a, b, c := key(0), key(1), key(2)
	f := &fetchSession{rows: []*fetchRow{a, b, c}, find: map[fetchKey]*fetchRow{a.fetchKey: a, b.fetchKey: b, c.fetchKey: c}}
	f.reorder([]*fetchRow{b}, []*fetchRow{a})
	if !slices.Equal(f.rows, []*fetchRow{a, b, c}) {
		t.Errorf("one was added: %v", f.rows)
	}
	delete(f.find, c.fetchKey)
	f.rows = []*fetchRow{a, b}
	f.reorder([]*fetchRow{b, c}, []*fetchRow{a})
	if !slices.Equal(f.rows, []*fetchRow{b, a}) {
		t.Errorf("one was forgotten: %v", f.rows)
	}
}
