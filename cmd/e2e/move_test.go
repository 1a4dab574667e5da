package e2e

import (
	"fmt"
	"net"
	"strconv"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// mover asks brokers about one topic of one partition whose leader moves.
type mover struct {
	*testing.T
	c  *cluster
	id [16]byte
}

// at is a connection to a broker.
func (m *mover) at(n *node) *asker {
	k := &asker{t: m.T, addr: n.addr, client: "mover", quiet: true}
	m.Cleanup(k.close)
	return k
}

// hint is what a response says beside an error: who leads, in which epoch, and where it is.
type hint struct {
	code   int16
	leader int32
	epoch  int32
	addr   string
}

func (m *mover) produce(n *node, version int16) hint {
	r := produceOf("moves", -1, batchOf(1))
	if version >= 13 {
		r.Topics[0].TopicID = m.id
	}
	resp, ok := m.at(n).ask(version, r).(*kmsg.ProduceResponse)
	if !ok {
		return hint{code: -1}
	}
	p := resp.Topics[0].Partitions[0]
	h := hint{code: p.ErrorCode, leader: p.CurrentLeader.LeaderID, epoch: p.CurrentLeader.LeaderEpoch}
	for _, b := range resp.Brokers {
		if b.NodeID == h.leader {
			h.addr = net.JoinHostPort(b.Host, strconv.Itoa(int(b.Port)))
		}
	}
	return h
}

// fetch reads from an offset, as one that believes in a leader epoch and has read another one last.
func (m *mover) fetch(n *node, topic [16]byte, offset int64, current, last int32) (kmsg.FetchResponseTopicPartition, hint) {
	r := fetchOf("", offset)
	r.Topics[0].TopicID = topic
	r.Topics[0].Partitions[0].CurrentLeaderEpoch, r.Topics[0].Partitions[0].LastFetchedEpoch = current, last
	resp, ok := m.at(n).ask(17, r).(*kmsg.FetchResponse)
	if !ok {
		return kmsg.FetchResponseTopicPartition{}, hint{code: -1}
	}
	p := resp.Topics[0].Partitions[0]
	h := hint{code: p.ErrorCode, leader: p.CurrentLeader.LeaderID, epoch: p.CurrentLeader.LeaderEpoch}
	for _, b := range resp.Brokers {
		if b.NodeID == h.leader {
			h.addr = net.JoinHostPort(b.Host, strconv.Itoa(int(b.Port)))
		}
	}
	return p, h
}

// leader is who leads, and its epoch, once it takes records.
func (m *mover) leader() (*node, int32) {
	m.Helper()
	var lead *node
	var epoch int32
	await(m.T, "leader that takes records", func() (bool, string) {
		for _, n := range m.c.nodes {
			if n.running() && m.produce(n, 9).code == 0 {
				p := m.at(n).ask(9, listOf("moves", -1)).(*kmsg.ListOffsetsResponse).Topics[0].Partitions[0]
				lead, epoch = n, p.LeaderEpoch
				return p.ErrorCode == 0, codeName(p.ErrorCode)
			}
		}
		return false, "none"
	})
	return lead, epoch
}

func (m *mover) end(n *node, epoch int32) (int32, int64) {
	m.Helper()
	p := m.at(n).ask(4, epochsOf("moves", 0, -1, epoch)).(*kmsg.OffsetForLeaderEpochResponse).Topics[0].Partitions[0]
	if p.ErrorCode != 0 {
		m.Fatal(codeName(p.ErrorCode))
	}
	return p.LeaderEpoch, p.EndOffset
}

// A partition's leader hands over. Whoever is asked names the one that leads now, with its address (KIP-951); and where the
// epoch before ended is the same on each replica, in the log and behind a log start (KIP-320).
func TestLeaderMoves(t *testing.T) {
	t.Parallel()
	c := startCluster(t, "--rack", "rack-{id}")
	c.createTopic(t, "moves", 1)
	m := &mover{T: t, c: c, id: c.at(t).id("moves")}
	first, was := m.leader()
	for range 4 {
		m.produce(first, 13)
	}
	m.namesLeader(first, was)
	m.sendsNear(first)
	first, was = m.leader() // a broker was down meanwhile
	_, ended := m.end(first, was)
	first.stop(t)
	second, now := m.leader()
	if now <= was || second == first {
		t.Fatalf("broker %d led in epoch %d, then broker %d in %d", first.id, was, second.id, now)
	}
	c.startAndServe(t, first)
	second, now = m.leader() // it may have come back
	m.namesLeader(second, now)
	m.parts(second, was, now, ended)
	del := kmsg.NewPtrDeleteRecordsRequest()
	del.TimeoutMillis = 5000
	del.Topics = []kmsg.DeleteRecordsRequestTopic{{Topic: "moves", Partitions: []kmsg.DeleteRecordsRequestTopicPartition{{Offset: ended + 1}}}}
	if p := m.at(second).ask(2, del).(*kmsg.DeleteRecordsResponse).Topics[0].Partitions[0]; p.ErrorCode != 0 || p.LowWatermark != ended+1 {
		t.Fatal(codeName(p.ErrorCode), p.LowWatermark)
	}
	if e, end := m.end(second, was); e != was || end != ended+1 {
		t.Errorf("behind the log start, epoch %d ends in epoch %d at %d, expected %d", was, e, end, ended+1)
	}
	if _, h := m.fetch(second, m.id, ended, -1, was); h.code != kerr.OffsetOutOfRange.Code {
		t.Errorf("below the log start: %s", codeName(h.code))
	}
	m.servesNobodyAlone(second, ended+1)
}

// servesNobodyAlone leaves one broker of three: whether it led or followed, it knows no high watermark that it could vouch for, nor
// who leads, and sends its clients away (S13).
func (m *mover) servesNobodyAlone(last *node, offset int64) {
	m.Helper()
	for _, n := range m.c.others(last) {
		n.kill(m.T)
	}
	await(m.T, fmt.Sprintf("broker %d, alone, to send clients away", last.id), func() (bool, string) {
		p, got := m.fetch(last, m.id, offset, -1, -1)
		return got == (hint{kerr.NotLeaderForPartition.Code, -1, -1, ""}) && p.HighWatermark == -1 && len(p.RecordBatches) == 0, fmt.Sprintf("%+v, high watermark %d", got, p.HighWatermark)
	})
}

// namesLeader asks every broker, in versions with and without a place for it, who leads.
func (m *mover) namesLeader(lead *node, epoch int32) {
	m.Helper()
	for _, n := range m.c.others(lead) {
		want := hint{kerr.NotLeaderForPartition.Code, lead.id, epoch, lead.addr}
		await(m.T, fmt.Sprintf("broker %d to name broker %d in epoch %d", n.id, lead.id, epoch), func() (bool, string) {
			got := m.produce(n, 10)
			return got == want, fmt.Sprintf("%+v", got)
		})
		if got := m.produce(n, 13); got != want {
			m.Errorf("broker %d, by id: %+v, expected %+v", n.id, got, want)
		}
		if got := m.produce(n, 9); got != (hint{want.code, -1, -1, ""}) {
			m.Errorf("broker %d, version 9: %+v", n.id, got)
		}
		if _, got := m.fetch(n, m.id, 0, epoch-1, -1); got != (hint{kerr.FencedLeaderEpoch.Code, lead.id, epoch, lead.addr}) {
			m.Errorf("broker %d, a fetch of an older epoch: %+v", n.id, got)
		}
		if _, got := m.fetch(n, m.id, 0, epoch+1, -1); got != (hint{kerr.UnknownLeaderEpoch.Code, -1, -1, ""}) {
			m.Errorf("broker %d, a fetch of a later epoch: %+v", n.id, got)
		}
	}
	if _, got := m.fetch(lead, m.id, 0, epoch-1, -1); got != (hint{kerr.FencedLeaderEpoch.Code, lead.id, epoch, lead.addr}) {
		m.Errorf("the leader, a fetch of an older epoch: %+v", got)
	}
}

// near fetches in a version as a client in a broker's rack, and says what for: whom the client is sent to, whether it got records.
func (m *mover) near(n *node, version int16, rack string) (code int16, to int32, some bool) {
	r := fetchOf("moves", 0)
	r.Rack = rack
	resp, ok := m.at(n).ask(version, r).(*kmsg.FetchResponse)
	if !ok {
		return -1, -1, false
	}
	p := resp.Topics[0].Partitions[0]
	return p.ErrorCode, p.PreferredReadReplica, len(p.RecordBatches) > 0
}

// sendsNear asks the leader for records as clients in one rack or another (KIP-392): they are sent to a broker that has what they
// want, and to none that has gone; and before version 11 no follower serves.
func (m *mover) sendsNear(lead *node) {
	m.Helper()
	follower := m.c.others(lead)[0]
	rack := fmt.Sprintf("rack-%d", follower.id)
	await(m.T, "the leader to send a client to "+rack, func() (bool, string) {
		code, to, some := m.near(lead, 12, rack)
		return code == 0 && to == follower.id && !some, fmt.Sprintln(codeName(code), to, some)
	})
	for _, c := range []struct {
		n       *node
		version int16
		rack    string
		code    int16
	}{
		{lead, 12, fmt.Sprintf("rack-%d", lead.id), 0},
		{lead, 12, "", 0},
		{lead, 12, "nowhere", 0},
		{lead, 10, "", 0},
		{follower, 11, rack, 0},
		{follower, 12, "", 0},
		{follower, 10, "", kerr.NotLeaderForPartition.Code},
	} {
		if code, to, some := m.near(c.n, c.version, c.rack); code != c.code || to != -1 || some != (c.code == 0) {
			m.Errorf("broker %d, version %d, a client in rack %q: %s, sent to %d, records %t", c.n.id, c.version, c.rack, codeName(code), to, some)
		}
	}
	follower.kill(m.T)
	await(m.T, "the leader to serve the clients of a rack that has gone", func() (bool, string) {
		code, to, some := m.near(lead, 12, rack)
		return code == 0 && to == -1 && some, fmt.Sprintln(codeName(code), to, some)
	})
	m.c.startAndServe(m.T, follower)
}

// parts holds where an epoch that is over ended: the same for whom asks, leader or follower.
func (m *mover) parts(lead *node, was, now int32, ended int64) {
	m.Helper()
	if e, end := m.end(lead, was); e != was || end != ended {
		m.Errorf("epoch %d ends in epoch %d at %d, expected %d", was, e, end, ended)
	}
	_, end := m.end(lead, now)
	for _, n := range m.c.nodes {
		await(m.T, fmt.Sprintf("broker %d to have what broker %d has", n.id, lead.id), func() (bool, string) {
			p, h := m.fetch(n, m.id, end-1, -1, -1)
			return h.code == 0 && p.HighWatermark == end && len(p.RecordBatches) > 0, fmt.Sprintf("%s, high watermark %d of %d", codeName(h.code), p.HighWatermark, end)
		})
		p, h := m.fetch(n, m.id, ended+1, -1, was)
		if h.code != 0 || p.DivergingEpoch.Epoch != was || p.DivergingEpoch.EndOffset != ended || len(p.RecordBatches) > 0 {
			m.Errorf("broker %d, whose reader went on in epoch %d: %s, %+v", n.id, was, codeName(h.code), p.DivergingEpoch)
		}
		p, h = m.fetch(n, m.id, ended, -1, was)
		if h.code != 0 || p.DivergingEpoch.Epoch >= 0 || len(p.RecordBatches) == 0 {
			m.Errorf("broker %d, whose reader stopped where epoch %d ended: %s, %+v, %d bytes", n.id, was, codeName(h.code), p.DivergingEpoch, len(p.RecordBatches))
		}
	}
	if p, h := m.fetch(lead, m.id, end+5, -1, now); h.code != 0 || p.DivergingEpoch.Epoch != now || p.DivergingEpoch.EndOffset != end {
		m.Errorf("beyond the end in epoch %d: %s, %+v", now, codeName(h.code), p.DivergingEpoch)
	}
	for _, n := range m.c.others(lead) {
		if p, h := m.fetch(n, m.id, end+5, -1, now); h.code != kerr.OffsetNotAvailable.Code {
			m.Errorf("broker %d follows, asked beyond its end: %s, %+v", n.id, codeName(h.code), p.DivergingEpoch)
		}
	}
}

// at is a connection to the first broker.
func (c *cluster) at(t *testing.T) *asker {
	k := &asker{t: t, addr: c.nodes[0].addr, client: "mover", quiet: true}
	t.Cleanup(k.close)
	return k
}

// Each broker says the same of where partitions are, whichever API is asked; and of its own disk.
func TestPlacesAgree(t *testing.T) {
	t.Parallel()
	c := startCluster(t, "--shards", "2")
	c.createTopic(t, "placed", 4)
	for _, n := range c.nodes {
		k := &asker{t: t, addr: n.addr, client: "places", quiet: true}
		defer k.close()
		await(t, fmt.Sprintf("broker %d to say the same twice", n.id), func() (bool, string) {
			meta := kmsg.NewPtrMetadataRequest()
			name := "placed"
			meta.Topics = []kmsg.MetadataRequestTopic{{Topic: &name}}
			a := k.ask(12, meta).(*kmsg.MetadataResponse).Topics[0]
			b := k.ask(0, partitionsOf(100, name)).(*kmsg.DescribeTopicPartitionsResponse).Topics[0]
			same := len(b.Partitions) == 4 && a.TopicID == b.TopicID
			for i := range b.Partitions {
				p, q := a.Partitions[i], b.Partitions[i]
				same = same && p.ErrorCode == 0 && p.Leader == q.LeaderID && p.LeaderEpoch == q.LeaderEpoch && fmt.Sprint(p.Replicas, p.ISR) == fmt.Sprint(q.Replicas, q.ISR)
			}
			return same, fmt.Sprintf("%+v\n%+v", a, b)
		})
		dirs := kmsg.NewPtrDescribeLogDirsRequest()
		dirs.Topics = nil
		d := k.ask(4, dirs).(*kmsg.DescribeLogDirsResponse).Dirs
		if len(d) != 1 || d[0].Dir != n.data || d[0].TotalBytes <= 0 || d[0].UsableBytes <= 0 || d[0].UsableBytes > d[0].TotalBytes || len(d[0].Topics) != 1 || len(d[0].Topics[0].Partitions) != 4 {
			t.Errorf("broker %d: %+v", n.id, d)
		}
	}
}
