package sim

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"

	"logd/checker"
)

// surveyor asks what administrators ask: how topics are laid out, page by page, and what lies in each broker's directory. Partitions are
// never moved, so what was once said of where one's replicas are stays true, and each replica that the world has seen is there.
type surveyor struct{}

func (surveyor) act(c *client) {
	w := c.w
	if w.phase != phaseStorm || c.inflight > 0 {
		return
	}
	a := request{kind: askDirs, part: -1, node: c.rng.IntN(w.opt.Brokers), version: int16(1 + c.rng.IntN(4))}
	if c.rng.IntN(2) == 0 {
		a.kind, a.version, a.at, a.records = askLayout, 0, c.rng.Int64N(int64(w.partitions())), 1+c.rng.IntN(2*w.partitions())
	}
	c.ask(a)
}

func (surveyor) done(c *client, k *call) { c.soon(c.pause(4 * c.w.opt.Load.Think)) }

// laidOut is what clients were told of the topics' layout.
type laidOut struct {
	ids      [][16]byte // by topic
	replicas [][]int32  // by partition, sorted
}

// inOrder are all partitions in the order of a layout: topics by name.
func (w *World) inOrder() []int {
	parts := make([]int, w.partitions())
	for i := range parts {
		parts[i] = i
	}
	slices.SortStableFunc(parts, func(a, b int) int {
		return cmp.Or(cmp.Compare(w.topic(a), w.topic(b)), a-b)
	})
	return parts
}

// askLayout asks for a page: of so many partitions, from the one at a.at in order on; 0 says no cursor.
func (c *client) askLayout(a request) {
	w := c.w
	k := &call{part: -1, page: w.inOrder()}
	req := kmsg.NewPtrDescribeTopicPartitionsRequest()
	for t := range w.opt.Load.Topics {
		req.Topics = append(req.Topics, kmsg.DescribeTopicPartitionsRequestTopic{Topic: topicNames[t]})
	}
	if req.ResponsePartitionLimit = int32(a.records); a.at > 0 && int(a.at) < len(k.page) {
		k.page = k.page[a.at:]
		cursor := kmsg.NewDescribeTopicPartitionsRequestCursor()
		cursor.Topic, cursor.Partition = w.topic(k.page[0]), int32(k.page[0]%w.opt.Load.Partitions)
		req.Cursor = &cursor
	}
	if k.next = -1; a.records < len(k.page) {
		k.next, k.page = k.page[a.records], k.page[:a.records]
	}
	c.send(a.node, k, req, false)
}

// layout judges a page.
func (c *client) layout(k *call, resp *kmsg.DescribeTopicPartitionsResponse) checker.Outcome {
	w := c.w
	var parts []int
	for i := range resp.Topics {
		t := &resp.Topics[i]
		about := call{line: k.line, key: k.key, sent: k.sent}
		topic := slices.Index(topicNames[:w.opt.Load.Topics], deref(t.Topic))
		if topic < 0 {
			w.violate(BadResponse, "client %d is told of topic %q, which it didn't name", c.number, deref(t.Topic))
			return checker.Failed
		}
		if about.part = topic * w.opt.Load.Partitions; t.ErrorCode != codeNone {
			if k.code = t.ErrorCode; refusalCodes[k.code] == "" {
				w.violate(BadResponse, "broker %d answers error %d to a sound question for the layout of %s", k.line.node+1, k.code, *t.Topic)
			}
			w.refused(&about, k.code, "answers "+refusalCodes[k.code])
			return checker.Failed
		}
		if id := &w.laidOut.ids[topic]; *id == [16]byte{} {
			*id = t.TopicID
		} else if *id != t.TopicID {
			w.violate(BadResponse, "broker %d says that %s has id %x, and it was %x", k.line.node+1, *t.Topic, t.TopicID, *id)
		}
		for j := range t.Partitions {
			p := &t.Partitions[j]
			if p.Partition < 0 || int(p.Partition) >= w.opt.Load.Partitions {
				w.violate(BadResponse, "broker %d tells of %s/%d", k.line.node+1, *t.Topic, p.Partition)
				return checker.Failed
			}
			parts = append(parts, about.part+int(p.Partition))
			w.judgePlace(k, parts[len(parts)-1], p)
		}
	}
	if next := w.cursor(resp.NextCursor); !slices.Equal(parts, k.page) || next != k.next {
		w.violate(BadResponse, "broker %d is asked for the layout of partitions %v, with %d next, and answers for %v, with %d next", k.line.node+1, k.page, k.next, parts, next)
	}
	return checker.OK
}

// cursor is the partition that a cursor names, -1 for none, -2 for one that isn't there.
func (w *World) cursor(at *kmsg.DescribeTopicPartitionsResponseNextCursor) int {
	if at == nil {
		return -1
	}
	topic := slices.Index(topicNames[:w.opt.Load.Topics], at.Topic)
	if topic < 0 || at.Partition < 0 || int(at.Partition) >= w.opt.Load.Partitions {
		return -2
	}
	return topic*w.opt.Load.Partitions + int(at.Partition)
}

// judgePlace judges where a partition is said to be, and who leads it.
func (w *World) judgePlace(k *call, part int, p *kmsg.DescribeTopicPartitionsResponseTopicPartition) {
	replicas, why := slices.Sorted(slices.Values(p.Replicas)), ""
	g, was := w.groupOfPart(part), &w.laidOut.replicas[part]
	if *was == nil {
		*was = replicas
	}
	led, some := leading{node: -1}, false
	if g != nil {
		led, some = g.terms[uint64(p.LeaderEpoch)]
	}
	switch {
	case len(replicas) != w.opt.Load.Replicas || len(slices.Compact(slices.Clone(replicas))) != len(replicas):
		why = fmt.Sprintf("it was made with %d", w.opt.Load.Replicas)
	case !slices.Equal(replicas, *was):
		why = fmt.Sprintf("%v were told before", *was)
	case p.ErrorCode != codeNone && refusalCodes[p.ErrorCode] == "":
		why = fmt.Sprintf("error %d", p.ErrorCode)
	case p.LeaderID >= 0 && !slices.Contains(replicas, p.LeaderID):
		why = fmt.Sprintf("broker %d leads it, which is none of them", p.LeaderID)
	case p.LeaderID >= 0 && (!some || led.node != int(p.LeaderID)-1):
		why = fmt.Sprintf("broker %d leads it in epoch %d, and broker %d did", p.LeaderID, p.LeaderEpoch, led.node+1)
	case slices.ContainsFunc(p.ISR, func(id int32) bool { return !slices.Contains(replicas, id) }):
		why = fmt.Sprintf("%v of them are in sync", p.ISR)
	}
	for i := 0; g != nil && i < len(g.replicas) && why == ""; i++ {
		if g.replicas[i].id != 0 && !slices.Contains(replicas, int32(i+1)) {
			why = fmt.Sprintf("broker %d has one", i+1)
		}
	}
	if why != "" {
		w.violate(BadResponse, "broker %d says that %s has replicas on brokers %v; %s", k.line.node+1, w.partName(part), replicas, gist(why))
	}
}

// askDirs asks what lies in a broker's directory, and notes what does.
func (c *client) askDirs(a request) {
	w, n := c.w, c.w.nodes[a.node]
	k := &call{part: -1}
	if n.proc != nil {
		k.boot = n.proc.boot
		for part := range w.partitions() {
			if g := w.groupOfPart(part); g != nil && g.replicas[n.index].live {
				held := heldReplica{part: part}
				if r := &g.replicas[n.index]; r.condition.whole() {
					held.end = r.highWatermark
				}
				k.held = append(k.held, held)
			}
		}
	}
	req := kmsg.NewPtrDescribeLogDirsRequest()
	req.SetVersion(a.version)
	c.send(a.node, k, req, false)
}

// heldReplica is a replica that a broker had when it was asked.
type heldReplica struct {
	part int
	end  int64 // of its records, if it was whole
}

// dirs judges what a broker says of its directory.
func (c *client) dirs(k *call, resp *kmsg.DescribeLogDirsResponse) checker.Outcome {
	w, n := c.w, k.line.node
	if k.code = resp.ErrorCode; k.code == codeNone && len(resp.Dirs) == 1 {
		k.code = resp.Dirs[0].ErrorCode
	}
	if k.code != codeNone || len(resp.Dirs) != 1 {
		w.violate(BadResponse, "broker %d answers error %d, with %d directories, to a sound question for what lies there", n+1, k.code, len(resp.Dirs))
		return checker.Failed
	}
	d := &resp.Dirs[0]
	sizes, why := map[int]int64{}, ""
	for _, t := range d.Topics {
		topic := slices.Index(topicNames[:w.opt.Load.Topics], t.Topic)
		for _, p := range t.Partitions {
			part := topic*w.opt.Load.Partitions + int(p.Partition)
			switch g := w.groupOfPart(max(0, part)); {
			case p.Size < 0 || p.OffsetLag < 0 || p.IsFuture:
				why = fmt.Sprintf("%s/%d has %d bytes, lags by %d, is to come: %t", t.Topic, p.Partition, p.Size, p.OffsetLag, p.IsFuture)
			case topic < 0:
			case p.Partition < 0 || int(p.Partition) >= w.opt.Load.Partitions || g == nil || g.replicas[n].id == 0:
				why = fmt.Sprintf("%s/%d is there, and never was", t.Topic, p.Partition)
			default:
				if _, twice := sizes[part]; twice {
					why = w.partName(part) + " is there twice"
				}
				sizes[part] = p.Size
			}
		}
	}
	lives := w.nodes[n].proc != nil && w.nodes[n].proc.boot == k.boot
	for _, l := range k.held {
		if size, there := sizes[l.part]; there && size == 0 && l.end > w.groupOfPart(l.part).start {
			why = w.partName(l.part) + " has records, and no bytes"
		} else if !there && lives && w.now-k.sent < w.opt.Limits.AdminWait {
			about := call{line: k.line, key: k.key, sent: k.sent, part: l.part}
			w.refused(&about, codeUnknownTopic, "leaves out a replica that is in its directory") // it may not know of the topic yet, or again
		}
	}
	if d.UsableBytes > d.TotalBytes {
		why = fmt.Sprintf("%d of %d bytes are usable", d.UsableBytes, d.TotalBytes)
	}
	if why != "" {
		w.violate(BadResponse, "broker %d says what lies in its directory: %s", n+1, gist(why))
	}
	return checker.OK
}
