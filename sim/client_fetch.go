package sim

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// rackOf is the number of the rack that a broker stands in; 0 if it doesn't say.
func (w *World) rackOf(node int) int {
	if w.opt.Load.Racks == 0 {
		return 0
	}
	return 1 + node%w.opt.Load.Racks
}

func rackName(rack int) string {
	if rack == 0 {
		return ""
	}
	return fmt.Sprintf("rack-%d", rack)
}

// fetchSession is what a client and a broker have agreed on over one connection (KIP-227): the one partition that it reads.
// Its zero value is none.
type fetchSession struct {
	id    int32
	epoch int32 // of the next request
	byID  bool
	topic kmsg.FetchRequestForgottenTopic
}

// session is the one of the connection to a broker; of one that isn't there yet, an empty one.
func (c *client) session(node int) *fetchSession {
	if l := c.lines[node]; l != nil {
		return &l.session
	}
	return &fetchSession{}
}

// asks makes a request for one partition one of the session, or of a new one.
func (f *fetchSession) asks(req *kmsg.FetchRequest) {
	t := req.Topics[0]
	now := kmsg.FetchRequestForgottenTopic{Topic: t.Topic, Partitions: []int32{t.Partitions[0].Partition}}
	if req.Version >= 13 {
		now.Topic, now.TopicID = "", t.TopicID
	}
	req.SessionID, req.SessionEpoch = f.id, 0
	if f.id != 0 && f.byID == (req.Version >= 13) {
		req.SessionEpoch = f.epoch
		if f.topic.Topic != now.Topic || f.topic.TopicID != now.TopicID || f.topic.Partitions[0] != now.Partitions[0] {
			req.ForgottenTopics = append(req.ForgottenTopics, f.topic)
		}
	}
	f.epoch, f.byID, f.topic = req.SessionEpoch+1, req.Version >= 13, now
}

// answered notes what became of the session.
func (f *fetchSession) answered(resp *kmsg.FetchResponse) {
	if f.topic.Partitions == nil { // the connection is new: its first request was asked of no session
		return
	}
	if f.id = resp.SessionID; resp.ErrorCode != codeNone {
		*f = fetchSession{}
	}
}

// sentNear takes the word of a leader that another broker, of the client's rack, has what it wants.
func (c *client) sentNear(k *call, p *kmsg.FetchResponseTopicPartition) bool {
	node := int(p.PreferredReadReplica) - 1
	if node < 0 || node >= len(c.w.nodes) || c.w.rackOf(node) != k.rack || node == k.line.node || len(p.RecordBatches) > 0 {
		c.w.violate(BadResponse, "client %d, of rack %d, is sent from broker %d to %d with %d bytes", c.number, k.rack, k.line.node+1, p.PreferredReadReplica, len(p.RecordBatches))
		return false
	}
	c.near[k.part] = node
	c.w.markLoad(MarkSentNear)
	return true
}

// fetchIn is a story's fetch: by a client that says in which rack it is, it goes to where the leader sends it.
func (c *client) fetchIn(rack, node, part int, from int64) {
	if rack == 0 {
		c.fetch(node, part, from)
		return
	}
	if near := c.near[part]; near >= 0 && c.w.rackOf(near) == rack {
		node = near
	}
	c.ask(request{kind: askRead, node: node, part: part, at: from, version: 12, most: 1 << 16, mostOf: 1 << 16, rack: rack})
}

// lastRead is where a client stands in a partition: the next offset, and the leader epoch of the batch before it (KIP-320).
type lastRead struct {
	next  int64
	epoch int32
}
