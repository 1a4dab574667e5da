package broker

import (
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// maxDescribed bounds the partitions of a response (Kafka's max.request.partition.size.limit); the client asks on by the cursor.
const maxDescribed = 2000

// describeTopicPartitions answers as Kafka 4.1's DescribeTopicPartitionsRequestHandler and KRaftMetadataCache.describeTopicResponse:
// topics by rising name, from the cursor's on, until there is no room for more partitions; then the next cursor says where to
// go on. All topics are meant if none is named, and then one that went away is left out. A partition without a leader has
// leader -1 and no error.
func describeTopicPartitions(m *Meta, lead leaders, req *kmsg.DescribeTopicPartitionsRequest) *kmsg.DescribeTopicPartitionsResponse {
	resp := kmsg.NewPtrDescribeTopicPartitionsResponse()
	resp.Topics = []kmsg.DescribeTopicPartitionsResponseTopic{}
	from, first := "", int32(0)
	if req.Cursor != nil {
		from, first = req.Cursor.Topic, req.Cursor.Partition
	}
	var names []string
	if len(req.Topics) == 0 {
		for _, t := range m.byName {
			names = append(names, t.Name)
		}
	}
	for _, t := range req.Topics {
		names = append(names, t.Topic)
	}
	named := len(req.Topics) > 0
	if req.Cursor != nil && (first < 0 || named && !slices.Contains(names, from)) {
		for _, name := range names[:len(req.Topics)] { // DescribeTopicPartitionsRequest.getErrorResponse: all that were named, as they were
			resp.Topics = append(resp.Topics, describedTopic(name, errBadRequest))
		}
		return resp
	}
	slices.Sort(names)
	names = slices.DeleteFunc(slices.Compact(names), func(name string) bool { return strings.Compare(name, from) < 0 })
	left := max(1, min(maxDescribed, req.ResponsePartitionLimit))
	for _, name := range names {
		if left == 0 { // the one before was the last that had room, whole
			resp.NextCursor = &kmsg.DescribeTopicPartitionsResponseNextCursor{Topic: name}
			break
		}
		t := m.TopicByName(name)
		if t == nil {
			code := errUnknownTopic
			if checkTopicName(name).is() {
				code = errBadTopic
			}
			resp.Topics = append(resp.Topics, describedTopic(name, code))
			continue
		}
		at := int32(0)
		if name == from {
			at = first
		}
		row, next := describedPartitions(m, lead, t, at, left)
		resp.Topics = append(resp.Topics, row)
		if next < int32(len(t.Partitions)) {
			resp.NextCursor = &kmsg.DescribeTopicPartitionsResponseNextCursor{Topic: name, Partition: next}
			break
		}
		left -= int32(len(row.Partitions))
	}
	return resp
}

func describedTopic(name string, code int16) kmsg.DescribeTopicPartitionsResponseTopic {
	row := kmsg.NewDescribeTopicPartitionsResponseTopic()
	row.Topic, row.ErrorCode, row.IsInternal = &name, code, internalTopic(name)
	row.Partitions = []kmsg.DescribeTopicPartitionsResponseTopicPartition{}
	return row
}

// describedPartitions describes at most so many partitions of a topic, from one on, and says which is next.
func describedPartitions(m *Meta, lead leaders, t *Topic, from, most int32) (kmsg.DescribeTopicPartitionsResponseTopic, int32) {
	row := describedTopic(t.Name, errNone)
	row.TopicID = t.ID
	end := int32(len(t.Partitions))
	from = min(from, end)
	to := from + min(most, end-from)
	for n := from; n < to; n++ {
		out := kmsg.NewDescribeTopicPartitionsResponseTopicPartition()
		out.Partition = n
		out.LeaderID, out.LeaderEpoch, _ = reachable(m, lead, t.Partitions[n].Group)
		for _, r := range t.Partitions[n].Replicas {
			out.Replicas = append(out.Replicas, r.Broker)
		}
		out.ISR = out.Replicas // see metadataAnswer.addTopic
		out.EligibleLeaderReplicas, out.LastKnownELR, out.OfflineReplicas = []int32{}, []int32{}, []int32{}
		row.Partitions = append(row.Partitions, out)
	}
	return row, to
}
