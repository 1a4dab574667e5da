package sim

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"

	"logd/checker"
)

// met takes an answer about a fleeting topic.
func (c *client) met(k *call) checker.Outcome {
	outcome := checker.OK
	switch resp := k.resp.(type) {
	case *kmsg.CreateTopicsResponse:
		c.metCreated(k, &resp.Topics[0])
	case *kmsg.DeleteTopicsResponse:
		c.metDeleted(k, &resp.Topics[0])
	case *kmsg.MetadataResponse:
		c.metTopic(k, resp)
	case *kmsg.ProduceResponse:
		outcome = c.metAppended(k, &resp.Topics[0].Partitions[0])
	case *kmsg.FetchResponse:
		outcome = c.metRead(k, resp)
	case *kmsg.ListOffsetsResponse:
		outcome = c.metEnd(k, &resp.Topics[0].Partitions[0])
	}
	c.w.foreign(k)
	switch k.code {
	case codeNone, codeOutOfRange:
	default:
		if know := c.knows(k.topic - 1); k.index < len(know.leaders) {
			know.leaders[k.index] = -1
		}
		if what := refusalCodes[k.code]; what != "" {
			c.w.topics.judgeRefusal(k, "answers "+what)
		}
	}
	return outcome
}

// unproposed are the answers to a change that prove that it was not proposed.
var unproposed = []int16{codeNotController, codeNotLeader, codeNoLeader, codeNotEnough}

func (c *client) metCreated(k *call, row *kmsg.CreateTopicsResponseTopic) {
	t, topic, h := c.w.topics, k.topic-1, k.change
	switch k.code = row.ErrorCode; {
	case k.code == codeNone:
		t.ends(h, true, true)
		t.created(topic, h, row.TopicID)
		c.w.count[CountTopicsMade]++
	case k.code == codeTopicExists:
		k.code = codeNone
		t.ends(h, true, false)
		t.taken(topic, h)
	case k.code == codeTimedOut:
		t.ends(h, false, false)
	case slices.Contains(unproposed, k.code):
		t.ends(h, true, false)
	default:
		c.w.violate(BadResponse, "client %d: a creation of %s is refused with code %d: %s", c.number, row.Topic, kept(k.code), gist(deref(row.ErrorMessage)))
	}
	c.knows(topic).life = nil
}

func (c *client) metDeleted(k *call, row *kmsg.DeleteTopicsResponseTopic) {
	t, topic, h := c.w.topics, k.topic-1, k.change
	switch k.code = row.ErrorCode; {
	case k.code == codeNone:
		t.ends(h, true, true)
		t.deleted(topic, h, row.TopicID)
		c.w.count[CountTopicsDeleted]++
	case k.code == codeUnknownTopic || k.code == codeUnknownID:
		k.code = codeNone
		t.ends(h, true, false)
		t.missing(topic, h)
	case k.code == codeTimedOut:
		t.ends(h, false, false)
	case slices.Contains(unproposed, k.code):
		t.ends(h, true, false)
	default:
		c.w.violate(BadResponse, "client %d: a deletion of %s is refused with code %d: %s", c.number, fleetingNames[topic], kept(k.code), gist(deref(row.ErrorMessage)))
	}
	c.knows(topic).life = nil
}

func (c *client) metTopic(k *call, resp *kmsg.MetadataResponse) {
	topic, know := k.topic-1, c.knows(k.topic-1)
	*know = acquaintance{}
	for _, row := range resp.Topics {
		if k.code = row.ErrorCode; k.code != codeNone {
			continue
		}
		if resp.Version >= 10 {
			know.life = c.w.topics.lifeOf(topic, row.TopicID)
			know.life.parts = len(row.Partitions)
			c.w.topics.told(k, know.life)
		}
		for _, p := range row.Partitions {
			for len(know.leaders) <= int(p.Partition) {
				know.leaders = append(know.leaders, -1)
			}
			if n := c.w.node(p.Leader); p.ErrorCode == codeNone && n != nil {
				know.leaders[p.Partition] = n.index
			}
		}
	}
}

func (c *client) metAppended(k *call, p *kmsg.ProduceResponseTopicPartition) checker.Outcome {
	switch k.code = p.ErrorCode; {
	case k.code == codeNone:
		k.op.Off = p.BaseOffset
		if k.life = c.w.topics.lifeOfAnswer(k); k.life != nil {
			k.life.acknowledged(c.w, k, p.BaseOffset+int64(len(k.op.Values)))
		}
		return checker.OK
	case slices.Contains(refusals, k.code):
		return checker.Failed
	case slices.Contains(impossible, k.code):
		c.w.violate(BadResponse, "client %d: a sound batch for %s is refused with code %d", c.number, labelled(k.topic-1, k.index), kept(k.code))
	}
	return checker.Unknown
}

// acknowledged: some replica must have applied it.
func (l *life) acknowledged(w *World, k *call, end int64) {
	if g := l.group(k.index); g != nil && g.end < end {
		w.violate(NotOnMajority, "%s: offset %d is acknowledged, and no replica's high watermark was ever above %d", g.named(), end-1, g.end)
	}
	l.seen(k.index, end)
}

func (c *client) metRead(k *call, resp *kmsg.FetchResponse) checker.Outcome {
	if k.code = resp.ErrorCode; k.code != codeNone {
		return checker.Failed
	}
	p := &resp.Topics[0].Partitions[0]
	if k.code = p.ErrorCode; k.code == codeOutOfRange && k.life != nil {
		if g := k.life.group(k.index); g == nil || k.op.From >= g.start {
			c.w.violate(BadResponse, "client %d: offset %d of %s is out of range (S13); %d were known when it was asked", c.number, k.op.From, labelledLife(k.life, k.index), k.life.length(k.index))
		}
	}
	if k.code != codeNone {
		return checker.Failed
	}
	if len(p.RecordBatches) == 0 && p.HighWatermark < 0 { // time was up before the partition's shard had answered: it says nothing of any log
		return checker.OK
	}
	k.life = c.w.topics.lifeOfAnswer(k)
	err := decodeBatches(p.RecordBatches, func(off int64, value []byte) {
		if off >= k.op.From {
			k.op.Values, k.op.Offs = append(k.op.Values, nameOf(value)), append(k.op.Offs, off)
		}
	})
	if err != nil {
		c.w.violate(BadResponse, "client %d: fetch of %s from %d: %v", c.number, labelled(k.topic-1, k.index), k.op.From, gist(err))
		return checker.Failed
	}
	if n := len(k.op.Offs); n > 0 && k.life != nil {
		k.life.seen(k.index, k.op.Offs[n-1]+1)
	}
	return checker.OK
}

func (c *client) metEnd(k *call, p *kmsg.ListOffsetsResponseTopicPartition) checker.Outcome {
	if k.code = p.ErrorCode; k.code != codeNone {
		return checker.Failed
	}
	k.op.Off, k.start, k.answered = p.Offset, p.Offset, true
	if k.life = c.w.topics.lifeOfAnswer(k); k.life != nil {
		k.life.seen(k.index, p.Offset)
	}
	return checker.OK
}
