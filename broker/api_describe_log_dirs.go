package broker

import "github.com/twmb/franz-go/pkg/kmsg"

// dirCall asks how much of the disk one replica takes, leader or not.
type dirCall struct{}

// dirShare answers it.
type dirShare struct {
	here bool
	size int64 // bytes: in segments, and on the way there
}

func (dirCall) run(s *Shard, p *partition, o origin) {
	a := dirShare{here: p != nil}
	if a.here {
		a.size = int64(p.g.Unsegmented())
		for _, g := range s.store.SegmentInfo(p.group) {
			a.size += g.Size
		}
	}
	s.answer(o, a)
}

// describeLogDirs answers for this broker's replicas, as Kafka's ReplicaManager.describeLogDirs: a broker has one data directory,
// and what isn't there, or isn't here, is left out. The metadata group isn't listed, nor is Kafka's. A replica's lag is that of
// its log behind its own high watermark, which here is never ahead of it.
func (s *Shard) describeLogDirs(r *request, req *kmsg.DescribeLogDirsRequest) {
	wanted := map[fetchKey]bool{}
	for _, t := range req.Topics {
		for _, n := range t.Partitions {
			wanted[fetchKey{topic: t.Topic, part: n}] = true
		}
	}
	var rows []fetchKey
	for _, t := range s.meta.byName {
		for n := range t.Partitions {
			if _, here := t.Partitions[n].On(s.cfg.Broker); here && (req.Topics == nil || wanted[fetchKey{topic: t.Name, part: int32(n)}]) {
				rows = append(rows, fetchKey{topic: t.Name, part: int32(n)})
			}
		}
	}
	r.expect(len(rows)+1, func() { s.respondLogDirs(r, rows) })
	for k, row := range rows {
		group, _ := groupOf(s.meta.TopicByName(row.topic), row.part)
		s.call(r, k, group, dirCall{})
	}
	s.deadline(r, s.cfg.Limits.AdminWait)
	s.answered(origin{id: r.id, part: len(rows)}, dirShare{})
}

func (s *Shard) respondLogDirs(r *request, rows []fetchKey) {
	resp := kmsg.NewPtrDescribeLogDirsResponse()
	dir := kmsg.NewDescribeLogDirsResponseDir()
	dir.Dir, dir.Topics = s.cfg.Dir, []kmsg.DescribeLogDirsResponseDirTopic{}
	if s.room.Total > 0 {
		dir.TotalBytes, dir.UsableBytes = s.room.Total, s.room.Free
	}
	for k, row := range rows {
		a, _ := r.parts[k].(dirShare)
		if !a.here {
			continue
		}
		if n := len(dir.Topics); n == 0 || dir.Topics[n-1].Topic != row.topic {
			t := kmsg.NewDescribeLogDirsResponseDirTopic()
			t.Topic = row.topic
			dir.Topics = append(dir.Topics, t)
		}
		p := kmsg.NewDescribeLogDirsResponseDirTopicPartition()
		p.Partition, p.Size = row.part, a.size
		t := &dir.Topics[len(dir.Topics)-1]
		t.Partitions = append(t.Partitions, p)
	}
	resp.Dirs = []kmsg.DescribeLogDirsResponseDir{dir}
	s.respond(r, resp)
}
