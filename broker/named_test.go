package broker

import (
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"logd/broker/group"
	"logd/transport"
)

// answerOf is the size of the one response to a request, and it.
func (l *lone) answerOf(req kmsg.Request) (int, kmsg.Response) {
	l.Helper()
	l.corr++
	l.turn(ConnData{Conn: 1, Data: transport.AppendRequest("lone", l.corr, req)})
	var frame []byte
	l.await("response", func() bool {
		b, ok, err := l.frames.Next()
		if err != nil {
			l.Fatal(err)
		}
		frame = append(frame, b...)
		return ok
	})
	_, resp, err := transport.ParseResponse(frame, req.Key(), req.GetVersion())
	if err != nil {
		l.Fatal(err)
	}
	return len(frame), resp
}

// A group that a request names a thousand times is answered once: its members may have said much of themselves.
func TestGroupsAreAnsweredOnce(t *testing.T) {
	l := startGroups(t)
	l.join("g")
	if code := l.commit("h", "", -1, "a", 41); code != errNone {
		t.Fatal(code)
	}
	const times = 1000
	describe := kmsg.NewPtrDescribeGroupsRequest()
	describe.Version = 5
	consumers := kmsg.NewPtrConsumerGroupDescribeRequest()
	consumers.Version = 1
	offsets := kmsg.NewPtrOffsetFetchRequest()
	offsets.Version = 8
	for range times {
		describe.Groups = append(describe.Groups, "g", "h")
		consumers.Groups = append(consumers.Groups, "g", "h")
		for _, id := range []string{"g", "h"} {
			row := kmsg.NewOffsetFetchRequestGroup()
			row.Group = id
			offsets.Groups = append(offsets.Groups, row)
		}
	}
	for _, req := range []kmsg.Request{describe, consumers, offsets} {
		size, resp := l.answerOf(req)
		var ids []string
		switch resp := resp.(type) {
		case *kmsg.DescribeGroupsResponse:
			for _, g := range resp.Groups {
				ids = append(ids, g.Group)
			}
		case *kmsg.ConsumerGroupDescribeResponse:
			for _, g := range resp.Groups {
				ids = append(ids, g.Group)
			}
		case *kmsg.OffsetFetchResponse:
			for _, g := range resp.Groups {
				ids = append(ids, g.Group)
			}
		}
		if len(ids) != 2 || ids[0] != "g" || ids[1] != "h" || size > times {
			t.Errorf("%T: %d bytes for %d groups", resp, size, len(ids))
		}
	}
}

// So is a partition of a group: what was committed for it may have 4 KiB beside it.
func TestOffsetsAreFetchedOnce(t *testing.T) {
	l := startGroups(t)
	if code := l.commit("g", "", -1, "a", 41); code != errNone {
		t.Fatal(code)
	}
	req := kmsg.NewPtrOffsetFetchRequest()
	req.Version = 7
	req.Group = "g"
	for range 10 {
		req.Topics = append(req.Topics, kmsg.OffsetFetchRequestTopic{Topic: "a", Partitions: make([]int32, 1000)})
	}
	_, resp := l.answerOf(req)
	n := 0
	for _, rt := range resp.(*kmsg.OffsetFetchResponse).Topics {
		for _, p := range rt.Partitions {
			if n++; p.Offset != 41 {
				t.Errorf("%+v", p)
			}
		}
	}
	if n != 1 {
		t.Errorf("one partition is answered %d times", n)
	}
}

// What has no room in one answer is asked for again.
func TestAnswersOfGroupsAreBounded(t *testing.T) {
	l := startGroups(t)
	l.join("g")
	l.join("h")
	describe := kmsg.NewPtrDescribeGroupsRequest()
	describe.Version, describe.Groups = 5, []string{"g", "h"}
	_, resp := l.answerOf(describe)
	whole := resp.(*kmsg.DescribeGroupsResponse).Groups
	for _, c := range []struct {
		bytes int
		want  [2]int16
	}{{2*sizeOfDescribed(&whole[0]) - 1, [2]int16{errNone, group.NotAvailable}}, {1, [2]int16{group.NotAvailable, group.NotAvailable}}, {1 << 20, [2]int16{}}} {
		l.s.cfg.Limits.GroupsAnswer = c.bytes
		_, resp := l.answerOf(describe)
		for i, g := range resp.(*kmsg.DescribeGroupsResponse).Groups {
			if g.ErrorCode != c.want[i] || g.Group != describe.Groups[i] || (len(g.Members) > 0) != (c.want[i] == errNone) {
				t.Errorf("%d bytes: group %d is %+v", c.bytes, i, g)
			}
		}
	}
}

// A partition that a request names again and again is refused, and not looked up each time.
func TestPartitionsNamedTwiceAreRefused(t *testing.T) {
	l := startLone(t)
	p, epochs := l.twoEpochs("e")
	l.create("f")
	l.chill(p)
	l.slow = true
	const times = 2000
	epoch := kmsg.NewPtrOffsetForLeaderEpochRequest()
	epoch.Version = 4
	producers := kmsg.NewPtrDescribeProducersRequest()
	for _, topic := range []string{"e", "f"} {
		rt := kmsg.OffsetForLeaderEpochRequestTopic{Topic: topic}
		pt := kmsg.DescribeProducersRequestTopic{Topic: topic}
		for i := range times {
			if i == 0 || topic == "e" {
				rt.Partitions = append(rt.Partitions, kmsg.OffsetForLeaderEpochRequestTopicPartition{CurrentLeaderEpoch: -1, LeaderEpoch: epochs[0]})
				pt.Partitions = append(pt.Partitions, 0)
			}
		}
		epoch.Topics, producers.Topics = append(epoch.Topics, rt), append(producers.Topics, pt)
	}
	_, resp := l.answerOf(epoch)
	if len(l.reads) > 0 {
		t.Errorf("%d reads are out", len(l.reads))
	}
	rows := resp.(*kmsg.OffsetForLeaderEpochResponse).Topics
	if a, b := rows[0].Partitions[0].ErrorCode, rows[1].Partitions[0].ErrorCode; len(rows[0].Partitions) != times || a != errBadRequest || b != errNone {
		t.Errorf("epochs: code %d of what is named twice, %d of what isn't", a, b)
	}
	_, resp = l.answerOf(producers)
	parts := resp.(*kmsg.DescribeProducersResponse).Topics
	if a, b := parts[0].Partitions[times-1].ErrorCode, parts[1].Partitions[0].ErrorCode; len(parts[0].Partitions) != times || a != errBadRequest || b != errNone {
		t.Errorf("producers: code %d of what is named twice, %d of what isn't", a, b)
	}
}

// All groups of a request are asked in one turn, so those beyond a bound aren't.
func TestMostGroupsOfARequest(t *testing.T) {
	l := startGroups(t)
	l.join("g")
	req := kmsg.NewPtrDescribeGroupsRequest()
	req.Version = 5
	for i := range mostGroups + 1 {
		req.Groups = append(req.Groups, fmt.Sprint(i))
	}
	_, resp := l.answerOf(req)
	rows := resp.(*kmsg.DescribeGroupsResponse).Groups
	if len(rows) != mostGroups+1 {
		t.Fatalf("%d groups are answered for, of %d", len(rows), mostGroups+1)
	}
	for i, row := range rows {
		want := errNone
		if i == mostGroups {
			want = group.NotAvailable
		}
		if row.ErrorCode != want {
			t.Fatalf("group %d: code %d, expected %d", i, row.ErrorCode, want)
		}
	}
}
