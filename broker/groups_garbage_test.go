package broker

import (
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"logd/broker/group"
)

// What a coordinator finds in its partition and can't read, it leaves out and says so, and serves the rest: no batch that is whole by its
// CRC stops it, whoever wrote it. Clients can't write there (TestGroupRefusals).
func TestGarbageInTheLogOfGroups(t *testing.T) {
	l := startGroups(t)
	if code := l.commit("g", "", -1, "a", 5); code != errNone {
		t.Fatal(code)
	}
	records := func(key, value string) testBatch {
		return testBatch{records: []testRecord{{key: key, value: value, timestamp: l.now.Wall}}}
	}
	const offset, members = "\x00\x01\x00\x01g\x00\x01a\x00\x00\x00\x00", "\x00\x02\x00\x01g" // keys of g's offset in a/0, and of its members
	packed, attributed, long := records("k", "v"), records("k", "v"), records("k", "v")
	packed.codec, attributed.attributes = 1, 0x20
	long.change = func(b []byte) { b[61] = 0x7f } // the record's length
	batches := []testBatch{
		records("", "no key"), records("k", "v"), records("\x00\x63\x00\x01g", "a kind that isn't there"), records("\x00\x01\x7f\xff", "a key cut short"),
		records(offset, "\x00"), records(offset, "\x00\x63 of a version that isn't there"), packed, attributed, long,
	}
	said := len(batches)
	batches = append(batches, records(members, "\x00\x03\x00\x08consumer\xff\xff\xff\xff\xff\xff\xff\xff\x7f\xff\xff\xff")) // kept as it is, and said when all is loaded
	p := l.groupsOf("g")
	for _, b := range batches {
		end := p.g.HighWatermark()
		l.s.propose(p, origin{}, b.bytes(t))
		l.turn()
		if p.g.HighWatermark() == end {
			t.Fatal("it isn't in the log")
		}
	}
	l.logs = nil
	l.boot()
	l.findCoordinator("g")
	if got := l.committed("g", "a").Topics[0].Partitions[0].Offset; got != 5 {
		t.Fatalf("offset %d is committed, expected 5", got)
	}
	left, unread := 0, 0
	for _, line := range l.logs {
		if strings.Contains(line, "a record of groups is left out partition="+topicOffsets) {
			left++
		}
		if strings.Contains(line, "can't be read") && strings.Contains(line, "its members must join again") {
			unread++
		}
	}
	if left != said || unread != 1 {
		t.Fatalf("%d batches are said to be left out, expected %d; of %d groups that their members must join again, expected 1:\n%s", left, said, unread, strings.Join(l.logs, "\n"))
	}
	if code := l.heartbeat("g", "m", 1); code != group.UnknownMember {
		t.Fatalf("of a member that isn't there: %d", code)
	}
	l.join("g")
	if r := ask[*kmsg.ListGroupsResponse](l, kmsg.NewPtrListGroupsRequest()); len(r.Groups) != 1 {
		t.Fatalf("groups: %+v", r.Groups)
	}
}
