package sim

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"logd/checker"
)

// newestOffset is ListOffsets' timestamp for the record with the highest one (KIP-734), known since version 7.
const newestOffset = -3

// byTime asks for the offset of a time, or of the newest record.
func (c *client) byTime(node, part int) {
	a := request{kind: askTime, node: node, part: part, at: c.w.stamps.some(part, c.rng.IntN), version: c.listVersion()}
	if c.rng.IntN(3) == 0 {
		a.kind, a.at, a.version = askNewest, 0, int16(7+c.rng.IntN(4))
	}
	c.ask(a)
}

func (c *client) askTime(a request) {
	k := &call{part: a.part, byTime: true, stamp: a.at, newest: a.kind == askNewest}
	which := epoch + a.at
	if k.newest {
		which = newestOffset
	}
	c.send(a.node, k, c.listOffsets(a, which), false)
}

// foundByTime judges an answer.
func (c *client) foundByTime(k *call, p *kmsg.ListOffsetsResponseTopicPartition) checker.Outcome {
	w, is := c.w, found{p.Offset, p.Timestamp - epoch}
	w.count[CountByTime]++
	why, by := w.stamps.judge(k.part, k.stamp, k.newest, k.sent, is)
	switch {
	case why == "":
	case k.newest:
		w.violate(WrongTime, "client %d: the newest record of %s is said to be at offset %d, time %d, %s: offset %d, time %d", c.number, w.partName(k.part), is.off, is.stamp, why, by.off, by.stamp)
	default:
		w.violate(WrongTime, "client %d: the first record of %s of time %d or later is said to be at offset %d, time %d, %s: offset %d, time %d",
			c.number, w.partName(k.part), k.stamp, is.off, is.stamp, why, by.off, by.stamp)
	}
	return checker.OK
}
