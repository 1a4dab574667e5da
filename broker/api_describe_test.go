package broker

import (
	"fmt"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// describedAs renders a DescribeTopicPartitions response: name[!code](partition:leader...) and the cursor.
func describedAs(r *kmsg.DescribeTopicPartitionsResponse) string {
	var s []string
	for _, t := range r.Topics {
		text := *t.Topic
		if t.ErrorCode != errNone {
			text += fmt.Sprint("!", t.ErrorCode)
		}
		for _, p := range t.Partitions {
			text += fmt.Sprintf(" %d:%d/%d%v", p.Partition, p.LeaderID, p.LeaderEpoch, p.Replicas)
			if p.ErrorCode != errNone || p.ISR == nil || p.OfflineReplicas == nil || p.EligibleLeaderReplicas == nil || p.LastKnownELR == nil {
				text += fmt.Sprintf(" %+v", p) // Java's client dies of a null
			}
		}
		if t.Partitions == nil {
			text += " null"
		}
		s = append(s, text)
	}
	if r.NextCursor != nil {
		s = append(s, fmt.Sprintf("next %s %d", r.NextCursor.Topic, r.NextCursor.Partition))
	}
	return strings.Join(s, ", ")
}

// Topics come by name, as many partitions as are asked for and no more than there may be; what is left is asked for by the cursor.
func TestDescribeTopicPartitions(t *testing.T) {
	m := withTopics(t)
	m = must(t, m, CreateTopic{Name: "many", ID: id(9), Partitions: maxDescribed, Replication: 1})
	ask := func(lead leaders, limit int32, cursor string, partition int32, names ...string) *kmsg.DescribeTopicPartitionsResponse {
		req := kmsg.NewPtrDescribeTopicPartitionsRequest()
		req.ResponsePartitionLimit = limit
		for _, n := range names {
			req.Topics = append(req.Topics, kmsg.DescribeTopicPartitionsRequestTopic{Topic: n})
		}
		if cursor != "" {
			req.Cursor = &kmsg.DescribeTopicPartitionsRequestCursor{Topic: cursor, Partition: partition}
		}
		return describeTopicPartitions(m, lead, req)
	}
	for _, c := range []struct {
		lead   leaders
		limit  int32
		cursor string
		at     int32
		names  []string
		want   string
	}{
		{led, 2000, "", 0, []string{"x", "b.c", "a", "a b", "a"}, "a 0:1/7[1 2 3] 1:1/7[2 1 3], a b!17, b.c 0:1/7[3], x!3"},
		{leaderless, 2000, "", 0, []string{"b.c"}, "b.c 0:-1/-1[3]"},
		{led, 1, "", 0, []string{"a"}, "a 0:1/7[1 2 3], next a 1"},
		{led, 2, "", 0, []string{"a", "b.c"}, "a 0:1/7[1 2 3] 1:1/7[2 1 3], next b.c 0"},
		{led, 2, "a", 1, []string{"a", "b.c"}, "a 1:1/7[2 1 3], b.c 0:1/7[3]"},
		{led, -5, "b.c", 0, nil, "b.c 0:1/7[3], next many 0"},
		{led, 2000, "a", 5, []string{"a"}, "a"},
		{led, 2000, "b", 0, []string{"a"}, "a!42"},
		{led, 2000, "a", -1, []string{"x", "a"}, "x!42, a!42"},
		{led, 2000, "a", -1, nil, ""},
		{led, 2000, "zzz", 0, nil, ""},
	} {
		r := ask(c.lead, c.limit, c.cursor, c.at, c.names...)
		if got := describedAs(r); got != c.want || r.Topics == nil {
			t.Errorf("%d of %v from %q %d: %q, expected %q", c.limit, c.names, c.cursor, c.at, got, c.want)
		}
	}
	seen, cursor, at := 0, "", int32(0)
	for range 5 {
		r := ask(led, 1<<30, cursor, at)
		n := 0
		for _, topic := range r.Topics {
			n += len(topic.Partitions)
			if UUID(topic.TopicID) != m.TopicByName(*topic.Topic).ID {
				t.Errorf("%s has id %x", *topic.Topic, topic.TopicID)
			}
		}
		if seen += n; n > maxDescribed {
			t.Errorf("%d partitions in one response", n)
		}
		if r.NextCursor == nil {
			break
		}
		cursor, at = r.NextCursor.Topic, r.NextCursor.Partition
	}
	if seen != maxDescribed+3 {
		t.Errorf("all in all %d partitions", seen)
	}
}

// A broker's replicas are listed with what they take of the disk, in segments or on their way there; all, or those that are named.
func TestDescribeLogDirs(t *testing.T) {
	l := startLone(t)
	l.createMany("s", 3)
	l.produceTo("s", 1, 20_000)
	list := func(topics ...kmsg.DescribeLogDirsRequestTopic) kmsg.DescribeLogDirsResponseDir {
		t.Helper()
		r := ask[*kmsg.DescribeLogDirsResponse](l, &kmsg.DescribeLogDirsRequest{Topics: topics})
		if r.ErrorCode != errNone || len(r.Dirs) != 1 || r.Dirs[0].ErrorCode != errNone || r.Dirs[0].Dir != l.s.cfg.Dir {
			t.Fatalf("%+v", r)
		}
		return r.Dirs[0]
	}
	rows := func(d kmsg.DescribeLogDirsResponseDir) string {
		text := ""
		for _, rt := range d.Topics {
			for _, p := range rt.Partitions {
				text += fmt.Sprint(" ", rt.Topic, p.Partition)
				if p.OffsetLag != 0 || p.IsFuture {
					t.Errorf("%+v", p)
				}
			}
		}
		return text
	}
	if d := list(); rows(d) != " s0 s1 s2" || d.TotalBytes != -1 || d.UsableBytes != -1 {
		t.Errorf("all, without the room known: %+v", d)
	}
	l.turn(Space{Free: 700, Want: 1, Total: 900})
	d := list(kmsg.DescribeLogDirsRequestTopic{Topic: "s", Partitions: []int32{2, 1, 1, 9, -1}}, kmsg.DescribeLogDirsRequestTopic{Topic: "x", Partitions: []int32{0}})
	if rows(d) != " s1 s2" || d.TotalBytes != 900 || d.UsableBytes != 700 {
		t.Errorf("some: %+v", d)
	}
	size := func() int64 {
		return list(kmsg.DescribeLogDirsRequestTopic{Topic: "s", Partitions: []int32{1}}).Topics[0].Partitions[0].Size
	}
	if n := size(); n < 20_000 || n > 21_000 {
		t.Errorf("in memory alone it has %d bytes", n)
	}
	p := l.s.parts[l.s.meta.TopicByName("s").Partitions[1].Group]
	p.g.Flush(1 << 30)
	l.await("a segment", func() bool { return l.s.store.SegmentEnd(p.group) == 1 })
	if n := size(); n < 20_000 || n > 21_000 {
		t.Errorf("in a segment it has %d bytes", n)
	}
	l.produceTo("s", 1, 20_000)
	if n := size(); n < 40_000 || n > 42_000 {
		t.Errorf("in both it has %d bytes", n)
	}
	m := *l.s.meta
	l.s.meta = &m
	m.byName = nil // the topic is deleted
	if d := list(); len(d.Topics) != 0 {
		t.Errorf("of a topic that is gone: %+v", d)
	}
}
