package sim

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"

	"logd/checker"
	"logd/log"
)

// A reader that finds another leader than before asks it where the epoch ends that it read last, before it reads on, as the Java client
// does (KIP-320, SubscriptionState.maybeValidatePositionForCurrentLeader). Were that before its position, it would take its log for one
// that was cut, and go back or reset. What anybody reads is committed, so that must never be. A client's position is the first of these
// that it is told:
//
//	epoch      │ 4   4   4   │ 6   6 │ 7
//	offset                 │ position: next to be read, behind a batch of epoch 4
//	                         │ where 4 ends: at or behind the position, at or before the first record of a later epoch
//
// The truth is what clients have read: where each epoch's records were seen to lie. It holds for ever, but below the log start.

// epochSeen is where records of one leader epoch were read.
type epochSeen struct{ from, to int64 }

// epochsRead notes the epochs of a partition's batches, and returns the last one.
func (v *views) epochsRead(part int, batches []byte) (last lastRead) {
	for len(batches) > 0 {
		b, n, err := log.ParseBatch(batches)
		if err != nil {
			break // it is cut
		}
		seen, ok := v.epochs[part][b.LeaderEpoch]
		if !ok {
			seen.from = b.BaseOffset
		}
		v.epochs[part][b.LeaderEpoch] = epochSeen{min(seen.from, b.BaseOffset), max(seen.to, b.NextOffset())}
		last, batches = lastRead{b.NextOffset(), b.LeaderEpoch}, batches[n:]
	}
	return last
}

// above returns the first offset that was read of an epoch later than one; -1 if there is none.
func (v *views) above(part int, epoch int32) int64 {
	first := int64(-1)
	for e, seen := range v.epochs[part] { // order: the least of them all
		if e > epoch && (first < 0 || seen.from < first) {
			first = seen.from
		}
	}
	return first
}

// moved tells whether a reader at an offset has to ask whether that is still a place in the log.
func (c *client) moved(part int, at int64) bool {
	return at > 0 && c.last[part].next == at && c.leaders[part] >= 0 && c.leaders[part] != c.asked[part]
}

func (c *client) epochEnd(node, part int) {
	c.ask(request{kind: askEpoch, node: node, part: part, at: c.last[part].next, version: int16(2 + c.rng.IntN(3))})
}

func (c *client) askEpoch(a request) {
	w := c.w
	k := &call{part: a.part, stands: c.last[a.part], current: c.epochs[a.part], reached: w.views.epochs[a.part][c.last[a.part].epoch].to}
	req := kmsg.NewPtrOffsetForLeaderEpochRequest()
	req.SetVersion(a.version)
	req.ReplicaID = -1
	p := kmsg.NewOffsetForLeaderEpochRequestTopicPartition()
	p.Partition, p.CurrentLeaderEpoch, p.LeaderEpoch = int32(a.part%w.opt.Load.Partitions), k.current, k.stands.epoch
	req.Topics = []kmsg.OffsetForLeaderEpochRequestTopic{{Topic: w.topic(a.part), Partitions: []kmsg.OffsetForLeaderEpochRequestTopicPartition{p}}}
	c.send(a.node, k, req, false)
}

// mayAsk refuses to ask from where the client doesn't stand.
func (a request) mayAsk(c *client) error {
	if last := c.last[a.part]; last.next != a.at || a.at == 0 {
		return fmt.Errorf("client %d stands at offset %d of %s", c.number, last.next, c.w.partName(a.part))
	}
	return nil
}

// toldEnd judges where an epoch is said to end.
func (c *client) toldEnd(k *call, resp *kmsg.OffsetForLeaderEpochResponse) checker.Outcome {
	w := c.w
	if len(resp.Topics) != 1 || len(resp.Topics[0].Partitions) != 1 || resp.Topics[0].Topic != w.topic(k.part) {
		w.violate(BadResponse, "client %d: an epoch's end in one partition is answered for %d topics", c.number, len(resp.Topics))
		return checker.Failed
	}
	p := &resp.Topics[0].Partitions[0]
	if k.code = p.ErrorCode; k.code == codeFencedEpoch || k.code == codeUnknownEpoch {
		c.otherEpoch(k)
	}
	if k.code != codeNone {
		return checker.Failed
	}
	c.asked[k.part] = k.line.node
	above, start := w.views.above(k.part, k.stands.epoch), int64(0)
	if g := w.groupOfPart(k.part); g != nil {
		start = g.start
	}
	say := ""
	switch {
	case p.LeaderEpoch != k.stands.epoch:
		say = fmt.Sprintf("read last at epoch %d", k.stands.epoch)
	case p.EndOffset < k.stands.next:
		say = fmt.Sprintf("has read up to %d", k.stands.next)
	case p.EndOffset < k.reached:
		say = fmt.Sprintf("asked when records of it up to %d had been read", k.reached)
	case above >= 0 && p.EndOffset > max(above, start):
		say = fmt.Sprintf("could know that a record of a later epoch is at %d; the log starts at %d", above, start)
	default:
		w.markLoad(MarkEpochAsked)
		return checker.OK
	}
	w.violate(EpochEnd, "client %d, %s: broker %d says that epoch %d ends at %d; the client %s (KIP-320, G4)",
		c.number, w.partName(k.part), k.line.node+1, p.LeaderEpoch, p.EndOffset, gist(say))
	return checker.Failed
}

// otherEpoch judges a refusal for the leader epoch that the client was told: a later one there was, or this broker can't have heard of it.
func (c *client) otherEpoch(k *call) {
	g := c.w.groupOfPart(k.part)
	if k.code == codeFencedEpoch && int64(g.term) <= int64(k.current) {
		c.w.violate(EpochEnd, "client %d, %s: broker %d says that leader epoch %d is over, and no leader was elected in a later one",
			c.number, g.name, k.line.node+1, k.current)
	}
	if k.code == codeUnknownEpoch && g.leader == k.line.node && g.since < k.sent && int64(g.term) >= int64(k.current) {
		c.w.violate(EpochEnd, "client %d, %s: broker %d says that leader epoch %d is to come; it leads in term %d since %v",
			c.number, g.name, k.line.node+1, k.current, g.term, g.since)
	}
}
