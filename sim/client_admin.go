package sim

import (
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Kafka's error codes, as far as clients here tell them apart.
const (
	codeNone             = 0
	codeOutOfRange       = 1
	codeCorrupt          = 2
	codeUnknownTopic     = 3
	codeNoLeader         = 5
	codeNotLeader        = 6
	codeTimedOut         = 7
	codeTooLarge         = 10
	codeLoading          = 14
	codeNotEnough        = 19
	codeNotEnoughAfter   = 20
	codeBadAcks          = 21
	codeUnsupported      = 35
	codeTopicExists      = 36
	codeNotController    = 41
	codeBadTimestamp     = 32
	codeInvalidRequest   = 42
	codeUnsupportedByLog = 43
	codeSequence         = 45
	codeProducerEpoch    = 47
	codeStorage          = 56
	codeFencedEpoch      = 74
	codeUnknownEpoch     = 75
	codeNotYet           = 78
	codeBadRecord        = 87
	codeUnknownID        = 100
	codeInconsistentTop  = 103
)

// askMetadata asks some broker who leads; one question at a time.
func (c *client) askMetadata() {
	if c.asking {
		return
	}
	c.asking = true
	version := int16(c.rng.IntN(14))
	c.ask(request{kind: askMetadata, part: -1, version: version, node: c.rng.IntN(c.w.opt.Brokers)})
}

func (c *client) askLeaders(a request) {
	req := &c.w.leaders
	for i := len(req.Topics); i < c.w.opt.Load.Topics; i++ {
		t := kmsg.NewMetadataRequestTopic()
		t.Topic = kmsg.StringPtr(topicNames[i])
		req.Topics = append(req.Topics, t)
	}
	req.SetVersion(a.version)
	c.send(a.node, &call{part: -1}, req, false)
}

func (c *client) metadata(k *call, resp *kmsg.MetadataResponse) {
	for _, t := range resp.Topics {
		c.w.judgeMetadata(k, &t)
		if t.Topic == nil || t.ErrorCode != codeNone {
			continue
		}
		for i := range c.w.opt.Load.Topics {
			if topicNames[i] != *t.Topic {
				continue
			}
			if resp.Version >= 10 {
				c.ids[i] = t.TopicID
			}
			for _, p := range t.Partitions {
				if part := int(p.Partition); part >= 0 && part < c.w.opt.Load.Partitions {
					c.w.judgeLeader(k, i*c.w.opt.Load.Partitions+part, p.ErrorCode, p.Leader, p.LeaderEpoch)
					c.learn(i*c.w.opt.Load.Partitions+part, p.ErrorCode, p.Leader, p.LeaderEpoch)
				}
			}
		}
	}
}

func (c *client) learn(part int, code int16, leader, epoch int32) {
	c.leaders[part], c.epochs[part] = -1, max(c.epochs[part], epoch)
	if n := c.w.node(leader); code == codeNone && n != nil {
		c.leaders[part] = n.index
	}
}

// creator makes the topics, then lets the world begin.
type creator struct{ made bool }

func (r *creator) act(c *client) {
	w := c.w
	if !r.made {
		req := kmsg.NewPtrCreateTopicsRequest()
		req.SetVersion(int16(2 + c.rng.IntN(6)))
		req.TimeoutMillis = 1000
		for i := range w.opt.Load.Topics {
			t := kmsg.NewCreateTopicsRequestTopic()
			t.Topic, t.NumPartitions, t.ReplicationFactor = topicNames[i], int32(w.opt.Load.Partitions), int16(w.opt.Load.Replicas)
			if w.retains(i * w.opt.Load.Partitions) {
				limit := kmsg.NewCreateTopicsRequestTopicConfig()
				limit.Name, limit.Value = "retention.bytes", kmsg.StringPtr(fmt.Sprint(w.opt.Load.Retention))
				t.Configs = append(t.Configs, limit)
			}
			req.Topics = append(req.Topics, t)
		}
		c.send(c.rng.IntN(w.opt.Brokers), &call{part: -1}, req, false)
		return
	}
	for _, leader := range c.leaders {
		if leader < 0 {
			c.askMetadata()
			return
		}
	}
	c.over = true
	w.storm()
}

func (r *creator) done(c *client, k *call) { c.soon(c.pause(50 * time.Millisecond)) }

func (c *client) created(resp *kmsg.CreateTopicsResponse, k *call) {
	good := len(resp.Topics) == c.w.opt.Load.Topics
	for _, t := range resp.Topics {
		if k.code = t.ErrorCode; t.ErrorCode != codeNone && t.ErrorCode != codeTopicExists {
			good = false
		}
	}
	if r, ok := c.role.(*creator); ok && good {
		r.made = true
	}
}
