package broker

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
	"pgregory.net/rapid"

	"logd/log"
)

// endOf asks where an epoch ends; current is what the client believes the epoch to be.
func (l *lone) endOf(topic string, current, epoch int32) string {
	l.Helper()
	req := kmsg.NewPtrOffsetForLeaderEpochRequest()
	req.Version = 4
	req.Topics = []kmsg.OffsetForLeaderEpochRequestTopic{{Topic: topic, Partitions: []kmsg.OffsetForLeaderEpochRequestTopicPartition{{CurrentLeaderEpoch: current, LeaderEpoch: epoch}}}}
	p := ask[*kmsg.OffsetForLeaderEpochResponse](l, req).Topics[0].Partitions[0]
	return fmt.Sprint(p.ErrorCode, " ", p.LeaderEpoch, " ", p.EndOffset)
}

// diverging fetches as a client that read an epoch last.
func (l *lone) diverging(topic string, offset int64, last int32) string {
	l.Helper()
	req := fetchRequest(topic, offset)
	req.Version = 12
	req.Topics[0].Partitions[0].LastFetchedEpoch = last
	p := ask[*kmsg.FetchResponse](l, req).Topics[0].Partitions[0]
	if p.DivergingEpoch.Epoch >= 0 {
		return fmt.Sprintf("parted %d %d, %d bytes", p.DivergingEpoch.Epoch, p.DivergingEpoch.EndOffset, len(p.RecordBatches))
	}
	return fmt.Sprint(p.ErrorCode, " ", len(p.RecordBatches) > 0)
}

// epochs are the leader epochs of a log, each with the offset at which it begins, by reading it.
func (l *lone) epochs(topic string) (epochs []int32, begins []int64) {
	l.Helper()
	offset := l.list(topic, earliestOffset).Offset
	for end := l.list(topic, latestOffset).Offset; offset < end; {
		data := l.fetch(topic, offset).RecordBatches
		for len(data) > 0 {
			b, n, err := log.ParseBatch(data)
			if err != nil {
				l.Fatal(err)
			}
			if k := len(epochs); k == 0 || epochs[k-1] != b.LeaderEpoch {
				epochs, begins = append(epochs, b.LeaderEpoch), append(begins, b.BaseOffset)
			}
			offset, data = b.NextOffset(), data[n:]
		}
	}
	return epochs, begins
}

// Where each epoch ends is known in memory and in segments, after a restart, and behind a trimmed start (KIP-320). The rules
// are those of Kafka's LeaderEpochFileCache.endOffsetFor, and of Partition.readRecords for a fetch.
func TestEpochs(t *testing.T) {
	l := startLone(t)
	l.create("e")
	for range 3 {
		for range 5 {
			l.produce("e", bigRecord(20_000, 1000))
		}
		l.boot() // a term of its own
		l.await("leader", func() bool { p := l.s.parts[l.s.meta.TopicByName("e").firstGroup()]; return p != nil && p.g.Serving() })
	}
	l.produce("e", bigRecord(20_000, 1000))
	l.checkEpochs()
	for range 200 {
		l.tick() // segments are written, memory is given back
	}
	l.boot()
	l.await("leader", func() bool { p := l.s.parts[l.s.meta.TopicByName("e").firstGroup()]; return p != nil && p.g.Serving() })
	l.produce("e", bigRecord(20_000, 1000))
	l.checkEpochs()
	l.delete("e", 7)
	l.checkEpochs()
	if got := l.endOf("x", -1, 0); got != "3 -1 -1" {
		t.Errorf("no such topic: %s", got)
	}
}

// checkEpochs holds every epoch's end against the log itself.
func (l *lone) checkEpochs() {
	l.Helper()
	epochs, begins := l.epochs("e")
	own := epochs[len(epochs)-1]
	start, end := begins[0], l.list("e", latestOffset).Offset
	for e := int32(0); e <= own+1; e++ {
		want := fmt.Sprint("0 ", own, " ", end)
		i := slices.IndexFunc(epochs, func(x int32) bool { return x > e })
		switch {
		case e > own:
			want = "0 -1 -1"
		case i == 0:
			want = fmt.Sprint("0 ", e, " ", start)
		case i > 0:
			want = fmt.Sprint("0 ", epochs[i-1], " ", begins[i])
		}
		if got := l.endOf("e", -1, e); got != want {
			l.Errorf("epoch %d of %v at %v: %s, expected %s", e, epochs, begins, got, want)
		}
	}
	l.checkParting(epochs, begins, end)
	if got := l.endOf("e", own-1, 0); got != "74 -1 -1" {
		l.Errorf("an older epoch: %s", got)
	}
	if got := l.endOf("e", own+1, 0); got != "75 -1 -1" {
		l.Errorf("a newer epoch: %s", got)
	}
}

// checkParting fetches as clients whose last epoch goes on, or ended, where the log's does, and as others.
func (l *lone) checkParting(epochs []int32, begins []int64, end int64) {
	l.Helper()
	start, own := begins[0], epochs[len(epochs)-1]
	for i, e := range epochs[:len(epochs)-1] {
		at := begins[i+1]
		for _, c := range []struct {
			offset int64
			last   int32
			want   string
		}{
			{at, e, "0 true"},
			{at + 1, e, fmt.Sprintf("parted %d %d, 0 bytes", e, at)},
			{at + 1, epochs[i+1], fmt.Sprint("0 ", at+1 < end)},
			{start, e, "0 true"},
			{at, own + 1, "1 false"},
		} {
			if got := l.diverging("e", c.offset, c.last); got != c.want {
				l.Errorf("from %d with last epoch %d of %v at %v: %s, expected %s", c.offset, c.last, epochs, begins, got, c.want)
			}
		}
		if own > epochs[i+1] || epochs[i+1]-e > 1 { // an epoch in between that nobody wrote in
			if got, want := l.diverging("e", at, epochs[i+1]-1), fmt.Sprintf("parted %d %d, 0 bytes", e, at); epochs[i+1]-1 != e && got != want {
				l.Errorf("epoch %d, which has no records: %s, expected %s", epochs[i+1]-1, got, want)
			}
		}
	}
}

func bigRecord(size int, timestamp int64) testRecord {
	return testRecord{key: "k", value: strings.Repeat("v", size), timestamp: timestamp}
}

// session sends a request of a session and returns what it names: "code session: partition@offset ...".
func (l *lone) session(id, epoch int32, forget []int32, want ...int64) (int32, string) {
	l.Helper()
	req := kmsg.NewPtrFetchRequest()
	req.Version, req.MaxBytes, req.SessionID, req.SessionEpoch = 12, 1<<20, id, epoch
	if len(want) > 0 {
		t := kmsg.FetchRequestTopic{Topic: "s"}
		for i := 0; i < len(want); i += 2 {
			q := kmsg.NewFetchRequestTopicPartition()
			q.Partition, q.FetchOffset, q.PartitionMaxBytes = int32(want[i]), want[i+1], 1<<20
			t.Partitions = append(t.Partitions, q)
		}
		req.Topics = append(req.Topics, t)
	}
	if forget != nil {
		req.ForgottenTopics = []kmsg.FetchRequestForgottenTopic{{Topic: "s", Partitions: forget}}
	}
	resp := ask[*kmsg.FetchResponse](l, req)
	text := fmt.Sprint(resp.ErrorCode, ":")
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			text += fmt.Sprintf(" %d/%d", p.Partition, p.HighWatermark)
			if p.ErrorCode != 0 {
				text += fmt.Sprintf("!%d", p.ErrorCode)
			}
			if len(p.RecordBatches) > 0 {
				text += "+"
			}
		}
	}
	return resp.SessionID, text
}

func (l *lone) createMany(name string, partitions int32) {
	l.Helper()
	req := kmsg.NewPtrCreateTopicsRequest()
	req.TimeoutMillis, req.Topics = 5000, []kmsg.CreateTopicsRequestTopic{wantTopic(name, partitions, 1)}
	if r := ask[*kmsg.CreateTopicsResponse](l, req).Topics[0]; r.ErrorCode != errNone {
		l.Fatal(r.ErrorCode, *r.ErrorMessage)
	}
	l.await("leaders of "+name, func() bool {
		for _, p := range l.s.meta.TopicByName(name).Partitions {
			if q := l.s.parts[p.Group]; q == nil || !q.g.Serving() {
				return false
			}
		}
		return true
	})
}

// A session goes through its life as KIP-227 has it, with the codes of Kafka's FetchManager.newContext.
func TestFetchSession(t *testing.T) {
	l := startLone(t)
	l.createMany("s", 3)
	expect := func(what string, id, got int32, text, want string) {
		t.Helper()
		if got != id || text != want {
			t.Errorf("%s: session %d %q, expected %d %q", what, got, text, id, want)
		}
	}
	id, text := l.session(0, 0, nil, 0, 0, 1, 0, 2, 0)
	if id == 0 || text != "0: 0/0 1/0 2/0" {
		t.Fatalf("a full request: session %d %q", id, text)
	}
	got, text := l.session(id, 1, nil)
	expect("nothing new", id, got, text, "0:")
	l.produce("s", testRecord{value: "v", timestamp: 1})
	got, text = l.session(id, 2, nil)
	expect("one has a record", id, got, text, "0: 0/1+")
	got, text = l.session(id, 2, nil)
	expect("an epoch again", 0, got, text, "71:")
	got, text = l.session(id, 3, nil, 0, 1, 9, 0)
	expect("a partition that isn't there", id, got, text, "0: 9/-1!3")
	got, text = l.session(id, 4, []int32{9, 7})
	expect("and forgotten", id, got, text, "0:")
	got, text = l.session(id, 5, []int32{1, 2}, 0, 0)
	expect("an older offset", id, got, text, "0: 0/1+")
	got, text = l.session(id, 6, nil)
	expect("records again, as the client did not move", id, got, text, "0: 0/1+")
	got, text = l.session(id+1, 1, nil)
	expect("a session that never was", 0, got, text, "70:")
	got, text = l.session(id, 7, []int32{0})
	expect("the last one forgotten", 0, got, text, "0:")
	got, text = l.session(id, 8, nil)
	expect("it has ended", 0, got, text, "70:")
	id, _ = l.session(0, 0, nil, 0, 1)
	got, text = l.session(id, -1, nil, 0, 1)
	expect("closed by a full request", 0, got, text, "0: 0/1")
	if len(l.s.fetches.byID) != 0 || l.s.fetches.rows != 0 {
		t.Errorf("%d sessions with %d partitions are left", len(l.s.fetches.byID), l.s.fetches.rows)
	}
	id, _ = l.session(0, 0, nil, 0, 1)
	req := fetchRequest("s", 0)
	req.Version, req.SessionID, req.SessionEpoch, req.Topics = 13, id, 1, nil
	if resp := ask[*kmsg.FetchResponse](l, req); resp.ErrorCode != errSessionTopicID {
		t.Errorf("a session of names asked with ids: code %d", resp.ErrorCode)
	}
	if next, _ := l.session(id, 0, nil, 0, 1); next == id || next == 0 || len(l.s.fetches.byID) != 1 {
		t.Errorf("a full request in place of session %d gave %d; there are %d", id, next, len(l.s.fetches.byID))
	}
}

// What gave records goes behind what gave none, so that small limits starve no partition.
func TestFetchSessionIsFair(t *testing.T) {
	l := startLone(t)
	l.createMany("s", 2)
	for part := range int32(2) {
		req := kmsg.NewPtrProduceRequest()
		req.Version, req.Acks, req.TimeoutMillis = 11, -1, 5000
		req.Topics = []kmsg.ProduceRequestTopic{{Topic: "s", Partitions: []kmsg.ProduceRequestTopicPartition{{Partition: part, Records: testBatch{records: []testRecord{bigRecord(1000, 1)}}.bytes(t)}}}}
		ask[*kmsg.ProduceResponse](l, req)
	}
	req := kmsg.NewPtrFetchRequest()
	req.Version, req.MaxBytes, req.SessionEpoch = 12, 100, 0
	topic := kmsg.FetchRequestTopic{Topic: "s"}
	for part := range int32(2) {
		q := kmsg.NewFetchRequestTopicPartition()
		q.Partition, q.PartitionMaxBytes = part, 1<<20
		topic.Partitions = append(topic.Partitions, q)
	}
	req.Topics = []kmsg.FetchRequestTopic{topic}
	for i, want := range []int32{0, 1, 0, 1} {
		resp := ask[*kmsg.FetchResponse](l, req)
		var gave []int32
		for _, p := range resp.Topics[0].Partitions {
			if len(p.RecordBatches) > 0 {
				gave = append(gave, p.Partition)
			}
		}
		if !slices.Equal(gave, []int32{want}) {
			t.Errorf("turn %d: partitions %v gave records, expected %d", i, gave, want)
		}
		req.SessionID, req.SessionEpoch, req.Topics = resp.SessionID, req.SessionEpoch+1, nil
	}
}

// Sessions never hold more than they may, and only what Kafka puts out of its place makes room.
func TestFetchSessionsAreBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := &Shard{rng: testRand()}
		s.cfg.Limits = Limits{Sessions: rapid.IntRange(1, 4).Draw(t, "sessions"), SessionRows: rapid.IntRange(1, 20).Draw(t, "rows"), SessionKept: 100}
		c := fetchSessions{byID: map[int32]*fetchSession{}}
		next := map[int32]int32{}
		for range rapid.IntRange(1, 60).Draw(t, "requests") {
			s.now.Mono += time.Duration(rapid.IntRange(0, 60).Draw(t, "later"))
			req := kmsg.NewPtrFetchRequest()
			req.Version = 12
			ids := []int32{0}
			for id := range next {
				ids = append(ids, id)
			}
			slices.Sort(ids)
			req.SessionID = rapid.SampledFrom(ids).Draw(t, "id")
			req.SessionEpoch = rapid.SampledFrom([]int32{-1, 0, next[req.SessionID], next[req.SessionID], 77}).Draw(t, "epoch")
			topic := kmsg.FetchRequestTopic{Topic: "t"}
			for _, p := range rapid.SliceOfN(rapid.Int32Range(0, 12), 0, 10).Draw(t, "want") {
				topic.Partitions = append(topic.Partitions, kmsg.FetchRequestTopicPartition{Partition: p})
			}
			req.Topics = []kmsg.FetchRequestTopic{topic}
			req.ForgottenTopics = []kmsg.FetchRequestForgottenTopic{{Topic: "t", Partitions: rapid.SliceOfN(rapid.Int32Range(0, 12), 0, 5).Draw(t, "forget")}}
			before := c.byID[req.SessionID]
			f, code := c.open(s, req)
			rows := 0
			for id, f := range c.byID {
				rows += len(f.rows)
				if id != f.id || id == 0 || len(f.rows) != len(f.find) || f.epoch < 1 {
					t.Fatalf("session %d: %+v", id, f)
				}
			}
			if rows != c.rows || rows > s.cfg.Limits.SessionRows || len(c.byID) > s.cfg.Limits.Sessions {
				t.Fatalf("%d sessions with %d partitions, counted %d; allowed are %d and %d", len(c.byID), rows, c.rows, s.cfg.Limits.Sessions, s.cfg.Limits.SessionRows)
			}
			switch {
			case code == errNoSession && before != nil && req.SessionEpoch == before.epoch && c.byID[before.id] != nil:
				t.Fatal("a session that is there was denied")
			case code == errNone && f.session != nil:
				next[f.session.id] = f.session.epoch
			}
		}
	})
}

// The first batch is given whatever its size, later ones only within the bounds of the partition and of the request (KIP-74).
func TestTakeBatches(t *testing.T) {
	one := testBatch{records: []testRecord{{value: "v", timestamp: 1}}}.bytes(t)
	n := len(one)
	many := bytes.Repeat(one, 5)
	for _, c := range []struct {
		batches [][]byte
		most    int
		first   bool
		want    int
	}{
		{[][]byte{one, one}, 2 * n, false, 2 * n},
		{[][]byte{one, one}, 2*n - 1, false, n},
		{[][]byte{one, one}, n - 1, false, 0},
		{[][]byte{one, one}, 0, true, n},
		{[][]byte{many}, 3*n + 1, false, 3 * n},
		{[][]byte{many}, 1, true, n},
		{[][]byte{many[:4*n+20]}, 10 * n, true, 4 * n},
		{nil, 10, true, 0},
	} {
		take, size := takeBatches(c.batches, c.most, c.first)
		total := 0
		for _, b := range take {
			total += len(b)
		}
		if size != c.want || total != size {
			t.Errorf("%d of batches of %d bytes, first %t: took %d and said %d, expected %d", c.most, n, c.first, total, size, c.want)
		}
	}
}

// An error that says who does not lead says who does, from the versions on that have a place for it (KIP-951).
func TestLeaderHints(t *testing.T) {
	l := startLone(t)
	p := l.create("h")
	term, _ := p.g.Leading()
	for version := int16(15); version <= 16; version++ { // whose epoch is old is told the leader's own
		req := fetchRequest("h", 0)
		req.Version, req.Topics[0].TopicID, req.Topics[0].Partitions[0].CurrentLeaderEpoch = version, l.s.meta.TopicByName("h").ID, int32(term)-1
		resp := ask[*kmsg.FetchResponse](l, req)
		row := resp.Topics[0].Partitions[0]
		named := row.CurrentLeader.LeaderID == 1 && row.CurrentLeader.LeaderEpoch == int32(term) && len(resp.Brokers) == 1 && resp.Brokers[0].Host == "h"
		if row.ErrorCode != errFencedEpoch || named != (version >= 16) {
			t.Errorf("fetch version %d of an older epoch: %+v, %v", version, row, resp.Brokers)
		}
	}
	p.damaged = true // it has just said that it doesn't lead: it doesn't name itself
	req := fetchRequest("h", 0)
	req.Version, req.Topics[0].TopicID = 16, l.s.meta.TopicByName("h").ID
	if resp := ask[*kmsg.FetchResponse](l, req); resp.Topics[0].Partitions[0].CurrentLeader.LeaderID != -1 || len(resp.Brokers) > 0 {
		t.Errorf("names itself: %+v", resp)
	}
	m := *l.s.meta
	m.Brokers = append(slices.Clone(m.Brokers), BrokerInfo{ID: 5, Incarnation: 5, Host: "h5", Port: 95, Rack: "r5"})
	l.s.meta = &m
	l.s.view.leads[p.group] = lead{p.group, 99, 5}
	p.damaged = true // it leads no more
	for version := int16(15); version <= 16; version++ {
		req := fetchRequest("h", 0)
		req.Version, req.Topics[0].TopicID = version, m.TopicByName("h").ID
		resp := ask[*kmsg.FetchResponse](l, req)
		row := resp.Topics[0].Partitions[0]
		named := row.CurrentLeader.LeaderID == 5 && row.CurrentLeader.LeaderEpoch == 99 && len(resp.Brokers) == 1 && resp.Brokers[0].Host == "h5" && *resp.Brokers[0].Rack == "r5"
		if row.ErrorCode != errNotLeader || named != (version >= 16) {
			t.Errorf("fetch version %d: %+v, %v", version, row, resp.Brokers)
		}
	}
	for version := int16(9); version <= 10; version++ {
		req := kmsg.NewPtrProduceRequest()
		req.Version, req.Acks = version, -1
		part := kmsg.ProduceRequestTopicPartition{Records: testBatch{records: []testRecord{{value: "v"}}}.bytes(t)}
		req.Topics = []kmsg.ProduceRequestTopic{{Topic: "h", Partitions: []kmsg.ProduceRequestTopicPartition{part, part}}} // where it is is said once
		resp := ask[*kmsg.ProduceResponse](l, req)
		row := resp.Topics[0].Partitions[0]
		named := row.CurrentLeader.LeaderID == 5 && row.CurrentLeader.LeaderEpoch == 99 && len(resp.Brokers) == 1 && resp.Brokers[0].Port == 95
		if row.ErrorCode != errNotLeader || named != (version >= 10) {
			t.Errorf("produce version %d: %+v, %v", version, row, resp.Brokers)
		}
	}
}
