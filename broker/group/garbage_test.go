package group

import (
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
	"pgregory.net/rapid"
)

// Whoever wrote what is in the log, and whatever it says of a group, the machine serves: what it can't read it leaves out, and what
// contradicts itself panics neither when it is loaded, nor when members ask for the group, nor as time passes. The records are Kafka's own,
// of many groups that are made one here, damaged and in any order.
func TestGarbageAmongRecords(t *testing.T) {
	records := readKafkas(t)
	rapid.Check(t, func(t *rapid.T) {
		r := &rig{t: t, cfg: consumerConfig(), answers: map[Ticket]any{}, now: Now{Mono: 1, Wall: 1_700_000_000_000}, topics: fakeTopics{version: 1, parts: []int32{3, 1}}}
		r.m = New(r.cfg, rand.New(rand.NewPCG(1, 2)))
		r.m.See(r.topics)
		var members []string
		for range rapid.IntRange(1, 30).Draw(t, "records") {
			some := ofGroup("g", rapid.SampledFrom(records).Draw(t, "record"))
			if k, err := decodeConsumerKey(some.Key); err == nil && k.of != "" {
				members = append(members, k.of)
			}
			damage(t, records, &some)
			r.end++
			if err := r.m.Replay(r.end, []Record{some}); err != nil && !errors.Is(err, ErrUnknownRecord) {
				t.Fatal(err)
			}
		}
		var out Out // what can't be read is said in notes
		r.m.Loaded(r.now, &out)
		r.writes = append(r.writes, out.Writes...)
		for _, g := range r.m.sorted() {
			if g.classic != nil {
				for _, m := range g.classic.members {
					members = append(members, m.id)
				}
			}
		}
		members = append(members, "new")
		for range rapid.IntRange(1, 12).Draw(t, "calls") {
			id := rapid.SampledFrom(members).Draw(t, "member")
			r.ask("g", 1, anyCall(t, id))
			switch rapid.IntRange(0, 3).Draw(t, "then") {
			case 0:
				r.now.Mono += rapid.SampledFrom([]time.Duration{time.Second, time.Minute, 25 * time.Hour}).Draw(t, "pass")
				r.turn(func(out *Out) { r.m.Expire(r.now, out) })
			case 1, 2:
				for len(r.writes) > 0 {
					w := r.writes[0]
					r.writes, r.end = r.writes[1:], r.end+int64(len(w.Records))
					r.turn(func(out *Out) { r.m.Committed(r.now, w.ID, r.end, out) })
				}
			}
		}
	})
}

// Records that contradict each other, as nothing here writes them, are as good as none: the group is said to be lost, begins anew, and
// the next coordinator knows nothing of what was there.
func TestContradictoryGroupBeginsAnew(t *testing.T) {
	key := func(kind int16, of string) []byte { return consumerKey{kind, "g", of}.encode() }
	for _, records := range [][]Record{
		{{key(kindConsumerGroup, ""), epochValue{epoch: 2}.encode()}, {key(kindConsumerTarget, ""), epochValue{epoch: 3}.encode()}},
		{{key(kindConsumerGroup, ""), epochValue{epoch: 1<<31 - 2}.encode()}},
		{{key(kindConsumerGroup, ""), epochValue{epoch: 2}.encode()}, {key(kindConsumerMember, "m"), []byte{0}}},
	} {
		r := newRig(t, 2)
		r.m = New(r.cfg, rand.New(rand.NewPCG(1, 2)))
		r.m.See(r.topics)
		r.log, r.end = [][]Record{records}, int64(len(records))
		if err := r.m.Replay(r.end, records); err != nil {
			t.Fatal(err)
		}
		var out Out
		if r.m.Loaded(r.now, &out); len(out.Notes) != 1 {
			t.Fatalf("it is said: %q", out.Notes)
		}
		for range 2 {
			if got := r.mustBeat(joining("new", nil, "t0")); got != "1: t0/0,1" && got != "1: -" {
				t.Fatalf("told %q", got)
			}
			r.load() // which fails if there is a note
		}
	}
}

// A generation that none can follow is as good as none.
func TestLastGenerationIsUnread(t *testing.T) {
	for generation, notes := range map[int32]int{0: 0, 7: 0, maxEpoch: 0, maxEpoch + 1: 1, 1<<31 - 1: 1, -1: 1} {
		v := kmsg.NewGroupMetadataValue()
		v.Version, v.ProtocolType, v.Generation = groupVersion, "consumer", generation
		m := New(consumerConfig(), rand.New(rand.NewPCG(1, 2)))
		m.See(fakeTopics{version: 1})
		if err := m.Replay(1, []Record{{encodeGroupKey("g"), v.AppendTo(nil)}}); err != nil {
			t.Fatal(err)
		}
		var out Out
		if m.Loaded(Now{Mono: 1, Wall: 1}, &out); len(out.Notes) != notes {
			t.Errorf("generation %d: it is said: %q", generation, out.Notes)
		}
	}
}

// ofGroup is a record, if its key can be read, as one of another group.
func ofGroup(group string, r Record) Record {
	if k, err := decodeConsumerKey(r.Key); err == nil {
		k.group = group
		return Record{k.encode(), r.Value}
	}
	key := kmsg.NewOffsetCommitKey()
	if kind, _, err := keyOf(r.Key); err == nil && kind == kindGroup {
		return Record{encodeGroupKey(group), r.Value}
	} else if err == nil && key.ReadFrom(r.Key) == nil {
		return Record{encodeOffsetKey(group, offsetKey{key.Topic, key.Partition}), r.Value}
	}
	return r
}

func damage(t *rapid.T, all []Record, r *Record) {
	r.Key, r.Value = append([]byte{}, r.Key...), append([]byte(nil), r.Value...)
	at := func(of []byte) int { return rapid.IntRange(0, len(of)-1).Draw(t, "at") }
	switch how := rapid.IntRange(0, 9).Draw(t, "damage"); {
	case how == 0:
		r.Key[at(r.Key)] ^= rapid.Byte().Draw(t, "bits")
	case how == 1:
		r.Key = r.Key[:at(r.Key)]
	case how == 2:
		r.Value = rapid.SampledFrom(all).Draw(t, "another's").Value
	case how == 3:
		r.Value = rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "value")
	case len(r.Value) == 0 || how > 6:
	case how == 4:
		r.Value = r.Value[:at(r.Value)]
	case how == 5:
		copy(r.Value[at(r.Value):], rapid.SampledFrom([]string{"\x7f\xff\xff\xff", "\x80\x00\x00\x00", "\xff\xff\xff\xff"}).Draw(t, "edge"))
	default:
		r.Value[at(r.Value)] ^= rapid.Byte().Draw(t, "bits")
	}
}

// anyCall is a request of a member.
func anyCall(t *rapid.T, id string) any {
	epoch := rapid.Int32Range(-2, 5).Draw(t, "epoch")
	switch rapid.IntRange(0, 8).Draw(t, "call") {
	case 0:
		b := kmsg.NewPtrHeartbeatRequest()
		b.Group, b.MemberID, b.Generation = "g", id, epoch
		return b
	case 1:
		b := kmsg.NewPtrJoinGroupRequest()
		b.Group, b.MemberID, b.ProtocolType, b.SessionTimeoutMillis, b.RebalanceTimeoutMillis = "g", id, "consumer", 10_000, 20_000
		meta := kmsg.NewConsumerMemberMetadata()
		meta.Topics = []string{"t0"}
		b.Protocols = []kmsg.JoinGroupRequestProtocol{{Name: "range", Metadata: meta.AppendTo(nil)}}
		return b
	case 2:
		b := kmsg.NewPtrSyncGroupRequest()
		b.Group, b.MemberID, b.Generation = "g", id, epoch
		return b
	case 3:
		b := kmsg.NewPtrLeaveGroupRequest()
		b.Group, b.MemberID = "g", id
		return b
	case 4, 5:
		return beating(id, epoch, nil)
	case 6:
		return joining(id, nil, "t0", "t1")
	case 7:
		return rapid.SampledFrom([]any{Describe{}, DescribeConsumer{}}).Draw(t, "described")
	}
	return rapid.SampledFrom([]any{List{}, Delete{}}).Draw(t, "listed")
}
